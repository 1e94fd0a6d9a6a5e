# Tests of the own rings and their frontends.

include tools/xs/objects.mk

$(BUILD)/san/tests/frontends/%.o: SAN_CFLAGS += -Ihypercall/include

# The backend as a process, the frontend's ring in the test.
$(BUILD)/tests/frontends-pvblk: $(addprefix $(BUILD)/san/, \
		tests/frontends/pvblk_test.o tests/backends/domain.o \
		$(PVBLK_CORE) $(XS_OBJS))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

FE_TESTS := $(addprefix $(BUILD)/tests/frontends-,pvblk)

TEST_NEEDS += $(FE_TESTS) $(BUILD)/san/bin/parapet-blkback \
	$(BUILD)/bin/parapet-stored
TESTS += $(addsuffix @180,$(FE_TESTS))
