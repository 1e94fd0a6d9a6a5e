/* SPDX-License-Identifier: MIT */
/* Work as people have it, measured. */
#ifndef TESTS_BENCH_PVWORK_PVWORK_H
#define TESTS_BENCH_PVWORK_PVWORK_H

#include "tests/bench/pvio/effort.h"

/* zlib, of text that is in memory. */
void measure_compress(void);

/* A database of SQLite's, in a file of this folder. */
void measure_database(const char *folder);

/* A program whose sources are in this folder, with a script that builds it. */
void measure_build(const char *folder);

#endif
