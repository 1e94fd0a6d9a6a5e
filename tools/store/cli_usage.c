/* SPDX-License-Identifier: MIT */
/*
 * Use against limit, per domain.
 *
 * The daemon gives JSON, as many domains as fit into an answer:
 * [{"domid":1,"nodes":[used,limit],...},...].
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/store/cli.h"

/* The number behind "domid": of the last domain in this part, or -1. */
static long last_domid(const char *json)
{
	const char *at = json, *found = NULL;

	while ((at = strstr(at, "\"domid\":")))
		found = at += 8;
	return found ? strtol(found, NULL, 10) : -1;
}

static char *usage_part(struct cli *c, long from)
{
	char arg[24];

	snprintf(arg, sizeof(arg), "%ld", from);
	return xs_control_command(c->h, "usage", arg,
				  (unsigned)strlen(arg) + 1);
}

/* One domain's object: a line for each quota in use. */
static const char *usage_lines(const char *at, const char *end)
{
	unsigned long used, limit, domid = 0;
	char name[32];
	int n;

	while (at < end && *at != '}') {
		if (sscanf(at, "\"domid\":%lu%n", &domid, &n) == 1) {
			at += n;
		} else if (sscanf(at, "\"%31[^\"]\":[%lu,%lu]%n", name, &used,
				  &limit, &n) == 3) {
			at += n;
			if (used)
				printf("%6lu  %-18s %10lu", domid, name, used);
			if (used && limit)
				printf(" %10lu %4lu%%\n", limit,
				       used * 100 / limit);
			else if (used)
				printf(" %10s\n", "-");
		} else {
			at++;
		}
	}
	return at;
}

static void usage_text(const char *json)
{
	const char *end = json + strlen(json), *at;

	for (at = json; at < end; at++)
		if (*at == '{')
			at = usage_lines(at + 1, end);
}

int cmd_usage(struct cli *c)
{
	bool first = true;
	long from = 0, last;
	char *part;

	if (c->json)
		putchar('[');
	else
		printf("%6s  %-18s %10s %10s %5s\n", "domain", "quota", "used",
		       "limit", "");
	for (;;) {
		part = usage_part(c, from);
		if (!part)
			return cli_fail(c, "usage", "all domains");
		last = last_domid(part);
		if (last < 0)
			break;
		if (c->json)
			printf("%s%.*s", first ? "" : ",\n",
			       (int)strlen(part) - 2, part + 1);
		else
			usage_text(part);
		first = false;
		from = last + 1;
		free(part);
	}
	free(part);
	if (c->json)
		puts("]");
	return 0;
}

/* All quota names, separated by blanks. */
static int quota_list(struct cli *c)
{
	char *names, *name, *save = NULL;
	bool first = true;
	uint32_t value;

	names = xs_quota_names(c->h);
	if (!names)
		return cli_fail(c, "quota", "names");
	if (c->json)
		putchar('{');
	for (name = strtok_r(names, " ", &save); name;
	     name = strtok_r(NULL, " ", &save)) {
		if (!xs_get_quota(c->h, c->domid, name, &value))
			continue;
		if (c->json)
			printf("%s\"%s\":%u", first ? "" : ",", name, value);
		else
			printf("%-18s %10u\n", name, value);
		first = false;
	}
	if (c->json)
		puts("}");
	free(names);
	return 0;
}

int cmd_quota(struct cli *c)
{
	unsigned long value;
	char *end;

	if (!c->nargs)
		return quota_list(c);
	if (c->nargs != 2)
		return 2;
	value = strtoul(c->args[1], &end, 10);
	if (*end || !isdigit((unsigned char)c->args[1][0]) ||
	    value >= UINT32_MAX)
		return 2;
	if (!xs_set_quota(c->h, c->domid, c->args[0], (uint32_t)value))
		return cli_fail(c, "quota", c->args[0]);
	return 0;
}
