/* SPDX-License-Identifier: MIT */
/* Memory of the next requests in a connection's input, asked for early. */
#ifndef TOOLS_STORE_AHEAD_H
#define TOOLS_STORE_AHEAD_H

#include "tools/store/store.h"

#define AHEAD_MAX   16 /* requests looked at in advance              */
#define AHEAD_WORTH 1024 /* bytes of input below which nothing is gained */

struct ahead {
	size_t at; /* offset in the input, behind the last one */
	unsigned seen, done; /* requests looked at, requests carried out */
	bool known[AHEAD_MAX];
	uint32_t hash[AHEAD_MAX];
};

void ahead_init(struct ahead *a);
/* Before a request is carried out. */
void ahead_step(struct ahead *a, const struct conn *c);
/* After it: its bytes, header included, have left the input. */
void ahead_done(struct ahead *a, size_t size);

#endif
