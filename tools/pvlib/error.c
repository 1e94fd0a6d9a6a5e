/* SPDX-License-Identifier: MIT */
/*
 * The text of the last failure, one for each thread, and opening devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/pvlib/internal.h"

#define TEXT_MAX 256

static _Thread_local char text[TEXT_MAX] = "no error";

const char *pv_error(void)
{
	return text;
}

static void note(int err, const char *fmt, va_list ap)
{
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	if (n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s",
			 strerror(err));
}

int pv_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(err, fmt, ap);
	va_end(ap);
	return -err;
}

void *pv_fail_null(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(err, fmt, ap);
	va_end(ap);
	errno = err;
	return NULL;
}

int pv_open_device(const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/xen/%s", name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		pv_fail_null(errno, "open %s", path);
	return fd;
}
