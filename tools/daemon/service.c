/* SPDX-License-Identifier: MIT */
/*
 * Supervision: a process for each service, waiting longer after each failure.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/daemon/event.h"
#include "tools/daemon/proc.h"
#include "tools/daemon/record.h"
#include "tools/daemon/service.h"

#define DELAY_FIRST 0.1
#define DELAY_MOST  5.0
#define GOOD_LIFE   10.0 /* seconds after which failures are forgotten */
#define WORDS_MAX   32
#define PATH_ROOM   512

struct service {
	struct services *all;
	const char *name, *command;
	struct proc *proc;
	struct ev_timer again;
	double delay, began;
	unsigned int restarts;
};

struct services {
	struct daemon *dm;
	unsigned int nr;
	bool stopping;
	struct service one[SETTINGS_SERVICES];
};

static void pid_path(const struct service *s, char path[PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "%s/services/%s.pid", s->all->dm->set->run,
		 s->name);
}

static void pid_save(const struct service *s)
{
	char path[PATH_ROOM], text[64];
	struct fail why;

	pid_path(s, path);
	snprintf(text, sizeof(text), "%d %" PRIu64 "\n", s->proc->pid,
		 s->proc->start);
	if (record_write_file(path, text, false, &why))
		daemon_log("service %s: %s", s->name, why.text);
}

static struct proc *pid_adopt(const struct service *s)
{
	char path[PATH_ROOM];
	struct proc *p = NULL;
	uint64_t start;
	int pid;
	FILE *f;

	pid_path(s, path);
	f = fopen(path, "re");
	if (f && fscanf(f, "%d %" SCNu64, &pid, &start) == 2)
		p = proc_adopt(s->all->dm->loop, pid, start);
	if (f)
		fclose(f);
	return p;
}

/* ---- a life -------------------------------------------------------------------- */

static void wait_and_start(struct service *s)
{
	ev_timer_stop(s->all->dm->loop, &s->again);
	ev_timer_set(&s->again, s->delay, 0);
	ev_timer_start(s->all->dm->loop, &s->again);
	s->delay = s->delay * 2 < DELAY_MOST ? s->delay * 2 : DELAY_MOST;
}

static void service_ended(struct proc *p, const char *status)
{
	struct service *s = p->owner;
	struct daemon *dm = s->all->dm;

	proc_free(p);
	s->proc = NULL;
	daemon_log("service %s: ended, %s", s->name, status);
	event_send(dm, "service-ended", NULL, "service", s->name, "status",
		   status, NULL);
	if (s->all->stopping)
		return;
	if (daemon_now() - s->began > GOOD_LIFE)
		s->delay = DELAY_FIRST;
	s->restarts++;
	wait_and_start(s);
}

static void service_owns(struct service *s, struct proc *p)
{
	s->proc = p;
	p->owner = s;
	p->ended = service_ended;
}

/* Words are separated by blanks; there is no quoting. */
static unsigned int split(char *text, char *word[WORDS_MAX])
{
	unsigned int n = 0;
	char *save = NULL, *w = strtok_r(text, " \t", &save);

	for (; w && n < WORDS_MAX - 1; w = strtok_r(NULL, " \t", &save))
		word[n++] = w;
	word[n] = NULL;
	return n;
}

static void service_start(struct service *s)
{
	char text[1024], log[PATH_ROOM], *word[WORDS_MAX];
	struct proc_spec spec = {.argv = word, .listen_fd = -1, .log = log};
	struct daemon *dm = s->all->dm;
	struct fail why;
	struct proc *p;

	snprintf(text, sizeof(text), "%s", s->command);
	snprintf(log, sizeof(log), "%s/services/%s.log", dm->set->run, s->name);
	s->began = daemon_now();
	p = split(text, word) ? proc_start(dm->loop, &spec, &why) : NULL;
	if (!p) {
		daemon_log("service %s: %s", s->name, why.text);
		wait_and_start(s);
		return;
	}
	service_owns(s, p);
	pid_save(s);
	daemon_log("service %s: started, pid=%d", s->name, p->pid);
	event_send(dm, "service-started", NULL, "service", s->name, NULL);
}

static void on_again(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	service_start(timer->data);
}

/* ---- all ----------------------------------------------------------------------- */

struct services *services_open(struct daemon *dm)
{
	struct services *all = calloc(1, sizeof(*all));
	struct proc *p;

	if (!all)
		return NULL;
	all->dm = dm;
	all->nr = dm->set->nr_services;
	for (unsigned int i = 0; i < all->nr; i++) {
		struct service *s = &all->one[i];

		s->all = all;
		s->name = dm->set->service[i].name;
		s->command = dm->set->service[i].command;
		s->delay = DELAY_FIRST;
		s->began = daemon_now();
		ev_timer_init(&s->again, on_again, DELAY_FIRST, 0);
		s->again.data = s;
		p = pid_adopt(s);
		if (!p)
			continue;
		service_owns(s, p);
		daemon_log("service %s: found again, pid=%d", s->name, p->pid);
	}
	return all;
}

void services_close(struct services *all)
{
	if (!all)
		return;
	for (unsigned int i = 0; i < all->nr; i++) {
		ev_timer_stop(all->dm->loop, &all->one[i].again);
		if (all->one[i].proc)
			proc_free(all->one[i].proc);
	}
	free(all);
}

bool services_start(struct services *all, const char *name)
{
	bool found = false;

	for (unsigned int i = 0; i < all->nr; i++) {
		struct service *s = &all->one[i];

		if (name && strcmp(s->name, name))
			continue;
		found = true;
		if (!s->proc && !ev_is_active(&s->again))
			service_start(s);
	}
	return found;
}

void services_stop(struct services *all)
{
	all->stopping = true;
	for (unsigned int i = all->nr; i--;) {
		ev_timer_stop(all->dm->loop, &all->one[i].again);
		if (all->one[i].proc)
			proc_stop(all->one[i].proc);
		all->one[i].proc = NULL;
	}
}

bool services_info(const struct services *all, unsigned int i,
		   struct service_info *info)
{
	if (!all || i >= all->nr)
		return false;
	*info = (struct service_info){
		.name = all->one[i].name,
		.pid = all->one[i].proc ? all->one[i].proc->pid : 0,
		.restarts = all->one[i].restarts,
	};
	return true;
}
