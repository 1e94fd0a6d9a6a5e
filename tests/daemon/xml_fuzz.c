/* SPDX-License-Identifier: MIT */
/*
 * The XML layer against random changes of good documents, under the sanitizers.
 *
 * Whatever is accepted must be written, read back, and be the same then.  The
 * seed is printed; FUZZ_SEED and FUZZ_RUNS repeat or extend a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/daemon/xml/xml.h"

#define ROOM 8192

static uint64_t seed = 1;

static uint32_t next(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 11) % below;
}

static const char base[] =
	"<domain type='xen'><name>web1</name><uuid>4dea22b3-1d52-d8f3-2516-"
	"782e98ab3fa0</uuid><memory unit='MiB'>256</memory><currentMemory>"
	"65536</currentMemory><vcpu current='1'>4</vcpu><os><type "
	"arch='x86_64'>linux</type><kernel>/k</kernel><cmdline>a=b</cmdline>"
	"</os><on_crash>restart</on_crash><cputune><shares>5</shares><quota>"
	"50000</quota></cputune><memtune><hard_limit>999999</hard_limit>"
	"</memtune><devices><disk type='file'><driver type='qcow2'/><source "
	"file='/d'/><target dev='xvda'/><iotune><read_iops_sec>1"
	"</read_iops_sec></iotune></disk><disk type='network'><source "
	"protocol='nbd' name='x'><host name='h' port='1'/></source><target "
	"dev='xvdb'/></disk><interface type='bridge'><mac "
	"address='00:16:3e:00:00:01'/><source bridge='b'/><bandwidth><inbound "
	"average='1'/></bandwidth></interface><console type='pty'><log "
	"file='/l'/></console></devices></domain>";

static const char *const words[] = {
	"<disk>",      "</disk>",
	"<name>",      "'",
	"&amp;",       "&x;",
	"<!--",        "-->",
	"<![CDATA[",   "]]>",
	"<?xml ?>",    "\xc3",
	"\xff",        "99999999999999999999",
	"-1",          "0",
	" type='xen'", "xvdaaa",
	"<host/>",     "<interface type='network'>",
	"xmlns:a='b'", "a:",
	"unit='EiB'",  "<!DOCTYPE a>",
};

/* Replace a part of the text by another; returns the new length. */
static size_t change(char *text, size_t n)
{
	const char *word = words[next(sizeof(words) / sizeof(words[0]))];
	size_t at = next((uint32_t)n + 1), cut = 0, add = 0;
	char byte;

	switch (next(4)) {
	case 0: /* a byte */
		byte = (char)next(256);
		word = &byte;
		add = cut = at < n;
		break;
	case 1: /* a word goes in */
		add = strlen(word);
		break;
	case 2: /* a piece goes */
		cut = next(20);
		break;
	default: /* a piece of the original comes */
		word = base + next(sizeof(base) - 60);
		add = next(60);
		break;
	}
	if (cut > n - at)
		cut = n - at;
	if (n - cut + add >= ROOM)
		return n;
	memmove(text + at + add, text + at + cut, n - at - cut);
	memcpy(text + at, word, add);
	return n - cut + add;
}

static void must_survive(const struct dom_config *c)
{
	struct xml_report report = {0};
	char *first = xml_format_domain(c, 1), *second;
	struct dom_config *again;
	struct fail why;

	assert_non_null(first);
	again = xml_parse_domain(first, strlen(first), "again", 0, &report,
				 &why);
	if (!again)
		fail_msg("not read back: %s\n%s", why.text, first);
	second = xml_format_domain(again, 1);
	assert_string_equal(first, second);
	free(first);
	free(second);
	config_put(again);
}

static unsigned int try(const char *text, size_t n)
{
	static const unsigned int flags[] = {0, XML_IGNORE_UNSUPPORTED};
	unsigned int taken = 0;
	struct dom_config *c;
	struct fail why;

	for (int i = 0; i < 2; i++) {
		struct xml_report report = {0};

		c = xml_parse_domain(text, n, "fuzz", flags[i], &report, &why);
		if (c)
			must_survive(c);
		taken += c != NULL;
		config_put(c);
		xml_report_free(&report);
	}
	return taken;
}

static void changed_documents_do_no_harm(void **state)
{
	const char *runs = getenv("FUZZ_RUNS"), *from = getenv("FUZZ_SEED");
	unsigned long n = runs ? strtoul(runs, NULL, 10) : 20000;
	char *text = malloc(ROOM);
	unsigned int taken = 0;

	(void)state;
	seed = from ? strtoull(from, NULL, 10) : 88172645463325252ull;
	for (unsigned long i = 0; i < n; i++) {
		unsigned long long now = seed;
		size_t len = sizeof(base) - 1;
		char *exact;

		memcpy(text, base, len);
		for (uint32_t k = next(3) + 1; k; k--)
			len = change(text, len);
		/* Exactly so long, so that reading beyond is noticed. */
		exact = malloc(len ? len : 1);
		memcpy(exact, text, len);
		if (i == 0)
			print_message("# FUZZ_SEED=%llu\n", now);
		taken += try(exact, len);
		free(exact);
	}
	free(text);
	assert_true(taken > n / 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(changed_documents_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
