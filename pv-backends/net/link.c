/* SPDX-License-Identifier: MIT */
/*
 * Network interfaces, through rtnetlink: one request, one answer at a time.
 *
 * A message is a fixed header, then attributes (length, type, value, padded to
 * four bytes), which nest.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pv-backends/net/link.h"

/* Kernel headers have no such constant for user space. */
#define ADDR_GEN_NONE 1

struct request {
	union {
		struct nlmsghdr head;
		char bytes[512];
	};
};

int link_open(void)
{
	struct sockaddr_nl sa = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int rc;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static struct ifinfomsg *begin(struct request *r, uint16_t type, int index)
{
	struct ifinfomsg *ifi = NLMSG_DATA(&r->head);

	memset(r, 0, sizeof(*r));
	r->head.nlmsg_len = NLMSG_LENGTH(sizeof(*ifi));
	r->head.nlmsg_type = type;
	r->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	ifi->ifi_index = index;
	return ifi;
}

/* All that is ever added fits: names are bounded. */
static struct rtattr *add(struct request *r, uint16_t type, const void *value,
			  size_t len)
{
	struct rtattr *a =
		(struct rtattr *)(r->bytes + NLMSG_ALIGN(r->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), value, len);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) +
			    (uint32_t)RTA_ALIGN(a->rta_len);
	return a;
}

static void add_name(struct request *r, uint16_t type, const char *name)
{
	add(r, type, name, strlen(name) + 1);
}

static struct rtattr *nest(struct request *r, uint16_t type)
{
	return add(r, type | NLA_F_NESTED, NULL, 0);
}

static void end_nest(struct request *r, struct rtattr *a)
{
	a->rta_len = (uint16_t)(r->bytes + r->head.nlmsg_len - (char *)a);
}

/* The answer that carries a result goes to `info`. */
static void read_link(const struct nlmsghdr *m, struct link_info *info)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(m);
	const struct rtattr *a = IFLA_RTA(ifi), *b;
	size_t left = m->nlmsg_len - NLMSG_LENGTH(sizeof(*ifi)), inner;

	info->index = ifi->ifi_index;
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFLA_MTU)
			memcpy(&info->mtu, RTA_DATA(a), sizeof(info->mtu));
		if (a->rta_type == IFLA_MASTER)
			memcpy(&info->master, RTA_DATA(a),
			       sizeof(info->master));
		if ((a->rta_type & NLA_TYPE_MASK) != IFLA_LINKINFO)
			continue;
		inner = RTA_PAYLOAD(a);
		for (b = RTA_DATA(a); RTA_OK(b, inner); b = RTA_NEXT(b, inner))
			if (b->rta_type == IFLA_INFO_KIND)
				strncpy(info->kind, RTA_DATA(b),
					sizeof(info->kind) - 1);
	}
}

/* Send, and read until the answer that says how it went. */
static int ask(int fd, struct request *r, struct link_info *info)
{
	static uint32_t seq;
	union {
		struct nlmsghdr head;
		char bytes[16384];
	} answer;
	const struct nlmsghdr *m;
	ssize_t n;

	r->head.nlmsg_seq = ++seq;
	if (send(fd, r, r->head.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		n = recv(fd, &answer, sizeof(answer), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		m = &answer.head;
		for (; NLMSG_OK(m, n); m = NLMSG_NEXT(m, n)) {
			const struct nlmsgerr *e = NLMSG_DATA(m);

			if (m->nlmsg_seq != r->head.nlmsg_seq)
				continue;
			if (m->nlmsg_type == NLMSG_ERROR)
				return e->error;
			if (m->nlmsg_type == RTM_NEWLINK && info)
				read_link(m, info);
		}
	}
}

int link_find(int fd, const char *name, struct link_info *info)
{
	struct request r;
	int rc;

	memset(info, 0, sizeof(*info));
	if (strlen(name) >= LINK_ALIAS)
		return -ENODEV;
	begin(&r, RTM_GETLINK, 0);
	add_name(&r, strlen(name) < LINK_NAME ? IFLA_IFNAME : IFLA_ALT_IFNAME,
		 name);
	rc = ask(fd, &r, info);
	return rc ? rc : info->index ? 0 : -ENODEV;
}

int link_set_up(int fd, int index, const struct link_change *change)
{
	struct request r;
	struct ifinfomsg *ifi = begin(&r, RTM_NEWLINK, index);

	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	if (change->mac)
		add(&r, IFLA_ADDRESS, change->mac, 6);
	if (change->mtu)
		add(&r, IFLA_MTU, &change->mtu, sizeof(change->mtu));
	if (change->master)
		add(&r, IFLA_MASTER, &change->master, sizeof(change->master));
	return ask(fd, &r, NULL);
}

int link_no_addresses(int fd, int index)
{
	static const unsigned char none = ADDR_GEN_NONE;
	struct request r;
	struct rtattr *spec, *inet6;

	begin(&r, RTM_NEWLINK, index);
	spec = nest(&r, IFLA_AF_SPEC);
	inet6 = nest(&r, AF_INET6);
	add(&r, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
	end_nest(&r, inet6);
	end_nest(&r, spec);
	return ask(fd, &r, NULL);
}

int link_add_alias(int fd, int index, const char *alias)
{
	struct request r;
	struct rtattr *list;

	begin(&r, RTM_NEWLINKPROP, index);
	r.head.nlmsg_flags |= NLM_F_CREATE | NLM_F_APPEND;
	list = nest(&r, IFLA_PROP_LIST);
	add_name(&r, IFLA_ALT_IFNAME, alias);
	end_nest(&r, list);
	return ask(fd, &r, NULL);
}

int link_delete(int fd, int index)
{
	struct request r;

	begin(&r, RTM_DELLINK, index);
	return ask(fd, &r, NULL);
}
