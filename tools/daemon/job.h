/* SPDX-License-Identifier: MIT */
/*
 * Jobs: a list of steps, each of which can be undone.
 *
 * A step does its work and returns JOB_DONE, or says JOB_WAIT and calls
 * job_continue() later, or fails; then the steps that were done are undone, the
 * last one first.  So a step must leave nothing behind when it fails, and
 * undoing must not fail.
 */
#ifndef TOOLS_DAEMON_JOB_H
#define TOOLS_DAEMON_JOB_H

#include "tools/daemon/domain.h"

enum {
	JOB_FAILED = -1,
	JOB_DONE = 0,
	JOB_WAIT = 1
};

struct job;

struct job_step {
	const char *name;
	int (*run)(struct job *job, struct fail *why);
	void (*undo)(struct job *job); /* may be NULL */
};

/* Told once how a job ended, rc 0 or -1. */
struct job_waiter {
	void (*done)(struct job_waiter *w, struct job *job, int rc,
		     const struct fail *why);
	void (*progress)(struct job_waiter *w, struct job *job,
			 const char *stage); /* may be NULL */
	struct job_waiter *next;
};

#define JOB_STEPS_MAX 16

struct job {
	struct domain *d;
	const char *verb; /* "create" */
	const struct job_step *steps;
	unsigned int nr_steps, at;
	bool waiting, running, cancelled;
	unsigned int held; /* pieces of work that must end before an undo */
	struct fail *failed; /* why it will be undone then */
	struct ev_timer timer; /* of the step that waits */
	void (*timeout)(struct job *job); /* the step's */
	void (*poke)(struct job *job); /* a device changed */
	void (*ended)(struct job *job, int rc); /* before the waiters */
	void (*release)(struct job *job); /* memory beyond the job's */
	struct job_waiter *waiters;
	double began, step_began;
	double took[JOB_STEPS_MAX]; /* seconds */
};

/* Fill in and run; `job` is freed (job->release, free) when it has ended,
 * which may be before this returns. */
void job_start(struct job *job, struct domain *d, const char *verb,
	       const struct job_step *steps, unsigned int nr_steps);
/* Before job_start(), or while it waits. */
void job_add_waiter(struct job *job, struct job_waiter *w);
/* The step that waited is done, or failed. */
void job_continue(struct job *job, int rc, const struct fail *why);
void job_set_timer(struct job *job, double seconds,
		   void (*timeout)(struct job *job));
/* The daemon ends: leave everything as it is, and free the job. */
void job_forget(struct job *job);
/* "d7: web1 WHAT, us=..." and how long each step took. */
void job_log(const struct job *job, const char *what);
/* It fails at the end of its present step. */
void job_cancel(struct job *job);
/*
 * A thread works for the job beside its steps: nothing is undone before that
 * lets go.  False: the job has failed meanwhile, and may be gone now.
 */
void job_hold(struct job *job);
bool job_let_go(struct job *job);

#endif
