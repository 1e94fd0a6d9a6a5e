/* SPDX-License-Identifier: MIT */
/* Inside of a batch, for those who carry it out. */
#ifndef TOOLS_DAEMON_BATCH_H
#define TOOLS_DAEMON_BATCH_H

#include "tools/daemon/store.h"

enum batch_kind {
	BATCH_MKDIR,
	BATCH_PUT,
	BATCH_RM
};

struct batch_op {
	enum batch_kind kind;
	enum store_perm perm;
	char *path, *value; /* value: of BATCH_PUT */
};

struct batch {
	unsigned int domid; /* the guest that permissions mean */
	char base[STORE_PATH_MAX];
	struct batch_op *op;
	unsigned int nr, room;
	bool failed; /* no memory, or a path or value too long */
};

#endif
