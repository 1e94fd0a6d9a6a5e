/* SPDX-License-Identifier: MIT */
/* PURE  <disk>: file, block and network disks of a PV domain. */
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/xml/node.h"

#define RATE_MOST (1ull << 50)

struct disk_in {
	struct dom_disk *d;
	bool has_source, has_target;
	bool drop; /* what is not supported here, it cannot be without */
};

/* ---- driver -------------------------------------------------------------------- */

/* Formats that Xen's older drivers name otherwise. */
static int format_of(const char *type)
{
	if (!strcmp(type, "aio"))
		return FORMAT_RAW;
	if (!strcmp(type, "vhd"))
		return FORMAT_VPC;
	return xml_choice(type, config_format_names, FORMAT_COUNT);
}

static void check_choice(struct xml_in *in, xmlNode *n, const char *attr,
			 const char *const *names, unsigned int nr)
{
	char *value = xml_attr(n, attr);

	if (value && xml_choice(value, names, nr) < 0)
		xml_unsupported(in, n, "attribute %s='%.40s': not supported",
				attr, value);
	free(value);
}

static void take_driver(struct xml_in *in, xmlNode *n, void *into)
{
	static const char *const names[] = {"qemu", "tap",  "tap2",
					    "phy",  "file", "blkback"};
	static const char *const caches[] = {"default", "none", "directsync"};
	static const char *const ios[] = {"native", "io_uring", "threads"};
	static const char *const discards[] = {"unmap", "ignore"};
	struct disk_in *di = into;
	struct dom_disk *d = di->d;
	char *type = xml_attr(n, "type");
	int format = type ? format_of(type) : FORMAT_RAW;

	check_choice(in, n, "name", names, 6);
	check_choice(in, n, "cache", caches, 3);
	check_choice(in, n, "io", ios, 3);
	check_choice(in, n, "discard", discards, 2);
	if (format < 0)
		xml_unsupported(in, n, "attribute type='%.40s': not supported",
				type);
	else
		d->format = (enum disk_format)format;
	di->drop |= format < 0;
	d->discard = xml_attr_is(n, "discard", "unmap");
	free(type);
	xml_take_children(in, n, NULL, 0, NULL);
}

/* ---- source -------------------------------------------------------------------- */

static void take_host(struct xml_in *in, xmlNode *n, void *into)
{
	struct disk_in *di = into;
	struct dom_disk *d = di->d;

	d->host = xml_attr(n, "name");
	d->port = (uint16_t)xml_attr_number(in, n, "port", 0, 1, 65535);
	if (!d->host || !*d->host)
		xml_wrong(in, n, "attribute name is missing");
	if (!xml_attr_is(n, "transport", "tcp") &&
	    xmlHasProp(n, BAD_CAST "transport")) {
		di->drop = true;
		xml_unsupported(in, n,
				"attribute transport: only 'tcp' is "
				"supported");
	}
}

static void take_network_source(struct xml_in *in, xmlNode *n,
				struct disk_in *into)
{
	static const char *const protocols[] = {"nbd", "http", "https", "iscsi",
						"ssh"};
	static const struct xml_rule rules[] = {
		{"host", "name port transport", take_host, false},
	};
	struct dom_disk *d = into->d;

	d->protocol = xml_attr(n, "protocol");
	d->source = xml_attr(n, "name");
	if (!d->protocol)
		xml_wrong(in, n, "attribute protocol is missing");
	else if (xml_choice(d->protocol, protocols, 5) < 0) {
		into->drop = true;
		xml_unsupported(in, n,
				"attribute protocol='%.40s': not "
				"supported",
				d->protocol);
	}
	if (!d->source)
		d->source = strdup("");
	xml_take_children(in, n, XML_RULES(rules), into);
	if (!d->host)
		xml_wrong(in, n, "a <host> is missing");
}

static void take_source(struct xml_in *in, xmlNode *n, void *into)
{
	struct disk_in *di = into;
	struct dom_disk *d = di->d;
	const char *attr = d->type == DISK_FILE ? "file" : "dev";

	di->has_source = true;
	if (d->type == DISK_NETWORK) {
		xml_check_attributes(in, n, "protocol name");
		take_network_source(in, n, di);
		return;
	}
	xml_check_attributes(in, n,
			     d->type == DISK_FILE ? "file index" : "dev index");
	d->source = xml_attr(n, attr);
	if (!d->source)
		xml_wrong(in, n, "attribute %s is missing", attr);
	else if (*d->source != '/')
		xml_wrong(in, n, "%s: not an absolute path", d->source);
	xml_take_children(in, n, NULL, 0, NULL);
}

/* ---- the rest ------------------------------------------------------------------ */

static void take_target(struct xml_in *in, xmlNode *n, void *into)
{
	struct disk_in *di = into;
	char *dev = xml_attr(n, "dev");

	di->has_target = true;
	if (!dev)
		xml_wrong(in, n, "attribute dev is missing");
	else if (strlen(dev) >= CONFIG_TARGET_MAX || !config_target_devid(dev))
		xml_wrong(in, n,
			  "dev='%.40s': a PV disk is called xvda, "
			  "xvdb, ...",
			  dev);
	else
		strcpy(di->d->target, dev);
	if (!xml_attr_is(n, "bus", "xen") && xmlHasProp(n, BAD_CAST "bus"))
		xml_unsupported(in, n,
				"attribute bus: only 'xen' is "
				"supported");
	free(dev);
}

static void take_readonly(struct xml_in *in, xmlNode *n, void *into)
{
	(void)in;
	(void)n;
	((struct disk_in *)into)->d->readonly = true;
}

static void take_shareable(struct xml_in *in, xmlNode *n, void *into)
{
	(void)in;
	(void)n;
	((struct disk_in *)into)->d->shareable = true;
}

static void take_tune(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_disk *d = ((struct disk_in *)into)->d;
	int i = xml_choice((const char *)n->name, config_tune_names,
			   TUNE_COUNT);

	d->tune[i] = xml_text_number(in, n, 0, RATE_MOST);
}

static void take_iotune(struct xml_in *in, xmlNode *n, void *into)
{
	static const struct xml_rule rules[] = {
		{"total_bytes_sec", "", take_tune, false},
		{"read_bytes_sec", "", take_tune, false},
		{"write_bytes_sec", "", take_tune, false},
		{"total_iops_sec", "", take_tune, false},
		{"read_iops_sec", "", take_tune, false},
		{"write_iops_sec", "", take_tune, false},
	};
	const uint64_t *t = ((struct disk_in *)into)->d->tune;

	xml_take_children(in, n, XML_RULES(rules), into);
	if ((t[TUNE_TOTAL_BYTES] &&
	     (t[TUNE_READ_BYTES] || t[TUNE_WRITE_BYTES])) ||
	    (t[TUNE_TOTAL_IOPS] && (t[TUNE_READ_IOPS] || t[TUNE_WRITE_IOPS])))
		xml_wrong(in, n,
			  "a total and a single limit cannot be "
			  "together");
}

static uint32_t block_size(struct xml_in *in, xmlNode *n, const char *attr)
{
	uint32_t size = (uint32_t)xml_attr_number(in, n, attr, 0, 512, 65536);

	if (size & (size - 1))
		xml_wrong(in, n, "%s: not a power of two", attr);
	return size;
}

static void take_blockio(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_disk *d = ((struct disk_in *)into)->d;

	d->logical_block = block_size(in, n, "logical_block_size");
	d->physical_block = block_size(in, n, "physical_block_size");
}

static bool take_type(struct xml_in *in, xmlNode *n, struct dom_disk *d)
{
	static const char *const types[] = {"file", "block", "network"};
	static const char *const devices[] = {"disk", "cdrom"};
	char *type = xml_attr(n, "type"), *device = xml_attr(n, "device");
	int t = type ? xml_choice(type, types, 3) : DISK_FILE;
	int v = device ? xml_choice(device, devices, 2) : 0;

	if (t < 0)
		xml_unsupported(in, n, "attribute type='%.40s': not supported",
				type);
	if (v < 0)
		xml_unsupported(in, n,
				"attribute device='%.40s': not "
				"supported",
				device);
	d->type = t < 0 ? DISK_FILE : (enum disk_type)t;
	d->cdrom = d->readonly = v == 1;
	free(type);
	free(device);
	return t >= 0 && v >= 0;
}

void xml_take_disk(struct xml_in *in, xmlNode *n, void *into)
{
	static const struct xml_rule rules[] = {
		{"driver", "name type cache io discard", take_driver, false},
		{"source", "*", take_source, false},
		{"target", "dev bus", take_target, false},
		{"readonly", "", take_readonly, false},
		{"shareable", "", take_shareable, false},
		{"iotune", "", take_iotune, false},
		{"blockio", "logical_block_size physical_block_size",
		 take_blockio, false},
		{"backingStore", "", NULL, false},
		{"alias", "*", NULL, false},
		{"address", "*", NULL, false},
	};
	struct disk_in di = {.d = config_add_disk(into)};

	if (!di.d) {
		xml_wrong(in, n, "more than %u disks", CONFIG_DISKS_MAX);
		return;
	}
	if (!take_type(in, n, di.d)) {
		config_remove_disk(into,
				   ((struct dom_config *)into)->nr_disks - 1);
		return;
	}
	xml_take_children(in, n, XML_RULES(rules), &di);
	if (!di.has_source)
		xml_wrong(in, n, "a <source> is missing");
	if (!di.has_target)
		xml_wrong(in, n, "a <target> is missing");
	if (di.drop) {
		config_remove_disk(into,
				   ((struct dom_config *)into)->nr_disks - 1);
		return;
	}
	di.d->devid = config_target_devid(di.d->target);
}
