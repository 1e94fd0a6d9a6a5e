/* SPDX-License-Identifier: MIT */
/*
 * One line for each check, and their sum: what run.py and the boot tests read
 * from the serial line.
 */
#include "tools/image/selfcheck/report.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned int passed, failed;

void report(int ok, const char *name, const char *format, ...)
{
	va_list ap;

	*(ok ? &passed : &failed) += 1;
	printf("%s %s: ", ok ? "PASS" : "FAIL", name);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

int report_end(const char *program)
{
	printf("%s: %u passed, %u failed\n", program, passed, failed);
	fflush(stdout);
	return failed || !passed;
}
