/* SPDX-License-Identifier: MIT */
/*
 * The nodes of devices: what is written for a backend and a frontend, and what
 * the backend writes back.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pv/io/xenbus.h>

#include "tools/daemon/device.h"
#include "tools/daemon/event.h"
#include "tools/daemon/life.h"
#include "tools/daemon/nbd.h"

#define BACKEND "/parapet/backend"

/* What is put next is the backend's; the frontend's (not of a console). */
static void base_back(struct batch *b, const struct device *dev)
{
	batch_base(b, BACKEND "/%s/%d/%u", device_type_name(dev->type),
		   dev->d->domid, dev->id);
}

static void base_front(struct batch *b, const struct device *dev)
{
	batch_base(b, "/local/domain/%d/device/%s/%u", dev->d->domid,
		   device_type_name(dev->type), dev->id);
}

/* ---- writing ------------------------------------------------------------------- */

/* What every frontend has, but the console's; it is the base then. */
static void put_front(struct batch *b, const struct device *dev)
{
	const char *type = device_type_name(dev->type);
	unsigned int domid = (unsigned int)dev->d->domid;

	batch_mkdir(b, PERM_GUEST_OWN, "/local/domain/%u/device/%s/%u", domid,
		    type, dev->id);
	base_front(b, dev);
	batch_put(b, "backend", BACKEND "/%s/%u/%u", type, domid, dev->id);
	batch_put(b, "backend-id", "0");
	batch_put(b, "state", "%d", XenbusStateInitialising);
}

/* The same of every backend. */
static void put_back(struct batch *b, const struct device *dev,
		     const char *frontend)
{
	const char *type = device_type_name(dev->type);
	unsigned int domid = (unsigned int)dev->d->domid;

	batch_mkdir(b, PERM_GUEST_READ, BACKEND "/%s/%u", type, domid);
	batch_mkdir(b, PERM_GUEST_READ, BACKEND "/%s/%u/%u", type, domid,
		    dev->id);
	base_back(b, dev);
	batch_put(b, "frontend", "%s", frontend);
	batch_put(b, "frontend-id", "%u", domid);
	/* Nothing was there at this time: it is no other device's. */
	batch_put(b, "instance", "%.0f", daemon_now() * 1e9);
	batch_put(b, "online", "1");
	batch_put(b, "state", "%d", XenbusStateInitialising);
}

static void put_device_back(struct batch *b, const struct device *dev)
{
	char frontend[STORE_PATH_MAX];

	snprintf(frontend, sizeof(frontend), "/local/domain/%d/device/%s/%u",
		 dev->d->domid, device_type_name(dev->type), dev->id);
	put_back(b, dev, frontend);
}

static void put_disk_params(struct batch *b, const struct device *dev,
			    const struct dom_disk *disk)
{
	if (dev->nbd) {
		batch_put(b, "type", "nbd");
		batch_put(b, "params", "%s", nbd_uri(dev->nbd));
	} else if (disk->type == DISK_NETWORK) {
		batch_put(b, "type", "nbd");
		batch_put(b, "params", "nbd://%s:%u/%s", disk->host,
			  disk->port ? disk->port : 10809, disk->source);
	} else {
		batch_put(b, "type", "%s",
			  disk->type == DISK_BLOCK ? "phy" : "file");
		batch_put(b, "params", "%s", disk->source);
	}
}

void device_put_disk(struct batch *b, const struct device *dev,
		     const struct dom_disk *disk)
{
	char node[64];

	put_front(b, dev);
	batch_put(b, "virtual-device", "%u", dev->id);
	batch_put(b, "device-type", "%s", disk->cdrom ? "cdrom" : "disk");
	put_device_back(b, dev);
	put_disk_params(b, dev, disk);
	batch_put(b, "mode", "%s", disk->readonly ? "r" : "w");
	batch_put(b, "dev", "%s", disk->target);
	batch_put(b, "device-type", "%s", disk->cdrom ? "cdrom" : "disk");
	batch_put(b, "discard-enable", "%d", disk->discard);
	if (disk->logical_block)
		batch_put(b, "logical-sector-size", "%u", disk->logical_block);
	if (disk->physical_block)
		batch_put(b, "physical-sector-size", "%u",
			  disk->physical_block);
	for (int i = 0; i < TUNE_COUNT; i++)
		if (disk->tune[i]) {
			snprintf(node, sizeof(node), "iotune/%s",
				 config_tune_names[i]);
			batch_put(b, node, "%" PRIu64, disk->tune[i]);
		}
}

static void put_rate(struct batch *b, const char *way, const struct dom_rate *r)
{
	const struct {
		const char *name;
		unsigned int value;
	} key[] = {
		{"average", r->average},
		{"peak", r->peak},
		{"burst", r->burst},
	};
	char node[64];

	for (unsigned int i = 0; i < 3 && r->average; i++) {
		snprintf(node, sizeof(node), "bandwidth/%s/%s", way,
			 key[i].name);
		if (key[i].value)
			batch_put(b, node, "%u", key[i].value);
	}
}

static void put_bridge(struct batch *b, const struct device *dev,
		       const struct dom_nic *nic)
{
	bool ovs;
	const char *bridge = device_bridge(dev->d, nic, &ovs);

	batch_put(b, "type", ovs ? "openvswitch" : "bridge");
	batch_put(b, "bridge", "%s", bridge ? bridge : "");
}

void device_put_nic(struct batch *b, const struct device *dev,
		    const struct dom_nic *nic)
{
	char mac[CONFIG_MAC_TEXT];

	config_mac_text(nic->mac, mac);
	put_front(b, dev);
	batch_put(b, "handle", "%u", dev->id);
	batch_put(b, "mac", "%s", mac);
	if (nic->mtu)
		batch_put(b, "mtu", "%u", nic->mtu);
	put_device_back(b, dev);
	batch_put(b, "handle", "%u", dev->id);
	batch_put(b, "mac", "%s", mac);
	if (nic->mtu)
		batch_put(b, "mtu", "%u", nic->mtu);
	batch_put(b, "queues", "%u", dev->d->live->vcpus);
	put_bridge(b, dev, nic);
	if (nic->ifname[0])
		batch_put(b, "vifname", "%s", nic->ifname);
	else
		batch_put(b, "vifname", "vif%d.%u", dev->d->domid, dev->id);
	if (nic->link_down)
		batch_put(b, "link", "down");
	put_rate(b, "inbound", &nic->inbound);
	put_rate(b, "outbound", &nic->outbound);
}

/* The own ring of the console (ABI.md 20.1): a device within it. */
static void put_own_console(struct batch *b, unsigned int domid)
{
	char end[2][STORE_PATH_MAX];

	snprintf(end[0], sizeof(end[0]), "/local/domain/%u/device/pvconsole/0",
		 domid);
	snprintf(end[1], sizeof(end[1]), BACKEND "/console/%u/0/own", domid);
	batch_mkdir(b, PERM_GUEST_READ, "/local/domain/%u/device/pvconsole",
		    domid);
	batch_mkdir(b, PERM_GUEST_OWN, "%s", end[0]);
	batch_mkdir(b, PERM_GUEST_READ, "%s", end[1]);
	for (int i = 0; i < 2; i++) {
		batch_base(b, "%s", end[i]);
		batch_put(b, i ? "frontend" : "backend", "%s", end[!i]);
		batch_put(b, i ? "frontend-id" : "backend-id", "%u",
			  i ? domid : 0);
		batch_put(b, "state", "%d", XenbusStateInitialising);
	}
	batch_put(b, "online", "1");
}

void device_put_console(struct batch *b, struct domain *d,
			const struct hv_guest *guest)
{
	const struct device *dev = device_find(d, DEV_CONSOLE, 0);
	char frontend[STORE_PATH_MAX];

	snprintf(frontend, sizeof(frontend), "/local/domain/%d/console",
		 d->domid);
	batch_mkdir(b, PERM_GUEST_READ, "%s", frontend);
	batch_base(b, "%s", frontend);
	batch_put(b, "backend", BACKEND "/console/%d/0", d->domid);
	batch_put(b, "backend-id", "0");
	batch_put(b, "type", "parapet-consoled");
	batch_put(b, "ring-ref", "%" PRIu64, guest->console_mfn);
	batch_put(b, "port", "%u", guest->console_port);
	put_back(b, dev, frontend);
	batch_put(b, "protocol", "vt100");
	if (d->live->console_log) {
		batch_put(b, "log", "%s", d->live->console_log);
		batch_put(b, "log-append", "%d", d->live->console_log_append);
	}
	put_own_console(b, (unsigned int)d->domid);
}

void devices_put(struct batch *b, struct domain *d)
{
	const struct dom_config *c = d->live;
	const struct device *dev;

	TAILQ_FOREACH(dev, &d->devices, link)
	{
		if (dev->type == DEV_DISK)
			device_put_disk(b, dev, device_disk(dev));
		else if (dev->type == DEV_NIC)
			device_put_nic(b, dev,
				       &c->nic[config_find_nic(c, dev->mac)]);
	}
}

void device_put_closing(struct batch *b, const struct device *dev)
{
	base_back(b, dev);
	batch_put(b, "online", "0");
	batch_put(b, "state", "%d", XenbusStateClosing);
}

void device_put_ended(struct batch *b, const struct device *dev)
{
	device_put_closing(b, dev);
	if (dev->type == DEV_CONSOLE)
		return;
	base_front(b, dev);
	batch_put(b, "state", "%d", XenbusStateClosed);
}

void device_put_gone(struct batch *b, const struct device *dev)
{
	batch_rm(b, BACKEND "/%s/%d/%u", device_type_name(dev->type),
		 dev->d->domid, dev->id);
	if (dev->type != DEV_CONSOLE)
		batch_rm(b, "/local/domain/%d/device/%s/%u", dev->d->domid,
			 device_type_name(dev->type), dev->id);
}

/* ---- reading ------------------------------------------------------------------- */

/* Of the backend; NULL: there is none. */
static char *read_key(const struct device *dev, const char *key)
{
	return store_read(dev->d->dm->store, BACKEND "/%s/%d/%u/%s",
			  device_type_name(dev->type), dev->d->domid, dev->id,
			  key);
}

static void device_failed(struct device *dev)
{
	char *text = read_key(dev, "hotplug-error");

	snprintf(dev->error, sizeof(dev->error), "%s",
		 text && *text ? text : "its backend refused it");
	free(text);
	dev->state = DEV_FAILED;
}

/* 0: its nodes were removed; -1: the store does not say. */
static long read_state(const struct device *dev)
{
	char *text = read_key(dev, "state");
	long state = text ? atol(text) : errno == ENOENT ? 0 : -1;

	free(text);
	return state;
}

static void look_at_plug(struct device *dev)
{
	char *plug = read_key(dev, "hotplug-status");

	if (plug && !strcmp(plug, "error"))
		device_failed(dev);
	else if (plug && !strcmp(plug, "connected"))
		dev->state = DEV_READY;
	free(plug);
}

/* What the backend says now; the state it had before is the device's.  What
 * cannot tell anything new is not read: each trip takes a while. */
static void device_look(struct device *dev)
{
	long state;

	if (dev->state == DEV_CLOSING) {
		state = read_state(dev);
		if (!state || state == XenbusStateClosed)
			dev->state = DEV_CLOSED;
		return;
	}
	if (dev->has_plug)
		look_at_plug(dev);
	if (!dev->has_state || dev->state == DEV_READY ||
	    dev->state == DEV_FAILED)
		return;
	state = read_state(dev);
	if (state >= XenbusStateInitWait && state <= XenbusStateConnected)
		dev->state = DEV_READY;
}

static void device_tell(struct device *dev, enum dev_state before)
{
	struct domain *d = dev->d;

	if (dev->state == DEV_FAILED && before == DEV_READY)
		event_send(d->dm, "device-failed", d, "device", dev->label,
			   "error", dev->error, NULL);
	if (d->job && d->job->poke)
		d->job->poke(d->job);
	else if (dev->state == DEV_CLOSED)
		life_settle(d);
}

void device_fail(struct device *dev, const char *text)
{
	enum dev_state before = dev->state;

	snprintf(dev->error, sizeof(dev->error), "%s", text);
	dev->state = DEV_FAILED;
	device_tell(dev, before);
}

/* One of that type, or NULL. */
static struct device *find(struct domain *d, const char *type, uint32_t id)
{
	for (enum dev_type t = DEV_DISK; t <= DEV_CONSOLE; t++)
		if (!strcmp(type, device_type_name(t)))
			return device_find(d, t, id);
	return NULL;
}

void device_changed(struct daemon *dm, const char *path)
{
	char type[16], key[32] = "";
	unsigned int domid, id;
	struct device *dev;
	struct domain *d;

	if (sscanf(path, BACKEND "/%15[^/]/%u/%u/%31s", type, &domid, &id,
		   key) < 3)
		return;
	/* Only these say something, and removal, which has no key. */
	if (*key && strcmp(key, "state") && strcmp(key, "hotplug-status"))
		return;
	d = domain_by_domid(dm, (int)domid);
	dev = d ? find(d, type, id) : NULL;
	if (!dev)
		return;
	dev->has_state |= !*key || !strcmp(key, "state");
	dev->has_plug |= strcmp(key, "state") != 0;
}

static struct device *changed_device(struct daemon *dm)
{
	struct device *dev;
	struct domain *d;

	TAILQ_FOREACH(d, &dm->domains, link)
	TAILQ_FOREACH(dev, &d->devices, link)
	if (dev->has_state || dev->has_plug)
		return dev;
	return NULL;
}

void devices_look(struct daemon *dm)
{
	enum dev_state before;
	struct device *dev;

	/* Who is told may end devices, and whole domains. */
	while ((dev = changed_device(dm))) {
		before = dev->state;
		device_look(dev);
		dev->has_state = dev->has_plug = false;
		if (dev->state != before)
			device_tell(dev, before);
	}
}

void device_refresh(struct device *dev)
{
	char *online = dev->leaving ? read_key(dev, "online") : NULL;

	/* The record is written first: was the backend asked? */
	if (dev->leaving && online && strcmp(online, "0"))
		dev->leaving = dev->undefine = false;
	else if (dev->leaving)
		dev->state = DEV_CLOSING;
	free(online);
	dev->has_state = dev->has_plug = true;
	device_look(dev);
	dev->has_state = dev->has_plug = false;
}
