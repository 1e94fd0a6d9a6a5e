# Boots of the stock kernel, and the programs that run in them.

LOAD_OBJS := $(addprefix $(BUILD)/obj/tests/boot/load/,main.o processes.o \
	signals.o memory.o threads.o cpu.o)

$(BUILD)/bin/parapet-load: $(LOAD_OBJS) \
		$(BUILD)/obj/tools/image/selfcheck/report.o
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -static -pthread -o $@ $^

# No C library: the 64-bit compiler is all it needs.
$(BUILD)/bin/parapet-load32: tests/boot/load32/load32.c
	@mkdir -p $(@D)
	$(CC) -m32 -std=gnu11 -O2 -g $(WARN) -ffreestanding -nostdlib -static \
		-fno-pie -no-pie -fno-stack-protector -fcf-protection=none \
		-mno-sse -mno-mmx -o $@ $<

LOAD_PROGRAMS := $(BUILD)/bin/parapet-load $(BUILD)/bin/parapet-load32
ALL += $(LOAD_PROGRAMS)

TEST_NEEDS += $(LOAD_PROGRAMS) $(BUILD)/parapet images
TESTS += tests/boot/refusals.py@300 tests/boot/console.py@300 \
	tests/boot/boots.py@1500
