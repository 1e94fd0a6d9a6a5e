# The command line.

CLI_OBJS := $(addprefix tools/cli/,main.o call.o util.o life.o console.o \
	config.o device.o info.o live.o)

# Static: loading libraries would take several times as long as most commands.
$(BUILD)/bin/parapet: $(addprefix $(BUILD)/obj/,$(CLI_OBJS))
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -static -o $@ $^ -ljson-c

# With the sanitizers, for the tests.
$(BUILD)/san/bin/parapet: $(addprefix $(BUILD)/san/,$(CLI_OBJS))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -ljson-c

ALL += $(BUILD)/bin/parapet
IMAGE_PROGRAMS += $(BUILD)/bin/parapet
