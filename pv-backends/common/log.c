/* SPDX-License-Identifier: MIT */
/*
 * The log: one write to standard error for each line, so that lines of several
 * processes do not mix.  The toolstack collects them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pv-backends/common/log.h"

enum {
	GUEST_LINES = 20,
	GUEST_SECONDS = 60,
};

static char name[64] = "backend";

void log_name(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
}

static void put(const char *fmt, va_list ap)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "%s: ", name);

	n += vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	if ((size_t)n >= sizeof(line) - 1)
		n = sizeof(line) - 2;
	/* Values of a guest may be in it: nothing that moves a cursor. */
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(fmt, ap);
	va_end(ap);
}

void log_guest(const char *fmt, ...)
{
	static unsigned int left = GUEST_LINES, kept_back;
	static time_t since;
	time_t now = time(NULL);
	va_list ap;

	if (now - since >= GUEST_SECONDS) {
		if (kept_back)
			log_line("%u lines were left out", kept_back);
		since = now;
		left = GUEST_LINES;
		kept_back = 0;
	}
	if (!left) {
		kept_back++;
		return;
	}
	left--;
	va_start(ap, fmt);
	put(fmt, ap);
	va_end(ap);
}
