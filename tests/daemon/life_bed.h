/* SPDX-License-Identifier: MIT */
/*
 * A daemon without a socket, in this program and a directory of its own: its
 * hypervisor is in memory, its store is store_fake.c.
 */
#ifndef TESTS_DAEMON_LIFE_BED_H
#define TESTS_DAEMON_LIFE_BED_H

#include "tests/daemon/store_fake.h"
#include "tools/daemon/life.h"

struct bed {
	struct daemon dm;
	struct settings set;
	struct job_waiter waiter;
	bool ended;
	int rc;
	char why[700];
	char dir[64], kernel[128];
};

/* The set-up and tear-down of a test. */
int bed_make(void **state);
int bed_free(void **state);

/* Whom a job tells; then why[], rc and ended are the bed's. */
struct job_waiter *waiter(struct bed *b);
void on_done(struct job_waiter *w, struct job *job, int rc,
	     const struct fail *why);
void wait_done(struct bed *b);
void run_until(struct bed *b, const char *name, enum dom_state state);

/* A file exists for each path in it; full: it has disk xvda. */
struct dom_config *config(struct bed *b, const char *name, bool full);
/* Made, or not: see why[]. */
bool create(struct bed *b, const char *name);
void destroy(struct bed *b, const char *name);

unsigned int records(const struct bed *b);
/* No domain, node, record or device. */
void nothing_left(const struct bed *b);

#endif
