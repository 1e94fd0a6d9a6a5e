/* SPDX-License-Identifier: MIT */
/*
 * The own ring of a console, beside the stock one, against a small kernel's
 * console in this program: both are one to those who look, and what comes by
 * either is in the log exactly once, whatever happens to the process.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "pv-frontends/mini/con.h"
#include "tests/backends/console_bed.h"

/* The own ring beside it. */
static struct {
	struct port port;
	struct pv_con_dir *dir;
	struct mini_con con;
	double until;
} own;

enum {
	OUT_PAGES = 4,
	IN_PAGES = 1,
};

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

/* It gets some time to read, and is left behind then. */
static void own_slow_client(void **state)
{
	static char text[1 << 20];
	int fd;

	(void)state;
	start_console();
	start_own();
	fd = connect_client();
	own_write("hello\n", 6);
	expect_seen(fd, "hello\n");
	memset(text, 'x', sizeof(text));
	own_write(text, sizeof(text));
	own_wait_taken();
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

/* It has ended, and may begin again. */
static void close_own(void)
{
	put(&bed, FRONT_OWN "/state", "6");
	wait_for(&bed, BACK_OWN "/state", "6");
	put(&bed, FRONT_OWN "/state", "1");
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
		close_own();
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
	close_own();
	start_own();
	PV_STORE(own.con.shared->front.cons, 1); /* before anything is there */
	send_event(&own.port);
	wait_for(&bed, BACK_OWN "/state", "5");
	assert_true(is(&bed, ERROR, wrong));
	close_own();
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
		cmocka_unit_test(both_rings_are_one_console),
		cmocka_unit_test(own_long_paste),
		cmocka_unit_test(own_slow_client),
		cmocka_unit_test(window_is_told),
		cmocka_unit_test(own_killed_while_writing),
		cmocka_unit_test(own_closes_and_comes_again),
		cmocka_unit_test(own_closes_on_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
