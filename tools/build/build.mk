# The domain builder: libpvbuild, and parapet-build for one guest by hand.

PVBUILD_PURE := $(addprefix tools/build/,kernel.o notes.o layout.o tables.o \
	sha256.o)
PVBUILD_OBJS := $(PVBUILD_PURE) $(addprefix tools/build/,build.o memory.o \
	kernel_file.o cache.o) tools/image/bzimage.o tools/image/unpack.o
PVBUILD_LIBS := -lz -llzma -llz4 -lzstd

$(BUILD)/obj/tools/build/%.o: USER_CFLAGS += $(PV_INCLUDE)
$(BUILD)/san/tools/build/%.o: SAN_CFLAGS += $(PV_INCLUDE)

$(BUILD)/lib/libpvbuild.a: $(addprefix $(BUILD)/obj/,$(PVBUILD_OBJS))
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/bin/parapet-build: $(addprefix $(BUILD)/obj/tools/build/,main.o \
		console.o introduce.o) $(BUILD)/lib/libpvbuild.a \
		$(BUILD)/lib/libpv.a $(BUILD)/lib/libparapet-xs.a
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ $(PVBUILD_LIBS) -pthread

ALL += $(BUILD)/lib/libpvbuild.a $(BUILD)/bin/parapet-build
IMAGE_PROGRAMS += $(BUILD)/bin/parapet-build $(BUILD)/bin/parapet-stored \
	$(BUILD)/bin/parapet-store
