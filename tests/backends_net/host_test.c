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
#include "tests/backends_net/vif.h"

#define MIB (1024ul * 1024)

enum {
	FRAMES = 24000,
};

static struct testbed bed;
static unsigned int next_device;

/* A device, its frontend, the guest's network: all that most tests need. */
struct guest {
	struct netfront front;
	unsigned int devid;
	int taps[MAX_QUEUES];
};

static void guest_start(struct guest *g, const struct netfront_options *opt)
{
	g->devid = next_device++;
	make_device(&bed, "vif", g->devid, vif_plain);
	guest_tap_make(opt->queues, !opt->no_csum, g->taps);
	netfront_start(&g->front, &bed, g->devid, opt, g->taps);
}

static void guest_stop(struct guest *g)
{
	netfront_stop(&g->front);
	vif_remove(&bed, g->devid);
	tap_wait(g->devid, false);
	guest_tap_remove(g->front.opt.queues, g->taps);
}

/* ---- honest guests ---------------------------------------------------------------- */

static void set_up(void **state)
{
	const struct netfront_options opt = {.queues = 1};
	struct guest g;
	char *status;

	(void)state;
	guest_start(&g, &opt);
	status = get(&bed, back("vif", g.devid, "hotplug-status"));
	assert_string_equal(status, "connected");
	free(status);
	status = strdup(
		run_in(CONTROL, "ip -o link show %s", tap_name(g.devid)));
	assert_non_null(strstr(status, "master br0"));
	assert_non_null(strstr(status, "LOWER_UP"));
	assert_non_null(strstr(status, "fe:16:3e:01:02:03"));
	assert_non_null(strstr(status, "mtu 1500"));
	assert_non_null(strstr(status, "altname parapet-vif-7-0"));
	free(status);
	exchange(NET_V4, 60);
	guest_stop(&g);
}

static void all_ways(const struct netfront_options *opt)
{
	struct guest g;

	guest_start(&g, opt);
	transfer(NET_V4, GUEST, 8 * MIB);
	transfer(NET_V4, CONTROL, 8 * MIB);
	transfer(NET_V6, GUEST, 8 * MIB);
	transfer(NET_V6, CONTROL, 8 * MIB);
	exchange(NET_V4, 60);
	exchange(NET_V6, 60);
	guest_stop(&g);
	print_message("# sent %u (%u large, %u open), received %u (%u, %u)\n",
		      g.front.sent, g.front.large_sent, g.front.open_sent,
		      g.front.received, g.front.large_received,
		      g.front.open_received);
	if (opt->no_csum)
		return;
	assert_true(g.front.open_sent && g.front.open_received);
	if (!opt->no_gso && !opt->no_sg)
		assert_true(g.front.large_sent && g.front.large_received);
}

static void offloads(void **state)
{
	(void)state;
	all_ways(&(struct netfront_options){.queues = 1});
}

static void many_queues(void **state)
{
	(void)state;
	all_ways(&(struct netfront_options){.queues = 4});
}

static void one_port(void **state)
{
	(void)state;
	all_ways(&(struct netfront_options){.queues = 2, .one_port = true});
}

static void no_offloads(void **state)
{
	(void)state;
	all_ways(&(struct netfront_options){
		.queues = 1, .no_sg = true, .no_csum = true, .no_gso = true});
}

/* ---- restarts ------------------------------------------------------------------------- */

static void wait_progress(const struct netfront *f)
{
	unsigned int sent = __atomic_load_n(&f->sent, __ATOMIC_RELAXED);
	unsigned int received = __atomic_load_n(&f->received, __ATOMIC_RELAXED);
	double until = now() + PATIENCE;

	while (__atomic_load_n(&f->sent, __ATOMIC_RELAXED) - sent < 300 ||
	       __atomic_load_n(&f->received, __ATOMIC_RELAXED) - received <
		       300) {
		if (now() > until)
			die("no packets: sent=%u received=%u", f->sent,
			    f->received);
		nap();
	}
}

static void restarts(void **state)
{
	const struct netfront_options opt = {.queues = 2};
	struct traffic out, in;
	struct guest g;

	(void)state;
	guest_start(&g, &opt);
	traffic_start(&out, NET_V4, GUEST, 0);
	traffic_start(&in, NET_V6, CONTROL, 0);
	for (int i = 0; i < 6; i++) {
		wait_progress(&g.front);
		kill_worker(&bed, "vif", g.devid);
	}
	wait_progress(&g.front);
	traffic_end(&out);
	traffic_end(&in);
	assert_true(is(&bed, back("vif", g.devid, "state"), "4"));
	guest_stop(&g);
}

static void orphan(void **state)
{
	unsigned int devid = next_device++;
	pid_t pid;

	(void)state;
	make_device(&bed, "vif", devid, vif_plain);
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
	const char *const dirs[] = {"inbound", "outbound"};
	struct guest g;
	double took;

	(void)state;
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

/* ---- hostile and unlucky ones ------------------------------------------------------------- */

static void lies_end_in(void (*lie)(struct netfront *f), const char *message)
{
	const struct netfront_options opt = {.queues = 1, .no_thread = true};
	struct netfront f;
	unsigned int devid = next_device++;
	char path[128];
	char *error;

	make_device(&bed, "vif", devid, vif_plain);
	netfront_start(&f, &bed, devid, &opt, NULL);
	lie(&f);
	send_event(&f.queue[0].tx_port);
	wait_for(&bed, back("vif", devid, "state"), "5");
	snprintf(path, sizeof(path),
		 "/local/domain/0/error/backend/vif/%u/%u/error",
		 (unsigned int)DOMID, devid);
	error = get(&bed, path);
	assert_non_null(error);
	if (!strstr(error, message))
		die("\"%s\" is not \"%s\"", error, message);
	free(error);
	netfront_stop(&f);
	/* It may begin again. */
	put(&bed, front("vif", devid, "state"), "6");
	wait_for(&bed, back("vif", devid, "state"), "6");
	put(&bed, front("vif", devid, "state"), "1");
	netfront_start(&f, &bed, devid, &opt, NULL);
	netfront_stop(&f);
	vif_remove(&bed, devid);
	tap_wait(devid, false);
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
	unsigned int devid = next_device++;
	char *error;

	make_device(&bed, "vif", devid, device);
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
		cmocka_unit_test(set_up),      cmocka_unit_test(offloads),
		cmocka_unit_test(many_queues), cmocka_unit_test(one_port),
		cmocka_unit_test(no_offloads), cmocka_unit_test(restarts),
		cmocka_unit_test(orphan),      cmocka_unit_test(rate),
		cmocka_unit_test(lies),        cmocka_unit_test(mistakes),
	};

	if (!spaces_make()) {
		printf("1..1\nok 1 - netback # SKIP needs root and TAPs\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
