/* SPDX-License-Identifier: MIT */
/*
 * Compression: processor and memory, hardly any system call.  What is packed
 * is words of a small language drawn at random, always the same ones, which
 * gets about as small as text does.
 */
#include "tests/bench/pvwork/pvwork.h"

#include <errno.h>
#include <stdint.h>
#include <zlib.h>

enum {
	BYTES = 1 << 20,
	WORDS = 2000,
	LONGEST = 9,
	LEVEL = 6,
};

static uint32_t drawn;

static uint32_t draw(uint32_t below)
{
	drawn = drawn * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)drawn * below) >> 32);
}

static void make_text(unsigned char *text)
{
	static char words[WORDS][LONGEST + 1];

	drawn = 42;
	for (int i = 0; i < WORDS; i++)
		for (uint32_t n = 2 + draw(LONGEST - 2), at = 0; at < n; at++)
			words[i][at] = (char)('a' + draw(26));
	for (int at = 0; at < BYTES;) {
		/* The first words are the usual ones. */
		const char *word = words[draw(1 + draw(WORDS))];

		while (*word && at < BYTES)
			text[at++] = (unsigned char)*word++;
		if (at < BYTES)
			text[at++] = ' ';
	}
}

/* MiB a second. */
static double pack(unsigned char *out, const unsigned char *text)
{
	double began = now(), took;
	unsigned int n = 0;

	do {
		uLongf bytes = 2 * BYTES;

		if (compress2(out, &bytes, text, BYTES, LEVEL) != Z_OK) {
			errno = EIO;
			die("compress2");
		}
		n++;
		took = now() - began;
	} while (took < effort.seconds);
	return n / took;
}

void measure_compress(void)
{
	static unsigned char text[BYTES], out[2 * BYTES];
	double figure[MAX_BATCHES];

	if (!wanted("compress"))
		return;
	make_text(text);
	pack(out, text); /* warm */
	for (unsigned int i = 0; i < effort.batches; i++)
		figure[i] = pack(out, text);
	report("compress", figure);
}
