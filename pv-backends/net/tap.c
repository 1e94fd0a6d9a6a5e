/* SPDX-License-Identifier: MIT */
/*
 * The TAP of an interface.
 *
 * It is opened with as many queues as a frontend may ask for, since opening
 * needs rights that this process has only at the start; those that are not used
 * are detached.  The first queue never is: its descriptor is the handle for
 * everything else.  A TAP that may have several is made by Linux for 256, which
 * takes tens of milliseconds at each end; so one that needs no more than one is
 * of the other sort.  While no guest is connected the TAP has no carrier, so
 * the bridge sends nothing to it.
 *
 * An alternative name tells which device a TAP belongs to: who finds a TAP of
 * the wanted name without it does not touch it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pv-backends/net/ovs.h"
#include "pv-backends/net/tap.h"

enum {
	BUSY_TRIES = 200,
	BUSY_USLEEP = 5000,
};

_Static_assert(LINK_NAME == IFNAMSIZ, "the longest name of an interface");

static int failed(char *why, int err, const char *what, const char *which)
{
	snprintf(why, TAP_WHY, "%s %.64s: %s", what, which, strerror(err));
	return -1;
}

/* ---- making ----------------------------------------------------------------------- */

static int open_queue(struct tap *t, unsigned int nr)
{
	struct ifreq ifr = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (t->queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(ifr.ifr_name, t->name, sizeof(ifr.ifr_name));
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	t->fd[nr] = fd;
	return 0;
}

/* A predecessor that was killed just now may have it for another moment. */
static int open_first(struct tap *t)
{
	int tries = 0;

	while (open_queue(t, 0)) {
		if (errno != EBUSY || ++tries == BUSY_TRIES)
			return -1;
		usleep(BUSY_USLEEP);
	}
	return 0;
}

/* Is there one of that name already, and is it ours? */
static int check_name(int nl, const struct tap_options *opt, char *why)
{
	struct link_info there, ours;
	int rc = link_find(nl, opt->name, &there);

	if (rc == -ENODEV)
		return 0;
	if (rc)
		return failed(why, -rc, "interface", opt->name);
	if (link_find(nl, opt->alias, &ours) || ours.index != there.index)
		return failed(why, EEXIST, "interface", opt->name);
	return 0;
}

static int find_bridge(int nl, const struct tap_options *opt,
		       struct link_info *bridge, char *why)
{
	int rc;

	memset(bridge, 0, sizeof(*bridge));
	if (opt->openvswitch)
		return 0;
	rc = link_find(nl, opt->bridge, bridge);
	if (!rc && !strcmp(bridge->kind, "bridge"))
		return 0;
	if (rc && rc != -ENODEV)
		return failed(why, -rc, "bridge", opt->bridge);
	snprintf(why, TAP_WHY, "bridge %.64s: %s", opt->bridge,
		 rc ? "no such bridge" : "is not a bridge");
	return -1;
}

/* An interface of our own, up, and on its bridge. */
static int set_up(struct tap *t, int nl, const struct tap_options *opt,
		  const struct link_info *bridge, char *why)
{
	unsigned char mac[6];
	struct link_change change = {
		.mac = mac,
		.mtu = opt->mtu ? opt->mtu : bridge->mtu,
		.master = bridge->index,
	};
	struct link_info own;
	int rc = link_find(nl, t->name, &own);

	if (rc)
		return failed(why, -rc, "interface", t->name);
	rc = link_add_alias(nl, own.index, opt->alias);
	if (rc && rc != -EEXIST)
		return failed(why, -rc, "name of interface", t->name);
	/* Not the guest's address, which is behind it; and a high one, since
	 * a bridge takes the lowest of its ports. */
	memcpy(mac, opt->mac, sizeof(mac));
	mac[0] = 0xfe;
	/* Without IPv6 there is nothing to forbid. */
	link_no_addresses(nl, own.index);
	rc = link_set_up(nl, own.index, &change);
	if (rc)
		return failed(why, -rc, "set up interface", t->name);
	if (ioctl(t->fd[0], TUNSETPERSIST, 1) < 0)
		return failed(why, errno, "keep interface", t->name);
	return 0;
}

static int join_ovs(struct tap *t, const struct tap_options *opt, char *why)
{
	if (!opt->openvswitch)
		return 0;
	t->ovs = ovs_attach(opt->bridge, t->name, why, TAP_WHY);
	return t->ovs ? 0 : -1;
}

static int detach_queue(int fd, bool detach)
{
	struct ifreq ifr = {
		.ifr_flags = detach ? IFF_DETACH_QUEUE : IFF_ATTACH_QUEUE,
	};

	return ioctl(fd, TUNSETQUEUE, &ifr);
}

static int open_others(struct tap *t, char *why)
{
	for (unsigned int i = 1; i < t->queues; i++)
		if (open_queue(t, i) || detach_queue(t->fd[i], true))
			return failed(why, errno, "queues of interface",
				      t->name);
	return 0;
}

static int make(struct tap *t, int nl, const struct tap_options *opt, char *why)
{
	struct link_info bridge;

	if (find_bridge(nl, opt, &bridge, why) || check_name(nl, opt, why))
		return -1;
	if (open_first(t))
		return failed(why, errno, "make interface", t->name);
	if (set_up(t, nl, opt, &bridge, why) || open_others(t, why) ||
	    join_ovs(t, opt, why)) {
		tap_close(t, true);
		return -1;
	}
	t->used = 1;
	tap_stop(t);
	return 0;
}

int tap_open(struct tap *t, const struct tap_options *opt, char why[TAP_WHY])
{
	int nl, rc;

	memset(t, 0, sizeof(*t));
	for (unsigned int i = 0; i < TAP_MAX_QUEUES; i++)
		t->fd[i] = -1;
	if (!*opt->name || strlen(opt->name) >= LINK_NAME) {
		snprintf(why, TAP_WHY, "interface name \"%.64s\": %s",
			 opt->name, *opt->name ? "too long" : "is empty");
		return -1;
	}
	strcpy(t->name, opt->name);
	t->queues = opt->queues;
	nl = link_open();
	if (nl < 0)
		return failed(why, -nl, "open", "rtnetlink");
	rc = make(t, nl, opt, why);
	close(nl);
	return rc;
}

void tap_close(struct tap *t, bool remove)
{
	if (t->ovs)
		ovs_close(t->ovs, remove);
	t->ovs = NULL;
	if (remove && t->fd[0] >= 0)
		ioctl(t->fd[0], TUNSETPERSIST, 0);
	for (unsigned int i = 0; i < TAP_MAX_QUEUES; i++) {
		if (t->fd[i] >= 0)
			close(t->fd[i]);
		t->fd[i] = -1;
	}
}

void tap_sweep(const char *alias)
{
	struct link_info info;
	int nl = link_open();

	if (nl < 0)
		return;
	if (!link_find(nl, alias, &info))
		link_delete(nl, info.index);
	close(nl);
}

/* ---- with and without a guest ------------------------------------------------------- */

static void set_carrier(const struct tap *t, int on)
{
	/* Older kernels cannot: then the queue fills, and is emptied below. */
	ioctl(t->fd[0], TUNSETCARRIER, &on);
}

/* What was sent before, to whoever was there before. */
static void drain(const struct tap *t)
{
	char bytes[256];

	while (read(t->fd[0], bytes, sizeof(bytes)) >= 0)
		;
}

int tap_start(struct tap *t, unsigned int queues,
	      const struct net_offers *offers, char why[TAP_WHY])
{
	unsigned long offload = 0;

	if (offers->csum4 || offers->csum6)
		offload = TUN_F_CSUM;
	if (offers->sg && offers->csum4 && offers->gso4)
		offload |= TUN_F_TSO4;
	if (offers->sg && offers->csum6 && offers->gso6)
		offload |= TUN_F_TSO6;
	for (; t->used < queues; t->used++)
		if (detach_queue(t->fd[t->used], false))
			return failed(why, errno, "queues of interface",
				      t->name);
	if (ioctl(t->fd[0], TUNSETOFFLOAD, offload) < 0)
		return failed(why, errno, "offloads of interface", t->name);
	drain(t);
	set_carrier(t, 1);
	return 0;
}

void tap_stop(struct tap *t)
{
	set_carrier(t, 0);
	while (t->used > 1)
		detach_queue(t->fd[--t->used], true);
	drain(t);
}
