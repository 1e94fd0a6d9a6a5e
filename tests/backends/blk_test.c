/* SPDX-License-Identifier: MIT */
/*
 * The block backend against a frontend in this program: real processes, a real
 * store, memory and events of tests/backends/domain.c.
 *
 * The load is random, with a seed that is printed: reads, writes, flushes and
 * discards of all kinds, never two at once on the same sectors, so that it is
 * known what every sector holds.  Each read is compared, and in the end the
 * file is.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/backends/blk_front.h"
#include "tools/xs/xs.h"

static struct disk disk;

/* ---- tests ---------------------------------------------------------------------------------- */

static void all_kinds(struct disk *d, unsigned int queues, unsigned int order,
		      bool persistent)
{
	start_disk(d, queues, order, persistent, NULL);
	d->seed = 1 + queues;
	print_message("seed %" PRIu64 "\n", d->seed);
	load(d, 3000);
	finish(d);
	sectors_compare(&d->on);
	close_disk(d);
	stop_disk(d);
}

static void one_ring_copies(void **state)
{
	(void)state;
	all_kinds(&disk, 1, 0, false);
}

static void four_queues_persistent(void **state)
{
	(void)state;
	all_kinds(&disk, 4, 2, true);
}

/* Every 300 answers the process is killed while requests are under way. */
static void killed(struct disk *d, unsigned int queues, bool persistent)
{
	start_disk(d, queues, 1, persistent, NULL);
	d->seed = 77 + queues;
	print_message("seed %" PRIu64 "\n", d->seed);
	for (int i = 0; i < 12; i++) {
		load(d, 300);
		kill_worker(&d->t, "vbd", DEVID);
	}
	load(d, 300);
	finish(d);
	sectors_compare(&d->on);
	close_disk(d);
	stop_disk(d);
}

static void killed_persistent(void **state)
{
	(void)state;
	killed(&disk, 2, true);
}

static void killed_copies(void **state)
{
	(void)state;
	killed(&disk, 1, false);
}

/* The process that starts the others, and the store, go and come. */
static void others_killed(void **state)
{
	struct disk *d = &disk;
	pid_t worker;

	(void)state;
	start_disk(d, 1, 0, true, NULL);
	d->seed = 5;
	load(d, 300);
	worker = worker_of(&d->t, "vbd", DEVID);
	stop_process(&d->t.backend, SIGKILL);
	load(d, 300);
	start_backend(&d->t, "parapet-blkback");
	load(d, 300);
	assert_int_equal(worker_of(&d->t, "vbd", DEVID), worker);
	kill_worker(&d->t, "vbd", DEVID); /* the new one looks after it */
	load(d, 300);
	stop_process(&d->t.store, SIGKILL);
	load(d, 300);
	start_store(&d->t);
	load(d, 300);
	finish(d);
	sectors_compare(&d->on);
	close_disk(d); /* so it is connected to the new store */
	stop_disk(d);
}

/* ---- a qcow2 file, behind qemu-nbd ------------------------------------------------------ */

static pid_t start_server(const struct disk *d, const char *file)
{
	char socket[256];
	pid_t pid = fork();

	snprintf(socket, sizeof(socket), "%s/nbd", d->t.dir);
	if (!pid) {
		execlp("qemu-nbd", "qemu-nbd", "-t", "-f", "qcow2", "-k",
		       socket, "--discard=unmap", file, NULL);
		_exit(127);
	}
	for (double until = now() + PATIENCE; access(socket, F_OK);)
		if (now() > until)
			die("qemu-nbd does not start");
	return pid;
}

static void run(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command))
		die("%s", command);
}

/* The server is killed and started again, and so is our process. */
static void nbd(void **state)
{
	struct disk *d = &disk;
	char uri[300], file[256], socket[256];
	const char *args[] = {"type", "nbd", "params", uri, "mode", "w", NULL};
	pid_t server;

	(void)state;
	memset(d, 0, sizeof(*d));
	testbed_start(&d->t, 4096);
	snprintf(file, sizeof(file), "%.200s/disk.qcow2", d->t.dir);
	snprintf(socket, sizeof(socket), "%.200s/nbd", d->t.dir);
	snprintf(uri, sizeof(uri), "nbd+unix:///?socket=%s", socket);
	snprintf(d->on.path, sizeof(d->on.path), "%.200s/disk.img", d->t.dir);
	run("qemu-img create -q -f qcow2 %s %d", file, SECTORS * 512);
	server = start_server(d, file);
	prepare_disk(d, 2, 0, true);
	make_device(&d->t, "vbd", DEVID, args);
	connect_front(d);
	d->seed = 9;
	d->discarded = ANYTHING; /* as NBD has it */
	load(d, 300);
	kill_worker(&d->t, "vbd", DEVID);
	load(d, 300);
	stop_process(&server, SIGTERM);
	unlink(socket);
	server = start_server(d, file);
	load(d, 300);
	finish(d);
	close_disk(d);
	stop_process(&server, SIGTERM);
	run("qemu-img convert -O raw %s %s", file, d->on.path);
	sectors_compare(&d->on);
	stop_disk(d);
}

static void grows(void **state)
{
	struct disk *d = &disk;

	(void)state;
	start_disk(d, 1, 0, true, NULL);
	assert_true(is(&d->t, back("vbd", DEVID, "sectors"), "16384"));
	assert_int_equal(truncate(d->on.path, 2 * SECTORS * 512), 0);
	put(&d->t, back("vbd", DEVID, "resize"), "1");
	wait_for(&d->t, back("vbd", DEVID, "sectors"), "32768");
	load(d, 200);
	finish(d);
	stop_disk(d);
}

static int status_of(struct disk *d, unsigned int operation, uint64_t sector)
{
	struct front_ring *r = &d->ring[0];
	union pv_blkif_slot *slot = front_request(r);
	const struct pv_blkif_response *rsp;

	memset(slot, 0, sizeof(*slot));
	slot->req.operation = (uint8_t)operation;
	slot->req.id = 0xabcdef0123456789;
	slot->req.sector_number = sector;
	if (operation != BLKIF_OP_FLUSH_DISKCACHE) {
		slot->req.nr_segments = 1;
		slot->req.seg[0].gref = d->rq[0].first_frame;
		slot->req.seg[0].last_sect = 7;
	}
	front_push(r);
	rsp = front_wait(r);
	assert_int_equal(rsp->id, 0xabcdef0123456789);
	assert_int_equal(rsp->operation, operation);
	return rsp->status;
}

enum {
	RUN = 8, /* requests of as many frames, one behind the other */
};

/* All with one event, whose answers come in any order: status by number. */
static void move_run(struct disk *d, unsigned int operation, int *status)
{
	struct front_ring *r = &d->ring[0];

	for (unsigned int i = 0; i < RUN; i++) {
		union pv_blkif_slot *slot = front_request(r);

		memset(slot, 0, sizeof(*slot));
		slot->req.operation = (uint8_t)operation;
		slot->req.id = i;
		slot->req.sector_number = 8 * RUN * i;
		slot->req.nr_segments = RUN;
		for (unsigned int k = 0; k < RUN; k++) {
			slot->req.seg[k].gref = d->rq[i].first_frame + k;
			slot->req.seg[k].last_sect = 7;
		}
	}
	front_push(r);
	for (unsigned int i = 0; i < RUN; i++) {
		const struct pv_blkif_response *rsp = front_wait(r);

		assert_in_range(rsp->id, 0, RUN - 1);
		status[rsp->id] = rsp->status;
	}
}

/* Neighbours are done as one; each has its own answer. */
static void neighbours(void **state)
{
	struct disk *d = &disk;
	int status[RUN];

	(void)state;
	start_disk(d, 1, 0, true, NULL);
	for (int i = 0; i < RUN; i++)
		memset(frame(&d->t, d->rq[i].first_frame), 'a' + i,
		       RUN * FRAME);
	move_run(d, BLKIF_OP_WRITE, status);
	for (int i = 0; i < RUN; i++) {
		assert_int_equal(status[i], BLKIF_RSP_OKAY);
		memset(frame(&d->t, d->rq[i].first_frame), 0, RUN * FRAME);
	}
	/* The disk ends within the sixth, and has not said so. */
	assert_int_equal(truncate(d->on.path, (5 * RUN + 1) * FRAME), 0);
	move_run(d, BLKIF_OP_READ, status);
	for (int i = 0; i < RUN; i++) {
		const char *data = frame(&d->t, d->rq[i].first_frame);

		assert_int_equal(status[i],
				 i < 5 ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR);
		for (int k = 0; i < 5 && k < RUN * FRAME; k++)
			assert_int_equal(data[k], 'a' + i);
	}
	stop_disk(d);
}

static void refuses(void **state)
{
	static const char *const more[] = {"mode", "r", NULL};
	struct disk *d = &disk;

	(void)state;
	start_disk(d, 1, 0, false, more);
	assert_true(is(&d->t, back("vbd", DEVID, "info"), "4"));
	assert_int_equal(status_of(d, BLKIF_OP_READ, 0), BLKIF_RSP_OKAY);
	assert_int_equal(status_of(d, BLKIF_OP_READ, SECTORS - 8),
			 BLKIF_RSP_OKAY);
	assert_int_equal(status_of(d, BLKIF_OP_READ, SECTORS - 7),
			 BLKIF_RSP_ERROR);
	assert_int_equal(status_of(d, BLKIF_OP_READ, ~0ull), BLKIF_RSP_ERROR);
	assert_int_equal(status_of(d, BLKIF_OP_WRITE, 0), BLKIF_RSP_ERROR);
	assert_int_equal(status_of(d, BLKIF_OP_DISCARD, 0),
			 BLKIF_RSP_EOPNOTSUPP);
	assert_int_equal(status_of(d, 4, 0), BLKIF_RSP_EOPNOTSUPP);
	assert_int_equal(status_of(d, 200, 0), BLKIF_RSP_EOPNOTSUPP);
	stop_disk(d);
}

static void lie_index(struct disk *d)
{
	d->ring[0].shared->req_prod = d->ring[0].req_prod + 33;
}

static void lie_segments(struct disk *d)
{
	union pv_blkif_slot *slot = front_request(&d->ring[0]);

	memset(slot, 0, sizeof(*slot));
	slot->req.nr_segments = 12;
	front_push(&d->ring[0]);
}

static void lie_sectors(struct disk *d)
{
	union pv_blkif_slot *slot = front_request(&d->ring[0]);

	memset(slot, 0, sizeof(*slot));
	slot->req.nr_segments = 1;
	slot->req.seg[0].gref = d->rq[0].first_frame;
	slot->req.seg[0].first_sect = 3;
	slot->req.seg[0].last_sect = 2;
	front_push(&d->ring[0]);
}

static void lie_grant(struct disk *d)
{
	union pv_blkif_slot *slot = front_request(&d->ring[0]);

	memset(slot, 0, sizeof(*slot));
	slot->req.nr_segments = 1;
	slot->req.seg[0].gref = 0x7fffffff;
	front_push(&d->ring[0]);
}

/* A frontend that lies loses its device, and gets it back when it starts over. */
static void closes_on_lies(void **state)
{
	static void (*const lie[])(struct disk *) = {lie_index, lie_segments,
						     lie_sectors, lie_grant};
	static const char error[] =
		"/local/domain/0/error/backend/vbd/7/51712/error";
	struct disk *d = &disk;

	(void)state;
	start_disk(d, 1, 0, true, NULL);
	for (size_t i = 0; i < sizeof(lie) / sizeof(lie[0]); i++) {
		char *why;

		load(d, 50);
		finish(d);
		lie[i](d);
		send_event(&d->ring[0].port);
		wait_for(&d->t, back("vbd", DEVID, "state"), "5");
		why = get(&d->t, error);
		assert_non_null(why);
		assert_true(strlen(why) > 0);
		print_message("%s\n", why);
		free(why);
		put(&d->t, front("vbd", DEVID, "state"), "6");
		wait_for(&d->t, back("vbd", DEVID, "state"), "6");
		put(&d->t, front("vbd", DEVID, "state"), "1");
		connect_front(d);
	}
	load(d, 50);
	finish(d);
	stop_disk(d);
}

/* Slots of all kinds of wrong, and some that are nearly right. */
static void scribble(struct disk *d, union pv_blkif_slot *slot)
{
	uint64_t r = next_random(&d->seed);
	unsigned char *bytes = (unsigned char *)slot;

	for (size_t i = 0; i < sizeof(*slot); i++)
		bytes[i] = (unsigned char)next_random(&d->seed);
	slot->req.operation = r % 8;
	if (r & 0x100)
		slot->req.nr_segments = (uint8_t)(r >> 16) % 13;
	if (r & 0x200)
		slot->req.sector_number = (r >> 20) % (2 * SECTORS);
	for (int i = 0; r & 0x400 && i < 11; i++) {
		slot->req.seg[i].gref = d->rq[i].first_frame;
		slot->req.seg[i].first_sect %= 4;
		slot->req.seg[i].last_sect = 4 + slot->req.seg[i].last_sect % 4;
	}
	if (slot->req.operation == BLKIF_OP_INDIRECT && r & 0x800) {
		slot->indirect.indirect_op = r >> 30 & 1;
		slot->indirect.nr_segments = (uint16_t)(1 + (r >> 32) % 300);
		slot->indirect.indirect_grefs[0] = d->rq[0].first_frame;
		slot->indirect.sector_number = 0;
	}
}

static bool closed(struct disk *d)
{
	return is(&d->t, back("vbd", DEVID, "state"), "5");
}

/*
 * A frontend that writes anything into its rings while they are in use, and
 * into the pages of segments.  The process neither ends nor writes outside the
 * disk; it closes the device, or goes on.
 */
static void hostile(void **state)
{
	enum {
		ROUNDS = 150,
		STEPS = 40
	};
	struct disk *d = &disk;
	unsigned int lies = 0;
	pid_t worker;

	(void)state;
	start_disk(d, 2, 1, true, NULL);
	d->seed = 31;
	print_message("seed %" PRIu64 "\n", d->seed);
	worker = worker_of(&d->t, "vbd", DEVID);
	for (int round = 0; round < ROUNDS; round++) {
		struct front_ring *r = &d->ring[round & 1];

		for (int step = 0; step < STEPS; step++) {
			uint32_t n = (uint32_t)next_random(&d->seed);

			scribble(d, (void *)(r->slots +
					     n % r->nr_slots * r->slot_size));
			r->shared->req_prod += n >> 16 & 3;
			if (n >> 24 == 0)
				r->shared->rsp_prod = n;
			if (n >> 24 == 1)
				r->shared->req_prod = n;
			memset(frame(&d->t, d->rq[0].first_frame),
			       (int)(n >> 8), n % FRAME);
			send_event(&r->port);
		}
		if (!closed(d))
			continue;
		lies++;
		put(&d->t, front("vbd", DEVID, "state"), "6");
		wait_for(&d->t, back("vbd", DEVID, "state"), "6");
		put(&d->t, front("vbd", DEVID, "state"), "1");
		d->t.next_frame = d->ring_frame - 2; /* rings used before */
		connect_front(d);
	}
	assert_int_equal(worker_of(&d->t, "vbd", DEVID), worker);
	print_message("%u of %d rounds ended with a closed device\n", lies,
		      ROUNDS);
	assert_true(lies > ROUNDS / 20);
	put(&d->t, back("vbd", DEVID, "online"), "0");
	put(&d->t, front("vbd", DEVID, "state"), "6");
	wait_for(&d->t, back("vbd", DEVID, "state"), "6");
	stop_disk(d);
}

/* 64 requests of 4 KiB at 256 KiB/s and a burst of a tenth: at least 0.8 s. */
static void limits(void **state)
{
	static const char *const more[] = {"iotune/total_bytes_sec", "262144",
					   NULL};
	struct disk *d = &disk;
	double before, took;

	(void)state;
	before = now(); /* no clock of the backend's is behind that */
	start_disk(d, 1, 0, true, more);
	for (int i = 0; i < 64; i++)
		assert_int_equal(status_of(d, BLKIF_OP_READ, 0),
				 BLKIF_RSP_OKAY);
	took = now() - before;
	print_message("%.2f s\n", took);
	assert_true(took > 0.8);
	stop_disk(d);
}

static void says_what_is_wrong(void **state)
{
	static const char *const args[] = {
		"type", "file", "params", "/nonexistent/x.img",
		"mode", "w",    NULL};
	struct testbed *t = &disk.t;
	char *why;

	(void)state;
	testbed_start(t, 64);
	start_backend(t, "parapet-blkback");
	make_device(t, "vbd", DEVID, args);
	wait_for(t, back("vbd", DEVID, "hotplug-status"), "error");
	why = get(t, back("vbd", DEVID, "hotplug-error"));
	assert_string_equal(why,
			    "/nonexistent/x.img: No such file or directory");
	free(why);
	testbed_stop(t);
}

static void ends_with_its_nodes(void **state)
{
	struct disk *d = &disk;
	char path[256];
	double until;

	(void)state;
	start_disk(d, 1, 0, true, NULL);
	snprintf(path, sizeof(path), "/parapet/backend/vbd/%u", DOMID);
	assert_true(xs_rm(d->t.xs, XBT_NULL, path));
	/* Its lock and its journal go with it. */
	for (until = now() + PATIENCE; worker_of(&d->t, "vbd", DEVID);)
		if (now() > until)
			die("the process does not end");
	stop_disk(d);
}

/* A disk was taken away by force from a process that was stuck, and another one
 * has its place when that goes on: it must not be served by the old one. */
static void another_has_its_place(void **state)
{
	struct testbed *t = &disk.t;
	char file[256], path[256];
	const char *args[] = {"type", "file",     "params", file, "mode",
			      "w",    "instance", "1",      NULL};
	pid_t worker;

	(void)state;
	testbed_start(t, 64);
	start_backend(t, "parapet-blkback");
	snprintf(file, sizeof(file), "%.200s/1.img", t->dir);
	run("truncate -s 1M %.200s/1.img %.200s/2.img", t->dir, t->dir);
	make_device(t, "vbd", DEVID, args);
	wait_for(t, back("vbd", DEVID, "hotplug-status"), "connected");
	wait_for(t, back("vbd", DEVID, "state"), "2");
	worker = worker_of(t, "vbd", DEVID);
	assert_true(worker > 0 && !kill(worker, SIGSTOP));
	snprintf(path, sizeof(path), "/parapet/backend/vbd/%u", DOMID);
	assert_true(xs_rm(t->xs, XBT_NULL, path));
	snprintf(path, sizeof(path), "/local/domain/%u/device", DOMID);
	assert_true(xs_rm(t->xs, XBT_NULL, path));
	snprintf(file, sizeof(file), "%.200s/2.img", t->dir);
	args[7] = "2";
	make_device(t, "vbd", DEVID, args);
	assert_int_equal(kill(worker, SIGCONT), 0);
	wait_for(t, back("vbd", DEVID, "hotplug-status"), "connected");
	wait_for(t, back("vbd", DEVID, "state"), "2");
	assert_int_not_equal(worker_of(t, "vbd", DEVID), worker);
	testbed_stop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_ring_copies),
		cmocka_unit_test(four_queues_persistent),
		cmocka_unit_test(killed_persistent),
		cmocka_unit_test(killed_copies),
		cmocka_unit_test(others_killed),
		cmocka_unit_test(nbd),
		cmocka_unit_test(grows),
		cmocka_unit_test(refuses),
		cmocka_unit_test(neighbours),
		cmocka_unit_test(closes_on_lies),
		cmocka_unit_test(hostile),
		cmocka_unit_test(limits),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(ends_with_its_nodes),
		cmocka_unit_test(another_has_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
