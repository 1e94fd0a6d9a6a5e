# The benchmark's results and reports, on the host.

BENCH_REPORT_TEST := $(BUILD)/tests/bench-report-test

$(BENCH_REPORT_TEST): $(addprefix $(BUILD)/san/tools/bench/,rows.o model.o \
		table.o plot.o page.o page_css.o samples.o) \
		$(BUILD)/san/tests/bench_report/report_test.o
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) -o $@ $^ -ljson-c -lm -lcmocka

TEST_NEEDS += $(BENCH_REPORT_TEST) $(BUILD)/san/bin/parapet-bench \
	$(BUILD)/san/bin/parapet $(BENCH_PROGRAMS) $(BUILD)/parapet images
TESTS += $(BENCH_REPORT_TEST)@60 tests/bench_report/tool_test.py@120 \
	tests/bench_report/results_test.py@60 \
	tests/bench_report/control_bench.py@300
