/* SPDX-License-Identifier: MIT */
/* The methods of the interface; README.md has their table. */
#ifndef TOOLS_DAEMON_METHODS_H
#define TOOLS_DAEMON_METHODS_H

#include "tools/daemon/server.h"

typedef void method_fn(struct request *r);

/* Definitions and lives: methods_life.c */
method_fn method_define, method_undefine, method_create, method_start,
	method_autostart, method_shutdown, method_reboot, method_destroy,
	method_pause, method_resume, method_setmem, method_setvcpus,
	method_schedinfo, method_attach, method_detach;
/* Questions about domains: methods_domain.c */
method_fn method_list, method_info, method_dumpxml, method_domblklist,
	method_domiflist, method_console;
/* Questions about the machine: methods_machine.c */
method_fn method_version, method_capabilities, method_stats, method_dmesg,
	method_services, method_subscribe;

/* The domain that parameter "domain" names; NULL: it was answered, and r is
 * gone: take other parameters first. */
struct domain *method_domain(struct request *r);
/* Answer with a failure, "METHOD OBJECT: " in front of it. */
void method_fail(struct request *r, const char *object, struct fail *why);

/* KiB that the hypervisor says it has, and so on; domain off: zeroes. */
void domain_info(const struct domain *d, struct pv_domain_info *info);
struct json_object *domain_row(const struct domain *d);

#endif
