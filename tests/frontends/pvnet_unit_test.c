/* SPDX-License-Identifier: MIT */
/*
 * The pure parts of the network ring: both ends in one memory, pipes that are
 * full, a backend that is replaced at every possible moment, two threads, lies.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pv-frontends/core/pvnet.h"
#include "tests/frontends/two_ends.h"

enum {
	PAGES = PV_NET_AREA_MIN,
	AREA = PAGES * PV_PAGE_SIZE,
};

static struct pv_net_ring ring;
static struct pvnet_front front;
static struct pvnet_back back;
static unsigned char tx_area[AREA], rx_area[AREA];

/* A ring whose indices are about to be `at`. */
static void start_at(uint32_t at)
{
	pvnet_front_init(&front, &ring, PAGES, PAGES);
	ring.front.prod = ring.front.cons = at;
	ring.back.prod = ring.back.cons = at;
	ring.front.prod_event = ring.back.prod_event = at + 1;
	front.tx.prod = front.tx.pushed = front.tx.cons = at;
	front.rx.cons = front.rx.told = front.rx.prod = at;
	assert_true(pvnet_back_attach(&back, &ring, PAGES, PAGES));
}

/* ---- packets that carry their number ------------------------------------------ */

/* Mostly small ones, as in a network. */
static uint32_t size_of(uint32_t nr)
{
	uint64_t state = nr;
	uint32_t r = (uint32_t)next_random(&state);

	if (r % 8 == 0)
		return PV_NET_PACKET_MAX - r / 8 % 3000;
	return PV_NET_PACKET_MIN + r / 8 % 1500;
}

static void write_packet(unsigned char *to, uint32_t nr, uint32_t bytes)
{
	memcpy(to, &nr, sizeof(nr));
	memset(to + sizeof(nr), (int)nr & 0xff, bytes - sizeof(nr));
}

static uint32_t read_packet(const unsigned char *from, uint32_t bytes)
{
	uint32_t nr;

	memcpy(&nr, from, sizeof(nr));
	/* Nobody wrote over its ends. */
	assert_int_equal(bytes, size_of(nr));
	assert_int_equal(from[sizeof(nr)], nr & 0xff);
	assert_int_equal(from[bytes / 2], nr & 0xff);
	assert_int_equal(from[bytes - 1], nr & 0xff);
	return nr;
}

/* False: no room. */
static bool fill(struct pvnet_fill *f, unsigned char *area, uint32_t nr)
{
	struct pv_net_packet p = {.bytes = size_of(nr)};
	/* Who reads from a network does not know how much comes. */
	uint32_t room = nr % 2 ? PV_NET_PACKET_MAX : p.bytes;
	enum pvnet_look look = pvnet_fill_room(f, room, &p.at);

	assert_true(look == PVNET_ONE || look == PVNET_NONE);
	if (look == PVNET_NONE)
		return false;
	assert_true(p.at % PV_NET_ALIGN == 0 && p.at + room <= f->area);
	write_packet(area + p.at, nr, p.bytes);
	pvnet_fill_put(f, &p);
	return true;
}

/* UINT32_MAX: there is none. */
static uint32_t look(struct pvnet_drain *d, const unsigned char *area)
{
	struct pv_net_packet p;

	switch (pvnet_drain_look(d, &p)) {
	case PVNET_ONE:
		return read_packet(area + p.at, p.bytes);
	case PVNET_LIE:
		fail_msg("a packet that nobody sent");
		break;
	case PVNET_NONE:
		break;
	}
	return UINT32_MAX;
}

static void packets_come_as_they_went(void **state)
{
	uint32_t sent = 0, got = 0, full = 0;
	uint64_t random = 1;

	(void)state;
	start_at(0xffffff00); /* the indices wrap on the way */
	while (got < 50000) {
		for (uint64_t n = next_random(&random) % 300; n; n--) {
			if (!fill(&front.tx, tx_area, sent)) {
				full++;
				break;
			}
			sent++;
		}
		pvnet_fill_push(&front.tx);
		for (uint64_t n = next_random(&random) % 300; n; n--) {
			if (look(&back.tx, tx_area) == UINT32_MAX)
				break;
			assert_int_equal(look(&back.tx, tx_area), got);
			pvnet_drain_done(&back.tx);
			got++;
		}
	}
	assert_true(full > 100);
}

static void all_slots_are_used(void **state)
{
	struct pv_net_packet p = {.bytes = 60};

	(void)state;
	start_at(77);
	for (unsigned int i = 0; i < PV_NET_SLOTS; i++) {
		assert_int_equal(pvnet_fill_room(&front.tx, 60, &p.at),
				 PVNET_ONE);
		pvnet_fill_put(&front.tx, &p);
	}
	assert_int_equal(pvnet_fill_room(&front.tx, 60, &p.at), PVNET_NONE);
	pvnet_fill_push(&front.tx);
	for (unsigned int i = 0; i < PV_NET_SLOTS; i++) {
		assert_int_equal(pvnet_drain_look(&back.tx, &p), PVNET_ONE);
		assert_int_equal(p.at, i * PV_NET_ALIGN);
		pvnet_drain_done(&back.tx);
	}
	assert_int_equal(pvnet_drain_look(&back.tx, &p), PVNET_NONE);
	/* Empty: from the beginning. */
	assert_int_equal(pvnet_fill_room(&front.tx, PV_NET_PACKET_MAX, &p.at),
			 PVNET_ONE);
	assert_int_equal(p.at, 0);
}

static void what_a_packet_says_is_kept(void **state)
{
	struct pv_net_packet got, p = {
					  .bytes = 3000,
					  .flags = PV_NET_CSUM_OPEN,
					  .gso = PV_NET_GSO_TCPV6,
					  .gso_size = 1400,
					  .csum_start = 54,
					  .csum_offset = 16,
				  };

	(void)state;
	start_at(0);
	assert_int_equal(pvnet_fill_room(&back.rx, 3000, &p.at), PVNET_ONE);
	pvnet_fill_put(&back.rx, &p);
	pvnet_fill_push(&back.rx);
	assert_int_equal(pvnet_drain_look(&front.rx, &got), PVNET_ONE);
	assert_memory_equal(&p, &got, sizeof(p));
}

/* ---- events ---------------------------------------------------------------------- */

static void put_small(void)
{
	struct pv_net_packet p = {.bytes = 60};

	assert_int_equal(pvnet_fill_room(&front.tx, 60, &p.at), PVNET_ONE);
	pvnet_fill_put(&front.tx, &p);
}

static void take(void)
{
	struct pv_net_packet p;

	assert_int_equal(pvnet_drain_look(&back.tx, &p), PVNET_ONE);
	pvnet_drain_done(&back.tx);
}

static void events_are_for_sleepers(void **state)
{
	(void)state;
	start_at(0);
	assert_false(pvnet_drain_sleep(&back.tx));
	assert_false(pvnet_drain_busy(&back.tx));
	put_small();
	assert_false(pvnet_drain_busy(&back.tx)); /* not shown yet */
	assert_true(pvnet_fill_push(&front.tx));
	assert_true(pvnet_drain_busy(&back.tx));
	put_small();
	assert_false(pvnet_fill_push(&front.tx)); /* it was told */
	assert_true(pvnet_drain_sleep(&back.tx)); /* and has not looked */
	take();
	take();
	put_small();
	assert_false(pvnet_fill_push(&front.tx)); /* it is awake */
	take();
	assert_false(pvnet_drain_sleep(&back.tx));
	put_small();
	put_small();
	assert_true(pvnet_fill_push(&front.tx)); /* one for both */
	/* Nobody waits for room. */
	take();
	take();
	assert_false(pvnet_drain_tell(&back.tx));
}

static void room_is_told_of_once(void **state)
{
	unsigned int events = 0;

	(void)state;
	start_at(0);
	for (unsigned int i = 0; i < PV_NET_SLOTS; i++)
		put_small();
	pvnet_fill_push(&front.tx);
	assert_false(pvnet_fill_wait(&front.tx));
	for (unsigned int i = 0; i < PV_NET_SLOTS; i++) {
		take();
		if (pvnet_drain_tell(&back.tx)) {
			events++;
			assert_int_equal(i + 1, PV_NET_SLOTS / 2);
		}
	}
	assert_int_equal(events, 1);
	/* Whoever asks after that is not kept waiting. */
	assert_true(pvnet_fill_wait(&front.tx));
}

/* ---- a backend that is replaced ------------------------------------------------ */

struct life {
	uint32_t tx_sent, tx_got; /* the frontend's next, the network's */
	uint32_t rx_put, rx_shown, rx_got;
	unsigned int replaced, twice;
};

static void replace(struct life *l)
{
	memset(&back, 0x5a, sizeof(back)); /* it leaves nothing */
	assert_true(pvnet_back_attach(&back, &ring, PAGES, PAGES));
	l->replaced++;
	/* What was not shown is lost, as packets may be. */
	l->rx_put = l->rx_shown;
}

/* A packet goes to the network, and whoever sent it may be killed before it
 * can say so. */
static void network_gets(struct life *l, bool killed)
{
	uint32_t nr = look(&back.tx, tx_area);

	if (nr == UINT32_MAX)
		return;
	if (nr + 1 == l->tx_got)
		l->twice++;
	else
		assert_int_equal(nr, l->tx_got);
	l->tx_got = nr + 1;
	if (killed)
		replace(l);
	else
		pvnet_drain_done(&back.tx);
}

static void front_gets(struct life *l)
{
	uint32_t nr = look(&front.rx, rx_area);

	if (nr == UINT32_MAX)
		return;
	assert_int_equal(nr, l->rx_got);
	l->rx_got++;
	pvnet_drain_done(&front.rx);
}

static void step(struct life *l, uint64_t r)
{
	switch (r % 6) {
	case 0:
		if (fill(&front.tx, tx_area, l->tx_sent))
			l->tx_sent++;
		break;
	case 1:
		pvnet_fill_push(&front.tx);
		break;
	case 2:
		network_gets(l, (r >> 8) % 100 == 0);
		break;
	case 3:
		if (fill(&back.rx, rx_area, l->rx_put))
			l->rx_put++;
		break;
	case 4:
		pvnet_fill_push(&back.rx);
		l->rx_shown = l->rx_put;
		break;
	default:
		front_gets(l);
	}
	if ((r >> 40) % 200 == 0)
		replace(l);
}

/* Nothing is lost but what was not shown, nothing changes places, and only the
 * packet with which a backend was killed may be sent twice. */
static void backends_may_be_replaced(void **state)
{
	unsigned int replaced = 0, twice = 0, packets = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct life l = {.replaced = 0};
		uint64_t random = seed;

		start_at((uint32_t)(seed % 2 ? 0 : 0 - seed));
		for (unsigned int i = 0; i < 10000; i++)
			step(&l, next_random(&random));
		for (unsigned int i = 0; i < 2 * PV_NET_SLOTS; i++) {
			pvnet_fill_push(&front.tx);
			network_gets(&l, false);
			front_gets(&l);
		}
		assert_int_equal(l.tx_got, l.tx_sent);
		assert_int_equal(l.rx_got, l.rx_shown);
		assert_true(l.twice <= l.replaced);
		replaced += l.replaced;
		twice += l.twice;
		packets += l.tx_got + l.rx_got;
	}
	print_message("%u backends, %u packets, %u of them twice\n", replaced,
		      packets, twice);
	assert_true(replaced > 4000 && packets > 100000 && twice > 100);
}

/* ---- ends that lie ------------------------------------------------------------------- */

static void lie_about(struct pv_net_packet p, enum pvnet_look want)
{
	start_at(0);
	ring.tx[0] = ring.rx[0] = p;
	ring.front.prod = ring.back.prod = 1;
	assert_int_equal(pvnet_drain_look(&back.tx, &p), want);
	assert_int_equal(pvnet_drain_look(&front.rx, &p), want);
}

static void lies_about_packets_are_seen(void **state)
{
	static const struct {
		struct pv_net_packet p;
		enum pvnet_look want;
	} row[] = {
		{{.bytes = 14}, PVNET_ONE},
		{{.bytes = 13}, PVNET_LIE},
		{{.bytes = 0}, PVNET_LIE},
		{{.bytes = PV_NET_PACKET_MAX}, PVNET_ONE},
		{{.bytes = PV_NET_PACKET_MAX + 1}, PVNET_LIE},
		{{.bytes = UINT32_MAX}, PVNET_LIE},
		{{.at = 63, .bytes = 60}, PVNET_LIE},
		{{.at = AREA - 64, .bytes = 64}, PVNET_ONE},
		{{.at = AREA - 64, .bytes = 65}, PVNET_LIE},
		{{.at = AREA, .bytes = 60}, PVNET_LIE},
		{{.at = AREA + 64, .bytes = 60}, PVNET_LIE},
		{{.at = 0xffffffc0, .bytes = 64}, PVNET_LIE},
		{{.bytes = 60, .flags = PV_NET_CSUM_GOOD}, PVNET_ONE},
		{{.bytes = 60, .flags = 4}, PVNET_LIE},
		{{.bytes = 60, .flags = 1, .csum_start = 34, .csum_offset = 24},
		 PVNET_ONE},
		{{.bytes = 60, .flags = 1, .csum_start = 34, .csum_offset = 25},
		 PVNET_LIE},
		{{.bytes = 60,
		  .flags = 1,
		  .csum_start = 65535,
		  .csum_offset = 65535},
		 PVNET_LIE},
		{{.bytes = 60, .csum_start = 65535}, PVNET_ONE},
		{{.bytes = 3000,
		  .flags = 1,
		  .gso = 1,
		  .gso_size = 1,
		  .csum_start = 34},
		 PVNET_ONE},
		{{.bytes = 3000, .flags = 1, .gso = 1, .csum_start = 34},
		 PVNET_LIE},
		{{.bytes = 3000, .gso = 1, .gso_size = 1}, PVNET_LIE},
		{{.bytes = 3000, .flags = 1, .gso = 3, .gso_size = 1},
		 PVNET_LIE},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		lie_about(row[i].p, row[i].want);
}

static void lies_about_indices_are_seen(void **state)
{
	struct pv_net_packet p = {.bytes = 60};
	uint32_t at;

	(void)state;
	start_at(5);
	ring.front.prod = ring.back.prod = 5 + PV_NET_SLOTS + 1;
	assert_int_equal(pvnet_drain_look(&back.tx, &p), PVNET_LIE);
	assert_int_equal(pvnet_drain_look(&front.rx, &p), PVNET_LIE);
	start_at(5);
	ring.front.prod = ring.back.prod = 4;
	assert_int_equal(pvnet_drain_look(&back.tx, &p), PVNET_LIE);
	assert_int_equal(pvnet_drain_look(&front.rx, &p), PVNET_LIE);
	/* Taken before it was there; taken back. */
	for (int n = -1; n <= 1; n += 2) {
		start_at(5);
		for (unsigned int i = 0; i < PV_NET_SLOTS; i++)
			put_small();
		if (n < 0)
			pvnet_fill_push(&front.tx);
		ring.back.cons += (uint32_t)n;
		assert_int_equal(pvnet_fill_room(&front.tx, 60, &at),
				 PVNET_LIE);
	}
}

/* A frontend that lies to a successor of its backend. */
static void lies_to_a_successor_are_seen(void **state)
{
	static const struct pv_net_packet bad[] = {
		{.bytes = 0},
		{.at = 1, .bytes = 60},
		{.at = AREA, .bytes = 60},
		{.at = AREA - 64, .bytes = 65},
		{.bytes = UINT32_MAX},
	};
	uint32_t at;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start_at(0);
		ring.back.prod = 3;
		ring.rx[0] = ring.rx[1] = ring.rx[2] =
			(struct pv_net_packet){.at = 64, .bytes = 64};
		assert_true(pvnet_back_attach(&back, &ring, PAGES, PAGES));
		/* All in one place: no room, but nothing worse. */
		for (unsigned int n = 0; n < PV_NET_SLOTS; n++)
			if (pvnet_fill_room(&back.rx, 60000, &at) == PVNET_ONE)
				assert_true(at + 60000 <= AREA);
		ring.rx[1] = bad[i];
		assert_false(pvnet_back_attach(&back, &ring, PAGES, PAGES));
	}
	start_at(0);
	ring.front.cons = 1;
	assert_false(pvnet_back_attach(&back, &ring, PAGES, PAGES));
}

static void directories_are_checked(void **state)
{
	struct pv_net_dir d = {
		.magic = PV_NET_MAGIC,
		.version = PV_NET_VERSION,
		.nr_tx = PV_NET_AREA_MIN,
		.nr_rx = PV_NET_AREA_MAX,
	};

	(void)state;
	assert_int_equal(pvnet_back_dir(&d),
			 PV_NET_RING_PAGES + PV_NET_AREA_MIN + PV_NET_AREA_MAX);
	d.nr_tx--;
	assert_int_equal(pvnet_back_dir(&d), 0);
	d.nr_tx = PV_NET_AREA_MAX;
	assert_true(pvnet_back_dir(&d) <= PV_NET_DIR_REFS);
	d.nr_rx++;
	assert_int_equal(pvnet_back_dir(&d), 0);
	d.nr_rx = PV_NET_AREA_MIN;
	d.version++;
	assert_int_equal(pvnet_back_dir(&d), 0);
	d.version--;
	d.magic++;
	assert_int_equal(pvnet_back_dir(&d), 0);
}

/* ---- two threads ------------------------------------------------------------------ */

static struct channel up = CHANNEL, down = CHANNEL;

enum {
	TOTAL = 100000
};

/* One end: it sends and receives that many, as fast as it can. */
struct party {
	struct pvnet_fill *out;
	struct pvnet_drain *in;
	unsigned char *out_area, *in_area;
	struct channel *to, *from;
	unsigned int slow; /* packets that it takes at once */
	uint32_t sent, got;
	unsigned int waits;
};

static void work(struct party *p)
{
	while (p->sent < TOTAL && fill(p->out, p->out_area, p->sent))
		p->sent++;
	if (pvnet_fill_push(p->out))
		send_event(p->to);
	for (unsigned int n = 0; n < p->slow; n++) {
		uint32_t nr = look(p->in, p->in_area);

		if (nr == UINT32_MAX)
			break;
		assert_int_equal(nr, p->got);
		pvnet_drain_done(p->in);
		p->got++;
	}
	if (pvnet_drain_tell(p->in))
		send_event(p->to);
}

static void *run_party(void *arg)
{
	struct party *p = arg;

	while (p->sent < TOTAL || p->got < TOTAL) {
		bool more = false;

		work(p);
		if (p->sent < TOTAL) {
			p->waits++;
			more = pvnet_fill_wait(p->out);
		}
		more |= pvnet_drain_sleep(p->in);
		if (!more && (p->sent < TOTAL || p->got < TOTAL))
			sleep_until(p->from);
	}
	return NULL;
}

/* An event that is lost would let both sleep for ever. */
static void two_threads_never_sleep_both(void **state)
{
	struct party guest = {
		.out = &front.tx,
		.in = &front.rx,
		.out_area = tx_area,
		.in_area = rx_area,
		.to = &up,
		.from = &down,
		.slow = 7,
	};
	struct party control = {
		.out = &back.rx,
		.in = &back.tx,
		.out_area = rx_area,
		.in_area = tx_area,
		.to = &down,
		.from = &up,
		.slow = 1000,
	};

	(void)state;
	start_at(0);
	run_both(run_party, &guest, &control);
	print_message(
		"%u packets each way, %u and %u events, %u and %u waits\n",
		TOTAL, up.sent, down.sent, guest.waits, control.waits);
	assert_true(guest.waits && control.waits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_come_as_they_went),
		cmocka_unit_test(all_slots_are_used),
		cmocka_unit_test(what_a_packet_says_is_kept),
		cmocka_unit_test(events_are_for_sleepers),
		cmocka_unit_test(room_is_told_of_once),
		cmocka_unit_test(backends_may_be_replaced),
		cmocka_unit_test(lies_about_packets_are_seen),
		cmocka_unit_test(lies_about_indices_are_seen),
		cmocka_unit_test(lies_to_a_successor_are_seen),
		cmocka_unit_test(directories_are_checked),
		cmocka_unit_test(two_threads_never_sleep_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
