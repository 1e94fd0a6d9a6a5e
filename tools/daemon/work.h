/* SPDX-License-Identifier: MIT */
/* Threads for what takes long: a function there, then one in the loop. */
#ifndef TOOLS_DAEMON_WORK_H
#define TOOLS_DAEMON_WORK_H

#include <ev.h>

struct work;

struct work_item {
	void (*run)(struct work_item *item); /* in a thread of its own */
	void (*done)(struct work_item *item); /* in the loop */
	struct work *work;
	struct work_item *next;
};

struct work *work_new(struct ev_loop *loop);
/* Waits for what is under way; done() is not called any more. */
void work_free(struct work *w);
/* 0, or an errno number: then nothing will be called. */
int work_start(struct work *w, struct work_item *item);

#endif
