/* SPDX-License-Identifier: MIT */
/*
 * Transactions against a simple model.
 *
 * The model is a table of a small universe of paths.  A transaction of the
 * model is a copy of the table and the list of what was asked and answered.
 * Under random interleavings of several connections:
 *
 *  - every answer inside a transaction is that of the copy, taken at its start;
 *  - one that changed nothing succeeds: it could have run at its start;
 *  - any other commit that succeeded could have run as a whole at its end: asked again
 *    then, in one go, everything is answered the same (so outcomes are
 *    linearizable);
 *  - a commit that failed met a change of something related to what it touched.
 */
#include <errno.h>

#include "tests/store/harness.h"

#define BRANCH 3
#define DEPTH  3
#define NODES  40 /* 1 + 3 + 9 + 27 */
#define CONNS  4
#define TXNS   6

struct model {
	bool live[NODES];
	unsigned value[NODES];
};

enum op_kind {
	OP_READ,
	OP_LIST,
	OP_WRITE,
	OP_MKDIR,
	OP_RM,
	OP_KINDS
};

struct op {
	enum op_kind kind;
	int node;
	unsigned value;
	int rc; /* the answer: errno number, then ... */
	uint64_t data; /* ... a value, or a set of children  */
	bool effect; /* it changed something               */
};

struct mtx {
	struct conn *c;
	uint32_t id;
	struct model copy;
	struct op ops[64];
	int nops;
	bool wrote;
	bool touched_by_others[NODES];
};

static char paths[NODES][16];

static int parent_of(int n)
{
	return (n - 1) / BRANCH;
}

static void name_paths(void)
{
	int n;

	strcpy(paths[0], "/");
	for (n = 1; n < NODES; n++)
		snprintf(paths[n], sizeof(paths[n]), "%.12s/%c",
			 parent_of(n) ? paths[parent_of(n)] : "",
			 'a' + (n - 1) % BRANCH);
}

static bool below(int n, int top)
{
	while (n > top)
		n = parent_of(n);
	return n == top;
}

static void model_run(struct model *m, struct op *o)
{
	int n = o->node, k;

	o->rc = 0;
	o->data = 0;
	o->effect = false;
	switch (o->kind) {
	case OP_READ:
		o->rc = m->live[n] ? 0 : ENOENT;
		o->data = m->live[n] ? m->value[n] : 0;
		return;
	case OP_LIST:
		o->rc = m->live[n] ? 0 : ENOENT;
		for (k = 1; m->live[n] && k <= BRANCH; k++)
			if (n * BRANCH + k < NODES && m->live[n * BRANCH + k])
				o->data |= 1u << k;
		return;
	case OP_WRITE:
	case OP_MKDIR:
		o->effect = o->kind == OP_WRITE || !m->live[n];
		if (o->kind == OP_WRITE)
			m->value[n] = o->value;
		else if (!m->live[n])
			m->value[n] = 0;
		for (k = n; !m->live[k]; k = parent_of(k)) {
			m->live[k] = true;
			if (k != n)
				m->value[k] = 0;
		}
		return;
	case OP_RM:
	default:
		if (!m->live[n]) {
			o->rc = m->live[parent_of(n)] ? 0 : ENOENT;
			return;
		}
		o->effect = true;
		for (k = n; k < NODES; k++)
			if (below(k, n))
				m->live[k] = false;
	}
}

static void store_run(struct conn *c, uint32_t tx, struct op *o)
{
	char text[XS_PAYLOAD_MAX + 1] = "", number[16];
	const char *path = paths[o->node], *p;

	o->data = 0;
	switch (o->kind) {
	case OP_READ:
		o->rc = t_read(c, tx, path, text);
		o->data = strtoul(text, NULL, 10);
		break;
	case OP_LIST:
		o->rc = t_list(c, tx, path, text);
		for (p = text; !o->rc && *p; p++)
			if (*p != ' ')
				o->data |= 1u << (*p - 'a' + 1);
		break;
	case OP_WRITE:
		snprintf(number, sizeof(number), "%u", o->value);
		o->rc = t_write(c, tx, path, number);
		break;
	case OP_MKDIR:
		o->rc = t_mkdir(c, tx, path);
		break;
	default:
		o->rc = t_rm(c, tx, path);
	}
}

static struct op random_op(uint64_t *seed)
{
	static unsigned next_value;
	struct op o = {.kind = test_rand(seed, OP_KINDS)};

	o.node = (int)test_rand(seed, NODES);
	if (o.kind == OP_RM && !o.node)
		o.node = 1;
	if (o.kind == OP_RM && test_rand(seed, 3))
		o.node = 13 + (int)test_rand(seed, 27);
	o.value = ++next_value;
	return o;
}

static bool same_answer(const struct op *a, const struct op *b)
{
	return a->rc == b->rc && a->data == b->data;
}

/* Node n changed: the transactions that are under way did not see it. */
static void note_change(struct mtx *txs, int n, const struct mtx *by)
{
	int i;

	for (i = 0; i < TXNS; i++)
		if (txs[i].id && &txs[i] != by)
			txs[i].touched_by_others[n] = true;
}

/* Did others change something on the way to, or below, what was touched? */
static bool conflict_plausible(const struct mtx *t)
{
	int i, n;

	for (i = 0; i < t->nops; i++)
		for (n = 0; n < NODES; n++)
			if (t->touched_by_others[n] &&
			    (below(n, t->ops[i].node) ||
			     below(t->ops[i].node, n) ||
			     parent_of(n) == t->ops[i].node))
				return true;
	return false;
}

static void check_tree(struct store *st, const struct model *m)
{
	struct node *n;
	char text[16];
	int i;

	for (i = 0; i < NODES; i++) {
		n = tree_find(&st->tree, path_hash(paths[i], strlen(paths[i])),
			      paths[i], strlen(paths[i]));
		assert_int_equal(n != NULL, m->live[i]);
		if (!n)
			continue;
		snprintf(text, sizeof(text), "%.*s", (int)n->vlen, n->value);
		assert_int_equal(strtoul(text, NULL, 10), m->value[i]);
	}
}

struct world {
	struct store *st;
	struct conn *c[CONNS];
	struct mtx txs[TXNS];
	struct model now;
	uint64_t first, seed;
	unsigned commits, conflicts;
};

static void step_begin(struct world *w, struct mtx *t)
{
	memset(t, 0, sizeof(*t));
	t->c = w->c[test_rand(&w->seed, CONNS)];
	t->id = t_start(t->c);
	assert_true(t->id);
	t->copy = w->now;
}

static void step_inside(struct world *w, struct mtx *t)
{
	struct op o = random_op(&w->seed), want = o;

	if (t->nops == (int)ARRAY_LEN(t->ops))
		return;
	model_run(&t->copy, &want);
	store_run(t->c, t->id, &o);
	if (!same_answer(&o, &want))
		fail_msg("seed %lu in transaction: kind %d %s: %d/%lx, "
			 "not %d/%lx",
			 w->first, o.kind, paths[o.node], o.rc, o.data, want.rc,
			 want.data);
	t->wrote |= want.effect;
	t->ops[t->nops++] = want;
}

static void step_end(struct world *w, struct mtx *t)
{
	bool commit = test_rand(&w->seed, 5) != 0;
	int rc = t_end(t->c, t->id, commit), i;
	struct model after = w->now;
	struct op again;

	t->id = 0;
	if (rc == EAGAIN) {
		assert_true(commit && t->wrote);
		w->conflicts++;
		if (!conflict_plausible(t))
			fail_msg("seed %lu: a conflict with nobody", w->first);
		return;
	}
	assert_int_equal(rc, 0);
	if (!commit || !t->wrote)
		return;
	w->commits++;
	for (i = 0; i < t->nops; i++) {
		again = t->ops[i];
		model_run(&after, &again);
		if (!same_answer(&again, &t->ops[i]))
			fail_msg("seed %lu: committed, but %s would now be "
				 "%d/%lx, was %d/%lx",
				 w->first, paths[again.node], again.rc,
				 again.data, t->ops[i].rc, t->ops[i].data);
	}
	for (i = 0; i < NODES; i++)
		if (after.live[i] != w->now.live[i] ||
		    after.value[i] != w->now.value[i])
			note_change(w->txs, i, t);
	/* Also a value that was written again is a change. */
	for (i = 0; i < t->nops; i++)
		if (t->ops[i].effect)
			note_change(w->txs, t->ops[i].node, t);
	w->now = after;
}

static void step_outside(struct world *w)
{
	struct op o = random_op(&w->seed), want = o;
	struct model before = w->now;
	int i;

	model_run(&w->now, &want);
	store_run(w->c[test_rand(&w->seed, CONNS)], 0, &o);
	if (!same_answer(&o, &want))
		fail_msg("seed %lu outside: kind %d %s: %d/%lx, not %d/%lx",
			 w->first, o.kind, paths[o.node], o.rc, o.data, want.rc,
			 want.data);
	if (want.kind == OP_WRITE)
		note_change(w->txs, o.node, NULL);
	for (i = 0; i < NODES; i++)
		if (before.live[i] != w->now.live[i])
			note_change(w->txs, i, NULL);
}

static void random_interleaving(uint64_t seed, int steps)
{
	struct world w = {.st = test_store(), .first = seed, .seed = seed};
	struct mtx *t;
	int i;

	w.now.live[0] = true;
	for (i = 0; i < CONNS; i++)
		w.c[i] = test_conn(w.st, 0);
	for (i = 0; i < steps; i++) {
		t = &w.txs[test_rand(&w.seed, TXNS)];
		/* Turns would park requests; fairness has its own test. */
		test_time += 1;
		turn_tick(w.st);
		if (!test_rand(&w.seed, 6))
			step_outside(&w);
		else if (!t->id)
			step_begin(&w, t);
		else if (t->nops && !test_rand(&w.seed, 6))
			step_end(&w, t);
		else
			step_inside(&w, t);
	}
	check_tree(w.st, &w.now);
	for (i = 0; i < TXNS; i++)
		if (w.txs[i].id)
			t_end(w.txs[i].c, w.txs[i].id, false);
	assert_int_equal(w.st->tree.version_bytes, 0);
	assert_int_equal(w.st->tree.nodes.count, w.st->tree.count);
	assert_true(w.commits && w.conflicts);
	test_store_free(w.st);
}

static void outcomes_are_those_of_the_model(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 300; seed++) {
		random_interleaving(seed * 1000003, 2500);
	}
}

static char out[XS_PAYLOAD_MAX + 1];

static void different_children_of_one_directory_do_not_conflict(void **state)
{
	struct store *st = test_store();
	struct conn *a = test_conn(st, 0), *b = test_conn(st, 0);
	uint32_t ta, tb;

	(void)state;
	t_mkdir(a, 0, "/local/domain");
	ta = t_start(a);
	tb = t_start(b);
	t_write(a, ta, "/local/domain/1/name", "one");
	t_write(b, tb, "/local/domain/2/name", "two");
	assert_int_equal(t_end(a, ta, true), 0);
	assert_int_equal(t_end(b, tb, true), 0);
	/* But one that listed the directory does. */
	ta = t_start(a);
	t_list(a, ta, "/local/domain", out);
	t_write(a, ta, "/count", "2");
	t_write(b, 0, "/local/domain/3", "");
	assert_int_equal(t_end(a, ta, true), EAGAIN);
	test_store_free(st);
}

static void a_reader_never_conflicts_and_sees_one_instant(void **state)
{
	struct store *st = test_store();
	struct conn *a = test_conn(st, 0), *b = test_conn(st, 0);
	uint32_t t;

	(void)state;
	t_write(b, 0, "/x", "1");
	t_write(b, 0, "/d/y", "1");
	t = t_start(a);
	assert_int_equal(t_read(a, t, "/x", out), 0);
	t_write(b, 0, "/x", "2");
	t_write(b, 0, "/d/y", "2");
	t_write(b, 0, "/d/new", "2");
	t_rm(b, 0, "/x");
	assert_int_equal(t_read(a, t, "/x", out), 0);
	assert_string_equal(out, "1");
	assert_int_equal(t_read(a, t, "/d/y", out), 0);
	assert_string_equal(out, "1");
	t_rm(b, 0, "/d");
	assert_int_equal(t_list(a, t, "/d", out), 0);
	assert_string_equal(out, "y");
	assert_int_equal(t_end(a, t, true), 0);
	test_store_free(st);
}

static void events_come_at_commit_and_once(void **state)
{
	struct store *st = test_store();
	struct conn *a = test_conn(st, 0), *w = test_conn(st, 0);
	uint32_t t;

	(void)state;
	t_write(a, 0, "/d/old/x", "1");
	t_watch(w, "/d", "t", -1);
	t_watch(w, "/d/old/x", "x", -1);
	test_drain(w);
	t = t_start(a);
	t_write(a, t, "/d/n", "1");
	t_write(a, t, "/d/n", "2");
	t_write(a, t, "/d/gone", "2");
	t_rm(a, t, "/d/gone");
	t_rm(a, t, "/d/old");
	assert_string_equal(test_event(w), "");
	assert_int_equal(t_end(a, t, true), 0);
	assert_string_equal(test_event(w), "/d/n t");
	assert_string_equal(test_event(w), "/d/old t");
	assert_string_equal(test_event(w), "/d/old/x x");
	assert_string_equal(test_event(w), "");
	t = t_start(a);
	t_write(a, t, "/d/n", "3");
	t_end(a, t, false);
	assert_string_equal(test_event(w), "");
	test_store_free(st);
}

static void permissions_hold_inside_a_transaction(void **state)
{
	struct store *st = test_store();
	struct conn *c = test_conn(st, 0), *g = test_conn(st, 4);
	uint32_t t;

	(void)state;
	t_write(c, 0, "/mine", "1");
	t_chmod(c, 0, "/mine", "n4");
	t_write(c, 0, "/theirs", "1");
	t = t_start(g);
	assert_int_equal(t_write(g, t, "/theirs", "2"), EACCES);
	assert_int_equal(t_read(g, t, "/theirs", out), EACCES);
	assert_int_equal(t_write(g, t, "/mine/x", "2"), 0);
	assert_int_equal(t_chmod(g, t, "/mine", "n4 r7"), 0);
	assert_int_equal(t_perms(g, t, "/mine", out), 0);
	assert_string_equal(out, "n4 r7");
	t_perms(c, 0, "/mine", out);
	assert_string_equal(out, "n4");
	assert_int_equal(t_end(g, t, true), 0);
	t_perms(c, 0, "/mine", out);
	assert_string_equal(out, "n4 r7");
	t_perms(c, 0, "/mine/x", out);
	assert_string_equal(out, "n4");
	test_store_free(st);
}

static void a_quota_holds_across_transactions(void **state)
{
	struct store *st = test_store();
	struct conn *c = test_conn(st, 0), *g = test_conn(st, 4);
	char path[32], big[1001];
	uint32_t t1, t2;
	int i;

	(void)state;
	st->domains.limit[QUOTA_NODES] = 10;
	st->domains.limit[QUOTA_TXN_NODES] = 8;
	t_mkdir(c, 0, "/g");
	t_chmod(c, 0, "/g", "n4");
	t1 = t_start(g);
	t2 = t_start(g);
	for (i = 0; i < 6; i++) {
		sprintf(path, "/g/a%d", i);
		assert_int_equal(t_write(g, t1, path, ""), 0);
		path[3] = 'b';
		assert_int_equal(t_write(g, t2, path, ""), 0);
	}
	assert_int_equal(t_end(g, t1, true), 0);
	assert_int_equal(t_end(g, t2, true), ENOSPC);
	t1 = t_start(g);
	for (i = 0; i < 20; i++) {
		sprintf(path, "/g/c%d", i);
		t_read(g, t1, path, out);
	}
	assert_int_equal(t_write(g, t1, "/g/a0", "1"), ENOSPC);
	assert_int_equal(t_read(g, t1, "/g/a0", out), ENOSPC);
	t_end(g, t1, false);
	/* What a transaction holds is memory of the domain. */
	st->domains.limit[QUOTA_MEMORY] = 3000;
	t1 = t_start(g);
	memset(big, 'x', 1000);
	big[1000] = '\0';
	assert_int_equal(t_write(g, t1, "/g/a0", big), 0);
	assert_int_equal(t_write(g, t1, "/g/a1", big), ENOSPC);
	t_end(g, t1, false);
	assert_true(domain_find(&st->domains, 4)->use[QUOTA_MEMORY] < 1500);
	test_store_free(st);
}

static void a_transaction_left_open_cannot_hold_memory(void **state)
{
	struct store *st = test_store();
	struct conn *a = test_conn(st, 0), *b = test_conn(st, 0);
	char big[2001], path[32];
	uint32_t t, idle;
	int i;

	(void)state;
	memset(big, 'x', 2000);
	big[2000] = '\0';
	st->tree.version_limit = 100000;
	for (i = 0; i < 200; i++) {
		sprintf(path, "/n/%d", i);
		t_write(b, 0, path, big);
	}
	idle = t_start(a);
	assert_int_equal(t_read(a, idle, "/n/0", out), 0);
	for (i = 0; i < 200; i++) {
		sprintf(path, "/n/%d", i);
		t_write(b, 0, path, "new");
		assert_true(st->tree.version_bytes <= 103000);
	}
	t = t_start(a);
	t_write(a, t, "/ok", "1");
	assert_int_equal(t_end(a, t, true), 0);
	assert_int_equal(t_write(a, idle, "/n/0", "1"), 0);
	assert_int_equal(t_end(a, idle, true), EAGAIN);
	assert_int_equal(st->tree.version_bytes, 0);
	test_store_free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes_are_those_of_the_model),
		cmocka_unit_test(
			different_children_of_one_directory_do_not_conflict),
		cmocka_unit_test(a_reader_never_conflicts_and_sees_one_instant),
		cmocka_unit_test(events_come_at_commit_and_once),
		cmocka_unit_test(permissions_hold_inside_a_transaction),
		cmocka_unit_test(a_quota_holds_across_transactions),
		cmocka_unit_test(a_transaction_left_open_cannot_hold_memory),
	};

	name_paths();
	return cmocka_run_group_tests_name("transactions", tests, NULL, NULL);
}
