/* SPDX-License-Identifier: MIT */
/*
 * Why something was not done: a code for programs and one line for people.
 *
 * The line names stage, object and limit ("interface 0: bridge br7: no such
 * bridge"); whoever passes it up puts its own stage in front.
 */
#ifndef TOOLS_DAEMON_FAIL_H
#define TOOLS_DAEMON_FAIL_H

#include <stdbool.h>
#include <stddef.h>

enum fail_code {
	FAIL_NONE,
	FAIL_INVALID,
	FAIL_UNSUPPORTED,
	FAIL_NOT_FOUND,
	FAIL_EXISTS,
	FAIL_STATE,
	FAIL_LIMIT,
	FAIL_TIMEOUT,
	FAIL_FAILED,
	FAIL_CODES,
};

struct fail {
	enum fail_code code;
	char text[640];
};

/* Both return -1, or false where a bool is wanted: always "no". */
int fail_set(struct fail *f, enum fail_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int fail_prefix(struct fail *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The code that fits an errno number. */
enum fail_code fail_of_errno(int err);
/* "not-found" */
const char *fail_code_name(enum fail_code code);

#endif
