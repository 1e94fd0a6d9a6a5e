# Tests of the toolstack daemon and of its command line.

include tools/xs/objects.mk

$(BUILD)/san/tests/daemon/%.o: SAN_CFLAGS += -Ihypercall/include \
	-isystem /usr/include/libxml2

DAEMON_SAN_XML := $(addprefix $(BUILD)/san/tools/daemon/xml/,node.o value.o \
	tune.o disk.o nic.o parse.o format.o) \
	$(BUILD)/san/tools/daemon/config.o $(BUILD)/san/tools/daemon/fail.o
DAEMON_SAN := $(DAEMON_SAN_XML) $(addprefix $(BUILD)/san/tools/daemon/, \
	settings.o work.o job.o domain.o device.o nodes.o batch.o proc.o nbd.o \
	service.o life_create.o life_end.o life_nodes.o life_control.o \
	hotplug.o record.o recover.o server.o request.o methods.o \
	methods_life.o methods_domain.o methods_machine.o watch.o hv_fake.o)

$(addprefix $(BUILD)/tests/daemon-,xml_test xml_fuzz xml_dump): \
$(BUILD)/tests/daemon-%: $(BUILD)/san/tests/daemon/%.o $(DAEMON_SAN_XML)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lxml2 -lcmocka

$(BUILD)/tests/daemon-life_test $(BUILD)/tests/daemon-plug_test: \
$(BUILD)/tests/daemon-%: $(BUILD)/san/tests/daemon/%.o \
		$(BUILD)/san/tests/daemon/life_bed.o \
		$(BUILD)/san/tests/daemon/store_fake.o $(DAEMON_SAN)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev -ljson-c -lxml2 \
		-lcmocka -pthread

DAEMON_TESTS := $(addprefix $(BUILD)/tests/daemon-,xml_test xml_fuzz life_test \
	plug_test)

TEST_NEEDS += $(DAEMON_TESTS) $(BUILD)/tests/daemon-xml_dump $(BUILD)/san/bin/parapetd \
	$(BUILD)/san/bin/parapet
TESTS += $(addsuffix @120,$(DAEMON_TESTS)) tests/daemon/schema_test.sh@60 \
	tests/daemon/daemon_test.py@300 tests/cli/cli_test.py@300 \
	tests/daemon/guest_life.py@640 tests/daemon/guest_cycles.py@900

# The guest of many short lives, for tests/daemon/guest_cycles.py.
$(BUILD)/tests/daemon-null: tests/daemon/null.S tests/guest/lib/guest.lds
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -c -o $@.o $<
	$(LD) -nostdlib -static -z max-page-size=4096 -z noexecstack \
		--no-warn-rwx-segments --build-id=none -T $(GUEST_LDS) -o $@ $@.o
TEST_NEEDS += $(BUILD)/tests/daemon-null
