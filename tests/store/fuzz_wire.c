/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing what clients send.
 *
 * The input is a list of pieces: connection number, length, bytes.  Two of the
 * connections are the control domain's, two belong to guests; pieces need not
 * end where requests end.  After each piece some connection runs.  Whatever
 * comes, the tree and the accounts stay right, and answers are well formed.
 */
#include "tests/store/fuzz_check.h"
#include "tests/store/harness.h"

#define CONNS 4

/* Answers are whole messages; take them all, or leave them to pile up. */
static void take_output(struct conn *c)
{
	struct xs_hdr h;

	while (c->out.len) {
		MUST(c->out.len >= sizeof(h));
		memcpy(&h, buf_data(&c->out), sizeof(h));
		MUST(h.len <= XS_PAYLOAD_MAX && h.type < XS_TYPE_COUNT &&
		     c->out.len >= sizeof(h) + h.len);
		conn_sent(c, sizeof(h) + h.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store *st = test_store();
	struct conn *c[CONNS];
	size_t len;
	unsigned i, k;

	for (i = 0; i < CONNS; i++)
		c[i] = test_conn(st, i < 2 ? 0 : 3 + i);
	t_mkdir(c[0], 0, "/local/domain/5");
	t_chmod(c[0], 0, "/local/domain/5", "n5 b6");
	while (size >= 3) {
		i = data[0] % CONNS;
		k = data[0] / CONNS;
		len = data[1] | (size_t)data[2] << 8;
		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		if (!c[i]->broken)
			conn_input(c[i], data, len);
		data += len;
		size -= len;
		test_time += k % 4 * 0.05;
		turn_tick(st);
		while (!list_empty(&st->runnable))
			conn_run(container_of(st->runnable.next, struct conn,
					      run_link),
				 3);
		if (k % 8)
			take_output(c[i]);
		if (k == 63)
			conn_reset(c[i]);
		if (c[3]->dom != domain_find(&st->domains, 6) ||
		    c[2]->dom != domain_find(&st->domains, 5) ||
		    c[3]->dom->conn != c[3] || c[2]->dom->conn != c[2])
			break; /* a guest was released */
	}
	fuzz_check_store(st);
	test_store_free(st);
	return 0;
}

static size_t put(uint8_t *out, unsigned conn, uint32_t type, uint32_t tx,
		  const char *payload, size_t len)
{
	struct xs_hdr h = {type, 1, tx, (uint32_t)len};
	size_t n = sizeof(h) + len;

	out[0] = (uint8_t)(conn + 4);
	out[1] = (uint8_t)n;
	out[2] = (uint8_t)(n >> 8);
	memcpy(out + 3, &h, sizeof(h));
	memcpy(out + 3 + sizeof(h), payload, len);
	return 3 + n;
}

#define S(x) x, sizeof(x) - 1

size_t fuzz_seed(unsigned i, uint8_t *out, size_t room)
{
	static const struct {
		uint32_t type, tx;
		const char *data;
		size_t len;
	} r[] = {
		{XS_WRITE, 0, S("/a/b\0value")},
		{XS_READ, 0, S("/a/b\0")},
		{XS_MKDIR, 0, S("x/y\0")},
		{XS_RM, 0, S("/a\0")},
		{XS_DIRECTORY, 0, S("/\0")},
		{XS_DIRECTORY_PART, 0,
		 S("/\0"
		   "0\0")},
		{XS_GET_PERMS, 0, S("/a\0")},
		{XS_SET_PERMS, 0, S("/a\0n5\0r6\0")},
		{XS_WATCH, 0, S("/a\0token\0")},
		{XS_WATCH, 0,
		 S("x\0token\0"
		   "2\0")},
		{XS_WATCH, 0, S("@releaseDomain\0t\0")},
		{XS_UNWATCH, 0, S("/a\0token\0")},
		{XS_TRANSACTION_START, 0, S("\0")},
		{XS_WRITE, 2, S("/a/b\0in")},
		{XS_RM, 2, S("/a\0")},
		{XS_DIRECTORY, 2, S("/a\0")},
		{XS_TRANSACTION_END, 2, S("T\0")},
		{XS_TRANSACTION_END, 2, S("F\0")},
		{XS_INTRODUCE, 0,
		 S("7\0"
		   "1\0"
		   "2\0")},
		{XS_RELEASE, 0, S("7\0")},
		{XS_SET_TARGET, 0,
		 S("5\0"
		   "6\0")},
		{XS_RESET_WATCHES, 0, S("\0")},
		{XS_SET_QUOTA, 0,
		 S("5\0nodes\0"
		   "3\0")},
		{XS_GET_QUOTA, 0, S("")},
		{XS_SET_FEATURE, 0,
		 S("9\0"
		   "1\0")},
		{XS_CONTROL, 0, S("usage\0")},
		{XS_CONTROL, 0, S("quota\0max\0-r\0")},
		{XS_SET_PERMS, 0, S("@introduceDomain\0n0\0r5\0")},
		{XS_IS_DOMAIN_INTRODUCED, 0, S("7\0")},
		{XS_RESUME, 0, S("7\0")},
	};
	unsigned n = ARRAY_LEN(r), k;
	size_t at = 0;

	if (i < n)
		return put(out, i, r[i].type, r[i].tx, r[i].data, r[i].len);
	if (i > n + 3)
		return 0;
	/* Everything in a row, on each of the connections. */
	for (k = 0; k < n && at + 200 < room; k++)
		at += put(out + at, i - n, r[k].type, r[k].tx, r[k].data,
			  r[k].len);
	return at;
}
