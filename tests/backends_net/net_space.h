/* SPDX-License-Identifier: MIT */
/*
 * Two network namespaces, as the control domain and the guest see the network,
 * and traffic between them.
 */
#ifndef TESTS_BACKENDS_NET_NET_SPACE_H
#define TESTS_BACKENDS_NET_NET_SPACE_H

#include <stdbool.h>
#include <sys/types.h>

enum side {
	CONTROL,
	GUEST,
};

/* Namespaces, bridge br0 with an address in the control domain's; this process
 * moves into that; they go at its exit.  False: not possible here (no root, no
 * TAPs). */
bool spaces_make(void);

/* The guest's eth0, with an address: a TAP that has that many queues. */
void guest_tap_make(unsigned int queues, bool offloads, int *fds);
void guest_tap_remove(unsigned int queues, const int *fds);

/* Run a command in a namespace, its output to a static buffer; it must work. */
const char *run_in(enum side side, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Addresses are those of one of these networks. */
enum net {
	NET_V4,
	NET_V6,
};

struct traffic {
	pid_t sender, receiver;
	int stop, stop_end; /* a pipe: a byte in it ends the sender */
};

/* TCP, one way; the receiver checks each byte.  bytes 0: until stopped. */
void traffic_start(struct traffic *tr, enum net net, enum side from,
		   unsigned long bytes);
/* Wait for both, which must have done all. */
void traffic_end(struct traffic *tr);
void transfer(enum net net, enum side from, unsigned long bytes);

/* UDP: questions from the control domain, of all sizes, answered by the guest;
 * what is lost is asked again. */
void exchange(enum net net, unsigned int times);

/* A broadcast from the control domain. */
void shout(void);

#endif
