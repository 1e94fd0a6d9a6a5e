# Tests of the network backend.

include tools/xs/objects.mk

$(BUILD)/san/tests/backends_net/%.o: SAN_CFLAGS += -Ihypercall/include

BE_NET_TEST := $(addprefix $(BUILD)/san/tests/,backends/domain.o \
	backends_net/netfront.o backends_net/net_space.o) \
	$(addprefix $(BUILD)/san/,$(XS_OBJS) pv-backends/net/headers.o)

# A frontend in the test program, the backend in processes of its own.
$(BUILD)/tests/backends_net-host: $(BUILD)/san/tests/backends_net/host_test.o \
		$(BE_NET_TEST)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -pthread

TEST_NEEDS += $(BUILD)/tests/backends_net-host \
	$(BUILD)/san/bin/parapet-netback $(BUILD)/bin/parapet-stored
TESTS += $(BUILD)/tests/backends_net-host@300
