/* SPDX-License-Identifier: MIT */
/*
 * The address space, against a model of it: which pages are mapped how, and
 * what is in them.  And a lot of memory, so that the same machine frame given
 * out twice would be seen.
 */
#include "tests/boot/load/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE        4096
#define MODEL_PAGES 256
#define STEPS       6000
#define SEED        20260101
#define LARGE_MOST  (192ul << 20)

/* What a page should be: PROT_ bits or -1 for a hole, and its first word. */
static struct {
	int prot;
	uint64_t word;
} model[MODEL_PAGES];

static char *area;
static int probe_fd;

static uint64_t *word_of(int page)
{
	return (uint64_t *)(area + (size_t)page * PAGE);
}

static void set_model(int page, int prot, int pages, int clear)
{
	for (int i = page; i < page + pages; i++) {
		if (clear)
			model[i].word = 0;
		model[i].prot = prot;
	}
}

static int all_mapped(int page, int pages)
{
	for (int i = page; i < page + pages; i++)
		if (model[i].prot < 0)
			return 0;
	return 1;
}

/* The kernel reads the page for us: EFAULT instead of a signal. */
static void check_page(int page)
{
	int readable = model[page].prot > 0;
	ssize_t n = pwrite(probe_fd, word_of(page), 8, 0);

	if (readable && (n != 8 || *word_of(page) != model[page].word))
		bad("page %d, seed %d: read gives %zd, word %llx", page, SEED,
		    n, n == 8 ? (unsigned long long)*word_of(page) : 0);
	if (!readable && (n != -1 || errno != EFAULT))
		bad("page %d, seed %d: can be read", page, SEED);
}

/* The kernel writes the page for us, from a file of zeros. */
static void check_write_refused(int page)
{
	if (model[page].prot & PROT_WRITE)
		return;
	if (pread(probe_fd, word_of(page), 8, 8) != -1 || errno != EFAULT)
		bad("page %d, seed %d: can be written", page, SEED);
}

static void step(uint64_t *random)
{
	static const int prots[] = {PROT_NONE, PROT_READ,
				    PROT_READ | PROT_WRITE};
	uint64_t r = next_random(random);
	int page = (int)(r % MODEL_PAGES);
	int pages = 1 + (int)(r >> 16) % (MODEL_PAGES - page) % 24;
	int prot = prots[(r >> 32) % 3];
	void *at = word_of(page);
	size_t len = (size_t)pages * PAGE;

	if (pages < 1)
		pages = 1, len = PAGE;
	switch ((r >> 40) % 8) {
	case 0:
		CHECK(!munmap(at, len));
		set_model(page, -1, pages, 1);
		break;
	case 1:
	case 2:
		CHECK(mmap(at, len, prot,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			   0) == at);
		set_model(page, prot, pages, 1);
		break;
	case 3:
	case 4:
		if (!all_mapped(page, pages))
			break;
		CHECK(!mprotect(at, len, prot));
		set_model(page, prot, pages, 0);
		break;
	case 5:
		if (!all_mapped(page, pages))
			break;
		CHECK(!madvise(at, len, MADV_DONTNEED));
		set_model(page, model[page].prot, 0, 0);
		for (int i = page; i < page + pages; i++)
			model[i].word = 0;
		break;
	default:
		if (model[page].prot != (PROT_READ | PROT_WRITE))
			break;
		*word_of(page) = model[page].word = r;
	}
	check_page(page);
	check_write_refused(page);
}

/* A child has a copy of all; its changes stay its own. */
static void change_all(long unused)
{
	(void)unused;
	for (int i = 0; i < MODEL_PAGES; i++) {
		check_page(i);
		if (model[i].prot == (PROT_READ | PROT_WRITE))
			*word_of(i) = ~model[i].word;
	}
}

void load_memory_model(void)
{
	uint64_t random = SEED;

	probe_fd = memfd_create("probe", MFD_CLOEXEC);
	CHECK(probe_fd >= 0 && !ftruncate(probe_fd, 16));
	area = mmap(NULL, MODEL_PAGES * PAGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	for (int i = 0; i < STEPS; i++) {
		step(&random);
		if (i % 200 == 199)
			finish(start(change_all, 0));
	}
	for (int i = 0; i < MODEL_PAGES; i++)
		check_page(i);
	say("%d steps", STEPS);
}

static size_t available_bytes(void)
{
	unsigned long kib = 0;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "re");

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "MemAvailable: %lu", &kib);
	fclose(file);
	return kib * 1024;
}

static void fill(uint64_t *words, size_t count, uint64_t seed, size_t stride)
{
	for (size_t i = 0; i < count; i += stride)
		words[i] = seed + i;
}

static void check_filled(const uint64_t *words, size_t count, uint64_t seed,
			 size_t stride)
{
	for (size_t i = 0; i < count; i += stride)
		if (words[i] != seed + i)
			bad("word %zu is %llx, not %llx", i,
			    (unsigned long long)words[i],
			    (unsigned long long)(seed + i));
}

static uint64_t *large;
static size_t large_words;

/* Every other page is copied by the write, the others stay shared. */
static void rewrite_half(long seed)
{
	check_filled(large, large_words, 1, 64);
	fill(large, large_words, (uint64_t)seed << 40, 1024);
	check_filled(large, large_words, (uint64_t)seed << 40, 1024);
}

void load_memory_large(void)
{
	size_t bytes = available_bytes() / 4;
	int pids[2];

	if (bytes > LARGE_MOST)
		bytes = LARGE_MOST;
	bytes &= ~(size_t)(PAGE - 1);
	large = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(large != MAP_FAILED);
	large_words = bytes / 8;
	fill(large, large_words, 1, 64);
	for (long i = 0; i < 2; i++)
		pids[i] = start(rewrite_half, i + 1);
	for (int i = 0; i < 2; i++)
		finish(pids[i]);
	check_filled(large, large_words, 1, 64);
	say("%zu MiB, two children", bytes >> 20);
}
