/* SPDX-License-Identifier: MIT */
/*
 * The console backend against a guest in this program: what the guest writes
 * has to be in the log exactly once, whatever happens to the process.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/backends/console_bed.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guest_to_log_and_clients),
		cmocka_unit_test(long_paste),
		cmocka_unit_test(killed_while_writing),
		cmocka_unit_test(slow_client),
		cmocka_unit_test(log_turns_over),
		cmocka_unit_test(closes_on_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
