# The benchmark: one static program, the same bytes on every system.

PVBENCH_OBJS := $(addprefix $(BUILD)/obj/tests/bench/pvbench/,main.o \
	syscalls.o memory.o processes.o compute.o) \
	$(BUILD)/obj/tests/bench/lib/batch.o

$(BUILD)/bin/pvbench: $(PVBENCH_OBJS)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -static -o $@ $^

$(BUILD)/bin/pvbench-child: tests/bench/pvbench/child.S
	@mkdir -p $(@D)
	$(CC) -static -nostdlib -o $@ $<

PVBENCH := $(BUILD)/bin/pvbench $(BUILD)/bin/pvbench-child
ALL += $(PVBENCH)

# Disks, networks and the life of guests.
PVIO_OBJS := $(addprefix $(BUILD)/obj/tests/bench/,pvio/main.o pvio/effort.o \
	pvio/block.o pvio/net.o pvio/life.o lib/batch.o)

$(BUILD)/bin/pvio: $(PVIO_OBJS)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -static -o $@ $^ -luring

ALL += $(BUILD)/bin/pvio

# Work as people have it.  (-w: SQLite could load libraries, if it were asked
# to, which a static program cannot.)
PVWORK_OBJS := $(addprefix $(BUILD)/obj/tests/bench/,pvwork/main.o \
	pvwork/compress.o pvwork/database.o pvwork/build.o pvio/effort.o \
	lib/batch.o)

$(BUILD)/bin/pvwork: $(PVWORK_OBJS)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -static -Wl,-w -o $@ $^ -lsqlite3 \
		-lz -lm -pthread

ALL += $(BUILD)/bin/pvwork
BENCH_PROGRAMS := $(PVBENCH) $(BUILD)/bin/pvio $(BUILD)/bin/pvwork
BENCH_TOOLS := $(addprefix $(BUILD)/bin/,parapet-bench parapet parapetd parapet-stored \
	parapet-store parapet-consoled parapet-blkback parapet-netback)

# make bench SYSTEMS="native parapet-control" ROUNDS=1 ROWS=getpid QUICK=1
# BENCH_ARGS has any other option of bench.py.
SYSTEMS ?=
ROUNDS  ?= 3
ROWS    ?= $(METRICS)
QUICK   ?=
BENCH_ARGS ?=

bench:
	@tools/image/deps.sh
	@$(MAKE) --no-print-directory $(BENCH_PROGRAMS) \
		$(BUILD)/bin/parapet-extract $(BUILD)/parapet $(BENCH_TOOLS)
	$(if $(findstring -patched,$(SYSTEMS)),\
		@$(MAKE) --no-print-directory guest-kernel)
	$(if $(findstring -frontends,$(SYSTEMS)),\
		@$(MAKE) --no-print-directory modules)
	@tools/image/prepare.sh --kernel-only $(BUILD) $(FLAVOUR)
	@tests/bench/bench.py --build $(BUILD) --systems "$(SYSTEMS)" \
		--rounds $(ROUNDS) --rows "$(ROWS)" \
		--flavour $(FLAVOUR) $(if $(QUICK),--quick) $(BENCH_ARGS)
