/* SPDX-License-Identifier: MIT */
/* What the files of parapet-store share. */
#ifndef TOOLS_STORE_CLI_H
#define TOOLS_STORE_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/xs/xs_ext.h"

struct cli {
	struct xs_handle *h;
	bool json;
	bool perms; /* ls: permissions too                     */
	bool flat; /* ls: full paths                          */
	bool recursive; /* chmod                                   */
	bool tidy; /* rm: parents that have become empty too  */
	long count; /* watch: stop after so many events, -1: no */
	int depth; /* watch and ls: levels, -1: all           */
	int domid; /* quota: of this domain, -1: the defaults */
	char **args;
	int nargs;
};

/* Say what failed, with the store's reason if it gave one; returns 1. */
int cli_fail(struct cli *c, const char *what, const char *path);

/* output.c: for people, with escapes for what is not printable; and JSON */
void print_value(const char *s, size_t len);
void json_string(const char *s, size_t len);
void json_perms(const struct xs_permissions *p, unsigned n);
void print_perms(const struct xs_permissions *p, unsigned n);
bool parse_perm(const char *s, struct xs_permissions *p);

/* cli_tree.c */
int cmd_ls(struct cli *c);
int cmd_chmod(struct cli *c);
int cmd_rm(struct cli *c);
/* cli_usage.c */
int cmd_usage(struct cli *c);
int cmd_quota(struct cli *c);

#endif
