/* SPDX-License-Identifier: MIT */
/*
 * Traffic between a guest and the control domain, for guest_net.py.
 *
 *	net-traffic serve PORT		for any number of clients
 *	net-traffic send|receive|trip|ask HOST PORT COUNT
 *
 * send and receive: MiB of TCP, each byte checked by the receiver; trip: round
 * trips of one byte; ask: datagrams of all sizes, answered.  Prints one line,
 * "send 10.9.0.1: 123.4 MiB/s".
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PERIOD = 65521, /* a prime: bytes repeat, but at no power of two */
	DATAGRAM = 4000,
	ANSWER_MS = 500,
};

static unsigned char pattern[2 * PERIOD + 65536];

static void die(const char *what)
{
	fprintf(stderr, "net-traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void all_of(int fd, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes) {
		ssize_t n = write(fd, at, bytes);

		if (n <= 0)
			die("send");
		at += n;
		bytes -= (size_t)n;
	}
}

static void send_bytes(int fd, uint64_t bytes)
{
	uint64_t at = 0;
	char done;

	while (at < bytes) {
		size_t n = bytes - at < 65536 ? (size_t)(bytes - at) : 65536;

		all_of(fd, pattern + at % PERIOD, n);
		at += n;
	}
	if (read(fd, &done, 1) != 1)
		die("the receiver's word");
}

static void receive_bytes(int fd, uint64_t bytes)
{
	static unsigned char buffer[65536];
	uint64_t at = 0;

	while (at < bytes) {
		ssize_t n = read(fd, buffer, sizeof(buffer));

		if (n <= 0)
			die("receive");
		if (memcmp(buffer, pattern + at % PERIOD, (size_t)n)) {
			errno = EBADMSG;
			die("receive");
		}
		at += (uint64_t)n;
	}
	all_of(fd, "", 1);
}

static void trips(int fd, uint64_t times)
{
	char byte = 0;

	while (times--) {
		all_of(fd, &byte, 1);
		if (read(fd, &byte, 1) != 1)
			die("trip");
	}
}

static void echo(int fd)
{
	char byte;

	while (read(fd, &byte, 1) == 1)
		all_of(fd, &byte, 1);
}

/* ---- serving ---------------------------------------------------------------------- */

struct wish {
	uint64_t kind, count;
};

static void serve_one(int fd)
{
	struct wish w;
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (recv(fd, &w, sizeof(w), MSG_WAITALL) != sizeof(w))
		die("a client");
	if (w.kind == 's')
		receive_bytes(fd, w.count);
	else if (w.kind == 'r')
		send_bytes(fd, w.count);
	else
		echo(fd);
	exit(0);
}

static void answer(int fd)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char data[DATAGRAM];
	ssize_t n = recvfrom(fd, data, sizeof(data), 0,
			     (struct sockaddr *)&from, &len);

	if (n > 0 &&
	    sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from, len) < 0)
		return;
}

static int bound(const char *port, int type)
{
	struct addrinfo hints = {.ai_family = AF_INET6,
				 .ai_socktype = type,
				 .ai_flags = AI_PASSIVE},
			*ai;
	int fd, one = 1;

	if (getaddrinfo(NULL, port, &hints, &ai))
		die("address");
	fd = socket(ai->ai_family, type, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, ai->ai_addr, ai->ai_addrlen))
		die("bind");
	return fd;
}

static void serve(const char *port)
{
	struct pollfd fd[2] = {
		{.fd = bound(port, SOCK_STREAM), .events = POLLIN},
		{.fd = bound(port, SOCK_DGRAM), .events = POLLIN},
	};

	if (listen(fd[0].fd, 16))
		die("listen");
	for (;;) {
		int client;

		if (poll(fd, 2, -1) < 0)
			continue;
		if (fd[1].revents)
			answer(fd[1].fd);
		if (!fd[0].revents)
			continue;
		client = accept(fd[0].fd, NULL, NULL);
		if (!fork())
			serve_one(client);
		close(client);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* ---- asking ------------------------------------------------------------------------- */

static int connected(const char *host, const char *port, int type)
{
	struct addrinfo hints = {.ai_socktype = type}, *ai;
	int fd, one = 1;

	if (getaddrinfo(host, port, &hints, &ai))
		die(host);
	fd = socket(ai->ai_family, type, 0);
	if (fd < 0 || connect(fd, ai->ai_addr, ai->ai_addrlen))
		die("connect");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void ask(int fd, uint64_t times)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	unsigned char data[DATAGRAM];

	for (uint64_t i = 0; i < times; i++) {
		size_t bytes = 1 + i * 37 % (DATAGRAM - 1);
		bool right = false;

		while (!right) {
			const unsigned char *sent = pattern + i % PERIOD;

			if (send(fd, sent, bytes, 0) < 0 &&
			    errno != ECONNREFUSED)
				die("send");
			right = poll(&p, 1, ANSWER_MS) > 0 &&
				recv(fd, data, sizeof(data), 0) ==
					(ssize_t)bytes &&
				!memcmp(data, sent, bytes);
		}
	}
}

int main(int argc, char **argv)
{
	struct wish w;
	uint64_t count;
	double took;
	int fd;

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)((i % PERIOD) * 2654435761u >> 16);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(argv[2]);
	if (argc != 5)
		return 2;
	count = strtoull(argv[4], NULL, 10);
	w.kind = (unsigned char)argv[1][0];
	w.count = count << 20;
	fd = connected(argv[2], argv[3],
		       w.kind == 'a' ? SOCK_DGRAM : SOCK_STREAM);
	if (w.kind != 'a')
		all_of(fd, &w, sizeof(w));
	took = now();
	if (w.kind == 's')
		send_bytes(fd, w.count);
	else if (w.kind == 'r')
		receive_bytes(fd, w.count);
	else if (w.kind == 't')
		trips(fd, count);
	else
		ask(fd, count);
	took = now() - took;
	if (w.kind == 's' || w.kind == 'r')
		printf("%s %s: %.1f MiB/s\n", argv[1], argv[2],
		       (double)count / took);
	else
		printf("%s %s: %.0f us\n", argv[1], argv[2],
		       took / (double)count * 1e6);
	return 0;
}
