/* SPDX-License-Identifier: MIT */
/* Between server.c, request.c and event.c. */
#ifndef TOOLS_DAEMON_SERVER_INTERNAL_H
#define TOOLS_DAEMON_SERVER_INTERNAL_H

#include "tools/daemon/server.h"

struct bytes {
	char *data;
	size_t len, room, at; /* [at, len) is still to be sent */
};

struct conn {
	TAILQ_ENTRY(conn) link;
	struct server *server;
	int fd;
	struct ev_io read_io, write_io;
	struct bytes in, out;
	struct request *requests;
	bool subscribed, broken;
};

struct server {
	struct daemon *dm;
	int fd;
	struct ev_io io;
	TAILQ_HEAD(, conn) conns;
	unsigned int nr_conns;
};

void conn_send(struct conn *c, struct json_object *o);
void conn_close(struct conn *c);

#endif
