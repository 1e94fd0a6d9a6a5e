/* SPDX-License-Identifier: MIT */
/*
 * PURE  <domain>: what is not a disk or an interface, and the whole.
 *
 * One table for each element says what may be in it.  Checks that need two
 * elements come last.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include <libxml/parser.h>

#include "tools/daemon/xml/node.h"

/* ---- names --------------------------------------------------------------------- */

static void take_name(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_config *c = into;
	char *name = xml_text(in, n);

	if (name && config_name_ok(name))
		strcpy(c->name, name);
	else
		xml_wrong(in, n,
			  "'%.80s': a name has up to %d letters, digits, "
			  "and -_.+: inside",
			  name ? name : "", CONFIG_NAME_MAX);
	free(name);
}

static void take_uuid(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_config *c = into;
	char *uuid = xml_text(in, n);

	if (!uuid || !config_uuid_parse(uuid, c->uuid))
		xml_wrong(in, n, "'%.40s': not a UUID", uuid ? uuid : "");
	free(uuid);
}

static void take_title(struct xml_in *in, xmlNode *n, void *into)
{
	((struct dom_config *)into)->title = xml_text(in, n);
}

static void take_description(struct xml_in *in, xmlNode *n, void *into)
{
	((struct dom_config *)into)->description = xml_text(in, n);
}

/* ---- what it boots ------------------------------------------------------------- */

static char *take_path(struct xml_in *in, xmlNode *n)
{
	char *path = xml_text(in, n);

	if (!path || *path != '/')
		xml_wrong(in, n, "'%.80s': not an absolute path",
			  path ? path : "");
	return path;
}

static void take_os_type(struct xml_in *in, xmlNode *n, void *into)
{
	static const char *const types[] = {"linux", "xen"};
	static const char *const machines[] = {"xenpv"};
	char *type = xml_text(in, n), *machine = xml_attr(n, "machine");

	(void)into;
	if (!type || xml_choice(type, types, 2) < 0)
		xml_unsupported(in, n,
				"'%.40s': only 'linux' and 'xen' are "
				"supported",
				type ? type : "");
	if (machine && xml_choice(machine, machines, 1) < 0)
		xml_unsupported(in, n,
				"attribute machine='%.40s': only "
				"'xenpv' is supported",
				machine);
	if (xmlHasProp(n, BAD_CAST "arch") && !xml_attr_is(n, "arch", "x86_64"))
		xml_unsupported(in, n,
				"attribute arch: only 'x86_64' is "
				"supported");
	free(type);
	free(machine);
}

static void take_kernel(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_config *c = into;

	free(c->kernel);
	c->kernel = take_path(in, n);
	c->bootloader = false;
}

static void take_initrd(struct xml_in *in, xmlNode *n, void *into)
{
	((struct dom_config *)into)->initrd = take_path(in, n);
}

static void take_cmdline(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_config *c = into;

	free(c->cmdline);
	c->cmdline = xml_text(in, n);
	if (c->cmdline && strlen(c->cmdline) >= 1024)
		xml_wrong(in, n, "longer than 1023 bytes");
}

static void take_os(struct xml_in *in, xmlNode *n, void *into)
{
	static const struct xml_rule rules[] = {
		{"type", "arch machine", take_os_type, false},
		{"kernel", "", take_kernel, false},
		{"initrd", "", take_initrd, false},
		{"cmdline", "", take_cmdline, false},
	};

	xml_take_children(in, n, XML_RULES(rules), into);
}

/* A PV image of GRUB takes the place of a program that digs in the disk. */
static void take_bootloader(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_config *c = into;
	char *path = take_path(in, n);

	if (path && (strstr(path, "pygrub") || strstr(path, "pvgrub2xen"))) {
		xml_unsupported(in, n,
				"%.80s: only a PV image of GRUB is, as "
				"/usr/lib/grub-xen/grub-x86_64-xen.bin",
				path);
		free(path);
	} else if (c->kernel) {
		free(path);
	} else {
		c->kernel = path;
		c->bootloader = true;
	}
}

static void take_bootloader_args(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_config *c = into;

	if (!c->cmdline)
		take_cmdline(in, n, into);
}

static void take_clock(struct xml_in *in, xmlNode *n, void *into)
{
	static const struct xml_rule rules[] = {
		{"timer", "name mode", NULL, true},
	};

	if (!xml_attr_is(n, "offset", "utc"))
		xml_unsupported(in, n,
				"attribute offset: only 'utc' is "
				"supported");
	xml_take_children(in, n, XML_RULES(rules), into);
}

static void take_features(struct xml_in *in, xmlNode *n, void *into)
{
	static const struct xml_rule rules[] = {
		{"acpi", "", NULL, false},
		{"apic", "", NULL, false},
		{"pae", "", NULL, false},
	};

	xml_take_children(in, n, XML_RULES(rules), into);
}

/* ---- ends ---------------------------------------------------------------------- */

static void take_on(struct xml_in *in, xmlNode *n, enum on_end *on)
{
	char *text = xml_text(in, n);
	int i = text ? xml_choice(text, config_on_end_names, ON_END_COUNT) : -1;

	if (i < 0)
		xml_unsupported(in, n,
				"'%.40s': only destroy, restart and "
				"preserve are supported",
				text ? text : "");
	else
		*on = (enum on_end)i;
	free(text);
}

static void take_on_poweroff(struct xml_in *in, xmlNode *n, void *into)
{
	take_on(in, n, &((struct dom_config *)into)->on_poweroff);
}

static void take_on_reboot(struct xml_in *in, xmlNode *n, void *into)
{
	take_on(in, n, &((struct dom_config *)into)->on_reboot);
}

static void take_on_crash(struct xml_in *in, xmlNode *n, void *into)
{
	take_on(in, n, &((struct dom_config *)into)->on_crash);
}

/* ---- devices ------------------------------------------------------------------- */

static void take_console_target(struct xml_in *in, xmlNode *n, void *into)
{
	(void)into;
	if ((xmlHasProp(n, BAD_CAST "type") && !xml_attr_is(n, "type", "xen")))
		xml_unsupported(in, n,
				"attribute type: only 'xen' is "
				"supported");
	if (xml_attr_number(in, n, "port", 0, 0, 1000))
		xml_unsupported(in, n,
				"attribute port: only the first "
				"console is supported");
}

static void take_console_log(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_config *c = into;

	free(c->console_log);
	c->console_log = xml_attr(n, "file");
	c->console_log_append = xml_attr_is(n, "append", "on");
	if (!c->console_log || *c->console_log != '/')
		xml_wrong(in, n, "file: not an absolute path");
}

static void take_console(struct xml_in *in, xmlNode *n, void *into)
{
	static const struct xml_rule rules[] = {
		{"source", "path", NULL, false},
		{"target", "type port", take_console_target, false},
		{"log", "file append", take_console_log, false},
		{"alias", "*", NULL, false},
	};

	if (!xml_attr_is(n, "type", "pty")) {
		xml_unsupported(in, n,
				"attribute type: only 'pty' is "
				"supported");
		return;
	}
	((struct dom_config *)into)->console = true;
	xml_take_children(in, n, XML_RULES(rules), into);
}

static void take_controller(struct xml_in *in, xmlNode *n, void *into)
{
	(void)into;
	if (!xml_attr_is(n, "type", "xenbus"))
		xml_unsupported(in, n,
				"attribute type: only 'xenbus' is "
				"supported");
}

static void take_balloon(struct xml_in *in, xmlNode *n, void *into)
{
	(void)into;
	if (!xml_attr_is(n, "model", "xen") && !xml_attr_is(n, "model", "none"))
		xml_unsupported(in, n,
				"attribute model: only 'xen' is "
				"supported");
}

/* Without a frame buffer there is nothing that they could belong to. */
static void take_input(struct xml_in *in, xmlNode *n, void *into)
{
	(void)into;
	if (!xml_attr_is(n, "bus", "xen"))
		xml_unsupported(in, n,
				"attribute bus: only 'xen' is "
				"supported");
}

static void take_devices(struct xml_in *in, xmlNode *n, void *into)
{
	static const struct xml_rule rules[] = {
		{"emulator", "*", NULL, false},
		{"disk", "type device", xml_take_disk, true},
		{"interface", "type", xml_take_nic, true},
		{"console", "type tty", take_console, false},
		{"controller", "*", take_controller, true},
		{"memballoon", "*", take_balloon, false},
		{"input", "*", take_input, true},
	};

	xml_take_children(in, n, XML_RULES(rules), into);
}

/* ---- the whole ----------------------------------------------------------------- */

static void check_memory(struct xml_in *in, xmlNode *root, struct dom_config *c)
{
	if (!c->memory_kib)
		xml_wrong(in, root, "a <memory> is missing");
	if (!c->current_kib)
		c->current_kib = c->memory_kib;
	if (c->current_kib > c->memory_kib)
		xml_wrong(in, root, "<currentMemory> is more than <memory>");
	if (c->hard_limit_kib && c->hard_limit_kib < c->memory_kib)
		xml_wrong(in, root, "<hard_limit> is less than <memory>");
	if (c->min_guarantee_kib > c->current_kib)
		xml_wrong(in, root,
			  "<min_guarantee> is more than "
			  "<currentMemory>");
}

static void check_devices(struct xml_in *in, xmlNode *root,
			  const struct dom_config *c)
{
	char mac[CONFIG_MAC_TEXT];

	for (unsigned int i = 0; i < c->nr_disks; i++)
		if (config_find_disk(c, c->disk[i].target) != (int)i)
			xml_wrong(in, root, "two disks are called %s",
				  c->disk[i].target);
	for (unsigned int i = 0; i < c->nr_nics; i++) {
		config_mac_text(c->nic[i].mac, mac);
		if (config_find_nic(c, c->nic[i].mac) != (int)i)
			xml_wrong(in, root,
				  "two interfaces have MAC address "
				  "%s",
				  mac);
	}
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n && !*p)
		p++, n--;
	return !n;
}

static void make_up_ids(struct dom_config *c)
{
	if (all_zero(c->uuid, sizeof(c->uuid)) &&
	    getrandom(c->uuid, sizeof(c->uuid), 0) == sizeof(c->uuid)) {
		c->uuid[6] = (c->uuid[6] & 0x0f) | 0x40; /* RFC 9562: v4 */
		c->uuid[8] = (c->uuid[8] & 0x3f) | 0x80;
	}
	for (unsigned int i = 0; i < c->nr_nics; i++) {
		uint8_t *mac = c->nic[i].mac;

		if (!all_zero(mac, 6) || getrandom(mac, 6, 0) != 6)
			continue;
		mac[0] = 0x00; /* the range of Xen guests */
		mac[1] = 0x16;
		mac[2] = 0x3e;
		mac[3] &= 0x7f;
	}
}

static void take_domain(struct xml_in *in, xmlNode *root, struct dom_config *c)
{
	static const struct xml_rule rules[] = {
		{"name", "", take_name, false},
		{"uuid", "", take_uuid, false},
		{"title", "", take_title, false},
		{"description", "", take_description, false},
		{"metadata", "*", NULL, false},
		{"memory", "unit", xml_take_memory, false},
		{"currentMemory", "unit", xml_take_current_memory, false},
		{"vcpu", "placement current", xml_take_vcpu, false},
		{"os", "", take_os, false},
		{"bootloader", "", take_bootloader, false},
		{"bootloader_args", "", take_bootloader_args, false},
		{"features", "", take_features, false},
		{"clock", "offset adjustment", take_clock, false},
		{"on_poweroff", "", take_on_poweroff, false},
		{"on_reboot", "", take_on_reboot, false},
		{"on_crash", "", take_on_crash, false},
		{"cputune", "", xml_take_cputune, false},
		{"memtune", "", xml_take_memtune, false},
		{"devices", "", take_devices, false},
	};

	xml_check_attributes(in, root, "type id");
	if (!xml_attr_is(root, "type", "xen"))
		xml_unsupported(in, root,
				"attribute type: only 'xen' is "
				"supported");
	xml_take_children(in, root, XML_RULES(rules), c);
	if (!c->name[0])
		xml_wrong(in, root, "a <name> is missing");
	if (!c->kernel && !in->report->nr)
		xml_wrong(in, root,
			  "an <os> with a <kernel> is missing (or a "
			  "<bootloader>)");
	else if (!c->kernel)
		xml_wrong(in, root, "nothing is left to boot");
	check_memory(in, root, c);
}

typedef void take_root(struct xml_in *in, xmlNode *root, struct dom_config *c);

static void take_device(struct xml_in *in, xmlNode *root, struct dom_config *c)
{
	if (xmlStrEqual(root->name, BAD_CAST "disk")) {
		xml_check_attributes(in, root, "type device");
		xml_take_disk(in, root, c);
	} else if (xmlStrEqual(root->name, BAD_CAST "interface")) {
		xml_check_attributes(in, root, "type");
		xml_take_nic(in, root, c);
	} else {
		xml_wrong(in, root,
			  "only <disk> and <interface> can be "
			  "attached and detached");
	}
}

static struct dom_config *parse(struct xml_in *in, take_root *take,
				const char *root_name)
{
	struct dom_config *c = config_new();
	xmlDoc *doc = c ? xml_read(in) : NULL;
	xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

	if (root && root_name && strcmp((const char *)root->name, root_name))
		xml_wrong(in, root, "must be <%s>", root_name);
	else if (root)
		take(in, root, c);
	if (root && !in->failed) {
		make_up_ids(c);
		check_devices(in, root, c);
	}
	xmlFreeDoc(doc);
	if (root && !in->failed &&
	    (!in->report->nr || in->flags & XML_IGNORE_UNSUPPORTED))
		return c;
	if (!c)
		fail_set(in->why, FAIL_LIMIT, "%s: no memory", in->file);
	config_put(c);
	return NULL;
}

struct dom_config *xml_parse_domain(const char *text, size_t bytes,
				    const char *file, unsigned int flags,
				    struct xml_report *report, struct fail *why)
{
	struct xml_in in = {
		.text = text,
		.bytes = bytes,
		.file = file,
		.flags = flags,
		.report = report,
		.why = why,
	};

	return parse(&in, take_domain, "domain");
}

struct dom_config *xml_parse_device(const char *text, size_t bytes,
				    const char *file, unsigned int flags,
				    struct xml_report *report, struct fail *why)
{
	struct xml_in in = {
		.text = text,
		.bytes = bytes,
		.file = file,
		.flags = flags,
		.report = report,
		.why = why,
	};

	return parse(&in, take_device, NULL);
}

typedef struct dom_config *parse_fn(const char *text, size_t bytes,
				    const char *file, unsigned int flags,
				    struct xml_report *report,
				    struct fail *why);

/* Through XML and back; takes the text. */
static struct dom_config *copy_by(parse_fn *fn, char *text)
{
	struct xml_report report = {0};
	struct dom_config *copy = NULL;
	struct fail why;

	if (text)
		copy = fn(text, strlen(text), "copy", 0, &report, &why);
	xml_report_free(&report);
	free(text);
	return copy;
}

struct dom_config *xml_copy(const struct dom_config *c)
{
	return copy_by(xml_parse_domain, xml_format_domain(c, -1));
}

struct dom_config *xml_copy_device(const struct dom_config *c)
{
	return copy_by(xml_parse_device, xml_format_devices(c));
}
