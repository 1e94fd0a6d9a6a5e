# parapet-netback: network interfaces of guests.

BE_NET_PURE := $(addprefix pv-backends/net/,tx.o rx.o headers.o offload.o \
	segment.o)
BE_NET_FLOW := $(BE_NET_PURE) $(addprefix pv-backends/net/,flow.o from_guest.o \
	to_guest.o)
BE_PVNET := $(BE_OWN) $(addprefix pv-backends/pvnet/,pvnet.o queue.o header.o) \
	$(addprefix pv-frontends/core/,net_pipe.o net_back.o)
BE_NET_ALL := $(BE_COMMON) $(BE_WORKER) $(BE_NET_FLOW) \
	$(addprefix pv-backends/net/,link.o tap.o ovs.o main.o) \
	$(BE_PVNET)

$(BUILD)/bin/parapet-netback: $(addprefix $(BUILD)/obj/,$(BE_NET_ALL)) \
		$(BE_LIBS)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev -ljson-c

# The same with the sanitizers, for the tests.
$(BUILD)/san/bin/parapet-netback: $(addprefix $(BUILD)/san/,$(BE_NET_ALL)) \
		$(BE_SAN_LIBS)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev -ljson-c

ALL += $(BUILD)/bin/parapet-netback
IMAGE_PROGRAMS += $(BUILD)/bin/parapet-netback
