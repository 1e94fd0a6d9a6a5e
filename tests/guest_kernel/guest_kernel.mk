# The patched guest kernel: where it boots, and how small.  Building it takes
# ten minutes, so this is not part of "make test".

$(BUILD)/tests/guest_kernel-memory: tests/guest_kernel/memory.c
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -static -pthread -o $@ $<

GUEST_KERNEL_NEEDS := $(BUILD)/parapet images guest-kernel \
	$(BUILD)/tests/guest_kernel-memory $(addprefix $(BUILD)/bin/,parapet \
	parapetd parapet-stored parapet-store parapet-blkback \
	parapet-consoled parapet-netback)

test-guest-kernel: $(GUEST_KERNEL_NEEDS)
	tests/run -v tests/guest_kernel/guest_kernel.py@1500

density-patched: $(GUEST_KERNEL_NEEDS)
	tests/run -v tests/guest_kernel/many_patched.py@700

.PHONY: test-guest-kernel density-patched
