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

#include <pv/io/blkif.h>

#include "tests/backends/domain.h"
#include "tools/xs/xs.h"

enum {
	DEVID = 51712,
	SECTORS = 16384, /* 8 MiB */
	DEPTH = 48, /* requests under way at most                      */
	MAX_FRAMES = 40, /* of one request                             */
	MAX_QUEUES = 4,
};

/* A version: it may hold anything. */
#define ANYTHING UINT32_MAX

struct request {
	bool busy;
	unsigned int queue, operation, nr_frames, indirect;
	uint64_t sector, nr_sectors;
	unsigned int first_frame; /* its data; one before: segments */
	unsigned int first_sect; /* in the first frame               */
};

struct disk {
	struct testbed t;
	char path[256];
	struct front_ring ring[MAX_QUEUES];
	unsigned int nr_queues, order, ring_frame;
	bool persistent;
	struct request rq[DEPTH];
	unsigned int under_way;
	uint32_t version[SECTORS]; /* what each holds; 0: zeros */
	bool locked[SECTORS];
	uint32_t discarded; /* the version that a discard leaves */
	uint64_t seed;
	unsigned int answered, refused;
};

static struct disk disk;

/* ---- set-up --------------------------------------------------------------------------- */

static void make_file(struct disk *d)
{
	int fd;

	snprintf(d->path, sizeof(d->path), "%s/disk.img", d->t.dir);
	fd = open(d->path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SECTORS * 512), 0);
	close(fd);
}

static void write_queue(struct disk *d, unsigned int nr)
{
	char key[64], in[32] = "";
	struct port p = make_port(&d->t);

	d->ring_frame = take_frames(&d->t, 1u << d->order);
	front_attach(&d->ring[nr], frame(&d->t, d->ring_frame),
		     (size_t)FRAME << d->order, sizeof(union pv_blkif_slot), p);
	if (d->nr_queues > 1)
		snprintf(in, sizeof(in), "queue-%u/", nr);
	for (unsigned int i = 0; i < 1u << d->order; i++) {
		if (d->order)
			snprintf(key, sizeof(key), "%sring-ref%u", in, i);
		else
			snprintf(key, sizeof(key), "%sring-ref", in);
		put(&d->t, front("vbd", DEVID, key), "%u", d->ring_frame + i);
	}
	snprintf(key, sizeof(key), "%sevent-channel", in);
	put(&d->t, front("vbd", DEVID, key), "%u", p.nr);
}

static void connect_front(struct disk *d)
{
	wait_for(&d->t, back("vbd", DEVID, "state"), "2");
	for (unsigned int i = 0; i < d->nr_queues; i++)
		write_queue(d, i);
	if (d->nr_queues > 1)
		put(&d->t, front("vbd", DEVID, "multi-queue-num-queues"), "%u",
		    d->nr_queues);
	if (d->order)
		put(&d->t, front("vbd", DEVID, "ring-page-order"), "%u",
		    d->order);
	put(&d->t, front("vbd", DEVID, "feature-persistent"), "%d",
	    d->persistent);
	put(&d->t, front("vbd", DEVID, "protocol"), "x86_64-abi");
	put(&d->t, front("vbd", DEVID, "state"), "3");
	wait_for(&d->t, back("vbd", DEVID, "state"), "4");
	put(&d->t, front("vbd", DEVID, "state"), "4");
}

static void prepare_disk(struct disk *d, unsigned int queues,
			 unsigned int order, bool persistent)
{
	d->nr_queues = queues;
	d->order = order;
	d->persistent = persistent;
	for (unsigned int i = 0; i < DEPTH; i++)
		d->rq[i].first_frame = take_frames(&d->t, MAX_FRAMES + 1) + 1;
	start_backend(&d->t, "parapet-blkback");
}

static void start_disk(struct disk *d, unsigned int queues, unsigned int order,
		       bool persistent, const char *const *more)
{
	const char *args[32] = {"type", "file", "params", d->path,
				"mode", "w",    NULL};
	unsigned int n = 6;

	memset(d, 0, sizeof(*d));
	testbed_start(&d->t, 4096);
	make_file(d);
	for (; more && *more; more++)
		args[n++] = *more;
	prepare_disk(d, queues, order, persistent);
	make_device(&d->t, "vbd", DEVID, args);
	connect_front(d);
}

static void stop_disk(struct disk *d)
{
	testbed_stop(&d->t);
}

/* ---- what sectors hold -------------------------------------------------------------------- */

static void fill(unsigned char *at, uint64_t sector, uint32_t version)
{
	uint64_t state = sector << 32 | version, *to = (uint64_t *)(void *)at;

	for (int i = 0; i < 64; i++)
		to[i] = version ? next_random(&state) : 0;
}

static void check(const unsigned char *at, uint64_t sector, uint32_t version)
{
	unsigned char want[512] __attribute__((aligned(8)));

	if (version == ANYTHING)
		return;
	fill(want, sector, version);
	if (memcmp(at, want, 512))
		die("sector %" PRIu64 " is not as written (version %u)", sector,
		    version);
}

static unsigned char *data_of(const struct disk *d, const struct request *rq,
			      uint64_t i)
{
	return (unsigned char *)frame(&d->t, rq->first_frame) +
	       (rq->first_sect + i) * 512;
}

/* ---- requests -------------------------------------------------------------------------------- */

static struct pv_blkif_segment segment(const struct request *rq, unsigned int i)
{
	uint64_t from = i * 8, to = from + 8;
	uint64_t first = rq->first_sect, end = first + rq->nr_sectors;

	return (struct pv_blkif_segment){
		.gref = rq->first_frame + i,
		.first_sect = (uint8_t)(from < first ? first - from : 0),
		.last_sect = (uint8_t)((to < end ? to : end) - from - 1),
	};
}

static void put_indirect(struct disk *d, const struct request *rq, uint64_t id,
			 struct pv_blkif_indirect *slot)
{
	struct pv_blkif_segment *s = frame(&d->t, rq->first_frame - 1);

	memset(slot, 0, sizeof(*slot));
	slot->operation = BLKIF_OP_INDIRECT;
	slot->indirect_op = (uint8_t)rq->operation;
	slot->nr_segments = (uint16_t)rq->nr_frames;
	slot->id = id;
	slot->sector_number = rq->sector;
	slot->indirect_grefs[0] = rq->first_frame - 1;
	for (unsigned int i = 0; i < rq->nr_frames; i++)
		s[i] = segment(rq, i);
}

static void put_request(struct disk *d, unsigned int nr)
{
	const struct request *rq = &d->rq[nr];
	union pv_blkif_slot *slot = front_request(&d->ring[rq->queue]);
	uint64_t id = 1000 + nr;

	if (rq->indirect) {
		put_indirect(d, rq, id, &slot->indirect);
		return;
	}
	if (rq->operation == BLKIF_OP_DISCARD) {
		slot->discard = (struct pv_blkif_discard){
			.operation = BLKIF_OP_DISCARD,
			.id = id,
			.sector_number = rq->sector,
			.nr_sectors = rq->nr_sectors,
		};
		return;
	}
	slot->req = (struct pv_blkif_request){
		.operation = (uint8_t)rq->operation,
		.nr_segments = (uint8_t)rq->nr_frames,
		.id = id,
		.sector_number = rq->sector,
	};
	for (unsigned int i = 0; i < rq->nr_frames; i++)
		slot->req.seg[i] = segment(rq, i);
}

/* Find sectors that no other request touches. */
static bool reserve(struct disk *d, struct request *rq)
{
	for (int tries = 0; tries < 20; tries++) {
		uint64_t i = 0;

		rq->sector = next_random(&d->seed) % (SECTORS - rq->nr_sectors);
		while (i < rq->nr_sectors && !d->locked[rq->sector + i])
			i++;
		if (i < rq->nr_sectors)
			continue;
		memset(&d->locked[rq->sector], 1, rq->nr_sectors);
		return true;
	}
	return false;
}

static void choose(struct disk *d, struct request *rq)
{
	uint64_t r = next_random(&d->seed);

	rq->indirect = 0;
	rq->first_sect = (unsigned int)(r >> 8) % 8;
	rq->nr_sectors = 1 + (r >> 16) % 80;
	rq->operation = r % 16 < 7 ? BLKIF_OP_READ : BLKIF_OP_WRITE;
	if (r % 16 == 13)
		rq->operation = BLKIF_OP_WRITE_BARRIER;
	if (r % 16 == 14 || r % 64 == 15) {
		rq->operation = BLKIF_OP_FLUSH_DISKCACHE;
		rq->nr_sectors = 0;
	} else if (r % 16 == 15) {
		rq->operation = BLKIF_OP_DISCARD;
	} else if (rq->operation != BLKIF_OP_WRITE_BARRIER &&
		   (r >> 40) % 3 == 0) {
		rq->indirect = 1;
		rq->nr_sectors = 1 + (r >> 16) % (MAX_FRAMES * 8 - 8);
	}
	rq->nr_frames =
		(unsigned int)((rq->first_sect + rq->nr_sectors + 7) / 8);
	if (!rq->nr_sectors || rq->operation == BLKIF_OP_DISCARD)
		rq->nr_frames = 0;
}

static void send(struct disk *d, unsigned int nr)
{
	struct request *rq = &d->rq[nr];

	choose(d, rq);
	if (rq->nr_sectors && !reserve(d, rq))
		return;
	rq->queue = (unsigned int)(next_random(&d->seed) % d->nr_queues);
	if (!front_free(&d->ring[rq->queue])) {
		memset(&d->locked[rq->sector], 0, rq->nr_sectors);
		return;
	}
	rq->busy = true;
	d->under_way++;
	for (uint64_t i = 0; rq->nr_frames && i < rq->nr_sectors; i++) {
		if (rq->operation == BLKIF_OP_READ)
			memset(data_of(d, rq, i), 0xee, 512);
		else
			fill(data_of(d, rq, i), rq->sector + i,
			     ++d->version[rq->sector + i]);
	}
	if (rq->operation == BLKIF_OP_DISCARD)
		for (uint64_t i = 0; i < rq->nr_sectors; i++)
			d->version[rq->sector + i] = d->discarded;
	put_request(d, nr);
	front_push(&d->ring[rq->queue]);
}

static void take(struct disk *d, const struct pv_blkif_response *rsp)
{
	unsigned int nr = (unsigned int)(rsp->id - 1000);
	struct request *rq = &d->rq[nr];

	if (nr >= DEPTH || !rq->busy)
		die("a response for a request that is not under way");
	assert_int_equal(rsp->operation, rq->operation);
	assert_int_equal(rsp->status, BLKIF_RSP_OKAY);
	if (rq->operation == BLKIF_OP_READ)
		for (uint64_t i = 0; i < rq->nr_sectors; i++)
			check(data_of(d, rq, i), rq->sector + i,
			      d->version[rq->sector + i]);
	memset(&d->locked[rq->sector], 0, rq->nr_sectors);
	rq->busy = false;
	d->under_way--;
	d->answered++;
}

static bool collect(struct disk *d)
{
	bool any = false;

	for (unsigned int i = 0; i < d->nr_queues; i++) {
		const struct pv_blkif_response *rsp;

		while ((rsp = front_response(&d->ring[i]))) {
			take(d, rsp);
			any = true;
		}
	}
	return any;
}

static void wait_any(struct disk *d)
{
	double until = now() + PATIENCE;

	while (!collect(d)) {
		for (unsigned int i = 0; i < d->nr_queues; i++)
			wait_event(&d->ring[i].port, 0);
		if (collect(d))
			return;
		if (now() > until)
			die("no response, %u requests are under way, "
			    "%u were answered",
			    d->under_way, d->answered);
		wait_event(&d->ring[0].port, now() + 0.01);
	}
}

static void top_up(struct disk *d)
{
	for (unsigned int i = 0; i < DEPTH; i++)
		if (!d->rq[i].busy)
			send(d, i);
}

/* So many answers; afterwards as many are under way as can be. */
static void load(struct disk *d, unsigned int total)
{
	unsigned int until = d->answered + total;

	top_up(d);
	while (d->answered < until) {
		wait_any(d);
		top_up(d);
	}
}

static void finish(struct disk *d)
{
	while (d->under_way)
		wait_any(d);
}

static void compare_file(const struct disk *d)
{
	int fd = open(d->path, O_RDONLY);
	unsigned char *map;

	assert_true(fd >= 0);
	map = mmap(NULL, SECTORS * 512, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	close(fd);
	for (uint64_t i = 0; i < SECTORS; i++)
		check(map + i * 512, i, d->version[i]);
	munmap(map, SECTORS * 512);
}

static void close_disk(struct disk *d)
{
	put(&d->t, back("vbd", DEVID, "online"), "0");
	put(&d->t, back("vbd", DEVID, "state"), "5");
	put(&d->t, front("vbd", DEVID, "state"), "6");
	wait_for(&d->t, back("vbd", DEVID, "state"), "6");
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void all_kinds(struct disk *d, unsigned int queues, unsigned int order,
		      bool persistent)
{
	start_disk(d, queues, order, persistent, NULL);
	d->seed = 1 + queues;
	print_message("seed %" PRIu64 "\n", d->seed);
	load(d, 3000);
	finish(d);
	compare_file(d);
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
	compare_file(d);
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
	compare_file(d);
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
	snprintf(d->path, sizeof(d->path), "%.200s/disk.img", d->t.dir);
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
	run("qemu-img convert -O raw %s %s", file, d->path);
	compare_file(d);
	stop_disk(d);
}

static void grows(void **state)
{
	struct disk *d = &disk;

	(void)state;
	start_disk(d, 1, 0, true, NULL);
	assert_true(is(&d->t, back("vbd", DEVID, "sectors"), "16384"));
	assert_int_equal(truncate(d->path, 2 * SECTORS * 512), 0);
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

/* 64 requests of 4 KiB at 256 KiB/s and a burst of a tenth: at least 0.8 s. */
static void limits(void **state)
{
	static const char *const more[] = {"iotune/total_bytes_sec", "262144",
					   NULL};
	struct disk *d = &disk;
	double before, took;

	(void)state;
	start_disk(d, 1, 0, true, more);
	before = now();
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
	snprintf(path, sizeof(path), "/local/domain/0/backend/vbd/%d", DOMID);
	assert_true(xs_rm(d->t.xs, XBT_NULL, path));
	/* Its lock and its journal go with it. */
	for (until = now() + PATIENCE; worker_of(&d->t, "vbd", DEVID);)
		if (now() > until)
			die("the process does not end");
	stop_disk(d);
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
		cmocka_unit_test(closes_on_lies),
		cmocka_unit_test(limits),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(ends_with_its_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
