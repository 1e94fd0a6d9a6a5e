/* SPDX-License-Identifier: MIT */
/* PURE  <interface>: on a bridge, or on a named network. */
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/xml/node.h"

#define RATE_MOST (1u << 30)

struct nic_in {
	struct dom_nic *nic;
	bool named_network, has_source;
};

static void take_mac(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_nic *nic = ((struct nic_in *)into)->nic;
	char *address = xml_attr(n, "address");

	if (!address || !config_mac_parse(address, nic->mac))
		xml_wrong(in, n, "address='%.40s': not a MAC address",
			  address ? address : "");
	else if (nic->mac[0] & 1)
		xml_wrong(in, n, "address='%s': a multicast address", address);
	free(address);
}

static void take_source(struct xml_in *in, xmlNode *n, void *into)
{
	struct nic_in *ni = into;
	const char *attr = ni->named_network ? "network" : "bridge";
	char *value = xml_attr(n, attr);

	ni->has_source = true;
	xml_check_attributes(in, n, attr);
	if (!value || !*value)
		xml_wrong(in, n, "attribute %s is missing", attr);
	else if (!ni->named_network && strlen(value) >= CONFIG_IFNAME_MAX)
		xml_wrong(in, n, "%.40s: longer than %d characters", value,
			  CONFIG_IFNAME_MAX - 1);
	else if (strlen(value) > CONFIG_NAME_MAX || strchr(value, '/'))
		xml_wrong(in, n, "%.40s: not a name", value);
	if (ni->named_network)
		ni->nic->network = value;
	else
		ni->nic->bridge = value;
}

/* Xen's own scripts do what the backend does by itself. */
static void take_script(struct xml_in *in, xmlNode *n, void *into)
{
	char *path = xml_attr(n, "path");
	const char *base = path ? strrchr(path, '/') : NULL;

	(void)into;
	base = base ? base + 1 : path;
	if (!base ||
	    (strcmp(base, "vif-bridge") && strcmp(base, "vif-openvswitch")))
		xml_unsupported(in, n,
				"path='%.80s': scripts are not "
				"supported",
				path ? path : "");
	free(path);
}

static void take_model(struct xml_in *in, xmlNode *n, void *into)
{
	(void)into;
	if (!xml_attr_is(n, "type", "netfront"))
		xml_unsupported(in, n,
				"attribute type: only 'netfront' is "
				"supported");
}

static void take_target(struct xml_in *in, xmlNode *n, void *into)
{
	struct dom_nic *nic = ((struct nic_in *)into)->nic;
	char *dev = xml_attr(n, "dev");

	if (!dev || !*dev || strlen(dev) >= CONFIG_IFNAME_MAX ||
	    strpbrk(dev, "/ \t:") || !strcmp(dev, ".") || !strcmp(dev, ".."))
		xml_wrong(in, n, "dev='%.40s': not a name of an interface",
			  dev ? dev : "");
	/* vifD.N was given by the toolstack, to another domain number. */
	else if (strncmp(dev, "vif", 3) || !strchr(dev, '.'))
		strcpy(nic->ifname, dev);
	free(dev);
}

static void take_virtualport(struct xml_in *in, xmlNode *n, void *into)
{
	if (xml_attr_is(n, "type", "openvswitch"))
		((struct nic_in *)into)->nic->openvswitch = true;
	else
		xml_unsupported(in, n,
				"attribute type: only 'openvswitch' is "
				"supported");
	xml_take_children(in, n, NULL, 0, NULL);
}

static void take_rate(struct xml_in *in, xmlNode *n, struct dom_rate *rate)
{
	rate->average =
		(uint32_t)xml_attr_number(in, n, "average", 0, 1, RATE_MOST);
	rate->peak = (uint32_t)xml_attr_number(in, n, "peak", 0, 1, RATE_MOST);
	rate->burst =
		(uint32_t)xml_attr_number(in, n, "burst", 0, 1, RATE_MOST);
	if (!rate->average)
		xml_wrong(in, n, "attribute average is missing");
}

static void take_inbound(struct xml_in *in, xmlNode *n, void *into)
{
	take_rate(in, n, &((struct nic_in *)into)->nic->inbound);
}

static void take_outbound(struct xml_in *in, xmlNode *n, void *into)
{
	take_rate(in, n, &((struct nic_in *)into)->nic->outbound);
}

static void take_bandwidth(struct xml_in *in, xmlNode *n, void *into)
{
	static const struct xml_rule rules[] = {
		{"inbound", "average peak burst", take_inbound, false},
		{"outbound", "average peak burst", take_outbound, false},
	};

	xml_take_children(in, n, XML_RULES(rules), into);
}

static void take_link(struct xml_in *in, xmlNode *n, void *into)
{
	bool down = xml_attr_is(n, "state", "down");

	if (!down && !xml_attr_is(n, "state", "up"))
		xml_wrong(in, n, "attribute state: must be up or down");
	((struct nic_in *)into)->nic->link_down = down;
}

static void take_mtu(struct xml_in *in, xmlNode *n, void *into)
{
	((struct nic_in *)into)->nic->mtu =
		(uint32_t)xml_attr_number(in, n, "size", 0, 68, 65521);
}

void xml_take_nic(struct xml_in *in, xmlNode *n, void *into)
{
	static const struct xml_rule rules[] = {
		{"mac", "address", take_mac, false},
		{"source", "*", take_source, false},
		{"script", "path", take_script, false},
		{"model", "type", take_model, false},
		{"target", "dev", take_target, false},
		{"virtualport", "type", take_virtualport, false},
		{"bandwidth", "", take_bandwidth, false},
		{"link", "state", take_link, false},
		{"mtu", "size", take_mtu, false},
		{"alias", "*", NULL, false},
		{"address", "*", NULL, false},
	};
	struct nic_in ni = {0};

	ni.named_network = xml_attr_is(n, "type", "network");
	if (!ni.named_network && !xml_attr_is(n, "type", "bridge")) {
		xml_unsupported(in, n,
				"attribute type: only 'bridge' and "
				"'network' are supported");
		return;
	}
	ni.nic = config_add_nic(into);
	if (!ni.nic) {
		xml_wrong(in, n, "more than %u interfaces", CONFIG_NICS_MAX);
		return;
	}
	xml_take_children(in, n, XML_RULES(rules), &ni);
	if (!ni.has_source)
		xml_wrong(in, n, "a <source> is missing");
}
