/* SPDX-License-Identifier: MIT */
/*
 * Going on in another program (an upgrade) without losing a client.
 *
 * The state is written as journal frames into a memory file: a checkpoint, then
 * each socket with its descriptor number, unread bytes, watches and open
 * transactions.  Then the program is replaced by exec; the descriptors stay
 * open.  Open transactions survive as ones that will lose (EAGAIN), which every
 * client knows how to repeat.  If exec fails, this program simply goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/store/daemon.h"

static void set_cloexec(int fd, bool on)
{
	fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

static bool write_out(int fd, struct buf *b)
{
	ssize_t n;

	while (b->len) {
		n = write(fd, buf_data(b), b->len);
		if (n <= 0)
			return false;
		buf_take(b, (size_t)n);
	}
	return true;
}

static bool dump_socks(struct daemon *dm, int fd, struct buf *b)
{
	struct list *pos;
	struct sock *s;

	list_for_each (pos, &dm->socks) {
		s = container_of(pos, struct sock, link);
		rec_conn(&dm->st, s->c, s->fd);
		checkpoint_conn(&dm->st, s->c);
		frame_seal(&dm->st, b);
		if (!write_out(fd, b))
			return false;
	}
	return true;
}

/* The whole state in a memory file, or -1. */
static int handover_dump(struct daemon *dm)
{
	struct buf *journal = dm->st.journal, b = {0};
	int fd = memfd_create("store-handover", MFD_CLOEXEC);
	bool ok = fd >= 0, more = true;

	dm->st.journal = &b; /* records are wanted even without a journal */
	if (ok)
		checkpoint_head(&dm->st, &b);
	while (ok && more) {
		more = checkpoint_nodes(&dm->st, &b, 4096);
		ok = write_out(fd, &b);
	}
	ok = ok && dump_socks(dm, fd, &b);
	if (ok) {
		rec_complete(&dm->st);
		frame_seal(&dm->st, &b);
		ok = write_out(fd, &b);
	}
	dm->st.tree.cursor = NULL;
	dm->st.journal = journal;
	buf_free(&b);
	if (!ok && fd >= 0)
		close(fd);
	return ok ? fd : -1;
}

static void handover_fds(struct daemon *dm, bool cloexec)
{
	struct list *pos;
	unsigned i;

	list_for_each (pos, &dm->socks)
		set_cloexec(container_of(pos, struct sock, link)->fd, cloexec);
	for (i = 0; i < dm->cfg.nsockets; i++)
		set_cloexec(dm->listener[i].fd, cloexec);
}

void handover_go(struct daemon *dm)
{
	char env[128], *program = dm->handover;
	int fd, n;
	unsigned i;

	dm->handover = NULL;
	if (dm->journalling && !journal_settle(&dm->journal))
		store_log(&dm->st, "handover: the journal is not whole");
	fd = handover_dump(dm);
	if (fd < 0) {
		store_log(&dm->st, "handover: cannot write the state: %s",
			  strerror(errno));
		free(program);
		return;
	}
	n = snprintf(env, sizeof(env), "%d", fd);
	for (i = 0; i < dm->cfg.nsockets; i++)
		n += snprintf(env + n, sizeof(env) - (size_t)n, ",%d",
			      dm->listener[i].fd);
	setenv(HANDOVER_ENV, env, 1);
	set_cloexec(fd, false);
	handover_fds(dm, false);
	store_log(&dm->st, "handover: to %s, clients=%u", program,
		  dm->nclients);
	execv(program, dm->argv);
	store_log(&dm->st, "handover: %s: %s; going on", program,
		  strerror(errno));
	unsetenv(HANDOVER_ENV);
	handover_fds(dm, true);
	close(fd);
	free(program);
}

static struct conn *handover_adopt(struct replay *r, int fd)
{
	struct stat sb;

	if (fstat(fd, &sb) || !S_ISSOCK(sb.st_mode))
		return NULL;
	set_cloexec(fd, true);
	return sock_adopt(r->arg, fd)->c;
}

static bool handover_replay(struct daemon *dm, int fd)
{
	struct replay r;
	struct stat sb;
	size_t at = 0, n, len;
	const char *p, *records;

	if (fstat(fd, &sb) || !sb.st_size)
		return false;
	p = mmap(NULL, (size_t)sb.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	replay_init(&r, &dm->st);
	r.adopt = handover_adopt;
	r.arg = dm;
	while ((n = frame_open(p + at, (size_t)sb.st_size - at, &records,
			       &len))) {
		if (!replay_frame(&r, records, len))
			store_log(&dm->st, "handover: a frame made no sense");
		at += n;
	}
	replay_free(&r);
	munmap((void *)(uintptr_t)p, (size_t)sb.st_size);
	return r.complete;
}

static void handover_kick(struct daemon *dm)
{
	struct list *pos, *next;

	list_for_each_safe (pos, next, &dm->socks)
		sock_send(container_of(pos, struct sock, link));
}

int handover_take(struct daemon *dm, char *why, size_t len)
{
	char *env = getenv(HANDOVER_ENV), *at;
	unsigned i;
	int fd, state;

	if (!env)
		return 0;
	state = (int)strtol(env, &at, 10);
	for (i = 0; i < dm->cfg.nsockets && *at == ','; i++) {
		fd = (int)strtol(at + 1, &at, 10);
		set_cloexec(fd, true);
		sock_listen_start(dm, i, fd);
	}
	unsetenv(HANDOVER_ENV);
	if (i < dm->cfg.nsockets || !handover_replay(dm, state)) {
		snprintf(why, len, "handover: the state is not whole");
		return -1;
	}
	close(state);
	handover_kick(dm);
	store_log(&dm->st, "handover: took over, clients=%u nodes=%u",
		  dm->nclients, dm->st.tree.count);
	return 1;
}
