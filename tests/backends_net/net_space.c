/* SPDX-License-Identifier: MIT */
/* Two network namespaces, and traffic between them. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/backends/domain.h"
#include "tests/backends_net/net_space.h"

enum {
	TCP_PORT = 7001,
	UDP_PORT = 7002,
	UDP_MAX = 4000,
};

static char name[2][32];
static int space[2] = {-1, -1};

const char *run_in(enum side side, const char *fmt, ...)
{
	static char output[8192];
	char command[512];
	va_list ap;
	size_t n;
	FILE *p;
	int len = snprintf(command, sizeof(command), "ip netns exec %s ",
			   name[side]);

	va_start(ap, fmt);
	vsnprintf(command + len, sizeof(command) - (size_t)len, fmt, ap);
	va_end(ap);
	p = popen(command, "r");
	n = p ? fread(output, 1, sizeof(output) - 1, p) : 0;
	output[n] = '\0';
	if (!p || pclose(p))
		die("%s: failed", command);
	return output;
}

static void enter(enum side side)
{
	if (setns(space[side], CLONE_NEWNET))
		die("enter %s: %s", name[side], strerror(errno));
}

static bool make_space(enum side side, const char *what)
{
	char command[128], path[128];

	snprintf(name[side], sizeof(name[side]), "pv%s%d", what, getpid());
	snprintf(command, sizeof(command), "ip netns add %s 2>/dev/null",
		 name[side]);
	if (system(command))
		return false;
	snprintf(path, sizeof(path), "/run/netns/%s", name[side]);
	space[side] = open(path, O_RDONLY | O_CLOEXEC);
	return space[side] >= 0;
}

static void spaces_remove(void)
{
	char command[128];

	for (int i = 0; i < 2; i++) {
		if (space[i] < 0)
			continue;
		close(space[i]);
		space[i] = -1;
		snprintf(command, sizeof(command), "ip netns del %s", name[i]);
		if (system(command))
			printf("# %s: failed\n", command);
	}
}

bool spaces_make(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	atexit(spaces_remove);
	if (!make_space(CONTROL, "c") || !make_space(GUEST, "g"))
		return false;
	enter(CONTROL);
	run_in(CONTROL, "ip link set lo up");
	run_in(CONTROL, "ip link add br0 mtu 1500 type bridge");
	run_in(CONTROL, "ip addr add 10.9.0.1/24 dev br0");
	run_in(CONTROL, "ip addr add fd09::1/64 dev br0 nodad");
	run_in(CONTROL, "ip link set br0 up");
	return true;
}

void guest_tap_make(unsigned int queues, bool offloads, int *fds)
{
	struct ifreq ifr = {
		.ifr_name = "eth0",
		.ifr_flags =
			IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE,
	};
	unsigned long offload =
		offloads ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 : 0;

	enter(GUEST);
	for (unsigned int i = 0; i < queues; i++) {
		fds[i] = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fds[i] < 0 || ioctl(fds[i], TUNSETIFF, &ifr) ||
		    ioctl(fds[i], TUNSETOFFLOAD, offload))
			die("the guest's TAP: %s", strerror(errno));
	}
	enter(CONTROL);
	run_in(GUEST, "ip link set lo up");
	run_in(GUEST, "ip addr add 10.9.0.2/24 dev eth0");
	run_in(GUEST, "ip addr add fd09::2/64 dev eth0 nodad");
	run_in(GUEST, "ip link set eth0 up");
}

void guest_tap_remove(unsigned int queues, const int *fds)
{
	for (unsigned int i = 0; i < queues; i++)
		close(fds[i]);
}

/* ---- sockets ------------------------------------------------------------------------ */

static socklen_t address(struct sockaddr_storage *sa, enum net net,
			 enum side side, uint16_t port)
{
	static const char *const text[][2] = {
		[NET_V4] = {"10.9.0.1", "10.9.0.2"},
		[NET_V6] = {"fd09::1", "fd09::2"},
	};
	struct sockaddr_in *in = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;

	memset(sa, 0, sizeof(*sa));
	if (net == NET_V6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		inet_pton(AF_INET6, text[net][side], &in6->sin6_addr);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	inet_pton(AF_INET, text[net][side], &in->sin_addr);
	return sizeof(*in);
}

/* In a child: why it failed, for people; then it ends. */
static void fail(const char *what)
{
	fprintf(stderr, "# traffic: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static int bound(enum net net, enum side side, int type, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = address(&sa, net, side, port);
	int one = 1, fd = socket(sa.ss_family, type | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len))
		fail("bind");
	return fd;
}

static int connected(enum net net, enum side to, int type, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = address(&sa, net, to, port);
	int fd = socket(sa.ss_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, len))
		fail("connect");
	return fd;
}

/* A child in a namespace, with a time limit. */
static pid_t child(enum side side)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid)
		return pid;
	alarm(PATIENCE);
	if (setns(space[side], CLONE_NEWNET))
		fail("setns");
	return 0;
}

static void finish(pid_t pid, const char *who)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("the %s failed (0x%x)", who, (unsigned int)status);
}

/* ---- TCP ------------------------------------------------------------------------------- */

/* Byte n of what is sent. */
static unsigned char byte_of(unsigned long n)
{
	return (unsigned char)(n * 2654435761u >> 13 ^ n >> 16);
}

static void send_all(int fd, unsigned long bytes, int stop)
{
	static unsigned char buffer[65536];
	unsigned long at = 0;

	while (!bytes || at < bytes) {
		size_t n = sizeof(buffer), done = 0;
		struct pollfd p = {.fd = stop, .events = POLLIN};

		if (bytes && bytes - at < n)
			n = bytes - at;
		if (!bytes && poll(&p, 1, 0))
			break;
		for (size_t i = 0; i < n; i++)
			buffer[i] = byte_of(at + i);
		while (done < n) {
			ssize_t w = write(fd, buffer + done, n - done);

			if (w < 0)
				fail("send");
			done += (size_t)w;
		}
		at += n;
	}
	/* How many, for a receiver that does not know. */
	if (write(fd, &at, sizeof(at)) != sizeof(at) || shutdown(fd, SHUT_WR))
		fail("send the end");
	if (read(fd, buffer, 1) != 1)
		fail("the receiver's word");
}

static void receive_all(int fd)
{
	static unsigned char buffer[65536 + sizeof(unsigned long)];
	unsigned long at = 0, said;
	size_t kept = 0;

	for (;;) {
		ssize_t r = read(fd, buffer + kept, 65536);
		size_t i, n;

		if (r < 0)
			fail("receive");
		if (!r)
			break;
		n = kept + (size_t)r;
		/* The last eight bytes may be the number. */
		for (i = 0; i + sizeof(said) < n; i++, at++)
			if (buffer[i] != byte_of(at))
				fail("a byte is wrong");
		memmove(buffer, buffer + i, n - i);
		kept = n - i;
	}
	memcpy(&said, buffer, sizeof(said));
	if (kept != sizeof(said) || said != at) {
		fprintf(stderr, "# %lu bytes came, %lu were sent\n", at, said);
		_exit(1);
	}
	if (write(fd, "", 1) != 1)
		fail("say that it is right");
}

void traffic_start(struct traffic *tr, enum net net, enum side from,
		   unsigned long bytes)
{
	enum side to = from == CONTROL ? GUEST : CONTROL;
	int ready[2], stop[2];
	uint16_t port = (uint16_t)(TCP_PORT + 10 * from + (int)net);
	char c;

	if (pipe2(ready, O_CLOEXEC) || pipe2(stop, O_CLOEXEC))
		die("pipe");
	tr->receiver = child(to);
	if (!tr->receiver) {
		int fd = bound(net, to, SOCK_STREAM, port);

		if (listen(fd, 1) || write(ready[1], "", 1) != 1)
			fail("listen");
		receive_all(accept(fd, NULL, NULL));
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		die("the receiver does not listen");
	close(ready[0]);
	tr->sender = child(from);
	if (!tr->sender) {
		close(stop[1]);
		send_all(connected(net, to, SOCK_STREAM, port), bytes, stop[0]);
		_exit(0);
	}
	tr->stop = stop[1];
	tr->stop_end = stop[0];
}

void traffic_end(struct traffic *tr)
{
	/* Not its end: other children have it, too. */
	if (write(tr->stop, "", 1) != 1)
		die("stop the sender");
	close(tr->stop);
	close(tr->stop_end);
	finish(tr->sender, "sender");
	finish(tr->receiver, "receiver");
}

void transfer(enum net net, enum side from, unsigned long bytes)
{
	struct traffic tr;

	traffic_start(&tr, net, from, bytes);
	traffic_end(&tr);
}

/* ---- UDP ---------------------------------------------------------------------------------- */

static void answer_questions(int fd)
{
	struct sockaddr_storage from;
	unsigned char data[UDP_MAX];

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data), 0,
				     (struct sockaddr *)&from, &len);

		if (n < 0)
			fail("recvfrom");
		if (sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from,
			   len) != n)
			fail("sendto");
		if (n == 1)
			_exit(0);
	}
}

/* One question, until its answer has come. */
static void ask(int fd, size_t bytes, unsigned int nr)
{
	unsigned char data[UDP_MAX], back_data[UDP_MAX];
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (size_t i = 0; i < bytes; i++)
		data[i] = byte_of(i + nr * 977);
	for (;;) {
		if (send(fd, data, bytes, 0) < 0 && errno != ECONNREFUSED)
			fail("send");
		if (poll(&p, 1, 200) <= 0)
			continue;
		if (recv(fd, back_data, sizeof(back_data), 0) ==
			    (ssize_t)bytes &&
		    !memcmp(data, back_data, bytes))
			return;
	}
}

void exchange(enum net net, unsigned int times)
{
	pid_t server = child(GUEST), client;

	if (!server)
		answer_questions(bound(net, GUEST, SOCK_DGRAM, UDP_PORT));
	client = child(CONTROL);
	if (!client) {
		int fd = connected(net, GUEST, SOCK_DGRAM, UDP_PORT);

		for (unsigned int i = 0; i < times; i++)
			ask(fd, 2 + i * 37 % (UDP_MAX - 2), i);
		ask(fd, 1, 0);
		_exit(0);
	}
	finish(client, "client");
	finish(server, "server");
}

void shout(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(9)};
	int one = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "10.9.0.255", &sa.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	if (sendto(fd, "hello", 5, 0, (struct sockaddr *)&sa, sizeof(sa)) != 5)
		die("broadcast: %s", strerror(errno));
	close(fd);
}
