/* SPDX-License-Identifier: MIT */
/*
 * Log lines: "room: subject verb, key=value", one fact a line, no newline in
 * the format.  A line that a guest can provoke is log_guest: debug level and
 * rate-limited.
 */
#ifndef HV_LIB_LOG_H
#define HV_LIB_LOG_H

#include "hv/lib/types.h"

enum log_level {
	LOG_ERR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG
};

void log_line(enum log_level level, const char *fmt, ...) PRINTF(2);
/* True a few times a second: the budget for lines that guests provoke. */
bool log_guest_allowed(void);

#define log_err(...)   log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_guest(...)                                                         \
	do {                                                                   \
		if (log_guest_allowed())                                       \
			log_line(LOG_DEBUG, __VA_ARGS__);                      \
	} while (0)

#endif /* HV_LIB_LOG_H */
