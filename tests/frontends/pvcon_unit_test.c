/* SPDX-License-Identifier: MIT */
/*
 * The pure parts of the console ring: both ends in one memory, every size of a
 * piece at every place, a backend that is replaced at any moment, two threads,
 * lies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pv-frontends/core/pvcon.h"
#include "tests/frontends/two_ends.h"

enum {
	OUT_PAGES = 2,
	IN_PAGES = 1,
	OUT = OUT_PAGES * PV_PAGE_SIZE,
	IN = IN_PAGES * PV_PAGE_SIZE,
};

static struct {
	struct pv_con_ring ring;
	unsigned char area[OUT + IN];
	uint64_t behind;
} memory;
static struct pv_con_ring *const ring = &memory.ring;
static struct pv_con_dir dir;
static struct pvcon_front front;
static struct pvcon_back back;

/* A ring whose indices are about to be `at`. */
static void start_at(uint32_t at)
{
	memset(&memory, 0xa5, sizeof(memory));
	pvcon_front_init(&front, &dir, ring, OUT_PAGES, IN_PAGES);
	ring->front = ring->back = (struct pv_con_end){
		.prod = at,
		.cons = at,
		.prod_event = at + 1,
	};
	front.out.prod = front.out.pushed = front.out.cons = at;
	front.in.cons = front.in.told = at;
	assert_true(pvcon_back_attach(&back, ring, &dir));
}

/* ---- bytes that are known by their number ------------------------------------- */

static unsigned char byte_of(uint32_t nr)
{
	return (unsigned char)(nr * 131 + (nr >> 8) * 17);
}

/* Put in at most so many; how many it was. */
static uint32_t fill(struct pvcon_fill *f, uint32_t nr, uint32_t most)
{
	unsigned char text[OUT];
	int room = pvcon_fill_room(f);

	assert_true(room >= 0 && (uint32_t)room <= f->size);
	most = most < (uint32_t)room ? most : (uint32_t)room;
	for (uint32_t i = 0; i < most; i++)
		text[i] = byte_of(nr + i);
	pvcon_fill_put(f, text, most);
	return most;
}

/* Look at, at most so many; they stay there. */
static uint32_t look(const struct pvcon_drain *d, uint32_t nr, uint32_t most)
{
	unsigned char text[OUT];
	int there = pvcon_drain_there(d);

	assert_true(there >= 0 && (uint32_t)there <= d->size);
	most = most < (uint32_t)there ? most : (uint32_t)there;
	pvcon_drain_copy(d, text, most);
	for (uint32_t i = 0; i < most; i++)
		assert_int_equal(text[i], byte_of(nr + i));
	return most;
}

static uint32_t take(struct pvcon_drain *d, uint32_t nr, uint32_t most)
{
	most = look(d, nr, most);
	pvcon_drain_done(d, most);
	return most;
}

/* Pieces of all sizes at all places near the area's end, and around the wrap of
 * the indices. */
static void every_piece_at_every_place(void **state)
{
	(void)state;
	for (uint32_t before = 0; before < 40; before++) {
		for (uint32_t bytes = 0; bytes < 80; bytes++) {
			start_at(0u - before);
			assert_int_equal(fill(&front.out, 0, bytes), bytes);
			pvcon_fill_push(&front.out);
			assert_int_equal(take(&back.out, 0, OUT), bytes);
			assert_int_equal(fill(&back.in, 7, bytes), bytes);
			pvcon_fill_push(&back.in);
			assert_int_equal(take(&front.in, 7, IN), bytes);
		}
	}
}

static void all_of_an_area_is_used(void **state)
{
	(void)state;
	start_at(12345);
	assert_int_equal(fill(&front.out, 0, OUT), OUT);
	assert_int_equal(pvcon_fill_room(&front.out), 0);
	pvcon_fill_push(&front.out);
	assert_int_equal(fill(&back.in, 0, IN), IN);
	assert_int_equal(pvcon_fill_room(&back.in), 0);
	pvcon_fill_push(&back.in);
	assert_int_equal(take(&back.out, 0, OUT), OUT);
	assert_int_equal(take(&front.in, 0, IN), IN);
	assert_int_equal(memory.behind, 0xa5a5a5a5a5a5a5a5ull);
	/* Not before it was told of. */
	assert_int_equal(pvcon_fill_room(&front.out), 0);
	pvcon_drain_tell(&back.out);
	assert_int_equal(pvcon_fill_room(&front.out), OUT);
}

/* ---- events ---------------------------------------------------------------------- */

static void events_are_for_sleepers(void **state)
{
	(void)state;
	start_at(0);
	assert_false(pvcon_drain_sleep(&back.out));
	fill(&front.out, 0, 1);
	assert_int_equal(pvcon_drain_there(&back.out), 0); /* not shown yet */
	assert_true(pvcon_fill_push(&front.out));
	assert_false(pvcon_fill_push(&front.out)); /* nothing is new */
	fill(&front.out, 1, 1);
	assert_false(pvcon_fill_push(&front.out)); /* it was told */
	assert_true(pvcon_drain_sleep(&back.out)); /* and has not looked */
	take(&back.out, 0, 2);
	fill(&front.out, 2, 1);
	assert_false(pvcon_fill_push(&front.out)); /* it is awake */
	take(&back.out, 2, 1);
	assert_false(pvcon_drain_sleep(&back.out));
	fill(&front.out, 3, 100);
	assert_true(pvcon_fill_push(&front.out)); /* one for all */
	/* Nobody waits for room. */
	take(&back.out, 3, 100);
	assert_false(pvcon_drain_tell(&back.out));
}

static void room_is_told_of_once(void **state)
{
	unsigned int events = 0;

	(void)state;
	start_at(5);
	fill(&front.out, 0, OUT);
	pvcon_fill_push(&front.out);
	assert_false(pvcon_fill_moved(&front.out));
	assert_false(pvcon_fill_wait(&front.out));
	for (uint32_t i = 0; i < OUT; i++) {
		take(&back.out, i, 1);
		if (pvcon_drain_tell(&back.out)) {
			events++;
			assert_int_equal(i + 1, OUT / 2);
		}
	}
	assert_int_equal(events, 1);
	assert_true(pvcon_fill_moved(&front.out));
	/* Whoever asks after that is not kept waiting. */
	assert_true(pvcon_fill_wait(&front.out));
}

/* ---- a backend that is replaced ------------------------------------------------ */

struct life {
	uint32_t written, logged; /* by the guest, by the backend */
	uint32_t typed, shown, read; /* shown: where a successor goes on */
	unsigned int replaced;
};

static void replace(struct life *l)
{
	memset(&back, 0x5a, sizeof(back)); /* it leaves nothing */
	assert_true(pvcon_back_attach(&back, ring, &dir));
	l->replaced++;
	l->typed = l->shown;
}

static void step(struct life *l, uint64_t r)
{
	uint32_t most = (uint32_t)(r >> 16) % 3000, n;

	switch (r % 6) {
	case 0:
		l->written += fill(&front.out, l->written, most);
		break;
	case 1:
		pvcon_fill_push(&front.out);
		break;
	case 2:
		n = take(&back.out, l->logged, most);
		/* It may be killed before it says so: then it comes again. */
		if (r >> 40 & 7) {
			l->logged += n;
			pvcon_drain_tell(&back.out);
		} else {
			replace(l);
		}
		break;
	case 3:
		l->typed += fill(&back.in, l->typed, most);
		break;
	case 4:
		pvcon_fill_push(&back.in);
		l->shown = l->typed;
		break;
	default:
		l->read += take(&front.in, l->read, most);
		pvcon_drain_tell(&front.in);
	}
	if ((r >> 44) % 50 == 0)
		replace(l);
}

/* Nothing is lost, comes twice, or changes places, but for keys that were not
 * shown. */
static void backends_may_be_replaced(void **state)
{
	unsigned int replaced = 0;
	uint64_t bytes = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct life l = {.replaced = 0};
		uint64_t random = seed;

		start_at((uint32_t)(seed % 2 ? 0 : 0 - seed * 100));
		for (unsigned int i = 0; i < 2000; i++)
			step(&l, next_random(&random));
		pvcon_fill_push(&front.out);
		l.logged += take(&back.out, l.logged, OUT);
		l.read += take(&front.in, l.read, IN);
		assert_int_equal(l.logged, l.written);
		assert_int_equal(l.read, l.shown);
		replaced += l.replaced;
		bytes += l.logged + l.read;
	}
	print_message("%u backends, %u bytes\n", replaced, (unsigned int)bytes);
	assert_true(replaced > 4000 && bytes > 10000000);
}

/* ---- ends that lie ------------------------------------------------------------------- */

static void lies_are_seen(void **state)
{
	(void)state;
	/* More than there is room for; less than there was. */
	start_at(5);
	ring->front.prod = 5 + OUT + 1;
	ring->back.prod = 5 + IN + 1;
	assert_int_equal(pvcon_drain_there(&back.out), PVCON_LIE);
	assert_int_equal(pvcon_drain_there(&front.in), PVCON_LIE);
	ring->front.prod = ring->back.prod = 4;
	assert_int_equal(pvcon_drain_there(&back.out), PVCON_LIE);
	assert_int_equal(pvcon_drain_there(&front.in), PVCON_LIE);
	/* Taken before it was there; taken back. */
	for (uint32_t n = 0; n < 2; n++) {
		start_at(5);
		fill(&front.out, 0, 10);
		fill(&back.in, 0, 10);
		if (n) {
			pvcon_fill_push(&front.out);
			pvcon_fill_push(&back.in);
		}
		ring->back.cons = ring->front.cons = n ? 4 : 6;
		assert_int_equal(pvcon_fill_room(&front.out), PVCON_LIE);
		assert_int_equal(pvcon_fill_room(&back.in), PVCON_LIE);
	}
}

static void lies_to_a_successor_are_seen(void **state)
{
	static const struct {
		uint32_t front_prod, back_cons, back_prod, front_cons;
		bool good;
	} row[] = {
		{0, 0, 0, 0, true},
		{OUT, 0, IN, 0, true},
		{OUT + 1, 0, 0, 0, false},
		{0, 1, 0, 0, false},
		{0, 0, IN + 1, 0, false},
		{0, 0, 0, 1, false},
		{OUT / 2 - 7, 0u - OUT / 2 - 7, IN - 9, 0u - 9, true},
		{OUT / 2 - 7, 0u - OUT / 2 - 8, 0, 0, false},
		{0x80000000, 0, 0, 0, false},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		start_at(0);
		ring->front.prod = row[i].front_prod;
		ring->back.cons = row[i].back_cons;
		ring->back.prod = row[i].back_prod;
		ring->front.cons = row[i].front_cons;
		assert_int_equal(pvcon_back_attach(&back, ring, &dir),
				 row[i].good);
	}
}

static void directories_are_checked(void **state)
{
	struct pv_con_dir d = {
		.magic = PV_CON_MAGIC,
		.version = PV_CON_VERSION,
		.nr_in = 1,
	};

	(void)state;
	for (unsigned int nr = 0; nr <= UINT16_MAX; nr++) {
		bool good = nr && !(nr & (nr - 1)) && nr <= PV_CON_AREA_MAX;

		d.nr_out = (uint16_t)nr;
		assert_int_equal(pvcon_back_dir(&d),
				 good ? PV_CON_RING_PAGES + nr + 1 : 0);
	}
	d.nr_out = d.nr_in = PV_CON_AREA_MAX;
	assert_in_range(pvcon_back_dir(&d), 1, PV_CON_DIR_REFS);
	d.nr_in = 0;
	assert_int_equal(pvcon_back_dir(&d), 0);
	d.nr_in = 3;
	assert_int_equal(pvcon_back_dir(&d), 0);
	d.nr_in = 4;
	d.version++;
	assert_int_equal(pvcon_back_dir(&d), 0);
	d.version--;
	d.magic++;
	assert_int_equal(pvcon_back_dir(&d), 0);
}

/* ---- two threads ------------------------------------------------------------------ */

enum {
	TOTAL = 20 << 20
};

static struct channel up = CHANNEL, down = CHANNEL;

/* One end: it sends and receives that many bytes, as fast as it can. */
struct party {
	struct pvcon_fill *out;
	struct pvcon_drain *in;
	struct channel *to, *from;
	uint32_t piece;
	uint32_t sent, got;
	unsigned int waits;
};

static bool is_done(const struct party *p)
{
	return p->sent == TOTAL && p->got == TOTAL;
}

static void work(struct party *p)
{
	uint32_t left = TOTAL - p->sent;

	p->sent += fill(p->out, p->sent, left < p->piece ? left : p->piece);
	if (pvcon_fill_push(p->out))
		send_event(p->to);
	p->got += take(p->in, p->got, p->piece);
	if (pvcon_drain_tell(p->in))
		send_event(p->to);
}

static void *run_party(void *arg)
{
	struct party *p = arg;

	while (!is_done(p)) {
		bool more = false;

		work(p);
		if (p->sent < TOTAL) {
			p->waits++;
			more = pvcon_fill_room(p->out) ||
			       pvcon_fill_wait(p->out);
		}
		more |= pvcon_drain_sleep(p->in);
		if (!more && !is_done(p))
			sleep_until(p->from);
	}
	return NULL;
}

/* An event that is lost would let both sleep for ever. */
static void two_threads_never_sleep_both(void **state)
{
	struct party guest = {
		.out = &front.out,
		.in = &front.in,
		.to = &up,
		.from = &down,
		.piece = 700,
	};
	struct party control = {
		.out = &back.in,
		.in = &back.out,
		.to = &down,
		.from = &up,
		.piece = OUT,
	};

	(void)state;
	start_at(0);
	run_both(run_party, &guest, &control);
	print_message("%u bytes each way, %u and %u events, %u and %u waits\n",
		      TOTAL, up.sent, down.sent, guest.waits, control.waits);
	assert_true(guest.waits && control.waits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_piece_at_every_place),
		cmocka_unit_test(all_of_an_area_is_used),
		cmocka_unit_test(events_are_for_sleepers),
		cmocka_unit_test(room_is_told_of_once),
		cmocka_unit_test(backends_may_be_replaced),
		cmocka_unit_test(lies_are_seen),
		cmocka_unit_test(lies_to_a_successor_are_seen),
		cmocka_unit_test(directories_are_checked),
		cmocka_unit_test(two_threads_never_sleep_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
