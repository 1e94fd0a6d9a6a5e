/* SPDX-License-Identifier: MIT */
/* Questions about the machine and the daemon itself. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/daemon/device.h"
#include "tools/daemon/methods.h"
#include "tools/daemon/service.h"

#define LOG_CHUNK (256u << 10)

void method_version(struct request *r)
{
	struct json_object *o = json_object_new_object();

	put_string(o, "version", DAEMON_VERSION);
	put_number(o, "protocol", 1);
	put_string(o, "hypervisor", r->dm->hv->ops->name);
	put_number(o, "control_interface", PV_CONTROL_VERSION);
	request_answer(r, o);
}

static struct json_object *machine_json(struct daemon *dm)
{
	struct json_object *o = json_object_new_object();
	struct pv_machine_info m = {0};

	dm->hv->ops->machine(dm->hv, &m);
	put_number(o, "cpus", m.nr_cpus);
	put_number(o, "tsc_khz", m.tsc_khz);
	put_number(o, "memory_kib", (int64_t)m.total_pages * 4);
	put_number(o, "free_kib", (int64_t)m.free_pages * 4);
	put_number(o, "claimed_kib", (int64_t)m.claimed_pages * 4);
	put_number(o, "hypervisor_kib", (int64_t)m.hv_pages * 4);
	put_number(o, "uptime_ns", (int64_t)m.system_time);
	put_number(o, "domains", m.nr_domains);
	return o;
}

static struct json_object *strings(const char *const *text, unsigned int nr)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < nr; i++)
		json_object_array_add(list, json_object_new_string(text[i]));
	return list;
}

void method_capabilities(struct request *r)
{
	static const char *const disks[] = {"file", "block", "network"};
	static const char *const nics[] = {"bridge", "network"};
	static const char *const kernels[] = {"elf", "bzimage-gzip",
					      "bzimage-xz", "bzimage-lz4",
					      "bzimage-zstd"};
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "machine", machine_json(r->dm));
	put_string(o, "guest", "xen-3.0-x86_64");
	put_number(o, "max_vcpus", 32);
	json_object_object_add(o, "disk_types", strings(disks, 3));
	json_object_object_add(o, "disk_formats",
			       strings(config_format_names, FORMAT_COUNT));
	json_object_object_add(o, "interface_types", strings(nics, 2));
	json_object_object_add(o, "kernels", strings(kernels, 5));
	request_answer(r, o);
}

/* ---- numbers that move --------------------------------------------------------- */

static int64_t net_count(const struct daemon *dm, const char *ifname,
			 const char *what)
{
	char path[512], text[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s/statistics/%s", dm->set->net,
		 ifname, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strtoll(text, NULL, 10);
}

/* What the guest received is what its interface here sent. */
static void put_net(struct json_object *o, const struct domain *d)
{
	const struct device *dev;
	int64_t in = 0, out = 0;
	char ifname[32];

	TAILQ_FOREACH(dev, &d->devices, link)
	{
		const struct dom_nic *nic = NULL;

		if (dev->type != DEV_NIC)
			continue;
		for (unsigned int i = 0; i < d->live->nr_nics; i++)
			if (!memcmp(d->live->nic[i].mac, dev->mac, 6))
				nic = &d->live->nic[i];
		snprintf(ifname, sizeof(ifname), "vif%d.%u", d->domid, dev->id);
		if (nic && nic->ifname[0])
			snprintf(ifname, sizeof(ifname), "%s", nic->ifname);
		in += net_count(d->dm, ifname, "tx_bytes");
		out += net_count(d->dm, ifname, "rx_bytes");
	}
	put_number(o, "net_in_bytes", in);
	put_number(o, "net_out_bytes", out);
}

static struct json_object *cpus_json(struct daemon *dm)
{
	struct json_object *list = json_object_new_array(), *o;
	struct pv_machine_info m = {0};
	struct pv_cpu_status cpu;

	dm->hv->ops->machine(dm->hv, &m);
	for (unsigned int i = 0; i < m.nr_cpus; i++) {
		if (dm->hv->ops->get_cpu(dm->hv, i, &cpu))
			continue;
		o = json_object_new_object();
		put_number(o, "cpu", i);
		put_number(o, "idle_ns", (int64_t)cpu.idle_time);
		json_object_array_add(list, o);
	}
	return list;
}

void method_stats(struct request *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array(), *row;
	struct pv_domain_info zero = {0};
	const struct domain *d;

	r->dm->hv->ops->get(r->dm->hv, 0, &zero);
	row = json_object_new_object();
	put_string(row, "name", "Domain-0");
	put_number(row, "domid", 0);
	put_string(row, "state", "running");
	put_number(row, "memory_kib", (int64_t)zero.nr_pages * 4);
	put_number(row, "vcpus", zero.online_vcpus);
	put_number(row, "cpu_ns", (int64_t)zero.cpu_time);
	json_object_array_add(list, row);
	TAILQ_FOREACH(d, &r->dm->domains, link)
	{
		if (d->domid < 0)
			continue;
		row = domain_row(d);
		put_net(row, d);
		json_object_array_add(list, row);
	}
	json_object_object_add(o, "time", json_object_new_double(ev_time()));
	json_object_object_add(o, "machine", machine_json(r->dm));
	json_object_object_add(o, "cpus", cpus_json(r->dm));
	json_object_object_add(o, "domains", list);
	request_answer(r, o);
}

/* ---- the log ------------------------------------------------------------------- */

void method_dmesg(struct request *r)
{
	int64_t asked = param_number(r, "position", 0);
	uint64_t position = asked > 0 ? (uint64_t)asked : 0;
	struct hv *hv = r->dm->hv;
	char *text = malloc(LOG_CHUNK);
	struct json_object *o;
	struct fail why;
	int n = -1;

	if (text)
		n = hv->ops->read_log(hv, text, LOG_CHUNK, &position);
	if (n < 0) {
		fail_set(&why, FAIL_FAILED, "%s",
			 text ? hv->ops->error(hv) : "no memory");
		free(text);
		method_fail(r, NULL, &why);
		return;
	}
	for (int i = 0; i < n; i++) /* it may hold anything; JSON may not */
		if ((unsigned char)text[i] >= 0x80 || !text[i])
			text[i] = '?';
	o = json_object_new_object();
	json_object_object_add(o, "text", json_object_new_string_len(text, n));
	put_number(o, "position", (int64_t)position);
	free(text);
	request_answer(r, o);
}

/* ---- the daemon ---------------------------------------------------------------- */

void method_services(struct request *r)
{
	struct json_object *o = json_object_new_object(), *row;
	struct json_object *list = json_object_new_array();
	struct service_info info;

	for (unsigned int i = 0; services_info(r->dm->services, i, &info);
	     i++) {
		row = json_object_new_object();
		put_string(row, "name", info.name);
		put_string(row, "state", info.pid ? "running" : "waiting");
		if (info.pid)
			put_number(row, "pid", info.pid);
		put_number(row, "restarts", info.restarts);
		json_object_array_add(list, row);
	}
	json_object_object_add(o, "services", list);
	request_answer(r, o);
}

void method_subscribe(struct request *r)
{
	request_subscribe(r);
	request_answer(r, NULL);
}
