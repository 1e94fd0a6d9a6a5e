# Test kernels: each folder but lib/ is one, booted by tests/guest/run-guest.

GUEST_TESTS := $(filter-out lib,$(patsubst tests/guest/%/main.c,%,\
	$(wildcard tests/guest/*/main.c)))

GUEST_CFLAGS := -std=gnu11 -O2 -g $(WARN) -ffreestanding -fno-pic \
	-mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fcf-protection=none \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-common \
	-fno-builtin -Wno-missing-field-initializers -I. -Ihypercall/include -MMD -MP
GUEST_LDS := tests/guest/lib/guest.lds
GUEST_LIB := $(patsubst tests/guest/lib/%,$(BUILD)/guest/lib/%.o,\
	$(wildcard tests/guest/lib/*.[cS]))

$(BUILD)/guest/%.c.o: tests/guest/%.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BUILD)/guest/%.S.o: tests/guest/%.S
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -Wa,--noexecstack -c -o $@ $<

# All sources of a test's folder; the kernel's name is the folder's.
define GUEST_KERNEL
$(BUILD)/guest/$(1)/kernel: $(patsubst tests/guest/%,$(BUILD)/guest/%.o,\
		$(wildcard tests/guest/$(1)/*.[cS])) $(GUEST_LIB) $(GUEST_LDS)
	$$(LD) -nostdlib -static -z max-page-size=4096 -z noexecstack \
		--no-warn-rwx-segments --build-id=none -T $(GUEST_LDS) -o $$@ \
		$$(filter %.o,$$^)
endef
$(foreach t,$(GUEST_TESTS),$(eval $(call GUEST_KERNEL,$(t))))

GUEST_KERNELS := $(GUEST_TESTS:%=$(BUILD)/guest/%/kernel)
# These ask what a kernel sees of the hypervisor.
GUEST_APART := readonly sibling scribble
GUEST_SHARED := $(filter-out $(GUEST_APART),$(GUEST_TESTS))
GUEST_RUNS := $(GUEST_TESTS:%=$(BUILD)/guest/%/run) \
	$(GUEST_SHARED:%=$(BUILD)/guest/%/run-shared) \
	$(BUILD)/guest/doors/run-clang

# What tests/run starts: the kernel under the hypervisor; run-shared: with the
# hypervisor in its page tables; run-clang: under the one that clang builds for
# lint.
define GUEST_RUN
	@printf '#!/bin/sh\nexec tests/guest/run-guest %s %s\n' '$(1)' $< >$@
	@chmod +x $@
endef
$(BUILD)/guest/%/run: $(BUILD)/guest/%/kernel
	$(call GUEST_RUN,$(BUILD)/parapet)
$(BUILD)/guest/%/run-shared: $(BUILD)/guest/%/kernel
	$(call GUEST_RUN,--shared $(BUILD)/parapet)
$(BUILD)/guest/%/run-clang: $(BUILD)/guest/%/kernel
	$(call GUEST_RUN,$(BUILD)/clang/parapet)

guest-kernels: $(GUEST_KERNELS)
.PHONY: guest-kernels
.SECONDARY: $(GUEST_KERNELS)

TEST_NEEDS += $(BUILD)/parapet $(GUEST_RUNS)
TESTS += $(GUEST_RUNS:%=%@300)

# Ways back from a system call: ticks of the TSC, then instructions.  The word
# by which the hypervisor knows that user code runs is where it keeps it.
RETURNS_OBJS := $(BUILD)/guest/returns.c.o $(GUEST_LIB)

$(BUILD)/guest/returns.c.o: tests/bench/returns.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BUILD)/tests/bench-returns: $(RETURNS_OBJS) $(GUEST_LDS)
	@mkdir -p $(@D)
	$(LD) -nostdlib -static -z max-page-size=4096 -z noexecstack \
		--no-warn-rwx-segments --build-id=none -T $(GUEST_LDS) -o $@ \
		$(RETURNS_OBJS)

bench-returns: $(BUILD)/parapet $(BUILD)/tests/bench-returns
	@base=$$(nm $< | awk '$$3 == "win_data" {print $$1}') && \
	word=$$(awk '$$2 == "TD_KERNEL_MODE" {print $$3}' \
		$(BUILD)/hvobj/asm-offsets.h) && \
	for how in "" --icount; do \
		tests/guest/run-guest $$how -a "mode=$$(printf %u \
			$$((0x$$base + word)))" $^ | grep "^#"; \
	done
.PHONY: bench-returns
