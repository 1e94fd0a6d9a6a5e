# Tests of the network backend.

include tools/xs/objects.mk

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
BE_NET_DEVICE := $(addprefix $(BUILD)/san/,$(BE_NET_FLOW) \
	pv-backends/common/ring.o pv-backends/common/limit.o \
	tests/backends_net/device.o tests/backends_net/packets.o \
	tests/backends/fake_bus.o)

$(BUILD)/tests/backends_net-queue: $(BUILD)/san/tests/backends_net/queue_test.o \
		$(BE_NET_DEVICE)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -lev

$(BUILD)/tests/backends_net-ovs: $(addprefix $(BUILD)/san/, \
		tests/backends_net/ovs_test.o pv-backends/net/ovs.o)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lcmocka -ljson-c

# A bounded run in "make test"; "make fuzz-net" runs libFuzzer until it is
# stopped, or for FUZZ_SECONDS.
$(BUILD)/tests/backends_net-fuzz: $(BUILD)/san/tests/backends_net/fuzz_ring.o \
		$(BUILD)/san/tests/store/fuzz_main.o $(BE_NET_DEVICE)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev

BE_OWN_FUZZED := tests/backends/fake_bus.o tests/backends_net/packets.o \
	$(addprefix pv-backends/pvnet/,queue.o header.o) pv-backends/net/flow.o \
	pv-backends/common/limit.o $(PVNET_CORE)

$(BUILD)/tests/backends_net-fuzz-own: $(addprefix $(BUILD)/san/, \
		tests/backends_net/fuzz_own.o tests/store/fuzz_main.o \
		$(BE_OWN_FUZZED))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev

BE_NET_FUZZ_SOURCES := $(patsubst %.o,%.c,$(BE_NET_FLOW) \
	pv-backends/common/ring.o pv-backends/common/limit.o \
	tests/backends_net/device.o tests/backends_net/packets.o \
	tests/backends/fake_bus.o)

$(BUILD)/fuzz/net: tests/backends_net/fuzz_ring.c $(BE_NET_FUZZ_SOURCES)
	@mkdir -p $(@D)
	clang -std=gnu11 -O1 -g -D_GNU_SOURCE -I. -Ihypercall/include \
		-fsanitize=fuzzer,address,undefined -o $@ $^ -lev

$(BUILD)/fuzz/net-own: tests/backends_net/fuzz_own.c $(BE_OWN_FUZZED:%.o=%.c)
	@mkdir -p $(@D)
	clang -std=gnu11 -O1 -g -D_GNU_SOURCE -I. -Ihypercall/include \
		-fsanitize=fuzzer,address,undefined -o $@ $^ -lev

fuzz-net: $(BUILD)/fuzz/net $(BUILD)/fuzz/net-own
	@mkdir -p $(BUILD)/fuzz/corpus-net
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=16384 \
		-artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus-net
	@mkdir -p $(BUILD)/fuzz/corpus-net-own
	$(BUILD)/fuzz/net-own -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
		-artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus-net-own
.PHONY: fuzz-net

TEST_NEEDS += $(addprefix $(BUILD)/tests/backends_net-,host own unit queue ovs \
	fuzz fuzz-own) $(BUILD)/san/bin/parapet-netback $(BUILD)/bin/parapet-stored
TESTS += $(addprefix $(BUILD)/tests/backends_net-,unit@60 queue@60 ovs@60 fuzz@120 \
	fuzz-own@120 host@300 own@300)

# A stock guest's interface in a real control domain, in QEMU.
$(BUILD)/tests/net-traffic: $(BUILD)/obj/tests/backends_net/guest_traffic.o
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^

TEST_NEEDS += $(BUILD)/tests/net-traffic images
TESTS += tests/backends_net/guest_net.py@1000
