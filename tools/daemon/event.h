/* SPDX-License-Identifier: MIT */
/* Tell whoever subscribed. */
#ifndef TOOLS_DAEMON_EVENT_H
#define TOOLS_DAEMON_EVENT_H

struct daemon;
struct domain;

/* d may be NULL.  Then pairs of strings, name and value, ended by NULL. */
void event_send(struct daemon *dm, const char *event, const struct domain *d,
		...) __attribute__((sentinel));

#endif
