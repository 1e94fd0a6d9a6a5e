/* SPDX-License-Identifier: MIT */
/*
 * Kernels that stay mapped from one guest to the next.
 *
 * The first look at each page of a mapping is a fault, and with page tables
 * that a hypervisor keeps a dear one: mapping a kernel anew takes ten times as
 * long as copying it.  Only mappings of the cache's own files are kept, under
 * the times of the source as it was seen; a source that might have changed
 * without a trace is opened again.
 *
 * LOCKING  shelf->lock guards the slots and the files' counts of users.
 */
#include <pthread.h>
#include <stdlib.h>

#include "tools/build/cache.h"
#include "tools/build/internal.h"

#define SLOTS 4

struct kernel_shelf {
	pthread_mutex_t lock;
	struct kernel_file *slot[SLOTS]; /* the last used first */
};

struct kernel_shelf *shelf_new(void)
{
	struct kernel_shelf *shelf = calloc(1, sizeof(*shelf));

	if (shelf)
		pthread_mutex_init(&shelf->lock, NULL);
	return shelf;
}

/* One user fewer; the lock is held. */
static void put(struct kernel_file *file)
{
	if (file && !--file->users)
		kernel_close(file);
}

void shelf_free(struct kernel_shelf *shelf)
{
	if (!shelf)
		return;
	for (unsigned int i = 0; i < SLOTS; i++)
		put(shelf->slot[i]);
	pthread_mutex_destroy(&shelf->lock);
	free(shelf);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Move the slots before `i` up by one, and put `file` in front. */
static void to_front(struct kernel_shelf *shelf, unsigned int i,
		     struct kernel_file *file)
{
	for (; i; i--)
		shelf->slot[i] = shelf->slot[i - 1];
	shelf->slot[0] = file;
}

static struct kernel_file *find(struct kernel_shelf *shelf,
				const struct stat *st)
{
	struct kernel_file *file = NULL;

	pthread_mutex_lock(&shelf->lock);
	for (unsigned int i = 0; i < SLOTS && !file && shelf->slot[i]; i++) {
		if (!same(&shelf->slot[i]->st, st))
			continue;
		file = shelf->slot[i];
		file->users++;
		to_front(shelf, i, file);
	}
	pthread_mutex_unlock(&shelf->lock);
	return file;
}

static void keep(struct kernel_shelf *shelf, struct kernel_file *file)
{
	pthread_mutex_lock(&shelf->lock);
	put(shelf->slot[SLOTS - 1]);
	to_front(shelf, SLOTS - 1, file);
	file->users++;
	pthread_mutex_unlock(&shelf->lock);
}

struct kernel_file *shelf_open(struct kernel_shelf *shelf, const char *path,
			       const char *cache, struct build_error *why)
{
	struct kernel_file *file;
	struct stat st;

	file = stat(path, &st) ? NULL : find(shelf, &st);
	if (file)
		return file;
	file = kernel_open(path, cache, why);
	if (!file)
		return NULL;
	file->users = 1;
	if (file->mapped && cache_settled(&file->st))
		keep(shelf, file);
	return file;
}

void shelf_close(struct kernel_shelf *shelf, struct kernel_file *file)
{
	pthread_mutex_lock(&shelf->lock);
	put(file);
	pthread_mutex_unlock(&shelf->lock);
}
