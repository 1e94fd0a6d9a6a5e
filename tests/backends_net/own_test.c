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

#include "tests/backends_net/net_space.h"
#include "tests/backends_net/netfront.h"
#include "tests/backends_net/ownfront.h"
#include "tests/backends_net/vif.h"

#define MIB (1024ul * 1024)

enum {
	FRAMES = 24000,
	ALL = PV_NET_TAKES_CSUM | PV_NET_TAKES_TSO4 | PV_NET_TAKES_TSO6,
};

static struct testbed bed;
static unsigned int next_device;

static const struct ownfront_options plain = {
	.queues = 1,
	.pages = 128,
	.takes = ALL,
};

/* A device, its frontend, the guest's network: all that most tests need. */
struct guest {
	struct ownfront front;
	unsigned int devid;
	int taps[OWN_QUEUES];
};

static void guest_start(struct guest *g, const struct ownfront_options *opt)
{
	g->devid = next_device++;
	make_device(&bed, "vif", g->devid, vif_plain);
	guest_tap_make(opt->queues, opt->takes, g->taps);
	ownfront_start(&g->front, &bed, g->devid, opt, g->taps);
}

static void guest_stop(struct guest *g)
{
	ownfront_stop(&g->front);
	vif_remove(&bed, g->devid);
	tap_wait(g->devid, false);
	guest_tap_remove(g->front.opt.queues, g->taps);
}

/* ---- honest guests ---------------------------------------------------------------- */

static void all_ways(struct ownfront_options opt)
{
	const struct ownfront *f;
	struct guest g;

	guest_start(&g, &opt);
	transfer(NET_V4, GUEST, 8 * MIB);
	transfer(NET_V4, CONTROL, 8 * MIB);
	transfer(NET_V6, GUEST, 8 * MIB);
	transfer(NET_V6, CONTROL, 8 * MIB);
	exchange(NET_V4, 60);
	exchange(NET_V6, 60);
	guest_stop(&g);
	f = &g.front;
	print_message("# sent %u (%u large, %u open), received %u (%u, %u)\n",
		      f->sent, f->large_sent, f->open_sent, f->received,
		      f->large_received, f->open_received);
	if (!opt.takes)
		return;
	assert_true(f->open_sent && f->open_received);
	assert_true(f->large_sent && f->large_received);
}

static void offloads(void **state)
{
	(void)state;
	all_ways(plain);
}

static void many_queues(void **state)
{
	struct ownfront_options opt = plain;

	(void)state;
	opt.queues = 4;
	all_ways(opt);
}

static void small_areas(void **state)
{
	struct ownfront_options opt = plain;

	(void)state;
	opt.pages = PV_NET_AREA_MIN;
	all_ways(opt);
}

static void no_offloads(void **state)
{
	struct ownfront_options opt = plain;

	(void)state;
	opt.takes = 0;
	all_ways(opt);
}

/* ---- restarts ------------------------------------------------------------------------- */

static unsigned int seen(const unsigned int *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

static void wait_progress(const struct ownfront *f)
{
	unsigned int sent = seen(&f->sent), received = seen(&f->received);
	double until = now() + PATIENCE;

	while (seen(&f->sent) - sent < 300 ||
	       seen(&f->received) - received < 300) {
		if (now() > until)
			die("no packets: sent=%u received=%u", f->sent,
			    f->received);
		nap();
	}
}

static void start_over(unsigned int devid)
{
	put(&bed, back("vif", devid, "state"), "1");
	wait_for(&bed, back("vif", devid, "state"), "4");
}

static void restarts(void **state)
{
	struct ownfront_options opt = plain;
	struct traffic out, in;
	struct guest g;

	(void)state;
	opt.queues = 2;
	guest_start(&g, &opt);
	traffic_start(&out, NET_V4, GUEST, 0);
	traffic_start(&in, NET_V6, CONTROL, 0);
	for (int i = 0; i < 6; i++) {
		wait_progress(&g.front);
		if (i % 3 == 2)
			start_over(g.devid);
		else
			kill_worker(&bed, "vif", g.devid);
	}
	wait_progress(&g.front);
	traffic_end(&out);
	traffic_end(&in);
	assert_true(is(&bed, back("vif", g.devid, "state"), "4"));
	guest_stop(&g);
}

/* Who takes the device after us may be the stock driver. */
static void a_stock_frontend_comes_next(void **state)
{
	const struct netfront_options stock = {.queues = 1};
	struct netfront f;
	struct guest g;

	(void)state;
	guest_start(&g, &plain);
	exchange(NET_V4, 5);
	ownfront_stop(&g.front);
	put(&bed, front("vif", g.devid, "state"), "6");
	wait_for(&bed, back("vif", g.devid, "state"), "6");
	put(&bed, front("vif", g.devid, "state"), "1");
	netfront_start(&f, &bed, g.devid, &stock, g.taps);
	assert_null(get(&bed, front("vif", g.devid, "protocol-pv")));
	exchange(NET_V4, 5);
	netfront_stop(&f);
	vif_remove(&bed, g.devid);
	tap_wait(g.devid, false);
	guest_tap_remove(1, g.taps);
}

/* ---- limits ------------------------------------------------------------------------------ */

static void rate(void **state)
{
	const char *const dirs[] = {"inbound", "outbound"};
	struct ownfront_options opt = plain;
	struct guest g;
	double took;

	(void)state;
	opt.queues = 2;
	guest_start(&g, &opt);
	for (int i = 0; i < 2; i++) {
		char key[64];

		snprintf(key, sizeof(key), "bandwidth/%s/average", dirs[i]);
		put(&bed, back("vif", g.devid, key), "4096");
		/* The watch is seen before any packet of the next turn. */
		exchange(NET_V4, 5);
		took = now();
		transfer(NET_V4, i ? GUEST : CONTROL, 4 * MIB);
		took = now() - took;
		/* A tenth of a second's worth may come at once. */
		if (took < 0.7)
			die("%s: 4 MiB in %.2f s", dirs[i], took);
		put(&bed, back("vif", g.devid, key), "0");
	}
	guest_stop(&g);
}

/* ---- hostile ones ------------------------------------------------------------------------ */

static void ends_in(unsigned int devid, const char *message)
{
	char path[128];
	char *error;

	wait_for(&bed, back("vif", devid, "state"), "5");
	snprintf(path, sizeof(path),
		 "/local/domain/0/error/backend/vif/%u/%u/error",
		 (unsigned int)DOMID, devid);
	error = get(&bed, path);
	assert_non_null(error);
	if (!strstr(error, message))
		die("\"%s\" is not \"%s\"", error, message);
	free(error);
}

static void lies_end_in(void (*lie)(struct ownfront *f), const char *message)
{
	struct ownfront_options opt = plain;
	unsigned int devid = next_device++;
	struct ownfront f;

	opt.no_thread = true;
	make_device(&bed, "vif", devid, vif_plain);
	ownfront_start(&f, &bed, devid, &opt, NULL);
	lie(&f);
	send_event(&f.queue[0].port);
	ends_in(devid, message);
	ownfront_stop(&f);
	/* It may begin again. */
	put(&bed, front("vif", devid, "state"), "6");
	wait_for(&bed, back("vif", devid, "state"), "6");
	put(&bed, front("vif", devid, "state"), "1");
	ownfront_start(&f, &bed, devid, &opt, NULL);
	ownfront_stop(&f);
	vif_remove(&bed, devid);
	tap_wait(devid, false);
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
	unsigned int devid = next_device++;
	struct ownfront f;

	opt.no_thread = true;
	make_device(&bed, "vif", devid, vif_plain);
	wait_for(&bed, back("vif", devid, "state"), "2");
	ownfront_prepare(&f, &bed, devid, &opt);
	ownfront_put_keys(&f);
	lie(&f);
	put(&bed, front("vif", devid, "state"), "3");
	ends_in(devid, message);
	ownfront_stop(&f);
	vif_remove(&bed, devid);
	tap_wait(devid, false);
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

static int start_all(void **state)
{
	(void)state;
	testbed_start(&bed, FRAMES);
	start_backend(&bed, "parapet-netback");
	return 0;
}

static int stop_all(void **state)
{
	(void)state;
	testbed_stop(&bed);
	return 0;
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
	};

	if (!spaces_make()) {
		printf("1..1\nok 1 - netback # SKIP needs root and TAPs\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
