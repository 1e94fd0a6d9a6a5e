/* SPDX-License-Identifier: MIT */
/*
 * Our library beyond libxenstore: pipelining, timeouts, depth, reasons, and
 * connecting again when the daemon was killed.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/xs/xs_ext.h"

static char dir[] = "/tmp/store-ext-XXXXXX", sock[64];
static pid_t daemon_pid;

static bool answers(void)
{
	struct xs_handle *h = xs_open_path(sock, 0);

	xs_close(h);
	return h != NULL;
}

static int start_daemon(void)
{
	const char *build = getenv("BUILD");
	char program[256], st[64];
	int i;

	snprintf(program, sizeof(program), "%s/san/bin/parapet-stored",
		 build ? build : "build");
	snprintf(st, sizeof(st), "%s/state", dir);
	daemon_pid = fork();
	if (!daemon_pid) {
		execl(program, program, "-f", "-s", sock, "-d", st, "-o",
		      "sandbox=no", NULL); /* the leak checker traces */
		_exit(127);
	}
	for (i = 0; i < 2000 && !answers(); i++)
		usleep(10000);
	return answers() ? 0 : -1;
}

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(sock, sizeof(sock), "%s/socket", dir);
	setenv("XENSTORED_PATH", sock, 1);
	return start_daemon();
}

static void kill_daemon(int sig, int want)
{
	int status;

	kill(daemon_pid, sig);
	waitpid(daemon_pid, &status, 0);
	if (want >= 0)
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == want);
}

static int stop(void **state)
{
	char cmd[128];

	(void)state;
	kill_daemon(SIGTERM, 0);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static unsigned got, errors;

static void count_reply(void *arg, int error, const void *data, size_t len)
{
	unsigned *want = arg;

	errors += error || len != 3 || memcmp(data, "OK", 3);
	if (want)
		assert_int_equal(*want, got);
	got++;
}

static void value_reply(void *arg, int error, const void *data, size_t len)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", got++);
	errors += error || len != strlen(text) || memcmp(data, text, len);
	(void)arg;
}

static void pipelined_answers_come_in_order(void **state)
{
	struct xs_handle *h = xs_open_path(sock, 0);
	char path[32], value[16];
	unsigned i;

	(void)state;
	got = errors = 0;
	for (i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "/p/%u", i);
		snprintf(value, sizeof(value), "%u", i);
		assert_true(xs_queue_write(h, 0, path, value, strlen(value),
					   count_reply, NULL));
	}
	assert_true(xs_pump(h, 0));
	assert_int_equal(got, 20000);
	got = 0;
	for (i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "/p/%u", i);
		assert_true(xs_queue_read(h, 0, path, value_reply, NULL));
		if (i % 100 == 0)
			assert_true(xs_pump(h, 50));
	}
	assert_true(xs_pump(h, 0));
	assert_int_equal(got, 20000);
	assert_int_equal(errors, 0);
	xs_close(h);
}

static void a_call_times_out(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct xs_handle *h;

	(void)state;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/deaf", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	h = xs_open_path(a.sun_path, 0);
	assert_non_null(h);
	xs_set_timeout(h, 50);
	assert_null(xs_read(h, 0, "/", NULL));
	assert_int_equal(errno, ETIMEDOUT);
	assert_null(xs_read_watch(h, &(unsigned){0}));
	assert_int_equal(errno, ETIMEDOUT);
	xs_close(h);
	close(fd);
}

static void depth_and_quota_and_reasons(void **state)
{
	struct xs_handle *h = xs_open_path(sock, 0);
	uint32_t value;
	char **e, *why;

	(void)state;
	assert_true(xs_watch_depth(h, "/depth", "t", 1));
	free(xs_read_watch(h, &(unsigned){0}));
	assert_true(xs_write(h, 0, "/depth/a/b", "", 0));
	assert_null(xs_check_watch(h));
	assert_true(xs_write(h, 0, "/depth/a", "", 0));
	e = xs_check_watch(h);
	assert_non_null(e);
	free(e);
	assert_true(xs_set_quota(h, -1, "watches", 200));
	assert_true(xs_get_quota(h, -1, "watches", &value));
	assert_int_equal(value, 200);
	assert_true(xs_set_quota(h, 7, "watches", 5));
	assert_true(xs_get_quota(h, 7, "watches", &value));
	assert_int_equal(value, 5);
	why = xs_last_refusal(h);
	assert_null(why);
	xs_close(h);
}

static void clients_come_back_after_the_daemon_was_killed(void **state)
{
	struct xs_handle *h = xs_open_path(sock, XS_OPEN_RECONNECT);
	xs_transaction_t t;
	char **e, *value;
	int round;

	(void)state;
	assert_true(xs_watch(h, "/back", "tok"));
	free(xs_read_watch(h, &(unsigned){0}));
	for (round = 0; round < 3; round++) {
		t = xs_transaction_start(h);
		assert_true(t && xs_write(h, t, "/lost", "x", 1));
		assert_true(xs_write(h, 0, "/back", "kept", 4));
		free(xs_read_watch(h, &(unsigned){0}));
		kill_daemon(SIGKILL, -1);
		assert_int_equal(start_daemon(), 0);
		value = xs_read(h, 0, "/back", NULL);
		assert_non_null(value);
		assert_string_equal(value, "kept");
		free(value);
		/* The watch was set again: its first event. */
		e = xs_read_watch(h, &(unsigned){0});
		assert_non_null(e);
		assert_string_equal(e[XS_WATCH_PATH], "/back");
		free(e);
		assert_false(xs_transaction_end(h, t, false));
		assert_int_equal(errno, EAGAIN);
		assert_null(xs_read(h, 0, "/lost", NULL));
	}
	xs_close(h);
}

static void without_being_asked_to_it_does_not_come_back(void **state)
{
	struct xs_handle *h = xs_open_path(sock, 0);

	(void)state;
	assert_true(xs_write(h, 0, "/x", "", 0));
	kill_daemon(SIGTERM, 0);
	assert_false(xs_write(h, 0, "/x", "", 0));
	assert_int_equal(errno, ECONNRESET);
	assert_null(xs_read_watch(h, &(unsigned){0}));
	assert_int_equal(start_daemon(), 0);
	xs_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipelined_answers_come_in_order),
		cmocka_unit_test(a_call_times_out),
		cmocka_unit_test(depth_and_quota_and_reasons),
		cmocka_unit_test(clients_come_back_after_the_daemon_was_killed),
		cmocka_unit_test(without_being_asked_to_it_does_not_come_back),
	};

	return cmocka_run_group_tests_name("xs extensions", tests, start, stop);
}
