/* SPDX-License-Identifier: MIT */
/* The command line that backends have in common. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pv-backends/common/worker.h"

#define DEFAULT_RUN   "/run/parapet/backend"
#define DEFAULT_STORE "/run/xenstored/socket"
/* Nobody, by number: a control domain may have no list of users. */
#define DEFAULT_USER "65534"

static const char usage_text[] =
	"usage: %s [OPTION]...\n"
	"Serves the %s devices of guests that the store tells of, each in a\n"
	"process of its own.  Messages go to standard error.\n"
	"\n"
	"  --device D/ID   serve that device only, in this process\n"
	"  --user NAME     user to become once a device is open (default: " DEFAULT_USER
	";\n"
	"                  \"\": stay)\n"
	"  --run DIR       journals and locks (default: " DEFAULT_RUN ")\n"
	"  --bus KIND      xen, or files:DIR for tests (default: xen)\n"
	"  --no-sandbox    do not refuse system calls\n"
	"  --help\n"
	"\n"
	"Exit status: 0 the device ended, or asked to stop; 1 it could not be\n"
	"opened; 2 wrong usage; 75 start it again.\n";

enum option_number {
	OPT_DEVICE = 1,
	OPT_USER,
	OPT_RUN,
	OPT_BUS,
	OPT_NO_SANDBOX,
	OPT_HELP,
};

static const struct option options[] = {
	{"device", 1, NULL, OPT_DEVICE},
	{"user", 1, NULL, OPT_USER},
	{"run", 1, NULL, OPT_RUN},
	{"bus", 1, NULL, OPT_BUS},
	{"no-sandbox", 0, NULL, OPT_NO_SANDBOX},
	{"help", 0, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static void make_folders(const char *path)
{
	char part[256];

	for (size_t i = 1; path[i - 1] && i < sizeof(part); i++) {
		if (path[i] && path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		mkdir(part, 0711);
	}
}

int backend_main(const struct xb_driver *drv, int argc, char **argv)
{
	struct worker_options opt = {
		.user = getuid() ? "" : DEFAULT_USER,
		.run = DEFAULT_RUN,
		.sandbox = true,
	};
	unsigned int domid = 0, devid;
	const char *device = NULL;
	char rest;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case OPT_DEVICE:
			device = optarg;
			break;
		case OPT_USER:
			opt.user = optarg;
			break;
		case OPT_RUN:
			opt.run = optarg;
			break;
		case OPT_BUS:
			opt.bus = optarg;
			break;
		case OPT_NO_SANDBOX:
			opt.sandbox = false;
			break;
		case OPT_HELP:
			printf(usage_text, drv->program, drv->type);
			return 0;
		default:
			return WORKER_USAGE;
		}
	}
	if (optind != argc ||
	    (device && (sscanf(device, "%u/%u%c", &domid, &devid, &rest) != 2 ||
			domid > 0x7fef))) {
		fprintf(stderr, usage_text, drv->program, drv->type);
		return WORKER_USAGE;
	}
	if (!*opt.user)
		opt.user = NULL;
	/* Never the kernel's device, which a library falls back to while there
	 * is no socket: it knows less than the daemon does. */
	setenv("XENSTORED_PATH", DEFAULT_STORE, 0);
	make_folders(opt.run);
	/* Whoever is written to may have ended: a client, or a process made
	 * ahead that nobody has seen end yet. */
	signal(SIGPIPE, SIG_IGN);
	if (device)
		return worker_run(drv, &opt, (domid_t)domid, devid);
	return supervisor_run(drv, &opt);
}
