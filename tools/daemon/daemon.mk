# The toolstack daemon.

include tools/xs/objects.mk

DAEMON_XML := $(addprefix tools/daemon/xml/,node.o value.o tune.o disk.o nic.o \
	parse.o format.o) tools/daemon/config.o tools/daemon/fail.o
DAEMON_OBJS := $(DAEMON_XML) $(addprefix tools/daemon/,settings.o work.o job.o \
	domain.o device.o nodes.o batch.o proc.o nbd.o service.o life_create.o \
	life_end.o life_nodes.o life_control.o hotplug.o record.o recover.o \
	server.o request.o methods.o methods_life.o methods_domain.o \
	methods_machine.o watch.o hv_fake.o)
DAEMON_LIBS := -lev -ljson-c -lxml2

DAEMON_INCLUDE := -Ihypercall/include -isystem /usr/include/libxml2
$(BUILD)/obj/tools/daemon/%.o: USER_CFLAGS += $(DAEMON_INCLUDE)
$(BUILD)/san/tools/daemon/%.o: SAN_CFLAGS += $(DAEMON_INCLUDE)

$(BUILD)/bin/parapetd: $(addprefix $(BUILD)/obj/,$(DAEMON_OBJS)) \
		$(addprefix $(BUILD)/obj/tools/daemon/,main.o store_xs.o \
		hv_pv.o) $(BUILD)/lib/libpvbuild.a $(BUILD)/lib/libpv.a \
		$(BUILD)/lib/libparapet-xs.a
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) \
		$(PVBUILD_LIBS) -pthread

# The same with the sanitizers, for the tests; it has the hypervisor in memory
# only.
$(BUILD)/san/bin/parapetd: $(addprefix $(BUILD)/san/,$(DAEMON_OBJS) \
		$(addprefix tools/daemon/,main.o store_xs.o) $(XS_OBJS) \
		tests/daemon/hv_none.o)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) -pthread

ALL += $(BUILD)/bin/parapetd
IMAGE_PROGRAMS += $(BUILD)/bin/parapetd
