/* SPDX-License-Identifier: MIT */
/* PURE  Memory, virtual CPUs, and their limits. */
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/xml/node.h"

#define VCPUS_MOST 32
#define KIB_MOST   (1ull << 30) /* 1 TiB */

static uint64_t bounded_kib(struct xml_in *in, xmlNode *n)
{
	uint64_t kib = xml_kib(in, n);

	if (kib < 1024 || kib > KIB_MOST)
		xml_wrong(in, n, "must be from 1 MiB to 1 TiB");
	return kib;
}

void xml_take_memory(struct xml_in *in, xmlNode *n, void *into)
{
	((struct dom_config *)into)->memory_kib = bounded_kib(in, n);
}

void xml_take_current_memory(struct xml_in *in, xmlNode *n, void *into)
{
	((struct dom_config *)into)->current_kib = bounded_kib(in, n);
}

void xml_take_vcpu(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_config *c = into;
	char *placement = xml_attr(n, "placement");

	c->vcpus = (uint32_t)xml_text_number(in, n, 1, VCPUS_MOST);
	c->current_vcpus = (uint32_t)xml_attr_number(in, n, "current", c->vcpus,
						     1, c->vcpus);
	if (placement && strcmp(placement, "static"))
		xml_unsupported(in, n,
				"attribute placement: only 'static' is "
				"supported");
	free(placement);
}

struct tune_in {
	struct dom_config *c;
	uint64_t period, quota, global_period, global_quota;
};

static void take_tune_shares(struct xml_in *in, xmlNode *n, void *into)
{
	((struct tune_in *)into)->c->weight =
		(uint32_t)xml_text_number(in, n, 1, 65535);
}

static uint64_t take_period(struct xml_in *in, xmlNode *n)
{
	return xml_text_number(in, n, 1000, 1000000);
}

/* 0: no limit, which libvirt writes as a negative number. */
static uint64_t take_quota(struct xml_in *in, xmlNode *n)
{
	char *text = xml_text(in, n);
	uint64_t quota = 0;

	if (text && strcmp(text, "-1"))
		quota = xml_number(in, n, text, 1000, 17592186044415ull);
	free(text);
	return quota;
}

static void take_tune_period(struct xml_in *in, xmlNode *n, void *into)
{
	((struct tune_in *)into)->period = take_period(in, n);
}

static void take_tune_quota(struct xml_in *in, xmlNode *n, void *into)
{
	((struct tune_in *)into)->quota = take_quota(in, n);
}

static void take_global_period(struct xml_in *in, xmlNode *n, void *into)
{
	((struct tune_in *)into)->global_period = take_period(in, n);
}

static void take_global_quota(struct xml_in *in, xmlNode *n, void *into)
{
	((struct tune_in *)into)->global_quota = take_quota(in, n);
}

/* Percent of one CPU; the limit of each virtual CPU counts as often as there
 * are. */
static void set_cap(struct xml_in *in, xmlNode *n, struct tune_in *t)
{
	uint64_t each = t->quota * 100 / t->period * t->c->vcpus;
	uint64_t all = t->global_quota * 100 / t->global_period;
	uint64_t cap = !each || (all && all < each) ? all : each;

	if (cap > VCPUS_MOST * 100u)
		cap = 0;
	if (!cap &&
	    ((t->quota && t->quota * 100 < t->period) ||
	     (t->global_quota && t->global_quota * 100 < t->global_period)))
		xml_wrong(in, n, "less than one percent of a CPU");
	t->c->cap = (uint32_t)cap;
}

void xml_take_cputune(struct xml_in *in, xmlNode *n, void *into)
{
	static const struct xml_rule rules[] = {
		{"shares", "", take_tune_shares, false},
		{"period", "", take_tune_period, false},
		{"quota", "", take_tune_quota, false},
		{"global_period", "", take_global_period, false},
		{"global_quota", "", take_global_quota, false},
	};
	struct tune_in t = {
		.c = into, .period = 100000, .global_period = 100000};

	xml_take_children(in, n, XML_RULES(rules), &t);
	set_cap(in, n, &t);
}

static void take_hard_limit(struct xml_in *in, xmlNode *n, void *into)
{
	((struct dom_config *)into)->hard_limit_kib = bounded_kib(in, n);
}

static void take_min_guarantee(struct xml_in *in, xmlNode *n, void *into)
{
	((struct dom_config *)into)->min_guarantee_kib = bounded_kib(in, n);
}

void xml_take_memtune(struct xml_in *in, xmlNode *n, void *into)
{
	static const struct xml_rule rules[] = {
		{"hard_limit", "unit", take_hard_limit, false},
		{"min_guarantee", "unit", take_min_guarantee, false},
	};

	xml_take_children(in, n, XML_RULES(rules), into);
}
