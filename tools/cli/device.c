/* SPDX-License-Identifier: MIT */
/* Commands about disks and interfaces. */
#include <stdlib.h>
#include <string.h>

#include "tools/cli/cli.h"

/* ---- attach -------------------------------------------------------------------- */

static void disk_xml(FILE *f, const char *source, const char *target)
{
	const char *format = option("format");
	bool block = option("block") || !strncmp(source, "/dev/", 5);

	fprintf(f, "<disk type='%s' device='%s'>", block ? "block" : "file",
		option("cdrom") ? "cdrom" : "disk");
	fputs("<driver name='qemu'", f);
	xml_attr(f, "type", format ? format : "raw");
	if (option("discard"))
		fputs(" discard='unmap'", f);
	fputs("/><source", f);
	xml_attr(f, block ? "dev" : "file", source);
	fputs("/><target", f);
	xml_attr(f, "dev", target);
	fputs(" bus='xen'/>", f);
	if (option("readonly"))
		fputs("<readonly/>", f);
	if (option("shareable"))
		fputs("<shareable/>", f);
	fputs("</disk>", f);
}

static void interface_xml(FILE *f, const char *type, const char *source)
{
	fputs("<interface", f);
	xml_attr(f, "type", type);
	fputs(">", f);
	if (option("mac")) {
		fputs("<mac", f);
		xml_attr(f, "address", option("mac"));
		fputs("/>", f);
	}
	fputs("<source", f);
	xml_attr(f, type, source);
	fputs("/>", f);
	if (option("openvswitch"))
		fputs("<virtualport type='openvswitch'/>", f);
	if (option("target")) {
		fputs("<target", f);
		xml_attr(f, "dev", option("target"));
		fputs("/>", f);
	}
	fputs("</interface>", f);
}

static int attach(struct cli *c, const char *xml)
{
	struct json_object *params = params_domain(c->argv[1]);

	add_string(params, "xml", xml);
	add_string(params, "file", "device");
	add_bool(params, "persistent", option("persistent") != NULL);
	return call_simple(c, "attach", params);
}

static int cmd_attach_disk(struct cli *c)
{
	char *xml = NULL;
	size_t bytes;
	FILE *f;
	int status;

	if (!take_options(c) || !want_args(c, 3, 3))
		return STATUS_USAGE;
	f = open_memstream(&xml, &bytes);
	if (!f)
		return complain(STATUS_FAILED, "no memory");
	disk_xml(f, c->argv[2], c->argv[3]);
	fclose(f);
	status = attach(c, xml);
	free(xml);
	return status;
}

static int cmd_attach_interface(struct cli *c)
{
	char *xml = NULL;
	size_t bytes;
	FILE *f;
	int status;

	if (!take_options(c) || !want_args(c, 3, 3))
		return STATUS_USAGE;
	if (strcmp(c->argv[2], "bridge") && strcmp(c->argv[2], "network"))
		return usage(c);
	f = open_memstream(&xml, &bytes);
	if (!f)
		return complain(STATUS_FAILED, "no memory");
	interface_xml(f, c->argv[2], c->argv[3]);
	fclose(f);
	status = attach(c, xml);
	free(xml);
	return status;
}

static int cmd_attach_device(struct cli *c)
{
	char *xml;
	int status;

	if (!take_options(c) || !want_args(c, 2, 2))
		return STATUS_USAGE;
	xml = read_file(c->argv[2]);
	if (!xml)
		return STATUS_NOT_FOUND;
	status = attach(c, xml);
	free(xml);
	return status;
}

/* ---- detach -------------------------------------------------------------------- */

static int detach(struct cli *c)
{
	struct json_object *params;

	if (!take_options(c) || !want_args(c, 2, 2))
		return STATUS_USAGE;
	params = params_domain(c->argv[1]);
	add_string(params, "target", c->argv[2]);
	add_bool(params, "force", option("force") != NULL);
	add_bool(params, "persistent", option("persistent") != NULL);
	return call_simple(c, "detach", params);
}

/* ---- lists --------------------------------------------------------------------- */

static int cmd_domblklist(struct cli *c)
{
	struct json_object *result, *list, *o;
	int status;

	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	result = call(c, "domblklist", params_domain(c->argv[1]), &status);
	if (!result)
		return status;
	list = get_array(result, "disks");
	if (c->json) {
		print_json(list);
		json_object_put(result);
		return STATUS_OK;
	}
	printf(" %-8s %-8s %-7s %-6s %-8s %s\n", "Target", "Type", "Format",
	       "Mode", "State", "Source");
	puts("-----------------------------------------------------------");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		o = json_object_array_get_idx(list, i);
		printf(" %-8s %-8s %-7s %-6s %-8s %s\n",
		       get_string(o, "target"), get_string(o, "type"),
		       get_string(o, "format"),
		       get_bool(o, "readonly") ? "r" : "rw",
		       get_string(o, "state"), get_string(o, "source"));
	}
	json_object_put(result);
	return STATUS_OK;
}

static int cmd_domiflist(struct cli *c)
{
	struct json_object *result, *list, *o;
	int status;

	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	result = call(c, "domiflist", params_domain(c->argv[1]), &status);
	if (!result)
		return status;
	list = get_array(result, "interfaces");
	if (c->json) {
		print_json(list);
		json_object_put(result);
		return STATUS_OK;
	}
	printf(" %-11s %-9s %-12s %-10s %s\n", "Interface", "Type", "Source",
	       "Model", "MAC");
	puts("-----------------------------------------------------------");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		o = json_object_array_get_idx(list, i);
		printf(" %-11s %-9s %-12s %-10s %s\n",
		       get_string(o, "interface"), get_string(o, "type"),
		       get_string(o, "source"), get_string(o, "model"),
		       get_string(o, "mac"));
	}
	json_object_put(result);
	return STATUS_OK;
}

const struct command device_commands[] = {
	{"attach-disk",
	 "[--format=F] [--block] [--cdrom] [--readonly] [--shareable] "
	 "[--discard] [--persistent] DOMAIN SOURCE TARGET",
	 "add a disk", cmd_attach_disk},
	{"detach-disk", "[--force] [--persistent] DOMAIN TARGET", "remove it",
	 detach},
	{"attach-interface",
	 "[--mac=MAC] [--target=NAME] [--openvswitch] [--persistent] "
	 "DOMAIN TYPE SOURCE",
	 "add an interface; TYPE: bridge, network", cmd_attach_interface},
	{"detach-interface", "[--force] [--persistent] DOMAIN MAC", "remove it",
	 detach},
	{"attach-device", "[--persistent] DOMAIN FILE",
	 "add what the XML describes", cmd_attach_device},
	{"domblklist", "DOMAIN", "its disks", cmd_domblklist},
	{"domiflist", "DOMAIN", "its interfaces", cmd_domiflist},
	{NULL, NULL, NULL, NULL},
};
