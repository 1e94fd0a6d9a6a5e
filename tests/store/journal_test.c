/* SPDX-License-Identifier: MIT */
/*
 * The journal, with a crash at every one of its writes.
 *
 * A script of random requests runs against a store with a journal; at write
 * number k the disk takes only a part of the bytes, and nothing after.  What is
 * recovered must be the state after the last request that was answered, or
 * after the one that was under way: whole requests, whole transactions.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/store/harness.h"
#include "tools/store/journal.h"

#define STEPS 120

static char dir[64];

/* A disk that dies. */
static long writes_left, part; /* part: of 4, of the last write's bytes */
static bool full; /* not dead, only full                  */

static ssize_t dying_write(void *arg, int fd, const void *p, size_t n)
{
	(void)arg;
	if (full) {
		errno = ENOSPC;
		return -1;
	}
	if (writes_left < 0)
		return (ssize_t)n;
	if (writes_left-- > 0)
		return write(fd, p, n);
	if (write(fd, p, n * (size_t)part / 4) < 0)
		fail();
	return (ssize_t)n;
}

static int dying_sync(void *arg, int fd)
{
	(void)arg;
	(void)fd;
	return 0;
}

static int dying_unlink(void *arg, int d, const char *name)
{
	(void)arg;
	return writes_left < 0 ? 0 : unlinkat(d, name, 0);
}

static const struct journal_io dying = {dying_write, dying_sync, dying_unlink,
					NULL};

static void empty_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
	closedir(d);
}

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/store-journal-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	empty_dir();
	return rmdir(dir);
}

static struct store *open_store(struct journal *j, const struct journal_io *io)
{
	struct store *st = test_store();
	struct replay r;
	char why[256];

	replay_init(&r, st);
	assert_int_equal(journal_open(j, st, dir, io, &r, why, sizeof(why)), 0);
	replay_free(&r);
	return st;
}

static void close_store(struct store *st, struct journal *j)
{
	journal_close(j);
	test_store_free(st);
}

/* One random request, or a transaction of a few. */
static void random_request(struct conn *c, uint64_t *seed)
{
	char path[32], value[64];
	uint32_t t = 0, n = 1, i;

	if (!test_rand(seed, 6)) {
		t = t_start(c);
		n = 2 + test_rand(seed, 4);
	}
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/%c/%c", 'a' + test_rand(seed, 6),
			 'a' + test_rand(seed, 6));
		snprintf(value, sizeof(value), "%u", test_rand(seed, 1u << 30));
		switch (test_rand(seed, 8)) {
		case 0:
			path[2] = '\0'; /* the whole directory */
			/* fallthrough */
		case 1:
			t_rm(c, t, path);
			break;
		case 2:
			t_chmod(c, t, path,
				test_rand(seed, 2) ? "n3" : "r0 b4");
			break;
		default:
			t_write(c, t, path, value);
		}
	}
	if (t)
		assert_int_equal(t_end(c, t, test_rand(seed, 4) != 0), 0);
}

/* Run the script; dumps[i] is the state after i requests.  Returns how many
 * were answered before the disk died. */
static int run_script(uint64_t seed, char **dumps)
{
	struct journal j;
	struct store *st;
	struct conn *c;
	int i, answered = -1;

	st = open_store(&j, &dying);
	j.checkpoint_min = 600;
	c = test_conn(st, 0);
	if (writes_left >= 0)
		answered = 0;
	dumps[0] = test_dump(st);
	for (i = 1; i <= STEPS; i++) {
		random_request(c, &seed);
		journal_flush(&j);
		dumps[i] = test_dump(st);
		if (writes_left >= 0)
			answered = i;
		/* The daemon answers between the flush and this. */
		journal_checkpoint(&j, false);
		journal_step(&j, 7);
	}
	close_store(st, &j);
	return answered;
}

static void free_dumps(char **dumps)
{
	int i;

	for (i = 0; i <= STEPS; i++)
		free(dumps[i]);
}

static void check_recovered(long k, char **dumps, int answered)
{
	struct journal j;
	struct store *st = open_store(&j, NULL);
	char *got = test_dump(st);

	if (strcmp(got, dumps[answered < 0 ? 0 : answered]) &&
	    (answered == STEPS || strcmp(got, dumps[answered + 1])))
		fail_msg("crash at write %ld part %ld: after request %d "
			 "found\n%s\nand not\n%s",
			 k, part, answered, got,
			 dumps[answered < 0 ? 0 : answered]);
	free(got);
	close_store(st, &j);
}

static void every_crash_leaves_whole_requests(void **state)
{
	char *dumps[STEPS + 1];
	long total, k;
	int answered;

	(void)state;
	writes_left = 1 << 30;
	empty_dir();
	assert_int_equal(run_script(1, dumps), STEPS);
	total = (1 << 30) - writes_left;
	assert_true(total > STEPS); /* checkpoints were written too */
	writes_left = 1 << 30;
	check_recovered(-1, dumps, STEPS);
	free_dumps(dumps);
	for (k = 0; k < total; k++) {
		for (part = 0; part < 4; part++) {
			empty_dir();
			writes_left = k;
			answered = run_script(1, dumps);
			writes_left = 1 << 30;
			check_recovered(k, dumps, answered);
			free_dumps(dumps);
		}
	}
}

static void flip_byte(const char *file, long at)
{
	int fd = open(file, O_RDWR);
	char b = 0;

	assert_true(fd >= 0 && pread(fd, &b, 1, at) == 1);
	b ^= 0x40;
	assert_int_equal(pwrite(fd, &b, 1, at), 1);
	close(fd);
}

/* Any damage gives a state that once was, or less; and the log says so. */
static void a_damaged_journal_is_recovered_up_to_the_damage(void **state)
{
	char *dumps[STEPS + 1], file[128], *got;
	struct journal j;
	struct store *st;
	struct stat sb;
	struct conn *c;
	uint64_t seed;
	long at;
	int i;

	(void)state;
	snprintf(file, sizeof(file), "%s/journal.1", dir);
	for (at = 16;; at += 53) {
		empty_dir();
		writes_left = 1 << 30;
		seed = 2;
		st = open_store(&j, NULL);
		c = test_conn(st, 0);
		dumps[0] = test_dump(st);
		for (i = 1; i <= STEPS; i++) {
			random_request(c, &seed);
			dumps[i] = test_dump(st);
		}
		journal_flush(&j);
		close_store(st, &j);
		assert_int_equal(stat(file, &sb), 0);
		if (at >= sb.st_size) {
			free_dumps(dumps);
			break;
		}
		flip_byte(file, at);
		st = open_store(&j, NULL);
		assert_non_null(strstr(test_log, "journal: "));
		got = test_dump(st);
		for (i = 0; i <= STEPS; i++)
			if (!strcmp(got, dumps[i]))
				break;
		assert_true(i <= STEPS);
		free(got);
		/* It goes on from there. */
		c = test_conn(st, 0);
		assert_int_equal(t_write(c, 0, "/after", "1"), 0);
		journal_flush(&j);
		close_store(st, &j);
		st = open_store(&j, NULL);
		assert_non_null(tree_find(&st->tree, path_hash("/after", 6),
					  "/after", 6));
		close_store(st, &j);
		free_dumps(dumps);
	}
}

static void the_journal_stays_small(void **state)
{
	struct journal j;
	struct store *st;
	struct conn *c;
	struct stat sb;
	char file[128], *want, *got;
	int i;

	(void)state;
	empty_dir();
	writes_left = 1 << 30;
	st = open_store(&j, NULL);
	j.checkpoint_min = 10000;
	c = test_conn(st, 0);
	for (i = 0; i < 20000; i++) {
		t_write(c, 0, i % 2 ? "/a/b" : "/c", "some value or other");
		if (i % 7 == 0) {
			journal_flush(&j);
			journal_checkpoint(&j, false);
			journal_step(&j, 1);
		}
	}
	assert_true(journal_settle(&j));
	assert_true(j.seq > 10);
	snprintf(file, sizeof(file), "%s/journal.%lu", dir,
		 (unsigned long)j.seq);
	assert_int_equal(stat(file, &sb), 0);
	assert_true(sb.st_size < 50000);
	want = test_dump(st);
	close_store(st, &j);
	st = open_store(&j, NULL);
	got = test_dump(st);
	assert_string_equal(got, want);
	free(want);
	free(got);
	close_store(st, &j);
}

static void a_full_disk_is_survived_and_made_good(void **state)
{
	struct journal j;
	struct store *st;
	struct conn *c;
	char value[XS_PAYLOAD_MAX + 1];

	(void)state;
	empty_dir();
	writes_left = 1 << 30;
	st = open_store(&j, &dying);
	c = test_conn(st, 0);
	t_write(c, 0, "/a", "1");
	journal_flush(&j);
	full = true;
	t_write(c, 0, "/a", "2");
	journal_flush(&j);
	assert_true(j.failed);
	assert_non_null(strstr(test_log, "not durable"));
	t_write(c, 0, "/b", "3"); /* it still serves */
	journal_flush(&j);
	journal_checkpoint(&j, false);
	full = false;
	test_time += 5;
	journal_checkpoint(&j, false);
	assert_true(journal_settle(&j));
	close_store(st, &j);
	st = open_store(&j, NULL);
	c = test_conn(st, 0);
	assert_int_equal(t_read(c, 0, "/a", value), 0);
	assert_string_equal(value, "2");
	assert_int_equal(t_read(c, 0, "/b", value), 0);
	close_store(st, &j);
}

static void domains_quotas_and_watches_of_rings_come_back(void **state)
{
	struct journal j;
	struct store *st;
	struct conn *c, *g;
	struct answer a;
	struct domain *d;
	int round;

	(void)state;
	empty_dir();
	writes_left = 1 << 30;
	st = open_store(&j, NULL);
	c = test_conn(st, 0);
	test_call(c, XS_SET_QUOTA, 0,
		  "9\0nodes\0"
		  "55",
		  11, &a);
	test_call(c, XS_SET_QUOTA, 0,
		  "watches\0"
		  "44",
		  11, &a);
	t_introduce(c, 9);
	t_introduce(c, 8);
	t_introduce(c, 7);
	test_call(c, XS_RELEASE, 0, "7", 2, &a);
	test_call(c, XS_SET_TARGET, 0,
		  "9\0"
		  "8",
		  4, &a);
	t_chmod(c, 0, "@releaseDomain", "n0 r9");
	g = domain_find(&st->domains, 9)->conn;
	assert_int_equal(t_watch(g, "x", "token", 2), 0);
	t_watch(g, "y", "gone", -1);
	t_unwatch(g, "y", "gone");
	assert_true(t_start(g));
	for (round = 0; round < 3; round++) {
		struct watch *w;

		if (round == 2) {
			journal_checkpoint(&j, true);
			assert_true(journal_settle(&j));
		}
		journal_flush(&j);
		close_store(st, &j);
		st = open_store(&j, NULL);
		d = domain_find(&st->domains, 9);
		assert_true(d && d->introduced && d->conn);
		assert_int_equal(d->gfn, 1009);
		assert_int_equal(d->port, 10);
		assert_int_equal(d->target, 8);
		assert_int_equal(d->limit[QUOTA_NODES], 55);
		assert_int_equal(st->domains.limit[QUOTA_WATCHES], 44);
		assert_null(domain_find(&st->domains, 7));
		assert_int_equal(d->use[QUOTA_WATCHES], 1);
		w = container_of(d->conn->watches.next, struct watch, by_conn);
		assert_string_equal(w->path, "/local/domain/9/x");
		assert_string_equal(watch_token(w), "token");
		assert_int_equal(w->depth, 2);
		assert_string_equal(w->path + w->skip, "x");
		assert_int_equal(st->special[1]->n, 2);
		assert_false(list_empty(&d->conn->txns));
	}
	close_store(st, &j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_crash_leaves_whole_requests),
		cmocka_unit_test(
			a_damaged_journal_is_recovered_up_to_the_damage),
		cmocka_unit_test(the_journal_stays_small),
		cmocka_unit_test(a_full_disk_is_survived_and_made_good),
		cmocka_unit_test(domains_quotas_and_watches_of_rings_come_back),
	};

	return cmocka_run_group_tests_name("journal", tests, make_dir,
					   remove_dir);
}
