# Tests of the domain builder: parsing, layout, cache, a fuzzer, real guests.

include tools/build/objects.mk tools/pvlib/objects.mk tests/lib/fuzz.mk

PVBUILD_SAN := $(addprefix $(BUILD)/san/,$(PVBUILD_PURE))
$(BUILD)/san/tests/build/%.o: SAN_CFLAGS += -Ihypercall/include

$(BUILD)/tests/build-kernel $(BUILD)/tests/build-layout \
		$(BUILD)/tests/build-runs: \
		$(BUILD)/tests/build-%: $(BUILD)/san/tests/build/%_test.o \
		$(BUILD)/san/tests/build/fixture.o $(PVBUILD_SAN)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) -o $@ $^ -lcmocka

$(BUILD)/tests/build-cache: $(addprefix $(BUILD)/san/,\
		tests/build/cache_test.o tests/build/fixture.o $(PVBUILD_PURE) \
		$(PVBUILD_HOST) $(PVBUILD_UNPACK) $(PV_OBJS))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) -o $@ $^ $(PVBUILD_LIBS) -lcmocka

$(BUILD)/tests/build-seeds: $(addprefix $(BUILD)/san/tests/build/,\
		kernel_seeds.o fixture.o)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) -o $@ $^

# make fuzz-build
$(eval $(call libfuzzer,build,tests/build/kernel_fuzz.o $(PVBUILD_PURE),,20000))

BUILD_UNIT := $(addprefix $(BUILD)/tests/build-,kernel layout runs cache)
TEST_NEEDS += $(BUILD_UNIT) $(BUILD)/tests/build-seeds
TESTS += $(addsuffix @60,$(BUILD_UNIT)) tests/build/kernel_fuzz.sh@120

# Stock kernels as guests, with 1 to 8 vcpus, on 1 and on 2 CPUs.
TEST_NEEDS += images
TESTS += tests/build/guest_boot.py@900
