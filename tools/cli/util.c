/* SPDX-License-Identifier: MIT */
/* Arguments, sizes, JSON by name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/cli.h"

#define OPTIONS_MAX 16

/* ---- JSON ---------------------------------------------------------------------- */

struct json_object *params_new(void)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		exit(complain(STATUS_FAILED, "no memory"));
	return o;
}

struct json_object *params_domain(const char *name)
{
	struct json_object *o = params_new();

	add_string(o, "domain", name);
	return o;
}

void add_string(struct json_object *o, const char *name, const char *value)
{
	json_object_object_add(o, name, json_object_new_string(value));
}

void add_number(struct json_object *o, const char *name, long long value)
{
	json_object_object_add(o, name, json_object_new_int64(value));
}

void add_bool(struct json_object *o, const char *name, bool value)
{
	json_object_object_add(o, name, json_object_new_boolean(value));
}

bool has(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v);
}

const char *get_string(struct json_object *o, const char *name)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, name, &v) || !v)
		return "";
	return json_object_get_string(v);
}

long long get_number(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) ? json_object_get_int64(v)
						      : 0;
}

double get_double(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v)
		       ? json_object_get_double(v)
		       : 0;
}

bool get_bool(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) &&
	       json_object_get_boolean(v);
}

struct json_object *get_array(struct json_object *o, const char *name)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, name, &v) ||
	    !json_object_is_type(v, json_type_array))
		return NULL;
	return v;
}

void print_json(struct json_object *o)
{
	puts(json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			   JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* ---- options ------------------------------------------------------------------- */

static struct {
	char name[32];
	const char *value;
} given[OPTIONS_MAX];

static int nr_given;

/* Of the command's usage; 0: not in there, 1: a switch, 2: takes a value. */
static int option_kind(const char *arguments, const char *name, size_t n)
{
	for (const char *at = arguments; (at = strstr(at, "[--"));) {
		at += strlen("[--");
		if (strncmp(at, name, n) || n >= sizeof(given[0].name))
			continue;
		if (at[n] == '=')
			return 2;
		if (at[n] == ']')
			return 1;
	}
	return 0;
}

static bool keep_option(const char *name, size_t n, const char *value)
{
	if (nr_given == OPTIONS_MAX)
		return false;
	memcpy(given[nr_given].name, name, n);
	given[nr_given].name[n] = '\0';
	given[nr_given++].value = value;
	return true;
}

/* The option at argv[*i]; moves *i over a value. */
static bool take_one(struct cli *c, int *i)
{
	const struct command *command = command_find(c->argv[0]);
	const char *name = c->argv[*i] + 2, *value = "";
	size_t n = strcspn(name, "=");
	int kind = option_kind(command->arguments, name, n);

	if (!kind) {
		fprintf(stderr, "parapet: %s: no such option\n", c->argv[*i]);
		return false;
	}
	if (kind == 1 && name[n])
		return false;
	if (kind == 2)
		value = name[n] ? name + n + 1 : c->argv[++*i];
	return value && keep_option(name, n, value);
}

bool take_options(struct cli *c)
{
	int n = 1;

	for (int i = 1; i < c->argc; i++) {
		if (!strcmp(c->argv[i], "--")) {
			while (++i < c->argc)
				c->argv[n++] = c->argv[i];
			break;
		}
		if (strncmp(c->argv[i], "--", 2)) {
			c->argv[n++] = c->argv[i];
		} else if (!take_one(c, &i)) {
			usage(c);
			return false;
		}
	}
	c->argc = n;
	c->argv[n] = NULL;
	return true;
}

const char *option(const char *name)
{
	for (int i = nr_given; i--;)
		if (!strcmp(given[i].name, name))
			return given[i].value;
	return NULL;
}

bool want_args(struct cli *c, int least, int most)
{
	if (c->argc - 1 >= least && c->argc - 1 <= most)
		return true;
	usage(c);
	return false;
}

/* ---- values -------------------------------------------------------------------- */

bool parse_number(const char *text, long *n)
{
	char *end;

	errno = 0;
	*n = strtol(text, &end, 10);
	return !errno && end != text && !*end;
}

bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	/* Not a number, it is not at least 0. */
	return end != text && !*end && *seconds >= 0 && *seconds <= 1e9;
}

unsigned long long parse_size(const char *text)
{
	static const char units[] = "kMGT";
	unsigned long long n;
	const char *unit;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-')
		return 0;
	if (!*end)
		return n;
	unit = strchr(units, *end == 'K' ? 'k' : *end);
	if (!unit || (end[1] && strcmp(end + 1, "iB")))
		return 0;
	for (; unit > units; unit--) {
		if (n > ~0ull / 1024)
			return 0;
		n *= 1024;
	}
	return n;
}

char *read_file(const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	size_t len = 0, room = 65536, n;
	char *text = f ? malloc(room) : NULL, *more;

	while (text && (n = fread(text + len, 1, room - len - 1, f))) {
		len += n;
		if (len < room - 1)
			continue;
		more = room > 1u << 23 ? NULL : realloc(text, room *= 2);
		if (!more)
			free(text);
		text = more;
	}
	if (!f || !text || ferror(f))
		complain(STATUS_NOT_FOUND, "%s: %s", path,
			 f && !text ? "too large" : strerror(errno));
	if (text && f && ferror(f)) {
		free(text);
		text = NULL;
	}
	if (f && f != stdin)
		fclose(f);
	if (text)
		text[len] = '\0';
	return text;
}

void xml_attr(FILE *f, const char *name, const char *value)
{
	fprintf(f, " %s='", name);
	for (; *value; value++) {
		if (*value == '&')
			fputs("&amp;", f);
		else if (*value == '<')
			fputs("&lt;", f);
		else if (*value == '\'')
			fputs("&apos;", f);
		else
			fputc(*value, f);
	}
	fputc('\'', f);
}
