/* SPDX-License-Identifier: MIT */
/* The engine of jobs: forward through the steps, or back. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/daemon/life.h"

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct job *job = timer->data;

	(void)loop;
	(void)events;
	job->timeout(job);
}

void job_set_timer(struct job *job, double seconds,
		   void (*timeout)(struct job *job))
{
	job->timeout = timeout;
	ev_timer_set(&job->timer, seconds, 0);
	ev_timer_start(job->d->dm->loop, &job->timer);
}

void job_add_waiter(struct job *job, struct job_waiter *w)
{
	w->next = job->waiters;
	job->waiters = w;
}

void job_log(const struct job *job, const char *what)
{
	char text[400];
	size_t n = 0;

	for (unsigned int i = 0; i < job->nr_steps && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s=%.0f",
				      job->steps[i].name, job->took[i] * 1e6);
	daemon_log("d%d: %s %s, us=%.0f:%s", job->d->domid, job->d->name, what,
		   (daemon_now() - job->began) * 1e6, text);
}

void job_cancel(struct job *job)
{
	job->cancelled = true;
}

void job_forget(struct job *job)
{
	ev_timer_stop(job->d->dm->loop, &job->timer);
	job->d->job = NULL;
	if (job->release)
		job->release(job);
	free(job->failed);
	free(job);
}

static void job_end(struct job *job, int rc, const struct fail *why)
{
	struct domain *d = job->d;
	struct job_waiter *w, *next;

	d->job = NULL;
	/* What it ends with may be another job, which fails at once. */
	d->kept++;
	if (job->ended)
		job->ended(job, rc);
	for (w = job->waiters; w; w = next) {
		next = w->next;
		w->done(w, job, rc, why);
	}
	if (job->release)
		job->release(job);
	free(job);
	life_settle(d);
	d->kept--;
	domain_settle(d);
}

static void job_undo(struct job *job, struct fail *why)
{
	if (job->held) {
		job->failed = malloc(sizeof(*why));
		if (!job->failed)
			abort();
		*job->failed = *why;
		return;
	}
	while (job->at--)
		if (job->steps[job->at].undo)
			job->steps[job->at].undo(job);
	fail_prefix(why, "%s %s", job->verb, job->d->name);
	daemon_log("%s", why->text);
	job_end(job, -1, why);
}

void job_hold(struct job *job)
{
	job->held++;
}

bool job_let_go(struct job *job)
{
	struct fail why;

	if (--job->held || !job->failed)
		return !job->failed;
	why = *job->failed;
	free(job->failed);
	job->failed = NULL;
	job_undo(job, &why);
	return false;
}

static void job_progress(struct job *job)
{
	for (struct job_waiter *w = job->waiters; w; w = w->next)
		if (w->progress)
			w->progress(w, job, job->steps[job->at].name);
}

static void step_done(struct job *job)
{
	ev_timer_stop(job->d->dm->loop, &job->timer);
	job->took[job->at] = daemon_now() - job->step_began;
	job->waiting = false;
	job->poke = NULL;
	job->at++;
}

/* From the present step on, as far as it goes. */
static void job_run(struct job *job)
{
	struct fail why = {0};
	int rc;

	while (job->at < job->nr_steps) {
		job->step_began = daemon_now();
		job_progress(job);
		if (job->cancelled)
			rc = fail_set(&why, FAIL_STATE, "cancelled");
		else
			rc = job->steps[job->at].run(job, &why);
		if (rc == JOB_WAIT) {
			job->waiting = true;
			return;
		}
		if (rc) {
			job_undo(job, &why);
			return;
		}
		step_done(job);
	}
	job_end(job, 0, NULL);
}

void job_start(struct job *job, struct domain *d, const char *verb,
	       const struct job_step *steps, unsigned int nr_steps)
{
	job->d = d;
	job->verb = verb;
	job->steps = steps;
	job->nr_steps = nr_steps;
	job->began = daemon_now();
	ev_timer_init(&job->timer, on_timer, 0, 0);
	job->timer.data = job;
	d->job = job;
	job_run(job);
}

void job_continue(struct job *job, int rc, const struct fail *why)
{
	struct fail copy = {0};

	if (!job->waiting)
		return;
	if (why)
		copy = *why;
	if (!rc && job->cancelled)
		rc = fail_set(&copy, FAIL_STATE, "cancelled");
	if (rc) {
		/* What the step itself did counts as done: undo it, too. */
		step_done(job);
		job_undo(job, &copy);
		return;
	}
	step_done(job);
	job_run(job);
}
