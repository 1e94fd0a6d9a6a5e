# The frontends: their pure parts are linked into backends and tests, too.

PVBLK_CORE := $(addprefix pv-frontends/core/,front.o back.o pages.o)

$(BUILD)/obj/pv-frontends/%.o: USER_CFLAGS += -Ihypercall/include
$(BUILD)/san/pv-frontends/%.o: SAN_CFLAGS += -Ihypercall/include
