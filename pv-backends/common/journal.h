/* SPDX-License-Identifier: MIT */
/* Memory that outlives the process: a file, mapped. */
#ifndef PV_BACKENDS_COMMON_JOURNAL_H
#define PV_BACKENDS_COMMON_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	JOURNAL_HEAD = 64, /* bytes that journal.c keeps for itself */
};

struct journal {
	void *map;
	size_t bytes;
	bool fresh; /* the file was made just now */
};

/*
 * Open or make the file; its pages cost memory as they are touched.  path
 * NULL: plain memory.  Returns 0 or a negative errno.
 */
int journal_open(struct journal *j, const char *path, size_t bytes);
void journal_close(struct journal *j);
/* What the caller keeps. */
void *journal_data(const struct journal *j);

/*
 * A connection is named by a number that both the store and the journal have.
 * Is this the journal of that one?  0 never is.
 */
bool journal_is_of(const struct journal *j, uint64_t connection);
/* It is nobody's from here on; the caller then writes what it starts with. */
void journal_forget(struct journal *j);
void journal_begin(struct journal *j, uint64_t connection);

#endif
