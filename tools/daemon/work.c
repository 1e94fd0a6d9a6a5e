/* SPDX-License-Identifier: MIT */
/*
 * A thread for each piece of work, a list of what is finished, and one wake-up
 * for the loop.
 *
 * Pieces are few (a domain that is built or destroyed) and long, so threads
 * are not kept.  LOCKING: w->lock guards the list and the count.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "tools/daemon/work.h"

struct work {
	struct ev_loop *loop;
	struct ev_async wake;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct work_item *finished;
	unsigned int running;
};

static void *thread_main(void *arg)
{
	struct work_item *item = arg;
	struct work *w = item->work;

	item->run(item);
	pthread_mutex_lock(&w->lock);
	item->next = w->finished;
	w->finished = item;
	/* Under the lock: after it, the loop may be gone. */
	ev_async_send(w->loop, &w->wake);
	if (!--w->running)
		pthread_cond_signal(&w->idle);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void on_wake(struct ev_loop *loop, struct ev_async *watcher, int events)
{
	struct work *w = watcher->data;
	struct work_item *item, *next;

	(void)loop;
	(void)events;
	pthread_mutex_lock(&w->lock);
	item = w->finished;
	w->finished = NULL;
	pthread_mutex_unlock(&w->lock);
	for (; item; item = next) {
		next = item->next;
		item->done(item);
	}
}

struct work *work_new(struct ev_loop *loop)
{
	struct work *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->loop = loop;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->idle, NULL);
	ev_async_init(&w->wake, on_wake);
	w->wake.data = w;
	ev_async_start(loop, &w->wake);
	return w;
}

void work_free(struct work *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	while (w->running)
		pthread_cond_wait(&w->idle, &w->lock);
	pthread_mutex_unlock(&w->lock);
	ev_async_stop(w->loop, &w->wake);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->idle);
	free(w);
}

/* Signals are the loop's: the new thread inherits a mask that blocks all. */
static int thread_start(struct work_item *item)
{
	sigset_t all, old;
	pthread_t thread;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&thread, NULL, thread_main, item);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!rc)
		pthread_detach(thread);
	return rc;
}

int work_start(struct work *w, struct work_item *item)
{
	int rc;

	item->work = w;
	pthread_mutex_lock(&w->lock);
	w->running++;
	pthread_mutex_unlock(&w->lock);
	rc = thread_start(item);
	if (!rc)
		return 0;
	pthread_mutex_lock(&w->lock);
	w->running--;
	pthread_mutex_unlock(&w->lock);
	return rc;
}
