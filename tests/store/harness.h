/* SPDX-License-Identifier: MIT */
/* The store's engine in a test: connections of any domain, no I/O. */
#ifndef TESTS_STORE_HARNESS_H
#define TESTS_STORE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/store/record.h"
#include "tools/store/txn.h"

/* An answer.  error is an errno number, 0 if data is a result. */
struct answer {
	uint32_t type, tx_id, req_id;
	int error;
	size_t len;
	char data[XS_PAYLOAD_MAX + 1];
};

extern double test_time; /* what store.clock says   */
extern char test_log[4096]; /* what store.log was told */

struct store *test_store(void);
void test_store_free(struct store *st);
/* A connection that speaks for a domain; 0 is a privileged socket. */
struct conn *test_conn(struct store *st, unsigned domid);

/* Put a request in, without running it. */
void test_put(struct conn *c, uint32_t type, uint32_t tx, const void *data,
	      size_t len);
/* Take one message out of the output; false if there is none. */
bool test_get(struct conn *c, struct answer *a);
/* Request and answer; events that come are kept for test_event. */
void test_call(struct conn *c, uint32_t type, uint32_t tx, const void *data,
	       size_t len, struct answer *a);

/* Results are errno numbers; 0 is success. */
int t_write(struct conn *c, uint32_t tx, const char *path, const char *value);
int t_mkdir(struct conn *c, uint32_t tx, const char *path);
int t_rm(struct conn *c, uint32_t tx, const char *path);
int t_read(struct conn *c, uint32_t tx, const char *path, char *value);
/* Children, joined by blanks. */
int t_list(struct conn *c, uint32_t tx, const char *path, char *names);
int t_chmod(struct conn *c, uint32_t tx, const char *path, const char *perms);
/* "n0 r5" */
int t_perms(struct conn *c, uint32_t tx, const char *path, char *perms);
int t_watch(struct conn *c, const char *path, const char *token, int depth);
int t_unwatch(struct conn *c, const char *path, const char *token);
uint32_t t_start(struct conn *c); /* 0: refused */
int t_end(struct conn *c, uint32_t tx, bool commit);
int t_introduce(struct conn *c, unsigned domid);
/* The oldest event as "path token"; "" if there is none. */
const char *test_event(struct conn *c);
void test_drain(struct conn *c);

/* Deterministic random numbers. */
uint32_t test_rand(uint64_t *state, uint32_t n);

/* Everything in the store as text, one line a node; for free(). */
char *test_dump(struct store *st);

#endif
