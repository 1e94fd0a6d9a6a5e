/* SPDX-License-Identifier: MIT */
/* Devices of a running domain: the list, and the checks before they exist. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/daemon/device.h"
#include "tools/daemon/nbd.h"

const char *device_type_name(enum dev_type type)
{
	static const char *const name[] = {"vbd", "vif", "console"};

	return name[type];
}

/* ---- the list ------------------------------------------------------------------ */

static struct device *device_add(struct domain *d, enum dev_type type,
				 uint32_t id)
{
	struct device *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return NULL;
	dev->d = d;
	dev->type = type;
	dev->id = id;
	TAILQ_INSERT_TAIL(&d->devices, dev, link);
	return dev;
}

struct device *device_add_disk(struct domain *d, const struct dom_disk *disk)
{
	struct device *dev = device_add(d, DEV_DISK, disk->devid);

	if (dev)
		snprintf(dev->label, sizeof(dev->label), "disk %s",
			 disk->target);
	return dev;
}

/* The lowest number that no interface has. */
struct device *device_add_nic(struct domain *d, const struct dom_nic *nic)
{
	struct device *dev;
	uint32_t id = 0;

	while (device_find(d, DEV_NIC, id))
		id++;
	dev = device_add(d, DEV_NIC, id);
	if (!dev)
		return NULL;
	memcpy(dev->mac, nic->mac, sizeof(dev->mac));
	snprintf(dev->label, sizeof(dev->label), "interface %u", id);
	return dev;
}

void device_free(struct device *dev)
{
	TAILQ_REMOVE(&dev->d->devices, dev, link);
	if (dev->nbd)
		nbd_stop(dev->nbd);
	free(dev);
}

void devices_free(struct domain *d)
{
	while (!TAILQ_EMPTY(&d->devices))
		device_free(TAILQ_FIRST(&d->devices));
}

int devices_make(struct domain *d, struct fail *why)
{
	const struct dom_config *c = d->live;
	struct device *dev = device_add(d, DEV_CONSOLE, 0);

	if (dev)
		strcpy(dev->label, "console");
	for (unsigned int i = 0; dev && i < c->nr_disks; i++)
		dev = device_add_disk(d, &c->disk[i]);
	for (unsigned int i = 0; dev && i < c->nr_nics; i++)
		dev = device_add_nic(d, &c->nic[i]);
	if (dev)
		return 0;
	devices_free(d);
	return fail_set(why, FAIL_LIMIT, "no memory");
}

struct device *device_find(struct domain *d, enum dev_type type, uint32_t id)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &d->devices, link)
	if (dev->type == type && dev->id == id)
		return dev;
	return NULL;
}

struct device *device_by_name(struct domain *d, const char *name)
{
	struct device *dev;
	uint8_t mac[6];

	if (config_target_devid(name))
		return device_find(d, DEV_DISK, config_target_devid(name));
	if (!config_mac_parse(name, mac))
		return *name && strspn(name, "0123456789") == strlen(name)
			       ? device_find(d, DEV_NIC, (uint32_t)atoi(name))
			       : NULL;
	TAILQ_FOREACH(dev, &d->devices, link)
	if (dev->type == DEV_NIC && !memcmp(dev->mac, mac, 6))
		return dev;
	return NULL;
}

const struct dom_disk *device_disk(const struct device *dev)
{
	const struct dom_config *c = dev->d->live;

	for (unsigned int i = 0; dev->type == DEV_DISK && i < c->nr_disks; i++)
		if (c->disk[i].devid == dev->id)
			return &c->disk[i];
	return NULL;
}

const char *device_bridge(const struct domain *d, const struct dom_nic *nic,
			  bool *openvswitch)
{
	const struct settings *set = d->dm->set;

	*openvswitch = nic->openvswitch;
	for (unsigned int i = 0; nic->network && i < set->nr_networks; i++)
		if (!strcmp(set->network[i].name, nic->network)) {
			*openvswitch = set->network[i].openvswitch;
			return set->network[i].bridge;
		}
	return nic->bridge;
}

/* ---- checks -------------------------------------------------------------------- */

static int check_file(const struct dom_disk *disk, struct fail *why)
{
	struct stat st;

	if (disk->type == DISK_NETWORK)
		return 0;
	if (stat(disk->source, &st))
		return fail_set(why, fail_of_errno(errno), "disk %s: %s: %s",
				disk->target, disk->source, strerror(errno));
	if (disk->type == DISK_BLOCK && !S_ISBLK(st.st_mode))
		return fail_set(why, FAIL_INVALID,
				"disk %s: %s: not a block device", disk->target,
				disk->source);
	if (disk->type == DISK_FILE && !S_ISREG(st.st_mode) &&
	    !S_ISBLK(st.st_mode))
		return fail_set(why, FAIL_INVALID, "disk %s: %s: not a file",
				disk->target, disk->source);
	if (access(disk->source, disk->readonly ? R_OK : R_OK | W_OK))
		return fail_set(why, FAIL_FAILED, "disk %s: %s: %s",
				disk->target, disk->source, strerror(errno));
	return 0;
}

static bool same_disk(const struct dom_disk *a, const struct dom_disk *b)
{
	struct stat sa, sb;

	if (a->type == DISK_NETWORK || b->type == DISK_NETWORK)
		return a->type == b->type && !strcmp(a->source, b->source) &&
		       !strcmp(a->host, b->host) && a->port == b->port &&
		       !strcmp(a->protocol, b->protocol);
	if (stat(a->source, &sa) || stat(b->source, &sb))
		return false;
	if (S_ISBLK(sa.st_mode) && S_ISBLK(sb.st_mode))
		return sa.st_rdev == sb.st_rdev;
	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Two guests that write to one disk destroy what is on it. */
static int check_sharing(const struct domain *d, const struct domain *other,
			 const struct dom_disk *disk, struct fail *why)
{
	const struct dom_config *c = other->live;

	for (unsigned int i = 0; c && i < c->nr_disks; i++) {
		const struct dom_disk *o = &c->disk[i];

		if (o == disk ||
		    (d == other && !strcmp(o->target, disk->target)))
			continue;
		if ((disk->readonly && o->readonly) ||
		    (disk->shareable && o->shareable) || !same_disk(disk, o))
			continue;
		return fail_set(why, FAIL_STATE,
				"disk %s: %s: in use by %s (%s), and not "
				"<shareable/>",
				disk->target, disk->source, other->name,
				o->target);
	}
	return 0;
}

int device_check_disk(const struct domain *d, const struct dom_disk *disk,
		      struct fail *why)
{
	const struct domain *other;

	if (check_file(disk, why))
		return -1;
	TAILQ_FOREACH(other, &d->dm->domains, link)
	if (check_sharing(d, other, disk, why))
		return -1;
	return 0;
}

int device_check_nic(const struct domain *d, unsigned int index,
		     const struct dom_nic *nic, struct fail *why)
{
	const struct settings *set = d->dm->set;
	char path[512];
	bool ovs;
	const char *bridge = device_bridge(d, nic, &ovs);

	if (!bridge)
		return fail_set(why, FAIL_NOT_FOUND,
				"interface %u: network %s: not in the "
				"daemon's settings",
				index, nic->network);
	snprintf(path, sizeof(path), "%s/%s", set->net, bridge);
	if (access(path, F_OK))
		return fail_set(why, FAIL_NOT_FOUND,
				"interface %u: bridge %s: no such bridge",
				index, bridge);
	snprintf(path, sizeof(path), "%s/%s/bridge", set->net, bridge);
	if (!ovs && access(path, F_OK))
		return fail_set(why, FAIL_INVALID,
				"interface %u: bridge %s: not a bridge", index,
				bridge);
	return 0;
}

static int check_boot_file(const char *what, const char *path, struct fail *why)
{
	if (!path || !access(path, R_OK))
		return 0;
	return fail_set(why, fail_of_errno(errno), "%s: %s: %s", what, path,
			strerror(errno));
}

int devices_check(const struct domain *d, struct fail *why)
{
	const struct dom_config *c = d->live;

	if (check_boot_file(c->bootloader ? "bootloader" : "kernel", c->kernel,
			    why) ||
	    check_boot_file("initrd", c->initrd, why))
		return -1;
	for (unsigned int i = 0; i < c->nr_disks; i++)
		if (device_check_disk(d, &c->disk[i], why))
			return -1;
	for (unsigned int i = 0; i < c->nr_nics; i++)
		if (device_check_nic(d, i, &c->nic[i], why))
			return -1;
	return 0;
}

/* ---- servers of other formats -------------------------------------------------- */

int device_start_server(struct device *dev, struct fail *why)
{
	const struct dom_disk *disk = device_disk(dev);

	if (!disk || dev->nbd || !nbd_is_needed(disk))
		return 0;
	dev->nbd = nbd_start(dev, disk, why);
	return dev->nbd ? 0 : fail_prefix(why, "%s", dev->label);
}

int devices_start_servers(struct domain *d, struct fail *why)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &d->devices, link)
	if (device_start_server(dev, why)) {
		devices_stop_servers(d);
		return -1;
	}
	return 0;
}

void devices_stop_servers(struct domain *d)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &d->devices, link)
	{
		if (dev->nbd)
			nbd_stop(dev->nbd);
		dev->nbd = NULL;
	}
}

/* ---- together ------------------------------------------------------------------ */

enum dev_state devices_state(const struct domain *d, struct fail *why)
{
	enum dev_state all = DEV_READY;
	const struct device *dev;

	TAILQ_FOREACH(dev, &d->devices, link)
	{
		if (dev->state == DEV_FAILED) {
			fail_set(why, FAIL_FAILED, "%s: %s", dev->label,
				 dev->error);
			return DEV_FAILED;
		}
		if (dev->state == DEV_OPENING)
			all = DEV_OPENING;
	}
	return all;
}

bool devices_closed(const struct domain *d)
{
	const struct device *dev;

	TAILQ_FOREACH(dev, &d->devices, link)
	if (dev->state == DEV_CLOSING)
		return false;
	return true;
}

void devices_in_state(const struct domain *d, enum dev_state state, char *text,
		      size_t room)
{
	const struct device *dev;
	size_t n = 0;

	*text = '\0';
	TAILQ_FOREACH(dev, &d->devices, link)
	if (dev->state == state && n < room)
		n += (size_t)snprintf(text + n, room - n, "%s%s", n ? ", " : "",
				      dev->label);
}
