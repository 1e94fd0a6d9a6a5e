/* SPDX-License-Identifier: MIT */
/*
 * parapet-store: the store from the command line.
 *
 * Exit status: 0 done, 1 the store refused or the node is not there, 2 wrong
 * usage, 3 no store.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/store/cli.h"

static const char usage_text[] =
	"usage: parapet-store [OPTION]... COMMAND [ARGUMENT]...\n"
	"\n"
	"  ls [-p] [-f] [-d LEVELS] [PATH]...  the tree below PATH\n"
	"  list PATH...                        names of the children\n"
	"  read PATH...                        values\n"
	"  write PATH VALUE [PATH VALUE]...    all or nothing\n"
	"  mkdir PATH...\n"
	"  rm [-t] PATH...                     -t: parents left empty too\n"
	"  exists PATH...                      status 1 if one is missing\n"
	"  chmod [-r] PATH MODE...             MODE: one of n r w b, and a "
	"domain id\n"
	"  watch [-n COUNT] [-d LEVELS] PATH...\n"
	"  usage                               use against quota, per domain\n"
	"  quota [-D DOMID] [NAME VALUE]       show or set limits\n"
	"  control COMMAND [ARGUMENT]...       orders to the daemon\n"
	"\n"
	"  -j, --json         machine-readable output\n"
	"  -s, --socket PATH  the daemon's socket (default $XENSTORED_PATH)\n"
	"  -p  permissions    -f  full paths    -r  recursive\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n";

int cli_fail(struct cli *c, const char *what, const char *path)
{
	int rc = errno;
	char *why = rc == ENOSPC || rc == EINVAL ? xs_last_refusal(c->h) : NULL;

	fprintf(stderr, "parapet-store: %s: %s: %s%s%s\n", what, path,
		strerror(rc), why ? ": " : "", why ? why : "");
	free(why);
	return 1;
}

static int cmd_list(struct cli *c)
{
	unsigned n, k;
	char **names;
	int i;

	if (!c->nargs)
		return 2;
	for (i = 0; i < c->nargs; i++) {
		names = xs_directory(c->h, 0, c->args[i], &n);
		if (!names)
			return cli_fail(c, "list", c->args[i]);
		if (c->json)
			putchar('[');
		for (k = 0; k < n; k++) {
			if (!c->json) {
				puts(names[k]);
				continue;
			}
			if (k)
				putchar(',');
			json_string(names[k], strlen(names[k]));
		}
		if (c->json)
			puts("]");
		free(names);
	}
	return 0;
}

static int cmd_read(struct cli *c)
{
	unsigned len;
	char *value;
	int i;

	if (!c->nargs)
		return 2;
	if (c->json)
		putchar('{');
	for (i = 0; i < c->nargs; i++) {
		value = xs_read(c->h, 0, c->args[i], &len);
		if (!value)
			return cli_fail(c, "read", c->args[i]);
		if (c->json) {
			if (i)
				putchar(',');
			json_string(c->args[i], strlen(c->args[i]));
			putchar(':');
			json_string(value, len);
		} else {
			print_value(value, len);
			putchar('\n');
		}
		free(value);
	}
	if (c->json)
		puts("}");
	return 0;
}

static int write_pairs(struct cli *c, xs_transaction_t t)
{
	int i;

	for (i = 0; i < c->nargs; i += 2) {
		if (xs_write(c->h, t, c->args[i], c->args[i + 1],
			     (unsigned)strlen(c->args[i + 1])))
			continue;
		cli_fail(c, "write", c->args[i]);
		if (t)
			xs_transaction_end(c->h, t, true);
		return 1;
	}
	return 0;
}

static int cmd_write(struct cli *c)
{
	xs_transaction_t t;

	if (c->nargs < 2 || c->nargs % 2)
		return 2;
	if (c->nargs == 2)
		return write_pairs(c, XBT_NULL);
	do {
		t = xs_transaction_start(c->h);
		if (!t)
			return cli_fail(c, "write", "transaction");
		if (write_pairs(c, t))
			return 1;
		if (xs_transaction_end(c->h, t, false))
			return 0;
	} while (errno == EAGAIN);
	return cli_fail(c, "write", "transaction");
}

static int cmd_mkdir(struct cli *c)
{
	int i;

	for (i = 0; i < c->nargs; i++)
		if (!xs_mkdir(c->h, 0, c->args[i]))
			return cli_fail(c, "mkdir", c->args[i]);
	return c->nargs ? 0 : 2;
}

static int cmd_exists(struct cli *c)
{
	char *value;
	int i;

	for (i = 0; i < c->nargs; i++) {
		value = xs_read(c->h, 0, c->args[i], NULL);
		if (!value && errno == ENOENT)
			return 1;
		if (!value)
			return cli_fail(c, "exists", c->args[i]);
		free(value);
	}
	return c->nargs ? 0 : 2;
}

static int cmd_watch(struct cli *c)
{
	unsigned n;
	char **event;
	int i;

	if (!c->nargs)
		return 2;
	for (i = 0; i < c->nargs; i++)
		if (!xs_watch_depth(c->h, c->args[i], c->args[i], c->depth))
			return cli_fail(c, "watch", c->args[i]);
	while (c->count < 0 || c->count-- > 0) {
		event = xs_read_watch(c->h, &n);
		if (!event)
			return cli_fail(c, "watch", "event");
		if (c->json) {
			fputs("{\"path\":", stdout);
			json_string(event[XS_WATCH_PATH],
				    strlen(event[XS_WATCH_PATH]));
			fputs(",\"watch\":", stdout);
			json_string(event[XS_WATCH_TOKEN],
				    strlen(event[XS_WATCH_TOKEN]));
			puts("}");
		} else {
			puts(event[XS_WATCH_PATH]);
		}
		fflush(stdout);
		free(event);
	}
	return 0;
}

static int cmd_control(struct cli *c)
{
	char data[XS_PAYLOAD_MAX], *answer;
	size_t len = 0, n;
	int i;

	if (!c->nargs)
		return 2;
	for (i = 1; i < c->nargs; i++) {
		n = strlen(c->args[i]) + 1;
		if (len + n > sizeof(data) - 64)
			return 2;
		memcpy(data + len, c->args[i], n);
		len += n;
	}
	answer = xs_control_command(c->h, c->args[0], data, (unsigned)len);
	if (!answer)
		return cli_fail(c, "control", c->args[0]);
	if (c->json) {
		json_string(answer, strlen(answer));
		putchar('\n');
	} else {
		n = strlen(answer);
		printf("%s%s", answer, n && answer[n - 1] == '\n' ? "" : "\n");
	}
	free(answer);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct cli *c);
} commands[] = {
	{"ls", cmd_ls},         {"list", cmd_list},   {"read", cmd_read},
	{"write", cmd_write},   {"mkdir", cmd_mkdir}, {"rm", cmd_rm},
	{"exists", cmd_exists}, {"chmod", cmd_chmod}, {"watch", cmd_watch},
	{"usage", cmd_usage},   {"quota", cmd_quota}, {"control", cmd_control},
};

static const struct option options[] = {
	{"json", 0, NULL, 'j'},  {"socket", 1, NULL, 's'},
	{"help", 0, NULL, 'h'},  {"version", 0, NULL, 'V'},
	{"count", 1, NULL, 'n'}, {"depth", 1, NULL, 'd'},
	{NULL, 0, NULL, 0},
};

static int wrong_usage(void)
{
	fputs(usage_text, stderr);
	return 2;
}

static bool number(const char *s, long *out)
{
	char *end;

	*out = strtol(s, &end, 10);
	return *s && !*end && *out >= 0 && *out < 1 << 30;
}

/* A "write" or "control" may have arguments that look like options. */
static const char *optstring(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "write") || !strcmp(argv[i], "control"))
			return "+js:hVpfrtn:d:D:";
		if (argv[i][0] != '-' && strcmp(argv[i - 1], "-s"))
			break;
	}
	return "js:hVpfrtn:d:D:";
}

static int parse(struct cli *c, const char **socket, int argc, char **argv)
{
	const char *opts = optstring(argc, argv);
	long n;
	int o;

	while ((o = getopt_long(argc, argv, opts, options, NULL)) != -1) {
		n = 0;
		if (strchr("ndD", o) && !number(optarg, &n))
			return wrong_usage();
		switch (o) {
		case 'j':
			c->json = true;
			break;
		case 's':
			*socket = optarg;
			break;
		case 'p':
			c->perms = true;
			break;
		case 'f':
			c->flat = true;
			break;
		case 'r':
			c->recursive = true;
			break;
		case 't':
			c->tidy = true;
			break;
		case 'n':
			c->count = n;
			break;
		case 'd':
			c->depth = (int)n;
			break;
		case 'D':
			c->domid = (int)n;
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		case 'V':
			puts("parapet-store 1");
			exit(0);
		default:
			return wrong_usage();
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct cli c = {.count = -1, .depth = -1, .domid = -1};
	const char *socket = NULL;
	size_t i;
	int rc = parse(&c, &socket, argc, argv);

	if (rc)
		return rc;
	if (optind >= argc)
		return wrong_usage();
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[optind], commands[i].name))
			break;
	if (i == sizeof(commands) / sizeof(commands[0])) {
		fprintf(stderr, "parapet-store: %s: no such command\n",
			argv[optind]);
		return 2;
	}
	c.args = argv + optind + 1;
	c.nargs = argc - optind - 1;
	c.h = xs_open_path(socket, 0);
	if (!c.h) {
		fprintf(stderr, "parapet-store: connect: %s\n",
			strerror(errno));
		return 3;
	}
	rc = commands[i].run(&c);
	xs_close(c.h);
	return rc == 2 ? wrong_usage() : rc;
}
