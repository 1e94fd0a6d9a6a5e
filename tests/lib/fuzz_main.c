/* SPDX-License-Identifier: MIT */
/*
 * A bounded run of a fuzz target: the seeds, then mutations of them.
 *
 * usage: fuzz-NAME [RUNS [SEED]] | fuzz-NAME FILE
 *
 * The same numbers give the same inputs.  A failure prints the number of the
 * run; "RUNS SEED" with that number as SEED and 1 as RUNS repeats it alone.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/fuzz.h"

#define INPUT_MAX 16384
#define RUNS      12000

static uint64_t state;
static unsigned long run_number;

static uint32_t rnd(uint32_t n)
{
	uint64_t x = state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return (uint32_t)((x ^ (x >> 31)) % n);
}

static size_t random_seed(uint8_t *out)
{
	unsigned count = 0;
	uint8_t scratch[INPUT_MAX];

	while (fuzz_seed(count, scratch, sizeof(scratch)))
		count++;
	return fuzz_seed(rnd(count), out, INPUT_MAX);
}

static size_t mutate(uint8_t *p, size_t n)
{
	static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff, '/', '@', 16};
	uint8_t other[INPUT_MAX];
	size_t at = n ? rnd((uint32_t)n) : 0, len, m;

	switch (rnd(7)) {
	case 0:
		if (n)
			p[at] ^= (uint8_t)(1u << rnd(8));
		break;
	case 1:
		if (n)
			p[at] = odd[rnd(sizeof(odd))];
		break;
	case 2:
		if (n)
			p[at] = (uint8_t)rnd(256);
		break;
	case 3: /* cut a piece out */
		len = rnd((uint32_t)(n - at + 1));
		if (len > 64)
			len = rnd(64);
		memmove(p + at, p + at + len, n - at - len);
		n -= len;
		break;
	case 4: /* repeat a piece */
		len = rnd((uint32_t)(n - at + 1));
		if (n + len > INPUT_MAX)
			break;
		memmove(p + at + len, p + at, n - at);
		n += len;
		break;
	default: /* another seed behind a part of this one */
		m = random_seed(other);
		if (at + m > INPUT_MAX)
			break;
		memcpy(p + at, other, m);
		n = at + m > n ? at + m : n;
	}
	return n;
}

static void one(unsigned long number)
{
	uint8_t input[INPUT_MAX];
	unsigned i, times;
	size_t n;

	run_number = number;
	state = number * 0x2545f4914f6cdd1dull;
	n = random_seed(input);
	times = rnd(12);
	for (i = 0; i < times; i++)
		n = mutate(input, n);
	LLVMFuzzerTestOneInput(input, n);
}

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

/* What the sanitizers find ends in died(), too. */
const char *__asan_default_options(void)
{
	return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
	return "abort_on_error=1";
}

static void died(int sig)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "not ok 1 - run %lu, signal %d\n",
			 run_number, sig);

	if (write(STDOUT_FILENO, text, (size_t)n) < 0)
		_exit(2);
	_exit(1);
}

static int from_file(const char *name)
{
	static uint8_t input[1 << 20];
	FILE *f = fopen(name, "rb");
	size_t n;

	if (!f)
		return 2;
	n = fread(input, 1, sizeof(input), f);
	fclose(f);
	return LLVMFuzzerTestOneInput(input, n);
}

int main(int argc, char **argv)
{
	unsigned long runs = RUNS, first = 1, i;
	char *end;

	if (argc > 1) {
		runs = strtoul(argv[1], &end, 10);
		if (*end)
			return from_file(argv[1]);
	}
	if (argc > 2)
		first = strtoul(argv[2], NULL, 10);
	signal(SIGABRT, died);
	puts("1..1");
	fflush(stdout);
	for (i = 0; i < runs; i++)
		one(first + i);
	printf("ok 1 - %lu inputs from number %lu on\n", runs, first);
	return 0;
}
