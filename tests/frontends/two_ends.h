/* SPDX-License-Identifier: MIT */
/* Two ends of a ring in one program: random steps, and threads that sleep. */
#ifndef TESTS_FRONTENDS_TWO_ENDS_H
#define TESTS_FRONTENDS_TWO_ENDS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

uint64_t next_random(uint64_t *state);

/* An event channel. */
struct channel {
	pthread_mutex_t lock;
	pthread_cond_t set;
	bool pending;
	unsigned int sent;
};

#define CHANNEL                                                                \
	{                                                                      \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0  \
	}

void send_event(struct channel *c);
/* Until an event is pending, which is taken. */
void sleep_until(struct channel *c);

/* That, for two at the same time, in threads of their own. */
void run_both(void *(*run)(void *), void *one, void *other);

#endif
