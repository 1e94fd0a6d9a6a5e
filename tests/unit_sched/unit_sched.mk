# The scheduler on the host.

UNIT_SCHED := runq sched vcpu_op sched_op race
UNIT_SCHED_DIR := $(BUILD)/unit_sched
UNIT_SCHED_TESTS := $(UNIT_SCHED:%=$(UNIT_SCHED_DIR)/%_test)
# this_cpu is what the test says: the declaration in cpu.h becomes a function.
UNIT_SCHED_CFLAGS := $(filter-out -Wstrict-prototypes,$(SAN_CFLAGS)) \
	-DHV_HOST -Ihypercall/include "-Dthis_cpu_window=(*test_cpu_get())"
UNIT_SCHED_REST := $(addprefix $(UNIT_SCHED_DIR)/,machine.o hv_runq.o \
	hv_vcpu.o hv_runstate.o hv_heap.o hv_convert.o)

$(UNIT_SCHED_DIR)/%.o: tests/unit_sched/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_SCHED_CFLAGS) -c -o $@ $<

$(UNIT_SCHED_DIR)/hv_%.o: hv/sched/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_SCHED_CFLAGS) -c -o $@ $<

$(UNIT_SCHED_DIR)/hv_%.o: hv/time/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_SCHED_CFLAGS) -c -o $@ $<

$(UNIT_SCHED_DIR)/runq_test: $(UNIT_SCHED_DIR)/hv_runq.o
$(UNIT_SCHED_DIR)/sched_test: $(UNIT_SCHED_REST) $(UNIT_SCHED_DIR)/guest.o
$(UNIT_SCHED_DIR)/race_test: $(UNIT_SCHED_REST) \
	$(addprefix $(UNIT_SCHED_DIR)/,hv_sched.o hv_sched_op.o no_guest.o)
$(UNIT_SCHED_DIR)/vcpu_op_test $(UNIT_SCHED_DIR)/sched_op_test: \
	$(UNIT_SCHED_REST) $(addprefix $(UNIT_SCHED_DIR)/,calls.o guest.o \
	hv_sched.o hv_sched_op.o hv_vcpu_op.o hv_context_set.o \
	hv_context_get.o)

$(UNIT_SCHED_TESTS): %: %.o
	$(CC) $(UNIT_SCHED_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka -lpthread

TEST_NEEDS += $(UNIT_SCHED_TESTS)
TESTS += $(UNIT_SCHED_TESTS) tests/unit_sched/models@240
