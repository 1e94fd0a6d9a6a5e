/* SPDX-License-Identifier: MIT */
/* The daemon's log: a file, standard error, or the system's log. */
#include <fcntl.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "tools/store/daemon.h"

static int log_fd = STDERR_FILENO;

void log_open(const char *file, bool foreground)
{
	int fd;

	if (file) {
		fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			  0640);
		if (fd < 0)
			return;
		if (log_fd > STDERR_FILENO)
			close(log_fd);
		log_fd = fd;
	} else if (!foreground) {
		openlog("parapet-stored", LOG_PID, LOG_DAEMON);
		log_fd = -1;
	}
}

void log_line(const char *text)
{
	char line[640];
	struct tm tm;
	time_t now;
	int n;

	if (log_fd < 0) {
		syslog(LOG_NOTICE, "%s", text);
		return;
	}
	now = time(NULL);
	gmtime_r(&now, &tm);
	n = (int)strftime(line, 32, "%Y-%m-%dT%H:%M:%SZ ", &tm);
	n += snprintf(line + n, sizeof(line) - (size_t)n, "%s\n", text);
	if ((size_t)n >= sizeof(line))
		n = sizeof(line) - 1;
	if (write(log_fd, line, (size_t)n) < 0)
		return;
}
