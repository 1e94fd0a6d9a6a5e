/* SPDX-License-Identifier: MIT */
/* Commands that show something once. */
#include <string.h>
#include <time.h>

#include "tools/cli/cli.h"

/* ---- list, info ---------------------------------------------------------------- */

static void print_row(struct json_object *o)
{
	char id[16] = "-";

	if (has(o, "domid"))
		snprintf(id, sizeof(id), "%lld", get_number(o, "domid"));
	printf(" %-4s %-28s %-10s %8lld %6lld %10.1f\n", id,
	       get_string(o, "name"), get_string(o, "state"),
	       get_number(o, "memory_kib") / 1024, get_number(o, "vcpus"),
	       (double)get_number(o, "cpu_ns") / 1e9);
}

static int cmd_list(struct cli *c)
{
	struct json_object *params = params_new(), *result, *list;
	int status;

	if (!take_options(c) || !want_args(c, 0, 0)) {
		json_object_put(params);
		return STATUS_USAGE;
	}
	add_bool(params, "all", option("all") != NULL);
	result = call(c, "list", params, &status);
	if (!result)
		return status;
	list = get_array(result, "domains");
	if (c->json)
		print_json(list);
	else if (!option("name"))
		printf(" %-4s %-28s %-10s %8s %6s %10s\n"
		       "-------------------------------------------------------"
		       "------------------\n",
		       "Id", "Name", "State", "Mem(MiB)", "VCPUs", "Time(s)");
	for (size_t i = 0; !c->json && i < json_object_array_length(list);
	     i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (option("name"))
			puts(get_string(o, "name"));
		else
			print_row(o);
	}
	json_object_put(result);
	return STATUS_OK;
}

static void print_info(struct json_object *o)
{
	time_t at = (time_t)get_double(o, "started");
	char when[32];

	if (has(o, "domid"))
		printf("%-16s%lld\n", "Id:", get_number(o, "domid"));
	else
		printf("%-16s-\n", "Id:");
	printf("%-16s%s\n", "Name:", get_string(o, "name"));
	printf("%-16s%s\n", "UUID:", get_string(o, "uuid"));
	printf("%-16s%s\n", "State:", get_string(o, "state"));
	if (has(o, "reason"))
		printf("%-16s%s\n", "Reason:", get_string(o, "reason"));
	printf("%-16s%lld of %lld\n", "CPU(s):", get_number(o, "vcpus"),
	       get_number(o, "max_vcpus"));
	printf("%-16s%.1fs\n",
	       "CPU time:", (double)get_number(o, "cpu_ns") / 1e9);
	printf("%-16s%lld KiB\n",
	       "Max memory:", get_number(o, "max_memory_kib"));
	printf("%-16s%lld KiB\n", "Used memory:", get_number(o, "memory_kib"));
	if (has(o, "weight"))
		printf("%-16sweight %lld, cap %lld\n",
		       "Scheduler:", get_number(o, "weight"),
		       get_number(o, "cap"));
	printf("%-16s%s\n",
	       "Persistent:", get_bool(o, "persistent") ? "yes" : "no");
	printf("%-16s%s\n",
	       "Autostart:", get_bool(o, "autostart") ? "enable" : "disable");
	if (has(o, "started") &&
	    strftime(when, sizeof(when), "%F %T", localtime(&at)))
		printf("%-16s%s\n", "Started:", when);
}

static int cmd_info(struct cli *c)
{
	struct json_object *result;
	int status;

	if (!take_options(c) || !want_args(c, 1, 1))
		return STATUS_USAGE;
	result = call(c, "info", params_domain(c->argv[1]), &status);
	if (!result)
		return status;
	if (c->json)
		print_json(result);
	else
		print_info(result);
	json_object_put(result);
	return STATUS_OK;
}

/* ---- the machine --------------------------------------------------------------- */

static int cmd_version(struct cli *c)
{
	struct json_object *result;
	int status;

	if (!take_options(c) || !want_args(c, 0, 0))
		return STATUS_USAGE;
	result = call(c, "version", NULL, &status);
	if (!result)
		return status;
	if (c->json)
		print_json(result);
	else
		printf("parapetd %s, protocol %lld\n"
		       "hypervisor %s, control interface %lld\n",
		       get_string(result, "version"),
		       get_number(result, "protocol"),
		       get_string(result, "hypervisor"),
		       get_number(result, "control_interface"));
	json_object_put(result);
	return STATUS_OK;
}

static void print_words(const char *title, struct json_object *list)
{
	printf("%-22s", title);
	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		printf("%s%s", i ? " " : "",
		       json_object_get_string(
			       json_object_array_get_idx(list, i)));
	putchar('\n');
}

static int cmd_capabilities(struct cli *c)
{
	struct json_object *result, *m;
	int status;

	if (!take_options(c) || !want_args(c, 0, 0))
		return STATUS_USAGE;
	result = call(c, "capabilities", NULL, &status);
	if (!result)
		return status;
	if (c->json) {
		print_json(result);
		json_object_put(result);
		return STATUS_OK;
	}
	json_object_object_get_ex(result, "machine", &m);
	printf("%-22s%lld\n", "CPUs:", get_number(m, "cpus"));
	printf("%-22s%lld MiB\n",
	       "Memory:", get_number(m, "memory_kib") / 1024);
	printf("%-22s%lld MiB (%lld kept for domains)\n",
	       "Free memory:", get_number(m, "free_kib") / 1024,
	       get_number(m, "claimed_kib") / 1024);
	printf("%-22s%lld MiB\n",
	       "Hypervisor:", get_number(m, "hypervisor_kib") / 1024);
	printf("%-22s%s\n", "Guests:", get_string(result, "guest"));
	printf("%-22s%lld\n",
	       "VCPUs of a guest:", get_number(result, "max_vcpus"));
	print_words("Kernels:", get_array(result, "kernels"));
	print_words("Disks:", get_array(result, "disk_types"));
	print_words("Disk formats:", get_array(result, "disk_formats"));
	print_words("Interfaces:", get_array(result, "interface_types"));
	json_object_put(result);
	return STATUS_OK;
}

static int cmd_services(struct cli *c)
{
	struct json_object *result, *list, *o;
	int status;

	if (!take_options(c) || !want_args(c, 0, 0))
		return STATUS_USAGE;
	result = call(c, "services", NULL, &status);
	if (!result)
		return status;
	list = get_array(result, "services");
	if (c->json)
		print_json(list);
	else
		printf(" %-10s %-8s %8s %9s\n", "Name", "State", "Pid",
		       "Restarts");
	for (size_t i = 0; !c->json && i < json_object_array_length(list);
	     i++) {
		o = json_object_array_get_idx(list, i);
		printf(" %-10s %-8s %8lld %9lld\n", get_string(o, "name"),
		       get_string(o, "state"), get_number(o, "pid"),
		       get_number(o, "restarts"));
	}
	json_object_put(result);
	return STATUS_OK;
}

static int cmd_dmesg(struct cli *c)
{
	struct json_object *params, *result;
	long long position = 0, before;
	int status;

	if (!take_options(c) || !want_args(c, 0, 0))
		return STATUS_USAGE;
	do {
		before = position;
		params = params_new();
		add_number(params, "position", position);
		result = call(c, "dmesg", params, &status);
		if (!result)
			return status;
		position = get_number(result, "position");
		if (c->json && position > before)
			print_json(result);
		else if (!c->json)
			fputs(get_string(result, "text"), stdout);
		json_object_put(result);
	} while (position > before);
	return STATUS_OK;
}

const struct command info_commands[] = {
	{"list", "[--all] [--name]", "domains", cmd_list},
	{"info", "DOMAIN", "one domain", cmd_info},
	{"dmesg", "", "the hypervisor's log", cmd_dmesg},
	{"services", "", "the processes that the daemon looks after",
	 cmd_services},
	{"version", "", "of the daemon and the hypervisor", cmd_version},
	{"capabilities", "", "the machine, and what guests may have",
	 cmd_capabilities},
	{NULL, NULL, NULL, NULL},
};
