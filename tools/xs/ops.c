/* SPDX-License-Identifier: MIT */
/* The calls that are one request and one answer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/xs/internal.h"

static bool one_path(struct xs_handle *h, enum xs_type type, xs_transaction_t t,
		     const char *path)
{
	struct iovec part = part_string(path);

	return xs_call_ok(h, type, t, &part, 1);
}

/* NUL-terminated names in a row become an array in one block. */
static char **split_names(const char *names, size_t len, unsigned *num)
{
	unsigned n = 0, i;
	char **vec, *to;
	size_t at;

	for (at = 0; at < len; at++)
		n += !names[at];
	vec = malloc(n * sizeof(*vec) + len + 1);
	if (!vec)
		return NULL;
	to = (char *)(vec + n);
	memcpy(to, names, len);
	for (i = 0; i < n; i++) {
		vec[i] = to;
		to += strlen(to) + 1;
	}
	*num = n;
	return vec;
}

/* One part of a long listing is added to *all; 1: more, 0: done, -1: error,
 * -2: the directory changed meanwhile. */
static int directory_part(struct xs_handle *h, xs_transaction_t t,
			  const char *path, char *gen, char **all, size_t *have)
{
	char offset[16], *data, *grown;
	struct iovec parts[2] = {part_string(path)};
	size_t len, glen;
	bool last;

	snprintf(offset, sizeof(offset), "%zu", *have);
	parts[1] = part_string(offset);
	data = xs_call(h, XS_DIRECTORY_PART, t, parts, 2, &len);
	if (!data)
		return -1;
	glen = strlen(data) + 1;
	if (glen > 32 || glen > len || (*have && strcmp(gen, data))) {
		free(data);
		return glen > 32 || glen > len ? -1 : -2;
	}
	strcpy(gen, data);
	len -= glen;
	last = len && !data[glen + len - 1] &&
	       (len == 1 || !data[glen + len - 2]);
	len -= last;
	grown = realloc(*all, *have + len + 1);
	if (grown) {
		*all = grown;
		memcpy(grown + *have, data + glen, len);
		*have += len;
	}
	free(data);
	return !grown ? -1 : !last;
}

static char **directory_long(struct xs_handle *h, xs_transaction_t t,
			     const char *path, unsigned *num)
{
	char gen[32] = "", *all = NULL, **vec = NULL;
	size_t have = 0;
	int more;

	do {
		more = directory_part(h, t, path, gen, &all, &have);
		if (more == -2)
			have = 0;
	} while (more == 1 || more == -2);
	if (!more)
		vec = split_names(all, have, num);
	free(all);
	return vec;
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
		    unsigned int *num)
{
	struct iovec part = part_string(path);
	char **vec, *data;
	size_t len;

	data = xs_call(h, XS_DIRECTORY, t, &part, 1, &len);
	if (!data && errno == E2BIG)
		return directory_long(h, t, path, num);
	if (!data)
		return NULL;
	vec = split_names(data, len, num);
	free(data);
	return vec;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
	      unsigned int *len)
{
	struct iovec part = part_string(path);
	size_t n;
	char *data = xs_call(h, XS_READ, t, &part, 1, &n);

	if (data && len)
		*len = (unsigned)n;
	return data;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
	      const void *data, unsigned int len)
{
	struct iovec parts[2] = {part_string(path),
				 {(void *)(uintptr_t)data, len}};

	return xs_call_ok(h, XS_WRITE, t, parts, 2);
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	return one_path(h, XS_MKDIR, t, path);
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	return one_path(h, XS_RM, t, path);
}

bool xs_restrict(struct xs_handle *h, unsigned domid)
{
	(void)h;
	(void)domid;
	errno = ENOSYS;
	return false;
}

static bool parse_perm(const char *s, struct xs_permissions *p)
{
	static const char letters[] = "nrwb";
	const char *found = *s ? strchr(letters, *s) : NULL;

	if (!found)
		return false;
	p->perms = (unsigned)(found - letters);
	p->id = (unsigned)strtoul(s + 1, NULL, 10);
	return true;
}

struct xs_permissions *xs_get_permissions(struct xs_handle *h,
					  xs_transaction_t t, const char *path,
					  unsigned int *num)
{
	struct iovec part = part_string(path);
	struct xs_permissions *perms;
	char *data, *at;
	unsigned n = 0;
	size_t len;

	data = xs_call(h, XS_GET_PERMS, t, &part, 1, &len);
	if (!data)
		return NULL;
	perms = malloc((len / 3 + 1) * sizeof(*perms));
	for (at = data; perms && at < data + len; at += strlen(at) + 1) {
		if (parse_perm(at, &perms[n++]))
			continue;
		free(perms);
		perms = NULL;
		errno = EINVAL;
	}
	free(data);
	*num = n;
	return perms;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t,
			const char *path, struct xs_permissions *perms,
			unsigned int num_perms)
{
	char text[XS_PAYLOAD_MAX];
	struct iovec parts[2] = {part_string(path), {text, 0}};
	unsigned i;
	size_t n = 0;

	for (i = 0; i < num_perms; i++) {
		if (n + 16 > sizeof(text)) {
			errno = ENOSPC;
			return false;
		}
		n += (size_t)sprintf(text + n, "%c%u",
				     "nrwb"[perms[i].perms & 3], perms[i].id) +
		     1;
	}
	parts[1].iov_len = n;
	return xs_call_ok(h, XS_SET_PERMS, t, parts, 2);
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	struct iovec part = part_string("");
	char *data = xs_call(h, XS_TRANSACTION_START, 0, &part, 1, NULL);
	xs_transaction_t t;

	if (!data)
		return XBT_NULL;
	t = tx_user(h, (uint32_t)strtoul(data, NULL, 10));
	free(data);
	return t;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
	struct iovec part = part_string(abort ? "F" : "T");

	if (!t) {
		errno = EINVAL;
		return false;
	}
	return xs_call_ok(h, XS_TRANSACTION_END, t, &part, 1);
}

static bool numbers(struct xs_handle *h, enum xs_type type, unsigned n,
		    const long *v)
{
	struct iovec parts[3];
	char text[3][24];
	unsigned i;

	for (i = 0; i < n; i++) {
		snprintf(text[i], sizeof(text[i]), "%ld", v[i]);
		parts[i] = part_string(text[i]);
	}
	return xs_call_ok(h, type, 0, parts, n);
}

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid,
			 unsigned long mfn, unsigned int eventchn)
{
	return numbers(h, XS_INTRODUCE, 3,
		       (long[]){domid, (long)mfn, eventchn});
}

bool xs_set_target(struct xs_handle *h, unsigned int domid, unsigned int target)
{
	return numbers(h, XS_SET_TARGET, 2, (long[]){domid, target});
}

bool xs_resume_domain(struct xs_handle *h, unsigned int domid)
{
	return numbers(h, XS_RESUME, 1, (long[]){domid});
}

bool xs_release_domain(struct xs_handle *h, unsigned int domid)
{
	return numbers(h, XS_RELEASE, 1, (long[]){domid});
}

static char *ask_domain(struct xs_handle *h, enum xs_type type, unsigned domid)
{
	char text[16];
	struct iovec part;

	snprintf(text, sizeof(text), "%u", domid);
	part = part_string(text);
	return xs_call(h, type, 0, &part, 1, NULL);
}

char *xs_get_domain_path(struct xs_handle *h, unsigned int domid)
{
	return ask_domain(h, XS_GET_DOMAIN_PATH, domid);
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
	char *data = ask_domain(h, XS_IS_DOMAIN_INTRODUCED, domid);
	bool yes = data && !strcmp(data, "T");

	free(data);
	return yes;
}

bool xs_path_is_subpath(const char *parent, const char *child)
{
	size_t n = strlen(parent);

	if (!strcmp(parent, "/"))
		return child[0] == '/';
	if (strlen(child) < n || memcmp(parent, child, n))
		return false;
	return !child[n] || child[n] == '/';
}

char *xs_control_command(struct xs_handle *h, const char *cmd, void *data,
			 unsigned int len)
{
	struct iovec parts[2] = {part_string(cmd), {data, len}};

	return xs_call(h, XS_CONTROL, 0, parts, len ? 2 : 1, NULL);
}

char *xs_debug_command(struct xs_handle *h, const char *cmd, void *data,
		       unsigned int len)
{
	return xs_control_command(h, cmd, data, len);
}

int xs_suspend_evtchn_port(int domid)
{
	struct xs_handle *h = xs_daemon_open();
	char path[64], *data;
	int port = -1;

	if (!h)
		return -1;
	snprintf(path, sizeof(path),
		 "/local/domain/%d/device/suspend/event-channel", domid);
	data = xs_read(h, XBT_NULL, path, NULL);
	if (data && *data)
		port = atoi(data);
	free(data);
	xs_close(h);
	return port;
}

char *xs_last_refusal(struct xs_handle *h)
{
	int saved = errno;
	char *why = xs_control_command(h, "why", NULL, 0);

	if (why && !*why) {
		free(why);
		why = NULL;
	}
	errno = saved;
	return why;
}

char *xs_quota_names(struct xs_handle *h)
{
	struct iovec part = part_string("");

	return xs_call(h, XS_GET_QUOTA, 0, &part, 1, NULL);
}

static unsigned quota_parts(struct iovec *parts, char *text, size_t size,
			    int domid, const char *name)
{
	unsigned n = 0;

	if (domid >= 0) {
		snprintf(text, size, "%d", domid);
		parts[n++] = part_string(text);
	}
	parts[n++] = part_string(name);
	return n;
}

bool xs_get_quota(struct xs_handle *h, int domid, const char *name,
		  uint32_t *value)
{
	struct iovec parts[2];
	char text[16], *data;
	unsigned n = quota_parts(parts, text, sizeof(text), domid, name);

	data = xs_call(h, XS_GET_QUOTA, 0, parts, n, NULL);
	if (!data)
		return false;
	*value = (uint32_t)strtoul(data, NULL, 10);
	free(data);
	return true;
}

bool xs_set_quota(struct xs_handle *h, int domid, const char *name,
		  uint32_t value)
{
	struct iovec parts[3];
	char text[16], number[16];
	unsigned n = quota_parts(parts, text, sizeof(text), domid, name);

	snprintf(number, sizeof(number), "%u", value);
	parts[n++] = part_string(number);
	return xs_call_ok(h, XS_SET_QUOTA, 0, parts, n);
}
