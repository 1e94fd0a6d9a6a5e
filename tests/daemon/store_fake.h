/* SPDX-License-Identifier: MIT */
/* A store in memory, with a backend that opens everything. */
#ifndef TESTS_DAEMON_STORE_FAKE_H
#define TESTS_DAEMON_STORE_FAKE_H

#include "tools/daemon/store.h"

/* The n-th call from now on that may fail does; 0: none. */
void store_fake_fail(struct store *s, unsigned int n);
/* Nodes there are; and domains introduced. */
unsigned int store_fake_nodes(const struct store *s);
unsigned int store_fake_introduced(const struct store *s);
/* From now on backends of a type refuse what they are given; NULL: none does. */
void store_fake_refuse(struct store *s, const char *type);
/* Backends do not answer. */
void store_fake_deaf(struct store *s, bool deaf);
/* Guests hold on to devices that are to close; false: they let go of all. */
void store_fake_hold(struct store *s, bool held);

#endif
