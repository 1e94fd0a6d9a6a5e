/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the ring page: a guest that writes anything, anywhere, at any time.
 *
 * The input is a list of acts of the guest.  The daemon's half takes a turn
 * after some of them.  Nothing may be read or written outside of the page's
 * rings, and the store stays right.
 */
#include "tests/store/fuzz_check.h"
#include "tests/store/harness.h"
#include "tools/store/ring.h"

static struct xs_ring_page page;

static void turn(struct store *st, struct ring *r)
{
	ring_input(r);
	conn_run(r->c, 4);
	ring_settle(r);
	st->journal->off = st->journal->len = 0;
	ring_publish(r);
}

static void append(const uint8_t *data, size_t n)
{
	uint32_t prod = page.req_prod;

	while (n--)
		page.req[XS_RING_MASK(prod++)] = *data++;
	page.req_prod = prod;
}

static void act(const uint8_t *data, size_t n, unsigned what)
{
	uint32_t word = 0;

	memcpy(&word, data, n < 4 ? n : 4);
	switch (what) {
	case 0:
		page.req_prod = word;
		break;
	case 1:
		page.rsp_cons = word;
		break;
	case 2:
		page.req_cons = word;
		break;
	case 3:
		page.rsp_prod = word;
		break;
	case 4:
		page.connection = word;
		break;
	case 5:
		page.rsp_cons = page.rsp_prod; /* reads everything */
		break;
	default:
		append(data, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store *st = test_store();
	struct conn *root = test_conn(st, 0), *c = test_conn(st, 5);
	struct buf journal = {0};
	struct ring r;
	size_t n;

	st->journal = &journal;
	memset(&page, 0, sizeof(page));
	t_mkdir(root, 0, "/local/domain/5");
	t_chmod(root, 0, "/local/domain/5", "n5");
	ring_start(&r, c, &page);
	while (size >= 2) {
		unsigned what = data[0];

		n = data[1];
		data += 2;
		size -= 2;
		if (n > size)
			n = size;
		act(data, n, what % 16);
		data += n;
		size -= n;
		if (what & 16)
			turn(st, &r);
	}
	page.connection = XS_RING_RECONNECT;
	turn(st, &r);
	MUST(page.connection == XS_RING_CONNECTED && !page.error);
	fuzz_check_store(st);
	buf_free(&journal);
	test_store_free(st);
	return 0;
}

static size_t put(uint8_t *out, uint32_t type, const char *payload, size_t len)
{
	struct xs_hdr h = {type, 1, 0, (uint32_t)len};

	out[0] = 16 + 15;
	out[1] = (uint8_t)(sizeof(h) + len);
	memcpy(out + 2, &h, sizeof(h));
	memcpy(out + 2 + sizeof(h), payload, len);
	return 2 + sizeof(h) + len;
}

size_t fuzz_seed(unsigned i, uint8_t *out, size_t room)
{
	size_t at = 0;
	int k;

	(void)room;
	switch (i) {
	case 0:
		return put(out, XS_WRITE, "a\0value", 7);
	case 1:
		for (k = 0; k < 40; k++)
			at += put(out + at, XS_READ, "a", 2);
		return at;
	case 2: /* longer than the ring */
		memset(out, 'x', 3000);
		at = put(out, XS_WRITE, "long", 5);
		out[2 + 12] = 0;
		out[2 + 13] = 8; /* 2048 bytes */
		for (; at < 3000; at += 242) {
			out[at] = 16 + 15;
			out[at + 1] = 240;
		}
		return at;
	case 3:
		at = put(out, XS_WATCH, "a\0t", 4);
		at += put(out + at, XS_TRANSACTION_START, "", 1);
		at += put(out + at, XS_WRITE, "a\0x", 3);
		memcpy(out + at, "\x15\x00", 2);
		return at + 2;
	case 4:
		memcpy(out, "\x14\x04\x01\0\0\0\x10\x04\xff\xff\0\0", 12);
		return 12;
	default:
		return 0;
	}
}
