/* SPDX-License-Identifier: MIT */
/* Disks and networks, measured from within a machine. */
#ifndef TESTS_BENCH_PVIO_PVIO_H
#define TESTS_BENCH_PVIO_PVIO_H

#include <stdint.h>

#include "tests/bench/pvio/effort.h"

/* block.c */
void measure_block(const char *path);

/* net.c: the peer ends when this process does. */
void measure_net(const char *host, const char *port);
void serve_net(const char *port) __attribute__((noreturn));

/* life.c; sleeps until the log has the words. */
void wait_for_words(const char *log, const char *words);
/* Of a guest whose console goes to the file `log`. */
void measure_life(const char *log);

#endif
