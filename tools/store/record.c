/* SPDX-License-Identifier: MIT */
/*
 * Writing records and frames.
 *
 * PURE  A record is a type byte and its fields, little endian, strings with
 * their length in front.  A frame is
 *
 *	u32 length of the records | u32 CRC-32C of length and records | records
 *
 * Sealing a frame makes the records of one request all or nothing.
 */
#include "tools/store/record.h"

static uint32_t crc_table[8][256];

static void crc_build(void)
{
	uint32_t i, j, c;

	for (i = 0; i < 256; i++) {
		c = i;
		for (j = 0; j < 8; j++)
			c = c & 1 ? (c >> 1) ^ 0x82f63b78u : c >> 1;
		crc_table[0][i] = c;
	}
	for (i = 0; i < 256; i++)
		for (j = 1; j < 8; j++)
			crc_table[j][i] =
				(crc_table[j - 1][i] >> 8) ^
				crc_table[0][crc_table[j - 1][i] & 0xff];
}

static uint32_t crc_update(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t w;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&w, p, 8);
		w ^= crc;
		crc = crc_table[7][w & 0xff] ^ crc_table[6][(w >> 8) & 0xff] ^
		      crc_table[5][(w >> 16) & 0xff] ^
		      crc_table[4][(w >> 24) & 0xff] ^
		      crc_table[3][(w >> 32) & 0xff] ^
		      crc_table[2][(w >> 40) & 0xff] ^
		      crc_table[1][(w >> 48) & 0xff] ^ crc_table[0][w >> 56];
	}
	while (len--)
		crc = (crc >> 8) ^ crc_table[0][(crc ^ *p++) & 0xff];
	return crc;
}

static uint32_t frame_sum(uint32_t length, const void *records)
{
	uint32_t crc;

	if (!crc_table[0][1])
		crc_build();
	crc = crc_update(~0u, &length, sizeof(length));
	return ~crc_update(crc, records, length);
}

uint32_t crc32c(const void *p, size_t len)
{
	if (!crc_table[0][1])
		crc_build();
	return ~crc_update(~0u, p, len);
}

void frame_seal(struct store *st, struct buf *out)
{
	uint32_t head[2] = {(uint32_t)st->frame.len, 0};

	if (!st->frame.len)
		return;
	head[1] = frame_sum(head[0], buf_data(&st->frame));
	buf_add(out, head, sizeof(head));
	buf_add(out, buf_data(&st->frame), st->frame.len);
	st->frame.off = st->frame.len = 0;
}

size_t frame_open(const void *p, size_t left, const char **records, size_t *len)
{
	uint32_t head[2];

	if (left < sizeof(head))
		return 0;
	memcpy(head, p, sizeof(head));
	if (!head[0] || head[0] > FRAME_MAX || head[0] > left - sizeof(head))
		return 0;
	*records = (const char *)p + sizeof(head);
	*len = head[0];
	if (frame_sum(head[0], *records) != head[1])
		return 0;
	return sizeof(head) + head[0];
}

/* Field writers.  "to" is moved on. */
static void put8(char **to, unsigned v)
{
	*(*to)++ = (char)v;
}

static void put16(char **to, unsigned v)
{
	uint16_t x = (uint16_t)v;

	memcpy(*to, &x, 2);
	*to += 2;
}

static void put32(char **to, uint32_t v)
{
	memcpy(*to, &v, 4);
	*to += 4;
}

static void put64(char **to, uint64_t v)
{
	memcpy(*to, &v, 8);
	*to += 8;
}

static void put_bytes(char **to, const void *p, size_t n)
{
	if (n)
		memcpy(*to, p, n);
	*to += n;
}

static void put_perms(char **to, const struct perms *p)
{
	put16(to, p->n);
	put_bytes(to, p->p, p->n * sizeof(struct perm));
}

static char *rec_begin(struct store *st, size_t room, enum record_type type)
{
	char *to;

	if (!st->journal)
		return NULL;
	to = buf_room(&st->frame, room + 32);
	put8(&to, type);
	return to;
}

static void rec_end(struct store *st, const char *to)
{
	st->frame.len = (size_t)(to - buf_data(&st->frame));
}

void rec_node(struct store *st, const struct node *n)
{
	char *to = rec_begin(st,
			     (size_t)n->plen + n->vlen +
				     n->perms->n * sizeof(struct perm),
			     REC_NODE);

	if (!to)
		return;
	put16(&to, n->plen);
	put_bytes(&to, n->path, n->plen);
	put_perms(&to, n->perms);
	put32(&to, n->vlen);
	put_bytes(&to, n->value, n->vlen);
	rec_end(st, to);
}

void rec_value(struct store *st, const struct node *n)
{
	char *to = rec_begin(st, (size_t)n->plen + n->vlen, REC_VALUE);

	if (!to)
		return;
	put16(&to, n->plen);
	put_bytes(&to, n->path, n->plen);
	put32(&to, n->vlen);
	put_bytes(&to, n->value, n->vlen);
	rec_end(st, to);
}

void rec_perms(struct store *st, const char *path, size_t len,
	       const struct perms *p)
{
	char *to = rec_begin(st, len + p->n * sizeof(struct perm), REC_PERMS);

	if (!to)
		return;
	put16(&to, (unsigned)len);
	put_bytes(&to, path, len);
	put_perms(&to, p);
	rec_end(st, to);
}

void rec_rm(struct store *st, const char *path, size_t len)
{
	char *to = rec_begin(st, len, REC_RM);

	if (!to)
		return;
	put16(&to, (unsigned)len);
	put_bytes(&to, path, len);
	rec_end(st, to);
}

void rec_introduce(struct store *st, const struct domain *d, uint32_t in,
		   uint32_t out)
{
	char *to = rec_begin(st, 0, REC_INTRODUCE);

	if (!to)
		return;
	put16(&to, d->domid);
	put64(&to, d->gfn);
	put32(&to, d->port);
	put32(&to, in);
	put32(&to, out);
	rec_end(st, to);
}

static void rec_domain(struct store *st, enum record_type type, unsigned domid,
		       uint32_t value)
{
	char *to = rec_begin(st, 0, type);

	if (!to)
		return;
	put16(&to, domid);
	put32(&to, value);
	rec_end(st, to);
}

void rec_release(struct store *st, unsigned domid)
{
	rec_domain(st, REC_RELEASE, domid, 0);
}

void rec_target(struct store *st, const struct domain *d)
{
	rec_domain(st, REC_TARGET, d->domid, d->target);
}

void rec_feature(struct store *st, const struct domain *d)
{
	rec_domain(st, REC_FEATURE, d->domid, d->features);
}

void rec_shutdown(struct store *st, const struct domain *d)
{
	rec_domain(st, REC_SHUTDOWN, d->domid, d->shutdown);
}

void rec_quota(struct store *st, unsigned domid, enum quota_id q,
	       uint32_t limit)
{
	char *to = rec_begin(st, 32, REC_QUOTA);
	const char *name = quota_name(q);

	if (!to)
		return;
	put16(&to, domid);
	put16(&to, (unsigned)strlen(name));
	put_bytes(&to, name, strlen(name));
	put32(&to, limit);
	rec_end(st, to);
}

void rec_watch(struct store *st, const struct watch *w)
{
	char *to = rec_begin(st, (size_t)w->plen + w->tlen, REC_WATCH);

	if (!to)
		return;
	put32(&to, w->conn->key);
	put16(&to, w->plen);
	put_bytes(&to, w->path, w->plen);
	put16(&to, w->tlen);
	put_bytes(&to, watch_token(w), w->tlen);
	put32(&to, (uint32_t)w->depth);
	put16(&to, w->skip);
	put8(&to, w->lost);
	rec_end(st, to);
}

void rec_unwatch(struct store *st, uint32_t key, const char *path, size_t plen,
		 const char *token, size_t tlen)
{
	char *to = rec_begin(st, plen + tlen, REC_UNWATCH);

	if (!to)
		return;
	put32(&to, key);
	put16(&to, (unsigned)plen);
	put_bytes(&to, path, plen);
	put16(&to, (unsigned)tlen);
	put_bytes(&to, token, tlen);
	rec_end(st, to);
}

void rec_reset(struct store *st, uint32_t key)
{
	char *to = rec_begin(st, 0, REC_RESET);

	if (!to)
		return;
	put32(&to, key);
	rec_end(st, to);
}

void rec_tx(struct store *st, bool start, uint32_t key, uint32_t id)
{
	char *to = rec_begin(st, 0, start ? REC_TX_START : REC_TX_END);

	if (!to)
		return;
	put32(&to, key);
	put32(&to, id);
	rec_end(st, to);
}

void rec_ring_in(struct store *st, unsigned domid, uint32_t at,
		 const void *rest, size_t len)
{
	char *to = rec_begin(st, len, REC_RING_IN);

	if (!to)
		return;
	put16(&to, domid);
	put32(&to, at);
	put32(&to, (uint32_t)len);
	put_bytes(&to, rest, len);
	rec_end(st, to);
}

void rec_ring_out(struct store *st, unsigned domid, const void *bytes,
		  size_t len)
{
	char *to = rec_begin(st, len, REC_RING_OUT);

	if (!to)
		return;
	put16(&to, domid);
	put32(&to, (uint32_t)len);
	put_bytes(&to, bytes, len);
	rec_end(st, to);
}

void rec_conn(struct store *st, const struct conn *c, int fd)
{
	char *to = rec_begin(st, c->in.len + c->out.len, REC_CONN);

	if (!to)
		return;
	put32(&to, c->key);
	put32(&to, (uint32_t)fd);
	put32(&to, c->next_tx);
	put32(&to, (uint32_t)c->in.len);
	put_bytes(&to, buf_data(&c->in), c->in.len);
	put32(&to, (uint32_t)c->out.len);
	put_bytes(&to, buf_data(&c->out), c->out.len);
	rec_end(st, to);
}

void rec_complete(struct store *st)
{
	char *to = rec_begin(st, 0, REC_COMPLETE);

	if (to)
		rec_end(st, to);
}
