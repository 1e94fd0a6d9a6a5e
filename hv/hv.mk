# The hypervisor: $(BUILD)/parapet.

HV_ROOMS := lib cpu console mm emul time domain paging sched evtchn gnttab \
	dev control dispatch entry smp boot
HV_C := $(sort $(foreach r,$(HV_ROOMS),$(wildcard hv/$(r)/*.c)))
HV_C := $(filter-out hv/entry/offsets.c,$(HV_C))
HV_S := $(sort $(foreach r,$(HV_ROOMS),$(wildcard hv/$(r)/*.S)))
HV_OBJ := $(HV_C:%.c=$(BUILD)/hvobj/%.o) $(HV_S:%.S=$(BUILD)/hvobj/%.o)

HV_FLAGS := -std=gnu11 -O2 -g -ffreestanding -fpie -mcmodel=small \
	-mno-red-zone -mgeneral-regs-only -fno-stack-protector \
	-fno-asynchronous-unwind-tables -ffunction-sections -fno-common -fno-strict-aliasing \
	-fno-omit-frame-pointer -fvisibility=hidden -fno-jump-tables $(WARN) \
	-U_FORTIFY_SOURCE -I. -I$(BUILD)/hvobj -Ihypercall/include -MMD -MP $(HV_DEFS)
ifneq ($(findstring clang,$(CC)),)
HV_FLAGS += -Wthread-safety -mretpoline -Wno-unused-command-line-argument
else
HV_FLAGS += -mindirect-branch=thunk-extern -mindirect-branch-register \
	-fcf-protection=none
HV_LTO := -flto=auto
endif

$(BUILD)/hvobj/asm-offsets.h: hv/entry/offsets.c
	@mkdir -p $(@D)
	$(CC) $(HV_FLAGS) -MT $@ -S -o $(@:.h=.s) $<
	sed -n 's/.*->\([A-Z0-9_]*\) [$$#]*\(-\{0,1\}[0-9]*\).*/#define \1 \2/p' \
		$(@:.h=.s) > $@

$(BUILD)/hvobj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HV_FLAGS) $(HV_LTO) -include hv/lib/hidden.h -c -o $@ $<

$(BUILD)/hvobj/%.o: %.S $(BUILD)/hvobj/asm-offsets.h
	@mkdir -p $(@D)
	$(CC) $(filter-out -Wundef,$(HV_FLAGS)) -D__ASSEMBLER__ -c -o $@ $<

$(BUILD)/hvobj/link.ld: hv/link.ld.S hv/lib/layout.h
	@mkdir -p $(@D)
	$(CC) -E -P -x assembler-with-cpp -D__ASSEMBLER__ -I. -o $@ $<

# Two links: the first gives the symbols that a backtrace prints.  The rooms are
# optimised as one program: a call into a cold cache is dear, an inlined one is
# not made.
HV_LINK := $(CC) $(HV_FLAGS) $(HV_LTO) -nostdlib -static -no-pie \
	-Wl,-z,noexecstack,-z,max-page-size=4096,--build-id=none \
	-Wl,--no-warn-rwx-segments -T $(BUILD)/hvobj/link.ld

$(BUILD)/parapet: $(HV_OBJ) $(BUILD)/hvobj/link.ld hv/symbols.sh
	$(HV_LINK) -o $@.pass1 $(HV_OBJ)
	hv/symbols.sh $@.pass1 > $(BUILD)/hvobj/symbols.S
	$(CC) -c -o $(BUILD)/hvobj/symbols.o $(BUILD)/hvobj/symbols.S
	$(HV_LINK) -o $@ $(HV_OBJ) $(BUILD)/hvobj/symbols.o
	@rm -f $@.pass1

ALL += $(BUILD)/parapet
