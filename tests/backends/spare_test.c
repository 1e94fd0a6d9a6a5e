/* SPDX-License-Identifier: MIT */
/*
 * The process made ahead: alone, with a device's process that only says what it
 * was handed; and in a real backend, where one is found dead when it is wanted.
 *
 * A supervisor that is stopped cannot see a process end: so it is told of a
 * device and of the end at once.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pv-backends/common/spare.h"
#include "tests/backends/domain.h"
#include "tests/backends/sectors.h"
#include "tools/xs/xs_ext.h"

enum {
	SERVED = 42, /* exit status */
	FIRST = 51712, /* disks */
	SECOND = 51728,
};

/* ---- in place of a device's process, and of who starts it --------------------- */

static struct {
	pid_t pid;
	unsigned int domid, devid;
	bool quiet; /* no signal could be taken before */
} * seen; /* by a process that was forked */

static bool no_memory, no_answer;

struct xb *worker_prepare(const struct xb_driver *drv,
			  const struct worker_options *opt)
{
	struct xb *xb = no_memory ? NULL : calloc(1, sizeof(*xb));

	(void)opt;
	while (no_answer) /* of a store */
		pause();
	if (xb)
		xb->drv = drv;
	return xb;
}

int worker_serve(struct xb *xb, const struct worker_options *opt, domid_t domid,
		 uint32_t devid)
{
	(void)opt;
	seen->pid = getpid();
	seen->domid = domid;
	seen->devid = devid;
	free(xb);
	_exit(SERVED); /* without the test's own end */
}

int worker_run(const struct xb_driver *drv, const struct worker_options *opt,
	       domid_t domid, uint32_t devid)
{
	return worker_serve(worker_prepare(drv, opt), opt, domid, devid);
}

static void forget(struct spare *sp)
{
	sigset_t mask;

	spare_forget(sp);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	seen->quiet = sigismember(&mask, SIGTERM);
	sigemptyset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

static const struct xb_driver driver = {.type = "none", .program = "none"};
static const struct worker_options options;
static struct spare spare;

static int set_up(void **state)
{
	(void)state;
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(seen != MAP_FAILED);
	no_memory = no_answer = false;
	spare = (struct spare){.drv = &driver,
			       .opt = &options,
			       .loop = ev_loop_new(EVFLAG_AUTO),
			       .forget = forget};
	spare_init(&spare);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	spare_end(&spare);
	ev_loop_destroy(spare.loop);
	munmap(seen, sizeof(*seen));
	/* Whatever was forked has been waited for. */
	return waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD;
}

/* As when no device has come for a while. */
static void make_one(void)
{
	spare_make_later(&spare);
	ev_timer_stop(spare.loop, &spare.later);
	ev_invoke(spare.loop, &spare.later, EV_TIMER);
	assert_true(spare.pid > 0);
}

/* It has ended, and nobody was told. */
static void kill_unseen(pid_t pid)
{
	siginfo_t info;

	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void a_device_is_handed_to_it(void **state)
{
	int pidfd, to;
	pid_t pid, made;

	(void)state;
	assert_false(spare_take(&spare, 1, 2, &pid, &pidfd));
	make_one();
	made = spare.pid;
	to = spare.to;
	assert_true(spare_take(&spare, 3, 51712, &pid, &pidfd));
	assert_int_equal(pid, made);
	assert_int_equal(status_of(pid), SERVED);
	assert_int_equal(seen->pid, pid);
	assert_int_equal(seen->domid, 3);
	assert_int_equal(seen->devid, 51712);
	assert_true(seen->quiet);
	assert_int_equal(close(pidfd), 0); /* the caller's */
	assert_int_equal(close(to), -1); /* and that is not needed any more */
	assert_false(spare_take(&spare, 3, 51728, &pid, &pidfd));
}

static void it_is_made_when_no_device_has_come(void **state)
{
	double from = now();

	(void)state;
	ev_now_update(spare.loop); /* where the timer begins */
	spare_make_later(&spare);
	while (!spare.pid && now() < from + PATIENCE)
		ev_run(spare.loop, EVRUN_ONCE);
	assert_true(spare.pid > 0);
	assert_true(now() - from > 0.9);
}

static void another_one_is_made_when_it_dies(void **state)
{
	(void)state;
	make_one();
	kill(spare.pid, SIGKILL);
	while (spare.pid)
		ev_run(spare.loop, EVRUN_ONCE);
	assert_int_equal(spare.to, -1);
	assert_true(ev_is_active(&spare.later));
}

static void one_that_died_unseen_is_not_handed_out(void **state)
{
	int pidfd;
	pid_t pid;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	make_one();
	kill_unseen(spare.pid);
	assert_false(spare_take(&spare, 3, 51712, &pid, &pidfd));
	assert_int_equal(seen->pid, 0);
	while (spare.pid)
		ev_run(spare.loop, EVRUN_ONCE);
	make_one();
	assert_true(spare_take(&spare, 3, 51712, &pid, &pidfd));
	close(pidfd);
	assert_int_equal(status_of(pid), SERVED);
}

/* The device it was handed has not ended: it is to be started again. */
static void one_without_memory_says_again(void **state)
{
	int pidfd;
	pid_t pid;

	(void)state;
	signal(SIGPIPE, SIG_IGN); /* it may be faster than we are */
	no_memory = true;
	make_one();
	if (!spare_take(&spare, 3, 51712, &pid, &pidfd))
		return;
	close(pidfd);
	assert_int_equal(status_of(pid), WORKER_AGAIN);
}

static void it_ends_with_its_parent(void **state)
{
	pid_t parent;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	parent = fork();
	if (!parent) {
		make_one();
		seen->pid = spare.pid;
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(status_of(parent), -SIGKILL);
	assert_int_equal(status_of(seen->pid), WORKER_ENDED);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void its_end_does_not_wait_for_it(void **state)
{
	(void)state;
	no_answer = true;
	make_one();
	spare_end(&spare);
	assert_int_equal(spare.pid, 0);
}

/* Its pipe has one writer, and nobody else knows it. */
static void other_children_forget_it(void **state)
{
	pid_t other;
	int to;

	(void)state;
	make_one();
	to = spare.to;
	other = fork();
	if (!other) {
		spare_forget(&spare);
		_exit(!close(to) || !close(spare.pidfd));
	}
	assert_int_equal(status_of(other), 0);
}

/* ---- the command line ------------------------------------------------------------ */

/* In place of the real one: it finds the process that was made ahead dead. */
int supervisor_run(const struct xb_driver *drv,
		   const struct worker_options *opt)
{
	int pidfd;
	pid_t pid;

	(void)drv;
	(void)opt;
	make_one();
	kill_unseen(spare.pid);
	_exit(spare_take(&spare, 3, 51712, &pid, &pidfd) ? 1 : SERVED);
}

static void programs_outlive_who_they_write_to(void **state)
{
	char *argv[] = {(char *)"none", (char *)"--run", (char *)".", NULL};
	pid_t program;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	program = fork();
	if (!program)
		_exit(backend_main(&driver, 3, argv));
	assert_int_equal(status_of(program), SERVED);
}

/* ---- a real backend ---------------------------------------------------------------- */

static bool is_child(pid_t pid, pid_t parent, char *what)
{
	char path[64];
	FILE *in;
	int of = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	in = fopen(path, "re");
	if (!in)
		return false;
	if (fscanf(in, "%*d (%*[^)]) %c %d", what, &of) != 2)
		of = 0;
	fclose(in);
	return of == parent;
}

/* A child of the supervisor that serves no device; 0: there is none. */
static pid_t find_spare(const struct testbed *t)
{
	DIR *all = opendir("/proc");
	const struct dirent *entry;
	pid_t found = 0;

	assert_non_null(all);
	while ((entry = readdir(all))) {
		pid_t pid = atoi(entry->d_name);
		char what = 0;

		if (pid > 0 && is_child(pid, t->backend, &what) &&
		    what != 'Z' && pid != worker_of(t, "vbd", FIRST) &&
		    pid != worker_of(t, "vbd", SECOND))
			found = pid;
	}
	closedir(all);
	return found;
}

static pid_t wait_spare(const struct testbed *t)
{
	double until = now() + PATIENCE;
	pid_t pid;

	while (!(pid = find_spare(t))) {
		if (now() > until)
			die("no process is made ahead");
		usleep(5000);
	}
	return pid;
}

static void wait_state(pid_t pid, pid_t parent, char want)
{
	double until = now() + PATIENCE;
	char what = 0;

	while (!is_child(pid, parent, &what) || what != want) {
		if (now() > until)
			die("process %d is %c, not %c", pid, what, want);
		usleep(2000);
	}
}

static void start_bed(struct testbed *t, struct sectors *disk)
{
	testbed_start(t, 64);
	sectors_make(disk, t->dir);
	start_backend(t, "parapet-blkback");
}

static void make_disk(struct testbed *t, const struct sectors *disk,
		      unsigned int devid)
{
	const char *args[] = {"type", "file", "params", disk->path,
			      "mode", "r",    NULL};

	make_device(t, "vbd", devid, args);
}

static void wait_disk(struct testbed *t, unsigned int devid)
{
	wait_for(t, back("vbd", devid, "state"), "2");
}

static void a_supervisor_finds_it_dead(void **state)
{
	struct sectors disk;
	struct testbed bed;
	pid_t ahead;

	(void)state;
	start_bed(&bed, &disk);
	ahead = wait_spare(&bed);
	make_disk(&bed, &disk, FIRST);
	wait_disk(&bed, FIRST);
	assert_int_equal(worker_of(&bed, "vbd", FIRST), ahead);

	ahead = wait_spare(&bed);
	kill(bed.backend, SIGSTOP);
	wait_state(bed.backend, getpid(), 'T');
	kill(ahead, SIGKILL);
	wait_state(ahead, bed.backend, 'Z');
	make_disk(&bed, &disk, SECOND);
	kill(bed.backend, SIGCONT);
	wait_disk(&bed, SECOND);
	assert_int_equal(waitpid(bed.backend, NULL, WNOHANG), 0);
	wait_spare(&bed);
	testbed_stop(&bed);
}

static bool log_has(const struct testbed *t, const char *text)
{
	char path[256], line[256];
	bool found = false;
	FILE *in;

	snprintf(path, sizeof(path), "%s/log", t->dir);
	in = fopen(path, "re");
	assert_non_null(in);
	while (!found && fgets(line, sizeof(line), in))
		found = strstr(line, text);
	fclose(in);
	return found;
}

static void wait_log(const struct testbed *t, const char *text)
{
	double until = now() + PATIENCE;

	while (!log_has(t, text)) {
		if (now() > until)
			die("the log does not say: %s", text);
		usleep(2000);
	}
}

/* One that was made ahead, and one that was not. */
static void they_end_in_order_when_they_are_asked(void **state)
{
	const unsigned int id[] = {FIRST, SECOND};
	struct testbed bed;
	struct sectors disk;

	(void)state;
	start_bed(&bed, &disk);
	wait_spare(&bed);
	for (int i = 0; i < 2; i++)
		make_disk(&bed, &disk, id[i]);
	for (int i = 0; i < 2; i++) {
		wait_disk(&bed, id[i]);
		end_worker(&bed, "vbd", id[i], SIGTERM);
	}
	assert_false(log_has(&bed, "killed by signal"));
	testbed_stop(&bed);
}

/* A device that could not be opened is removed, and one of its number made,
 * before the supervisor has looked. */
static void another_one_of_a_number_that_failed(void **state)
{
	struct sectors disk, none = {.path = "/nowhere"};
	struct testbed bed;
	char folder[64];

	(void)state;
	start_bed(&bed, &disk);
	make_disk(&bed, &none, FIRST);
	wait_for(&bed, back("vbd", FIRST, "hotplug-status"), "error");
	wait_log(&bed, "not started again");
	kill(bed.backend, SIGSTOP);
	wait_state(bed.backend, getpid(), 'T');
	snprintf(folder, sizeof(folder), "/parapet/backend/vbd/%u/%d", DOMID,
		 FIRST);
	assert_true(xs_rm(bed.xs, XBT_NULL, folder));
	make_disk(&bed, &disk, FIRST);
	kill(bed.backend, SIGCONT);
	wait_disk(&bed, FIRST);
	testbed_stop(&bed);
}

#define ALONE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(a_device_is_handed_to_it),
		ALONE(it_is_made_when_no_device_has_come),
		ALONE(another_one_is_made_when_it_dies),
		ALONE(one_that_died_unseen_is_not_handed_out),
		ALONE(one_without_memory_says_again),
		ALONE(it_ends_with_its_parent),
		ALONE(its_end_does_not_wait_for_it),
		ALONE(other_children_forget_it),
		ALONE(programs_outlive_who_they_write_to),
		cmocka_unit_test(a_supervisor_finds_it_dead),
		cmocka_unit_test(they_end_in_order_when_they_are_asked),
		cmocka_unit_test(another_one_of_a_number_that_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
