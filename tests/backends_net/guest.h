/* SPDX-License-Identifier: MIT */
/*
 * What tests of the network backend share, whatever ring the guest's frontend
 * speaks: devices, the guest's network, the frontend's thread and what it has
 * seen, and what has to hold of it.
 */
#ifndef TESTS_BACKENDS_NET_GUEST_H
#define TESTS_BACKENDS_NET_GUEST_H

#include <pthread.h>
#include <stdbool.h>

#include "tests/backends/domain.h"
#include "tests/backends_net/vif.h"

#define MIB (1024ul * 1024)

enum {
	GUEST_QUEUES = 4,
};

extern struct testbed bed;

/* For cmocka's group; where this is not possible, the plan says so. */
bool bed_is_possible(void);
int bed_start(void **state);
int bed_stop(void **state);

/* ---- a frontend's thread ------------------------------------------------------------- */

struct forwarder {
	pthread_t thread;
	bool runs;
	int stop[2]; /* a pipe: the thread ends when stop[0] can be read */
	unsigned int sent, received, large_sent, large_received, open_sent,
		open_received;
};

/* run(arg) is the thread. */
void forwarder_start(struct forwarder *f, void *(*run)(void *), void *arg);
void forwarder_stop(struct forwarder *f);
/* Events that came to a descriptor. */
void forwarder_drain(int fd);
/* Until some hundred packets more went each way. */
void wait_progress(const struct forwarder *f);

/* ---- devices ------------------------------------------------------------------------ */

/* A device that is new; keys: vif_plain, or as make_device() has them. */
unsigned int device_new(const char *const *keys);
void device_remove(unsigned int devid);

/* One of those, and the guest's network. */
struct guest {
	unsigned int devid, queues;
	int taps[GUEST_QUEUES];
};

void guest_new(struct guest *g, unsigned int queues, bool offloads);
void guest_remove(struct guest *g);

/* ---- what holds ---------------------------------------------------------------------- */

/* Traffic of all kinds both ways; then what was open, or large, on its way. */
void all_ways(void);
void says_forwarded(const struct forwarder *f, bool open, bool large);
/* Traffic goes on while backends are killed, and now and then do as the last
 * argument says. */
void goes_on(struct guest *g, const struct forwarder *f,
	     void (*sometimes)(unsigned int devid));
/* 4 MiB/s are not exceeded in either direction. */
void rates_hold(unsigned int devid);
/* The backend lets go of the device, for that reason. */
void ends_for(unsigned int devid, const char *reason);
/* The frontend closes such a device, and begins again. */
void begins_again(unsigned int devid);

#endif
