/* SPDX-License-Identifier: MIT */
/*
 * parapetd: options, the order of starting and of stopping.
 *
 * Starting: what it supervises, the store first; the store itself; then what
 * was defined and what still runs; last the socket, so that whoever can connect
 * is served.  Stopping leaves guests, backends and the store as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libxml/parser.h>

#include "tools/daemon/domain.h"
#include "tools/daemon/record.h"
#include "tools/daemon/server.h"
#include "tools/daemon/service.h"
#include "tools/daemon/work.h"

#define CONFIG_FILE   "/etc/parapet/parapetd.conf"
#define STORE_SECONDS 20.0
#define FAKE_FRAMES   (1ull << 18) /* 1 GiB */

static const char usage_text[] =
	"usage: parapetd [OPTION]...\n"
	"  -c, --config FILE   settings (default " CONFIG_FILE ")\n"
	"  -o, --set KEY=VALUE a setting of that file\n"
	"  -f, --foreground    do not become a daemon\n"
	"  -n, --no-services   supervise nothing\n"
	"      --socket PATH   listen there\n"
	"      --state DIR     definitions\n"
	"      --run DIR       what runs\n"
	"      --store PATH    the store's socket\n"
	"      --fake DIR      a hypervisor in memory, for tests\n"
	"  -h, --help\n"
	"  -V, --version\n";

static const struct option long_options[] = {
	{"config", 1, NULL, 'c'},     {"set", 1, NULL, 'o'},
	{"foreground", 0, NULL, 'f'}, {"no-services", 0, NULL, 'n'},
	{"socket", 1, NULL, 1},       {"state", 1, NULL, 2},
	{"run", 1, NULL, 3},          {"store", 1, NULL, 4},
	{"fake", 1, NULL, 5},         {"help", 0, NULL, 'h'},
	{"version", 0, NULL, 'V'},    {NULL, 0, NULL, 0},
};

static void __attribute__((noreturn)) die(const struct fail *why)
{
	daemon_log("%s", why->text);
	exit(1);
}

/* ---- options ------------------------------------------------------------------- */

static void take_pair(struct settings *set, char *pair)
{
	char *equals = strchr(pair, '=');
	struct fail why;

	if (!equals) {
		fputs(usage_text, stderr);
		exit(2);
	}
	*equals = '\0';
	if (settings_set(set, pair, equals + 1, &why))
		die(&why);
}

static void take_option(struct settings *set, int opt)
{
	static const char *const key[] = {NULL,  "socket", "state",
					  "run", "store",  "fake"};
	struct fail why;

	switch (opt) {
	case 'c':
		break;
	case 'o':
		take_pair(set, optarg);
		break;
	case 'f':
		set->foreground = true;
		break;
	case 'n':
		set->no_services = true;
		break;
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	case 'V':
		puts("parapetd " DAEMON_VERSION);
		exit(0);
	default:
		if (opt < 1 || opt > 5) {
			fputs(usage_text, stderr);
			exit(2);
		}
		if (settings_set(set, key[opt], optarg, &why))
			die(&why);
	}
}

/* The file first: what the command line says goes over it. */
static void parse(struct settings *set, int argc, char **argv)
{
	const char *file = NULL;
	struct fail why;
	int opt;

	settings_init(set);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "c:o:fnhV", long_options,
				  NULL)) != -1)
		if (opt == 'c')
			file = optarg;
	if (settings_load(set, file ? file : CONFIG_FILE, file != NULL, &why))
		die(&why);
	optind = 1;
	opterr = 1;
	while ((opt = getopt_long(argc, argv, "c:o:fnhV", long_options,
				  NULL)) != -1)
		take_option(set, opt);
	if (optind < argc) {
		fputs(usage_text, stderr);
		exit(2);
	}
}

/* Without settings of its own, the programs of this project. */
static void default_services(struct settings *set)
{
	static const char *const service[] = {
		"store parapet-stored --foreground --rings xen",
		"console parapet-consoled",
		"block parapet-blkback",
		"net parapet-netback",
	};
	struct fail why;

	if (set->no_services || set->nr_services || set->fake)
		return;
	for (size_t i = 0; i < sizeof(service) / sizeof(service[0]); i++)
		settings_set(set, "service", service[i], &why);
}

/* ---- starting ------------------------------------------------------------------ */

static void on_signal(struct ev_loop *loop, struct ev_signal *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

/* The store may just have been started. */
static struct store *wait_for_store(const struct settings *set)
{
	double until = daemon_now() + STORE_SECONDS;
	struct timespec moment = {0, 10000000};
	struct store *s;
	struct fail why;

	while (!(s = store_open(set->store, &why))) {
		if (daemon_now() > until)
			die(&why);
		nanosleep(&moment, NULL);
	}
	return s;
}

static void open_log(const struct settings *set)
{
	int fd = set->log
			 ? open(set->log,
				O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
			 : -1;

	if (fd < 0)
		return;
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

/* Who the control domain is, for those who look into the store; and folders of
 * many domains, which are there whether there is one or not. */
static void put_control_domain(struct daemon *dm)
{
	static const char *const type[] = {"vbd", "vif", "console"};
	struct batch *b = batch_new(0);
	struct fail why;

	batch_base(b, "/local/domain/0");
	batch_put(b, "name", "Domain-0");
	batch_put(b, "domid", "0");
	batch_mkdir(b, PERM_PRIVATE, "/parapet/backend");
	batch_mkdir(b, PERM_PRIVATE, "/local/domain/0/error");
	batch_mkdir(b, PERM_PRIVATE, "/vm");
	for (size_t i = 0; i < sizeof(type) / sizeof(type[0]); i++) {
		batch_mkdir(b, PERM_INHERIT, "/parapet/backend/%s", type[i]);
		batch_mkdir(b, PERM_INHERIT, "/local/domain/0/error/backend/%s",
			    type[i]);
	}
	if (batch_commit(dm->store, b, &why))
		daemon_log("%s", why.text);
}

static void daemon_open(struct daemon *dm, const struct settings *set)
{
	char text[320];
	struct fail why;

	TAILQ_INIT(&dm->domains);
	dm->set = set;
	dm->loop = ev_loop_new(EVFLAG_AUTO);
	if (record_open(set, &why))
		die(&why);
	dm->hv = set->fake ? hv_fake_open(set->fake, FAKE_FRAMES, text,
					  sizeof(text))
			   : hv_pv_open(text, sizeof(text));
	if (!dm->hv) {
		fail_set(&why, FAIL_FAILED, "hypervisor: %s", text);
		die(&why);
	}
	dm->work = work_new(dm->loop);
	if (!set->no_services)
		dm->services = services_open(dm);
	if (dm->services)
		services_start(dm->services, "store");
	dm->store = wait_for_store(set);
	put_control_domain(dm);
	if (daemon_watch_store(dm, &why))
		die(&why);
	daemon_watch_hv(dm);
	if (dm->services)
		services_start(dm->services, NULL);
	record_recover(dm);
	dm->server = server_open(dm, &why);
	if (!dm->server)
		die(&why);
	record_start_all(dm);
}

static void daemon_close(struct daemon *dm)
{
	struct domain *d;

	server_close(dm->server);
	dm->server = NULL;
	work_free(dm->work);
	daemon_unwatch(dm);
	services_close(dm->services);
	while ((d = TAILQ_FIRST(&dm->domains)))
		domain_forget(d);
	store_close(dm->store);
	dm->hv->ops->close(dm->hv);
	ev_loop_destroy(dm->loop);
}

int main(int argc, char **argv)
{
	struct ev_signal term, interrupt;
	struct settings set;
	struct daemon dm = {0};

	parse(&set, argc, argv);
	default_services(&set);
	signal(SIGPIPE, SIG_IGN);
	xmlInitParser();
	if (!set.foreground && daemon(0, 0)) {
		perror("parapetd");
		return 1;
	}
	open_log(&set);
	daemon_open(&dm, &set);
	ev_signal_init(&term, on_signal, SIGTERM);
	ev_signal_init(&interrupt, on_signal, SIGINT);
	ev_signal_start(dm.loop, &term);
	ev_signal_start(dm.loop, &interrupt);
	daemon_log("ready, socket=%s hypervisor=%s", set.socket,
		   dm.hv->ops->name);
	ev_run(dm.loop, 0);
	daemon_close(&dm);
	settings_free(&set);
	xmlCleanupParser();
	return 0;
}
