/* SPDX-License-Identifier: MIT */
/* PURE  A configuration as XML, which xml_parse_domain() reads back the same. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/xml/xml.h"

static void put_escaped(FILE *f, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '\'':
			fputs("&apos;", f);
			break;
		case '\n':
		case '\r':
		case '\t':
			fprintf(f, "&#%d;", *text);
			break;
		default:
			fputc(*text, f);
		}
}

static void put_text(FILE *f, const char *indent, const char *element,
		     const char *text)
{
	if (!text)
		return;
	fprintf(f, "%s<%s>", indent, element);
	put_escaped(f, text);
	fprintf(f, "</%s>\n", element);
}

static void put_attr(FILE *f, const char *name, const char *value)
{
	fprintf(f, " %s='", name);
	put_escaped(f, value);
	fputc('\'', f);
}

static void put_kib(FILE *f, const char *indent, const char *element,
		    uint64_t kib)
{
	if (kib)
		fprintf(f, "%s<%s unit='KiB'>%" PRIu64 "</%s>\n", indent,
			element, kib, element);
}

/* ---- the head ------------------------------------------------------------------ */

static void put_memtune(FILE *f, const struct dom_config *c)
{
	if (!c->hard_limit_kib && !c->min_guarantee_kib)
		return;
	fputs("  <memtune>\n", f);
	put_kib(f, "    ", "hard_limit", c->hard_limit_kib);
	put_kib(f, "    ", "min_guarantee", c->min_guarantee_kib);
	fputs("  </memtune>\n", f);
}

static void put_vcpu(FILE *f, const struct dom_config *c)
{
	fputs("  <vcpu placement='static'", f);
	if (c->current_vcpus != c->vcpus)
		fprintf(f, " current='%u'", c->current_vcpus);
	fprintf(f, ">%u</vcpu>\n", c->vcpus);
}

static void put_cputune(FILE *f, const struct dom_config *c)
{
	if (!c->weight && !c->cap)
		return;
	fputs("  <cputune>\n", f);
	if (c->weight)
		fprintf(f, "    <shares>%u</shares>\n", c->weight);
	if (c->cap)
		fprintf(f,
			"    <global_period>100000</global_period>\n"
			"    <global_quota>%u000</global_quota>\n",
			c->cap);
	fputs("  </cputune>\n", f);
}

static void put_os(FILE *f, const struct dom_config *c)
{
	if (c->bootloader) {
		put_text(f, "  ", "bootloader", c->kernel);
		put_text(f, "  ", "bootloader_args", c->cmdline);
	}
	fputs("  <os>\n"
	      "    <type arch='x86_64' machine='xenpv'>linux</type>\n",
	      f);
	if (!c->bootloader)
		put_text(f, "    ", "kernel", c->kernel);
	put_text(f, "    ", "initrd", c->initrd);
	if (!c->bootloader)
		put_text(f, "    ", "cmdline", c->cmdline);
	fputs("  </os>\n", f);
}

static void put_on_end(FILE *f, const struct dom_config *c)
{
	put_text(f, "  ", "on_poweroff", config_on_end_names[c->on_poweroff]);
	put_text(f, "  ", "on_reboot", config_on_end_names[c->on_reboot]);
	put_text(f, "  ", "on_crash", config_on_end_names[c->on_crash]);
}

/* ---- devices ------------------------------------------------------------------- */

static void put_source(FILE *f, const struct dom_disk *d)
{
	fputs("      <source", f);
	if (d->type != DISK_NETWORK) {
		put_attr(f, d->type == DISK_FILE ? "file" : "dev", d->source);
		fputs("/>\n", f);
		return;
	}
	put_attr(f, "protocol", d->protocol);
	put_attr(f, "name", d->source);
	fputs(">\n        <host", f);
	put_attr(f, "name", d->host);
	if (d->port)
		fprintf(f, " port='%u'", d->port);
	fputs("/>\n      </source>\n", f);
}

static void put_iotune(FILE *f, const struct dom_disk *d)
{
	bool any = false;

	for (int i = 0; i < TUNE_COUNT; i++) {
		if (!d->tune[i])
			continue;
		if (!any)
			fputs("      <iotune>\n", f);
		any = true;
		fprintf(f, "        <%s>%" PRIu64 "</%s>\n",
			config_tune_names[i], d->tune[i], config_tune_names[i]);
	}
	if (any)
		fputs("      </iotune>\n", f);
}

static void put_blockio(FILE *f, const struct dom_disk *d)
{
	if (!d->logical_block && !d->physical_block)
		return;
	fputs("      <blockio", f);
	if (d->logical_block)
		fprintf(f, " logical_block_size='%u'", d->logical_block);
	if (d->physical_block)
		fprintf(f, " physical_block_size='%u'", d->physical_block);
	fputs("/>\n", f);
}

static void put_disk(FILE *f, const struct dom_disk *d)
{
	static const char *const types[] = {"file", "block", "network"};

	fprintf(f, "    <disk type='%s' device='%s'>\n", types[d->type],
		d->cdrom ? "cdrom" : "disk");
	fprintf(f, "      <driver name='qemu' type='%s'%s/>\n",
		config_format_names[d->format],
		d->discard ? " discard='unmap'" : "");
	put_source(f, d);
	put_blockio(f, d);
	fprintf(f, "      <target dev='%s' bus='xen'/>\n", d->target);
	put_iotune(f, d);
	if (d->readonly)
		fputs("      <readonly/>\n", f);
	if (d->shareable)
		fputs("      <shareable/>\n", f);
	fputs("    </disk>\n", f);
}

static void put_rate(FILE *f, const char *element, const struct dom_rate *r)
{
	if (!r->average)
		return;
	fprintf(f, "        <%s average='%u'", element, r->average);
	if (r->peak)
		fprintf(f, " peak='%u'", r->peak);
	if (r->burst)
		fprintf(f, " burst='%u'", r->burst);
	fputs("/>\n", f);
}

static void put_nic(FILE *f, const struct dom_nic *n)
{
	char mac[CONFIG_MAC_TEXT];

	config_mac_text(n->mac, mac);
	fprintf(f, "    <interface type='%s'>\n      <mac address='%s'/>\n",
		n->network ? "network" : "bridge", mac);
	fputs("      <source", f);
	put_attr(f, n->network ? "network" : "bridge",
		 n->network ? n->network : n->bridge);
	fputs("/>\n", f);
	if (n->openvswitch)
		fputs("      <virtualport type='openvswitch'/>\n", f);
	if (n->ifname[0]) {
		fputs("      <target", f);
		put_attr(f, "dev", n->ifname);
		fputs("/>\n", f);
	}
	if (n->inbound.average || n->outbound.average) {
		fputs("      <bandwidth>\n", f);
		put_rate(f, "inbound", &n->inbound);
		put_rate(f, "outbound", &n->outbound);
		fputs("      </bandwidth>\n", f);
	}
	if (n->mtu)
		fprintf(f, "      <mtu size='%u'/>\n", n->mtu);
	if (n->link_down)
		fputs("      <link state='down'/>\n", f);
	fputs("    </interface>\n", f);
}

static void put_console(FILE *f, const struct dom_config *c)
{
	if (!c->console)
		return;
	fputs("    <console type='pty'>\n", f);
	if (c->console_log) {
		fputs("      <log", f);
		put_attr(f, "file", c->console_log);
		fprintf(f, " append='%s'/>\n",
			c->console_log_append ? "on" : "off");
	}
	fputs("      <target type='xen' port='0'/>\n    </console>\n", f);
}

static void put_devices(FILE *f, const struct dom_config *c)
{
	for (unsigned int i = 0; i < c->nr_disks; i++)
		put_disk(f, &c->disk[i]);
	for (unsigned int i = 0; i < c->nr_nics; i++)
		put_nic(f, &c->nic[i]);
}

char *xml_format_devices(const struct dom_config *c)
{
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	if (!f)
		return NULL;
	put_devices(f, c);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

char *xml_format_domain(const struct dom_config *c, int domid)
{
	char uuid[CONFIG_UUID_TEXT], *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	if (!f)
		return NULL;
	fputs("<domain type='xen'", f);
	if (domid >= 0)
		fprintf(f, " id='%d'", domid);
	fputs(">\n", f);
	config_uuid_text(c->uuid, uuid);
	put_text(f, "  ", "name", c->name);
	put_text(f, "  ", "uuid", uuid);
	put_text(f, "  ", "title", c->title);
	put_text(f, "  ", "description", c->description);
	put_kib(f, "  ", "memory", c->memory_kib);
	put_kib(f, "  ", "currentMemory", c->current_kib);
	put_memtune(f, c);
	put_vcpu(f, c);
	put_cputune(f, c);
	put_os(f, c);
	fputs("  <clock offset='utc'/>\n", f);
	put_on_end(f, c);
	fputs("  <devices>\n", f);
	put_devices(f, c);
	put_console(f, c);
	fputs("  </devices>\n</domain>\n", f);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
