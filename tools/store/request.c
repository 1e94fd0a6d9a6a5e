/* SPDX-License-Identifier: MIT */
/*
 * Requests: one small handler for each operation, and the table of them.
 *
 * PURE  HOSTILE  The payload comes from a guest.  A handler answers by itself
 * when all went well, and returns an errno number otherwise; REQUEST_PARKED
 * means that nothing was done and the request stays where it is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/store/record.h"
#include "tools/store/request.h"

static struct path scratch_path; /* one request at a time */
static struct buf scratch;

const char *error_name(int errnum)
{
	switch (errnum) {
#define X(name)                                                                \
	case name:                                                             \
		return #name;
		XS_ERRORS(X)
#undef X
	}
	return "EINVAL";
}

void args_take(struct args *a, const char *data, size_t len, unsigned max)
{
	const char *nul;

	a->n = 0;
	while (a->n < max && len && (nul = memchr(data, 0, len))) {
		a->s[a->n] = data;
		a->len[a->n] = (size_t)(nul - data);
		len -= a->len[a->n] + 1;
		data = nul + 1;
		a->n++;
	}
	a->rest = data;
	a->rest_len = len;
}

int args_number(const char *s, uint32_t *value)
{
	uint64_t sum = 0;

	if (!*s)
		return EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return EINVAL;
		sum = sum * 10 + (unsigned)(*s - '0');
		if (sum > UINT32_MAX)
			return EINVAL;
	}
	*value = (uint32_t)sum;
	return 0;
}

int args_domid(const char *s, unsigned *domid)
{
	uint32_t value;

	if (args_number(s, &value) || value > 0xffff)
		return EINVAL;
	*domid = value;
	return 0;
}

int request_path(struct request *r, const char *s, size_t len, unsigned flags,
		 struct path *p)
{
	struct conn *c = r->c;
	char home[32];
	int rc;

	snprintf(home, sizeof(home), "/local/domain/%u", conn_domid(c));
	rc = path_parse(p, home, s, len, flags);
	if (!rc && !conn_privileged(c) &&
	    !quota_check(&c->st->domains, c->dom, QUOTA_PATH, path_quota_len(p),
			 c->why))
		rc = EINVAL;
	return rc;
}

/* The payload is exactly one string, a path. */
static int only_path(struct request *r, unsigned flags, struct path **p)
{
	args_take(&r->a, r->data, r->h->len, 1);
	if (r->a.n != 1 || r->a.rest_len)
		return EINVAL;
	*p = &scratch_path;
	return request_path(r, r->a.s[0], r->a.len[0], flags, *p);
}

/* A listing that was asked for in parts is made once. */
static struct {
	const struct store *st;
	const struct node *node;
	uint64_t cgen;
	struct buf names;
} listing;

static void list_name(void *arg, const char *leaf, size_t len)
{
	buf_add(arg, leaf, len);
	buf_add(arg, "", 1);
}

static struct buf *list_names(struct request *r, const struct path *p,
			      const struct view *v)
{
	const struct node *n = v->node;

	if (!r->tx && listing.st == r->c->st && listing.node == n &&
	    listing.cgen == n->cgen)
		return &listing.names;
	buf_take(&listing.names, listing.names.len);
	txn_children(r->tx, p, v, list_name, &listing.names);
	listing.st = r->tx ? NULL : r->c->st;
	listing.node = n;
	listing.cgen = n ? n->cgen : 0;
	return &listing.names;
}

static int do_directory(struct request *r)
{
	struct buf *names;
	struct path *p;
	struct view v;
	int rc = only_path(r, 0, &p);

	if (!rc)
		rc = node_access(r->c, r->tx, p, PERM_READ, &v);
	if (rc)
		return rc;
	names = list_names(r, p, &v);
	if (names->len > XS_PAYLOAD_MAX)
		return E2BIG;
	conn_reply(r->c, r->h, buf_data(names), names->len);
	return 0;
}

/* Whole names from offset on, as many as fit beside the generation. */
static void part_reply(struct request *r, uint64_t gen, const struct buf *names,
		       size_t offset)
{
	char out[XS_PAYLOAD_MAX];
	size_t len = (size_t)snprintf(out, sizeof(out), "%llu",
				      (unsigned long long)gen) +
		     1;
	size_t room = sizeof(out) - len - 1, n = 0, next;
	const char *from = buf_data(names) + offset;

	while (offset + n < names->len) {
		next = strlen(from + n) + 1;
		if (n + next > room)
			break;
		n += next;
	}
	if (n)
		memcpy(out + len, from, n);
	len += n;
	if (offset + n >= names->len)
		out[len++] = '\0'; /* an empty name: the end */
	conn_reply(r->c, r->h, out, len);
}

static int do_directory_part(struct request *r)
{
	struct path *p = &scratch_path;
	struct buf *names;
	uint32_t offset;
	struct view v;
	int rc;

	args_take(&r->a, r->data, r->h->len, 2);
	if (r->a.n != 2 || r->a.rest_len || args_number(r->a.s[1], &offset))
		return EINVAL;
	rc = request_path(r, r->a.s[0], r->a.len[0], 0, p);
	if (!rc)
		rc = node_access(r->c, r->tx, p, PERM_READ, &v);
	if (rc)
		return rc;
	names = list_names(r, p, &v);
	if (offset > names->len)
		offset = (uint32_t)names->len;
	if (offset && buf_data(names)[offset - 1])
		return EINVAL; /* in the middle of a name */
	part_reply(r, r->tx ? r->tx->snap.gen + r->tx->writes : v.node->cgen,
		   names, offset);
	return 0;
}

static int do_read(struct request *r)
{
	struct path *p;
	struct view v;
	int rc = only_path(r, 0, &p);

	if (!rc)
		rc = node_access(r->c, r->tx, p, PERM_READ, &v);
	if (rc)
		return rc;
	conn_reply(r->c, r->h, v.value, v.vlen);
	return 0;
}

static int do_write(struct request *r)
{
	int rc;

	args_take(&r->a, r->data, r->h->len, 1);
	if (r->a.n != 1)
		return EINVAL;
	rc = request_path(r, r->a.s[0], r->a.len[0], 0, &scratch_path);
	if (rc)
		return rc;
	return node_write(r->c, r->tx, &scratch_path, r->a.rest,
			  (uint32_t)r->a.rest_len, r->h);
}

static int do_mkdir(struct request *r)
{
	struct path *p;
	int rc = only_path(r, 0, &p);

	return rc ? rc : node_mkdir(r->c, r->tx, p, r->h);
}

static int do_rm(struct request *r)
{
	struct path *p;
	int rc = only_path(r, 0, &p);

	return rc ? rc : node_rm(r->c, r->tx, p, r->h);
}

static int do_get_perms(struct request *r)
{
	struct perms *perms;
	struct path *p;
	struct view v;
	int rc = only_path(r, PATH_SPECIAL, &p), which;

	if (rc)
		return rc;
	if (p->special) {
		which = special_by_name(p->str, p->len);
		if (which < 0)
			return ENOENT;
		perms = r->c->st->special[which];
		if (!conn_privileged(r->c) &&
		    !(perms_of(perms, r->c->dom->domid, r->c->dom->target) &
		      PERM_READ))
			return EACCES;
	} else {
		rc = node_access(r->c, r->tx, p, PERM_READ, &v);
		if (rc)
			return rc;
		perms = v.perms;
	}
	buf_take(&scratch, scratch.len);
	perms_format(perms, &scratch);
	conn_reply(r->c, r->h, buf_data(&scratch), scratch.len);
	return 0;
}

static int set_special(struct request *r, const struct path *p,
		       const struct perm *list, uint32_t n)
{
	struct store *st = r->c->st;
	int which = special_by_name(p->str, p->len);

	if (which < 0)
		return ENOENT;
	if (!conn_privileged(r->c))
		return EACCES;
	perms_put(&st->tree.perms, st->special[which]);
	st->special[which] = perms_get(&st->tree.perms, list, n);
	rec_perms(st, special_name(which), strlen(special_name(which)),
		  st->special[which]);
	conn_ack(r->c, r->h);
	return 0;
}

static int do_set_perms(struct request *r)
{
	struct perm list[XS_PAYLOAD_MAX / 3];
	struct path *p = &scratch_path;
	struct args one;
	uint32_t n = 0;
	int rc;

	args_take(&r->a, r->data, r->h->len, 1);
	if (r->a.n != 1 || !r->a.rest_len)
		return EINVAL;
	one = r->a;
	while (one.rest_len) {
		args_take(&one, one.rest, one.rest_len, 1);
		if (one.n != 1 || n == ARRAY_LEN(list) ||
		    perm_parse(&list[n++], one.s[0], one.len[0]))
			return EINVAL;
	}
	rc = request_path(r, r->a.s[0], r->a.len[0], PATH_SPECIAL, p);
	if (rc)
		return rc;
	if (p->special)
		return set_special(r, p, list, n);
	return node_set_perms(r->c, r->tx, p, list, n, r->h);
}

static int do_watch(struct request *r)
{
	struct path *p = &scratch_path;
	uint32_t levels = 0;
	struct watch *w;
	int depth = -1, rc;

	args_take(&r->a, r->data, r->h->len, 3);
	if (r->a.n < 2 || r->a.rest_len)
		return EINVAL;
	if (r->a.n == 3) {
		if (r->c->dom && !(r->c->dom->features & XS_FEATURE_WATCHDEPTH))
			return EINVAL;
		if (args_number(r->a.s[2], &levels) || levels > PATH_MAX_DEPTH)
			return EINVAL;
		depth = (int)levels;
	}
	rc = request_path(r, r->a.s[0], r->a.len[0], PATH_SPECIAL, p);
	if (rc)
		return rc;
	if (p->special && depth > 1)
		return EINVAL;
	if (r->a.len[0] + r->a.len[1] + 2 > XS_PAYLOAD_MAX)
		return EINVAL; /* not even its first event fits */
	rc = watch_add(r->c, p, r->a.s[1], r->a.len[1], depth, &w);
	if (rc)
		return rc;
	if (conn_durable(r->c))
		rec_watch(r->c->st, w);
	conn_ack(r->c, r->h);
	conn_event(r->c, w, w->path + w->skip, (size_t)w->plen - w->skip);
	return 0;
}

static int do_unwatch(struct request *r)
{
	struct path *p = &scratch_path;
	int rc;

	args_take(&r->a, r->data, r->h->len, 3);
	if (r->a.n < 2)
		return EINVAL;
	rc = request_path(r, r->a.s[0], r->a.len[0], PATH_SPECIAL, p);
	if (!rc)
		rc = watch_del(r->c, p, r->a.s[1], r->a.len[1]);
	if (rc)
		return rc;
	if (conn_durable(r->c))
		rec_unwatch(r->c->st, r->c->key, p->str, p->len, r->a.s[1],
			    r->a.len[1]);
	conn_ack(r->c, r->h);
	return 0;
}

static int do_reset_watches(struct request *r)
{
	watch_free_all(r->c);
	txn_free_all(r->c);
	if (conn_durable(r->c))
		rec_reset(r->c->st, r->c->key);
	conn_ack(r->c, r->h);
	return 0;
}

static int do_transaction_start(struct request *r)
{
	struct txn *tx;
	char id[16];
	int n;

	if (r->h->tx_id)
		return EBUSY;
	tx = txn_start(r->c);
	if (!tx)
		return ENOSPC;
	n = snprintf(id, sizeof(id), "%u", tx->id);
	conn_reply(r->c, r->h, id, (size_t)n + 1);
	return 0;
}

static int do_transaction_end(struct request *r)
{
	args_take(&r->a, r->data, r->h->len, 1);
	if (r->a.n != 1 || r->a.len[0] != 1 ||
	    (r->a.s[0][0] != 'T' && r->a.s[0][0] != 'F'))
		return EINVAL;
	if (!r->tx)
		return ENOENT;
	if (r->a.s[0][0] == 'T')
		return txn_commit(r->tx, r->h);
	txn_free(r->tx);
	conn_ack(r->c, r->h);
	return 0;
}

#define REQ_TX   1u /* works within the transaction of the header */
#define REQ_PRIV 2u /* for the control domain only                */

static const struct {
	request_fn *fn;
	unsigned flags;
} handlers[XS_TYPE_COUNT] = {
	[XS_CONTROL] = {do_control, 0},
	[XS_DIRECTORY] = {do_directory, REQ_TX},
	[XS_READ] = {do_read, REQ_TX},
	[XS_GET_PERMS] = {do_get_perms, REQ_TX},
	[XS_WATCH] = {do_watch, 0},
	[XS_UNWATCH] = {do_unwatch, 0},
	[XS_TRANSACTION_START] = {do_transaction_start, 0},
	[XS_TRANSACTION_END] = {do_transaction_end, REQ_TX},
	[XS_INTRODUCE] = {do_introduce, REQ_PRIV},
	[XS_RELEASE] = {do_release, REQ_PRIV},
	[XS_GET_DOMAIN_PATH] = {do_domain_path, 0},
	[XS_WRITE] = {do_write, REQ_TX},
	[XS_MKDIR] = {do_mkdir, REQ_TX},
	[XS_RM] = {do_rm, REQ_TX},
	[XS_SET_PERMS] = {do_set_perms, REQ_TX},
	[XS_IS_DOMAIN_INTRODUCED] = {do_is_introduced, 0},
	[XS_RESUME] = {do_resume, REQ_PRIV},
	[XS_SET_TARGET] = {do_set_target, REQ_PRIV},
	[XS_RESET_WATCHES] = {do_reset_watches, 0},
	[XS_DIRECTORY_PART] = {do_directory_part, REQ_TX},
	[XS_GET_FEATURE] = {do_get_feature, 0},
	[XS_SET_FEATURE] = {do_set_feature, REQ_PRIV},
	[XS_GET_QUOTA] = {do_get_quota, REQ_PRIV},
	[XS_SET_QUOTA] = {do_set_quota, REQ_PRIV},
};

static int request_dispatch(struct request *r)
{
	const struct xs_hdr *h = r->h;

	if (h->type >= XS_TYPE_COUNT || !handlers[h->type].fn)
		return ENOSYS;
	if ((handlers[h->type].flags & REQ_PRIV) && !conn_privileged(r->c))
		return EACCES;
	if ((handlers[h->type].flags & REQ_TX) && h->tx_id) {
		r->tx = txn_find(r->c, h->tx_id);
		if (!r->tx)
			return ENOENT;
	}
	return handlers[h->type].fn(r);
}

int request_handle(struct conn *c, const struct xs_hdr *h, const char *data)
{
	struct request r = {.c = c, .h = h, .data = data};
	struct xs_hdr eh = *h;
	const char *name;
	int rc;

	if (h->type != XS_CONTROL)
		c->why[0] = '\0';
	rc = request_dispatch(&r);
	if (c->st->trace)
		store_log(c->st, "request: d%u key=%u type=%u tx=%u rc=%d",
			  conn_domid(c), c->key, h->type, h->tx_id, rc);
	if (rc <= 0)
		return rc;
	c->st->stats.errors++;
	c->st->stats.refusals += rc == ENOSPC;
	name = error_name(rc);
	eh.type = XS_ERROR;
	conn_reply(c, &eh, name, strlen(name) + 1);
	return 0;
}
