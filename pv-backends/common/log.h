/* SPDX-License-Identifier: MIT */
/* Lines on standard error: "blkback: d3/51712: ring lies, ...". */
#ifndef PV_BACKENDS_COMMON_LOG_H
#define PV_BACKENDS_COMMON_LOG_H

#include <stdbool.h>

/* What every line begins with, then: program, or program and device. */
void log_name(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for what a guest can provoke: a few lines a minute. */
void log_guest(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
