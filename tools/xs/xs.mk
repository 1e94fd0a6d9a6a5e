# The client library.

include tools/xs/objects.mk

$(BUILD)/lib/libparapet-xs.a: $(addprefix $(BUILD)/obj/,$(XS_OBJS))
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

ALL += $(BUILD)/lib/libparapet-xs.a
