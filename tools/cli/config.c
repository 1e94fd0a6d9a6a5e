/* SPDX-License-Identifier: MIT */
/* Commands about definitions and limits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/cli/cli.h"
#include "tools/cli/console.h"

/* ---- definitions --------------------------------------------------------------- */

static int defined(struct cli *c, struct json_object *result)
{
	if (c->json)
		print_json(result);
	else if (!c->quiet)
		printf("Domain %s defined\n", get_string(result, "name"));
	json_object_put(result);
	return STATUS_OK;
}

static int cmd_define(struct cli *c)
{
	struct json_object *params, *result;
	int status;

	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	params = params_xml(c->argv[1]);
	if (!params)
		return STATUS_NOT_FOUND;
	add_bool(params, "ignore_unsupported",
		 option("ignore-unsupported") != NULL);
	result = call(c, "define", params, &status);
	return result ? defined(c, result) : status;
}

static int cmd_undefine(struct cli *c)
{
	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	return call_simple(c, "undefine", params_domain(c->argv[1]));
}

static struct json_object *dump(struct cli *c, const char *domain,
				bool inactive, int *status)
{
	struct json_object *params = params_domain(domain);

	add_bool(params, "inactive", inactive);
	return call(c, "dumpxml", params, status);
}

static int cmd_dumpxml(struct cli *c)
{
	struct json_object *result;
	int status;

	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	result = dump(c, c->argv[1], option("inactive") != NULL, &status);
	if (!result)
		return status;
	if (c->json)
		print_json(result);
	else
		fputs(get_string(result, "xml"), stdout);
	json_object_put(result);
	return STATUS_OK;
}

static int cmd_autostart(struct cli *c)
{
	struct json_object *params;

	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	params = params_domain(c->argv[1]);
	add_bool(params, "on", !option("disable"));
	return call_simple(c, "autostart", params);
}

/* ---- edit ---------------------------------------------------------------------- */

static bool write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	bool ok = f && fputs(text, f) >= 0;

	return f && !fclose(f) && ok;
}

/* The editor, by a shell: $EDITOR may have words. */
static bool run_editor(const char *path)
{
	const char *editor = getenv("VISUAL");
	char command[512];
	int status;

	if (!editor)
		editor = getenv("EDITOR");
	snprintf(command, sizeof(command), "%s \"$1\"", editor ? editor : "vi");
	switch (fork()) {
	case -1:
		return false;
	case 0:
		execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
		_exit(127);
	default:
		return wait(&status) > 0 && WIFEXITED(status) &&
		       !WEXITSTATUS(status);
	}
}

/* On a terminal one may try again; what was typed is kept otherwise. */
static bool try_again(const char *path)
{
	char line[16];

	if (isatty(STDIN_FILENO)) {
		fputs("Edit again? [y/n] ", stderr);
		if (fgets(line, sizeof(line), stdin) && *line == 'y')
			return true;
	}
	fprintf(stderr, "parapet: what you wrote is in %s\n", path);
	return false;
}

static int edit_file(struct cli *c, const char *path, const char *old)
{
	struct json_object *params, *result;
	char *text;
	int status;

	do {
		if (!run_editor(path))
			return complain(STATUS_FAILED,
					"the editor failed; what you wrote is "
					"in %s",
					path);
		text = read_file(path);
		if (!text)
			return STATUS_FAILED;
		if (!strcmp(text, old)) {
			free(text);
			unlink(path);
			if (!c->quiet)
				puts("Nothing was changed");
			return STATUS_OK;
		}
		free(text);
		params = params_xml(path);
		if (!params)
			return STATUS_FAILED;
		result = call(c, "define", params, &status);
		if (result) {
			unlink(path);
			return defined(c, result);
		}
	} while (try_again(path));
	return status;
}

static int cmd_edit(struct cli *c)
{
	const char *dir = getenv("TMPDIR");
	struct json_object *result;
	char path[256];
	int status, fd;

	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	result = dump(c, c->argv[1], true, &status);
	if (!result)
		return status;
	snprintf(path, sizeof(path), "%s/parapet-XXXXXX.xml",
		 dir ? dir : "/tmp");
	fd = mkstemps(path, 4);
	if (fd < 0 || !write_file(path, get_string(result, "xml")))
		status = complain(STATUS_FAILED, "%s: %s", path,
				  strerror(errno));
	else
		status = edit_file(c, path, get_string(result, "xml"));
	if (fd >= 0)
		close(fd);
	json_object_put(result);
	return status;
}

/* ---- limits -------------------------------------------------------------------- */

static int cmd_setmem(struct cli *c)
{
	struct json_object *params;
	unsigned long long kib;

	if (!take_options(c) || !want_args(c, 2, 2))
		return STATUS_USAGE;
	kib = parse_size(c->argv[2]);
	if (!kib || kib > 1ull << 40)
		return complain(STATUS_USAGE,
				"%s: a size is KiB, or has k, M, G or T behind",
				c->argv[2]);
	params = params_domain(c->argv[1]);
	add_number(params, "kib", (long long)kib);
	return call_simple(c, "setmem", params);
}

static int cmd_setvcpus(struct cli *c)
{
	struct json_object *params;
	long n;

	if (!take_options(c) || !want_args(c, 2, 2))
		return STATUS_USAGE;
	if (!parse_number(c->argv[2], &n))
		return usage(c);
	params = params_domain(c->argv[1]);
	add_number(params, "count", n);
	return call_simple(c, "setvcpus", params);
}

static int cmd_schedinfo(struct cli *c)
{
	struct json_object *params, *result;
	long weight = 0, cap = -1;
	int status;

	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	if ((option("weight") && !parse_number(option("weight"), &weight)) ||
	    (option("cap") && !parse_number(option("cap"), &cap)))
		return usage(c);
	params = params_domain(c->argv[1]);
	if (option("weight"))
		add_number(params, "weight", weight);
	if (option("cap"))
		add_number(params, "cap", cap);
	result = call(c, "schedinfo", params, &status);
	if (!result)
		return status;
	if (c->json)
		print_json(result);
	else
		printf("%-15s: %lld\n%-15s: %lld\n", "weight",
		       get_number(result, "weight"), "cap",
		       get_number(result, "cap"));
	json_object_put(result);
	return STATUS_OK;
}

const struct command config_commands[] = {
	{"define", "[--ignore-unsupported] FILE", "keep a definition",
	 cmd_define},
	{"undefine", "DOMAIN", "forget it", cmd_undefine},
	{"dumpxml", "[--inactive] DOMAIN", "its XML", cmd_dumpxml},
	{"edit", "DOMAIN", "its definition in $EDITOR", cmd_edit},
	{"autostart", "[--disable] DOMAIN", "start it with the machine",
	 cmd_autostart},
	{"setmem", "DOMAIN SIZE", "memory that it shall have", cmd_setmem},
	{"setvcpus", "DOMAIN COUNT", "virtual CPUs that shall be on line",
	 cmd_setvcpus},
	{"schedinfo", "[--weight=N] [--cap=PERCENT] DOMAIN",
	 "its share of the CPUs", cmd_schedinfo},
	{NULL, NULL, NULL, NULL},
};
