/* SPDX-License-Identifier: MIT */
/*
 * The configuration: "key = value" lines, "#" starts a comment.  The command
 * line uses the same keys, so both are documented in one place.
 *
 * PURE  but for reading the file.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/store/config.h"

void config_init(struct config *c)
{
	int q;

	memset(c, 0, sizeof(*c));
	c->socket_mode = 0600;
	c->max_clients = 8192;
	c->sandbox = true;
	for (q = 0; q < QUOTA_COUNT; q++)
		c->quota[q] = QUOTA_UNSET;
}

void config_free(struct config *c)
{
	while (c->nsockets)
		free(c->socket[--c->nsockets]);
	free(c->socket_group);
	free(c->state);
	free(c->log);
	free(c->pid_file);
	free(c->user);
	free(c->rings);
}

static int number(const char *value, int base, unsigned *out)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(value, &end, base);
	if (errno || *end || end == value || v >= QUOTA_UNSET || *value == '-')
		return EINVAL;
	*out = (unsigned)v;
	return 0;
}

static int boolean(const char *value, bool *out)
{
	if (!strcmp(value, "yes") || !strcmp(value, "on"))
		*out = true;
	else if (!strcmp(value, "no") || !strcmp(value, "off"))
		*out = false;
	else
		return EINVAL;
	return 0;
}

static int text(const char *value, char **out)
{
	free(*out);
	*out = mem_dup(value, strlen(value));
	return 0;
}

static int add_socket(struct config *c, const char *value)
{
	if (c->nsockets == CONFIG_SOCKETS || strlen(value) > 100)
		return EINVAL;
	c->socket[c->nsockets++] = mem_dup(value, strlen(value));
	return 0;
}

static int rings(struct config *c, const char *value)
{
	if (strcmp(value, "none") && strcmp(value, "xen") &&
	    strncmp(value, "files:", 6))
		return EINVAL;
	return text(value, &c->rings);
}

static int quota(struct config *c, const char *name, const char *value)
{
	int q = quota_by_name(name);

	return q < 0 ? EINVAL : number(value, 10, &c->quota[q]);
}

static int apply(struct config *c, const char *key, const char *value)
{
	if (!strcmp(key, "socket"))
		return add_socket(c, value);
	if (!strcmp(key, "socket-mode"))
		return number(value, 8, &c->socket_mode);
	if (!strcmp(key, "socket-group"))
		return text(value, &c->socket_group);
	if (!strcmp(key, "state"))
		return text(value, &c->state);
	if (!strcmp(key, "log"))
		return text(value, &c->log);
	if (!strcmp(key, "pid-file"))
		return text(value, &c->pid_file);
	if (!strcmp(key, "user"))
		return text(value, &c->user);
	if (!strcmp(key, "rings"))
		return rings(c, value);
	if (!strcmp(key, "max-clients"))
		return number(value, 10, &c->max_clients);
	if (!strcmp(key, "sync"))
		return boolean(value, &c->sync);
	if (!strcmp(key, "sandbox"))
		return boolean(value, &c->sandbox);
	if (!strncmp(key, "quota.", 6))
		return quota(c, key + 6, value);
	return ENOENT;
}

int config_set(struct config *c, const char *key, const char *value, char *why,
	       size_t len)
{
	int rc = apply(c, key, value);

	if (rc == ENOENT)
		snprintf(why, len, "%s: no such setting", key);
	else if (rc)
		snprintf(why, len, "%s: \"%s\" is not a value for it", key,
			 value);
	return rc ? EINVAL : 0;
}

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return s;
}

static int config_line(struct config *c, char *line, char *why, size_t len)
{
	char *hash = strchr(line, '#'), *eq;

	if (hash)
		*hash = '\0';
	line = trim(line);
	if (!*line)
		return 0;
	eq = strchr(line, '=');
	if (!eq) {
		snprintf(why, len, "no \"=\" in \"%s\"", line);
		return EINVAL;
	}
	*eq = '\0';
	return config_set(c, trim(line), trim(eq + 1), why, len);
}

int config_load(struct config *c, const char *file, char *why, size_t len)
{
	char line[1024], inner[256];
	unsigned number_of = 0;
	FILE *f = fopen(file, "re");
	int rc = 0;

	if (!f) {
		rc = errno;
		snprintf(why, len, "%s: %s", file, strerror(rc));
		return rc;
	}
	while (!rc && fgets(line, sizeof(line), f)) {
		number_of++;
		rc = config_line(c, line, inner, sizeof(inner));
		if (rc)
			snprintf(why, len, "%s:%u: %s", file, number_of, inner);
	}
	fclose(f);
	return rc;
}
