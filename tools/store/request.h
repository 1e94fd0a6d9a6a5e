/* SPDX-License-Identifier: MIT */
/* Taking a request's payload apart; shared by the request handlers. */
#ifndef TOOLS_STORE_REQUEST_H
#define TOOLS_STORE_REQUEST_H

#include "tools/store/txn.h"

#define ARGS_MAX 4

/* The NUL-terminated strings at the front of a payload. */
struct args {
	const char *s[ARGS_MAX];
	size_t len[ARGS_MAX];
	unsigned n; /* strings found, at most ARGS_MAX            */
	const char *rest; /* what follows the last one that was taken    */
	size_t rest_len;
};

struct request {
	struct conn *c;
	const struct xs_hdr *h;
	struct txn *tx;
	const char *data;
	struct args a;
};

/* Take up to max strings.  The rest is what follows them, NULs or not. */
void args_take(struct args *a, const char *data, size_t len, unsigned max);
/* A decimal domain id below 65536: 0 or EINVAL. */
int args_domid(const char *s, unsigned *domid);
int args_number(const char *s, uint32_t *value);
int request_path(struct request *r, const char *s, size_t len, unsigned flags,
		 struct path *p);

typedef int request_fn(struct request *r);
request_fn do_introduce, do_release, do_domain_path, do_is_introduced,
	do_resume, do_set_target, do_get_feature, do_set_feature, do_get_quota,
	do_set_quota, do_control;

const char *error_name(int errnum);

#endif
