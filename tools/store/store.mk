# The store daemon, its client library and its command.

include tools/store/objects.mk

$(BUILD)/bin/parapet-stored: $(addprefix $(BUILD)/obj/,$(STORE_PURE) \
		$(STORE_HOST) $(STORE_DAEMON))
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev

# The same with the sanitizers, for the tests.
$(BUILD)/san/bin/parapet-stored: $(addprefix $(BUILD)/san/,$(STORE_PURE) \
		$(STORE_HOST) $(STORE_DAEMON))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev

$(BUILD)/bin/parapet-store: $(addprefix $(BUILD)/obj/tools/store/,cli.o \
		cli_output.o cli_tree.o cli_usage.o) $(BUILD)/lib/libparapet-xs.a
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -pthread

ALL += $(BUILD)/bin/parapet-stored $(BUILD)/bin/parapet-store
