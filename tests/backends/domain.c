/* SPDX-License-Identifier: MIT */
/* A domain for tests of backends: processes, memory, events, the store. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/backends/domain.h"
#include "tools/xs/xs_ext.h"

static struct testbed *running;

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("Bail out! ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	if (running)
		testbed_stop(running);
	exit(1);
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void nap(void)
{
	const struct timespec ts = {.tv_nsec = 2000000};

	nanosleep(&ts, NULL);
}

uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* ---- processes ---------------------------------------------------------------------- */

static pid_t start(char *const *argv, const char *log)
{
	pid_t pid = fork();
	int fd;

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid)
		return pid;
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL); /* it would inherit what we made of it */
	execv(argv[0], argv);
	_exit(127);
}

void stop_process(pid_t *pid, int signal)
{
	if (*pid <= 0)
		return;
	kill(*pid, signal);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static const char *build(void)
{
	const char *dir = getenv("BUILD");

	return dir ? dir : "build";
}

void start_store(struct testbed *t)
{
	char program[256], socket[256], state[256], log[256];
	char *argv[] = {program, "-f", "-s", socket, "-d", state, NULL};
	double until = now() + PATIENCE;

	snprintf(program, sizeof(program), "%s/bin/parapet-stored", build());
	snprintf(socket, sizeof(socket), "%s/store", t->dir);
	snprintf(state, sizeof(state), "%s/state", t->dir);
	snprintf(log, sizeof(log), "%s/log", t->dir);
	setenv("XENSTORED_PATH", socket, 1);
	if (t->xs)
		xs_close(t->xs);
	t->store = start(argv, log);
	while (!(t->xs = xs_open(0))) {
		if (now() > until)
			die("the store does not start");
		nap();
	}
}

void start_backend(struct testbed *t, const char *program)
{
	char path[256], run[256], bus[256], log[256];
	char *argv[] = {path, "--run",        run, "--bus", bus, "--user",
			"",   "--no-sandbox", NULL};

	snprintf(path, sizeof(path), "%s/san/bin/%s", build(), program);
	snprintf(run, sizeof(run), "%s/run", t->dir);
	snprintf(bus, sizeof(bus), "files:%s", t->dir);
	snprintf(log, sizeof(log), "%s/log", t->dir);
	t->backend = start(argv, log);
}

pid_t worker_of(const struct testbed *t, const char *type, unsigned int devid)
{
	char path[256];
	int pid = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/run/%s-%u-%u.pid", t->dir, type, DOMID,
		 devid);
	in = fopen(path, "re");
	if (!in)
		return 0;
	if (fscanf(in, "%d", &pid) != 1)
		pid = 0;
	fclose(in);
	return pid;
}

void end_worker(const struct testbed *t, const char *type, unsigned int devid,
		int signal)
{
	double until = now() + PATIENCE;
	pid_t old = worker_of(t, type, devid), pid;

	if (!old)
		die("no process serves %s %u", type, devid);
	kill(old, signal);
	while (!(pid = worker_of(t, type, devid)) || pid == old) {
		if (now() > until)
			die("%s %u is not started again", type, devid);
		nap();
	}
}

void kill_worker(const struct testbed *t, const char *type, unsigned int devid)
{
	end_worker(t, type, devid, SIGKILL);
}

static void show_log(const struct testbed *t)
{
	char path[256], line[512];
	FILE *in;

	snprintf(path, sizeof(path), "%s/log", t->dir);
	in = fopen(path, "re");
	while (in && fgets(line, sizeof(line), in))
		printf("# %s", line);
	if (in)
		fclose(in);
}

void testbed_start(struct testbed *t, unsigned int nr_frames)
{
	const char *tmp = getenv("TMPDIR");
	char path[256];
	int fd;

	memset(t, 0, sizeof(*t));
	snprintf(t->dir, sizeof(t->dir), "%s/backend-XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(t->dir))
		die("%s: %s", t->dir, strerror(errno));
	running = t;
	signal(SIGPIPE, SIG_IGN);
	snprintf(path, sizeof(path), "%s/%u.memory", t->dir, DOMID);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)nr_frames * FRAME))
		die("%s: %s", path, strerror(errno));
	t->memory = mmap(NULL, (size_t)nr_frames * FRAME,
			 PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (t->memory == MAP_FAILED)
		die("%s: %s", path, strerror(errno));
	t->nr_frames = nr_frames;
	t->next_frame = 8; /* the first are reserved */
	t->next_port = 1;
	start_store(t);
}

void testbed_stop(struct testbed *t)
{
	char command[256];

	running = NULL;
	stop_process(&t->backend, SIGTERM);
	if (t->xs)
		xs_close(t->xs);
	t->xs = NULL;
	stop_process(&t->store, SIGTERM);
	if (getenv("SHOW_LOG"))
		show_log(t);
	if (t->memory)
		munmap(t->memory, (size_t)t->nr_frames * FRAME);
	snprintf(command, sizeof(command), "rm -rf '%s'", t->dir);
	if (system(command))
		printf("# %s: not removed\n", t->dir);
}

/* ---- memory and events ---------------------------------------------------------------- */

unsigned int take_frames(struct testbed *t, unsigned int nr)
{
	unsigned int first = t->next_frame;

	t->next_frame += nr;
	if (t->next_frame > t->nr_frames)
		die("%u frames are not enough", t->nr_frames);
	return first;
}

void *frame(const struct testbed *t, unsigned int nr)
{
	return t->memory + (size_t)nr * FRAME;
}

static int make_fifo(const struct testbed *t, unsigned int nr, const char *end)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%u.%u.%s", t->dir, DOMID, nr, end);
	if (mkfifo(path, 0600))
		die("%s: %s", path, strerror(errno));
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

struct port make_port(struct testbed *t)
{
	struct port p = {.nr = t->next_port++};

	p.up = make_fifo(t, p.nr, "up");
	p.down = make_fifo(t, p.nr, "down");
	return p;
}

void send_event(const struct port *p)
{
	if (write(p->up, "", 1) < 0 && errno != EAGAIN)
		die("send an event: %s", strerror(errno));
}

bool wait_event(const struct port *p, double until)
{
	struct pollfd fd = {.fd = p->down, .events = POLLIN};
	double left = until - now();
	char bytes[512];

	if (poll(&fd, 1, left > 0 ? (int)(left * 1000) + 1 : 0) <= 0)
		return false;
	return read(p->down, bytes, sizeof(bytes)) > 0;
}

/* ---- the store -------------------------------------------------------------------------- */

void put(struct testbed *t, const char *path, const char *fmt, ...)
{
	char value[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	if (!xs_write(t->xs, XBT_NULL, path, value,
		      (unsigned int)strlen(value)))
		die("write %s: %s", path, strerror(errno));
}

char *get(struct testbed *t, const char *path)
{
	unsigned int len;

	return xs_read(t->xs, XBT_NULL, path, &len);
}

bool is(struct testbed *t, const char *path, const char *value)
{
	char *there = get(t, path);
	bool same = there && !strcmp(there, value);

	free(there);
	return same;
}

void wait_for(struct testbed *t, const char *path, const char *value)
{
	double until = now() + PATIENCE;

	while (!is(t, path, value)) {
		if (now() > until) {
			char *there = get(t, path);

			show_log(t);
			die("%s is %s, not %s", path, there, value);
		}
		nap();
	}
}

void wait_gone(struct testbed *t, const char *path)
{
	double until = now() + PATIENCE;
	char *there;

	while ((there = get(t, path))) {
		free(there);
		if (now() > until)
			die("%s is still there", path);
		nap();
	}
}

static const char *path_of(unsigned int n, const char *fmt, ...)
{
	static char path[4][256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path[n & 3], sizeof(path[0]), fmt, ap);
	va_end(ap);
	return path[n & 3];
}

const char *back(const char *type, unsigned int devid, const char *key)
{
	static unsigned int n;

	return path_of(n++ & 1, "/parapet/backend/%s/%u/%u/%s", type, DOMID,
		       devid, key);
}

const char *front(const char *type, unsigned int devid, const char *key)
{
	static unsigned int n;

	return path_of(2 + (n++ & 1), "/local/domain/%u/device/%s/%u/%s", DOMID,
		       type, devid, key);
}

static bool write_in(struct testbed *t, xs_transaction_t tx, const char *path,
		     const char *value)
{
	return xs_write(t->xs, tx, path, value, (unsigned int)strlen(value));
}

void make_device(struct testbed *t, const char *type, unsigned int devid,
		 const char *const *more)
{
	xs_transaction_t tx = xs_transaction_start(t->xs);
	char home[256], folder[256], domid[16];
	bool ok;

	snprintf(folder, sizeof(folder), "/parapet/backend/%s/%u/%u", type,
		 DOMID, devid);
	snprintf(home, sizeof(home), "/local/domain/%u/device/%s/%u", DOMID,
		 type, devid);
	snprintf(domid, sizeof(domid), "%u", DOMID);
	/* The supervisor is told of folders that are made, not implied. */
	ok = xs_mkdir(t->xs, tx, folder) &&
	     write_in(t, tx, back(type, devid, "frontend"), home) &&
	     write_in(t, tx, back(type, devid, "frontend-id"), domid) &&
	     write_in(t, tx, back(type, devid, "online"), "1") &&
	     write_in(t, tx, back(type, devid, "state"), "1") &&
	     write_in(t, tx, front(type, devid, "state"), "1");
	for (; ok && *more; more += 2)
		ok = write_in(t, tx, back(type, devid, more[0]), more[1]);
	if (!ok || !xs_transaction_end(t->xs, tx, false))
		die("make %s %u: %s", type, devid, strerror(errno));
}

void end_device(struct testbed *t, const char *type, unsigned int devid)
{
	put(t, back(type, devid, "online"), "0");
	put(t, back(type, devid, "state"), "5");
	put(t, front(type, devid, "state"), "6");
	wait_for(t, back(type, devid, "state"), "6");
}

void put_own_queue(struct testbed *t, const char *type, unsigned int devid,
		   unsigned int nr, unsigned int ref, unsigned int port)
{
	char key[64];

	snprintf(key, sizeof(key), "queue-%u/ring-ref", nr);
	put(t, front(type, devid, key), "%u", ref);
	snprintf(key, sizeof(key), "queue-%u/event-channel", nr);
	put(t, front(type, devid, key), "%u", port);
}

void put_own_keys(struct testbed *t, const char *type, unsigned int devid,
		  unsigned int queues, unsigned int version)
{
	put(t, front(type, devid, "multi-queue-num-queues"), "%u", queues);
	put(t, front(type, devid, "protocol-pv"), "%u", version);
}

/* ---- rings -------------------------------------------------------------------------------- */

void front_attach(struct front_ring *r, void *pages, size_t bytes,
		  uint32_t slot_size, struct port port)
{
	uint32_t fit = (uint32_t)((bytes - PV_RING_HEADER_SIZE) / slot_size);

	memset(pages, 0, bytes);
	r->shared = pages;
	r->shared->req_event = r->shared->rsp_event = 1;
	r->slots = (unsigned char *)pages + PV_RING_HEADER_SIZE;
	r->slot_size = slot_size;
	for (r->nr_slots = 1; 2 * r->nr_slots <= fit; r->nr_slots *= 2)
		;
	r->req_prod = r->rsp_cons = 0;
	r->port = port;
}

uint32_t front_free(const struct front_ring *r)
{
	return r->nr_slots - (r->req_prod - r->rsp_cons);
}

static void *slot(const struct front_ring *r, uint32_t index)
{
	return r->slots + (index & (r->nr_slots - 1)) * r->slot_size;
}

void *front_request(struct front_ring *r)
{
	if (!front_free(r))
		die("no slot is free");
	return slot(r, r->req_prod++);
}

void front_push(struct front_ring *r)
{
	uint32_t old = __atomic_load_n(&r->shared->req_prod, __ATOMIC_RELAXED);
	uint32_t event;

	__atomic_store_n(&r->shared->req_prod, r->req_prod, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	event = __atomic_load_n(&r->shared->req_event, __ATOMIC_RELAXED);
	if (r->req_prod - event < r->req_prod - old)
		send_event(&r->port);
}

void *front_response(struct front_ring *r)
{
	uint32_t prod = __atomic_load_n(&r->shared->rsp_prod, __ATOMIC_ACQUIRE);

	if (prod == r->rsp_cons) {
		__atomic_store_n(&r->shared->rsp_event, r->rsp_cons + 1,
				 __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		prod = __atomic_load_n(&r->shared->rsp_prod, __ATOMIC_ACQUIRE);
	}
	if (prod - r->rsp_cons > r->req_prod - r->rsp_cons)
		die("more responses than requests");
	return prod == r->rsp_cons ? NULL : slot(r, r->rsp_cons++);
}

void *front_wait(struct front_ring *r)
{
	double until = now() + PATIENCE;
	void *rsp;

	while (!(rsp = front_response(r)))
		if (!wait_event(&r->port, until))
			die("no response");
	return rsp;
}
