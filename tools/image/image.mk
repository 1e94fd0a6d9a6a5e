# Boot images: the kernel extractor, fetching kernels, initramfs, make run.

EXTRACT_PURE := $(addprefix $(BUILD)/obj/tools/image/,bzimage.o unpack.o pvelf.o)
EXTRACT_LIBS := -lz -llzma -llz4 -lzstd

$(BUILD)/bin/parapet-extract: $(BUILD)/obj/tools/image/extract.o $(EXTRACT_PURE)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ $(EXTRACT_LIBS)

ALL += $(BUILD)/bin/parapet-extract
