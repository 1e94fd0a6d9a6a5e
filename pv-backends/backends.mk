# The backends: processes of the control domain.

include tools/xs/objects.mk

BE_COMMON_PURE := $(addprefix pv-backends/common/,ring.o limit.o xb_state.o)
BE_COMMON := $(BE_COMMON_PURE) $(addprefix pv-backends/common/,log.o journal.o \
	bus.o bus_xen.o bus_files.o grants.o store.o)
# For programs with a process for each device.
BE_WORKER := $(addprefix pv-backends/common/,xenbus.o numbers.o worker.o \
	spare.o supervisor.o harden.o main.o) tools/harden/harden.o

# For those with own rings.
BE_OWN := $(addprefix pv-backends/common/,own_ring.o turn.o linger.o)

BE_BLK_PURE := $(addprefix pv-backends/blk/,request.o saved.o pool.o)
BE_BLK := $(BE_BLK_PURE) $(addprefix pv-backends/blk/,data.o flow.o image.o \
	image_file.o main.o tune.o) $(BE_OWN) pv-backends/pvblk/pvblk.o \
	pv-frontends/core/back.o

BE_BLK_ALL := $(BE_COMMON) $(BE_WORKER) $(BE_BLK)
BE_NBD := pv-backends/blk/image_nbd.o
BE_NO_NBD := pv-backends/blk/no_nbd.o

BE_CONSOLE_PURE := pv-backends/console/stream.o
BE_CONSOLE_ALL := $(BE_COMMON) $(BE_WORKER) $(BE_CONSOLE_PURE) \
	$(addprefix pv-backends/console/,logfile.o viewers.o main.o) \
	pv-backends/common/own_ring.o pv-backends/pvcon/pvcon.o \
	$(addprefix pv-frontends/core/,con_pipe.o con_back.o)

$(BUILD)/obj/pv-backends/%.o: USER_CFLAGS += -Ihypercall/include
$(BUILD)/san/pv-backends/%.o: SAN_CFLAGS += -Ihypercall/include

BE_LIBS := $(BUILD)/lib/libpv.a $(BUILD)/lib/libparapet-xs.a

$(BUILD)/bin/parapet-blkback: $(addprefix $(BUILD)/obj/,$(BE_BLK_ALL) \
		$(BE_NO_NBD)) $(BE_LIBS)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev -luring

$(BUILD)/bin/parapet-blkback-nbd: $(addprefix $(BUILD)/obj/,$(BE_BLK_ALL) \
		$(BE_NBD)) $(BE_LIBS)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev -luring -lnbd

$(BUILD)/bin/parapet-consoled: $(addprefix $(BUILD)/obj/,$(BE_CONSOLE_ALL)) \
		$(BE_LIBS)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev

# The same with the sanitizers, for the tests.
BE_SAN_LIBS := $(addprefix $(BUILD)/san/,$(XS_OBJS) \
	$(patsubst %.c,%.o,$(wildcard tools/pvlib/*.c)))

$(BUILD)/san/bin/parapet-blkback: $(addprefix $(BUILD)/san/,$(BE_BLK_ALL) \
		$(BE_NO_NBD)) $(BE_SAN_LIBS)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev -luring

$(BUILD)/san/bin/parapet-blkback-nbd: $(addprefix $(BUILD)/san/,$(BE_BLK_ALL) \
		$(BE_NBD)) $(BE_SAN_LIBS)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev -luring -lnbd

$(BUILD)/san/bin/parapet-consoled: $(addprefix $(BUILD)/san/,$(BE_CONSOLE_ALL)) \
		$(BE_SAN_LIBS)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev

ALL += $(addprefix $(BUILD)/bin/,parapet-blkback parapet-blkback-nbd \
	parapet-consoled)
IMAGE_PROGRAMS += $(addprefix $(BUILD)/bin/,parapet-blkback parapet-consoled)
