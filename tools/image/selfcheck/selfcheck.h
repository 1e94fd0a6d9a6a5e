/* SPDX-License-Identifier: MIT */
/*
 * The parts of parapet-selfcheck.  Each check prints its lines by report().
 */
#ifndef TOOLS_IMAGE_SELFCHECK_H
#define TOOLS_IMAGE_SELFCHECK_H

#include "tools/image/selfcheck/report.h"

#include <stddef.h>
#include <stdint.h>

/* What the machine should be; from the kernel's command line. */
struct expected {
	const char *system; /* "native", "xen" or "parapet" */
	const char *echo; /* IPv4:PORT of an echo service, or NULL */
	long cpus; /* 0: any number */
};

/* First line of a file without its newline, or "" if it cannot be read. */
void read_line(const char *path, char *out, size_t room);

/* The n-th 64-bit word of a stream: the same for the same seed. */
uint64_t pattern_word(uint64_t seed, uint64_t n);

/* Seconds of CLOCK_MONOTONIC. */
double now(void);

void check_system(const struct expected *want);
void check_clock(void);
void check_disk(void);
void check_network(const struct expected *want);

#endif
