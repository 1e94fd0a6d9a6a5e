/* SPDX-License-Identifier: MIT */
/* Methods that change something. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tools/daemon/event.h"
#include "tools/daemon/life.h"
#include "tools/daemon/methods.h"
#include "tools/daemon/xml/xml.h"

/* ---- XML ----------------------------------------------------------------------- */

static struct json_object *report_json(struct xml_report *report)
{
	struct json_object *list = NULL;

	for (unsigned int i = 0; i < report->nr && i < XML_REPORTS_MAX; i++) {
		if (!list)
			list = json_object_new_array();
		json_object_array_add(list,
				      json_object_new_string(report->line[i]));
	}
	xml_report_free(report);
	return list;
}

typedef struct dom_config *parse_fn(const char *text, size_t bytes,
				    const char *file, unsigned int flags,
				    struct xml_report *report,
				    struct fail *why);

/* Parameter "xml"; NULL: it was answered. */
static struct dom_config *take_xml(struct request *r, parse_fn *parse,
				   const char *object)
{
	struct fail why;
	const char *xml = param_string(r, "xml", &why);
	const char *file = param_string(r, "file", NULL);
	bool ignore = param_bool(r, "ignore_unsupported");
	struct xml_report report = {0};
	struct dom_config *c = NULL;

	if (xml)
		c = parse(xml, strlen(xml), file ? file : "xml",
			  ignore ? XML_IGNORE_UNSUPPORTED : 0, &report, &why);
	if (c) {
		r->warnings = report_json(&report);
		return c;
	}
	if (object)
		fail_prefix(&why, "%s %s", r->method, object);
	else
		fail_prefix(&why, "%s", r->method);
	request_fail(r, &why, report_json(&report));
	return NULL;
}

/* ---- jobs ---------------------------------------------------------------------- */

static struct request *request_of(struct job_waiter *w)
{
	return (struct request *)(void *)((char *)w -
					  offsetof(struct request, waiter));
}

static void job_progressed(struct job_waiter *w, struct job *job,
			   const char *stage)
{
	struct request *r = request_of(w);
	struct json_object *o;

	if (!r->conn)
		return;
	o = json_object_new_object();
	put_string(o, "stage", stage);
	put_string(o, "domain", job->d->name);
	request_progress(r, o);
}

static struct json_object *stages_json(const struct job *job)
{
	struct json_object *o = json_object_new_object();

	for (unsigned int i = 0; i < job->nr_steps; i++)
		put_number(o, job->steps[i].name,
			   (int64_t)(job->took[i] * 1e6));
	return o;
}

static void job_answered(struct job_waiter *w, struct job *job, int rc,
			 const struct fail *why)
{
	struct request *r = request_of(w);
	struct json_object *o;

	/* Who destroys a domain that is being made has what they want. */
	if (rc && strcmp(r->method, "destroy")) {
		request_fail(r, why, NULL);
		return;
	}
	o = json_object_new_object();
	put_string(o, "name", job->d->name);
	if (job->d->domid >= 0)
		put_number(o, "domid", job->d->domid);
	json_object_object_add(o, "stages", stages_json(job));
	put_number(o, "us", (int64_t)((daemon_now() - job->began) * 1e6));
	request_answer(r, o);
}

static struct job_waiter *waiter(struct request *r)
{
	r->waiter.done = job_answered;
	if (!param_bool(r, "silent"))
		r->waiter.progress = job_progressed;
	return &r->waiter;
}

/* ---- definitions --------------------------------------------------------------- */

static void answer_domain(struct request *r, const struct domain *d)
{
	struct json_object *o = json_object_new_object();
	char uuid[CONFIG_UUID_TEXT];

	put_string(o, "name", d->name);
	config_uuid_text(d->uuid, uuid);
	put_string(o, "uuid", uuid);
	request_answer(r, o);
}

void method_define(struct request *r)
{
	struct dom_config *c = take_xml(r, xml_parse_domain, NULL);
	char name[CONFIG_NAME_MAX + 1];
	struct domain *d;
	struct fail why;

	if (!c)
		return;
	strcpy(name, c->name);
	if (life_define(r->dm, c, &d, &why))
		method_fail(r, name, &why);
	else
		answer_domain(r, d);
}

/* Answer a call that is done at once; d may be gone. */
static void answer_simple(struct request *r, const char *name, int rc,
			  struct fail *why)
{
	if (rc)
		method_fail(r, name, why);
	else
		request_answer(r, NULL);
}

void method_undefine(struct request *r)
{
	struct domain *d = method_domain(r);
	char name[CONFIG_NAME_MAX + 1];
	struct fail why;

	if (!d)
		return;
	strcpy(name, d->name);
	answer_simple(r, name, life_undefine(d, &why), &why);
}

void method_autostart(struct request *r)
{
	struct domain *d = method_domain(r);
	struct fail why;

	if (d)
		answer_simple(r, d->name,
			      life_set_autostart(d, param_bool(r, "on"), &why),
			      &why);
}

/* ---- lives --------------------------------------------------------------------- */

void method_create(struct request *r)
{
	struct dom_config *c = take_xml(r, xml_parse_domain, NULL);
	char name[CONFIG_NAME_MAX + 1];
	struct fail why;

	if (!c)
		return;
	strcpy(name, c->name);
	if (life_create(r->dm, c, param_bool(r, "paused"), waiter(r), &why))
		method_fail(r, name, &why);
}

void method_start(struct request *r)
{
	struct domain *d = method_domain(r);
	struct fail why;

	if (d && life_start(d, param_bool(r, "paused"), waiter(r), &why))
		method_fail(r, d->name, &why);
}

void method_destroy(struct request *r)
{
	struct domain *d = method_domain(r);
	struct fail why;

	if (d && life_destroy(d, waiter(r), &why))
		method_fail(r, d->name, &why);
}

void method_shutdown(struct request *r)
{
	struct domain *d = method_domain(r);
	struct fail why;

	if (d)
		answer_simple(r, d->name, life_shutdown(d, "poweroff", &why),
			      &why);
}

void method_reboot(struct request *r)
{
	struct domain *d = method_domain(r);
	struct fail why;

	if (d)
		answer_simple(r, d->name, life_shutdown(d, "reboot", &why),
			      &why);
}

void method_pause(struct request *r)
{
	struct domain *d = method_domain(r);
	struct fail why;

	if (d)
		answer_simple(r, d->name, life_pause(d, &why), &why);
}

void method_resume(struct request *r)
{
	struct domain *d = method_domain(r);
	struct fail why;

	if (d)
		answer_simple(r, d->name, life_resume(d, &why), &why);
}

/* ---- limits -------------------------------------------------------------------- */

void method_setmem(struct request *r)
{
	int64_t kib = param_number(r, "kib", 0);
	struct domain *d = method_domain(r);
	struct fail why;

	if (d)
		answer_simple(
			r, d->name,
			life_set_memory(d, kib > 0 ? (uint64_t)kib : 0, &why),
			&why);
}

void method_setvcpus(struct request *r)
{
	int64_t n = param_number(r, "count", 0);
	struct domain *d = method_domain(r);
	struct fail why;

	if (d)
		answer_simple(
			r, d->name,
			life_set_vcpus(d,
				       n > 0 && n < 4096 ? (unsigned int)n : 0,
				       &why),
			&why);
}

void method_schedinfo(struct request *r)
{
	int64_t weight = param_number(r, "weight", 0);
	int64_t cap = param_number(r, "cap", -1);
	struct domain *d = method_domain(r);
	struct pv_control_sched s = {0};
	struct json_object *o;
	struct fail why = {0};
	int rc = 0;

	if (!d)
		return;
	if (weight < 0 || weight > 65535 || cap < -1 || cap > 100000)
		rc = fail_set(&why, FAIL_INVALID,
			      "weight is 1 to 65535, cap a percentage");
	else if (weight || cap >= 0)
		rc = life_set_sched(d, (unsigned int)weight, (int)cap, &why);
	if (!rc && d->domid < 0)
		rc = fail_set(&why, FAIL_STATE, "the domain is %s",
			      domain_state_name(d));
	if (rc) {
		method_fail(r, d->name, &why);
		return;
	}
	r->dm->hv->ops->get_sched(r->dm->hv, (domid_t)d->domid, &s);
	o = json_object_new_object();
	put_number(o, "weight", s.weight);
	put_number(o, "cap", s.cap);
	request_answer(r, o);
}

/* ---- devices ------------------------------------------------------------------- */

void method_attach(struct request *r)
{
	struct domain *d = method_domain(r);
	struct dom_config *c =
		d ? take_xml(r, xml_parse_device, d->name) : NULL;
	struct fail why;

	if (c &&
	    life_attach(d, c, param_bool(r, "persistent"), waiter(r), &why))
		method_fail(r, d->name, &why);
}

void method_detach(struct request *r)
{
	struct domain *d = method_domain(r);
	struct fail why;
	const char *target = d ? param_string(r, "target", &why) : NULL;

	if (!d)
		return;
	if (!target ||
	    life_detach(d, target, param_bool(r, "force"),
			param_bool(r, "persistent"), waiter(r), &why))
		method_fail(r, d->name, &why);
}
