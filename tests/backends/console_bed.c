/* SPDX-License-Identifier: MIT */
/* A console's backend, and the guest's end of the stock ring. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/backends/console_bed.h"

struct testbed bed;
struct pv_xencons_interface *ring;
struct port port;
char log_path[256];

void start_console(void)
{
	testbed_start(&bed, 64);
	ring = frame(&bed, 0); /* the grant that is kept for it */
	memset(ring, 0, sizeof(*ring));
	port = make_port(&bed);
	snprintf(log_path, sizeof(log_path), "%s/console.log", bed.dir);
	put(&bed, HOME "/port", "%u", port.nr);
	put(&bed, HOME "/ring-ref", "%u", 4711);
	put(&bed, BACK "/log", "%s", log_path);
	put(&bed, BACK "/log-append", "0");
	put(&bed, BACK "/online", "1");
	put(&bed, BACK "/frontend", HOME);
	put(&bed, FRONT_OWN "/backend", BACK_OWN);
	put(&bed, FRONT_OWN "/state", "1");
	put(&bed, BACK_OWN "/frontend", FRONT_OWN);
	put(&bed, BACK_OWN "/online", "1");
	put(&bed, BACK_OWN "/state", "1");
	put(&bed, BACK "/state", "1");
	/* Not before: it is told of a device once, when all of it is there. */
	start_backend(&bed, "parapet-consoled");
	wait_for(&bed, BACK "/state", "4");
}

void stop_console(void)
{
	put(&bed, BACK "/online", "0");
	put(&bed, BACK "/state", "5");
	wait_for(&bed, BACK "/state", "6");
	testbed_stop(&bed);
}

/* As a guest's kernel writes: what fits, then an event, then again. */
void guest_write(const char *text, size_t bytes)
{
	double until = now() + PATIENCE;

	while (bytes) {
		uint32_t prod = ring->out_prod, sent = 0;
		uint32_t cons =
			__atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);

		while (bytes && prod - cons < XENCONS_OUT_SIZE) {
			ring->out[prod++ % XENCONS_OUT_SIZE] = *text++;
			bytes--;
			sent++;
		}
		__atomic_store_n(&ring->out_prod, prod, __ATOMIC_RELEASE);
		if (sent)
			send_event(&port);
		else
			wait_event(&port, now() + 0.05);
		if (now() > until)
			die("the guest cannot write");
	}
}

void wait_taken(void)
{
	double until = now() + PATIENCE;

	while (__atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) !=
	       ring->out_prod) {
		if (now() > until)
			die("what the guest wrote is not read");
		wait_event(&port, now() + 0.05);
	}
}

char *read_file(const char *path, size_t *bytes)
{
	FILE *in = fopen(path, "re");
	char *text = malloc(8 << 20);

	assert_non_null(in);
	*bytes = fread(text, 1, (8 << 20) - 1, in);
	text[*bytes] = '\0';
	fclose(in);
	return text;
}

void expect_log(const char *want, size_t bytes)
{
	size_t there;
	char *text;

	wait_taken();
	text = read_file(log_path, &there);
	assert_int_equal(there, bytes);
	assert_memory_equal(text, want, bytes);
	free(text);
}

int connect_client(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *path = get(&bed, HOME "/socket");

	assert_non_null(path);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	free(path);
	assert_int_equal(connect(fd, (void *)&addr, sizeof(addr)), 0);
	return fd;
}

/* Read from a client until it has seen that text. */
void expect_seen(int fd, const char *want)
{
	static char seen[64 << 10];
	double until = now() + PATIENCE;
	size_t n = 0;

	memset(seen, 0, sizeof(seen));
	while (!strstr(seen, want)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t got;

		if (now() > until)
			die("not seen: %s", want);
		if (poll(&p, 1, 100) <= 0)
			continue;
		got = read(fd, seen + n, sizeof(seen) - 1 - n);
		if (got <= 0)
			die("the client was disconnected");
		n += (size_t)got;
	}
}

void expect_typed(const char *want)
{
	double until = now() + PATIENCE;
	size_t n = 0;

	while (want[n]) {
		uint32_t cons = ring->in_cons;

		if (__atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE) == cons) {
			if (now() > until)
				die("not typed: %s", want + n);
			wait_event(&port, now() + 0.05);
			continue;
		}
		if (ring->in[cons % XENCONS_IN_SIZE] != want[n])
			die("typed '%c', not \"%s\"",
			    ring->in[cons % XENCONS_IN_SIZE], want + n);
		n++;
		__atomic_store_n(&ring->in_cons, cons + 1, __ATOMIC_RELEASE);
		send_event(&port);
	}
}
