/* SPDX-License-Identifier: MIT */
/*
 * A TCP connection: bytes to the peer, bytes from it, and one byte to and fro.
 *
 * A batch is a connection of its own that begins with what the peer shall do.
 * Sent bytes count once the peer has acknowledged to have read all.
 */
#include "tests/bench/pvio/pvio.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CHUNK = 128 << 10,
	MIB = 1 << 20,
};

enum wish_kind {
	PEER_READS,
	PEER_WRITES,
	PEER_ECHOES,
};

struct wish {
	uint64_t kind, bytes;
};

static char chunk[CHUNK];

static void write_all(int fd, uint64_t bytes)
{
	while (bytes) {
		size_t want = bytes < CHUNK ? (size_t)bytes : CHUNK;
		ssize_t n = write(fd, chunk, want);

		if (n <= 0)
			die("send");
		bytes -= (uint64_t)n;
	}
}

static void read_all(int fd, uint64_t bytes)
{
	while (bytes) {
		size_t want = bytes < CHUNK ? (size_t)bytes : CHUNK;
		ssize_t n = read(fd, chunk, want);

		if (n <= 0)
			die("receive");
		bytes -= (uint64_t)n;
	}
}

static void no_delay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static struct sockaddr_in address_of(const char *host, const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET};

	a.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
		die(host);
	return a;
}

/* ---- the peer ---------------------------------------------------------------- */

static void serve_one(int fd)
{
	struct wish w;

	if (recv(fd, &w, sizeof(w), MSG_WAITALL) != sizeof(w))
		_exit(1);
	if (w.kind == PEER_READS) {
		read_all(fd, w.bytes);
		write_all(fd, 1);
	} else if (w.kind == PEER_WRITES) {
		write_all(fd, w.bytes);
	} else {
		while (read(fd, chunk, 1) == 1)
			write_all(fd, 1);
	}
	_exit(0);
}

void serve_net(const char *port)
{
	struct sockaddr_in any = address_of("0.0.0.0", port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	signal(SIGCHLD, SIG_IGN);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) ||
	    listen(fd, 8))
		die("listen");
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client < 0)
			continue;
		no_delay(client);
		if (!fork())
			serve_one(client);
		close(client);
	}
}

/* ---- the one that measures ------------------------------------------------------ */

static struct sockaddr_in peer;

static int ask(enum wish_kind kind, uint64_t bytes)
{
	struct wish w = {kind, bytes};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&peer, sizeof(peer)))
		die("connect");
	no_delay(fd);
	if (send(fd, &w, sizeof(w), 0) != sizeof(w))
		die("send");
	return fd;
}

/* Seconds. */
static double transfer(enum wish_kind kind, uint64_t bytes)
{
	int fd = ask(kind, bytes);
	double began = now();

	if (kind == PEER_READS) {
		write_all(fd, bytes);
		read_all(fd, 1);
	} else {
		read_all(fd, bytes);
	}
	began = now() - began;
	close(fd);
	return began;
}

static void measure_transfer(const char *metric, enum wish_kind kind)
{
	double figure[MAX_BATCHES], took;
	uint64_t mib = 4;

	if (!wanted(metric))
		return;
	while ((took = transfer(kind, mib * MIB)) < effort.seconds)
		mib = took < effort.seconds / 4
			      ? mib * 2
			      : mib +
					(uint64_t)((effort.seconds / took - 1) *
						   (double)mib) +
					1;
	for (unsigned int i = 0; i < effort.batches; i++)
		figure[i] = (double)mib / transfer(kind, mib * MIB);
	report(metric, figure);
}

/* Microseconds for one byte to the peer and back. */
static double round_trips(int fd)
{
	double began = now(), took;
	uint64_t n = 0;

	do {
		for (int i = 0; i < 8; i++, n++) {
			write_all(fd, 1);
			read_all(fd, 1);
		}
		took = now() - began;
	} while (took < effort.seconds);
	return took / (double)n * 1e6;
}

static void measure_round_trips(const char *metric)
{
	double figure[MAX_BATCHES];
	int fd;

	if (!wanted(metric))
		return;
	fd = ask(PEER_ECHOES, 0);
	round_trips(fd);
	for (unsigned int i = 0; i < effort.batches; i++)
		figure[i] = round_trips(fd);
	close(fd);
	report(metric, figure);
}

void measure_net(const char *host, const char *port)
{
	peer = address_of(host, port);
	measure_round_trips("net_rtt");
	measure_transfer("net_to_control", PEER_READS);
	measure_transfer("net_to_guest", PEER_WRITES);
}
