/* SPDX-License-Identifier: MIT */
/*
 * The client library's interface, against a running daemon.
 *
 * This file is linked twice: with our library, and with Debian's libxenstore.
 * Both have to pass, so ours means what programs expect, and the daemon what
 * the other library expects.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
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

#include "tools/xs/xs.h"

static char dir[] = "/tmp/store-api-XXXXXX";
static pid_t daemon_pid;

static bool answers(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool ok;

	strcpy(a.sun_path, path);
	ok = !connect(fd, (struct sockaddr *)&a, sizeof(a));
	close(fd);
	return ok;
}

static int start(void **state)
{
	const char *build = getenv("BUILD");
	char program[256], sock[64], st[64];
	int i;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(program, sizeof(program), "%s/san/bin/parapet-stored",
		 build ? build : "build");
	snprintf(sock, sizeof(sock), "%s/socket", dir);
	snprintf(st, sizeof(st), "%s/state", dir);
	setenv("XENSTORED_PATH", sock, 1);
	daemon_pid = fork();
	if (!daemon_pid) {
		execl(program, program, "-f", "-s", sock, "-d", st, "-o",
		      "sandbox=no", NULL); /* the leak checker traces */
		_exit(127);
	}
	for (i = 0; i < 2000 && !answers(sock); i++)
		usleep(10000);
	return answers(sock) ? 0 : -1;
}

static int stop(void **state)
{
	char cmd[128];
	int status;

	(void)state;
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, &status, 0);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		return -1;
	/* Also the sanitizers' verdict on the daemon. */
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

static struct xs_handle *open_store(void)
{
	struct xs_handle *h = xs_open(0);

	assert_non_null(h);
	return h;
}

static void put(struct xs_handle *h, xs_transaction_t t, const char *path,
		const char *value)
{
	assert_true(xs_write(h, t, path, value, (unsigned)strlen(value)));
}

static void expect(struct xs_handle *h, xs_transaction_t t, const char *path,
		   const char *value)
{
	unsigned len = 12345;
	char *got = xs_read(h, t, path, &len);

	assert_non_null(got);
	assert_int_equal(len, strlen(value));
	assert_string_equal(got, value);
	free(got);
}

static void values_are_written_and_read(void **state)
{
	struct xs_handle *h = open_store();
	char big[4000];

	(void)state;
	put(h, XBT_NULL, "/api/a", "one");
	expect(h, XBT_NULL, "/api/a", "one");
	put(h, XBT_NULL, "/api/a", "");
	expect(h, XBT_NULL, "/api/a", "");
	memset(big, 'b', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	put(h, XBT_NULL, "/api/big", big);
	expect(h, XBT_NULL, "/api/big", big);
	errno = 0;
	assert_null(xs_read(h, XBT_NULL, "/api/none", NULL));
	assert_int_equal(errno, ENOENT);
	assert_false(xs_write(h, XBT_NULL, "/api//x", "", 0));
	assert_int_equal(errno, EINVAL);
	xs_close(h);
}

static void directories_are_made_listed_and_removed(void **state)
{
	struct xs_handle *h = open_store();
	unsigned num = 99;
	char **names;

	(void)state;
	assert_true(xs_mkdir(h, XBT_NULL, "/dir/x"));
	assert_true(xs_mkdir(h, XBT_NULL, "/dir/y"));
	names = xs_directory(h, XBT_NULL, "/dir", &num);
	assert_non_null(names);
	assert_int_equal(num, 2);
	assert_string_equal(names[0], "x");
	assert_string_equal(names[1], "y");
	free(names);
	names = xs_directory(h, XBT_NULL, "/dir/x", &num);
	assert_non_null(names);
	assert_int_equal(num, 0);
	free(names);
	assert_true(xs_rm(h, XBT_NULL, "/dir"));
	assert_null(xs_directory(h, XBT_NULL, "/dir", &num));
	assert_int_equal(errno, ENOENT);
	xs_close(h);
}

static void a_directory_of_thousands_is_listed(void **state)
{
	struct xs_handle *h = open_store();
	char path[64], **names;
	unsigned num, i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "/many/entry-%u", i);
		put(h, XBT_NULL, path, "");
	}
	names = xs_directory(h, XBT_NULL, "/many", &num);
	assert_non_null(names);
	assert_int_equal(num, 3000);
	assert_string_equal(names[2999], "entry-2999");
	free(names);
	assert_true(xs_rm(h, XBT_NULL, "/many"));
	xs_close(h);
}

static void permissions_are_set_and_shown(void **state)
{
	struct xs_permissions p[3] =
		{
			{0, XS_PERM_NONE},
			{3, XS_PERM_READ},
			{4, XS_PERM_READ | XS_PERM_WRITE},
		},
			      *got;
	struct xs_handle *h = open_store();
	unsigned num = 0, i;

	(void)state;
	put(h, XBT_NULL, "/perm", "");
	assert_true(xs_set_permissions(h, XBT_NULL, "/perm", p, 3));
	got = xs_get_permissions(h, XBT_NULL, "/perm", &num);
	assert_non_null(got);
	assert_int_equal(num, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(got[i].id, p[i].id);
		assert_int_equal(got[i].perms, p[i].perms);
	}
	free(got);
	xs_close(h);
}

static void transactions_commit_abort_and_conflict(void **state)
{
	struct xs_handle *a = open_store(), *b = open_store();
	xs_transaction_t t, u;

	(void)state;
	put(a, XBT_NULL, "/tx/n", "1");
	t = xs_transaction_start(a);
	assert_int_not_equal(t, XBT_NULL);
	put(a, t, "/tx/n", "2");
	expect(a, t, "/tx/n", "2");
	expect(b, XBT_NULL, "/tx/n", "1");
	assert_true(xs_transaction_end(a, t, false));
	expect(b, XBT_NULL, "/tx/n", "2");

	t = xs_transaction_start(a);
	put(a, t, "/tx/n", "3");
	assert_true(xs_transaction_end(a, t, true));
	expect(a, XBT_NULL, "/tx/n", "2");

	t = xs_transaction_start(a);
	u = xs_transaction_start(b);
	expect(a, t, "/tx/n", "2");
	put(b, u, "/tx/n", "4");
	assert_true(xs_transaction_end(b, u, false));
	put(a, t, "/tx/m", "x");
	errno = 0;
	assert_false(xs_transaction_end(a, t, false));
	assert_int_equal(errno, EAGAIN);
	assert_false(xs_transaction_end(a, t, false));
	xs_close(a);
	xs_close(b);
}

static void expect_event(struct xs_handle *h, const char *path,
			 const char *token)
{
	unsigned num = 0;
	char **e = xs_read_watch(h, &num);

	assert_non_null(e);
	assert_true(num >= 2);
	assert_string_equal(e[XS_WATCH_PATH], path);
	assert_string_equal(e[XS_WATCH_TOKEN], token);
	free(e);
}

static void watches_fire(void **state)
{
	struct xs_handle *w = open_store(), *h = open_store();
	struct pollfd p;

	(void)state;
	assert_true(xs_watch(w, "/watch", "tok"));
	expect_event(w, "/watch", "tok");
	put(h, XBT_NULL, "/watch/a/b", "1");
	expect_event(w, "/watch/a/b", "tok");
	assert_true(xs_rm(h, XBT_NULL, "/watch/a"));
	expect_event(w, "/watch/a", "tok");
	assert_false(xs_watch(w, "/watch", "tok"));
	assert_int_equal(errno, EEXIST);

	p = (struct pollfd){xs_fileno(w), POLLIN, 0};
	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	put(h, XBT_NULL, "/watch/a", "2");
	assert_int_equal(poll(&p, 1, 20000), 1);
	expect_event(w, "/watch/a", "tok");
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_null(xs_check_watch(w));
	assert_int_equal(errno, EAGAIN);

	assert_true(xs_unwatch(w, "/watch", "tok"));
	put(h, XBT_NULL, "/watch/a", "3");
	assert_null(xs_check_watch(w));
	assert_false(xs_unwatch(w, "/watch", "tok"));
	assert_int_equal(errno, ENOENT);
	xs_close(w);
	xs_close(h);
}

/* An event that comes while an answer is awaited is kept. */
static void events_do_not_disturb_answers(void **state)
{
	struct xs_handle *h = open_store();
	char path[32];
	int i;

	(void)state;
	assert_true(xs_watch(h, "/self", "t"));
	expect_event(h, "/self", "t");
	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/self/%d", i);
		put(h, XBT_NULL, path, "x");
	}
	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/self/%d", i);
		expect_event(h, path, "t");
	}
	xs_close(h);
}

static void domains_are_introduced_and_released(void **state)
{
	struct xs_handle *h = open_store(), *w = open_store();
	char *path;

	(void)state;
	assert_true(xs_watch(w, "@introduceDomain", "in"));
	expect_event(w, "@introduceDomain", "in");
	assert_true(xs_watch(w, "@releaseDomain", "out"));
	expect_event(w, "@releaseDomain", "out");
	assert_false(xs_is_domain_introduced(h, 12));
	assert_true(xs_introduce_domain(h, 12, 4711, 3));
	expect_event(w, "@introduceDomain", "in");
	assert_true(xs_is_domain_introduced(h, 12));
	path = xs_get_domain_path(h, 12);
	assert_string_equal(path, "/local/domain/12");
	free(path);
	assert_true(xs_resume_domain(h, 12));
	assert_true(xs_introduce_domain(h, 13, 4712, 3));
	expect_event(w, "@introduceDomain", "in");
	assert_true(xs_set_target(h, 12, 13));
	assert_true(xs_release_domain(h, 12));
	expect_event(w, "@releaseDomain", "out");
	assert_false(xs_is_domain_introduced(h, 12));
	assert_false(xs_release_domain(h, 12));
	assert_int_equal(errno, ENOENT);
	assert_true(xs_release_domain(h, 13));
	xs_close(h);
	xs_close(w);
}

static void the_daemon_can_be_asked(void **state)
{
	struct xs_handle *h = open_store();
	char *answer = xs_control_command(h, "help", NULL, 0);

	(void)state;
	assert_non_null(answer);
	assert_non_null(strstr(answer, "quota"));
	free(answer);
	answer = xs_control_command(h, "check", NULL, 0);
	assert_non_null(answer);
	assert_memory_equal(answer, "OK", 2);
	free(answer);
	assert_true(xs_path_is_subpath("/a", "/a/b"));
	assert_false(xs_path_is_subpath("/a", "/ab"));
	xs_close(h);
}

/* Several threads use one handle; each does read-modify-write. */
#define THREADS 4
#define ROUNDS  150

static void *increment(void *arg)
{
	struct xs_handle *h = arg;
	char text[16], *value;
	xs_transaction_t t;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		do {
			t = xs_transaction_start(h);
			if (!t)
				return (void *)1;
			value = xs_read(h, t, "/counter", NULL);
			if (!value)
				return (void *)2;
			snprintf(text, sizeof(text), "%d", atoi(value) + 1);
			free(value);
			if (!xs_write(h, t, "/counter", text,
				      (unsigned)strlen(text)))
				return (void *)3;
		} while (!xs_transaction_end(h, t, false) && errno == EAGAIN);
	}
	return NULL;
}

static void threads_share_a_handle(void **state)
{
	struct xs_handle *h = open_store();
	pthread_t threads[THREADS];
	char text[16];
	void *rc;
	int i;

	(void)state;
	put(h, XBT_NULL, "/counter", "0");
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, increment, h);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &rc);
		assert_null(rc);
	}
	snprintf(text, sizeof(text), "%d", THREADS * ROUNDS);
	expect(h, XBT_NULL, "/counter", text);
	xs_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_written_and_read),
		cmocka_unit_test(directories_are_made_listed_and_removed),
		cmocka_unit_test(a_directory_of_thousands_is_listed),
		cmocka_unit_test(permissions_are_set_and_shown),
		cmocka_unit_test(transactions_commit_abort_and_conflict),
		cmocka_unit_test(watches_fire),
		cmocka_unit_test(events_do_not_disturb_answers),
		cmocka_unit_test(domains_are_introduced_and_released),
		cmocka_unit_test(the_daemon_can_be_asked),
		cmocka_unit_test(threads_share_a_handle),
	};

	return cmocka_run_group_tests_name("xs api", tests, start, stop);
}
