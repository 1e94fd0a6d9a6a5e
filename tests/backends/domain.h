/* SPDX-License-Identifier: MIT */
/*
 * A domain for tests of backends, without a hypervisor: its frames are a file,
 * its event channels are FIFOs (pv-backends/common/bus.h), the store is a real
 * one, and so are the backend processes.
 *
 * Everything is in one temporary directory.  A step that fails ends the test
 * program with a reason; waiting is for conditions, and at most PATIENCE.
 */
#ifndef TESTS_BACKENDS_DOMAIN_H
#define TESTS_BACKENDS_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <pv/io/ring.h>

#define DOMID 7u

enum {
	PATIENCE = 60, /* seconds */
	FRAME = 4096,
};

struct xs_handle;

struct testbed {
	char dir[128];
	struct xs_handle *xs;
	pid_t store, backend;
	unsigned char *memory;
	unsigned int nr_frames, next_frame;
	unsigned int next_port;
};

/* A port of the domain: FIFOs, both ends open. */
struct port {
	unsigned int nr;
	int up, down;
};

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

void testbed_start(struct testbed *t, unsigned int nr_frames);
/* Ends what was started, removes the directory. */
void testbed_stop(struct testbed *t);

void start_store(struct testbed *t);
void stop_process(pid_t *pid, int signal);
/* $BUILD/san/bin/<program> with --bus, --run, --user "" and --no-sandbox. */
void start_backend(struct testbed *t, const char *program);
/* The number of the process that serves a device; 0: none. */
pid_t worker_of(const struct testbed *t, const char *type, unsigned int devid);
/* Send it a signal that ends it, and wait until another one serves the device. */
void end_worker(const struct testbed *t, const char *type, unsigned int devid,
		int signal);
/* SIGKILL */
void kill_worker(const struct testbed *t, const char *type, unsigned int devid);

/* Frames of the domain: the first one's number, which is its grant too. */
unsigned int take_frames(struct testbed *t, unsigned int nr);
void *frame(const struct testbed *t, unsigned int nr);
struct port make_port(struct testbed *t);
void send_event(const struct port *p);
/* Wait for an event until then (CLOCK_MONOTONIC); false: there was none. */
bool wait_event(const struct port *p, double until);
double now(void);

void put(struct testbed *t, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* NULL: no such node.  For free(). */
char *get(struct testbed *t, const char *path);
bool is(struct testbed *t, const char *path, const char *value);
void wait_for(struct testbed *t, const char *path, const char *value);
void wait_gone(struct testbed *t, const char *path);

/* Both ends' folders, as the toolstack makes them; more: "key", "value", NULL
 * for the backend's. */
void make_device(struct testbed *t, const char *type, unsigned int devid,
		 const char *const *more);
/* As the toolstack takes it away. */
void end_device(struct testbed *t, const char *type, unsigned int devid);
/* What a frontend on an own ring says of a queue, and when all are said. */
void put_own_queue(struct testbed *t, const char *type, unsigned int devid,
		   unsigned int nr, unsigned int ref, unsigned int port);
void put_own_keys(struct testbed *t, const char *type, unsigned int devid,
		  unsigned int queues, unsigned int version);
const char *back(const char *type, unsigned int devid, const char *key);
const char *front(const char *type, unsigned int devid, const char *key);

/* ---- the frontend's end of a ring -------------------------------------------------- */

struct front_ring {
	struct pv_ring_header *shared;
	unsigned char *slots;
	uint32_t nr_slots, slot_size;
	uint32_t req_prod, rsp_cons;
	struct port port;
};

void front_attach(struct front_ring *r, void *pages, size_t bytes,
		  uint32_t slot_size, struct port port);
uint32_t front_free(const struct front_ring *r);
/* The slot of the next request, to be filled in. */
void *front_request(struct front_ring *r);
void front_push(struct front_ring *r);
/* The next response, or NULL. */
void *front_response(struct front_ring *r);
/* The same, waiting for it. */
void *front_wait(struct front_ring *r);

/* Numbers that a seed determines. */
uint64_t next_random(uint64_t *state);

#endif
