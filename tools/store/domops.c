/* SPDX-License-Identifier: MIT */
/*
 * Requests about domains: introduce, release, targets, features, quotas.
 *
 * PURE  The ring behind a domain is opened and closed by the daemon's hooks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/store/record.h"
#include "tools/store/request.h"

/* Exactly n strings, the first of them a domain id. */
static int domain_args(struct request *r, unsigned n, unsigned *domid)
{
	args_take(&r->a, r->data, r->h->len, n);
	if (r->a.n != n || (n < ARGS_MAX && r->a.rest_len))
		return EINVAL;
	return args_domid(r->a.s[0], domid);
}

/* The domain of the one argument, which must be introduced. */
static int introduced_arg(struct request *r, struct domain **d)
{
	unsigned domid;
	int rc = domain_args(r, 1, &domid);

	if (rc)
		return rc;
	*d = domain_find(&r->c->st->domains, domid);
	return *d && (*d)->introduced ? 0 : ENOENT;
}

int do_introduce(struct request *r)
{
	struct store *st = r->c->st;
	unsigned domid;
	uint32_t port;
	char *end;
	struct domain *d;
	bool fresh;
	int rc;

	args_take(&r->a, r->data, r->h->len, 3);
	if (r->a.n < 3 || args_domid(r->a.s[0], &domid) ||
	    args_number(r->a.s[2], &port))
		return EINVAL;
	if (domid >= XS_DOMID_FIRST_RESERVED || !port || !r->a.len[1])
		return EINVAL;
	d = domain_get(&st->domains, domid);
	d->gfn = (uint64_t)strtoll(r->a.s[1], &end, 10);
	if (*end) {
		domain_settle(&st->domains, d);
		return EINVAL;
	}
	fresh = !d->introduced;
	if (!fresh && d->conn)
		conn_reset(d->conn);
	if (!fresh && d->port != port && st->ring_close)
		st->ring_close(st, d);
	d->port = port;
	rc = st->ring_open ? st->ring_open(st, d) : 0;
	if (rc) {
		domain_settle(&st->domains, d);
		return rc;
	}
	if (!d->conn)
		d->conn = conn_open(st, d, NULL);
	d->introduced = true;
	d->shutdown = false;
	rec_introduce(st, d, d->conn->in_at, d->conn->out_at);
	conn_ack(r->c, r->h);
	if (fresh)
		watch_fire_special(st, SPECIAL_INTRODUCE, domid);
	return 0;
}

void domain_remove_nodes(struct store *st, struct domain *d)
{
	struct list *pos;
	struct node *n;

	if (!d->domid)
		return;
	/* Taking the first each time: one removal may take several along. */
	while (!list_empty(&d->owned)) {
		pos = d->owned.next;
		n = container_of(pos, struct node, owned);
		if (!n->parent)
			break; /* the root stays, whoever owns it */
		node_rm_tree(st, n);
	}
}

void domain_release(struct store *st, struct domain *d)
{
	struct conn *c = d->conn;
	unsigned domid = d->domid;
	int q;

	if (c)
		conn_reset(c); /* no events about its own end */
	if (st->ring_close)
		st->ring_close(st, d);
	d->conn = NULL;
	if (c)
		conn_close(c);
	d->introduced = false;
	d->target = d->domid;
	d->features = XS_FEATURE_ALL;
	for (q = 0; q < QUOTA_COUNT; q++)
		d->limit[q] = QUOTA_UNSET;
	rec_release(st, domid);
	domain_remove_nodes(st, d);
	domain_settle(&st->domains, d);
	watch_fire_special(st, SPECIAL_RELEASE, domid);
}

int do_release(struct request *r)
{
	struct domain *d;
	int rc = introduced_arg(r, &d);

	if (rc)
		return rc;
	if (!d->domid || d->conn == r->c)
		return EINVAL;
	conn_ack(r->c, r->h);
	domain_release(r->c->st, d);
	return 0;
}

int do_domain_path(struct request *r)
{
	unsigned domid;
	char path[32];
	int rc = domain_args(r, 1, &domid), n;

	if (rc)
		return rc;
	n = snprintf(path, sizeof(path), "/local/domain/%u", domid);
	conn_reply(r->c, r->h, path, (size_t)n + 1);
	return 0;
}

int do_is_introduced(struct request *r)
{
	struct domain *d;
	unsigned domid;
	bool yes;
	int rc = domain_args(r, 1, &domid);

	if (rc)
		return rc;
	d = domain_find(&r->c->st->domains, domid);
	yes = domid == XS_DOMID_SELF || !domid || (d && d->introduced);
	conn_reply(r->c, r->h, yes ? "T" : "F", 2);
	return 0;
}

int do_resume(struct request *r)
{
	struct domain *d;
	int rc = introduced_arg(r, &d);

	if (rc)
		return rc;
	d->shutdown = false;
	rec_shutdown(r->c->st, d);
	conn_ack(r->c, r->h);
	return 0;
}

int do_set_target(struct request *r)
{
	struct store *st = r->c->st;
	unsigned domid, target;
	struct domain *d, *t;
	int rc = domain_args(r, 2, &domid);

	if (rc || args_domid(r->a.s[1], &target))
		return EINVAL;
	d = domain_find(&st->domains, domid);
	t = domain_find(&st->domains, target);
	if (!d || !d->introduced || !t || !t->introduced)
		return ENOENT;
	d->target = t->domid;
	rec_target(st, d);
	conn_ack(r->c, r->h);
	return 0;
}

static void reply_number(struct request *r, uint32_t value)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", value);

	conn_reply(r->c, r->h, text, (size_t)n + 1);
}

/* No argument comes as an empty payload or as one empty string. */
static bool no_args(struct request *r)
{
	return !r->h->len || (r->h->len == 1 && !r->data[0]);
}

int do_get_feature(struct request *r)
{
	struct domain *d = r->c->dom;
	unsigned domid;
	int rc;

	if (no_args(r)) {
		reply_number(r, d ? d->features : XS_FEATURE_ALL);
		return 0;
	}
	if (!conn_privileged(r->c))
		return EACCES;
	rc = domain_args(r, 1, &domid);
	if (rc)
		return rc;
	d = domain_find(&r->c->st->domains, domid);
	reply_number(r, d ? d->features : XS_FEATURE_ALL);
	return 0;
}

int do_set_feature(struct request *r)
{
	uint32_t features;
	struct domain *d;
	unsigned domid;
	int rc = domain_args(r, 2, &domid);

	if (rc || args_number(r->a.s[1], &features) ||
	    domid >= XS_DOMID_FIRST_RESERVED || (features & ~XS_FEATURE_ALL))
		return EINVAL;
	d = domain_get(&r->c->st->domains, domid);
	if (d->introduced)
		return EBUSY;
	d->features = features;
	rec_feature(r->c->st, d);
	domain_settle(&r->c->st->domains, d);
	conn_ack(r->c, r->h);
	return 0;
}

static void reply_quota_names(struct request *r)
{
	char names[512] = "";
	int q;

	for (q = 0; q < QUOTA_COUNT; q++) {
		if (q)
			strcat(names, " ");
		strcat(names, quota_name(q));
	}
	conn_reply(r->c, r->h, names, strlen(names) + 1);
}

int do_get_quota(struct request *r)
{
	struct domains *ds = &r->c->st->domains;
	struct domain *d;
	unsigned domid;
	int q;

	if (no_args(r)) {
		reply_quota_names(r);
		return 0;
	}
	args_take(&r->a, r->data, r->h->len, 3);
	if (!r->a.n || r->a.n > 2 || r->a.rest_len)
		return EINVAL;
	q = quota_by_name(r->a.s[r->a.n - 1]);
	if (q < 0)
		return EINVAL;
	if (r->a.n == 1) {
		reply_number(r, ds->limit[q]);
		return 0;
	}
	if (args_domid(r->a.s[0], &domid))
		return EINVAL;
	d = domain_find(ds, domid);
	reply_number(r, d ? quota_limit(ds, d, q) : ds->limit[q]);
	return 0;
}

int do_set_quota(struct request *r)
{
	struct store *st = r->c->st;
	unsigned domid = QUOTA_GLOBAL;
	uint32_t value;
	int q;

	args_take(&r->a, r->data, r->h->len, 3);
	if (r->a.n < 2 || r->a.rest_len)
		return EINVAL;
	q = quota_by_name(r->a.s[r->a.n - 2]);
	if (q < 0 || args_number(r->a.s[r->a.n - 1], &value) ||
	    value == QUOTA_UNSET)
		return EINVAL;
	if (r->a.n == 3 &&
	    (args_domid(r->a.s[0], &domid) || domid >= XS_DOMID_FIRST_RESERVED))
		return EINVAL;
	if (domid == QUOTA_GLOBAL)
		st->domains.limit[q] = value;
	else
		domain_get(&st->domains, domid)->limit[q] = value;
	rec_quota(st, domid, (enum quota_id)q, value);
	conn_ack(r->c, r->h);
	return 0;
}
