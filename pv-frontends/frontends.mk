# The frontends: their pure parts are linked into backends and tests, too.

PVBLK_CORE := $(addprefix pv-frontends/core/,front.o back.o pages.o)
PVNET_CORE := $(addprefix pv-frontends/core/,net_pipe.o net_front.o net_back.o)
PVCON_CORE := $(addprefix pv-frontends/core/,con_pipe.o con_front.o con_back.o)
PVBLK_MINI := pv-frontends/mini/blk.o
PVNET_MINI := pv-frontends/mini/net.o
PVCON_MINI := pv-frontends/mini/con.o

$(BUILD)/obj/pv-frontends/%.o: USER_CFLAGS += -Ihypercall/include
$(BUILD)/san/pv-frontends/%.o: SAN_CFLAGS += -Ihypercall/include

# Modules in $(BUILD)/modules: for Debian's stock kernel of that flavour, or for
# a configured tree: make modules KERNEL_TREE=DIR.
MODULES_KERNEL ?= cloud-amd64
KERNEL_TREE ?=
MODULES := $(addprefix $(BUILD)/modules/parapet-,blkfront.ko netfront.ko \
	confront.ko)

modules: $(MODULES)
.PHONY: modules

$(MODULES) &: $(wildcard pv-frontends/linux/*) \
		$(addprefix pv-frontends/core/,front.c pages.c pvblk.h shared.h \
		net_pipe.c net_front.c pvnet.h con_pipe.c con_front.c pvcon.h) \
		$(addprefix hypercall/include/pv/io/,pvblk.h pvnet.h pvcon.h)
	rm -rf $(BUILD)/modules
	@mkdir -p $(BUILD)/modules
	cp pv-frontends/linux/Kbuild $(filter %.c,$^) $(BUILD)/modules
	+headers=$(if $(KERNEL_TREE),"$(abspath $(KERNEL_TREE))",$$( \
		tools/image/fetch.sh headers $(MODULES_KERNEL))) && \
		$(MAKE) -s -C "$$headers" M="$(abspath $(BUILD)/modules)" \
		PARAPET_TREE="$(CURDIR)" KCFLAGS=-Werror modules
