# Tests of the backends.

include tools/xs/objects.mk

$(BUILD)/san/tests/backends/%.o: SAN_CFLAGS += -Ihypercall/include

BE_TEST_COMMON := $(addprefix $(BUILD)/san/,tests/backends/domain.o $(XS_OBJS))

# A frontend in the test program, backends in processes of their own.
$(BUILD)/tests/backends-%: $(BUILD)/san/tests/backends/%_test.o $(BE_TEST_COMMON)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

BE_TESTS := $(addprefix $(BUILD)/tests/backends-,blk)

TEST_NEEDS += $(BE_TESTS) $(BUILD)/san/bin/parapet-blkback \
	$(BUILD)/san/bin/parapet-blkback-nbd $(BUILD)/bin/parapet-stored
TESTS += $(addsuffix @180,$(BE_TESTS))
