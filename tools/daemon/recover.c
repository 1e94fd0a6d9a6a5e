/* SPDX-License-Identifier: MIT */
/*
 * After a restart: what was defined, and what still runs.
 *
 * A record says what the daemon was about to do when it ended.  A domain that
 * was half built, or half destroyed, is destroyed; one that ran is found again
 * if the hypervisor has it under the same number and UUID.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "tools/daemon/device.h"
#include "tools/daemon/life.h"
#include "tools/daemon/nbd.h"
#include "tools/daemon/record.h"
#include "tools/daemon/xml/xml.h"

#define PATH_ROOM 512

typedef void recover_fn(struct daemon *dm, const char *path, const char *name);

/* If its name ends so: with the name, without the ending. */
static void recover_file(struct daemon *dm, const char *dir, const char *file,
			 const char *ending, recover_fn *fn)
{
	size_t n = strlen(file), tail = strlen(ending);
	char path[PATH_ROOM + 260], name[260];

	if (*file == '.' || n <= tail || strcmp(file + n - tail, ending))
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	snprintf(name, sizeof(name), "%.*s", (int)(n - tail), file);
	fn(dm, path, name);
}

/* Each file of a directory, as it was before the first: files are written anew,
 * and would be found again. */
static void for_each_file(struct daemon *dm, const char *dir,
			  const char *ending, recover_fn *fn)
{
	struct dirent **list;
	int nr = scandir(dir, &list, NULL, alphasort);

	for (int i = 0; i < nr; i++) {
		recover_file(dm, dir, list[i]->d_name, ending, fn);
		free(list[i]);
	}
	if (nr >= 0)
		free(list);
}

static struct dom_config *parse(const char *xml, size_t bytes, const char *file)
{
	struct xml_report report = {0};
	struct dom_config *c;
	struct fail why;

	c = xml_parse_domain(xml, bytes, file, XML_IGNORE_UNSUPPORTED, &report,
			     &why);
	if (!c)
		daemon_log("recover: %s", why.text);
	xml_report_free(&report);
	return c;
}

/* ---- definitions --------------------------------------------------------------- */

static void recover_definition(struct daemon *dm, const char *path,
			       const char *name)
{
	size_t bytes;
	char *xml = record_read_file(path, &bytes);
	struct dom_config *c = xml ? parse(xml, bytes, path) : NULL;
	struct domain *d = NULL;
	char start[PATH_ROOM];
	struct fail why;

	free(xml);
	if (c && strcmp(c->name, name))
		daemon_log("recover: %s: its name is %s", path, c->name);
	else if (c)
		d = domain_for(dm, c, &why);
	if (!d) {
		config_put(c);
		return;
	}
	d->config = c;
	snprintf(start, sizeof(start), "%s/autostart/%s", dm->set->state, name);
	d->autostart = !access(start, F_OK);
}

/* ---- what ran ------------------------------------------------------------------ */

static long number(struct json_object *o, const char *name, long fallback)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v)
		       ? (long)json_object_get_int64(v)
		       : fallback;
}

static const struct dom_disk *disk_by_id(const struct dom_config *c,
					 uint32_t id)
{
	for (unsigned int i = 0; i < c->nr_disks; i++)
		if (c->disk[i].devid == id)
			return &c->disk[i];
	return NULL;
}

static void recover_device(struct domain *d, struct json_object *o)
{
	uint32_t id = (uint32_t)number(o, "id", 0);
	const struct dom_disk *disk = disk_by_id(d->live, id);
	struct device *dev =
		device_find(d, (enum dev_type)number(o, "type", 0), id);

	if (!dev)
		return;
	dev->coming = number(o, "coming", 0);
	dev->leaving = number(o, "leaving", 0);
	dev->undefine = number(o, "undefine", 0);
	if (dev->type == DEV_DISK && disk && nbd_is_needed(disk))
		dev->nbd = nbd_adopt(dev, disk, (int)number(o, "pid", 0),
				     (uint64_t)number(o, "start", 0));
}

/* Interfaces had numbers, which are not those of a fresh list. */
static void renumber_nics(struct domain *d, struct json_object *list)
{
	size_t n = json_object_array_length(list);
	struct json_object *o, *mac;
	struct device *dev;

	for (size_t i = 0; i < n; i++) {
		o = json_object_array_get_idx(list, i);
		if (number(o, "type", -1) != DEV_NIC ||
		    !json_object_object_get_ex(o, "mac", &mac))
			continue;
		dev = device_by_name(d, json_object_get_string(mac));
		if (!dev)
			continue;
		dev->id = (uint32_t)number(o, "id", 0);
		snprintf(dev->label, sizeof(dev->label), "interface %u",
			 dev->id);
	}
}

static void recover_devices(struct domain *d, struct json_object *record)
{
	struct json_object *list;
	struct device *dev;
	struct fail why;

	if (devices_make(d, &why) ||
	    !json_object_object_get_ex(record, "devices", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	renumber_nics(d, list);
	for (size_t i = 0; i < json_object_array_length(list); i++)
		recover_device(d, json_object_array_get_idx(list, i));
	TAILQ_FOREACH(dev, &d->devices, link)
	{
		device_refresh(dev);
		/* Who attached it was not answered: all of it, or nothing. */
		if (dev->coming && dev->state != DEV_READY) {
			dev->leaving = true;
			dev->state = DEV_CLOSED;
		}
		dev->coming = false;
	}
}

/* Does the hypervisor still have it? */
static bool still_there(struct domain *d, struct pv_domain_info *info)
{
	struct hv *hv = d->dm->hv;

	return !hv->ops->get(hv, (domid_t)d->domid, info) &&
	       !memcmp(info->uuid, d->uuid, sizeof(d->uuid));
}

static void take_up(struct domain *d, struct json_object *record)
{
	struct pv_domain_info info;
	struct json_object *v;
	struct fail why;

	d->state = DOM_RUNNING;
	if (json_object_object_get_ex(record, "started", &v))
		d->started = json_object_get_double(v);
	recover_devices(d, record);
	if (!still_there(d, &info)) {
		daemon_log("recover: d%d: %s is gone", d->domid, d->name);
		life_destroy_leftover(d);
	} else if (number(record, "phase", RECORD_DYING) != RECORD_LIVE) {
		daemon_log("recover: d%d: %s was not finished", d->domid,
			   d->name);
		life_destroy_leftover(d);
	} else {
		d->paused = info.flags & PV_DOMAIN_PAUSED;
		daemon_log("recover: d%d: %s found again", d->domid, d->name);
		if (record_save(d, RECORD_LIVE, &why))
			daemon_log("recover: d%d: %s", d->domid, why.text);
		life_settle(d);
	}
}

static void recover_record(struct daemon *dm, const char *path,
			   const char *name)
{
	struct json_object *record = json_object_from_file(path), *xml;
	struct dom_config *c = NULL;
	struct domain *d = NULL;
	struct fail why = {0};

	(void)name;
	if (record && json_object_object_get_ex(record, "xml", &xml))
		c = parse(json_object_get_string(xml),
			  (size_t)json_object_get_string_len(xml), path);
	if (c)
		d = domain_for(dm, c, &why);
	if (d && d->state == DOM_OFF && number(record, "domid", 0) > 0) {
		d->live = c;
		d->domid = (int)number(record, "domid", 0);
		if (d->domid > dm->last_domid)
			dm->last_domid = (domid_t)d->domid;
		take_up(d, record);
	} else {
		daemon_log("recover: %s: not usable: %s", path, why.text);
		config_put(c);
		unlink(path);
		if (d)
			domain_settle(d);
	}
	json_object_put(record);
}

void record_recover(struct daemon *dm)
{
	char dir[PATH_ROOM];

	snprintf(dir, sizeof(dir), "%s/domains", dm->set->state);
	for_each_file(dm, dir, ".xml", recover_definition);
	snprintf(dir, sizeof(dir), "%s/domains", dm->set->run);
	for_each_file(dm, dir, ".json", recover_record);
	daemon_check_domains(dm);
}

void record_start_all(struct daemon *dm)
{
	char path[PATH_ROOM];
	struct domain *d, *next;
	struct fail why;
	int fd;

	snprintf(path, sizeof(path), "%s/autostarted", dm->set->run);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	close(fd);
	for (d = TAILQ_FIRST(&dm->domains); d; d = next) {
		next = TAILQ_NEXT(d, link);
		if (d->autostart && d->config && d->state == DOM_OFF &&
		    life_start(d, false, NULL, &why))
			daemon_log("autostart %s: %s", d->name, why.text);
	}
}
