/* SPDX-License-Identifier: MIT */
/* The parts of the console backend. */
#ifndef PV_BACKENDS_CONSOLE_CONSOLE_H
#define PV_BACKENDS_CONSOLE_CONSOLE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pv-backends/common/limit.h"
#include "pv-backends/common/xenbus.h"
#include "pv-backends/console/stream.h"
#include "pv-backends/pvcon/pvcon.h"

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
	/* The window has that size now. */
	void (*resized)(void *owner, uint16_t rows, uint16_t columns);
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
/* Does somebody have much to read still? */
bool viewers_are_behind(const struct viewers *v);

/* ---- a console (main.c) --------------------------------------------------------------- */

/*
 * In the journal: what was taken from each ring, and how long the log was then.
 *
 * Text is logged before it is taken; so that a successor does not log again what
 * a killed process had logged and not taken, it cuts the log to where it ended
 * with the text that was taken last.  The mark is saved in one store with the
 * index of the ring that the text came from, then with that of the other.  So a
 * log that ends at either mark has nothing too much.
 */
struct console_saved {
	struct stream_saved stock;
	unsigned char pad[64 - sizeof(struct stream_saved)];
	struct pvcon_journal own;
};

struct console {
	struct xb *xb;
	struct console_saved *saved;
	struct logfile log;
	struct viewers *viewers;
	struct limit limit; /* of what is read, from both rings */
	/* The stock ring. */
	struct stream stream;
	void *page; /* NULL: not attached */
	struct bus_port port;
	struct ev_timer again;
	/* The own one; NULL: it is not offered. */
	struct pvcon *own;
};

/* Text that was copied from a ring: log it, then save what the ring had with
 * console_mark(), then show it. */
void console_log(struct console *c, const char *text, size_t bytes);
uint32_t console_mark(const struct console *c);
void console_show(struct console *c, const char *text, size_t bytes);

#endif
