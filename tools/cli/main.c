/* SPDX-License-Identifier: MIT */
/* parapet: options that all commands have, the list of commands, help. */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cli/cli.h"

#define SOCKET  "/run/parapet/parapetd.sock"
#define VERSION "1.0"
#define WIDTH   34 /* of arguments in the list of commands */

static const struct command *const tables[] = {
	life_commands,   config_commands, info_commands,
	device_commands, live_commands,
};

#define NR_TABLES (sizeof(tables) / sizeof(tables[0]))

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < NR_TABLES; i++)
		for (const struct command *c = tables[i]; c->name; c++)
			if (!strcmp(c->name, name))
				return c;
	return NULL;
}

int complain(enum status status, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("parapet: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return (int)status;
}

int usage(struct cli *c)
{
	const struct command *command = command_find(c->argv[0]);

	fprintf(stderr, "usage: parapet %s %s\n", command->name,
		command->arguments);
	return STATUS_USAGE;
}

/* One line of the list: many options are in the help about the command. */
static void help_line(FILE *f, const struct command *c)
{
	const char *arguments = c->arguments;
	char brief[WIDTH + 1];

	if (strlen(arguments) > WIDTH) {
		snprintf(brief, sizeof(brief), "[OPTION]...%s",
			 strrchr(arguments, ']') + 1);
		arguments = brief;
	}
	fprintf(f, "  %-17s %-*s %s\n", c->name, WIDTH, arguments, c->what);
}

static void help(FILE *f)
{
	fputs("usage: parapet [OPTION]... COMMAND [ARGUMENT]...\n\n", f);
	for (size_t i = 0; i < NR_TABLES; i++) {
		for (const struct command *c = tables[i]; c->name; c++)
			help_line(f, c);
		fputc('\n', f);
	}
	fputs("  -j, --json         print results as JSON\n"
	      "  -q, --quiet        no progress, no notes\n"
	      "  -s, --socket PATH  the daemon's (default $PARAPET_SOCKET, "
	      "or\n"
	      "                     " SOCKET ")\n"
	      "  -h, --help [COMMAND]\n"
	      "  -V, --version\n\n"
	      "DOMAIN is a name, a UUID or a number.  The exit status is 0, or "
	      "says why:\n"
	      "1 failed, 2 usage, 3 not found, 4 not now, 5 limit, 6 invalid or "
	      "not\n"
	      "supported, 7 timeout, 8 no daemon.\n",
	      f);
}

/* The names alone, for completion. */
static void list_commands(void)
{
	for (size_t i = 0; i < NR_TABLES; i++)
		for (const struct command *c = tables[i]; c->name; c++)
			puts(c->name);
}

static int help_about(const char *name)
{
	const struct command *command = name ? command_find(name) : NULL;

	if (!name) {
		help(stdout);
		return STATUS_OK;
	}
	if (!command)
		return complain(STATUS_USAGE, "%s: no such command", name);
	printf("usage: parapet %s %s\n\n%s\n", command->name,
	       command->arguments, command->what);
	return STATUS_OK;
}

/* An option before the command; how many words it took, 0: none. */
static int global_option(struct cli *c, int argc, char **argv)
{
	const char *word = argv[0];

	if (!strcmp(word, "-j") || !strcmp(word, "--json"))
		c->json = true;
	else if (!strcmp(word, "-q") || !strcmp(word, "--quiet"))
		c->quiet = true;
	else if ((!strcmp(word, "-s") || !strcmp(word, "--socket")) && argc > 1)
		return c->socket = argv[1], 2;
	else if (!strncmp(word, "--socket=", 9))
		c->socket = word + 9;
	else if (!strcmp(word, "-h") || !strcmp(word, "--help"))
		exit(help_about(argc > 1 ? argv[1] : NULL));
	else if (!strcmp(word, "-V") || !strcmp(word, "--version"))
		exit(puts("parapet " VERSION) < 0);
	else if (!strcmp(word, "--list-commands"))
		exit((list_commands(), 0));
	else
		return 0;
	return 1;
}

/* --json and --help are also taken behind the command's name. */
static void late_options(struct cli *c)
{
	int n = 1;

	for (int i = 1; i < c->argc; i++) {
		if (!strcmp(c->argv[i], "--json"))
			c->json = true;
		else if (!strcmp(c->argv[i], "--help"))
			exit(help_about(c->argv[0]));
		else
			c->argv[n++] = c->argv[i];
	}
	c->argc = n;
	c->argv[n] = NULL;
}

int main(int argc, char **argv)
{
	const char *socket = getenv("PARAPET_SOCKET");
	struct cli c = {.socket = socket ? socket : SOCKET, .fd = -1};
	const struct command *command;
	int i = 1, n, status;

	signal(SIGPIPE, SIG_IGN);
	while (i < argc && argv[i][0] == '-' &&
	       (n = global_option(&c, argc - i, argv + i)))
		i += n;
	if (i >= argc || argv[i][0] == '-') {
		help(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[i], "help"))
		return help_about(argv[i + 1]);
	command = command_find(argv[i]);
	if (!command)
		return complain(STATUS_USAGE, "%s: no such command; try --help",
				argv[i]);
	c.argc = argc - i;
	c.argv = argv + i;
	/* These are programs, with options of their own. */
	if (strcmp(command->name, "store") && strcmp(command->name, "bench"))
		late_options(&c);
	status = command->run(&c);
	if (c.fd >= 0)
		close(c.fd);
	free(c.in);
	if (fflush(stdout) && !status)
		status = STATUS_FAILED;
	return status;
}
