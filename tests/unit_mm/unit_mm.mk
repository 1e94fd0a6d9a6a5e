# The rooms mm and paging on the host.

UNIT_MM_DIR := $(BUILD)/unit_mm
UNIT_MM_CFLAGS := $(SAN_CFLAGS) -DHV_HOST -Ihypercall/include
# All but what boots and maps.
UNIT_MM_HV := $(filter-out hv/mm/boot.c hv/mm/map.c,$(wildcard hv/mm/*.c)) \
	$(wildcard hv/paging/*.c) $(wildcard hv/emul/*.c)
UNIT_MM_OBJ := $(UNIT_MM_HV:%.c=$(UNIT_MM_DIR)/%.o) \
	$(addprefix $(UNIT_MM_DIR)/tests/unit_mm/,machine.o check.o)
UNIT_MM_TESTS := $(addprefix $(UNIT_MM_DIR)/,engine_test guest_test heap_test lend_test)

$(UNIT_MM_DIR)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_MM_CFLAGS) -c -o $@ $<

$(UNIT_MM_TESTS): $(UNIT_MM_DIR)/%: $(UNIT_MM_DIR)/tests/unit_mm/%.o \
		$(UNIT_MM_OBJ)
	$(CC) $(UNIT_MM_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka

TEST_NEEDS += $(UNIT_MM_TESTS)
TESTS += $(UNIT_MM_TESTS) tests/unit_mm/models@240

# Every sequence of calls on a tiny machine: tables of four entries.  More by
# hand: build/unit_mm/explore 111s 2000000; 22s; 211 (over 25 million states).
UNIT_MM_TINY := tests/unit_mm/tiny.c $(wildcard hv/mm/t*.c) $(patsubst %,hv/paging/%.c,update ext \
	roots frames relinquish)

$(UNIT_MM_DIR)/explore: tests/unit_mm/explore.c $(UNIT_MM_TINY) \
		$(wildcard hv/mm/*.h hv/paging/*.h)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(USER_CFLAGS)) -DHV_HOST \
		-Ihypercall/include -DPT_ENTRIES=4 -DPT_RESERVED_FIRST=3 \
		-DPT_RESERVED_END=4 -o $@ $< $(UNIT_MM_TINY)

# The same small tables, under threads.
$(UNIT_MM_DIR)/race_test: tests/unit_mm/race_test.c $(UNIT_MM_TINY) \
		$(wildcard hv/mm/*.h hv/paging/*.h)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(USER_CFLAGS)) -DHV_HOST \
		-Ihypercall/include -DPT_ENTRIES=4 -DPT_RESERVED_FIRST=3 \
		-DPT_RESERVED_END=4 -o $@ $< $(UNIT_MM_TINY) -lcmocka -lpthread

# In the test: two frames of two entries and of one, that may be descriptor
# pages too; two of two entries; three of one.
$(UNIT_MM_DIR)/explore_%: $(UNIT_MM_DIR)/explore
	printf '#!/bin/sh\nexec "$$(dirname "$$0")/explore" %s\n' $* > $@
	chmod +x $@

UNIT_MM_EXPLORE := $(addprefix $(UNIT_MM_DIR)/explore_,21s 22 111)
TEST_NEEDS += $(UNIT_MM_EXPLORE) $(UNIT_MM_DIR)/race_test
TESTS += $(UNIT_MM_EXPLORE:%=%@240) $(UNIT_MM_DIR)/race_test@120

# Hostile sequences of page-table calls.  ops_test does a bounded number, always
# the same.  A long run by hand:
#   make build/fuzz_mm/ops_fuzz && build/fuzz_mm/ops_fuzz -max_len=4096 \
#	-max_total_time=3600 FOLDER
FUZZ_MM_DIR := $(BUILD)/fuzz_mm

$(FUZZ_MM_DIR)/ops_fuzz: tests/fuzz_mm/ops_fuzz.c $(UNIT_MM_HV) \
		$(wildcard tests/unit_mm/*.[ch] hv/mm/*.h hv/paging/*.h)
	@mkdir -p $(@D)
	clang $(filter-out -MMD -MP,$(UNIT_MM_CFLAGS)) -fsanitize=fuzzer \
		-o $@ $< $(addprefix tests/unit_mm/,machine.c check.c ops.c) \
		$(UNIT_MM_HV) -lcmocka

$(FUZZ_MM_DIR)/ops_test: $(addprefix $(UNIT_MM_DIR)/tests/,fuzz_mm/ops_test.o \
		unit_mm/ops.o) $(UNIT_MM_OBJ)
	@mkdir -p $(@D)
	$(CC) $(UNIT_MM_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka

TEST_NEEDS += $(FUZZ_MM_DIR)/ops_test $(FUZZ_MM_DIR)/ops_fuzz
TESTS += $(FUZZ_MM_DIR)/ops_test@120
