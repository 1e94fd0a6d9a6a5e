/* SPDX-License-Identifier: MIT */
/* PURE  Failures as values: filled where they happen, prefixed on the way up. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/daemon/fail.h"

int fail_set(struct fail *f, enum fail_code code, const char *fmt, ...)
{
	va_list ap;

	f->code = code;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return -1;
}

int fail_prefix(struct fail *f, const char *fmt, ...)
{
	char old[sizeof(f->text)];
	va_list ap;
	int n;

	memcpy(old, f->text, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(f->text))
		snprintf(f->text + n, sizeof(f->text) - (size_t)n, ": %s", old);
	return -1;
}

enum fail_code fail_of_errno(int err)
{
	switch (err) {
	case ENOENT:
	case ESRCH:
	case ENODEV:
		return FAIL_NOT_FOUND;
	case EEXIST:
		return FAIL_EXISTS;
	case EINVAL:
	case ENOEXEC:
		return FAIL_INVALID;
	case ENOMEM:
	case ENOSPC:
	case EDQUOT:
	case EMFILE:
	case ENFILE:
		return FAIL_LIMIT;
	case EBUSY:
		return FAIL_STATE;
	case ETIMEDOUT:
		return FAIL_TIMEOUT;
	default:
		return FAIL_FAILED;
	}
}

const char *fail_code_name(enum fail_code code)
{
	static const char *const name[FAIL_CODES] = {
		[FAIL_NONE] = "none",
		[FAIL_INVALID] = "invalid",
		[FAIL_UNSUPPORTED] = "unsupported",
		[FAIL_NOT_FOUND] = "not-found",
		[FAIL_EXISTS] = "exists",
		[FAIL_STATE] = "state",
		[FAIL_LIMIT] = "limit",
		[FAIL_TIMEOUT] = "timeout",
		[FAIL_FAILED] = "failed",
	};

	return code < FAIL_CODES ? name[code] : "failed";
}
