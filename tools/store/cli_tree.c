/* SPDX-License-Identifier: MIT */
/*
 * The commands that walk the tree: ls, chmod -r, rm -t.
 *
 * Others may change the tree meanwhile: a node that has gone since it was
 * listed is left out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/store/cli.h"

static void join(char *out, size_t size, const char *dir, const char *name)
{
	snprintf(out, size, "%s%s%s", dir, strcmp(dir, "/") ? "/" : "", name);
}

static const char *leaf(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

struct entry {
	char *value;
	unsigned len;
	struct xs_permissions *perms;
	unsigned nperms;
	char **names;
	unsigned nnames;
};

static void entry_free(struct entry *e)
{
	free(e->value);
	free(e->perms);
	free(e->names);
}

static bool entry_read(struct cli *c, const char *path, bool below,
		       struct entry *e)
{
	memset(e, 0, sizeof(*e));
	e->value = xs_read(c->h, 0, path, &e->len);
	if (!e->value)
		return false;
	if (c->perms || c->json)
		e->perms = xs_get_permissions(c->h, 0, path, &e->nperms);
	if (below)
		e->names = xs_directory(c->h, 0, path, &e->nnames);
	return true;
}

static void ls_line(const struct cli *c, const char *path,
		    const struct entry *e, int level)
{
	printf("%*s%s = \"", c->flat ? 0 : level, "",
	       c->flat ? path : leaf(path));
	print_value(e->value, e->len);
	putchar('"');
	if (c->perms && e->perms) {
		fputs("  (", stdout);
		print_perms(e->perms, e->nperms);
		putchar(')');
	}
	putchar('\n');
}

static void ls_json_open(const char *path, const struct entry *e)
{
	fputs("{\"name\":", stdout);
	json_string(leaf(path), strlen(leaf(path)));
	fputs(",\"path\":", stdout);
	json_string(path, strlen(path));
	fputs(",\"value\":", stdout);
	json_string(e->value, e->len);
	fputs(",\"permissions\":", stdout);
	json_perms(e->perms, e->perms ? e->nperms : 0);
	fputs(",\"children\":[", stdout);
}

/* level -1 is the node that was asked for: only its children are shown. */
static int ls_node(struct cli *c, const char *path, int level, bool *first)
{
	bool below = c->depth < 0 || level + 1 < c->depth, inner = true;
	char child[XS_ABS_PATH_MAX + 1];
	struct entry e;
	unsigned i;

	if (!entry_read(c, path, below || level < 0, &e))
		return level < 0 ? cli_fail(c, "ls", path) : 0;
	if (c->json) {
		if (!*first)
			putchar(',');
		*first = false;
		ls_json_open(path, &e);
	} else if (level >= 0) {
		ls_line(c, path, &e, level);
	}
	for (i = 0; e.names && i < e.nnames; i++) {
		join(child, sizeof(child), path, e.names[i]);
		ls_node(c, child, level + 1, &inner);
	}
	if (c->json)
		fputs("]}", stdout);
	entry_free(&e);
	return 0;
}

int cmd_ls(struct cli *c)
{
	const char *root = "/";
	bool first = true;
	int i, rc = 0;

	if (!c->nargs)
		rc = ls_node(c, root, -1, &first);
	for (i = 0; i < c->nargs; i++) {
		if (c->json && i)
			putchar('\n');
		first = true;
		rc |= ls_node(c, c->args[i], -1, &first);
	}
	if (c->json && !rc)
		putchar('\n');
	return rc;
}

static int chmod_node(struct cli *c, const char *path, struct xs_permissions *p,
		      unsigned n)
{
	char child[XS_ABS_PATH_MAX + 1], **names;
	unsigned count, i;

	if (!xs_set_permissions(c->h, 0, path, p, n))
		return cli_fail(c, "chmod", path);
	if (!c->recursive)
		return 0;
	names = xs_directory(c->h, 0, path, &count);
	for (i = 0; names && i < count; i++) {
		join(child, sizeof(child), path, names[i]);
		if (chmod_node(c, child, p, n) && errno != ENOENT)
			break;
	}
	free(names);
	return 0;
}

int cmd_chmod(struct cli *c)
{
	struct xs_permissions p[64];
	int i;

	if (c->nargs < 2 || c->nargs > 65)
		return 2;
	for (i = 1; i < c->nargs; i++) {
		if (!parse_perm(c->args[i], &p[i - 1])) {
			fprintf(stderr,
				"parapet-store: chmod: \"%s\" is not n, r, w "
				"or b and a domain id\n",
				c->args[i]);
			return 2;
		}
	}
	return chmod_node(c, c->args[0], p, (unsigned)c->nargs - 1);
}

static bool is_empty(struct cli *c, const char *path)
{
	unsigned n = 1, len = 1;
	char **names = xs_directory(c->h, 0, path, &n);
	char *value = xs_read(c->h, 0, path, &len);
	bool empty = names && value && !n && !len;

	free(names);
	free(value);
	return empty;
}

int cmd_rm(struct cli *c)
{
	char path[XS_ABS_PATH_MAX + 1], *slash;
	int i;

	if (!c->nargs)
		return 2;
	for (i = 0; i < c->nargs; i++) {
		if (!xs_rm(c->h, 0, c->args[i]))
			return cli_fail(c, "rm", c->args[i]);
		snprintf(path, sizeof(path), "%s", c->args[i]);
		while (c->tidy && (slash = strrchr(path, '/')) &&
		       slash != path) {
			*slash = '\0';
			if (!is_empty(c, path) || !xs_rm(c->h, 0, path))
				break;
		}
	}
	return 0;
}
