# Tests of the own rings and their frontends.

include tools/xs/objects.mk tests/lib/fuzz.mk

$(BUILD)/san/tests/frontends/%.o: SAN_CFLAGS += -Ihypercall/include

# The backend as a process, the frontend's ring in the test.
$(BUILD)/tests/frontends-pvblk: $(addprefix $(BUILD)/san/, \
		tests/frontends/pvblk_test.o tests/backends/domain.o \
		tests/backends/sectors.o \
		$(PVBLK_CORE) $(PVBLK_MINI) $(XS_OBJS))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

# Both ends in one program: alone, and with whoever writes to the ring.
# make fuzz-pvblk, fuzz-pvnet, fuzz-pvcon
$(BUILD)/tests/frontends-%-unit: $(addprefix $(BUILD)/san/,\
		tests/frontends/%_unit_test.o tests/frontends/two_ends.o)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -lpthread

$(BUILD)/tests/frontends-pvblk-unit: $(addprefix $(BUILD)/san/,$(PVBLK_CORE) \
		pv-backends/common/linger.o)
$(BUILD)/tests/frontends-pvnet-unit: $(addprefix $(BUILD)/san/,$(PVNET_CORE))
$(BUILD)/tests/frontends-pvcon-unit: $(addprefix $(BUILD)/san/,$(PVCON_CORE))

$(eval $(call libfuzzer,pvblk,tests/frontends/pvblk_fuzz.o $(PVBLK_CORE),,600))
$(eval $(call libfuzzer,pvnet,tests/frontends/pvnet_fuzz.o $(PVNET_CORE),,600))
$(eval $(call libfuzzer,pvcon,tests/frontends/pvcon_fuzz.o $(PVCON_CORE),,600))

FE_TESTS := $(addprefix $(BUILD)/tests/frontends-,pvblk pvblk-unit pvnet-unit \
	pvcon-unit)

TEST_NEEDS += $(FE_TESTS) $(BUILD)/san/bin/parapet-blkback \
	$(BUILD)/bin/parapet-stored
TESTS += $(addsuffix @180,$(FE_TESTS)) tests/frontends/fuzz@180 \
	tests/frontends/models@300

# A stock guest with the modules, in a real control domain.
TEST_NEEDS += $(MODULES) $(BUILD)/parapet images $(BUILD)/tests/net-traffic \
	$(addprefix $(BUILD)/bin/,parapet parapetd parapet-stored parapet-store \
	parapet-blkback parapet-netback parapet-consoled)
TESTS += tests/frontends/guest_own.py@1200
