/* SPDX-License-Identifier: MIT */
/*
 * The network: a megabyte to an echo service on the QEMU host and back.
 *
 * Both directions run at once, so the card's rings are full and interrupts
 * for sending and receiving overlap.
 */
#include "tools/image/selfcheck/selfcheck.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOTAL        (1u << 20) /* bytes each way */
#define POLL_SECONDS 60 /* without any progress */

static int connect_to(const char *where)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	char host[64];
	unsigned int port;
	int fd;

	if (sscanf(where, "%63[0-9.]:%u", host, &port) != 2 || port > 65535 ||
	    inet_pton(AF_INET, host, &to.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	to.sin_port = htons((uint16_t)port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK)) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Returns bytes moved; -1 with errno set. */
static ssize_t exchange(int fd, const uint8_t *out, uint8_t *in)
{
	size_t sent = 0, got = 0;

	while (got < TOTAL) {
		struct pollfd p = {
			.fd = fd,
			.events = POLLIN | (sent < TOTAL ? POLLOUT : 0),
		};
		int rc = poll(&p, 1, POLL_SECONDS * 1000);
		ssize_t n;

		if (rc <= 0) {
			errno = rc ? errno : ETIMEDOUT;
			return -1;
		}
		if (p.revents & POLLOUT) {
			n = send(fd, out + sent, TOTAL - sent, MSG_NOSIGNAL);
			if (n > 0)
				sent += (size_t)n;
			else if (errno != EAGAIN)
				return -1;
		}
		if (!(p.revents & (POLLIN | POLLHUP | POLLERR)))
			continue;
		n = recv(fd, in + got, TOTAL - got, 0);
		if (n == 0)
			break;
		if (n < 0 && errno != EAGAIN)
			return -1;
		if (n > 0)
			got += (size_t)n;
	}
	return (ssize_t)got;
}

static void check_echo(const char *where, int fd)
{
	uint8_t *out = malloc(TOTAL), *in = malloc(TOTAL);
	uint64_t word;
	double began = now();
	ssize_t got;

	if (!out || !in) {
		report(0, "network", "out of memory");
		goto free_buffers;
	}
	for (size_t i = 0; i < TOTAL / 8; i++) {
		word = pattern_word(1, i);
		memcpy(out + i * 8, &word, 8);
	}
	got = exchange(fd, out, in);
	if (got < 0)
		report(0, "network", "%s: %s", where, strerror(errno));
	else
		report(got == TOTAL && !memcmp(in, out, TOTAL), "network",
		       "%s: %zd of %u bytes echoed in %.1f s, %s", where, got,
		       TOTAL, now() - began,
		       got == TOTAL && !memcmp(in, out, TOTAL)
			       ? "all right"
			       : "not the same");
free_buffers:
	free(out);
	free(in);
}

void check_network(const struct expected *want)
{
	int fd;

	if (!want->echo)
		return;
	fd = connect_to(want->echo);
	if (fd < 0) {
		report(0, "network", "%s: %s", want->echo, strerror(errno));
		return;
	}
	check_echo(want->echo, fd);
	close(fd);
}
