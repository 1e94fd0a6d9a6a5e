# The rooms mm and paging on the host.

UNIT_MM_DIR := $(BUILD)/unit_mm
UNIT_MM_CFLAGS := $(SAN_CFLAGS) -DHV_HOST -Ihypercall/include
# All but what boots and maps.
UNIT_MM_HV := $(filter-out hv/mm/boot.c hv/mm/map.c,$(wildcard hv/mm/*.c)) \
	$(wildcard hv/paging/*.c) $(wildcard hv/emul/*.c)
UNIT_MM_OBJ := $(UNIT_MM_HV:%.c=$(UNIT_MM_DIR)/%.o) \
	$(addprefix $(UNIT_MM_DIR)/tests/unit_mm/,machine.o check.o)
UNIT_MM_TESTS := $(addprefix $(UNIT_MM_DIR)/,engine_test heap_test)

$(UNIT_MM_DIR)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_MM_CFLAGS) -c -o $@ $<

$(UNIT_MM_TESTS): $(UNIT_MM_DIR)/%: $(UNIT_MM_DIR)/tests/unit_mm/%.o \
		$(UNIT_MM_OBJ)
	$(CC) $(UNIT_MM_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka

TEST_NEEDS += $(UNIT_MM_TESTS)
TESTS += $(UNIT_MM_TESTS)
