/* SPDX-License-Identifier: MIT */
/*
 * Connections: from bytes to requests, from answers to bytes.
 *
 * PURE  HOSTILE  A connection owns an input buffer, which holds at most what
 * the transport chose to read, and an output buffer.  A client that does not
 * read its output is not served any further (conn_throttled), and its watch
 * events are thinned out, so that what it can make us hold is bounded.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/store/ahead.h"
#include "tools/store/record.h"
#include "tools/store/store.h"
#include "tools/store/txn.h"

#define OUT_THROTTLE (256u << 10) /* no more requests above this     */
#define OUT_EVENTS   (192u << 10) /* no more events above this       */
#define REPLY_ROUGH  64u /* bytes of a typical small answer */

void store_init(struct store *st)
{
	static const struct perm nobody = {0, PERM_NONE, 0};

	memset(st, 0, sizeof(*st));
	domains_init(&st->domains);
	tree_init(&st->tree, &st->domains);
	htab_init(&st->watches);
	st->special[0] = perms_get(&st->tree.perms, &nobody, 1);
	st->special[1] = perms_get(&st->tree.perms, &nobody, 1);
	list_init(&st->conns);
	list_init(&st->dirty);
	list_init(&st->runnable);
	list_init(&st->turn.waiting);
	list_init(&st->turn.parked);
	pathset_init(&st->turn.paths);
	st->next_key = KEY_SOCKET;
}

void store_free(struct store *st)
{
	while (!list_empty(&st->conns))
		conn_close(container_of(st->conns.next, struct conn, link));
	perms_put(&st->tree.perms, st->special[0]);
	perms_put(&st->tree.perms, st->special[1]);
	tree_free(&st->tree);
	htab_free(&st->watches);
	pathset_free(&st->turn.paths);
	domains_free(&st->domains);
	buf_free(&st->frame);
}

double store_now(const struct store *st)
{
	return st->clock ? st->clock() : 0;
}

void store_log(struct store *st, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!st->log)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	st->log(line);
}

unsigned conn_domid(const struct conn *c)
{
	return c->dom ? c->dom->domid : 0;
}

struct conn *conn_open(struct store *st, struct domain *dom, void *transport)
{
	struct conn *c = mem_zalloc(sizeof(*c));

	c->st = st;
	c->dom = dom;
	c->key = dom ? dom->domid : st->next_key++;
	c->transport = transport;
	c->next_tx = 1;
	list_init(&c->dirty_link);
	list_init(&c->run_link);
	list_init(&c->turn_link);
	list_init(&c->park_link);
	list_init(&c->watches);
	list_init(&c->txns);
	list_add_tail(&st->conns, &c->link);
	return c;
}

static void conn_drop_state(struct conn *c)
{
	watch_free_all(c);
	txn_free_all(c);
	turn_forget(c);
	list_del(&c->run_link);
	list_del(&c->dirty_link);
}

void conn_reset(struct conn *c)
{
	conn_drop_state(c);
	buf_free(&c->in);
	buf_free(&c->out);
	c->broken = false;
	c->losses = 0;
	if (conn_durable(c))
		rec_reset(c->st, c->key);
}

void conn_close(struct conn *c)
{
	conn_drop_state(c);
	list_del(&c->link);
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
}

static void conn_dirty(struct conn *c)
{
	if (list_empty(&c->dirty_link))
		list_add_tail(&c->st->dirty, &c->dirty_link);
}

static void conn_put(struct conn *c, const struct xs_hdr *h, const void *data)
{
	char *to = buf_room(&c->out, sizeof(*h) + h->len);

	memcpy(to, h, sizeof(*h));
	if (h->len)
		memcpy(to + sizeof(*h), data, h->len);
	c->out.len += sizeof(*h) + h->len;
	c->out_at += (uint32_t)sizeof(*h) + h->len;
	if (conn_durable(c))
		rec_ring_out(c->st, c->dom->domid, to, sizeof(*h) + h->len);
	conn_dirty(c);
}

void store_seal(struct store *st)
{
	if (st->frame.len)
		frame_seal(st, st->journal);
}

void conn_reply(struct conn *c, const struct xs_hdr *req, const void *data,
		size_t len)
{
	struct xs_hdr h = *req;

	h.len = (uint32_t)len;
	conn_put(c, &h, data);
}

void conn_ack(struct conn *c, const struct xs_hdr *h)
{
	if (h)
		conn_reply(c, h, "OK", 3);
}

void conn_event(struct conn *c, struct watch *w, const char *path, size_t len)
{
	char data[XS_ABS_PATH_MAX + 1 + XS_PAYLOAD_MAX];
	struct xs_hdr h = {.type = XS_WATCH_EVENT};

	if (c->out.len > OUT_EVENTS) {
		c->lost_watches += !w->lost;
		w->lost = true;
		return;
	}
	memcpy(data, path, len);
	data[len] = '\0';
	memcpy(data + len + 1, watch_token(w), (size_t)w->tlen + 1);
	h.len = (uint32_t)(len + w->tlen + 2);
	if (h.len > XS_PAYLOAD_MAX) { /* too long to say: name the watch */
		len = (size_t)w->plen - w->skip;
		memcpy(data, w->path + w->skip, len + 1);
		memcpy(data + len + 1, watch_token(w), (size_t)w->tlen + 1);
		h.len = (uint32_t)(len + w->tlen + 2);
	}
	c->st->stats.events++;
	conn_put(c, &h, data);
}

bool conn_throttled(const struct conn *c)
{
	uint32_t limit;

	if (c->out.len > OUT_THROTTLE)
		return true;
	if (conn_privileged(c))
		return false;
	limit = quota_limit(&c->st->domains, c->dom, QUOTA_OUTSTANDING);
	return limit &&
	       c->out.len > (size_t)limit * REPLY_ROUGH + XS_PAYLOAD_MAX;
}

/* Is there a whole request at the front of the input? */
static bool conn_ready(const struct conn *c)
{
	struct xs_hdr h;

	if (c->broken || c->in.len < sizeof(h))
		return false;
	memcpy(&h, buf_data(&c->in), sizeof(h));
	return h.len > XS_PAYLOAD_MAX || c->in.len - sizeof(h) >= h.len;
}

static void conn_schedule(struct conn *c)
{
	if (!conn_ready(c) || !list_empty(&c->park_link))
		list_del(&c->run_link);
	else if (list_empty(&c->run_link))
		list_add_tail(&c->st->runnable, &c->run_link);
}

void conn_wake(struct conn *c)
{
	list_del(&c->park_link);
	conn_schedule(c);
}

void conn_input(struct conn *c, const void *data, size_t len)
{
	buf_add(&c->in, data, len);
	conn_schedule(c);
}

/* One request; false if it has to wait or the connection is broken. */
static bool conn_step(struct conn *c)
{
	struct store *st = c->st;
	struct xs_hdr h;

	memcpy(&h, buf_data(&c->in), sizeof(h));
	if (h.len > XS_PAYLOAD_MAX) {
		store_log(st, "conn: d%u sent a message of %u bytes, closed",
			  conn_domid(c), h.len);
		c->broken = true;
		c->broken_why = XS_RING_ERR_PROTO;
		conn_dirty(c);
		return false;
	}
	if (request_handle(c, &h, buf_data(&c->in) + sizeof(h)) ==
	    REQUEST_PARKED) {
		turn_park(c);
		return false;
	}
	buf_take(&c->in, sizeof(h) + h.len);
	c->in_at += (uint32_t)sizeof(h) + h.len;
	if (conn_durable(c))
		rec_ring_in(st, c->dom->domid, c->in_at, NULL, 0);
	store_seal(st);
	if (st->tree.version_bytes > st->tree.version_limit)
		snap_trim(&st->tree);
	st->stats.requests++;
	return true;
}

unsigned conn_run(struct conn *c, unsigned budget)
{
	struct ahead ahead;
	unsigned done = 0;
	size_t before;

	ahead_init(&ahead);
	list_del(&c->run_link);
	if (!list_empty(&c->park_link))
		return 0;
	while (done < budget && conn_ready(c) && !conn_throttled(c)) {
		ahead_step(&ahead, c);
		before = c->in.len;
		if (!conn_step(c))
			return done;
		ahead_done(&ahead, before - c->in.len);
		done++;
	}
	if (!conn_throttled(c))
		conn_schedule(c);
	return done;
}

void conn_sent(struct conn *c, size_t n)
{
	buf_take(&c->out, n);
	if (c->lost_watches && c->out.len < OUT_EVENTS / 2) {
		watch_flush_lost(c);
		store_seal(c->st);
	}
	if (!conn_throttled(c))
		conn_schedule(c);
}
