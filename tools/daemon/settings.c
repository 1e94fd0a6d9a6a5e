/* SPDX-License-Identifier: MIT */
/*
 * Settings: a table of keys, a file of "key = value" lines.
 *
 * Errors in the file name the file and the line.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/settings.h"

struct key {
	const char *name;
	size_t offset;
	const char *initial;
};

static const struct key keys[] = {
	{"socket", offsetof(struct settings, socket),
	 "/run/parapet/parapetd.sock"},
	{"socket-group", offsetof(struct settings, socket_group), NULL},
	{"state", offsetof(struct settings, state), "/var/lib/parapet"},
	{"run", offsetof(struct settings, run), "/run/parapet"},
	{"cache", offsetof(struct settings, cache), "/var/cache/parapet"},
	{"store", offsetof(struct settings, store), NULL},
	{"net", offsetof(struct settings, net), "/sys/class/net"},
	{"log", offsetof(struct settings, log), NULL},
	{"qemu-nbd", offsetof(struct settings, nbd), "qemu-nbd"},
	{"fake", offsetof(struct settings, fake), NULL},
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

static char **slot(struct settings *s, const struct key *k)
{
	return (char **)((char *)s + k->offset);
}

void settings_init(struct settings *s)
{
	memset(s, 0, sizeof(*s));
	s->device_timeout = 30;
	s->detach_timeout = 10;
	for (size_t i = 0; i < NR_KEYS; i++)
		*slot(s, &keys[i]) =
			keys[i].initial ? strdup(keys[i].initial) : NULL;
}

void settings_free(struct settings *s)
{
	for (size_t i = 0; i < NR_KEYS; i++)
		free(*slot(s, &keys[i]));
	for (unsigned int i = 0; i < s->nr_networks; i++) {
		free(s->network[i].name);
		free(s->network[i].bridge);
	}
	for (unsigned int i = 0; i < s->nr_services; i++) {
		free(s->service[i].name);
		free(s->service[i].command);
	}
	memset(s, 0, sizeof(*s));
}

/* "NAME REST": where REST begins; NULL: there is none. */
static const char *second_word(const char *value)
{
	const char *p = value + strcspn(value, " \t");

	p += strspn(p, " \t");
	return *p && p > value ? p : NULL;
}

static char *first_word(const char *value)
{
	return strndup(value, strcspn(value, " \t"));
}

/* network = NAME BRIDGE [openvswitch] */
static int set_network(struct settings *s, const char *value, struct fail *why)
{
	const char *bridge = second_word(value);
	const char *kind = bridge ? second_word(bridge) : NULL;
	unsigned int n = s->nr_networks;

	if (!bridge || (kind && strcmp(kind, "openvswitch")))
		return fail_set(why, FAIL_INVALID,
				"network: wants NAME BRIDGE [openvswitch]");
	if (n == SETTINGS_NETWORKS)
		return fail_set(why, FAIL_LIMIT, "network: more than %d",
				SETTINGS_NETWORKS);
	s->network[n].name = first_word(value);
	s->network[n].bridge = first_word(bridge);
	s->network[n].openvswitch = kind != NULL;
	s->nr_networks++;
	return 0;
}

/* service = NAME COMMAND */
static int set_service(struct settings *s, const char *value, struct fail *why)
{
	const char *command = second_word(value);
	unsigned int n = s->nr_services;

	if (!command)
		return fail_set(why, FAIL_INVALID,
				"service: wants NAME COMMAND");
	if (n == SETTINGS_SERVICES)
		return fail_set(why, FAIL_LIMIT, "service: more than %d",
				SETTINGS_SERVICES);
	s->service[n].name = first_word(value);
	s->service[n].command = strdup(command);
	s->nr_services++;
	return 0;
}

static int set_timeout(double *timeout, const char *key, const char *value,
		       struct fail *why)
{
	char *end;
	double seconds = strtod(value, &end);

	if (*end || end == value || !(seconds > 0 && seconds < 3600))
		return fail_set(why, FAIL_INVALID,
				"%s: wants seconds below 3600", key);
	*timeout = seconds;
	return 0;
}

int settings_set(struct settings *s, const char *key, const char *value,
		 struct fail *why)
{
	char **at;

	if (!strcmp(key, "network"))
		return set_network(s, value, why);
	if (!strcmp(key, "service"))
		return set_service(s, value, why);
	if (!strcmp(key, "device-timeout"))
		return set_timeout(&s->device_timeout, key, value, why);
	if (!strcmp(key, "detach-timeout"))
		return set_timeout(&s->detach_timeout, key, value, why);
	for (size_t i = 0; i < NR_KEYS; i++) {
		if (strcmp(keys[i].name, key))
			continue;
		at = slot(s, &keys[i]);
		free(*at);
		*at = strdup(value);
		return 0;
	}
	return fail_set(why, FAIL_INVALID, "%s: no such setting", key);
}

/* In place: "  key =  value # comment" as two strings; false: neither. */
static bool split(char *line, char **key, char **value)
{
	char *equals, *end;

	line[strcspn(line, "#\n")] = '\0';
	*key = line + strspn(line, " \t");
	equals = strchr(*key, '=');
	if (!equals)
		return false;
	for (end = equals; end > *key && strchr(" \t", end[-1]); end--)
		;
	*end = '\0';
	*value = equals + 1 + strspn(equals + 1, " \t");
	for (end = *value + strlen(*value);
	     end > *value && strchr(" \t", end[-1]); end--)
		;
	*end = '\0';
	return true;
}

int settings_load(struct settings *s, const char *path, bool must,
		  struct fail *why)
{
	char line[1024], *key, *value;
	FILE *f = fopen(path, "re");
	int nr = 0, rc = 0;

	if (!f && errno == ENOENT && !must)
		return 0;
	if (!f)
		return fail_set(why, FAIL_NOT_FOUND, "%s: %s", path,
				strerror(errno));
	while (!rc && fgets(line, sizeof(line), f)) {
		nr++;
		if (split(line, &key, &value))
			rc = settings_set(s, key, value, why);
		else if (*key)
			rc = fail_set(why, FAIL_INVALID,
				      "not of the form key = value");
	}
	fclose(f);
	if (rc)
		fail_prefix(why, "%s:%d", path, nr);
	return rc;
}
