# The domain builder: libpvbuild, and parapet-build for one guest by hand.

include tools/build/objects.mk

$(BUILD)/obj/tools/build/%.o: USER_CFLAGS += -Ihypercall/include
$(BUILD)/san/tools/build/%.o: SAN_CFLAGS += -Ihypercall/include

$(BUILD)/lib/libpvbuild.a: $(addprefix $(BUILD)/obj/,$(PVBUILD_PURE) \
		$(PVBUILD_HOST) $(PVBUILD_UNPACK))
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
