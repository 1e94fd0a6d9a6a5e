/* SPDX-License-Identifier: MIT */
/*
 * The ring transport, from the guest's side of the page.
 *
 * A guest of the test writes requests into the ring as far as there is room and
 * reads answers as they come, in pieces of random size.  The daemon's half is
 * killed at random points of its turn and starts again from its journal.  The
 * guest must not notice: every request is answered once and in order, every
 * read gives what was written last, and no event of its watch is lost.
 */
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "tests/store/harness.h"
#include "tools/store/journal.h"
#include "tools/store/ring.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/store-ring-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	return mkdtemp(dir) ? 0 : -1;
}

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

static int remove_dir(void **state)
{
	(void)state;
	empty_dir();
	return rmdir(dir);
}

/*
 * The daemon's half.
 */
struct half {
	struct store *st;
	struct journal j;
	struct ring ring;
	struct conn *other; /* a socket, for changes by somebody else */
	unsigned restarts;
};

static struct xs_ring_page page;

static void half_start(struct half *h, bool first)
{
	struct replay r;
	struct domain *d;
	char why[256];

	h->st = test_store();
	replay_init(&r, h->st);
	assert_int_equal(
		journal_open(&h->j, h->st, dir, NULL, &r, why, sizeof(why)), 0);
	replay_free(&r);
	h->j.checkpoint_min = 20000;
	h->other = test_conn(h->st, 0);
	if (first) {
		assert_int_equal(t_introduce(h->other, 5), 0);
		d = domain_find(&h->st->domains, 5);
		ring_start(&h->ring, d->conn, &page);
		rec_introduce(h->st, d, d->conn->in_at, d->conn->out_at);
		t_mkdir(h->other, 0, "/local/domain/5");
		t_chmod(h->other, 0, "/local/domain/5", "n5");
		journal_flush(&h->j);
		return;
	}
	d = domain_find(&h->st->domains, 5);
	assert_non_null(d);
	assert_true(ring_resume(&h->ring, d->conn, &page));
}

/* What is not in the journal file is lost. */
static void half_kill(struct half *h)
{
	journal_close(&h->j);
	test_store_free(h->st);
	h->restarts++;
}

/* One turn; stops at a random point if it is to be killed. */
static void half_turn(struct half *h, uint64_t *seed, bool die)
{
	unsigned at = die ? test_rand(seed, 6) : 99;

	ring_input(&h->ring);
	if (at == 0)
		return;
	conn_run(h->ring.c, 1 + test_rand(seed, 8));
	if (at == 1)
		return;
	ring_settle(&h->ring);
	if (at == 2)
		return;
	journal_flush(&h->j);
	if (at == 3)
		return;
	journal_checkpoint(&h->j, false);
	journal_step(&h->j, 5);
	if (at == 4)
		return;
	ring_publish(&h->ring);
	h->ring.kick = false;
}

/*
 * The guest.
 */
struct guest {
	struct buf out, in; /* requests to write, answers read       */
	uint32_t asked, answered;
	unsigned value[16]; /* of nodes data/0 ... data/15, 0: none  */
	unsigned expect[1 << 16]; /* of the read with that request id    */
	uint8_t kind[1 << 16];
	unsigned events;
};

enum {
	K_WRITE,
	K_READ,
	K_LONG,
	K_LONG_READ,
	K_TX,
	K_TX_END,
	K_DIR
};

static void guest_ask(struct guest *g, uint32_t type, uint8_t kind,
		      const void *data, size_t len)
{
	struct xs_hdr h = {type, ++g->asked, 0, (uint32_t)len};

	assert_true(g->asked < ARRAY_LEN(g->kind));
	g->kind[g->asked] = kind;
	buf_add(&g->out, &h, sizeof(h));
	buf_add(&g->out, data, len);
}

static void guest_think(struct guest *g, uint64_t *seed)
{
	unsigned node = test_rand(seed, 16), v;
	char data[XS_PAYLOAD_MAX];
	int n;

	switch (test_rand(seed, 8)) {
	case 0: /* longer than the ring */
		n = sprintf(data, "data/long") + 1;
		memset(data + n, 'x', 2000);
		guest_ask(g, XS_WRITE, K_LONG, data, (size_t)n + 2000);
		break;
	case 1:
		guest_ask(g, XS_READ, K_LONG_READ, "data/long", 10);
		break;
	case 2:
	case 3:
		n = sprintf(data, "data/%u", node) + 1;
		guest_ask(g, XS_READ, K_READ, data, (size_t)n);
		g->expect[g->asked] = g->value[node];
		break;
	case 4:
		guest_ask(g, XS_DIRECTORY, K_DIR, "data", 5);
		break;
	default:
		v = 1 + test_rand(seed, 1u << 30);
		n = sprintf(data, "data/%u%c%u", node, 0, v);
		g->value[node] = v;
		guest_ask(g, XS_WRITE, K_WRITE, data, (size_t)n);
	}
}

static void guest_write(struct guest *g, uint64_t *seed)
{
	uint32_t room = XS_RING_SIZE - (page.req_prod - page.req_cons);
	size_t n = g->out.len < room ? g->out.len : room, i;

	assert_true(room <= XS_RING_SIZE);
	if (n && test_rand(seed, 2))
		n = 1 + test_rand(seed, (uint32_t)n);
	for (i = 0; i < n; i++)
		page.req[XS_RING_MASK(page.req_prod + i)] =
			(uint8_t)buf_data(&g->out)[i];
	page.req_prod += (uint32_t)n;
	buf_take(&g->out, n);
}

static void guest_check(struct guest *g, const struct xs_hdr *h,
			const char *data)
{
	char text[16];

	if (h->type == XS_WATCH_EVENT) {
		g->events++;
		return;
	}
	assert_int_equal(h->req_id, ++g->answered);
	switch (g->kind[h->req_id]) {
	case K_READ:
		if (!g->expect[h->req_id]) {
			assert_int_equal(h->type, XS_ERROR);
			break;
		}
		assert_int_equal(h->type, XS_READ);
		snprintf(text, sizeof(text), "%u", g->expect[h->req_id]);
		assert_int_equal(h->len, strlen(text));
		assert_memory_equal(data, text, h->len);
		break;
	case K_LONG_READ:
		assert_true(h->type == XS_ERROR || h->len == 2000);
		break;
	case K_WRITE:
	case K_LONG:
		assert_int_equal(h->type, XS_WRITE);
		break;
	default:
		break;
	}
}

static void guest_read(struct guest *g, uint64_t *seed)
{
	uint32_t have = page.rsp_prod - page.rsp_cons, i;
	struct xs_hdr h;

	assert_true(have <= XS_RING_SIZE);
	if (have && test_rand(seed, 2))
		have = 1 + test_rand(seed, have);
	for (i = 0; i < have; i++)
		buf_add(&g->in, &page.rsp[XS_RING_MASK(page.rsp_cons + i)], 1);
	page.rsp_cons += have;
	while (g->in.len >= sizeof(h)) {
		memcpy(&h, buf_data(&g->in), sizeof(h));
		assert_true(h.len <= XS_PAYLOAD_MAX);
		if (g->in.len < sizeof(h) + h.len)
			break;
		guest_check(g, &h, buf_data(&g->in) + sizeof(h));
		buf_take(&g->in, sizeof(h) + h.len);
	}
}

static void a_life(uint64_t seed, bool killing)
{
	struct guest *g = mem_zalloc(sizeof(*g));
	struct half h = {0};
	unsigned steps = 3000, writes = 0;

	empty_dir();
	memset(&page, 0, sizeof(page));
	/* Positions start anywhere, also where they soon wrap. */
	page.req_prod = page.req_cons = 0xfffff000u + test_rand(&seed, 4096);
	page.rsp_prod = page.rsp_cons = test_rand(&seed, 4096);
	half_start(&h, true);
	guest_ask(g, XS_WATCH, K_TX, "data\0token", 11);
	while (steps || g->out.len || g->answered < g->asked ||
	       h.ring.c->out.len || page.rsp_prod != page.rsp_cons) {
		bool die = killing && !test_rand(&seed, 25);

		if (steps && g->out.len < 5000) {
			guest_think(g, &seed);
			writes += g->kind[g->asked] == K_WRITE ||
				  g->kind[g->asked] == K_LONG;
		}
		steps -= steps > 0;
		guest_write(g, &seed);
		if (test_rand(&seed, 4))
			half_turn(&h, &seed, die);
		if (die) {
			half_kill(&h);
			half_start(&h, false);
		}
		if (test_rand(&seed, 3))
			guest_read(g, &seed);
	}
	/* Every write below data was seen, and the watch's own first event. */
	assert_int_equal(g->events, writes + 1);
	if (killing)
		assert_true(h.restarts > 50);
	half_kill(&h);
	buf_free(&g->out);
	buf_free(&g->in);
	free(g);
}

static void a_guest_is_served_over_its_ring(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 5; seed++)
		a_life(seed, false);
}

static void a_guest_does_not_notice_that_the_daemon_is_killed(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 20; seed++) {
		print_message("# seed %lu\n", seed);
		a_life(seed * 7919, true);
	}
}

static void put_request(uint32_t type, uint32_t tx, const char *data,
			size_t len)
{
	struct xs_hdr h = {type, 1, tx, (uint32_t)len};
	const uint8_t *p = (const uint8_t *)&h;
	size_t i;

	for (i = 0; i < sizeof(h); i++)
		page.req[XS_RING_MASK(page.req_prod++)] = p[i];
	for (i = 0; i < len; i++)
		page.req[XS_RING_MASK(page.req_prod++)] = (uint8_t)data[i];
}

static struct xs_hdr get_answer(char *data)
{
	struct xs_hdr h;
	uint8_t *p = (uint8_t *)&h;
	size_t i;

	assert_true(page.rsp_prod - page.rsp_cons >= sizeof(h));
	for (i = 0; i < sizeof(h); i++)
		p[i] = page.rsp[XS_RING_MASK(page.rsp_cons++)];
	for (i = 0; i < h.len; i++)
		data[i] = (char)page.rsp[XS_RING_MASK(page.rsp_cons++)];
	data[h.len] = '\0';
	return h;
}

static char answer[XS_PAYLOAD_MAX + 1];

static uint32_t ask(struct half *h, uint32_t type, uint32_t tx,
		    const char *data, size_t len)
{
	uint64_t seed = 1;

	put_request(type, tx, data, len);
	half_turn(h, &seed, false);
	return get_answer(answer).type;
}

static void begin(struct half *h)
{
	empty_dir();
	memset(&page, 0, sizeof(page));
	half_start(h, true);
}

static void an_open_transaction_of_before_loses_and_may_be_repeated(
	void **state)
{
	struct half h = {0};
	uint32_t t;
	int round;

	(void)state;
	begin(&h);
	for (round = 0; round < 2; round++) {
		assert_int_equal(ask(&h, XS_TRANSACTION_START, 0, "", 1),
				 XS_TRANSACTION_START);
		t = (uint32_t)atoi(answer);
		assert_int_equal(ask(&h, XS_WRITE, t,
				     "x\0"
				     "1",
				     3),
				 XS_WRITE);
		if (!round) {
			half_kill(&h);
			half_start(&h, false);
			assert_int_equal(ask(&h, XS_WRITE, t,
					     "y\0"
					     "1",
					     3),
					 XS_WRITE);
		}
		assert_int_equal(ask(&h, XS_TRANSACTION_END, t, "T", 2),
				 round ? XS_TRANSACTION_END : XS_ERROR);
		if (!round)
			assert_string_equal(answer, "EAGAIN");
	}
	assert_int_equal(ask(&h, XS_READ, 0, "x", 2), XS_READ);
	assert_int_equal(ask(&h, XS_READ, 0, "y", 2), XS_ERROR);
	half_kill(&h);
}

/* The answer to a commit was journalled but not yet in the ring. */
static void a_commit_is_answered_once_even_across_a_crash(void **state)
{
	struct half h = {0};
	uint64_t seed = 1;
	uint32_t t;

	(void)state;
	begin(&h);
	ask(&h, XS_TRANSACTION_START, 0, "", 1);
	t = (uint32_t)atoi(answer);
	ask(&h, XS_WRITE, t,
	    "x\0"
	    "1",
	    3);
	put_request(XS_TRANSACTION_END, t, "T", 2);
	ring_input(&h.ring);
	conn_run(h.ring.c, 10);
	ring_settle(&h.ring);
	journal_flush(&h.j);
	half_kill(&h);
	half_start(&h, false);
	half_turn(&h, &seed, false);
	assert_int_equal(get_answer(answer).type, XS_TRANSACTION_END);
	assert_int_equal(page.rsp_prod, page.rsp_cons);
	assert_int_equal(ask(&h, XS_READ, 0, "x", 2), XS_READ);
	half_kill(&h);
}

/*
 * A stock kernel writes the header, then the body, and sends an event for the
 * second only if req_cons says that the first was taken.
 */
static void a_header_is_taken_before_its_body_comes(void **state)
{
	uint32_t whole;
	struct half h = {0};
	uint64_t seed = 1;
	int killed;

	(void)state;
	begin(&h);
	for (killed = 0; killed < 2; killed++) {
		put_request(XS_GET_DOMAIN_PATH, 0, "5", 2);
		put_request(XS_GET_DOMAIN_PATH, 0, "6", 2);
		whole = page.req_prod;
		page.req_prod -= 2;
		half_turn(&h, &seed, false);
		assert_int_equal(page.req_cons, page.req_prod);
		assert_int_equal(get_answer(answer).type, XS_GET_DOMAIN_PATH);
		if (killed) {
			half_kill(&h);
			half_start(&h, false);
		}
		page.req_prod = whole;
		half_turn(&h, &seed, false);
		get_answer(answer);
		assert_string_equal(answer, "/local/domain/6");
		assert_int_equal(page.req_cons, whole);
	}
	half_kill(&h);
}

/* No event comes for what the guest does while the daemon is at work. */
static void what_comes_during_a_turn_is_not_forgotten(void **state)
{
	struct half h = {0};
	uint64_t seed = 1;
	uint32_t room;

	(void)state;
	begin(&h);
	put_request(XS_GET_DOMAIN_PATH, 0, "5", 2);
	ring_input(&h.ring);
	conn_run(h.ring.c, 8);
	put_request(XS_GET_DOMAIN_PATH, 0, "6", 2);
	ring_settle(&h.ring);
	journal_flush(&h.j);
	ring_publish(&h.ring);
	assert_true(ring_more(&h.ring));
	half_turn(&h, &seed, false);
	assert_false(ring_more(&h.ring));
	get_answer(answer);
	get_answer(answer);
	assert_string_equal(answer, "/local/domain/6");

	/* Answers that found the ring full, until the guest has read some. */
	for (room = 0; room < 60; room++) {
		put_request(XS_GET_DOMAIN_PATH, 0, "5", 2);
		half_turn(&h, &seed, false);
	}
	assert_int_equal(page.rsp_prod - page.rsp_cons, XS_RING_SIZE);
	assert_false(ring_more(&h.ring));
	get_answer(answer);
	assert_true(ring_more(&h.ring));
	half_turn(&h, &seed, false);
	assert_int_equal(page.rsp_prod - page.rsp_cons, XS_RING_SIZE);
	half_kill(&h);
}

static void a_guest_may_ask_for_a_fresh_ring(void **state)
{
	struct half h = {0};

	(void)state;
	begin(&h);
	assert_int_equal(page.features, XS_FEATURE_ALL);
	ask(&h, XS_WATCH, 0, "w\0t", 4);
	get_answer(answer); /* the first event */
	put_request(XS_READ, 0, "half a", 7);
	page.req_prod -= 3;
	page.connection = XS_RING_RECONNECT;
	ring_input(&h.ring);
	assert_int_equal(page.connection, XS_RING_CONNECTED);
	assert_int_equal(page.req_cons, page.req_prod);
	assert_int_equal(page.rsp_cons, page.rsp_prod);
	assert_true(h.ring.kick);
	assert_int_equal(ask(&h, XS_WRITE, 0,
			     "w\0"
			     "1",
			     3),
			 XS_WRITE);
	assert_int_equal(page.rsp_prod, page.rsp_cons); /* no watch */
	half_kill(&h);
	half_start(&h, false);
	assert_int_equal(ask(&h, XS_READ, 0, "w", 2), XS_READ);
	half_kill(&h);
}

/* A guest that breaks the rules loses its ring, and nothing else happens. */
static void a_guest_that_lies_about_its_indices_is_cut_off(void **state)
{
	struct half h = {0};
	uint64_t seed = 1;
	struct xs_hdr big = {XS_READ, 1, 0, 5000};

	(void)state;
	begin(&h);
	page.req_prod += 2000;
	half_turn(&h, &seed, false);
	assert_int_equal(page.error, XS_RING_ERR_RINGIDX);
	assert_true(h.ring.dead);
	half_kill(&h);

	begin(&h);
	page.rsp_cons = 77777;
	put_request(XS_READ, 0, "x", 2);
	half_turn(&h, &seed, false);
	assert_int_equal(page.error, XS_RING_ERR_RINGIDX);
	half_kill(&h);

	begin(&h);
	memcpy(page.req, &big, sizeof(big));
	page.req_prod = sizeof(big);
	half_turn(&h, &seed, false);
	assert_int_equal(page.error, XS_RING_ERR_PROTO);
	/* It may come back. */
	page.connection = XS_RING_RECONNECT;
	half_turn(&h, &seed, false);
	assert_int_equal(page.error, XS_RING_ERR_NONE);
	assert_int_equal(ask(&h, XS_GET_DOMAIN_PATH, 0, "5", 2),
			 XS_GET_DOMAIN_PATH);
	half_kill(&h);
}

static void a_guest_that_never_reads_costs_little(void **state)
{
	struct half h = {0};
	uint64_t seed = 1;
	int i;

	(void)state;
	begin(&h);
	for (i = 0; i < 20000; i++) {
		if (XS_RING_SIZE - (page.req_prod - page.req_cons) >= 18)
			put_request(XS_GET_DOMAIN_PATH, 0, "5", 2);
		half_turn(&h, &seed, false);
	}
	assert_true(h.ring.c->out.len < 10000);
	assert_true(h.ring.c->in.len < 10000);
	assert_int_equal(page.error, 0);
	half_kill(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_is_served_over_its_ring),
		cmocka_unit_test(
			a_guest_does_not_notice_that_the_daemon_is_killed),
		cmocka_unit_test(
			an_open_transaction_of_before_loses_and_may_be_repeated),
		cmocka_unit_test(a_commit_is_answered_once_even_across_a_crash),
		cmocka_unit_test(a_header_is_taken_before_its_body_comes),
		cmocka_unit_test(what_comes_during_a_turn_is_not_forgotten),
		cmocka_unit_test(a_guest_may_ask_for_a_fresh_ring),
		cmocka_unit_test(
			a_guest_that_lies_about_its_indices_is_cut_off),
		cmocka_unit_test(a_guest_that_never_reads_costs_little),
	};

	return cmocka_run_group_tests_name("ring", tests, make_dir, remove_dir);
}
