/* SPDX-License-Identifier: MIT */
/* Questions about domains. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/device.h"
#include "tools/daemon/methods.h"
#include "tools/daemon/xml/xml.h"

#define KIB_PER_FRAME 4

void domain_info(const struct domain *d, struct pv_domain_info *info)
{
	struct hv *hv = d->dm->hv;

	memset(info, 0, sizeof(*info));
	if (d->domid >= 0 && hv->ops->get(hv, (domid_t)d->domid, info))
		memset(info, 0, sizeof(*info));
}

struct json_object *domain_row(const struct domain *d)
{
	const struct dom_config *c = d->live ? d->live : d->config;
	struct json_object *o = json_object_new_object();
	char uuid[CONFIG_UUID_TEXT];
	struct pv_domain_info info;

	domain_info(d, &info);
	config_uuid_text(d->uuid, uuid);
	put_string(o, "name", d->name);
	put_string(o, "uuid", uuid);
	if (d->domid >= 0)
		put_number(o, "domid", d->domid);
	put_string(o, "state", domain_state_name(d));
	put_number(o, "memory_kib",
		   d->domid >= 0 ? (int64_t)info.nr_pages * KIB_PER_FRAME
				 : (int64_t)c->current_kib);
	put_number(o, "max_memory_kib", (int64_t)c->memory_kib);
	put_number(o, "vcpus",
		   d->domid >= 0 ? info.online_vcpus : c->current_vcpus);
	put_number(o, "max_vcpus", c->vcpus);
	put_number(o, "cpu_ns", (int64_t)info.cpu_time);
	put_bool(o, "persistent", d->config != NULL);
	put_bool(o, "autostart", d->autostart);
	return o;
}

static struct json_object *control_row(struct daemon *dm)
{
	struct json_object *o = json_object_new_object();
	struct pv_domain_info info = {0};

	dm->hv->ops->get(dm->hv, 0, &info);
	put_string(o, "name", "Domain-0");
	put_number(o, "domid", 0);
	put_string(o, "state", "running");
	put_number(o, "memory_kib", (int64_t)info.nr_pages * KIB_PER_FRAME);
	put_number(o, "max_memory_kib",
		   (int64_t)info.max_pages * KIB_PER_FRAME);
	put_number(o, "vcpus", info.online_vcpus);
	put_number(o, "max_vcpus", info.max_vcpus);
	put_number(o, "cpu_ns", (int64_t)info.cpu_time);
	return o;
}

void method_list(struct request *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	bool all = param_bool(r, "all");
	const struct domain *d;

	json_object_array_add(list, control_row(r->dm));
	TAILQ_FOREACH(d, &r->dm->domains, link)
	if (all || d->state != DOM_OFF)
		json_object_array_add(list, domain_row(d));
	json_object_object_add(o, "domains", list);
	request_answer(r, o);
}

void method_info(struct request *r)
{
	struct domain *d = method_domain(r);
	struct json_object *o;
	struct pv_control_sched s = {0};
	struct hv *hv;

	if (!d)
		return;
	hv = r->dm->hv;
	o = domain_row(d);
	if (d->domid >= 0 && !hv->ops->get_sched(hv, (domid_t)d->domid, &s)) {
		put_number(o, "weight", s.weight);
		put_number(o, "cap", s.cap);
		json_object_object_add(o, "started",
				       json_object_new_double(d->started));
	}
	if (d->state == DOM_ENDED)
		put_string(o, "reason", hv_reason_name(d->end_reason));
	request_answer(r, o);
}

void method_dumpxml(struct request *r)
{
	bool inactive = param_bool(r, "inactive");
	struct domain *d = method_domain(r);
	const struct dom_config *c;
	struct json_object *o;
	struct fail why;
	bool live;
	char *xml;

	if (!d)
		return;
	live = d->live && !inactive;
	c = live ? d->live : d->config;
	xml = c ? xml_format_domain(c, live ? d->domid : -1) : NULL;
	if (!xml) {
		fail_set(&why, FAIL_STATE, "it has no definition");
		method_fail(r, d->name, &why);
		return;
	}
	o = json_object_new_object();
	put_string(o, "xml", xml);
	free(xml);
	request_answer(r, o);
}

/* ---- devices ------------------------------------------------------------------- */

static const char *dev_state_name(struct domain *d, enum dev_type type,
				  uint32_t id)
{
	static const char *const name[] = {"opening", "ready", "failed",
					   "closing", "closed"};
	const struct device *dev = device_find(d, type, id);

	return dev ? name[dev->state] : "off";
}

static struct json_object *disk_row(struct domain *d,
				    const struct dom_disk *disk)
{
	static const char *const types[] = {"file", "block", "network"};
	struct json_object *o = json_object_new_object();
	char source[1200];

	snprintf(source, sizeof(source), "%s", disk->source);
	if (disk->type == DISK_NETWORK)
		snprintf(source, sizeof(source), "%s://%s:%u/%s",
			 disk->protocol, disk->host, disk->port, disk->source);
	put_string(o, "target", disk->target);
	put_string(o, "type", types[disk->type]);
	put_string(o, "device", disk->cdrom ? "cdrom" : "disk");
	put_string(o, "format", config_format_names[disk->format]);
	put_string(o, "source", source);
	put_bool(o, "readonly", disk->readonly);
	put_string(o, "state", dev_state_name(d, DEV_DISK, disk->devid));
	return o;
}

void method_domblklist(struct request *r)
{
	struct domain *d = method_domain(r);
	const struct dom_config *c;
	struct json_object *o, *list;

	if (!d)
		return;
	c = d->live ? d->live : d->config;
	o = json_object_new_object();
	list = json_object_new_array();
	for (unsigned int i = 0; i < c->nr_disks; i++)
		json_object_array_add(list, disk_row(d, &c->disk[i]));
	json_object_object_add(o, "disks", list);
	request_answer(r, o);
}

static struct json_object *nic_row(struct domain *d, const struct dom_nic *nic)
{
	struct json_object *o = json_object_new_object();
	char mac[CONFIG_MAC_TEXT], ifname[32];
	const struct device *dev;

	config_mac_text(nic->mac, mac);
	dev = device_by_name(d, mac);
	snprintf(ifname, sizeof(ifname), "%s", nic->ifname);
	if (dev && !*ifname)
		snprintf(ifname, sizeof(ifname), "vif%d.%u", d->domid, dev->id);
	put_string(o, "interface", *ifname ? ifname : "-");
	put_string(o, "type", nic->network ? "network" : "bridge");
	put_string(o, "source", nic->network ? nic->network : nic->bridge);
	put_string(o, "model", "netfront");
	put_string(o, "mac", mac);
	put_string(o, "state",
		   dev ? dev_state_name(d, DEV_NIC, dev->id) : "off");
	return o;
}

void method_domiflist(struct request *r)
{
	struct domain *d = method_domain(r);
	const struct dom_config *c;
	struct json_object *o, *list;

	if (!d)
		return;
	c = d->live ? d->live : d->config;
	o = json_object_new_object();
	list = json_object_new_array();
	for (unsigned int i = 0; i < c->nr_nics; i++)
		json_object_array_add(list, nic_row(d, &c->nic[i]));
	json_object_object_add(o, "interfaces", list);
	request_answer(r, o);
}

void method_console(struct request *r)
{
	struct domain *d = method_domain(r);
	char *tty, *socket;
	struct json_object *o;
	struct fail why;

	if (!d)
		return;
	if (d->domid < 0) {
		fail_set(&why, FAIL_STATE, "the domain is %s",
			 domain_state_name(d));
		method_fail(r, d->name, &why);
		return;
	}
	tty = store_read(r->dm->store, "/local/domain/%d/console/tty",
			 d->domid);
	socket = store_read(r->dm->store, "/local/domain/%d/console/socket",
			    d->domid);
	o = json_object_new_object();
	put_string(o, "tty", tty);
	put_string(o, "socket", socket);
	free(tty);
	free(socket);
	request_answer(r, o);
}
