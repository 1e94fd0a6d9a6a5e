# parapet-bench: measures, and makes reports; `make bench` makes its own by it.

BENCH_REPORT_OBJS := $(addprefix tools/bench/,rows.o model.o table.o plot.o \
	page.o page_css.o)
BENCH_TOOL_OBJS := $(BENCH_REPORT_OBJS) $(addprefix tools/bench/,main.o run.o \
	samples.o guest.o initrd.o)

$(BUILD)/obj/tools/bench/page_css.o $(BUILD)/san/tools/bench/page_css.o: \
		tools/bench/page_css.S tools/bench/page.css
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<

# Static, like parapet: it runs where little is installed.
$(BUILD)/bin/parapet-bench: $(addprefix $(BUILD)/obj/,$(BENCH_TOOL_OBJS))
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -static -o $@ $^ -ljson-c -lm

# With the sanitizers, for the tests.
$(BUILD)/san/bin/parapet-bench: $(addprefix $(BUILD)/san/,$(BENCH_TOOL_OBJS))
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -ljson-c -lm

ALL += $(BUILD)/bin/parapet-bench
IMAGE_PROGRAMS += $(addprefix $(BUILD)/bin/,parapet-bench pvbench pvbench-child)
