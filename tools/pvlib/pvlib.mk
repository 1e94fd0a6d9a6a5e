# libpv: the hypervisor, for programs of the control domain.  Who includes
# tools/pvlib/pv.h needs -Ihypercall/include.

include tools/pvlib/objects.mk

$(BUILD)/obj/tools/pvlib/%.o: USER_CFLAGS += -Ihypercall/include
$(BUILD)/san/tools/pvlib/%.o: SAN_CFLAGS += -Ihypercall/include

$(BUILD)/lib/libpv.a: $(addprefix $(BUILD)/obj/,$(PV_OBJS))
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

ALL += $(BUILD)/lib/libpv.a
