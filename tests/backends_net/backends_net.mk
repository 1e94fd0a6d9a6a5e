# Tests of the network backend.

include tools/xs/objects.mk tests/lib/fuzz.mk

$(BUILD)/san/tests/backends_net/%.o: SAN_CFLAGS += -Ihypercall/include

BE_NET_TEST := $(addprefix $(BUILD)/san/tests/,backends/domain.o \
	$(addprefix backends_net/,guest.o netfront.o net_space.o vif.o)) \
	$(addprefix $(BUILD)/san/,$(XS_OBJS) pv-backends/net/headers.o)

# A frontend in the test program, the backend in processes of its own.
$(BUILD)/tests/backends_net-host: $(BUILD)/san/tests/backends_net/host_test.o \
		$(BE_NET_TEST)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -pthread

# The same on the own ring.
$(BUILD)/tests/backends_net-own: $(addprefix $(BUILD)/san/, \
		tests/backends_net/own_test.o tests/backends_net/ownfront.o \
		pv-backends/pvnet/header.o $(PVNET_CORE) $(PVNET_MINI)) \
		$(BE_NET_TEST)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -pthread

# The parts that decide.
$(BUILD)/tests/backends_net-unit: $(addprefix $(BUILD)/san/, \
		tests/backends_net/unit_test.o tests/backends_net/packets.o \
		pv-backends/pvnet/header.o $(BE_NET_PURE))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka

# One queue of the backend in the test's process.
BE_NET_DEVICE := $(BE_NET_FLOW) pv-backends/common/ring.o \
	pv-backends/common/limit.o tests/backends_net/device.o \
	tests/backends_net/packets.o tests/backends/fake_bus.o

$(BUILD)/tests/backends_net-queue: $(addprefix $(BUILD)/san/, \
		tests/backends_net/queue_test.o $(BE_NET_DEVICE))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -lev

$(BUILD)/tests/backends_net-ovs: $(addprefix $(BUILD)/san/, \
		tests/backends_net/ovs_test.o pv-backends/net/ovs.o)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -ljson-c

# make fuzz-net, fuzz-net-own
$(eval $(call fuzzer,net,tests/backends_net/fuzz_ring.o $(BE_NET_DEVICE), \
	-lev,16384))
$(eval $(call fuzzer,net-own,tests/backends_net/fuzz_own.o \
	tests/backends/fake_bus.o tests/backends_net/packets.o \
	$(addprefix pv-backends/pvnet/,queue.o header.o) pv-backends/net/flow.o \
	pv-backends/common/limit.o $(PVNET_CORE),-lev,4096))

TEST_NEEDS += $(addprefix $(BUILD)/tests/backends_net-,host own unit queue \
	ovs) $(BUILD)/san/bin/parapet-netback $(BUILD)/bin/parapet-stored
TESTS += $(addprefix $(BUILD)/tests/backends_net-,unit@60 queue@60 ovs@60 \
	host@300 own@300)

# A stock guest's interface in a real control domain, in QEMU.
$(BUILD)/tests/net-traffic: $(BUILD)/obj/tests/backends_net/guest_traffic.o
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^

TEST_NEEDS += $(BUILD)/tests/net-traffic images
TESTS += tests/backends_net/guest_net.py@1000
