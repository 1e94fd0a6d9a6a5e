# The client library.

XS_OBJS := $(addprefix tools/xs/,connect.o call.o ops.o watch.o)

$(BUILD)/lib/libparapet-xs.a: $(addprefix $(BUILD)/obj/,$(XS_OBJS))
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

ALL += $(BUILD)/lib/libparapet-xs.a
