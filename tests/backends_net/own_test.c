/* SPDX-License-Identifier: MIT */
/*
 * The network backend on the own ring, as a process, with a real TAP on a real
 * bridge: a frontend in this program, traffic through both, backends that are
 * killed, and frontends that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pv-frontends/mini/net.h"
#include "tests/backends_net/net_space.h"
#include "tests/backends_net/netfront.h"
#include "tests/backends_net/ownfront.h"

enum {
	ALL = PV_NET_TAKES_CSUM | PV_NET_TAKES_TSO4 | PV_NET_TAKES_TSO6,
};

static const struct ownfront_options plain = {
	.queues = 1,
	.pages = 128,
	.takes = ALL,
};

/* A device, its frontend, the guest's network: all that most tests need. */
struct own_guest {
	struct guest base;
	struct ownfront front;
};

static void guest_start(struct own_guest *o, const struct ownfront_options *opt)
{
	guest_new(&o->base, opt->queues, opt->takes);
	ownfront_start(&o->front, &bed, o->base.devid, opt, o->base.taps);
}

static void guest_stop(struct own_guest *o)
{
	ownfront_stop(&o->front);
	guest_remove(&o->base);
}

/* ---- honest guests ---------------------------------------------------------------- */

static void all_ways_with(const struct ownfront_options *opt)
{
	struct own_guest g;

	guest_start(&g, opt);
	all_ways();
	guest_stop(&g);
	says_forwarded(&g.front.forwarder, opt->takes, opt->takes);
}

static void offloads(void **state)
{
	(void)state;
	all_ways_with(&plain);
}

static void many_queues(void **state)
{
	struct ownfront_options opt = plain;

	(void)state;
	opt.queues = 4;
	all_ways_with(&opt);
}

static void small_areas(void **state)
{
	struct ownfront_options opt = plain;

	(void)state;
	opt.pages = PV_NET_AREA_MIN;
	all_ways_with(&opt);
}

static void no_offloads(void **state)
{
	struct ownfront_options opt = plain;

	(void)state;
	opt.takes = 0;
	all_ways_with(&opt);
}

/* ---- restarts ------------------------------------------------------------------------- */

static void start_over(unsigned int devid)
{
	put(&bed, back("vif", devid, "state"), "1");
	wait_for(&bed, back("vif", devid, "state"), "4");
}

static void restarts(void **state)
{
	struct ownfront_options opt = plain;
	struct own_guest g;

	(void)state;
	opt.queues = 2;
	guest_start(&g, &opt);
	goes_on(&g.base, &g.front.forwarder, start_over);
	guest_stop(&g);
}

/* Who takes the device after us may be the stock driver. */
static void a_stock_frontend_comes_next(void **state)
{
	const struct netfront_options stock = {.queues = 1};
	struct netfront f;
	struct own_guest g;
	unsigned int devid;

	(void)state;
	guest_start(&g, &plain);
	devid = g.base.devid;
	exchange(NET_V4, 5);
	ownfront_stop(&g.front);
	begins_again(devid);
	netfront_start(&f, &bed, devid, &stock, g.base.taps);
	assert_null(get(&bed, front("vif", devid, "protocol-pv")));
	exchange(NET_V4, 5);
	netfront_stop(&f);
	guest_remove(&g.base);
}

/* ---- limits ------------------------------------------------------------------------------ */

static void rate(void **state)
{
	struct ownfront_options opt = plain;
	struct own_guest g;

	(void)state;
	opt.queues = 2;
	guest_start(&g, &opt);
	rates_hold(g.base.devid);
	guest_stop(&g);
}

/* ---- hostile ones ------------------------------------------------------------------------ */

static void lies_end_in(void (*lie)(struct ownfront *f), const char *message)
{
	struct ownfront_options opt = plain;
	unsigned int devid = device_new(vif_plain);
	struct ownfront f;

	opt.no_thread = true;
	ownfront_start(&f, &bed, devid, &opt, NULL);
	lie(&f);
	send_event(&f.queue[0].port);
	ends_for(devid, message);
	ownfront_stop(&f);
	begins_again(devid);
	ownfront_start(&f, &bed, devid, &opt, NULL);
	ownfront_stop(&f);
	device_remove(devid);
}

static void set(uint32_t *field, uint32_t value)
{
	__atomic_store_n(field, value, __ATOMIC_SEQ_CST);
}

static void bad_index(struct ownfront *f)
{
	set(&f->queue[0].shared->front.prod, 1000);
}

static void index_goes_back(struct ownfront *f)
{
	set(&f->queue[0].shared->front.prod, UINT32_MAX);
}

static void bad_packet(struct ownfront *f)
{
	f->queue[0].shared->tx[0] = (struct pv_net_packet){
		.at = f->opt.pages * FRAME - PV_NET_ALIGN,
		.bytes = PV_NET_ALIGN + 1,
	};
	set(&f->queue[0].shared->front.prod, 1);
}

static void bad_checksum(struct ownfront *f)
{
	f->queue[0].shared->tx[0] = (struct pv_net_packet){
		.bytes = 60,
		.flags = PV_NET_CSUM_OPEN,
		.csum_start = 59,
	};
	set(&f->queue[0].shared->front.prod, 1);
}

/* The backend looks when it has no room left. */
static void bad_receive_index(struct ownfront *f)
{
	double until = now() + PATIENCE;

	set(&f->queue[0].shared->front.cons, 1000);
	while (now() < until &&
	       !is(&bed, back("vif", f->devid, "state"), "5")) {
		for (int i = 0; i < 50; i++)
			shout();
		nap();
	}
}

static void lies(void **state)
{
	(void)state;
	lies_end_in(bad_index, "transmit pipe makes no sense");
	lies_end_in(index_goes_back, "transmit pipe makes no sense");
	lies_end_in(bad_packet, "transmit pipe makes no sense");
	lies_end_in(bad_checksum, "transmit pipe makes no sense");
	lies_end_in(bad_receive_index, "receive pipe makes no sense");
}

/* What is asked for when it connects. */
static void is_refused(void (*lie)(struct ownfront *f), const char *message)
{
	struct ownfront_options opt = plain;
	unsigned int devid = device_new(vif_plain);
	struct ownfront f;

	opt.no_thread = true;
	wait_for(&bed, back("vif", devid, "state"), "2");
	ownfront_prepare(&f, &bed, devid, &opt);
	ownfront_put_keys(&f);
	lie(&f);
	put(&bed, front("vif", devid, "state"), "3");
	ends_for(devid, message);
	ownfront_stop(&f);
	device_remove(devid);
}

static void no_magic(struct ownfront *f)
{
	f->queue[0].dir->magic++;
}

static void no_area(struct ownfront *f)
{
	f->queue[0].dir->nr_tx = PV_NET_AREA_MAX + 1;
}

static void no_page(struct ownfront *f)
{
	f->queue[0].dir->ref[5] = 1u << 30;
}

static void no_dir(struct ownfront *f)
{
	put(&bed, front("vif", f->devid, "queue-0/ring-ref"), "%u", 1u << 30);
}

static void no_port(struct ownfront *f)
{
	put(&bed, front("vif", f->devid, "queue-0/event-channel"), "x");
}

static void no_queue(struct ownfront *f)
{
	put(&bed, front("vif", f->devid, "multi-queue-num-queues"), "2");
}

static void no_queues(struct ownfront *f)
{
	put(&bed, front("vif", f->devid, "multi-queue-num-queues"), "0");
}

static void later_version(struct ownfront *f)
{
	put(&bed, front("vif", f->devid, "protocol-pv"), "2");
}

static void used_ring(struct ownfront *f)
{
	set(&f->queue[0].shared->back.prod, 3);
}

static void mistakes(void **state)
{
	(void)state;
	is_refused(no_magic, "the directory of a queue makes no sense");
	is_refused(no_area, "the directory of a queue makes no sense");
	is_refused(no_page, ""); /* as the bus says it */
	is_refused(no_dir, "grant 1073741824: ");
	is_refused(no_port, "event-channel: \"x\" is not a number");
	is_refused(no_queue, "queue-1: keys are missing");
	is_refused(no_queues, "multi-queue-num-queues: 0");
	is_refused(later_version, "protocol-pv: \"2\" is not a number up to 1");
	is_refused(used_ring, "the receive pipe makes no sense");
}

/* ---- the frontend of small kernels --------------------------------------------------- */

static const struct port *mini_port;

static void mini_send(struct mini_net *m)
{
	(void)m;
	send_event(mini_port);
}

static void mini_wait(struct mini_net *m)
{
	(void)m;
	if (!wait_event(mini_port, now() + PATIENCE))
		die("no event for a small kernel");
}

enum {
	ARP_BYTES = 42,
	MINI_BYTES = 1514,
};

/* Who has 10.9.0.1? */
static void arp_question(unsigned char *p)
{
	static const unsigned char arp[ARP_BYTES] =
		"\xff\xff\xff\xff\xff\xff\x00\x16\x3e\x01\x02\x03\x08\x06"
		"\x00\x01\x08\x00\x06\x04\x00\x01\x00\x16\x3e\x01\x02\x03"
		"\x0a\x09\x00\x02\x00\x00\x00\x00\x00\x00\x0a\x09\x00\x01";

	memset(p, 0, MINI_BYTES);
	memcpy(p, arp, ARP_BYTES);
}

/* Wait for the answer; whatever else is on the network is passed over. */
static void take_answer(struct mini_net *m)
{
	unsigned char p[MINI_BYTES];
	int n;

	do {
		n = mini_net_receive(m, p, sizeof(p));
		assert_true(n >= PV_NET_PACKET_MIN);
	} while (memcmp(p, "\x00\x16\x3e\x01\x02\x03", 6) ||
		 memcmp(p + 12, "\x08\x06", 2));
	assert_true(n >= ARP_BYTES);
	assert_memory_equal(p + 20, "\x00\x02", 2);
	assert_memory_equal(p + 28, "\x0a\x09\x00\x01", 4);
}

static void mini_connect(struct mini_net *m, struct ownfront *f)
{
	struct ownfront_queue *q = &f->queue[0];
	uint16_t pages = (uint16_t)f->opt.pages;
	uint32_t refs[PV_NET_DIR_REFS];

	memcpy(refs, q->dir->ref, sizeof(refs));
	memset(q->dir, 0, sizeof(*q->dir));
	*m = (struct mini_net){.send = mini_send, .wait = mini_wait};
	mini_port = &q->port;
	mini_net_offer(m, q->dir, q->shared, refs, pages, pages);
	ownfront_put_keys(f);
	put(&bed, front("vif", f->devid, "state"), "3");
	wait_for(&bed, back("vif", f->devid, "state"), "4");
	put(&bed, front("vif", f->devid, "state"), "4");
}

/* More packets than there are slots, and than the areas hold, each way. */
static void mini_talk(struct mini_net *m)
{
	unsigned char p[MINI_BYTES];

	arp_question(p);
	for (int i = 0; i < 2 * PV_NET_SLOTS; i++) {
		assert_int_equal(mini_net_send(m, p, ARP_BYTES), 0);
		take_answer(m);
	}
	/* Nobody answers these, so room is what is waited for. */
	p[12] = 0x88;
	p[13] = 0xb5;
	for (int i = 0; i < 4 * PV_NET_SLOTS; i++)
		assert_int_equal(mini_net_send(m, p, MINI_BYTES), 0);
	arp_question(p);
	assert_int_equal(mini_net_send(m, p, ARP_BYTES), 0);
	take_answer(m);
}

static void mini_kernels_have_interfaces(void **state)
{
	struct ownfront_options opt = plain;
	unsigned char p[PV_NET_PACKET_MIN];
	unsigned int devid = device_new(vif_plain);
	struct mini_net m;
	struct ownfront f;

	(void)state;
	opt.pages = PV_NET_AREA_MIN;
	opt.no_thread = true;
	wait_for(&bed, back("vif", devid, "state"), "2");
	ownfront_prepare(&f, &bed, devid, &opt);
	mini_connect(&m, &f);
	mini_talk(&m);
	kill_worker(&bed, "vif", devid);
	mini_talk(&m);
	assert_int_equal(mini_net_send(&m, p, PV_NET_PACKET_MIN - 1),
			 MINI_NET_SIZE);
	assert_int_equal(mini_net_send(&m, p, PV_NET_PACKET_MAX + 1),
			 MINI_NET_SIZE);
	shout();
	assert_int_equal(mini_net_receive(&m, p, sizeof(p)), MINI_NET_SIZE);
	set(&f.queue[0].shared->back.prod, UINT32_MAX / 2);
	assert_int_equal(mini_net_receive(&m, p, sizeof(p)), MINI_NET_BROKEN);
	assert_int_equal(mini_net_send(&m, p, sizeof(p)), MINI_NET_BROKEN);
	ownfront_stop(&f);
	device_remove(devid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offloads),
		cmocka_unit_test(many_queues),
		cmocka_unit_test(small_areas),
		cmocka_unit_test(no_offloads),
		cmocka_unit_test(restarts),
		cmocka_unit_test(a_stock_frontend_comes_next),
		cmocka_unit_test(rate),
		cmocka_unit_test(lies),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(mini_kernels_have_interfaces),
	};

	if (!bed_is_possible())
		return 0;
	return cmocka_run_group_tests(tests, bed_start, bed_stop);
}
