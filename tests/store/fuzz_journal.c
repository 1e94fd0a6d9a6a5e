/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing what is read back from the journal.
 *
 * The input is taken twice: as a file image, where the checksums refuse nearly
 * everything, and as the records of frames with right checksums, as a disk or a
 * hostile administrator could make them.  Whatever was accepted is written as
 * a checkpoint and read again, and must give the same store.
 */
#include "tests/store/fuzz_check.h"
#include "tests/store/harness.h"
#include "tools/store/journal.h"

static void replay_image(struct store *st, const char *p, size_t size)
{
	struct replay r;
	const char *records;
	size_t n, len;

	replay_init(&r, st);
	while ((n = frame_open(p, size, &records, &len))) {
		replay_frame(&r, records, len);
		p += n;
		size -= n;
	}
	replay_free(&r);
}

/* Pieces of the input (length, bytes) become frames. */
static void make_frames(struct store *st, struct buf *image,
			const uint8_t *data, size_t size)
{
	size_t n;

	while (size >= 2) {
		n = data[0] | (size_t)data[1] << 8;
		data += 2;
		size -= 2;
		if (n > size)
			n = size;
		buf_add(&st->frame, data, n);
		frame_seal(st, image);
		data += n;
		size -= n;
	}
}

static void whole_checkpoint(struct store *st, struct buf *out)
{
	st->journal = out;
	checkpoint_head(st, out);
	while (checkpoint_nodes(st, out, 100))
		;
	st->journal = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store *st = test_store(), *again = test_store();
	struct buf image = {0}, copy = {0};
	char *a, *b;

	replay_image(st, (const char *)data, size);
	make_frames(st, &image, data, size);
	replay_image(st, buf_data(&image), image.len);
	fuzz_check_store(st);
	whole_checkpoint(st, &copy);
	replay_image(again, buf_data(&copy), copy.len);
	fuzz_check_store(again);
	a = test_dump(st);
	b = test_dump(again);
	if (strcmp(a, b) || st->watches.count != again->watches.count)
		abort();
	free(a);
	free(b);
	buf_free(&image);
	buf_free(&copy);
	test_store_free(again);
	test_store_free(st);
	return 0;
}

/* The records of a store in which a bit of everything happened. */
static void live(struct store *st)
{
	struct conn *c = test_conn(st, 0), *g;
	struct answer a;

	t_write(c, 0, "/a/b", "value");
	t_chmod(c, 0, "/a", "n5 r6");
	t_introduce(c, 5);
	t_introduce(c, 6);
	g = domain_find(&st->domains, 5)->conn;
	t_watch(g, "data", "token", 2);
	t_write(c, 0, "/a/b", "another");
	test_call(c, XS_SET_TARGET, 0,
		  "5\0"
		  "6",
		  4, &a);
	test_call(c, XS_SET_QUOTA, 0,
		  "5\0nodes\0"
		  "9",
		  10, &a);
	test_call(c, XS_SET_FEATURE, 0,
		  "8\0"
		  "3",
		  4, &a);
	t_start(g);
	t_chmod(c, 0, "@releaseDomain", "n0 r5");
	t_unwatch(g, "data", "token");
	t_rm(c, 0, "/a");
	test_call(c, XS_RELEASE, 0, "6", 2, &a);
}

size_t fuzz_seed(unsigned i, uint8_t *out, size_t room)
{
	static uint8_t seeds[64][1024];
	static size_t lens[64], count;
	const char *records;
	struct buf log = {0};
	size_t n, len, at = 0;
	struct store *st;

	if (!count) {
		st = test_store();
		st->journal = &log;
		live(st);
		while ((n = frame_open(buf_data(&log) + at, log.len - at,
				       &records, &len)) &&
		       count < 62 && len < 1000) {
			seeds[count][0] = (uint8_t)len;
			seeds[count][1] = (uint8_t)(len >> 8);
			memcpy(seeds[count] + 2, records, len);
			lens[count++] = len + 2;
			at += n;
		}
		st->journal = NULL;
		buf_free(&log);
		test_store_free(st);
	}
	if (i < count) {
		memcpy(out, seeds[i], lens[i]);
		return lens[i];
	}
	if (i > count)
		return 0;
	for (n = 0; n < count && at + lens[n] < room; n++) {
		memcpy(out + at, seeds[n], lens[n]);
		at += lens[n];
	}
	return at;
}
