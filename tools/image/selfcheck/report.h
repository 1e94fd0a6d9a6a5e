/* SPDX-License-Identifier: MIT */
/*
 * Reports of programs that check the machine they run on.
 */
#ifndef TOOLS_IMAGE_REPORT_H
#define TOOLS_IMAGE_REPORT_H

/* Print "PASS name: detail" or "FAIL name: detail", and count it. */
void report(int ok, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Print "program: N passed, N failed"; 0 if all passed, else 1. */
int report_end(const char *program);

#endif
