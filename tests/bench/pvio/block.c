/* SPDX-License-Identifier: MIT */
/*
 * A disk, without the page cache: 1 MiB after another, and 4 KiB in random
 * places with one request at a time (pread) and with 32 (io_uring; as many are
 * sent as have come back, with one system call).
 */
#include "tests/bench/pvio/pvio.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	SMALL = 4096,
	LARGE = 1 << 20,
	DEPTH = 32,
};

static struct disk {
	int fd;
	uint64_t bytes;
	char *buffer; /* LARGE; page-aligned */
	uint64_t random;
} disk;

/* The same places on every system: splitmix64 from a fixed seed. */
static off_t random_place(void)
{
	uint64_t z = disk.random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	z ^= z >> 31;
	return (off_t)(z % (disk.bytes / SMALL) * SMALL);
}

static void read_at(off_t at, size_t bytes)
{
	ssize_t n = pread(disk.fd, disk.buffer, bytes, at);

	if (n == (ssize_t)bytes)
		return;
	if (n >= 0)
		errno = EIO;
	die("read");
}

/* MiB a second of one batch. */
static double sequential(void)
{
	double began = now(), took;
	uint64_t at = 0, n = 0;

	do {
		read_at((off_t)at, LARGE);
		at = at + 2 * LARGE > disk.bytes ? 0 : at + LARGE;
		n++;
		took = now() - began;
	} while (took < effort.seconds);
	return (double)n / took;
}

/* Requests a second. */
static double one_at_a_time(void)
{
	double began = now(), took;
	uint64_t n = 0;

	do {
		for (int i = 0; i < 8; i++, n++)
			read_at(random_place(), SMALL);
		took = now() - began;
	} while (took < effort.seconds);
	return (double)n / took;
}

static struct io_uring ring;

static void send_one(char *buffer)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_read(sqe, disk.fd, buffer, SMALL,
			   (uint64_t)random_place());
	io_uring_sqe_set_data(sqe, buffer);
}

/* Take what has come back; each sends another while `again`. */
static unsigned int take_all(int again)
{
	struct io_uring_cqe *cqe;
	unsigned int n = 0;

	while (!io_uring_peek_cqe(&ring, &cqe)) {
		char *buffer = io_uring_cqe_get_data(cqe);

		if (cqe->res != SMALL) {
			errno = cqe->res < 0 ? -cqe->res : EIO;
			die("read");
		}
		io_uring_cqe_seen(&ring, cqe);
		if (again)
			send_one(buffer);
		n++;
	}
	return n;
}

static double many_at_once(void)
{
	double began = now(), took;
	unsigned int left = DEPTH;
	uint64_t n = 0;

	for (int i = 0; i < DEPTH; i++)
		send_one(disk.buffer + i * SMALL);
	do {
		io_uring_submit_and_wait(&ring, 1);
		n += take_all(1);
		took = now() - began;
	} while (took < effort.seconds);
	while (left) {
		io_uring_submit_and_wait(&ring, 1);
		left -= take_all(0);
	}
	return (double)n / took;
}

static void measure(const char *metric, double (*batch)(void))
{
	double figure[MAX_BATCHES];

	if (!wanted(metric))
		return;
	batch(); /* warm */
	for (unsigned int i = 0; i < effort.batches; i++)
		figure[i] = batch();
	report(metric, figure);
}

void measure_block(const char *path)
{
	void *buffer;
	off_t end;

	disk.fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	end = disk.fd < 0 ? -1 : lseek(disk.fd, 0, SEEK_END);
	if (end < 2 * LARGE)
		die(path);
	disk.bytes = (uint64_t)end;
	if (posix_memalign(&buffer, SMALL, LARGE) ||
	    io_uring_queue_init(DEPTH, &ring, 0))
		die("prepare");
	disk.buffer = buffer;
	measure("block_seq_read", sequential);
	measure("block_rand_qd1", one_at_a_time);
	measure("block_rand_qd32", many_at_once);
	close(disk.fd);
}
