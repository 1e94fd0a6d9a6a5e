# The time room on the host.

UNIT_TIME := heap convert clock timer calibrate
UNIT_TIME_DIR := $(BUILD)/unit_time
UNIT_TIME_TESTS := $(UNIT_TIME:%=$(UNIT_TIME_DIR)/%_test)
# this_cpu is what the test says: the declaration in cpu.h becomes a function.
UNIT_TIME_CFLAGS := $(filter-out -Wstrict-prototypes,$(SAN_CFLAGS)) -DHV_HOST \
	-Ihypercall/include "-Dthis_cpu_window=(*test_cpu_get())"

$(UNIT_TIME_DIR)/%.o: tests/unit_time/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_TIME_CFLAGS) -c -o $@ $<

$(UNIT_TIME_DIR)/hv_%.o: hv/time/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_TIME_CFLAGS) -c -o $@ $<

$(UNIT_TIME_DIR)/heap_test: $(UNIT_TIME_DIR)/hv_heap.o
$(UNIT_TIME_DIR)/convert_test: $(UNIT_TIME_DIR)/hv_convert.o
$(UNIT_TIME_DIR)/clock_test: $(UNIT_TIME_DIR)/hv_convert.o
$(UNIT_TIME_DIR)/timer_test: $(UNIT_TIME_DIR)/hv_convert.o \
	$(UNIT_TIME_DIR)/hv_heap.o
$(UNIT_TIME_DIR)/calibrate_test: $(UNIT_TIME_DIR)/hv_convert.o

$(UNIT_TIME_TESTS): %: %.o
	$(CC) $(UNIT_TIME_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka

TEST_NEEDS += $(UNIT_TIME_TESTS)
TESTS += $(UNIT_TIME_TESTS)
