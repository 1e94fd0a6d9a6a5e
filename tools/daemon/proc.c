/* SPDX-License-Identifier: MIT */
/*
 * Processes by pidfd: the end of a child and of a stranger look the same.
 *
 * The loop must not be libev's default one, which would reap our children.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/daemon/proc.h"

#define KILL_AFTER 5.0

extern char **environ;

/* Field 22 of /proc/PID/stat; 0: no such process, or a dead one. */
static uint64_t start_of(pid_t pid)
{
	unsigned long long start = 0;
	char path[64], text[1024], state, *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	at = strrchr(text, ')'); /* the name before it may hold anything */
	if (!at ||
	    sscanf(at,
		   ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
		   "%*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &state, &start) != 2 ||
	    state == 'Z')
		return 0;
	return start;
}

static void status_text(int pidfd, char *text, size_t room)
{
	siginfo_t info = {0};

	if (waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED))
		snprintf(text, room, "gone");
	else if (info.si_code == CLD_EXITED)
		snprintf(text, room, "status %d", info.si_status);
	else
		snprintf(text, room, "signal %d", info.si_status);
}

static void on_end(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct proc *p = io->data;
	char status[32];

	(void)loop;
	(void)events;
	status_text(io->fd, status, sizeof(status));
	ev_io_stop(p->loop, &p->io);
	ev_timer_stop(p->loop, &p->kill);
	if (p->ended)
		p->ended(p, status);
	else
		proc_free(p);
}

static void on_kill(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct proc *p = timer->data;

	(void)loop;
	(void)events;
	syscall(SYS_pidfd_send_signal, p->io.fd, SIGKILL, NULL, 0);
}

static struct proc *proc_watch(struct ev_loop *loop, pid_t pid, uint64_t start)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct proc *p = fd < 0 ? NULL : calloc(1, sizeof(*p));

	if (!p || (start && start_of(pid) != start)) {
		if (fd >= 0)
			close(fd);
		free(p);
		return NULL;
	}
	p->loop = loop;
	p->pid = pid;
	p->start = start ? start : start_of(pid);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	ev_io_init(&p->io, on_end, fd, EV_READ);
	ev_timer_init(&p->kill, on_kill, KILL_AFTER, 0);
	p->io.data = p->kill.data = p;
	ev_io_start(loop, &p->io);
	return p;
}

struct proc *proc_adopt(struct ev_loop *loop, pid_t pid, uint64_t start)
{
	return pid > 1 && start ? proc_watch(loop, pid, start) : NULL;
}

void proc_free(struct proc *p)
{
	ev_io_stop(p->loop, &p->io);
	ev_timer_stop(p->loop, &p->kill);
	close(p->io.fd);
	free(p);
}

void proc_stop(struct proc *p)
{
	p->ended = NULL;
	p->owner = NULL;
	syscall(SYS_pidfd_send_signal, p->io.fd, SIGTERM, NULL, 0);
	ev_timer_start(p->loop, &p->kill);
}

/* ---- starting ------------------------------------------------------------------ */

/* The variables of socket activation; the number is the child's to write. */
struct child_env {
	char pid[32];
	char **all;
};

static bool env_make(struct child_env *e, bool activated)
{
	size_t n = 0, k = 0;

	while (environ[n])
		n++;
	e->all = calloc(n + 3, sizeof(*e->all));
	if (!e->all)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "LISTEN_", 7))
			e->all[k++] = environ[i];
	if (activated) {
		strcpy(e->pid, "LISTEN_PID=");
		e->all[k++] = e->pid;
		e->all[k++] = (char *)"LISTEN_FDS=1";
	}
	return true;
}

/* In the child, where little may be called. */
static void env_set_pid(struct child_env *e)
{
	char digits[12], *at = e->pid + strlen("LISTEN_PID=");
	pid_t pid = getpid();
	int n = 0;

	for (; pid; pid /= 10)
		digits[n++] = (char)('0' + pid % 10);
	while (n)
		*at++ = digits[--n];
	*at = '\0';
}

static void __attribute__((noreturn))
child_main(const struct proc_spec *spec, struct child_env *env, int null,
	   int log, int report)
{
	struct sigaction sa = {.sa_handler = SIG_DFL};
	sigset_t none;
	int err;

	setsid();
	for (int i = 1; i < 32; i++)
		sigaction(i, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	if (log >= 0) {
		dup2(log, 1);
		dup2(log, 2);
	}
	if (spec->listen_fd == 3)
		fcntl(3, F_SETFD, 0);
	else if (spec->listen_fd >= 0)
		dup2(spec->listen_fd, 3);
	env_set_pid(env);
	execvpe(spec->argv[0], spec->argv, env->all);
	err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

/* fork, and exec in the child; an errno number if either fails. */
static int spawn(const struct proc_spec *spec, struct child_env *env, int null,
		 int log, pid_t *pid)
{
	int report[2], err = 0;

	if (pipe2(report, O_CLOEXEC))
		return errno;
	/* Descriptor 3 is the child's socket: the report must be above it. */
	if (report[1] <= 3) {
		int high = fcntl(report[1], F_DUPFD_CLOEXEC, 10);

		close(report[1]);
		report[1] = high;
	}
	*pid = fork();
	if (!*pid)
		child_main(spec, env, null, log, report[1]);
	if (*pid < 0)
		err = errno;
	close(report[1]);
	if (!err && read(report[0], &err, sizeof(err)) != sizeof(err))
		err = 0;
	close(report[0]);
	if (err && *pid > 0) {
		waitpid(*pid, NULL, 0);
		*pid = 0;
	}
	return err;
}

struct proc *proc_start(struct ev_loop *loop, const struct proc_spec *spec,
			struct fail *why)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), log = -1, err;
	struct child_env env;
	struct proc *p = NULL;
	pid_t pid = 0;

	if (spec->log)
		log = open(spec->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			   0600);
	err = env_make(&env, spec->listen_fd >= 0) ? 0 : ENOMEM;
	if (!err)
		err = spawn(spec, &env, null, log, &pid);
	free(env.all);
	close(null);
	if (log >= 0)
		close(log);
	if (!err) {
		p = proc_watch(loop, pid, 0);
		err = p ? 0 : errno;
	}
	if (p)
		return p;
	if (pid > 0) { /* it runs, and nobody would see it end */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	fail_set(why, fail_of_errno(err), "start %s: %s", spec->argv[0],
		 strerror(err));
	return NULL;
}
