/* SPDX-License-Identifier: MIT */
/*
 * The console: the terminal in raw mode, bytes both ways.
 *
 * The backend's socket lets many read and one write; its pty is what is left
 * where there is no socket.  The pty also has the size of the window, from which
 * the guest learns it; who only reads leaves it alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "tools/cli/console.h"

#define ESCAPE 0x1d /* Ctrl-] */

static struct termios before;
static bool changed;

static void terminal_restore(void)
{
	if (changed)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	changed = false;
}

static void terminal_raw(void)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before))
		return;
	raw = before;
	cfmakeraw(&raw);
	atexit(terminal_restore);
	changed = !tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

/* ---- the size of the window ---------------------------------------------------- */

static int sized = -1; /* the backend's pty */

static void tell_size(int signal)
{
	int error = errno;
	struct winsize size;

	(void)signal;
	if (!ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
		ioctl(sized, TIOCSWINSZ, &size);
	errno = error;
}

static void keep_size(struct json_object *result)
{
	const char *tty = get_string(result, "tty");
	struct sigaction resized = {.sa_handler = tell_size};

	if (!*tty || !isatty(STDIN_FILENO))
		return;
	sized = open(tty, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (sized < 0)
		return;
	sigaction(SIGWINCH, &resized, NULL);
	tell_size(SIGWINCH);
}

/* ---- bytes ----------------------------------------------------------------------- */

static int open_socket(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -1;
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_console(struct json_object *result)
{
	const char *socket = get_string(result, "socket");
	const char *tty = get_string(result, "tty");
	int fd = *socket ? open_socket(socket) : -1;

	if (fd < 0 && *tty)
		fd = open(tty, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd;
}

static bool write_all(int fd, const char *p, ssize_t n)
{
	ssize_t done;

	for (; n > 0; p += done, n -= done) {
		done = write(fd, p, (size_t)n);
		if (done < 0 && errno == EINTR)
			done = 0;
		if (done < 0)
			return false;
	}
	return true;
}

/* Bytes from one to the other; false: that was the last. */
static bool carry(int from, int to, bool keys)
{
	char text[4096], *escape = NULL;
	ssize_t n = read(from, text, sizeof(text));

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	if (keys)
		escape = memchr(text, ESCAPE, (size_t)n);
	if (to < 0)
		return !escape;
	return write_all(to, text, escape ? escape - text : n) && !escape;
}

static void run(int fd, bool read_only)
{
	struct pollfd fds[2] = {
		{.fd = fd, .events = POLLIN},
		{.fd = STDIN_FILENO, .events = POLLIN},
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (fds[0].revents && !carry(fd, STDOUT_FILENO, false))
			return;
		if (!fds[1].revents)
			continue;
		if (carry(STDIN_FILENO, read_only ? -1 : fd, true))
			continue;
		/* A terminal was left; a file that ended leaves the output. */
		if (isatty(STDIN_FILENO))
			return;
		fds[1].fd = -1;
	}
}

int console_attach(struct cli *c, const char *domain, bool read_only)
{
	struct json_object *result;
	int status, fd;

	result = call(c, "console", params_domain(domain), &status);
	if (!result)
		return status;
	if (c->json) {
		print_json(result);
		json_object_put(result);
		return STATUS_OK;
	}
	fd = open_console(result);
	if (fd < 0) {
		status = complain(STATUS_FAILED, "console %s: %s", domain,
				  has(result, "tty") || has(result, "socket")
					  ? strerror(errno)
					  : "its backend has not opened it");
		json_object_put(result);
		return status;
	}
	if (!read_only)
		keep_size(result);
	json_object_put(result);
	if (isatty(STDIN_FILENO) && !c->quiet)
		fprintf(stderr, "Connected to %s; leave with Ctrl-]\n", domain);
	terminal_raw();
	run(fd, read_only);
	terminal_restore();
	if (sized >= 0)
		close(sized);
	close(fd);
	return STATUS_OK;
}
