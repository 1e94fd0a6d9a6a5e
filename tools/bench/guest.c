/* SPDX-License-Identifier: MIT */
/*
 * The guest: described in a file, created by parapet, watched in the log of its
 * console.
 *
 * While it measures nothing runs here but what serves it: the kernel tells when
 * the log grows (inotify).  It powers off by itself, and is gone then.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/bench/bench.h"

#define GUEST_SECONDS 600

extern char **environ;

struct guest {
	char folder[64], xml[96], log[96], initrd[96], name[48];
};

static void write_xml(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (strchr("<>&'\"", *text))
			fprintf(f, "&#%d;", *text);
		else
			fputc(*text, f);
	}
}

static void write_line(FILE *f, const char *before, const char *text,
		       const char *after)
{
	fputs(before, f);
	write_xml(f, text);
	fputs(after, f);
}

static bool describe(const struct options *o, const struct guest *g)
{
	FILE *f = fopen(g->xml, "we");

	if (!f)
		return false;
	write_line(f, "<domain type='xen'>\n  <name>", g->name, "</name>\n");
	fprintf(f,
		"  <memory unit='MiB'>%ld</memory>\n  <vcpu>1</vcpu>\n"
		"  <os>\n    <type arch='x86_64' machine='xenpv'>linux</type>\n",
		o->memory);
	write_line(f, "    <kernel>", o->kernel, "</kernel>\n");
	write_line(f, "    <initrd>", o->initrd ? o->initrd : g->initrd,
		   "</initrd>\n");
	fputs("    <cmdline>console=hvc0 quiet nokaslr panic=1", f);
	write_line(f, o->rows ? " bench_metrics=" : "", o->rows ? o->rows : "",
		   o->quick ? " bench_batches=5 bench_batch_us=8000" : "");
	fputs("</cmdline>\n  </os>\n  <on_poweroff>destroy</on_poweroff>\n"
	      "  <on_reboot>destroy</on_reboot>\n"
	      "  <on_crash>destroy</on_crash>\n  <devices>\n"
	      "    <console type='pty'>\n",
	      f);
	write_line(f, "      <log file='", g->log, "' append='on'/>\n");
	fputs("    </console>\n  </devices>\n</domain>\n", f);
	return !fclose(f);
}

/* parapet COMMAND ARGUMENT; its status, or -1. */
static int parapet(const struct options *o, const char *command,
		   const char *argument, bool silent)
{
	char path[512];
	const char *words[] = {"parapet", "-q", command, argument, NULL};
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/parapet", o->programs);
	posix_spawn_file_actions_init(&actions);
	if (silent)
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null",
						 O_WRONLY, 0);
	if (access(path, X_OK))
		strcpy(path, "parapet");
	errno = posix_spawnp(&pid, path, &actions, NULL,
			     (char **)(uintptr_t)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (errno || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/*
 * What has been added to the log, line by line.  LINE_OTHER: there may be more
 * to come.
 */
static enum line read_log(FILE *log, struct samples *s, int system,
			  char line[512])
{
	long at = ftell(log);

	while (fgets(line, 512, log)) {
		enum line kind;

		if (!strchr(line, '\n') && strlen(line) < 511)
			break; /* not whole yet */
		kind = samples_take(s, system, line);
		if (kind == LINE_DONE || kind == LINE_FAILED)
			return kind;
		at = ftell(log);
	}
	clearerr(log);
	fseek(log, at, SEEK_SET);
	return LINE_OTHER;
}

static bool watch(const struct guest *g, FILE *log, int events,
		  struct samples *s, int system)
{
	time_t end = time(NULL) + GUEST_SECONDS;
	struct pollfd p = {.fd = events, .events = POLLIN};
	char line[512] = "", bytes[4096];
	enum line kind;

	while ((kind = read_log(log, s, system, line)) == LINE_OTHER) {
		/* A wait that ends early is only one look more. */
		if (time(NULL) > end || poll(&p, 1, 5000) < 0)
			break;
		if (p.revents && read(events, bytes, sizeof(bytes)) < 0)
			break;
	}
	line[strcspn(line, "\r\n")] = '\0';
	if (kind == LINE_FAILED)
		complain("guest %s: %s", g->name, line);
	else if (kind != LINE_DONE)
		complain("guest %s: no end within %d s; its console: %s",
			 g->name, GUEST_SECONDS, g->log);
	return kind == LINE_DONE;
}

static bool run(const struct options *o, const struct guest *g,
		struct samples *s, int system)
{
	FILE *log = fopen(g->log, "w+e");
	int events = inotify_init1(IN_CLOEXEC);
	bool good = false;

	if (!log || events < 0 ||
	    inotify_add_watch(events, g->log, IN_MODIFY) < 0)
		complain("%s: %s", g->log, strerror(errno));
	else if (parapet(o, "create", g->xml, false))
		complain("guest %s: it could not be created", g->name);
	else
		good = watch(g, log, events, s, system);
	/* It ends by itself, unless something went wrong. */
	parapet(o, "destroy", g->name, true);
	if (events >= 0)
		close(events);
	if (log)
		fclose(log);
	return good;
}

static bool prepare(const struct options *o, const struct guest *g)
{
	char init[512], child[512];

	snprintf(init, sizeof(init), "%s/pvbench", o->programs);
	snprintf(child, sizeof(child), "%s/pvbench-child", o->programs);
	if (!o->initrd && !initrd_write(g->initrd, init, child)) {
		complain("guest: %s of %s: %s", g->initrd, init,
			 strerror(errno));
		return false;
	}
	if (!describe(o, g)) {
		complain("guest: %s: %s", g->xml, strerror(errno));
		return false;
	}
	return true;
}

static void remove_files(const struct guest *g)
{
	char older[104];

	/* What does not fit in the log goes there. */
	snprintf(older, sizeof(older), "%s.1", g->log);
	unlink(older);
	unlink(g->xml);
	unlink(g->initrd);
	unlink(g->log);
	rmdir(g->folder);
}

bool guest_run(const struct options *o, struct samples *s, int system,
	       int round)
{
	struct guest g = {.folder = "/tmp/parapet-bench-XXXXXX"};
	bool good;

	if (!mkdtemp(g.folder)) {
		complain("guest: %s: %s", g.folder, strerror(errno));
		return false;
	}
	snprintf(g.name, sizeof(g.name), "bench-%d-%d", (int)getpid(), round);
	snprintf(g.xml, sizeof(g.xml), "%s/guest.xml", g.folder);
	snprintf(g.log, sizeof(g.log), "%s/console.log", g.folder);
	snprintf(g.initrd, sizeof(g.initrd), "%s/initrd", g.folder);
	good = prepare(o, &g) && run(o, &g, s, system);
	if (good)
		remove_files(&g);
	return good;
}
