# Boot images: the kernel extractor, fetching kernels, initramfs, make run.

EXTRACT_PURE := $(addprefix $(BUILD)/obj/tools/image/,bzimage.o unpack.o pvelf.o)
EXTRACT_LIBS := -lz -llzma -llz4 -lzstd

$(BUILD)/bin/parapet-extract: $(BUILD)/obj/tools/image/extract.o $(EXTRACT_PURE)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ $(EXTRACT_LIBS)

ALL += $(BUILD)/bin/parapet-extract

# The self-check runs from the initramfs: static, so that it needs no library.
SELFCHECK_OBJS := $(addprefix $(BUILD)/obj/tools/image/selfcheck/,main.o \
	report.o system.o clock.o disk.o network.o)

$(BUILD)/bin/parapet-selfcheck: $(SELFCHECK_OBJS)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -static -pthread -o $@ $^

ALL += $(BUILD)/bin/parapet-selfcheck

# What the initramfs holds besides: programs go to /usr/bin with the shared
# libraries they need, IMAGE_FILES are DEST=SOURCE.  Any fragment adds to them.
IMAGE_PROGRAMS += $(BUILD)/bin/parapet-selfcheck
IMAGE_FILES +=
FLAVOUR ?= amd64

# How `make run` boots.  GUEST names examples (tools/examples), or none; that
# with the patched kernel has it built if it is not there; HV_ARGS
# are words for the hypervisor; RUN_ARGS has any other option of run.py.
GUEST   ?= web1
MACHINE ?= q35
SMP     ?= 2
MEM     ?= 2048
ACCEL   ?= tcg
HV_ARGS ?=
RUN_ARGS ?=

deps:
	@tools/image/deps.sh

.SECONDEXPANSION:
images: $(BUILD)/bin/parapet-extract $$(IMAGE_PROGRAMS)
	tools/image/prepare.sh $(BUILD) $(FLAVOUR) \
		$(addprefix --program ,$(IMAGE_PROGRAMS)) \
		$(addprefix --file ,$(IMAGE_FILES))

# In this order also under -j: nothing builds before its packages are there.
run:
	@tools/image/deps.sh
	@$(MAKE) --no-print-directory all images
	$(if $(findstring patched,$(GUEST)),\
		@$(MAKE) --no-print-directory guest-kernel)
	@tools/image/run.py --build $(BUILD) --flavour $(FLAVOUR) \
		--machine $(MACHINE) --smp $(SMP) --mem $(MEM) \
		--accel $(ACCEL) $(if $(CPU),--cpu $(CPU)) --guest "$(GUEST)" \
		--hv-args "$(HV_ARGS)" $(RUN_ARGS)

.PHONY: images

# A hybrid image for CD and USB stick, BIOS and UEFI.
iso:
	@tools/image/deps.sh
	@$(MAKE) --no-print-directory $(BUILD)/parapet images
	@tools/image/mkiso.sh $(BUILD)/parapet.iso $(BUILD)/parapet \
		$(BUILD)/image/$(FLAVOUR)/vmlinux \
		$(BUILD)/image/$(FLAVOUR)/initrd.img "$(HV_ARGS)"
