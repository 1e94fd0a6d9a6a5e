/* SPDX-License-Identifier: MIT */
/*
 * Results read, and what is said of them; the files are looked at by
 * tool_test.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/bench/bench.h"
#include "tools/bench/report.h"

#define CANNED "tests/bench_report/results.json"

static struct report r;
static char error[256];

static const struct row *row(const char *name)
{
	for (int i = 0; i < r.nr_rows; i++)
		if (!strcmp(r.rows[i].name, name))
			return &r.rows[i];
	fail_msg("no row %s", name);
	return NULL;
}

static int sys(const char *name)
{
	for (int i = 0; i < r.nr_systems; i++)
		if (!strcmp(r.systems[i].name, name))
			return i;
	fail_msg("no system %s", name);
	return -1;
}

static bool read_text(const char *text)
{
	return report_read(&r, json_tokener_parse(text), error, sizeof(error));
}

static void systems_and_rows_are_in_order(void **state)
{
	(void)state;
	assert_true(report_load(&r, CANNED, error, sizeof(error)));
	assert_int_equal(r.base, 0);
	assert_string_equal(r.systems[0].name, "native");
	assert_string_equal(r.systems[r.nr_systems - 1].name, "tcg-guest");
	assert_string_equal(r.rows[0].name, "getpid");
	for (int i = 1; i < r.nr_rows; i++)
		assert_true(r.rows[i].group >= r.rows[i - 1].group);
	assert_string_equal(row("getpid_insns")->title, "null system call");
	assert_int_equal(row("getpid_insns")->group, GROUP_INSNS);
	report_free(&r);
}

static void cost_is_time_or_the_other_way_round(void **state)
{
	int count;

	(void)state;
	assert_true(report_load(&r, CANNED, error, sizeof(error)));
	assert_float_equal(report_cost(&r, row("getpid"), sys("parapet-guest")),
			   2, 1e-9);
	/* Half the rate. */
	assert_float_equal(report_cost(&r, row("compress"), sys("xen-guest")),
			   2, 1e-9);
	/* The bare machine has no guest. */
	assert_float_equal(report_cost(&r, row("destroy"), sys("xen-guest")), 0,
			   0);
	assert_float_equal(report_mean_cost(&r, GROUP_KERNEL, r.base, &count),
			   1, 1e-9);
	assert_int_equal(count, 2);
	report_mean_cost(&r, GROUP_NETWORK, sys("xen-guest"), &count);
	assert_int_equal(count, 0);
	report_free(&r);
}

static void what_is_not_known_is_shown_as_it_is(void **state)
{
	(void)state;
	assert_true(read_text(
		"{\"metrics\": {"
		"\"odd\": {\"unit\": \"furlongs/s\", \"systems\": "
		"{\"mine\": {\"median\": 3}}},"
		"\"odder_flushes\": {\"unit\": \"flushes\", \"systems\": "
		"{\"mine\": {\"median\": 4, \"min\": 2, \"max\": 5}}}}}"));
	assert_int_equal(r.base, -1);
	assert_int_equal(r.nr_rows, 2);
	assert_string_equal(r.systems[0].title, "mine");
	assert_string_equal(r.systems[0].style, "other");
	assert_int_equal(row("odd")->group, GROUP_OTHER);
	assert_true(row("odd")->more_is_better);
	assert_float_equal(row("odd")->of[0].max, 3, 0);
	assert_string_equal(row("odder_flushes")->title, "odder");
	assert_int_equal(row("odder_flushes")->group, GROUP_FLUSHES);
	assert_float_equal(report_cost(&r, row("odd"), 0), 0, 0);
	report_free(&r);
}

static void what_is_no_result_is_refused(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"3",
		"{\"metrics\": []}",
		"{\"metrics\": {}}",
		"{\"metrics\": {\"a\": 1}}",
		"{\"metrics\": {\"a\": {\"unit\": \"ns\"}}}",
		"{\"metrics\": {\"a\": {\"unit\": 1, \"systems\": {\"s\": "
		"{\"median\": 1}}}}}",
		"{\"metrics\": {\"a\": {\"unit\": \"ns\", \"systems\": {\"s\": "
		"{\"median\": -1}}}}}",
		"{\"metrics\": {\"a\": {\"unit\": \"ns\", \"systems\": {\"s\": "
		"{\"median\": \"x\"}}}}}",
		"{\"metrics\": {\"a\": {\"unit\": \"ns\", \"systems\": {\"s\": "
		"3}}}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		error[0] = '\0';
		assert_false(read_text(texts[i]));
		assert_true(strstr(error, "no results") != NULL);
	}
	assert_false(report_load(&r, "tests/none", error, sizeof(error)));
}

static void too_many_are_refused(void **state)
{
	char text[4096] = "{\"metrics\": {\"a\": {\"unit\": \"ns\", "
			  "\"systems\": {";
	size_t len = strlen(text);

	(void)state;
	for (int i = 0; i <= MAX_SYSTEMS; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s\"s%d\": {\"median\": 1}",
					i ? ", " : "", i);
	snprintf(text + len, sizeof(text) - len, "}}}}");
	assert_false(read_text(text));
	assert_true(strstr(error, "more than") != NULL);
}

static void figures_are_short(void **state)
{
	static const struct {
		double value;
		const char *unit, *text;
	} cases[] = {
		{46.9, "ns", "46.9 ns"},         {342, "ns", "342 ns"},
		{999.6, "ns", "1.00 us"},        {11153, "ns", "11.2 us"},
		{1041e3, "ns", "1.04 ms"},       {31.3e9, "ns", "31.3 s"},
		{773, "us", "773 us"},           {1726, "ms", "1.73 s"},
		{72e3, "IOPS", "72.0k IOPS"},    {9.5, "MiB/s", "9.50 MiB/s"},
		{413e3, "instructions", "413k"}, {0, "ns", "0.00 ns"},
		{9999, "IOPS", "9999 IOPS"},     {3.2e12, "ns", "3200 s"},
	};
	char text[TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		figure_text(text, cases[i].value, cases[i].unit, false);
		assert_string_equal(text, cases[i].text);
	}
	figure_text(text, 5000, "ns", true);
	assert_string_equal(text, "5.00 \u00b5s");
	cost_text(text, 0, false);
	assert_string_equal(text, "-");
	cost_text(text, 31.42, false);
	assert_string_equal(text, "31.4x");
}

static void lines_of_pvbench_are_taken(void **state)
{
	static struct samples s = {.systems = {"native", "parapet-guest"}};
	struct json_object *json = json_object_new_object();

	(void)state;
	assert_int_equal(samples_take(&s, 0, "[ 1.0] something"), LINE_OTHER);
	assert_int_equal(samples_take(&s, 0, "pvbench getpid 300.5 1 2 3\n"),
			 LINE_FIGURE);
	samples_take(&s, 0, "pvbench getpid 100 1 2 3\r\n");
	samples_take(&s, 0, "x pvbench getpid 200 1 2 3");
	samples_take(&s, 1, "pvbench getpid 400 1 2 3");
	samples_take(&s, 1, "pvbench getpid 600 1 2 3");
	assert_int_equal(samples_take(&s, 0, "pvbench ready getpid"),
			 LINE_OTHER);
	assert_int_equal(samples_take(&s, 0, "pvbench getpid nan"), LINE_OTHER);
	assert_int_equal(samples_take(&s, 0, "pvbench done"), LINE_DONE);
	assert_int_equal(samples_take(&s, 0, "pvbench failed: fork: x"),
			 LINE_FAILED);
	json_object_object_add(json, "metrics", samples_metrics(&s));
	assert_true(report_read(&r, json, error, sizeof(error)));
	assert_int_equal(r.nr_rows, 1);
	assert_float_equal(row("getpid")->of[0].median, 200, 0);
	assert_float_equal(row("getpid")->of[0].max, 300.5, 0);
	assert_float_equal(row("getpid")->of[1].median, 500, 0);
	report_free(&r);
}

static void samples_have_room_or_are_left_out(void **state)
{
	static struct samples s = {.systems = {"native", "parapet-guest"}};
	char line[64];

	(void)state;
	for (int i = 0; i < MAX_SAMPLED + 5; i++) {
		snprintf(line, sizeof(line), "pvbench m%d 1", i);
		samples_take(&s, 0, line);
	}
	assert_int_equal(s.nr_metrics, MAX_SAMPLED);
	for (int i = 0; i < MAX_ROUNDS + 5; i++)
		samples_take(&s, 0, "pvbench m0 1");
	assert_int_equal(s.metrics[0].counts[0], MAX_ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(systems_and_rows_are_in_order),
		cmocka_unit_test(cost_is_time_or_the_other_way_round),
		cmocka_unit_test(what_is_not_known_is_shown_as_it_is),
		cmocka_unit_test(what_is_no_result_is_refused),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(figures_are_short),
		cmocka_unit_test(lines_of_pvbench_are_taken),
		cmocka_unit_test(samples_have_room_or_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
