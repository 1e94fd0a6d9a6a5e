/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the stock block ring: a guest that writes anything into its ring and
 * its frames, at any time, also while the backend copies.
 *
 * The whole way of a request runs here (ring, saved requests, parser, grants,
 * limits, answers), with a disk in memory that finishes in any order.  The
 * input is a list of acts.  Whatever the guest does: nothing outside of the
 * disk and of good grants is touched, a request that was taken is under way
 * until it is answered, under its own id, and after a kill what was under way
 * is done again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pv-backends/blk/blk.h"
#include "tests/backends/acts.h"
#include "tests/backends/fake_bus.h"
#include "tests/lib/fuzz.h"

enum {
	FRAMES = 64,
	ORDER = 1,
	RING_BYTES = PV_PAGE_SIZE << ORDER,
	DISK_BYTES = 256 << 10,
	SLOT = sizeof(union pv_blkif_slot),
};

enum act {
	ACT_PROD, /* any index */
	ACT_RING, /* any bytes, anywhere in the ring */
	ACT_FRAME, /* any bytes, in a frame */
	ACT_SLOTS, /* slots as they are here, and the index after them */
	ACT_READ, /* good requests: first sector, sectors */
	ACT_WRITE,
	ACT_INDIRECT,
	ACT_FINISH, /* the disk: which one, how */
	ACT_KILL,
	ACT_MEANWHILE, /* bytes for the ring, during the next copies */
	ACTS = 16,
	ACT_TURN = 16, /* and then a turn of the loop */
};

static struct {
	struct xb xb;
	struct blk blk;
	struct image image;
	struct saved_queue saved;
	struct image_io *list; /* at the disk, the last one first */
	unsigned int nr_list;
	bool fatal;
	const uint8_t *scribble;
	size_t scribble_bytes;
	unsigned char disk[DISK_BYTES];
	_Alignas(PV_PAGE_SIZE) unsigned char pool[POOL_BYTES];
	_Alignas(PV_PAGE_SIZE) unsigned char ring[RING_BYTES];
	_Alignas(PV_PAGE_SIZE) unsigned char frame[FRAMES][PV_PAGE_SIZE];
} t;

static struct queue *const q = &t.blk.queue[0];

/* ---- what the flow calls ----------------------------------------------------- */

static void write_ring(const uint8_t *data, size_t n)
{
	size_t at = n < 2 ? 0 : (size_t)(data[0] | data[1] << 8);

	for (size_t i = 2; i < n; i++)
		t.ring[(at + i) % RING_BYTES] = data[i];
}

static void meanwhile(void)
{
	write_ring(t.scribble, t.scribble_bytes);
}

void xb_fatal(struct xb *xb, const char *fmt, ...)
{
	(void)xb;
	(void)fmt;
	t.fatal = true;
}

void log_guest(const char *fmt, ...)
{
	(void)fmt;
}

/* ---- the disk ---------------------------------------------------------------- */

static void disk_submit(struct image *im, struct image_io *io)
{
	fake_check(io->op == IMAGE_FLUSH ||
			   (io->offset <= im->bytes &&
			    io->bytes <= im->bytes - io->offset),
		   "beyond the disk\n");
	io->next = t.list;
	t.list = io;
	t.nr_list++;
}

static void disk_move(const struct image_io *io)
{
	unsigned char *at = t.disk + io->offset;

	for (unsigned int i = 0; i < io->nr_iov; i++) {
		const struct iovec *v = &io->iov[i];

		if (io->op == IMAGE_READ)
			memcpy(v->iov_base, at, v->iov_len);
		else
			memcpy(at, v->iov_base, v->iov_len);
		at += v->iov_len;
	}
	fake_check(at == t.disk + io->offset + io->bytes,
		   "bytes of a buffer\n");
}

static void disk_finish(unsigned int which, int error)
{
	struct image_io **at = &t.list, *io;

	if (!t.nr_list)
		return;
	for (which %= t.nr_list; which; which--)
		at = &(*at)->next;
	io = *at;
	*at = io->next;
	t.nr_list--;
	if (!error && (io->op == IMAGE_READ || io->op == IMAGE_WRITE))
		disk_move(io);
	io->done(io, error);
}

static void disk_kick(struct image *im)
{
	(void)im;
}

static void disk_drain(struct image *im)
{
	(void)im;
	while (t.list)
		disk_finish(0, 0);
}

static const struct image_ops disk_ops = {
	.submit = disk_submit,
	.kick = disk_kick,
	.drain = disk_drain,
};

/* ---- the device --------------------------------------------------------------- */

static struct pv_ring_header *header(void)
{
	return (struct pv_ring_header *)(void *)t.ring;
}

static unsigned char *slot(uint32_t index)
{
	uint32_t nr = ring_slots(RING_BYTES, SLOT);

	return t.ring + PV_RING_HEADER_SIZE + (index & (nr - 1)) * SLOT;
}

/* First byte of the input: what kind of device it is. */
static void set_up(uint8_t kind)
{
	struct blk *b = &t.blk;
	struct ev_loop *loop = t.xb.loop;

	memset(b, 0, sizeof(*b));
	t.xb.loop = loop;
	t.image = (struct image){.ops = &disk_ops, .bytes = DISK_BYTES};
	b->xb = &t.xb;
	b->image = &t.image;
	if (kind & 16)
		t.image.pool.memory = t.pool;
	b->readonly = kind & 1;
	b->discard = kind & 2;
	b->persistent = kind & 4;
	b->sector = kind & 8 ? 4096 : 512;
	b->nr_queues = 1;
	q->b = b;
	q->saved = &t.saved;
	q->pages = t.ring;
	if (grants_init(&b->grants, NULL, 7, 16))
		abort();
	flow_start(b);
}

static void start(uint8_t kind)
{
	if (!t.xb.loop)
		t.xb.loop = ev_loop_new(EVFLAG_AUTO);
	memset(t.ring, 0, sizeof(t.ring));
	t.list = NULL;
	t.nr_list = 0;
	t.fatal = false;
	t.scribble_bytes = 0;
	fake_guest = (struct fake_guest){.frames = t.frame[0],
					 .nr_frames = FRAMES,
					 .meanwhile = meanwhile};
	set_up(kind);
	ring_attach(&q->ring, t.ring, RING_BYTES, SLOT,
		    sizeof(struct pv_blkif_response), saved_log(&t.saved));
	saved_reset(&t.saved, q->ring.req_cons);
}

static void stop(void)
{
	flow_stop(&t.blk);
	grants_free(&t.blk.grants);
}

static void free_work(struct work *w)
{
	free(w->bounce);
	free(w);
}

/* The next request is written, but not taken: killed in between. */
static void half_take(void)
{
	for (unsigned int i = 0; i < q->ring.nr_slots; i++) {
		if (t.saved.request[i].busy)
			continue;
		t.saved.request[i].busy = 1;
		t.saved.request[i].index = t.saved.req_cons;
		break;
	}
}

static unsigned int count_saved(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < BLK_MAX_SLOTS; i++)
		n += t.saved.request[i].busy;
	return n;
}

/* Killed: what is at the disk is lost, and all that is not saved. */
static void kill_it(uint8_t kind, bool taking)
{
	struct blk *b = &t.blk;
	struct image_io *io;

	if (taking)
		half_take();
	while ((io = t.list)) {
		t.list = io->next;
		free_work((struct work *)((char *)io -
					  offsetof(struct work, io)));
	}
	t.nr_list = 0;
	if (b->held)
		free_work(b->held);
	b->held = NULL;
	stop();
	set_up(kind);
	fake_check(!ring_recover(&q->ring, t.ring, RING_BYTES, SLOT,
				 sizeof(struct pv_blkif_response),
				 saved_log(&t.saved)),
		   "the ring is not as it was left\n");
	fake_check(!flow_resume(q), "saved requests\n");
	fake_check(count_saved() == q->nr_redo, "saved and not under way\n");
}

/* ---- what must hold ------------------------------------------------------------ */

/* Answers that wait to be shown are of saved requests, under their ids. */
static void check_answers(void)
{
	const struct ring_log *log = q->ring.log;

	for (uint32_t i = 0; i < log->nr; i++) {
		const struct saved_request *r =
			&t.saved.request[log->entry[i].tag];
		struct pv_blkif_response rsp;

		memcpy(&rsp, log->entry[i].rsp, sizeof(rsp));
		fake_check(r->busy, "an answer without a request\n");
		fake_check(rsp.id ==
				   (r->slot.req.operation == BLKIF_OP_INDIRECT
					    ? r->slot.indirect.id
				    : r->slot.req.operation == BLKIF_OP_DISCARD
					    ? r->slot.discard.id
					    : r->slot.req.id),
			   "another one's answer\n");
	}
}

static void check_under_way(void)
{
	uint32_t numbers[BLK_MAX_SLOTS];
	unsigned int nr = saved_list(&t.saved, numbers);
	unsigned int here = t.nr_list + !!t.blk.held + (q->nr_redo - q->redone);

	if (t.blk.broken)
		return;
	fake_check(nr == ring_in_flight(&q->ring), "taken and not saved\n");
	fake_check(nr == here, "a request is lost, or twice\n");
}

static void turn(void)
{
	flow_run(q);
	check_answers();
	ev_run(t.xb.loop, EVRUN_NOWAIT);
	if (!t.fatal)
		check_under_way();
}

/* ---- acts ---------------------------------------------------------------------- */

static void push(const void *request)
{
	struct pv_ring_header *h = header();

	memcpy(slot(h->req_prod), request, SLOT);
	h->req_prod++;
}

static void push_slots(const uint8_t *data, size_t n)
{
	unsigned char one[SLOT] = {0};

	for (; n; data += SLOT < n ? SLOT : n, n -= SLOT < n ? SLOT : n) {
		memcpy(one, data, SLOT < n ? SLOT : n);
		push(one);
	}
}

static void push_good(uint8_t operation, const uint8_t *data, size_t n)
{
	union pv_blkif_slot s = {0};
	unsigned int nr = n > 1 ? data[1] % 88 + 1 : 1;

	s.req.operation = operation;
	s.req.id = header()->req_prod * 3 + 1;
	s.req.sector_number = n ? data[0] * 4 : 0;
	for (; nr; nr -= nr < 8 ? nr : 8) {
		s.req.seg[s.req.nr_segments] = (struct pv_blkif_segment){
			.gref = (n > 2 ? data[2] : 0) + s.req.nr_segments,
			.last_sect = nr < 8 ? (uint8_t)(nr - 1) : 7,
		};
		s.req.nr_segments++;
	}
	push(&s);
}

/* Segments are what frames 0 and 1 have. */
static void push_indirect(const uint8_t *data, size_t n)
{
	union pv_blkif_slot s = {0};

	s.indirect.operation = BLKIF_OP_INDIRECT;
	s.indirect.indirect_op =
		n && data[0] & 1 ? BLKIF_OP_WRITE : BLKIF_OP_READ;
	s.indirect.nr_segments = n > 1 ? (uint16_t)(data[1] * 2) : 2;
	s.indirect.id = header()->req_prod;
	s.indirect.indirect_grefs[1] = 1;
	push(&s);
}

static void do_act(unsigned int what, const uint8_t *data, size_t n,
		   uint8_t kind)
{
	static const int errors[] = {0, 0, 0, 0, 0, -EIO, -EOPNOTSUPP, -ENOSPC};
	uint32_t word = 0;

	memcpy(&word, data, n < 4 ? n : 4);
	switch (what) {
	case ACT_PROD:
		header()->req_prod = word;
		break;
	case ACT_RING:
		write_ring(data, n);
		break;
	case ACT_FRAME:
		if (n > 4)
			memcpy(t.frame[word % FRAMES], data + 4, n - 4);
		break;
	case ACT_SLOTS:
		push_slots(data, n);
		break;
	case ACT_READ:
	case ACT_WRITE:
		push_good(what == ACT_READ ? BLKIF_OP_READ : BLKIF_OP_WRITE,
			  data, n);
		break;
	case ACT_INDIRECT:
		push_indirect(data, n);
		break;
	case ACT_FINISH:
		disk_finish(word & 0xff, errors[word >> 8 & 7]);
		break;
	case ACT_KILL:
		/* Its own index is not what it left: another guest. */
		if (header()->rsp_prod == q->ring.log->rsp_prod)
			kill_it(kind, word & 1);
		break;
	case ACT_MEANWHILE:
		t.scribble = data;
		t.scribble_bytes = n;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t kind = size ? *data : 0;
	struct act_input in = {data + !!size, size - !!size};
	struct act_one act;

	start(kind);
	while (!t.fatal && !t.blk.broken && acts_next(&in, &act)) {
		do_act(act.what % ACTS, act.data, act.n, kind);
		if (act.what & ACT_TURN)
			turn();
	}
	while (!t.fatal && !t.blk.broken && (t.list || t.blk.held)) {
		disk_drain(&t.image);
		turn();
	}
	stop();
	return 0;
}

/* ---- good inputs ---------------------------------------------------------------- */

static size_t put_segments(uint8_t *out)
{
	struct {
		uint32_t frame;
		struct pv_blkif_segment s[31];
	} page = {0};

	for (unsigned int i = 0; i < 31; i++)
		page.s[i] = (struct pv_blkif_segment){.gref = 2 + i,
						      .last_sect = 7};
	return acts_put(out, ACT_FRAME, &page, sizeof(page));
}

static size_t put_special(uint8_t *out, uint8_t operation)
{
	union pv_blkif_slot s = {0};

	s.req.operation = operation;
	s.req.id = operation;
	if (operation == BLKIF_OP_DISCARD)
		s.discard.nr_sectors = 8;
	return acts_put(out, ACT_SLOTS + ACT_TURN, &s, SLOT);
}

static size_t put_mixed(uint8_t *out)
{
	size_t at = 0;

	at += acts_put(out + at, ACT_WRITE, "\x08\x0f\x03", 3);
	at += acts_put(out + at, ACT_READ + ACT_TURN, "\x08\x0f\x05", 3);
	at += put_segments(out + at);
	at += acts_put(out + at, ACT_INDIRECT + ACT_TURN, "\0\x0f", 2);
	at += acts_put(out + at, ACT_INDIRECT + ACT_TURN, "\1\x08", 2);
	at += acts_put(out + at, ACT_FINISH + ACT_TURN, "\1\0", 2);
	return at;
}

size_t fuzz_seed(unsigned i, uint8_t *out, size_t room)
{
	size_t at = 1;

	(void)room;
	out[0] = (uint8_t)(i * 3);
	switch (i) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		for (int k = 0; k < 12; k++)
			at += put_mixed(out + at);
		return at;
	case 5:
	case 6:
		at += put_mixed(out + at);
		at += acts_put(out + at, ACT_KILL + ACT_TURN, "", 0);
		at += put_mixed(out + at);
		at += acts_put(out + at, ACT_FINISH, "\0\5", 2);
		at += acts_put(out + at, ACT_KILL, "\1", 1);
		return at + put_mixed(out + at);
	case 7:
		for (uint8_t op = 0; op < 9; op++)
			at += put_special(out + at, op);
		at += acts_put(out + at, ACT_FINISH + ACT_TURN, "", 0);
		return at + put_mixed(out + at);
	case 8:
		at += acts_put(out + at, ACT_MEANWHILE, "\0\0\x10\x20\x30\x40",
			       6);
		return at + put_mixed(out + at);
	case 9:
		at += put_mixed(out + at);
		return at +
		       acts_put(out + at, ACT_PROD + ACT_TURN, "\1\2\3", 3);
	case 10: /* a full ring, and an index beyond it */
		for (int k = 0; k < 64; k++)
			at += acts_put(out + at, ACT_READ, "\x01\x00\x02", 3);
		return at +
		       acts_put(out + at, ACT_PROD + ACT_TURN, "\xc8\0\0", 3);
	case 11: /* the last sectors */
		at += acts_put(out + at, ACT_READ + ACT_TURN, "\x7f\x03\x02",
			       3);
		return at + put_mixed(out + at);
	default:
		return 0;
	}
}
