/* SPDX-License-Identifier: MIT */
/*
 * The console backend against a guest in this program: what the guest writes
 * has to be in the log exactly once, whatever happens to the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include <pv/io/console.h>

#include "pv-frontends/mini/con.h"
#include "tests/backends/domain.h"

static struct testbed bed;
static struct pv_xencons_interface *ring;
static struct port port;

/* The own ring beside it. */
static struct {
	struct port port;
	struct pv_con_dir *dir;
	struct mini_con con;
	double until;
} own;
static char log_path[256];

#define HOME      "/local/domain/7/console"
#define BACK      "/local/domain/0/backend/console/7/0"
#define FRONT_OWN "/local/domain/7/device/pvconsole/0"
#define BACK_OWN  BACK "/own"
#define ERROR     "/local/domain/0/error/backend/console/7/0/error"

enum {
	OUT_PAGES = 4,
	IN_PAGES = 1,
};

static void start_console(void)
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

static void stop_console(void)
{
	put(&bed, BACK "/online", "0");
	put(&bed, BACK "/state", "5");
	wait_for(&bed, BACK "/state", "6");
	testbed_stop(&bed);
}

/* As a guest's kernel writes: what fits, then an event, then again. */
static void guest_write(const char *text, size_t bytes)
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

static void wait_taken(void)
{
	double until = now() + PATIENCE;

	while (__atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE) !=
	       ring->out_prod) {
		if (now() > until)
			die("what the guest wrote is not read");
		wait_event(&port, now() + 0.05);
	}
}

static char *read_file(const char *path, size_t *bytes)
{
	FILE *in = fopen(path, "re");
	char *text = malloc(8 << 20);

	assert_non_null(in);
	*bytes = fread(text, 1, (8 << 20) - 1, in);
	text[*bytes] = '\0';
	fclose(in);
	return text;
}

static void expect_log(const char *want, size_t bytes)
{
	size_t there;
	char *text;

	wait_taken();
	text = read_file(log_path, &there);
	assert_int_equal(there, bytes);
	assert_memory_equal(text, want, bytes);
	free(text);
}

static int connect_client(void)
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
static void expect_seen(int fd, const char *want)
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

static void expect_typed(const char *want)
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

static void guest_to_log_and_clients(void **state)
{
	int one, two, tty;
	char *name;

	(void)state;
	start_console();
	guest_write("first line\n", 11);
	wait_taken();
	one = connect_client();
	expect_seen(one, "first line\n");
	two = connect_client();
	expect_seen(two, "first line\n");
	name = get(&bed, HOME "/tty");
	tty = open(name, O_RDWR | O_NOCTTY);
	assert_true(tty >= 0);
	free(name);
	guest_write("second line\n", 12);
	expect_seen(one, "second line\n");
	expect_seen(two, "second line\n");
	expect_seen(tty, "second line\n");
	expect_log("first line\nsecond line\n", 23);
	/* The first client types, then the second one does; and the pty. */
	assert_int_equal(write(two, "nothing", 7), 7);
	assert_int_equal(write(one, "from one", 8), 8);
	expect_typed("from one");
	assert_int_equal(write(tty, "from the tty", 12), 12);
	expect_typed("from the tty");
	close(one);
	/* It may type once the other is seen to be gone. */
	guest_write("third line\n", 11);
	expect_seen(two, "third line\n");
	assert_int_equal(write(two, "from two", 8), 8);
	expect_typed("from two");
	close(two);
	close(tty);
	stop_console();
}

/* More than the guest's ring takes at once. */
static void long_paste(void **state)
{
	char text[5001];
	int fd;

	(void)state;
	start_console();
	fd = connect_client();
	for (int i = 0; i < 5000; i++)
		text[i] = (char)('a' + i % 26);
	text[5000] = '\0';
	assert_int_equal(write(fd, text, 5000), 5000);
	expect_typed(text);
	close(fd);
	stop_console();
}

static void killed_while_writing(void **state)
{
	enum {
		LINES = 20000,
		EACH = 16
	};
	char *text = malloc(LINES * EACH + 1);

	(void)state;
	start_console();
	for (int i = 0; i < LINES; i++)
		snprintf(text + i * EACH, EACH + 1, "line %09d.\n", i);
	for (int i = 0; i < 10; i++) {
		guest_write(text + i * LINES / 10 * EACH, LINES / 10 * EACH);
		kill_worker(&bed, "console", 0);
	}
	expect_log(text, LINES * EACH);
	free(text);
	stop_console();
}

/* A client that does not read is left behind; the guest is not. */
static void slow_client(void **state)
{
	static char text[1 << 20];
	int fd;

	(void)state;
	start_console();
	fd = connect_client();
	expect_seen((guest_write("hello\n", 6), fd), "hello\n");
	memset(text, 'x', sizeof(text));
	guest_write(text, sizeof(text));
	wait_taken();
	close(fd);
	stop_console();
}

/* 6 MiB in a log of 4: FILE.1 has the older part, nothing is lost. */
static void log_turns_over(void **state)
{
	enum {
		BYTES = 6 << 20
	};
	char *text = malloc(BYTES), *old, *new, path[300];
	size_t nr_old, nr_new;
	struct stat sb;
	int fd;

	(void)state;
	for (size_t i = 0; i < BYTES; i++)
		text[i] = (char)('!' + i * 7 % 90);
	/* Most of it is there already: the guest's rate is limited. */
	start_console();
	fd = open(log_path, O_WRONLY | O_APPEND);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, 4 << 20), 4 << 20);
	close(fd);
	kill_worker(&bed, "console", 0); /* looks how long the file is */
	guest_write(text + (4 << 20), 128 << 10);
	wait_taken();
	assert_int_equal(stat(log_path, &sb), 0);
	assert_true(sb.st_size <= 4 << 20);
	snprintf(path, sizeof(path), "%s.1", log_path);
	old = read_file(path, &nr_old);
	new = read_file(log_path, &nr_new);
	assert_int_equal(nr_old + nr_new, (4 << 20) + (128 << 10));
	assert_memory_equal(old, text, nr_old);
	assert_memory_equal(new, text + nr_old, nr_new);
	free(old);
	free(new);
	free(text);
	stop_console();
}

static void closes_on_lies(void **state)
{
	(void)state;
	start_console();
	ring->out_prod = XENCONS_OUT_SIZE + 1;
	send_event(&port);
	wait_for(&bed, BACK "/state", "5");
	assert_true(is(&bed, ERROR, "an index of the ring is impossible"));
	stop_console();
}

/* ---- the own ring ---------------------------------------------------------------- */

static void own_send(struct mini_con *m)
{
	(void)m;
	send_event(&own.port);
}

static void own_wait(struct mini_con *m)
{
	(void)m;
	if (now() > own.until)
		die("the own ring stands still");
	wait_event(&own.port, now() + 0.5);
}

static void offer_own(void)
{
	enum {
		NR = PV_CON_RING_PAGES + OUT_PAGES + IN_PAGES
	};
	unsigned int first = take_frames(&bed, 1 + NR);
	uint32_t refs[NR];

	own.port = make_port(&bed);
	own.dir = frame(&bed, first);
	memset(own.dir, 0, FRAME);
	for (unsigned int i = 0; i < NR; i++)
		refs[i] = first + 1 + i;
	own.con = (struct mini_con){.send = own_send, .wait = own_wait};
	mini_con_offer(&own.con, own.dir, frame(&bed, first + 1), refs,
		       OUT_PAGES, IN_PAGES);
	put(&bed, FRONT_OWN "/queue-0/ring-ref", "%u", first);
	put(&bed, FRONT_OWN "/queue-0/event-channel", "%u", own.port.nr);
	put(&bed, FRONT_OWN "/protocol-pv", "1");
}

static void start_own(void)
{
	wait_for(&bed, BACK_OWN "/state", "2");
	assert_true(is(&bed, BACK_OWN "/feature-parapet-ring", "1"));
	offer_own();
	put(&bed, FRONT_OWN "/state", "3");
	wait_for(&bed, BACK_OWN "/state", "4");
	put(&bed, FRONT_OWN "/state", "4");
}

static void own_write(const char *text, size_t bytes)
{
	own.until = now() + PATIENCE;
	assert_int_equal(mini_con_write(&own.con, text, bytes), 0);
}

static void own_wait_taken(void)
{
	double until = now() + PATIENCE;

	while (PV_LOAD(own.con.shared->back.cons) != own.con.ring.out.prod) {
		if (now() > until)
			die("what the guest wrote to the own ring is not read");
		wait_event(&own.port, now() + 0.01);
	}
}

static void own_expect_typed(const char *want)
{
	char got[64];

	own.until = now() + PATIENCE;
	while (*want) {
		int n = mini_con_read(&own.con, got, sizeof(got));

		assert_true(n > 0);
		assert_memory_equal(got, want, (size_t)n);
		want += n;
	}
}

static void both_rings_are_one_console(void **state)
{
	int one;

	(void)state;
	start_console();
	start_own();
	guest_write("early, ", 7);
	wait_taken();
	own_write("own, ", 5);
	own_wait_taken();
	guest_write("stock again\n", 12);
	expect_log("early, own, stock again\n", 24);
	one = connect_client();
	expect_seen(one, "early, own, stock again\n");
	/* Nobody in the guest has it open. */
	assert_int_equal(write(one, "to hvc0", 7), 7);
	expect_typed("to hvc0");
	mini_con_open(&own.con, true);
	own_write("x", 1); /* behind the event */
	own_wait_taken();
	expect_seen(one, "x");
	assert_int_equal(write(one, "to xvc0", 7), 7);
	own_expect_typed("to xvc0");
	mini_con_open(&own.con, false);
	own_write("y", 1);
	own_wait_taken();
	expect_seen(one, "y");
	assert_int_equal(write(one, "back", 4), 4);
	expect_typed("back");
	close(one);
	stop_console();
}

static void own_long_paste(void **state)
{
	static char text[50001];
	int fd;

	(void)state;
	start_console();
	start_own();
	mini_con_open(&own.con, true);
	own_write("x", 1);
	own_wait_taken();
	fd = connect_client();
	for (int i = 0; i < 50000; i++)
		text[i] = (char)('a' + i % 26);
	assert_int_equal(write(fd, text, 50000), 50000);
	own_expect_typed(text);
	close(fd);
	stop_console();
}

/* It is the pty's, and told to the guest while somebody looks. */
static void window_is_told(void **state)
{
	struct winsize size = {.ws_row = 50, .ws_col = 132};
	double until = now() + PATIENCE;
	int one, tty;
	char *name;

	(void)state;
	start_console();
	start_own();
	one = connect_client();
	name = get(&bed, HOME "/tty");
	tty = open(name, O_RDWR | O_NOCTTY);
	free(name);
	assert_int_equal(ioctl(tty, TIOCSWINSZ, &size), 0);
	while (mini_con_window(&own.con) != (50 << 16 | 132)) {
		if (now() > until)
			die("the window's size does not come");
		wait_event(&own.port, now() + 0.05);
	}
	close(one);
	close(tty);
	stop_console();
}

/* Text by turns through both rings is in the log once and in order. */
static void own_killed_while_writing(void **state)
{
	enum {
		LINES = 20000,
		EACH = 16,
		PART = LINES / 20 * EACH
	};
	char *text = malloc(LINES * EACH + 1);

	(void)state;
	start_console();
	start_own();
	for (int i = 0; i < LINES; i++)
		snprintf(text + i * EACH, EACH + 1, "line %09d.\n", i);
	for (int i = 0; i < 20; i += 2) {
		own_write(text + i * PART, PART);
		kill_worker(&bed, "console", 0);
		own_wait_taken();
		guest_write(text + (i + 1) * PART, PART);
		kill_worker(&bed, "console", 0);
		wait_taken();
	}
	expect_log(text, LINES * EACH);
	free(text);
	stop_console();
}

static void own_closes_and_comes_again(void **state)
{
	(void)state;
	start_console();
	for (int i = 0; i < 3; i++) {
		start_own();
		own_write("+", 1);
		mini_con_open(&own.con, true);
		put(&bed, FRONT_OWN "/state", "5");
		put(&bed, FRONT_OWN "/state", "6");
		wait_for(&bed, BACK_OWN "/state", "6");
		put(&bed, FRONT_OWN "/state", "1");
	}
	expect_log("+++", 3);
	/* A frontend without its keys. */
	wait_for(&bed, BACK_OWN "/state", "2");
	put(&bed, FRONT_OWN "/protocol-pv", "2");
	put(&bed, FRONT_OWN "/state", "3");
	wait_for(&bed, BACK_OWN "/state", "5");
	assert_true(
		is(&bed, ERROR, "protocol-pv: \"2\" is not a number up to 1"));
	stop_console();
}

/* Each lie ends the own ring, and nothing else. */
static void own_closes_on_lies(void **state)
{
	static const char wrong[] = "an index of the own ring is impossible";
	char byte;

	(void)state;
	start_console();
	start_own();
	PV_STORE(own.con.shared->front.prod, OUT_PAGES * FRAME + 1);
	send_event(&own.port);
	wait_for(&bed, BACK_OWN "/state", "5");
	assert_true(is(&bed, ERROR, wrong));
	put(&bed, FRONT_OWN "/state", "6");
	wait_for(&bed, BACK_OWN "/state", "6");
	put(&bed, FRONT_OWN "/state", "1");
	start_own();
	PV_STORE(own.con.shared->front.cons, 1); /* before anything is there */
	send_event(&own.port);
	wait_for(&bed, BACK_OWN "/state", "5");
	assert_true(is(&bed, ERROR, wrong));
	put(&bed, FRONT_OWN "/state", "6");
	wait_for(&bed, BACK_OWN "/state", "6");
	put(&bed, FRONT_OWN "/state", "1");
	wait_for(&bed, BACK_OWN "/state", "2");
	offer_own();
	own.dir->nr_out = 3;
	put(&bed, FRONT_OWN "/state", "3");
	wait_for(&bed, BACK_OWN "/state", "5");
	assert_true(is(&bed, ERROR, "the directory of a queue makes no sense"));
	/* So does a backend's. */
	PV_STORE(own.con.shared->back.prod, IN_PAGES * FRAME + 1);
	assert_int_equal(mini_con_poll(&own.con, &byte, 1), MINI_CON_BROKEN);
	assert_int_equal(mini_con_write(&own.con, "x", 1), MINI_CON_BROKEN);
	guest_write("still here\n", 11);
	expect_log("still here\n", 11);
	stop_console();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guest_to_log_and_clients),
		cmocka_unit_test(long_paste),
		cmocka_unit_test(killed_while_writing),
		cmocka_unit_test(slow_client),
		cmocka_unit_test(log_turns_over),
		cmocka_unit_test(closes_on_lies),
		cmocka_unit_test(both_rings_are_one_console),
		cmocka_unit_test(own_long_paste),
		cmocka_unit_test(window_is_told),
		cmocka_unit_test(own_killed_while_writing),
		cmocka_unit_test(own_closes_and_comes_again),
		cmocka_unit_test(own_closes_on_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
