# Tests of the backends.

include tools/xs/objects.mk

$(BUILD)/san/tests/backends/%.o: SAN_CFLAGS += -Ihypercall/include

BE_TEST_COMMON := $(addprefix $(BUILD)/san/,tests/backends/domain.o $(XS_OBJS))

# A frontend in the test program, backends in processes of their own.
$(BUILD)/tests/backends-%: $(BUILD)/san/tests/backends/%_test.o $(BE_TEST_COMMON)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

$(BUILD)/tests/backends-blk: $(addprefix $(BUILD)/san/tests/backends/, \
		blk_front.o sectors.o)

$(addprefix $(BUILD)/tests/backends-,console console_own): \
		$(BUILD)/san/tests/backends/console_bed.o
$(BUILD)/tests/backends-console_own: $(addprefix $(BUILD)/san/,$(PVCON_CORE) \
		$(PVCON_MINI))

# The parts that decide, alone.
$(BUILD)/tests/backends-unit: $(BUILD)/san/tests/backends/unit_test.o \
		$(addprefix $(BUILD)/san/pv-backends/,common/ring.o \
		common/limit.o common/xb_state.o blk/request.o blk/saved.o \
		console/stream.o common/linger.o)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

$(BUILD)/tests/backends-pool: $(BUILD)/san/tests/backends/pool_test.o \
		$(BUILD)/san/pv-backends/blk/pool.o
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

$(BUILD)/tests/backends-spare: $(addprefix $(BUILD)/san/, \
		tests/backends/sectors.o pv-backends/common/spare.o \
		pv-backends/common/main.o) -lev

$(BUILD)/tests/backends-turn: $(BUILD)/san/tests/backends/turn_test.o \
		$(addprefix $(BUILD)/san/pv-backends/common/,turn.o linger.o)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev -lcmocka

$(BUILD)/tests/backends-bus: $(BUILD)/san/tests/backends/bus_test.o \
		$(addprefix $(BUILD)/san/,$(BE_COMMON)) $(BE_SAN_LIBS)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev -lcmocka

BE_TESTS := $(addprefix $(BUILD)/tests/backends-,unit pool bus turn spare blk \
	console console_own)

TEST_NEEDS += $(BE_TESTS) $(BUILD)/san/bin/parapet-blkback \
	$(BUILD)/san/bin/parapet-blkback-nbd $(BUILD)/san/bin/parapet-consoled \
	$(BUILD)/bin/parapet-stored
TESTS += $(addsuffix @180,$(BE_TESTS))

# Stock guests in a real control domain.
TEST_NEEDS += $(BUILD)/parapet images $(addprefix $(BUILD)/bin/,parapet \
	parapetd parapet-stored parapet-store parapet-blkback \
	parapet-consoled parapet-netback)
TESTS += tests/backends/guest_io.py@900
