/* SPDX-License-Identifier: MIT */
/* Definitions and records of domains that run, as files. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "tools/daemon/device.h"
#include "tools/daemon/nbd.h"
#include "tools/daemon/record.h"
#include "tools/daemon/xml/xml.h"

#define PATH_ROOM 512

static int make_dir(const char *path, mode_t mode, struct fail *why)
{
	char part[PATH_ROOM];

	snprintf(part, sizeof(part), "%s", path);
	for (char *p = part + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(part, 0755);
	}
	if (!mkdir(path, mode) || errno == EEXIST)
		return 0;
	return fail_set(why, FAIL_FAILED, "%s: %s", path, strerror(errno));
}

int record_open(const struct settings *set, struct fail *why)
{
	const struct {
		const char *base, *tail;
		mode_t mode;
	} dirs[] = {
		{set->state, "", 0755},
		{set->state, "/domains", 0700},
		{set->state, "/autostart", 0700},
		{set->run, "", 0755},
		{set->run, "/domains", 0700},
		{set->run, "/services", 0700},
	};
	char path[PATH_ROOM];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", dirs[i].base,
			 dirs[i].tail);
		if (make_dir(path, dirs[i].mode, why))
			return -1;
	}
	return 0;
}

/* ---- files --------------------------------------------------------------------- */

static int write_all(int fd, const char *text, size_t n)
{
	ssize_t done;

	for (; n; text += done, n -= (size_t)done) {
		done = write(fd, text, n);
		if (done < 0 && errno == EINTR)
			done = 0;
		if (done < 0)
			return -1;
	}
	return 0;
}

int record_write_file(const char *path, const char *text, bool sync,
		      struct fail *why)
{
	char part[PATH_ROOM + 8];
	int fd, err = 0;

	snprintf(part, sizeof(part), "%s.new", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write_all(fd, text, strlen(text)) || (sync && fsync(fd)))
		err = errno;
	if (fd >= 0 && close(fd) && !err)
		err = errno;
	if (!err && rename(part, path))
		err = errno;
	if (!err)
		return 0;
	unlink(part);
	return fail_set(why, fail_of_errno(err), "%s: %s", path, strerror(err));
}

char *record_read_file(const char *path, size_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text = NULL;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && st.st_size < 1 << 24)
		text = malloc((size_t)st.st_size + 1);
	if (text)
		n = read(fd, text, (size_t)st.st_size);
	close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	*bytes = (size_t)n;
	return text;
}

/* ---- definitions --------------------------------------------------------------- */

static void state_path(const struct domain *d, const char *dir,
		       const char *tail, char path[PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "%s/%s/%s%s", d->dm->set->state, dir, d->name,
		 tail);
}

int record_define(const struct domain *d, struct fail *why)
{
	char path[PATH_ROOM], *xml = xml_format_domain(d->config, -1);
	int rc;

	if (!xml)
		return fail_set(why, FAIL_LIMIT, "no memory");
	state_path(d, "domains", ".xml", path);
	rc = record_write_file(path, xml, true, why);
	free(xml);
	return rc;
}

static int remove_file(const char *path, struct fail *why)
{
	if (!unlink(path) || errno == ENOENT)
		return 0;
	return fail_set(why, FAIL_FAILED, "%s: %s", path, strerror(errno));
}

int record_undefine(const struct domain *d, struct fail *why)
{
	char path[PATH_ROOM];

	state_path(d, "autostart", "", path);
	if (remove_file(path, why))
		return -1;
	state_path(d, "domains", ".xml", path);
	return remove_file(path, why);
}

int record_autostart(const struct domain *d, bool on, struct fail *why)
{
	char path[PATH_ROOM];

	state_path(d, "autostart", "", path);
	if (on)
		return record_write_file(path, "", true, why);
	return remove_file(path, why);
}

/* ---- what runs ----------------------------------------------------------------- */

static void run_path(const struct domain *d, char path[PATH_ROOM])
{
	char uuid[CONFIG_UUID_TEXT];

	config_uuid_text(d->uuid, uuid);
	snprintf(path, PATH_ROOM, "%s/domains/%s.json", d->dm->set->run, uuid);
}

static struct json_object *device_json(const struct device *dev)
{
	struct json_object *o = json_object_new_object();
	char mac[CONFIG_MAC_TEXT];
	uint64_t start;
	int pid;

	json_object_object_add(o, "type", json_object_new_int((int)dev->type));
	json_object_object_add(o, "id", json_object_new_int64(dev->id));
	if (dev->type == DEV_NIC) {
		config_mac_text(dev->mac, mac);
		json_object_object_add(o, "mac", json_object_new_string(mac));
	}
	if (dev->coming)
		json_object_object_add(o, "coming",
				       json_object_new_boolean(true));
	if (dev->leaving)
		json_object_object_add(o, "leaving",
				       json_object_new_boolean(true));
	if (dev->undefine)
		json_object_object_add(o, "undefine",
				       json_object_new_boolean(true));
	if (dev->nbd) {
		nbd_process(dev->nbd, &pid, &start);
		json_object_object_add(o, "pid", json_object_new_int(pid));
		json_object_object_add(o, "start",
				       json_object_new_uint64(start));
	}
	return o;
}

int record_save(const struct domain *d, enum record_phase phase,
		struct fail *why)
{
	struct json_object *o = json_object_new_object();
	struct json_object *devices = json_object_new_array();
	char path[PATH_ROOM], *xml = xml_format_domain(d->live, -1);
	const struct device *dev;
	int rc;

	TAILQ_FOREACH(dev, &d->devices, link)
	json_object_array_add(devices, device_json(dev));
	json_object_object_add(o, "phase", json_object_new_int((int)phase));
	json_object_object_add(o, "domid", json_object_new_int(d->domid));
	json_object_object_add(o, "paused", json_object_new_boolean(d->paused));
	json_object_object_add(o, "started",
			       json_object_new_double(d->started));
	json_object_object_add(o, "devices", devices);
	json_object_object_add(o, "xml",
			       json_object_new_string(xml ? xml : ""));
	free(xml);
	run_path(d, path);
	rc = record_write_file(path, json_object_to_json_string(o), false, why);
	json_object_put(o);
	return rc ? fail_prefix(why, "record") : 0;
}

int record_again(const struct domain *d, struct fail *why)
{
	switch (d->state) {
	case DOM_STARTING:
		return record_save(d, RECORD_BUILDING, why);
	case DOM_STOPPING:
		return record_save(d, RECORD_DYING, why);
	case DOM_OFF:
		return 0;
	default:
		return record_save(d, RECORD_LIVE, why);
	}
}

void record_remove(const struct domain *d)
{
	char path[PATH_ROOM];

	run_path(d, path);
	unlink(path);
}
