# The benchmark: one static program, the same bytes on every system.

PVBENCH_OBJS := $(addprefix $(BUILD)/obj/tests/bench/pvbench/,main.o \
	syscalls.o memory.o processes.o compute.o)

$(BUILD)/bin/pvbench: $(PVBENCH_OBJS)
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -static -o $@ $^

$(BUILD)/bin/pvbench-child: tests/bench/pvbench/child.S
	@mkdir -p $(@D)
	$(CC) -static -nostdlib -o $@ $<

PVBENCH := $(BUILD)/bin/pvbench $(BUILD)/bin/pvbench-child
ALL += $(PVBENCH)

# make bench SYSTEMS=native,parapet-control ROUNDS=1 METRICS=getpid QUICK=1
# BENCH_ARGS has any other option of bench.py.
SYSTEMS ?= native,parapet-control,xen-control
ROUNDS  ?= 3
METRICS ?=
QUICK   ?=
BENCH_ARGS ?=

bench:
	@tools/image/deps.sh
	@$(MAKE) --no-print-directory $(PVBENCH) $(BUILD)/bin/parapet-extract \
		$(if $(findstring parapet-control,$(SYSTEMS)),$(BUILD)/parapet)
	@tools/image/prepare.sh --kernel-only $(BUILD) $(FLAVOUR)
	@tests/bench/bench.py --build $(BUILD) --systems $(SYSTEMS) \
		--rounds $(ROUNDS) --metrics "$(METRICS)" \
		--flavour $(FLAVOUR) $(if $(QUICK),--quick) $(BENCH_ARGS)
