/* SPDX-License-Identifier: MIT */
/* The store's engine in a test. */
#include <errno.h>

#include "tests/store/harness.h"

double test_time;
char test_log[4096];

/* Events that came while an answer was awaited, per connection. */
struct kept {
	struct kept *next;
	struct conn *c;
	char text[XS_PAYLOAD_MAX + 2];
};

static struct kept *kept_first;

static double test_clock(void)
{
	return test_time;
}

static void test_logger(const char *text)
{
	snprintf(test_log, sizeof(test_log), "%s", text);
}

struct store *test_store(void)
{
	struct store *st = mem_zalloc(sizeof(*st));

	store_init(st);
	test_time = 1000;
	test_log[0] = '\0';
	st->clock = st->domains.clock = test_clock;
	st->log = st->domains.log = test_logger;
	return st;
}

void test_store_free(struct store *st)
{
	struct kept *k;

	while ((k = kept_first)) {
		kept_first = k->next;
		free(k);
	}
	st->journal = NULL;
	store_free(st);
	free(st);
}

struct conn *test_conn(struct store *st, unsigned domid)
{
	struct domain *d;

	if (!domid)
		return conn_open(st, NULL, NULL);
	d = domain_get(&st->domains, domid);
	d->introduced = true;
	d->conn = conn_open(st, d, NULL);
	return d->conn;
}

static uint32_t next_id = 1;

void test_put(struct conn *c, uint32_t type, uint32_t tx, const void *data,
	      size_t len)
{
	struct xs_hdr h = {type, next_id++, tx, (uint32_t)len};

	conn_input(c, &h, sizeof(h));
	if (len)
		conn_input(c, data, len);
}

static int error_of(const char *name)
{
#define X(e)                                                                   \
	if (!strcmp(name, #e))                                                 \
		return e;
	XS_ERRORS(X)
#undef X
	fail_msg("unknown error \"%s\"", name);
	return 0;
}

bool test_get(struct conn *c, struct answer *a)
{
	struct xs_hdr h;

	if (c->out.len < sizeof(h))
		return false;
	memcpy(&h, buf_data(&c->out), sizeof(h));
	assert_true(h.len <= XS_PAYLOAD_MAX);
	assert_true(c->out.len >= sizeof(h) + h.len);
	a->type = h.type;
	a->tx_id = h.tx_id;
	a->req_id = h.req_id;
	a->len = h.len;
	memcpy(a->data, buf_data(&c->out) + sizeof(h), h.len);
	a->data[h.len] = '\0';
	a->error = h.type == XS_ERROR ? error_of(a->data) : 0;
	conn_sent(c, sizeof(h) + h.len);
	return true;
}

static void keep_event(struct conn *c, struct answer *a)
{
	struct kept *k = mem_zalloc(sizeof(*k)), **at = &kept_first;

	k->c = c;
	snprintf(k->text, sizeof(k->text), "%s %s", a->data,
		 a->data + strlen(a->data) + 1);
	while (*at)
		at = &(*at)->next;
	*at = k;
}

void test_call(struct conn *c, uint32_t type, uint32_t tx, const void *data,
	       size_t len, struct answer *a)
{
	uint32_t id = next_id;

	test_put(c, type, tx, data, len);
	conn_run(c, 1);
	for (;;) {
		if (!test_get(c, a))
			fail_msg("no answer to request type %u", type);
		if (a->type != XS_WATCH_EVENT)
			break;
		keep_event(c, a);
	}
	assert_int_equal(a->req_id, id);
	assert_int_equal(a->tx_id, tx);
	assert_true(a->type == type || a->type == XS_ERROR);
}

static int call_text(struct conn *c, uint32_t type, uint32_t tx,
		     const char *text, size_t len, char *out)
{
	static struct answer a;

	test_call(c, type, tx, text, len, &a);
	if (!a.error && out)
		memcpy(out, a.data, a.len + 1);
	return a.error;
}

int t_write(struct conn *c, uint32_t tx, const char *path, const char *value)
{
	char data[XS_PAYLOAD_MAX];
	size_t n = strlen(path) + 1, v = strlen(value);

	memcpy(data, path, n);
	memcpy(data + n, value, v);
	return call_text(c, XS_WRITE, tx, data, n + v, NULL);
}

int t_mkdir(struct conn *c, uint32_t tx, const char *path)
{
	return call_text(c, XS_MKDIR, tx, path, strlen(path) + 1, NULL);
}

int t_rm(struct conn *c, uint32_t tx, const char *path)
{
	return call_text(c, XS_RM, tx, path, strlen(path) + 1, NULL);
}

int t_read(struct conn *c, uint32_t tx, const char *path, char *value)
{
	return call_text(c, XS_READ, tx, path, strlen(path) + 1, value);
}

static void blanks(char *names, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i++)
		if (!names[i])
			names[i] = ' ';
}

int t_list(struct conn *c, uint32_t tx, const char *path, char *names)
{
	static struct answer a;

	test_call(c, XS_DIRECTORY, tx, path, strlen(path) + 1, &a);
	if (a.error)
		return a.error;
	blanks(a.data, a.len);
	memcpy(names, a.data, a.len + 1);
	return 0;
}

int t_chmod(struct conn *c, uint32_t tx, const char *path, const char *perms)
{
	char data[512];
	int n = snprintf(data, sizeof(data), "%s %s", path, perms), i;

	for (i = 0; i < n; i++)
		if (data[i] == ' ')
			data[i] = '\0';
	return call_text(c, XS_SET_PERMS, tx, data, (size_t)n + 1, NULL);
}

int t_perms(struct conn *c, uint32_t tx, const char *path, char *perms)
{
	static struct answer a;

	test_call(c, XS_GET_PERMS, tx, path, strlen(path) + 1, &a);
	if (a.error)
		return a.error;
	blanks(a.data, a.len);
	memcpy(perms, a.data, a.len);
	return 0;
}

int t_watch(struct conn *c, const char *path, const char *token, int depth)
{
	char data[XS_PAYLOAD_MAX];
	int n = sprintf(data, "%s%c%s", path, 0, token) + 1;

	if (depth >= 0)
		n += sprintf(data + n, "%d", depth) + 1;
	return call_text(c, XS_WATCH, 0, data, (size_t)n, NULL);
}

int t_unwatch(struct conn *c, const char *path, const char *token)
{
	char data[XS_PAYLOAD_MAX];
	int n = sprintf(data, "%s%c%s", path, 0, token) + 1;

	return call_text(c, XS_UNWATCH, 0, data, (size_t)n, NULL);
}

uint32_t t_start(struct conn *c)
{
	char id[XS_PAYLOAD_MAX + 1];

	if (call_text(c, XS_TRANSACTION_START, 0, "", 1, id))
		return 0;
	return (uint32_t)strtoul(id, NULL, 10);
}

int t_end(struct conn *c, uint32_t tx, bool commit)
{
	return call_text(c, XS_TRANSACTION_END, tx, commit ? "T" : "F", 2,
			 NULL);
}

int t_introduce(struct conn *c, unsigned domid)
{
	char data[64];
	int n = sprintf(data, "%u%c%u%c%u", domid, 0, 1000 + domid, 0,
			domid + 1);

	return call_text(c, XS_INTRODUCE, 0, data, (size_t)n + 1, NULL);
}

const char *test_event(struct conn *c)
{
	static char text[XS_PAYLOAD_MAX + 2];
	struct kept **at, *k;
	struct answer a;

	while (test_get(c, &a)) {
		assert_int_equal(a.type, XS_WATCH_EVENT);
		keep_event(c, &a);
	}
	for (at = &kept_first; (k = *at); at = &k->next) {
		if (k->c != c)
			continue;
		*at = k->next;
		memcpy(text, k->text, sizeof(text));
		free(k);
		return text;
	}
	return "";
}

void test_drain(struct conn *c)
{
	while (*test_event(c))
		;
}

uint32_t test_rand(uint64_t *state, uint32_t n)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return (uint32_t)((x ^ (x >> 31)) % n);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *test_dump(struct store *st)
{
	struct buf all = {0}, line;
	char **lines = mem_alloc(st->tree.count * sizeof(*lines));
	size_t n = 0, i;
	struct node *nd;

	for (nd = st->tree.root; nd; nd = tree_next(nd)) {
		memset(&line, 0, sizeof(line));
		buf_printf(&line, "%s = %.*s (", nd->path, (int)nd->vlen,
			   nd->value);
		for (i = 0; i < nd->perms->n; i++)
			buf_printf(&line, "%c%u,", "nrwb"[nd->perms->p[i].bits],
				   nd -> perms -> p[i].domid);
		buf_printf(&line, ")");
		buf_add(&line, "", 1);
		assert_true(n < st->tree.count);
		lines[n++] = line.mem;
	}
	assert_int_equal(n, st->tree.count);
	qsort(lines, n, sizeof(*lines), by_text);
	for (i = 0; i < n; i++) {
		buf_printf(&all, "%s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	buf_add(&all, "", 1);
	return all.mem;
}
