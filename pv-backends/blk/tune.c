/* SPDX-License-Identifier: MIT */
/*
 * The rate limits of a disk: of all requests, and of each direction, in bytes
 * and in requests.
 */
#include "pv-backends/blk/blk.h"

enum {
	TUNES = 4, /* that count for one request */
};

static void tunes_of(bool reads, enum tune *t)
{
	t[0] = TUNE_TOTAL_BYTES;
	t[1] = reads ? TUNE_READ_BYTES : TUNE_WRITE_BYTES;
	t[2] = TUNE_TOTAL_IOPS;
	t[3] = reads ? TUNE_READ_IOPS : TUNE_WRITE_IOPS;
}

double tune_wait(struct blk *b, bool reads)
{
	double now = ev_now(b->xb->loop), longest = 0;
	enum tune t[TUNES];

	if (!b->limited)
		return 0;
	tunes_of(reads, t);
	for (unsigned int i = 0; i < TUNES; i++) {
		double wait = limit_wait(&b->limit[t[i]], now);

		longest = wait > longest ? wait : longest;
	}
	return longest;
}

void tune_charge(struct blk *b, bool reads, double bytes)
{
	enum tune t[TUNES];

	if (!b->limited)
		return;
	tunes_of(reads, t);
	for (unsigned int i = 0; i < TUNES; i++)
		limit_take(&b->limit[t[i]],
			   t[i] >= TUNE_TOTAL_IOPS ? 1 : bytes);
}
