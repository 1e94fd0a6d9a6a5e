/* SPDX-License-Identifier: MIT */
/*
 * parapet-stored: start, in an order that fails early and answers late.
 *
 *	configuration, journal (or handover), rings, sockets, fewer rights,
 *	and only then does the parent of a background start return.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/harden/harden.h"
#include "tools/store/daemon.h"
#include "tools/store/request.h"

#define DEFAULT_CONFIG "/etc/parapet/store.conf"
#define DEFAULT_SOCKET "/run/xenstored/socket"
#define DEFAULT_STATE  "/run/parapet/store"

static const char usage_text[] =
	"usage: parapet-stored [OPTION]...\n"
	"The store: a key-value daemon that speaks the xenstore protocol.\n"
	"\n"
	"  -c, --config FILE      settings (default " DEFAULT_CONFIG
	", if it exists)\n"
	"  -f, --foreground       stay in the foreground, log to standard error\n"
	"  -s, --socket PATH      listen there (default " DEFAULT_SOCKET ")\n"
	"  -d, --state DIR        keep the journal there (default " DEFAULT_STATE
	")\n"
	"      --no-state         keep nothing\n"
	"  -r, --rings KIND       none, xen or files:DIR\n"
	"  -u, --user NAME        become this user after the start\n"
	"  -o, --set KEY=VALUE    any setting of the configuration file\n"
	"  -h, --help             this text\n"
	"  -V, --version          the version\n";

static double wall(void)
{
	return ev_time();
}

static void fail(const char *why)
{
	fprintf(stderr, "parapet-stored: %s\n", why);
	exit(1);
}

static void set_option(struct config *cfg, const char *key, const char *value)
{
	char why[256];

	if (config_set(cfg, key, value, why, sizeof(why)))
		fail(why);
}

static void set_pair(struct config *cfg, const char *pair)
{
	char key[64], why[256];
	const char *eq = strchr(pair, '=');

	if (!eq || eq - pair >= (long)sizeof(key)) {
		snprintf(why, sizeof(why), "--set %s: not KEY=VALUE", pair);
		fail(why);
	}
	memcpy(key, pair, (size_t)(eq - pair));
	key[eq - pair] = '\0';
	set_option(cfg, key, eq + 1);
}

static const struct option options[] = {
	{"config", 1, NULL, 'c'},   {"foreground", 0, NULL, 'f'},
	{"socket", 1, NULL, 's'},   {"state", 1, NULL, 'd'},
	{"no-state", 0, NULL, 'N'}, {"rings", 1, NULL, 'r'},
	{"user", 1, NULL, 'u'},     {"set", 1, NULL, 'o'},
	{"help", 0, NULL, 'h'},     {"version", 0, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static const char short_options[] = "c:fs:d:r:u:o:hV";

/* First pass: only which file to read, so that options override it. */
static void load_config(struct config *cfg, int argc, char **argv)
{
	const char *file = NULL;
	char why[512];
	int o;

	while ((o = getopt_long(argc, argv, short_options, options, NULL)) !=
	       -1)
		if (o == 'c')
			file = optarg;
	optind = 1;
	if (!file && access(DEFAULT_CONFIG, R_OK))
		return;
	if (config_load(cfg, file ? file : DEFAULT_CONFIG, why, sizeof(why)))
		fail(why);
}

static void parse_options(struct config *cfg, int argc, char **argv)
{
	bool own_sockets = false, no_state = false;
	int o;

	load_config(cfg, argc, argv);
	while ((o = getopt_long(argc, argv, short_options, options, NULL)) !=
	       -1) {
		switch (o) {
		case 'c':
			break;
		case 'f':
			cfg->foreground = true;
			break;
		case 's':
			if (!own_sockets)
				while (cfg->nsockets)
					free(cfg->socket[--cfg->nsockets]);
			own_sockets = true;
			set_option(cfg, "socket", optarg);
			break;
		case 'd':
			set_option(cfg, "state", optarg);
			break;
		case 'N':
			no_state = true;
			break;
		case 'r':
			set_option(cfg, "rings", optarg);
			break;
		case 'u':
			set_option(cfg, "user", optarg);
			break;
		case 'o':
			set_pair(cfg, optarg);
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		case 'V':
			puts("parapet-stored 1");
			exit(0);
		default:
			fputs(usage_text, stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fputs(usage_text, stderr);
		exit(2);
	}
	if (!cfg->nsockets)
		set_option(cfg, "socket", DEFAULT_SOCKET);
	if (no_state) {
		free(cfg->state);
		cfg->state = NULL;
	} else if (!cfg->state) {
		set_option(cfg, "state", DEFAULT_STATE);
	}
}

static void seed(void)
{
	uint64_t key[2];

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		fail("no random numbers");
	hash_seed(key[0], key[1]);
}

static void raise_limits(void)
{
	struct rlimit rl;

	if (!getrlimit(RLIMIT_NOFILE, &rl)) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
}

/* Path of our own program, as it is now: an upgrade may replace the file. */
static char *own_program(void)
{
	static const char gone[] = " (deleted)";
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t g = sizeof(gone) - 1;

	if (n <= 0)
		return NULL;
	if ((size_t)n > g && !memcmp(path + n - g, gone, g))
		n -= (ssize_t)g;
	return mem_dup(path, (size_t)n);
}

/*
 * A million nodes are spread over so many pages that every look-up would miss
 * the TLB.  The C library can ask for huge pages, but only if it is told before
 * it starts.
 */
static void use_huge_pages(char **argv)
{
	char *program;

	if (getenv("GLIBC_TUNABLES"))
		return;
	program = own_program();
	setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 1);
	if (program)
		execv(program, argv);
	free(program);
}

/* "live-update -s" goes on in this program, "-f FILE" names another. */
static int control_live_update(struct daemon *dm, const char *arg, size_t len)
{
	char *program = NULL;
	struct args a;
	unsigned i;

	args_take(&a, arg, len, ARGS_MAX);
	for (i = 0; i + 1 < a.n; i++) {
		if (!strcmp(a.s[i], "-f")) {
			free(program);
			program = mem_dup(a.s[i + 1], a.len[i + 1]);
		}
	}
	if (!program)
		program = own_program();
	if (!program || access(program, X_OK)) {
		free(program);
		return ENOENT;
	}
	free(dm->handover);
	dm->handover = program;
	return 0;
}

/* The toolstack says that a domain has shut down but is not destroyed. */
static int control_shutdown(struct store *st, const char *arg, size_t len)
{
	struct domain *d;
	unsigned domid;
	struct args a;

	args_take(&a, arg, len, 1);
	if (!a.n || args_domid(a.s[0], &domid))
		return EINVAL;
	d = domain_find(&st->domains, domid);
	if (!d || !d->introduced)
		return ENOENT;
	if (d->shutdown)
		return 0;
	d->shutdown = true;
	rec_shutdown(st, d);
	watch_fire_special(st, SPECIAL_RELEASE, domid);
	return 0;
}

static int control_hook(struct conn *c, const char *cmd, const char *arg,
			size_t len, struct buf *out)
{
	struct daemon *dm = c->st->daemon;

	if (!strcmp(cmd, "live-update") || !strcmp(cmd, "handover"))
		return control_live_update(dm, arg, len);
	if (!strcmp(cmd, "domain-shutdown"))
		return control_shutdown(c->st, arg, len);
	if (strcmp(cmd, "checkpoint"))
		return ENOSYS;
	if (!dm->journalling)
		return EINVAL;
	journal_checkpoint(&dm->journal, true);
	buf_printf(out, "journal %llu",
		   (unsigned long long)dm->journal.seq + 1);
	return 0;
}

static void set_quotas(struct daemon *dm)
{
	int q;

	for (q = 0; q < QUOTA_COUNT; q++)
		if (dm->cfg.quota[q] != QUOTA_UNSET)
			dm->st.domains.limit[q] = dm->cfg.quota[q];
}

/* The state: from a predecessor, from the journal, or none. */
static void load_state(struct daemon *dm)
{
	char why[512];
	struct replay r;
	int taken, rc = 0;

	taken = handover_take(dm, why, sizeof(why));
	if (taken < 0)
		store_log(&dm->st, "%s; trying the journal", why);
	if (!dm->cfg.state)
		return;
	if (taken > 0) {
		rc = journal_adopt(&dm->journal, &dm->st, dm->cfg.state, why,
				   sizeof(why));
	} else {
		replay_init(&r, &dm->st);
		rc = journal_open(&dm->journal, &dm->st, dm->cfg.state, NULL,
				  &r, why, sizeof(why));
		replay_free(&r);
		set_quotas(dm);
	}
	if (rc)
		fail(why);
	dm->journal.sync = dm->cfg.sync;
	dm->journalling = true;
}

/* Returns in the child; the parent waits for its word that it is ready. */
static int background(void)
{
	int pipefd[2], devnull;
	char ready;

	if (pipe2(pipefd, O_CLOEXEC))
		fail("pipe");
	switch (fork()) {
	case -1:
		fail("fork");
		break;
	case 0:
		break;
	default:
		close(pipefd[1]);
		_exit(read(pipefd[0], &ready, 1) == 1 ? 0 : 1);
	}
	setsid();
	close(pipefd[0]);
	devnull = open("/dev/null", O_RDWR);
	dup2(devnull, 0);
	dup2(devnull, 1);
	close(devnull);
	return pipefd[1];
}

static void say_ready(struct daemon *dm, int fd)
{
	FILE *f;

	if (dm->cfg.pid_file && (f = fopen(dm->cfg.pid_file, "we"))) {
		fprintf(f, "%d\n", getpid());
		fclose(f);
	}
	if (fd < 0)
		return;
	if (write(fd, "", 1) != 1)
		exit(1);
	close(fd);
	dup2(0, 2);
}

static void make_parent(const char *path)
{
	char *copy = mem_dup(path, strlen(path)), *slash;

	for (slash = strchr(copy + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, 0755);
		*slash = '/';
	}
	free(copy);
}

static void give_away(struct daemon *dm)
{
	char why[256];

	if (dm->cfg.user && harden_user(dm->cfg.user, why, sizeof(why)))
		fail(why);
	if (dm->cfg.sandbox && harden_refuse(NULL, 0, true, why, sizeof(why)))
		store_log(&dm->st, "%s; going on without", why);
}

int main(int argc, char **argv)
{
	static struct daemon dm;
	bool handed = getenv(HANDOVER_ENV);
	char why[512];
	unsigned i;
	int ready = -1;

	use_huge_pages(argv);
	config_init(&dm.cfg);
	parse_options(&dm.cfg, argc, argv);
	if (!dm.cfg.foreground && !handed)
		ready = background();
	dm.argv = argv;
	log_open(dm.cfg.log, dm.cfg.foreground);
	seed();
	raise_limits();
	signal(SIGPIPE, SIG_IGN);
	dm.loop = ev_default_loop(0);
	store_init(&dm.st);
	dm.st.daemon = &dm;
	dm.st.log = dm.st.domains.log = log_line;
	dm.st.clock = dm.st.domains.clock = wall;
	dm.st.control = control_hook;
	list_init(&dm.socks);
	rings_init(&dm);
	set_quotas(&dm);
	for (i = 0; i < dm.cfg.nsockets; i++)
		make_parent(dm.cfg.socket[i]);
	if (dm.cfg.state)
		make_parent(dm.cfg.state);
	load_state(&dm);
	rings_resume(&dm);
	if (!ev_is_active(&dm.listener[0]) &&
	    server_listen(&dm, why, sizeof(why)))
		fail(why);
	server_start(&dm);
	give_away(&dm);
	store_log(&dm.st, "store: ready, nodes=%u", dm.st.tree.count);
	say_ready(&dm, ready);
	ev_run(dm.loop, 0);
	if (dm.journalling) {
		journal_settle(&dm.journal);
		journal_close(&dm.journal);
	}
	server_stop(&dm);
	store_log(&dm.st, "store: stopped");
	return 0;
}
