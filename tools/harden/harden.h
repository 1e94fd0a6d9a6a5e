/* SPDX-License-Identifier: MIT */
/*
 * Giving up what a daemon does not need once it runs.
 *
 * Functions return 0, or -1 and a line in why.
 */
#ifndef TOOLS_HARDEN_HARDEN_H
#define TOOLS_HARDEN_HARDEN_H

#include <stdbool.h>
#include <stddef.h>

/* Become that user (name or number) without capabilities, for good. */
int harden_user(const char *user, char *why, size_t len);

/* System calls, by number. */
struct harden_list {
	const unsigned int *call;
	size_t nr;
};
#define HARDEN_LIST(array)                                                     \
	((struct harden_list){array, sizeof(array) / sizeof((array)[0])})

/*
 * From here on no privilege can be gained, and system calls that no daemon of
 * ours makes are refused (EPERM): tracing, mounting, modules, namespaces, keys,
 * bpf, new rings of io_uring; and those of nr lists more.  only_unix: sockets
 * of other families, too.
 */
int harden_refuse(const struct harden_list *more, unsigned int nr,
		  bool only_unix, char *why, size_t len);

#endif
