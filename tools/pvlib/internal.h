/* SPDX-License-Identifier: MIT */
/* What the files of libpv share. */
#ifndef TOOLS_PVLIB_INTERNAL_H
#define TOOLS_PVLIB_INTERNAL_H

#include <sys/ioctl.h>

#include "tools/pvlib/pv.h"

#define SCRATCH_BYTES (64u << 10)

struct pv {
	int fd; /* /dev/xen/privcmd                                   */
	int buffer_fd; /* /dev/xen/hypercall, or -1: an old kernel    */
	void *scratch; /* SCRATCH_BYTES that hypercalls may use       */
};

/* Note the error's text, and return -err. */
int pv_fail(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same with errno; NULL. */
void *pv_fail_null(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Open a device of the kernel, named after /dev/xen/; -1 and the text. */
int pv_open_device(const char *name, int flags);

/* A request that the kernel numbers by letter, number and size. */
#define XEN_IOC(letter, nr, size) _IOC(_IOC_NONE, letter, nr, size)

#endif
