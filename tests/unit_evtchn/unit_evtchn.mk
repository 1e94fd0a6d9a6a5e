# Event channels on the host: tables, queues, the whole room, all interleavings.

comma := ,
EVT_CFLAGS := $(SAN_CFLAGS) -DHV_HOST -Ihypercall/include \
	-Wno-missing-field-initializers
EVT_ROOM := $(wildcard hv/evtchn/*.c)
EVT_HOST := $(BUILD)/evt/tests/unit_evtchn/host.o

$(BUILD)/evt/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(EVT_CFLAGS) -c -o $@ $<

$(BUILD)/tests/evtchn-port-table-test: $(EVT_HOST) \
		$(BUILD)/evt/hv/evtchn/port_table.o \
		$(BUILD)/evt/tests/unit_evtchn/port_table_test.o
$(BUILD)/tests/evtchn-fifo-test: $(EVT_HOST) \
		$(BUILD)/evt/hv/evtchn/fifo_queue.o \
		$(BUILD)/evt/tests/unit_evtchn/fifo_test.o
$(BUILD)/tests/evtchn-room-test: $(EVT_HOST) \
		$(EVT_ROOM:%.c=$(BUILD)/evt/%.o) \
		$(BUILD)/evt/tests/unit_evtchn/room.o \
		$(BUILD)/evt/tests/unit_evtchn/room_test.o

$(BUILD)/tests/evtchn-model-test: $(EVT_HOST) \
		$(EVT_ROOM:%.c=$(BUILD)/evt/%.o) \
		$(BUILD)/evt/tests/unit_evtchn/room.o \
		$(BUILD)/evt/tests/unit_evtchn/model_test.o

# The same code with a switch of threads before every shared access.  Coroutines
# and the address sanitizer do not go together.
STEP_CFLAGS := $(subst address$(comma)undefined,undefined,$(EVT_CFLAGS)) \
	-include tests/unit_evtchn/steps.h

$(BUILD)/evt-steps/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STEP_CFLAGS) -c -o $@ $<

$(BUILD)/tests/evtchn-interleave-test: $(EVT_ROOM:%.c=$(BUILD)/evt-steps/%.o) \
		$(patsubst %,$(BUILD)/evt-steps/tests/unit_evtchn/%.o,host \
		room steps interleave_test)
	@mkdir -p $(@D)
	$(CC) $(STEP_CFLAGS) -o $@ $^ -lcmocka

EVT_TESTS := $(addprefix $(BUILD)/tests/evtchn-,port-table-test fifo-test \
	room-test model-test)

$(EVT_TESTS):
	@mkdir -p $(@D)
	$(CC) $(EVT_CFLAGS) -o $@ $^ -lcmocka

TEST_NEEDS += $(EVT_TESTS) $(BUILD)/tests/evtchn-interleave-test
TESTS += $(EVT_TESTS:%=%@120) $(BUILD)/tests/evtchn-interleave-test@240
