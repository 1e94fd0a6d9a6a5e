# Grant tables on the host: one entry in all orders, the room, a model.  The
# pretended machine and the flags are tests/unit_evtchn's.

GNT_ROOM := $(wildcard hv/gnttab/*.c)
GNT_COMMON := $(GNT_ROOM:%.c=$(BUILD)/evt/%.o) \
	$(BUILD)/evt/tests/unit_evtchn/host.o \
	$(BUILD)/evt/tests/unit_gnttab/room.o

$(BUILD)/tests/gnttab-%-test: $(GNT_COMMON) \
		$(BUILD)/evt/tests/unit_gnttab/%_test.o
	@mkdir -p $(@D)
	$(CC) $(EVT_CFLAGS) -o $@ $^ -lcmocka

$(BUILD)/tests/gnttab-entry-test: \
		$(BUILD)/evt-steps/hv/gnttab/entry.o \
		$(patsubst %,$(BUILD)/evt-steps/tests/unit_evtchn/%.o,host \
		steps) $(BUILD)/evt-steps/tests/unit_gnttab/entry_test.o
	@mkdir -p $(@D)
	$(CC) $(STEP_CFLAGS) -o $@ $^ -lcmocka

GNT_TESTS := $(addprefix $(BUILD)/tests/gnttab-,entry-test room-test \
	model-test)
TEST_NEEDS += $(GNT_TESTS)
TESTS += $(GNT_TESTS:%=%@120)
