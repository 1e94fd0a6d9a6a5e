/* SPDX-License-Identifier: MIT */
/*
 * parapet-blkback: the driver of vbd devices.
 *
 * What the toolstack wrote is read here, what the frontend wrote too (HOSTILE);
 * requests are the business of flow.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pv-backends/blk/blk.h"
#include "pv-backends/common/numbers.h"
#include "pv-backends/common/worker.h"
#include "pv-backends/pvblk/pvblk.h"

#define MOST_RATE (1ull << 50)

/* ---- what the toolstack wants ----------------------------------------------------- */

/* In the order of the keys below. */
enum {
	SECTOR = TUNE_NR,
	PHYSICAL,
	NUMBERS,
};

static int set_sector_sizes(struct blk *b, const struct number *k)
{
	uint64_t logical = k[SECTOR].value, physical = k[PHYSICAL].value;

	if (logical < 512 || logical > 4096 || logical & (logical - 1))
		return xb_error(b->xb,
				"logical-sector-size %u: not 512 to 4096",
				(unsigned int)logical);
	if (physical < logical || physical & (physical - 1))
		physical = logical;
	b->sector = (uint32_t)logical;
	b->image->physical = (uint32_t)physical;
	return 0;
}

static int read_settings(struct blk *b)
{
	struct number k[NUMBERS] = {
		[TUNE_TOTAL_BYTES] = {"iotune/total_bytes_sec", MOST_RATE, 0,
				      0},
		[TUNE_READ_BYTES] = {"iotune/read_bytes_sec", MOST_RATE, 0, 0},
		[TUNE_WRITE_BYTES] = {"iotune/write_bytes_sec", MOST_RATE, 0,
				      0},
		[TUNE_TOTAL_IOPS] = {"iotune/total_iops_sec", MOST_RATE, 0, 0},
		[TUNE_READ_IOPS] = {"iotune/read_iops_sec", MOST_RATE, 0, 0},
		[TUNE_WRITE_IOPS] = {"iotune/write_iops_sec", MOST_RATE, 0, 0},
		[SECTOR] = {"logical-sector-size", 65536, b->image->sector, 0},
		[PHYSICAL] = {"physical-sector-size", 1u << 20,
			      b->image->physical, 0},
	};

	if (numbers_read(b->xb, b->xb->back, k, NUMBERS))
		return -1;
	for (int i = 0; i < TUNE_NR; i++) {
		b->limited |= k[i].value != 0;
		limit_set(&b->limit[i], (double)k[i].value, 0,
			  ev_now(b->xb->loop));
	}
	return set_sector_sizes(b, k);
}

static int open_image(struct blk *b)
{
	struct xb *xb = b->xb;
	struct store_value type, params, mode, discard, kind;
	struct image_options opt = {.type = type.text, .path = params.text};
	char why[STORE_VALUE + 256];

	store_get(&xb->store, xb->back, "type", &type);
	store_get(&xb->store, xb->back, "params", &params);
	store_get(&xb->store, xb->back, "mode", &mode);
	store_get(&xb->store, xb->back, "discard-enable", &discard);
	store_get(&xb->store, xb->back, "device-type", &kind);
	if (store_flush(&xb->store))
		return xb_error(xb, "the store does not answer");
	if (!params.there)
		return xb_error(xb, "params: missing");
	b->cdrom = !strcmp(kind.text, "cdrom");
	b->readonly = b->cdrom || strcmp(mode.text, "w");
	opt.readonly = b->readonly;
	b->image = image_open(xb->loop, &opt, why, sizeof(why));
	if (!b->image)
		return xb_error(xb, "%.300s", why);
	b->discard =
		b->image->discard && !b->readonly && strcmp(discard.text, "0");
	xb->network = b->image->network;
	return 0;
}

static void vbd_close(struct xb *xb)
{
	struct blk *b = xb->priv;

	if (b && b->image)
		b->image->ops->close(b->image);
	free(b);
	xb->priv = NULL;
}

static int vbd_open(struct xb *xb)
{
	struct blk *b = calloc(1, sizeof(*b));

	if (!b)
		return xb_error(xb, "no memory");
	xb->priv = b;
	b->xb = xb;
	if (!open_image(b) && !read_settings(b))
		return 0;
	vbd_close(xb);
	return -1;
}

/* ---- what the frontend is told ------------------------------------------------------ */

static void vbd_publish(struct xb *xb)
{
	const struct blk *b = xb->priv;
	struct store *s = &xb->store;

	pvblk_publish(xb->priv);
	store_put(s, xb->back, "max-ring-page-order", "%u", BLK_MAX_ORDER);
	store_put(s, xb->back, "multi-queue-max-queues", "%u", BLK_MAX_QUEUES);
	store_put(s, xb->back, "feature-max-indirect-segments", "%u",
		  BLK_MAX_SEGMENTS);
	store_put(s, xb->back, "feature-persistent", "1");
	store_put(s, xb->back, "feature-flush-cache", "%d", !b->readonly);
	store_put(s, xb->back, "feature-barrier", "%d", !b->readonly);
	store_put(s, xb->back, "feature-discard", "%d", b->discard);
	if (!b->discard)
		return;
	store_put(s, xb->back, "discard-granularity", "%u", b->image->discard);
	store_put(s, xb->back, "discard-alignment", "0");
	store_put(s, xb->back, "discard-secure", "0");
}

static void vbd_connected(struct xb *xb)
{
	const struct blk *b = xb->priv;
	unsigned int info = (b->readonly ? VDISK_READONLY : 0) |
			    (b->cdrom ? VDISK_CDROM : 0);

	/* Always in units of 512 bytes, whatever the sectors are. */
	store_put(&xb->store, xb->back, "sectors", "%llu",
		  (unsigned long long)(b->image->bytes / BLKIF_SECTOR_SIZE));
	store_put(&xb->store, xb->back, "info", "%u", info);
	store_put(&xb->store, xb->back, "sector-size", "%u", b->sector);
	store_put(&xb->store, xb->back, "physical-sector-size", "%u",
		  b->image->physical);
}

/* Any value of "resize" means: look how large the image is now. */
static void vbd_changed(struct xb *xb, const char *key)
{
	struct blk *b = xb->priv;
	uint64_t before = b->image->bytes;

	(void)key;
	if (b->image->ops->measure(b->image) || b->image->bytes == before)
		return;
	log_line("size was %llu bytes, is %llu", (unsigned long long)before,
		 (unsigned long long)b->image->bytes);
	if (b->pv)
		pvblk_resized(b);
	xb_announce(xb);
}

/* ---- rings ---------------------------------------------------------------------------- */

static void on_event(struct bus_port *p)
{
	struct queue *q =
		(struct queue *)((char *)p - offsetof(struct queue, port));

	if (!ring_has_grown(&q->ring))
		bus_idle_event(p);
	flow_run(q);
}

/* HOSTILE: the references of a queue's ring. */
static int read_refs(struct xb *xb, const char *dir, struct queue *q,
		     uint32_t *refs)
{
	uint64_t order, ref;
	char key[24] = "ring-ref";

	if (xb_number(xb, xb->front, "ring-page-order", BLK_MAX_ORDER,
		      UINT64_MAX, &order))
		return -1;
	q->nr_pages = order == UINT64_MAX ? 1 : 1u << order;
	for (unsigned int i = 0; i < q->nr_pages; i++) {
		if (order != UINT64_MAX)
			snprintf(key, sizeof(key), "ring-ref%u", i);
		if (xb_number(xb, dir, key, UINT32_MAX, UINT64_MAX, &ref))
			return -1;
		/* With order 0 there are frontends of either spelling. */
		if (ref == UINT64_MAX && order == 0 &&
		    xb_number(xb, dir, "ring-ref", UINT32_MAX, UINT64_MAX,
			      &ref))
			return -1;
		if (ref == UINT64_MAX)
			return xb_error(xb, "%s: missing", key);
		refs[i] = (uint32_t)ref;
	}
	return 0;
}

static int attach_ring(struct queue *q, bool resume)
{
	size_t bytes = q->nr_pages * (size_t)PV_PAGE_SIZE;
	int rc = 0;

	if (resume) {
		rc = ring_recover(
			&q->ring, q->pages, bytes, sizeof(union pv_blkif_slot),
			sizeof(struct pv_blkif_response), saved_log(q->saved));
		if (!rc)
			rc = flow_resume(q);
	} else {
		ring_attach(
			&q->ring, q->pages, bytes, sizeof(union pv_blkif_slot),
			sizeof(struct pv_blkif_response), saved_log(q->saved));
		saved_reset(q->saved, q->ring.req_cons);
		q->nr_redo = q->redone = 0;
	}
	return rc ? xb_error(q->b->xb, "the ring is not as it was left") : 0;
}

static int attach_queue(struct blk *b, unsigned int nr, bool resume)
{
	struct xb *xb = b->xb;
	struct queue *q = &b->queue[nr];
	uint32_t refs[BLK_MAX_PAGES];
	char dir[STORE_PATH + 16];
	uint64_t port;

	q->b = b;
	q->saved = (struct saved_queue *)journal_data(&xb->journal) + nr;
	q->next_free = 0;
	snprintf(dir, sizeof(dir), "%s", xb->front);
	if (b->nr_queues > 1)
		snprintf(dir, sizeof(dir), "%s/queue-%u", xb->front, nr);
	if (read_refs(xb, dir, q, refs) ||
	    xb_number(xb, dir, "event-channel", UINT32_MAX, UINT64_MAX, &port))
		return -1;
	if (port == UINT64_MAX)
		return xb_error(xb, "event-channel: missing");
	q->pages = bus_map(xb->bus, xb->domid, refs, q->nr_pages);
	if (!q->pages)
		return xb_error(xb, "%s", bus_error());
	if (attach_ring(q, resume))
		return -1;
	q->port.event = on_event;
	if (bus_bind(xb->bus, &q->port, xb->domid, (uint32_t)port))
		return xb_error(xb, "%s", bus_error());
	/* Answers of a predecessor may be there unannounced. */
	if (resume)
		bus_notify(&q->port);
	return 0;
}

static void vbd_detach(struct xb *xb)
{
	struct blk *b = xb->priv;

	if (b->pv) {
		pvblk_detach(b);
		return;
	}
	for (unsigned int i = 0; i < b->nr_queues; i++)
		bus_unbind(&b->queue[i].port);
	flow_stop(b);
	for (unsigned int i = 0; i < b->nr_queues; i++) {
		struct queue *q = &b->queue[i];

		if (q->pages)
			bus_unmap(xb->bus, q->pages, q->nr_pages);
		q->pages = NULL;
	}
	grants_free(&b->grants);
	b->nr_queues = 0;
}

/* HOSTILE: all of this is the frontend's. */
static int read_front(struct blk *b)
{
	struct xb *xb = b->xb;
	struct store_value protocol;
	uint64_t persistent, queues;

	if (xb_number(xb, xb->front, "feature-persistent", 1, 0, &persistent) ||
	    xb_number(xb, xb->front, "multi-queue-num-queues", BLK_MAX_QUEUES,
		      1, &queues))
		return -1;
	if (!queues)
		return xb_error(xb, "multi-queue-num-queues: 0");
	if (store_read(&xb->store, xb->front, "protocol", &protocol) &&
	    strcmp(protocol.text, "x86_64-abi"))
		return xb_error(xb, "protocol %.40s: only x86_64-abi is served",
				protocol.text);
	b->persistent = persistent;
	b->nr_queues = (unsigned int)queues;
	return 0;
}

static int vbd_attach(struct xb *xb, bool resume)
{
	struct blk *b = xb->priv;
	unsigned int redo = 0;
	bool own;

	if (read_front(b) || pvblk_wanted(b, &own)) {
		b->nr_queues = 0;
		return -1;
	}
	if (own)
		return pvblk_attach(b);
	if (grants_init(&b->grants, xb->bus, xb->domid, BLK_PERSISTENT)) {
		b->nr_queues = 0;
		return xb_error(xb, "no memory");
	}
	flow_start(b);
	for (unsigned int i = 0; i < b->nr_queues; i++) {
		if (attach_queue(b, i, resume)) {
			vbd_detach(xb);
			return -1;
		}
		redo += b->queue[i].nr_redo;
	}
	log_line("connected, queues=%u pages=%u persistent=%d again=%u",
		 b->nr_queues, b->queue[0].nr_pages, b->persistent, redo);
	return 0;
}

static const char *const watched[] = {"resize", NULL};

static const struct xb_driver driver = {
	.type = "vbd",
	.program = "blkback",
	.journal_bytes = BLK_MAX_QUEUES * sizeof(struct saved_queue),
	.prepare = image_prepare,
	.open = vbd_open,
	.close = vbd_close,
	.publish = vbd_publish,
	.attach = vbd_attach,
	.detach = vbd_detach,
	.connected = vbd_connected,
	.watched = watched,
	.changed = vbd_changed,
};

int main(int argc, char **argv)
{
	return backend_main(&driver, argc, argv);
}
