/* SPDX-License-Identifier: MIT */
/* Which method a request wants. */
#include <string.h>

#include "tools/daemon/methods.h"

static const struct {
	const char *name;
	method_fn *fn;
} methods[] = {
	{"version", method_version},
	{"capabilities", method_capabilities},
	{"define", method_define},
	{"undefine", method_undefine},
	{"create", method_create},
	{"start", method_start},
	{"autostart", method_autostart},
	{"list", method_list},
	{"info", method_info},
	{"dumpxml", method_dumpxml},
	{"shutdown", method_shutdown},
	{"reboot", method_reboot},
	{"destroy", method_destroy},
	{"pause", method_pause},
	{"resume", method_resume},
	{"setmem", method_setmem},
	{"setvcpus", method_setvcpus},
	{"schedinfo", method_schedinfo},
	{"attach", method_attach},
	{"detach", method_detach},
	{"domblklist", method_domblklist},
	{"domiflist", method_domiflist},
	{"console", method_console},
	{"stats", method_stats},
	{"dmesg", method_dmesg},
	{"services", method_services},
	{"subscribe", method_subscribe},
};

void method_call(struct request *r, const char *name)
{
	struct fail why;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(methods[i].name, name)) {
			r->method = methods[i].name;
			methods[i].fn(r);
			return;
		}
	fail_set(&why, FAIL_INVALID, "%.40s: no such method", name);
	request_fail(r, &why, NULL);
}

void method_fail(struct request *r, const char *object, struct fail *why)
{
	if (object)
		fail_prefix(why, "%s %s", r->method, object);
	else
		fail_prefix(why, "%s", r->method);
	request_fail(r, why, NULL);
}

struct domain *method_domain(struct request *r)
{
	struct fail why;
	const char *key = param_string(r, "domain", &why);
	struct domain *d = key ? domain_find(r->dm, key, &why) : NULL;

	if (!d)
		method_fail(r, key, &why);
	return d;
}
