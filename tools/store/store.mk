# The store daemon, its client library and its command.

STORE_PURE := $(addprefix tools/store/,util.o hash.o path.o perms.o domain.o \
	tree.o txn.o commit.o turn.o watch.o nodeops.o conn.o request.o \
	domops.o control.o record.o replay.o checkpoint.o ring.o config.o)
STORE_HOST := $(addprefix tools/store/,journal.o)
STORE_DAEMON := $(addprefix tools/store/,main.o server.o sock.o rings.o \
	handover.o harden.o log.o ring_files.o ring_xen.o)

$(BUILD)/bin/parapet-stored: $(addprefix $(BUILD)/obj/,$(STORE_PURE) \
		$(STORE_HOST) $(STORE_DAEMON))
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev

# The same with the sanitizers, for the tests.
$(BUILD)/san/bin/parapet-stored: $(addprefix $(BUILD)/san/,$(STORE_PURE) \
		$(STORE_HOST) $(STORE_DAEMON))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev

ALL += $(BUILD)/bin/parapet-stored
