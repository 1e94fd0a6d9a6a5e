/* SPDX-License-Identifier: MIT */
/*
 * CONTROL: questions about, and orders to, the daemon itself.
 *
 * PURE  Answers are text for people, or JSON where the command says so; what
 * needs the daemon (log file, handover, journal) is passed on to its hook.
 * Everybody may ask "why": the reason of the last refusal on this connection.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/store/record.h"
#include "tools/store/request.h"

static const char help_text[] =
	"check                   verify the tree and the accounts\n"
	"help                    this text\n"
	"log [on|off]            log every request\n"
	"memreport               memory in use\n"
	"quota                   the global quotas\n"
	"quota set NAME VALUE    change one, 0 is no limit\n"
	"quota DOMID             use and limits of a domain\n"
	"quota max [-r]          highest use by any guest; -r: forget it\n"
	"stats                   counters since the start\n"
	"usage                   use and limits of all domains, as JSON\n"
	"why                     reason of the last refusal here\n"
	"checkpoint              write a new journal\n"
	"live-update -s [-f FILE] go on in a new program, keep all clients\n"
	"print TEXT              put TEXT into the log\n";

static void control_quota_list(struct store *st, struct buf *out)
{
	int q;

	for (q = 0; q < QUOTA_COUNT; q++)
		buf_printf(out, "%-18s %10u  %s\n",
			   quota_name((enum quota_id)q), st->domains.limit[q],
			   quota_unit((enum quota_id)q));
}

static int control_quota_domain(struct store *st, const char *arg,
				struct buf *out)
{
	const struct domain *d;
	unsigned domid;
	int q;

	if (args_domid(arg, &domid))
		return EINVAL;
	d = domain_find(&st->domains, domid);
	if (!d)
		return ENOENT;
	for (q = 0; q < QUOTA_COUNT; q++)
		buf_printf(out, "%-18s %10u of %u, peak %u\n",
			   quota_name((enum quota_id)q), d->use[q],
			   quota_limit(&st->domains, d, (enum quota_id)q),
			   d->peak[q]);
	return 0;
}

static void control_quota_max(struct store *st, bool forget, struct buf *out)
{
	struct domain *d = NULL;
	uint32_t max[QUOTA_COUNT] = {0};
	int q;

	while ((d = domain_next(&st->domains, d ? d->domid : -1))) {
		for (q = 0; d->domid && q < QUOTA_COUNT; q++) {
			if (d->peak[q] > max[q])
				max[q] = d->peak[q];
			if (forget)
				d->peak[q] = d->use[q];
		}
	}
	for (q = 0; q < QUOTA_COUNT; q++)
		buf_printf(out, "%-18s %10u\n", quota_name((enum quota_id)q),
			   max[q]);
}

static int control_quota(struct store *st, const struct args *a,
			 struct buf *out)
{
	uint32_t value;
	int q;

	if (a->n < 2 || !a->len[1]) {
		control_quota_list(st, out);
		return 0;
	}
	if (!strcmp(a->s[1], "max")) {
		control_quota_max(st, a->n > 2 && !strcmp(a->s[2], "-r"), out);
		return 0;
	}
	if (strcmp(a->s[1], "set"))
		return control_quota_domain(st, a->s[1], out);
	if (a->n < 4)
		return EINVAL;
	q = quota_by_name(a->s[2]);
	if (q < 0 || args_number(a->s[3], &value) || value == QUOTA_UNSET)
		return EINVAL;
	st->domains.limit[q] = value;
	rec_quota(st, QUOTA_GLOBAL, (enum quota_id)q, value);
	return 0;
}

static void control_memreport(struct store *st, struct buf *out)
{
	const struct tree *t = &st->tree;

	buf_printf(out, "nodes              %u\n", t->count);
	buf_printf(out, "node bytes         %zu\n", t->bytes);
	buf_printf(out, "snapshot bytes     %zu\n", t->version_bytes);
	buf_printf(out, "table bytes        %zu\n",
		   (size_t)t->nodes.nbucket * sizeof(void *));
	buf_printf(out, "permission lists   %u\n", t->perms.tab.count);
	buf_printf(out, "watches            %u\n", st->watches.count);
}

static void control_stats(struct store *st, struct buf *out)
{
	const struct store_stats *s = &st->stats;
	struct list *pos;
	unsigned conns = 0;

	list_for_each (pos, &st->conns)
		conns++;
	buf_printf(out, "connections        %u\n", conns);
	buf_printf(out, "requests           %llu\n",
		   (unsigned long long)s->requests);
	buf_printf(out, "errors             %llu\n",
		   (unsigned long long)s->errors);
	buf_printf(out, "events             %llu\n",
		   (unsigned long long)s->events);
	buf_printf(out, "commits            %llu\n",
		   (unsigned long long)s->commits);
	buf_printf(out, "conflicts          %llu\n",
		   (unsigned long long)s->conflicts);
	buf_printf(out, "turns              %llu\n",
		   (unsigned long long)s->turns);
	buf_printf(out, "looks              %llu\n",
		   (unsigned long long)s->looks);
	buf_printf(out, "looks that hit     %llu\n",
		   (unsigned long long)s->hits);
	buf_printf(out, "quota refusals     %llu\n",
		   (unsigned long long)s->refusals);
	buf_printf(out, "snapshots lost     %llu\n",
		   (unsigned long long)s->lost_snapshots);
}

static void usage_domain(struct store *st, const struct domain *d,
			 struct buf *out)
{
	int q;

	buf_printf(out, "{\"domid\":%u", d->domid);
	for (q = 0; q < QUOTA_COUNT; q++)
		buf_printf(out, ",\"%s\":[%u,%u]", quota_name((enum quota_id)q),
			   d->use[q],
			   d->domid ? quota_limit(&st->domains, d,
						  (enum quota_id)q)
				    : 0);
	buf_printf(out, "}");
}

/* From a domain id on, as many as fit; a client asks again behind the last. */
static void control_usage(struct store *st, const struct args *a,
			  struct buf *out)
{
	struct domain *d = NULL;
	unsigned from = 0;
	size_t before;

	if (a->n > 1 && a->len[1])
		args_domid(a->s[1], &from);
	buf_printf(out, "[");
	while ((d = domain_next(&st->domains, d ? d->domid : (int)from - 1))) {
		before = out->len;
		if (before > 1)
			buf_printf(out, ",\n");
		usage_domain(st, d, out);
		if (out->len > XS_PAYLOAD_MAX - 2) {
			out->len = before;
			break;
		}
	}
	buf_printf(out, "]");
}

/* The tree against the accounts and against itself. */
static void control_check(struct store *st, struct buf *out)
{
	uint32_t nodes = 0, bad = 0, owned = 0;
	struct domain *d = NULL;
	struct node *n;

	for (n = st->tree.root; n; n = tree_next(n)) {
		nodes++;
		bad += n->parent && !n->parent->live;
		bad += tree_find(&st->tree, n->link.hash, n->path, n->plen) !=
		       n;
	}
	while ((d = domain_next(&st->domains, d ? d->domid : -1)))
		owned += d->use[QUOTA_NODES];
	if (nodes != st->tree.count || owned != nodes || bad)
		buf_printf(out,
			   "BAD: %u nodes found, %u counted, %u owned, "
			   "%u misplaced\n",
			   nodes, st->tree.count, owned, bad);
	else
		buf_printf(out, "OK: %u nodes\n", nodes);
}

static int control_log(struct store *st, const struct args *a, struct buf *out)
{
	if (a->n > 1 && !strcmp(a->s[1], "on"))
		st->trace = true;
	else if (a->n > 1 && !strcmp(a->s[1], "off"))
		st->trace = false;
	else if (a->n > 1 && a->len[1])
		return EINVAL;
	else
		buf_printf(out, "requests: %s\n", st->trace ? "on" : "off");
	return 0;
}

static int control_local(struct request *r, struct buf *out)
{
	struct store *st = r->c->st;
	const char *cmd = r->a.s[0];

	if (!strcmp(cmd, "help"))
		buf_printf(out, "%s", help_text);
	else if (!strcmp(cmd, "log"))
		return control_log(st, &r->a, out);
	else if (!strcmp(cmd, "quota"))
		return control_quota(st, &r->a, out);
	else if (!strcmp(cmd, "memreport"))
		control_memreport(st, out);
	else if (!strcmp(cmd, "stats"))
		control_stats(st, out);
	else if (!strcmp(cmd, "usage"))
		control_usage(st, &r->a, out);
	else if (!strcmp(cmd, "check"))
		control_check(st, out);
	else if (!strcmp(cmd, "print") && r->a.n > 1)
		store_log(st, "control: %.400s", r->a.s[1]);
	else
		return ENOSYS;
	return 0;
}

int do_control(struct request *r)
{
	struct store *st = r->c->st;
	struct buf out = {0};
	const char *first;
	size_t flen;
	int rc;

	args_take(&r->a, r->data, r->h->len, ARGS_MAX);
	if (!r->a.n)
		return EINVAL;
	if (!strcmp(r->a.s[0], "why")) {
		conn_reply(r->c, r->h, r->c->why, strlen(r->c->why) + 1);
		return 0;
	}
	if (!conn_privileged(r->c))
		return EACCES;
	r->c->why[0] = '\0';
	rc = control_local(r, &out);
	flen = r->a.len[0] + 1;
	first = r->data + flen;
	if (rc == ENOSYS && st->control)
		rc = st->control(r->c, r->a.s[0], first, r->h->len - flen,
				 &out);
	if (rc == ENOSYS)
		rc = EINVAL;
	if (!rc && !out.len)
		buf_printf(&out, "OK");
	if (!rc) {
		if (out.len >= XS_PAYLOAD_MAX)
			out.len = XS_PAYLOAD_MAX - 1;
		buf_add(&out, "", 1);
		conn_reply(r->c, r->h, buf_data(&out), out.len);
	}
	buf_free(&out);
	return rc;
}
