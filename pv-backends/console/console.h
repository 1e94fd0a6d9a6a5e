/* SPDX-License-Identifier: MIT */
/* The parts of the console backend. */
#ifndef PV_BACKENDS_CONSOLE_CONSOLE_H
#define PV_BACKENDS_CONSOLE_CONSOLE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the log file (logfile.c) ----------------------------------------------------- */

struct logfile {
	int fd, old_fd; /* FILE and FILE.1; -1: there is none */
	uint64_t bytes, limit;
};

/* path NULL: no log.  0, or a negative errno. */
int logfile_open(struct logfile *l, const char *path, bool append);
void logfile_write(struct logfile *l, const char *text, size_t bytes);
/* The length of the file, modulo 2^32; and to make it that again, if it is
 * longer by at most that many bytes. */
uint32_t logfile_mark(const struct logfile *l);
void logfile_cut(struct logfile *l, uint32_t mark, uint32_t most);
void logfile_close(struct logfile *l);

/* ---- people who look at it (viewers.c) ---------------------------------------------- */

struct viewers;

struct viewers_ops {
	/* Bytes typed, by the pty or by the client that may write. */
	void (*typed)(void *owner, const char *text, size_t bytes);
	/* How many bytes may be typed now; 0: later, viewers_more() says. */
	size_t (*room)(void *owner);
};

/* Make the pty and the socket.  NULL with errno. */
struct viewers *viewers_open(struct ev_loop *loop, const char *socket,
			     const struct viewers_ops *ops, void *owner);
void viewers_close(struct viewers *v);
const char *viewers_tty(const struct viewers *v);
/* Show that to all, and to those who come later as far as it is remembered. */
void viewers_show(struct viewers *v, const char *text, size_t bytes);
/* There is room again for what is typed. */
void viewers_more(struct viewers *v);

#endif
