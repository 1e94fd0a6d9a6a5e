/* SPDX-License-Identifier: MIT */
/*
 * The network backend as a process, with a real TAP on a real bridge: a
 * frontend in this program, traffic through both, and what can go wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/backends_net/net_space.h"
#include "tests/backends_net/netfront.h"

/* A device, its frontend, the guest's network: all that most tests need. */
struct stock_guest {
	struct guest base;
	struct netfront front;
};

static void guest_start(struct stock_guest *s,
			const struct netfront_options *opt)
{
	guest_new(&s->base, opt->queues, !opt->no_csum);
	netfront_start(&s->front, &bed, s->base.devid, opt, s->base.taps);
}

static void guest_stop(struct stock_guest *s)
{
	netfront_stop(&s->front);
	guest_remove(&s->base);
}

/* ---- honest guests ---------------------------------------------------------------- */

static void set_up(void **state)
{
	const struct netfront_options opt = {.queues = 1};
	struct stock_guest g;
	char *status;

	(void)state;
	guest_start(&g, &opt);
	status = get(&bed, back("vif", g.base.devid, "hotplug-status"));
	assert_string_equal(status, "connected");
	free(status);
	status = strdup(
		run_in(CONTROL, "ip -o link show %s", tap_name(g.base.devid)));
	assert_non_null(strstr(status, "master br0"));
	assert_non_null(strstr(status, "LOWER_UP"));
	assert_non_null(strstr(status, "fe:16:3e:01:02:03"));
	assert_non_null(strstr(status, "mtu 1500"));
	assert_non_null(strstr(status, "altname parapet-vif-7-0"));
	free(status);
	exchange(NET_V4, 60);
	guest_stop(&g);
}

static void all_ways_with(const struct netfront_options *opt)
{
	struct stock_guest g;

	guest_start(&g, opt);
	all_ways();
	guest_stop(&g);
	says_forwarded(&g.front.forwarder, !opt->no_csum,
		       !opt->no_csum && !opt->no_gso && !opt->no_sg);
}

static void offloads(void **state)
{
	(void)state;
	all_ways_with(&(struct netfront_options){.queues = 1});
}

static void many_queues(void **state)
{
	(void)state;
	all_ways_with(&(struct netfront_options){.queues = 4});
}

static void one_port(void **state)
{
	(void)state;
	all_ways_with(
		&(struct netfront_options){.queues = 2, .one_port = true});
}

static void no_offloads(void **state)
{
	(void)state;
	all_ways_with(&(struct netfront_options){
		.queues = 1, .no_sg = true, .no_csum = true, .no_gso = true});
}

/* ---- restarts ------------------------------------------------------------------------- */

static void restarts(void **state)
{
	const struct netfront_options opt = {.queues = 2};
	struct stock_guest g;

	(void)state;
	guest_start(&g, &opt);
	goes_on(&g.base, &g.front.forwarder, NULL);
	guest_stop(&g);
}

static void orphan(void **state)
{
	unsigned int devid = device_new(vif_plain);
	pid_t pid;

	(void)state;
	wait_for(&bed, back("vif", devid, "state"), "2");
	assert_true(tap_there(devid));
	/* The device goes while its process cannot notice. */
	pid = worker_of(&bed, "vif", devid);
	kill(pid, SIGSTOP);
	vif_remove_nodes(&bed, devid);
	kill(pid, SIGKILL);
	tap_wait(devid, false);
}

/* ---- limits ------------------------------------------------------------------------------ */

static void rate(void **state)
{
	const struct netfront_options opt = {.queues = 1};
	struct stock_guest g;

	(void)state;
	guest_start(&g, &opt);
	rates_hold(g.base.devid);
	guest_stop(&g);
}

/* ---- hostile and unlucky ones ------------------------------------------------------------- */

static void lies_end_in(void (*lie)(struct netfront *f), const char *message)
{
	const struct netfront_options opt = {.queues = 1, .no_thread = true};
	unsigned int devid = device_new(vif_plain);
	struct netfront f;

	netfront_start(&f, &bed, devid, &opt, NULL);
	lie(&f);
	send_event(&f.queue[0].tx_port);
	ends_for(devid, message);
	netfront_stop(&f);
	begins_again(devid);
	netfront_start(&f, &bed, devid, &opt, NULL);
	netfront_stop(&f);
	device_remove(devid);
}

static void bad_index(struct netfront *f)
{
	f->queue[0].tx.shared->req_prod += 1000;
}

static void bad_rx_index(struct netfront *f)
{
	double until = now() + PATIENCE;

	f->queue[0].rx.shared->req_prod += 1000;
	/* The backend looks when it has something to deliver. */
	while (now() < until &&
	       !is(&bed, back("vif", f->devid, "state"), "5")) {
		shout();
		nap();
	}
}

static void bad_grant(struct netfront *f)
{
	unsigned char packet[64] = {0};

	netfront_send(&f->queue[0], f, packet, sizeof(packet), 0);
	((struct pv_netif_tx_request *)f->queue[0].tx.slots)->gref = 1u << 30;
	front_push(&f->queue[0].tx);
}

static void endless(struct netfront *f)
{
	unsigned char packet[64] = {0};

	netfront_send(&f->queue[0], f, packet, sizeof(packet),
		      XEN_NETTXF_more_data);
	front_push(&f->queue[0].tx);
}

static void across(struct netfront *f)
{
	unsigned char packet[64] = {0};

	netfront_send(&f->queue[0], f, packet, sizeof(packet), 0);
	((struct pv_netif_tx_request *)f->queue[0].tx.slots)->offset = 4090;
	front_push(&f->queue[0].tx);
}

static void lies(void **state)
{
	(void)state;
	lies_end_in(bad_index, "transmit ring's request index is impossible");
	lies_end_in(bad_rx_index, "receive ring's request index is impossible");
	lies_end_in(bad_grant, "grant 1073741824: ");
	lies_end_in(endless, "a packet ends before its last slot");
	lies_end_in(across, "a piece of a packet crosses a page");
}

static void refused(const char *key, const char *value, const char *message)
{
	const char *device[] = {
		"mac",    "00:16:3e:01:02:03",
		"type",   "bridge",
		"bridge", "br0",
		key,      value,
		NULL,
	};
	unsigned int devid = device_new(device);
	char *error;

	wait_for(&bed, back("vif", devid, "hotplug-status"), "error");
	error = get(&bed, back("vif", devid, "hotplug-error"));
	assert_string_equal(error, message);
	free(error);
	vif_remove_nodes(&bed, devid);
	assert_false(tap_there(devid));
}

static void mistakes(void **state)
{
	(void)state;
	refused("bridge", "br7", "bridge br7: no such bridge");
	refused("bridge", "lo", "bridge lo: is not a bridge");
	refused("vifname", "br0", "interface br0: File exists");
	refused("vifname", "a-name-that-is-too-long",
		"interface name \"a-name-that-is-too-long\": too long");
	refused("mac", "00:16:3e:01:02",
		"mac \"00:16:3e:01:02\": not a MAC address");
	refused("mtu", "9x", "mtu: \"9x\" is not a number up to 65535");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_up),      cmocka_unit_test(offloads),
		cmocka_unit_test(many_queues), cmocka_unit_test(one_port),
		cmocka_unit_test(no_offloads), cmocka_unit_test(restarts),
		cmocka_unit_test(orphan),      cmocka_unit_test(rate),
		cmocka_unit_test(lies),        cmocka_unit_test(mistakes),
	};

	if (!bed_is_possible())
		return 0;
	return cmocka_run_group_tests(tests, bed_start, bed_stop);
}
