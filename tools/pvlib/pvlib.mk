# libpv: the hypervisor, for programs of the control domain.

PV_OBJS := $(addprefix tools/pvlib/,error.o hypercall.o control.o memory.o \
	evtchn.o gnt.o share.o)

# Who includes tools/pvlib/pv.h needs the ABI's headers.
PV_INCLUDE := -Ihypercall/include
$(BUILD)/obj/tools/pvlib/%.o: USER_CFLAGS += $(PV_INCLUDE)
$(BUILD)/san/tools/pvlib/%.o: SAN_CFLAGS += $(PV_INCLUDE)

$(BUILD)/lib/libpv.a: $(addprefix $(BUILD)/obj/,$(PV_OBJS))
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $^

ALL += $(BUILD)/lib/libpv.a
