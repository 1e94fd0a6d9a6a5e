# Tests of libpv against devices that the test plays.

include tools/pvlib/objects.mk

$(BUILD)/san/tests/pvlib/%.o: SAN_CFLAGS += -Ihypercall/include

PVLIB_WRAP := open close ioctl mmap munmap read write
$(BUILD)/tests/pvlib-pv: $(addprefix $(BUILD)/san/,tests/pvlib/pv_test.o \
		$(PV_OBJS))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(PVLIB_WRAP:%=-Wl,--wrap=%) -o $@ $^ -lcmocka

TEST_NEEDS += $(BUILD)/tests/pvlib-pv
TESTS += $(BUILD)/tests/pvlib-pv@60
