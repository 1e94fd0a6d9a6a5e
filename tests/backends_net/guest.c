/* SPDX-License-Identifier: MIT */
/* What tests of the network backend share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/backends_net/guest.h"
#include "tests/backends_net/net_space.h"

enum {
	FRAMES = 24000,
	PROGRESS = 300, /* packets */
};

struct testbed bed;

bool bed_is_possible(void)
{
	if (spaces_make())
		return true;
	printf("1..1\nok 1 - netback # SKIP needs root and TAPs\n");
	return false;
}

int bed_start(void **state)
{
	(void)state;
	testbed_start(&bed, FRAMES);
	start_backend(&bed, "parapet-netback");
	return 0;
}

int bed_stop(void **state)
{
	(void)state;
	testbed_stop(&bed);
	return 0;
}

/* ---- a frontend's thread ------------------------------------------------------------- */

void forwarder_start(struct forwarder *f, void *(*run)(void *), void *arg)
{
	if (pipe(f->stop) || pthread_create(&f->thread, NULL, run, arg))
		die("start a thread");
	f->runs = true;
}

void forwarder_stop(struct forwarder *f)
{
	if (!f->runs)
		return;
	if (write(f->stop[1], "", 1) != 1)
		die("stop a thread");
	pthread_join(f->thread, NULL);
	close(f->stop[0]);
	close(f->stop[1]);
	f->runs = false;
}

void forwarder_drain(int fd)
{
	char bytes[256];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static unsigned int seen(const unsigned int *count)
{
	return __atomic_load_n(count, __ATOMIC_RELAXED);
}

void wait_progress(const struct forwarder *f)
{
	unsigned int sent = seen(&f->sent), received = seen(&f->received);
	double until = now() + PATIENCE;

	while (seen(&f->sent) - sent < PROGRESS ||
	       seen(&f->received) - received < PROGRESS) {
		if (now() > until)
			die("no packets: sent=%u received=%u", f->sent,
			    f->received);
		nap();
	}
}

/* ---- devices ------------------------------------------------------------------------- */

unsigned int device_new(const char *const *keys)
{
	static unsigned int next;

	make_device(&bed, "vif", next, keys);
	return next++;
}

void device_remove(unsigned int devid)
{
	vif_remove(&bed, devid);
	tap_wait(devid, false);
}

void guest_new(struct guest *g, unsigned int queues, bool offloads)
{
	g->devid = device_new(vif_plain);
	g->queues = queues;
	guest_tap_make(queues, offloads, g->taps);
}

void guest_remove(struct guest *g)
{
	device_remove(g->devid);
	guest_tap_remove(g->queues, g->taps);
}

/* ---- what holds ---------------------------------------------------------------------- */

void all_ways(void)
{
	transfer(NET_V4, GUEST, 8 * MIB);
	transfer(NET_V4, CONTROL, 8 * MIB);
	transfer(NET_V6, GUEST, 8 * MIB);
	transfer(NET_V6, CONTROL, 8 * MIB);
	exchange(NET_V4, 60);
	exchange(NET_V6, 60);
}

void says_forwarded(const struct forwarder *f, bool open, bool large)
{
	print_message("# sent %u (%u large, %u open), received %u (%u, %u)\n",
		      f->sent, f->large_sent, f->open_sent, f->received,
		      f->large_received, f->open_received);
	if (open)
		assert_true(f->open_sent && f->open_received);
	if (large)
		assert_true(f->large_sent && f->large_received);
}

void goes_on(struct guest *g, const struct forwarder *f,
	     void (*sometimes)(unsigned int devid))
{
	struct traffic out, in;

	traffic_start(&out, NET_V4, GUEST, 0);
	traffic_start(&in, NET_V6, CONTROL, 0);
	for (int i = 0; i < 6; i++) {
		wait_progress(f);
		if (sometimes && i % 3 == 2)
			sometimes(g->devid);
		else
			kill_worker(&bed, "vif", g->devid);
	}
	wait_progress(f);
	traffic_end(&out);
	traffic_end(&in);
	assert_true(is(&bed, back("vif", g->devid, "state"), "4"));
}

void rates_hold(unsigned int devid)
{
	const char *const dirs[] = {"inbound", "outbound"};

	for (int i = 0; i < 2; i++) {
		char key[64];
		double took;

		snprintf(key, sizeof(key), "bandwidth/%s/average", dirs[i]);
		took = now(); /* the limit's clock may be a turn behind */
		put(&bed, back("vif", devid, key), "4096");
		/* The watch is seen before any packet of the next turn. */
		exchange(NET_V4, 5);
		transfer(NET_V4, i ? GUEST : CONTROL, 4 * MIB);
		took = now() - took;
		/* A tenth of a second's worth may come at once. */
		if (took < 0.7)
			die("%s: 4 MiB in %.2f s", dirs[i], took);
		put(&bed, back("vif", devid, key), "0");
	}
}

void ends_for(unsigned int devid, const char *reason)
{
	char path[128];
	char *error;

	wait_for(&bed, back("vif", devid, "state"), "5");
	snprintf(path, sizeof(path),
		 "/local/domain/0/error/backend/vif/%u/%u/error",
		 (unsigned int)DOMID, devid);
	error = get(&bed, path);
	assert_non_null(error);
	if (!strstr(error, reason))
		die("\"%s\" is not \"%s\"", error, reason);
	free(error);
}

void begins_again(unsigned int devid)
{
	put(&bed, front("vif", devid, "state"), "6");
	wait_for(&bed, back("vif", devid, "state"), "6");
	put(&bed, front("vif", devid, "state"), "1");
}
