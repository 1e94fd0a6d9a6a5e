/* SPDX-License-Identifier: MIT */
/*
 * Reading records: a journal or a handover becomes the store again.
 *
 * PURE  The frames have passed their checksum, but the reader trusts no field:
 * a record that does not fit stops the replay of its frame.  Parents of a node
 * are made if they are missing, because a checkpoint that ran beside changes
 * may mention a child first.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/store/record.h"
#include "tools/store/txn.h"

#define RING_OUT_KEEP (512u << 10) /* more is never unsent: see conn.c */

struct cursor {
	const char *p;
	size_t left;
	bool bad;
};

static const char *get_bytes(struct cursor *c, size_t n)
{
	const char *p = c->p;

	if (n > c->left) {
		c->bad = true;
		c->left = 0;
		return NULL;
	}
	c->p += n;
	c->left -= n;
	return p;
}

static uint64_t get_int(struct cursor *c, size_t size)
{
	const char *p = get_bytes(c, size);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, size);
	return v;
}

#define get8(c)  ((unsigned)get_int(c, 1))
#define get16(c) ((unsigned)get_int(c, 2))
#define get32(c) ((uint32_t)get_int(c, 4))
#define get64(c) get_int(c, 8)

static bool get_path(struct cursor *c, struct path *p)
{
	size_t len = get16(c);
	const char *s = get_bytes(c, len);

	if (!s || !len || (s[0] != '/' && s[0] != '@') ||
	    path_parse(p, "", s, len, PATH_SPECIAL))
		c->bad = true;
	return !c->bad;
}

static struct perms *get_perms(struct cursor *c, struct store *st)
{
	unsigned n = get16(c), i;
	const char *raw = get_bytes(c, n * sizeof(struct perm));
	struct perm list[XS_PAYLOAD_MAX / 3];

	if (!raw || !n || n > ARRAY_LEN(list)) {
		c->bad = true;
		return NULL;
	}
	memcpy(list, raw, n * sizeof(list[0]));
	for (i = 0; i < n; i++) {
		if (list[i].bits > 3 || list[i].pad)
			c->bad = true;
	}
	return c->bad ? NULL : perms_get(&st->tree.perms, list, n);
}

static struct node *node_of(struct store *st, const struct path *p,
			    unsigned depth)
{
	return tree_find(&st->tree, p->hash[depth], p->str, p->end[depth]);
}

static void apply_node(struct store *st, struct cursor *c)
{
	struct perms *perms;
	struct node *n, *up;
	const char *value;
	struct path p;
	uint32_t vlen;
	unsigned i;

	if (!get_path(c, &p) || p.special || !(perms = get_perms(c, st))) {
		c->bad = true;
		return;
	}
	vlen = get32(c);
	value = get_bytes(c, vlen);
	n = c->bad ? NULL : node_of(st, &p, p.depth);
	if (c->bad) {
		perms_put(&st->tree.perms, perms);
	} else if (n) {
		tree_set_perms(&st->tree, n, perms);
		tree_set_value(&st->tree, n, value, vlen);
	} else {
		up = st->tree.root;
		for (i = 1; i < p.depth; i++) {
			n = node_of(st, &p, i);
			up = n ? n
			       : tree_create(&st->tree, up, p.hash[i], p.str,
					     p.end[i], perms_ref(perms), "", 0);
		}
		tree_create(&st->tree, up, p.hash[i], p.str, p.end[i], perms,
			    value, vlen);
	}
}

static void apply_value(struct store *st, struct cursor *c)
{
	const char *value;
	struct node *n;
	struct path p;
	uint32_t vlen;

	if (!get_path(c, &p))
		return;
	vlen = get32(c);
	value = get_bytes(c, vlen);
	n = node_of(st, &p, p.depth);
	if (!c->bad && n)
		tree_set_value(&st->tree, n, value, vlen);
}

static void apply_perms(struct store *st, struct cursor *c)
{
	struct perms *perms;
	struct node *n;
	struct path p;
	int which;

	if (!get_path(c, &p) || !(perms = get_perms(c, st)))
		return;
	if (p.special) {
		which = special_by_name(p.str, p.len);
		if (which < 0) {
			perms_put(&st->tree.perms, perms);
			c->bad = true;
			return;
		}
		perms_put(&st->tree.perms, st->special[which]);
		st->special[which] = perms;
		return;
	}
	n = node_of(st, &p, p.depth);
	if (n)
		tree_set_perms(&st->tree, n, perms);
	else
		perms_put(&st->tree.perms, perms);
}

static void apply_rm(struct store *st, struct cursor *c)
{
	struct node *top, *n;
	struct path p;

	if (!get_path(c, &p) || !p.depth)
		return;
	top = node_of(st, &p, p.depth);
	if (!top)
		return;
	do {
		n = tree_deepest(top);
		tree_remove(&st->tree, n);
	} while (n != top);
}

/* The ring connection of a domain, which the transport attaches later. */
static struct conn *ring_conn(struct replay *r, unsigned domid)
{
	struct domain *d = domain_find(&r->st->domains, domid);

	return d ? d->conn : NULL;
}

static void apply_introduce(struct replay *r, struct cursor *c)
{
	unsigned domid = get16(c);
	uint64_t gfn = get64(c);
	uint32_t port = get32(c), in = get32(c), out = get32(c);
	struct domain *d;

	if (c->bad || domid >= XS_DOMID_FIRST_RESERVED) {
		c->bad = true;
		return;
	}
	d = domain_get(&r->st->domains, domid);
	d->gfn = gfn;
	d->port = port;
	d->introduced = true;
	d->shutdown = false;
	if (!d->conn)
		d->conn = conn_open(r->st, d, NULL);
	buf_free(&d->conn->in);
	buf_free(&d->conn->out);
	d->conn->in_at = in;
	d->conn->out_at = out;
}

static void apply_release(struct replay *r, struct cursor *c)
{
	unsigned domid = get16(c);
	struct domain *d = domain_find(&r->st->domains, domid);
	int q;

	get_bytes(c, 4);
	if (!d)
		return;
	if (d->conn)
		conn_close(d->conn);
	d->conn = NULL;
	d->introduced = false;
	d->target = d->domid;
	d->features = XS_FEATURE_ALL;
	for (q = 0; q < QUOTA_COUNT; q++)
		d->limit[q] = QUOTA_UNSET;
	domain_settle(&r->st->domains, d);
}

static void apply_domain(struct replay *r, struct cursor *c, unsigned type)
{
	unsigned domid = get16(c);
	uint32_t value = get32(c);
	struct domain *d;

	if (c->bad || domid >= XS_DOMID_FIRST_RESERVED) {
		c->bad = true;
		return;
	}
	d = domain_get(&r->st->domains, domid);
	if (type == REC_TARGET)
		d->target = (uint16_t)value;
	else if (type == REC_FEATURE)
		d->features = value & XS_FEATURE_ALL;
	else
		d->shutdown = value;
	domain_settle(&r->st->domains, d);
}

static void apply_quota(struct store *st, struct cursor *c)
{
	unsigned domid = get16(c);
	size_t len = get16(c);
	const char *text = get_bytes(c, len);
	uint32_t limit = get32(c);
	char name[64];
	int q;

	if (c->bad || len >= sizeof(name)) {
		c->bad = true;
		return;
	}
	memcpy(name, text, len);
	name[len] = '\0';
	q = quota_by_name(name);
	if (q < 0)
		return; /* a quota of another version */
	if (domid == QUOTA_GLOBAL)
		st->domains.limit[q] = limit;
	else if (domid < XS_DOMID_FIRST_RESERVED)
		domain_get(&st->domains, domid)->limit[q] = limit;
	else
		c->bad = true;
}

/* A socket of the handover. */
struct replay_sock {
	struct hlink link;
	uint32_t key;
	struct conn *conn;
};

static struct conn *conn_by_key(struct replay *r, uint32_t key)
{
	struct replay_sock *s;
	struct domain *d;
	struct hlink *l;

	if (key < KEY_SOCKET) {
		d = domain_find(&r->st->domains, key);
		return d ? d->conn : NULL;
	}
	for (l = htab_chain(&r->socks, key); l; l = l->next) {
		s = container_of(l, struct replay_sock, link);
		if (s->key == key)
			return s->conn;
	}
	return NULL;
}

static void apply_watch(struct replay *r, struct cursor *c, bool add)
{
	struct conn *conn = conn_by_key(r, get32(c));
	const char *token;
	struct watch *w;
	struct path p;
	int32_t depth;
	size_t tlen;
	bool lost;

	if (!get_path(c, &p))
		return;
	tlen = get16(c);
	token = get_bytes(c, tlen);
	depth = add ? (int32_t)get32(c) : 0;
	p.relative = (uint16_t)(add ? get16(c) : 0);
	lost = add && get8(c);
	if (c->bad || tlen > XS_PAYLOAD_MAX || p.relative >= p.len) {
		c->bad = true;
		return;
	}
	if (!conn)
		return;
	if (!add) {
		watch_del(conn, &p, token, tlen);
	} else if (!watch_add(conn, &p, token, tlen, depth, &w) && lost) {
		w->lost = true;
		conn->lost_watches++;
	}
}

static void apply_tx(struct replay *r, struct cursor *c, bool start)
{
	struct conn *conn = conn_by_key(r, get32(c));
	uint32_t id = get32(c);
	struct txn *tx;

	if (c->bad || !conn)
		return;
	tx = txn_find(conn, id);
	if (start && !tx) {
		txn_restore(conn, id);
		conn->next_tx = id;
	} else if (!start && tx) {
		txn_free(tx);
	}
}

static void apply_reset(struct replay *r, struct cursor *c)
{
	struct conn *conn = conn_by_key(r, get32(c));

	if (!conn || c->bad)
		return;
	watch_free_all(conn);
	txn_free_all(conn);
}

static void apply_ring_in(struct replay *r, struct cursor *c)
{
	struct conn *conn = ring_conn(r, get16(c));
	uint32_t at = get32(c), len = get32(c);
	const char *bytes = get_bytes(c, len);

	if (c->bad || !conn)
		return;
	conn->in_at = at;
	buf_free(&conn->in);
	buf_add(&conn->in, bytes, len);
}

/* Which of these bytes the guest has seen, the ring page will tell. */
static void apply_ring_out(struct replay *r, struct cursor *c)
{
	struct conn *conn = ring_conn(r, get16(c));
	uint32_t len = get32(c);
	const char *bytes = get_bytes(c, len);

	if (c->bad || !conn)
		return;
	buf_add(&conn->out, bytes, len);
	conn->out_at += len;
	if (conn->out.len > 2 * RING_OUT_KEEP)
		buf_take(&conn->out, conn->out.len - RING_OUT_KEEP);
}

static void apply_conn(struct replay *r, struct cursor *c)
{
	uint32_t key = get32(c), fd = get32(c), next_tx = get32(c);
	uint32_t in_len = get32(c);
	const char *in = get_bytes(c, in_len);
	uint32_t out_len = get32(c);
	const char *out = get_bytes(c, out_len);
	struct replay_sock *s;
	struct conn *conn;

	if (c->bad || key < KEY_SOCKET || !r->adopt) {
		c->bad = true;
		return;
	}
	conn = r->adopt(r, (int)fd);
	if (!conn)
		return;
	conn->next_tx = next_tx;
	buf_add(&conn->out, out, out_len);
	conn_input(conn, in, in_len);
	s = mem_zalloc(sizeof(*s));
	s->key = key;
	s->conn = conn;
	htab_add(&r->socks, &s->link, key);
}

static void apply_record(struct replay *r, struct cursor *c)
{
	unsigned type = get8(c);
	struct store *st = r->st;

	switch (type) {
	case REC_NODE:
		return apply_node(st, c);
	case REC_VALUE:
		return apply_value(st, c);
	case REC_PERMS:
		return apply_perms(st, c);
	case REC_RM:
		return apply_rm(st, c);
	case REC_INTRODUCE:
		return apply_introduce(r, c);
	case REC_RELEASE:
		return apply_release(r, c);
	case REC_TARGET:
	case REC_FEATURE:
	case REC_SHUTDOWN:
		return apply_domain(r, c, type);
	case REC_QUOTA:
		return apply_quota(st, c);
	case REC_WATCH:
	case REC_UNWATCH:
		return apply_watch(r, c, type == REC_WATCH);
	case REC_TX_START:
	case REC_TX_END:
		return apply_tx(r, c, type == REC_TX_START);
	case REC_RESET:
		return apply_reset(r, c);
	case REC_RING_IN:
		return apply_ring_in(r, c);
	case REC_RING_OUT:
		return apply_ring_out(r, c);
	case REC_CONN:
		return apply_conn(r, c);
	case REC_COMPLETE:
		r->complete = true;
		return;
	default:
		c->bad = true;
	}
}

void replay_init(struct replay *r, struct store *st)
{
	memset(r, 0, sizeof(*r));
	r->st = st;
	htab_init(&r->socks);
}

bool replay_frame(struct replay *r, const char *records, size_t len)
{
	struct cursor c = {records, len, false};

	while (c.left && !c.bad)
		apply_record(r, &c);
	return !c.bad;
}

void replay_free(struct replay *r)
{
	struct hlink *l, *next;
	uint32_t i;

	for (i = 0; i < r->socks.nbucket; i++) {
		for (l = r->socks.bucket[i]; l; l = next) {
			next = l->next;
			free(container_of(l, struct replay_sock, link));
		}
	}
	htab_free(&r->socks);
}
