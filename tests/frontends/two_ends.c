/* SPDX-License-Identifier: MIT */
/* Two ends of a ring in one program: what the unit tests of rings share. */
#include <stdlib.h>

#include "tests/frontends/two_ends.h"

uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

void send_event(struct channel *c)
{
	pthread_mutex_lock(&c->lock);
	c->pending = true;
	c->sent++;
	pthread_cond_signal(&c->set);
	pthread_mutex_unlock(&c->lock);
}

void sleep_until(struct channel *c)
{
	pthread_mutex_lock(&c->lock);
	while (!c->pending)
		pthread_cond_wait(&c->set, &c->lock);
	c->pending = false;
	pthread_mutex_unlock(&c->lock);
}

void run_both(void *(*run)(void *), void *one, void *other)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, other))
		abort();
	run(one);
	pthread_join(thread, NULL);
}
