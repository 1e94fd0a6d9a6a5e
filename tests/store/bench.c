/* SPDX-License-Identifier: MIT */
/*
 * The store's benchmark: one measurement for each word on the command line.
 *
 * Every result is a line of JSON: {"name":..., "value":..., "unit":...}.
 * bench.py starts daemons, calls this, and makes the table and the plot.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/xs/xs_ext.h"

#define WINDOW 256
#define KEYS   1000

static const char *socket_path;
static unsigned domains; /* where keys are spread; 0: /bench */

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct xs_handle *open_store(void)
{
	struct xs_handle *h = xs_open_path(socket_path, 0);

	if (!h)
		die("connect");
	return h;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void result(const char *name, double value, const char *unit)
{
	printf("{\"name\":\"%s\",\"value\":%.4g,\"unit\":\"%s\"}\n", name,
	       value, unit);
	fflush(stdout);
}

static uint64_t rnd_state = 88172645463325252ull;

static unsigned rnd(unsigned n)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (unsigned)(rnd_state >> 11) % n;
}

/* A random key of those that "fill" and "keys" made. */
static void key(char *path)
{
	if (domains)
		sprintf(path, "/local/domain/%u/device/d%u/k%u",
			1 + rnd(domains), rnd(40), rnd(25));
	else
		sprintf(path, "/bench/device/d%u/k%u", rnd(40), rnd(25));
}

static void check_reply(void *arg, int error, const void *data, size_t len)
{
	(void)arg;
	(void)data;
	(void)len;
	if (error) {
		errno = error;
		die("reply");
	}
}

static void bench_keys(void)
{
	struct xs_handle *h = open_store();
	char path[128];
	unsigned i;

	for (i = 0; i < KEYS; i++) {
		sprintf(path, "/bench/device/d%u/k%u", i / 25, i % 25);
		if (!xs_queue_write(h, 0, path, "0", 1, check_reply, NULL) ||
		    !xs_pump(h, WINDOW))
			die("keys");
	}
	if (!xs_pump(h, 0))
		die("keys");
	xs_close(h);
}

static void pipelined(const char *name, bool write, unsigned count)
{
	struct xs_handle *h = open_store();
	char path[128];
	double t0 = now();
	unsigned i;

	for (i = 0; i < count; i++) {
		key(path);
		if (write)
			xs_queue_write(h, 0, path, "12345678", 8, check_reply,
				       NULL);
		else
			xs_queue_read(h, 0, path, check_reply, NULL);
		if (i % 64 == 63 && !xs_pump(h, WINDOW))
			die(name);
	}
	if (!xs_pump(h, 0))
		die(name);
	result(name, count / (now() - t0), "1/s");
	xs_close(h);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *name, double *us, unsigned n)
{
	double sum = 0;
	char full[64];
	unsigned i;

	qsort(us, n, sizeof(*us), by_value);
	snprintf(full, sizeof(full), "%s-median", name);
	result(full, us[n / 2], "us");
	snprintf(full, sizeof(full), "%s-p99", name);
	result(full, us[n * 99 / 100], "us");
	for (i = 0; i < n; i++)
		sum += us[i];
	snprintf(full, sizeof(full), "%s-rate", name);
	result(full, n / sum * 1e6, "1/s");
}

static void synchronous(const char *name, bool write, unsigned count)
{
	struct xs_handle *h = open_store();
	double *us = calloc(count, sizeof(*us)), t0;
	unsigned i, len;
	char path[128];
	bool ok;

	for (i = 0; i < count; i++) {
		key(path);
		t0 = now();
		if (write) {
			ok = xs_write(h, 0, path, "12345678", 8);
		} else {
			void *value = xs_read(h, 0, path, &len);

			ok = value != NULL;
			free(value);
		}
		if (!ok)
			die(name);
		us[i] = (now() - t0) * 1e6;
	}
	report(name, us, count);
	free(us);
	xs_close(h);
}

/*
 * A transaction in several steps; many are under way at the same time.
 */
struct rmw {
	struct xs_handle *h;
	char path[128];
	xs_transaction_t t;
	char value[32];
};

static unsigned rmw_started, rmw_done, rmw_conflicts, rmw_wanted;

static void rmw_start(struct rmw *m);

static void rmw_ended(void *arg, int error, const void *data, size_t len)
{
	struct rmw *m = arg;

	(void)data;
	(void)len;
	if (error == EAGAIN)
		rmw_conflicts++;
	else if (error)
		die("commit");
	else
		rmw_done++;
	if (error || rmw_started < rmw_wanted) {
		rmw_started += !error;
		rmw_start(m);
	}
}

static void rmw_read(void *arg, int error, const void *data, size_t len)
{
	struct rmw *m = arg;
	int n;

	(void)len;
	if (error)
		die("read in transaction");
	n = sprintf(m->value, "%lu", strtoul(data, NULL, 10) + 1);
	xs_queue_write(m->h, m->t, m->path, m->value, (size_t)n, check_reply,
		       NULL);
	xs_queue(m->h, XS_TRANSACTION_END, m->t, "T", 2, rmw_ended, m);
}

static void rmw_begun(void *arg, int error, const void *data, size_t len)
{
	struct rmw *m = arg;

	(void)len;
	if (error)
		die("transaction start");
	m->t = (xs_transaction_t)strtoul(data, NULL, 10);
	xs_queue_read(m->h, m->t, m->path, rmw_read, m);
}

static void rmw_start(struct rmw *m)
{
	key(m->path);
	xs_queue(m->h, XS_TRANSACTION_START, 0, "", 1, rmw_begun, m);
}

static void transactions(const char *name, unsigned width, unsigned count)
{
	struct xs_handle *h = open_store();
	struct rmw *m = calloc(width, sizeof(*m));
	double t0 = now();
	unsigned i;

	rmw_done = rmw_conflicts = 0;
	rmw_wanted = count;
	rmw_started = width;
	for (i = 0; i < width; i++) {
		m[i].h = h;
		rmw_start(&m[i]);
	}
	if (!xs_pump(h, 0))
		die(name);
	result(name, rmw_done / (now() - t0), "1/s");
	free(m);
	xs_close(h);
}

static void transactions_sync(const char *name, unsigned count)
{
	struct xs_handle *h = open_store();
	xs_transaction_t t;
	double t0 = now();
	char path[128], text[32], *value;
	unsigned i, n;

	for (i = 0; i < count; i++) {
		key(path);
		t = xs_transaction_start(h);
		value = xs_read(h, t, path, &n);
		if (!t || !value)
			die(name);
		n = (unsigned)sprintf(text, "%lu",
				      strtoul(value, NULL, 10) + 1);
		free(value);
		if (!xs_write(h, t, path, text, n) ||
		    !xs_transaction_end(h, t, false))
			die(name);
	}
	result(name, count / (now() - t0), "1/s");
	xs_close(h);
}

/*
 * Watch delivery: from before the write to the watcher's return.
 */
static double watch_sent, *watch_us;
static unsigned watch_got;
static pthread_mutex_t watch_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t watch_cond = PTHREAD_COND_INITIALIZER;

static void *watcher(void *arg)
{
	struct xs_handle *h = open_store();
	unsigned *count = arg, n;
	char **event;
	double t;

	if (!xs_watch(h, "/bench/watched", "token"))
		die("watch");
	for (n = 0; n <= *count; n++) {
		event = xs_read_watch(h, &(unsigned){0});
		t = now();
		if (!event)
			die("read watch");
		free(event);
		pthread_mutex_lock(&watch_lock);
		if (n)
			watch_us[n - 1] = (t - watch_sent) * 1e6;
		watch_got = n + 1;
		pthread_cond_signal(&watch_cond);
		pthread_mutex_unlock(&watch_lock);
	}
	xs_close(h);
	return NULL;
}

static void watch_delivery(const char *name, unsigned count)
{
	struct xs_handle *h = open_store();
	pthread_t thread;
	unsigned i;

	watch_us = calloc(count, sizeof(*watch_us));
	watch_got = 0;
	pthread_create(&thread, NULL, watcher, &count);
	for (i = 0; i <= count; i++) {
		pthread_mutex_lock(&watch_lock);
		while (watch_got < i + 1)
			pthread_cond_wait(&watch_cond, &watch_lock);
		watch_sent = now();
		pthread_mutex_unlock(&watch_lock);
		if (i < count && !xs_write(h, 0, "/bench/watched", "1", 1))
			die(name);
	}
	pthread_join(thread, NULL);
	report(name, watch_us, count);
	free(watch_us);
	xs_close(h);
}

static void big_directory(const char *name, unsigned entries)
{
	struct xs_handle *h = open_store();
	char path[64], **names;
	unsigned i, n, rounds = 20;
	double t0;

	for (i = 0; i < entries; i++) {
		sprintf(path, "/bench/big/entry-%u", i);
		xs_queue_write(h, 0, path, "", 0, check_reply, NULL);
		if (!xs_pump(h, WINDOW))
			die(name);
	}
	xs_pump(h, 0);
	t0 = now();
	for (i = 0; i < rounds; i++) {
		names = xs_directory(h, 0, "/bench/big", &n);
		if (!names || n != entries)
			die(name);
		free(names);
	}
	result(name, (now() - t0) / rounds * 1e3, "ms");
	xs_rm(h, 0, "/bench/big");
	xs_close(h);
}

/* Many connections, each with a few reads under way. */
static void many_clients(const char *name, unsigned clients, unsigned count)
{
	struct xs_handle **h = calloc(clients, sizeof(*h));
	unsigned i, k, rounds = count / clients / 8 + 1;
	char path[128];
	double t0;

	for (i = 0; i < clients; i++)
		h[i] = open_store();
	t0 = now();
	for (k = 0; k < rounds; k++) {
		unsigned q;

		for (i = 0; i < clients; i++) {
			for (q = 0; q < 8; q++) {
				key(path);
				xs_queue_read(h[i], 0, path, check_reply, NULL);
			}
			xs_pump(h[i], 8); /* sends, takes nothing */
		}
		for (i = 0; i < clients; i++)
			if (!xs_pump(h[i], 0))
				die(name);
	}
	result(name, clients * 8.0 * rounds / (now() - t0), "1/s");
	for (i = 0; i < clients; i++)
		xs_close(h[i]);
	free(h);
}

/* Domains of 1000 nodes and 20 watches each; their watches stay set while
 * this process lives, so it waits for the end of its input. */
static void fill(unsigned count)
{
	struct xs_handle *h = open_store();
	char path[128], token[32];
	unsigned d, i;

	for (d = 1; d <= count; d++) {
		for (i = 0; i < 1000; i++) {
			sprintf(path, "/local/domain/%u/device/d%u/k%u", d,
				i / 25, i % 25);
			xs_queue_write(h, 0, path, "0", 1, check_reply, NULL);
			if (i % 64 == 63 && !xs_pump(h, WINDOW))
				die("fill");
		}
		for (i = 0; i < 20; i++) {
			char watch[256];
			int n;

			sprintf(path, "/local/domain/%u/device/d%u", d, i * 2);
			sprintf(token, "w%u", i);
			n = sprintf(watch, "%s%c%s", path, 0, token) + 1;
			xs_queue(h, XS_WATCH, 0, watch, (size_t)n, check_reply,
				 NULL);
		}
		while (xs_pump(h, 0)) {
			char **e = xs_check_watch(h);

			if (!e)
				break;
			free(e);
		}
	}
	result("filled-domains", count, "1");
	xs_close(h);
}

static void *drain_events(void *arg)
{
	struct xs_handle *h = arg;
	unsigned n;
	char **e;

	while ((e = xs_read_watch(h, &n)))
		free(e);
	return NULL;
}

/* Only the watches, held until the input ends. */
static void hold_watches(unsigned count)
{
	struct xs_handle *h = open_store();
	char path[128], token[32];
	pthread_t thread;
	unsigned d, i;

	for (d = 1; d <= count; d++) {
		for (i = 0; i < 20; i++) {
			sprintf(path, "/local/domain/%u/device/d%u", d, i * 2);
			sprintf(token, "w%u", i);
			if (!xs_watch(h, path, token))
				die("watch");
		}
	}
	pthread_create(&thread, NULL, drain_events, h);
	result("held-watches", count * 20.0, "1");
	while (getchar() != EOF)
		;
	exit(0);
}

static unsigned number(char **argv, int *i, unsigned dflt)
{
	char *end;
	unsigned long v;

	if (!argv[*i + 1])
		return dflt;
	v = strtoul(argv[*i + 1], &end, 10);
	if (*end)
		return dflt;
	(*i)++;
	return (unsigned)v;
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 3)
		return 2;
	socket_path = argv[1];
	for (i = 2; i < argc; i++) {
		const char *w = argv[i];

		if (!strcmp(w, "domains"))
			domains = number(argv, &i, 0);
		else if (!strcmp(w, "keys"))
			bench_keys();
		else if (!strcmp(w, "fill"))
			fill(number(argv, &i, 1));
		else if (!strcmp(w, "hold"))
			hold_watches(number(argv, &i, 1));
		else if (!strcmp(w, "read-pipelined"))
			pipelined(w, false, number(argv, &i, 500000));
		else if (!strcmp(w, "write-pipelined"))
			pipelined(w, true, number(argv, &i, 500000));
		else if (!strcmp(w, "read-sync"))
			synchronous(w, false, number(argv, &i, 20000));
		else if (!strcmp(w, "write-sync"))
			synchronous(w, true, number(argv, &i, 20000));
		else if (!strcmp(w, "transactions"))
			transactions(w, 32, number(argv, &i, 100000));
		else if (!strcmp(w, "transactions-sync"))
			transactions_sync(w, number(argv, &i, 10000));
		else if (!strcmp(w, "watch-delivery"))
			watch_delivery(w, number(argv, &i, 5000));
		else if (!strcmp(w, "directory-10000"))
			big_directory(w, 10000);
		else if (!strcmp(w, "clients-1000"))
			many_clients(w, 1000, number(argv, &i, 200000));
		else if (!strcmp(w, "clients-100"))
			many_clients(w, 100, number(argv, &i, 200000));
		else
			return 2;
	}
	return 0;
}
