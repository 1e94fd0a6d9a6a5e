# Tests of the own rings and their frontends.

include tools/xs/objects.mk

$(BUILD)/san/tests/frontends/%.o: SAN_CFLAGS += -Ihypercall/include

# The backend as a process, the frontend's ring in the test.
$(BUILD)/tests/frontends-pvblk: $(addprefix $(BUILD)/san/, \
		tests/frontends/pvblk_test.o tests/backends/domain.o \
		tests/backends/sectors.o \
		$(PVBLK_CORE) $(PVBLK_MINI) $(XS_OBJS))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

# Both ends in one program.
$(BUILD)/tests/frontends-pvblk-unit: $(addprefix $(BUILD)/san/, \
		tests/frontends/pvblk_unit_test.o tests/frontends/two_ends.o \
		pv-backends/common/linger.o $(PVBLK_CORE))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -lpthread

# A long run by hand: BUILD/tests/frontends-pvblk-fuzz -max_total_time=3600 FOLDER
$(BUILD)/tests/frontends-pvblk-fuzz: tests/frontends/pvblk_fuzz.c \
		$(PVBLK_CORE:%.o=%.c)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(SAN_CFLAGS)) -Ihypercall/include \
		-fsanitize=fuzzer -o $@ $^

$(BUILD)/tests/frontends-pvnet-unit: $(addprefix $(BUILD)/san/, \
		tests/frontends/pvnet_unit_test.o tests/frontends/two_ends.o \
		$(PVNET_CORE))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -lpthread

$(BUILD)/tests/frontends-pvnet-fuzz: tests/frontends/pvnet_fuzz.c \
		$(PVNET_CORE:%.o=%.c)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(SAN_CFLAGS)) -Ihypercall/include \
		-fsanitize=fuzzer -o $@ $^

$(BUILD)/tests/frontends-pvcon-unit: $(addprefix $(BUILD)/san/, \
		tests/frontends/pvcon_unit_test.o tests/frontends/two_ends.o \
		$(PVCON_CORE))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -lpthread

$(BUILD)/tests/frontends-pvcon-fuzz: tests/frontends/pvcon_fuzz.c \
		$(PVCON_CORE:%.o=%.c)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(SAN_CFLAGS)) -Ihypercall/include \
		-fsanitize=fuzzer -o $@ $^

FE_TESTS := $(addprefix $(BUILD)/tests/frontends-,pvblk pvblk-unit pvnet-unit \
	pvcon-unit)

TEST_NEEDS += $(FE_TESTS) $(addprefix $(BUILD)/tests/frontends-,pvblk-fuzz \
	pvnet-fuzz pvcon-fuzz) $(BUILD)/san/bin/parapet-blkback $(BUILD)/bin/parapet-stored
TESTS += $(addsuffix @180,$(FE_TESTS)) tests/frontends/fuzz@180 \
	tests/frontends/models@300

# A stock guest with the modules, in a real control domain.
TEST_NEEDS += $(MODULES) $(BUILD)/parapet images $(BUILD)/tests/net-traffic \
	$(addprefix $(BUILD)/bin/,parapet parapetd parapet-stored parapet-store \
	parapet-blkback parapet-netback parapet-consoled)
TESTS += tests/frontends/guest_own.py@1200
