/* SPDX-License-Identifier: MIT */
/* Requests: their parameters, their answers; and events. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/daemon/event.h"
#include "tools/daemon/server.h"
#include "tools/daemon/server_internal.h"

void put_string(struct json_object *o, const char *name, const char *value)
{
	json_object_object_add(o, name,
			       value ? json_object_new_string(value) : NULL);
}

void put_number(struct json_object *o, const char *name, int64_t value)
{
	json_object_object_add(o, name, json_object_new_int64(value));
}

void put_bool(struct json_object *o, const char *name, bool value)
{
	json_object_object_add(o, name, json_object_new_boolean(value));
}

/* ---- answers ------------------------------------------------------------------- */

static void request_free(struct request *r)
{
	struct request **at;

	if (r->conn) {
		for (at = &r->conn->requests; *at != r; at = &(*at)->next)
			;
		*at = r->next;
	}
	json_object_put(r->id);
	json_object_put(r->params);
	json_object_put(r->warnings);
	free(r);
}

static void request_send(struct request *r, const char *name,
			 struct json_object *value)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "id", json_object_get(r->id));
	json_object_object_add(o, name, value);
	if (r->conn)
		conn_send(r->conn, o);
	json_object_put(o);
}

void request_answer(struct request *r, struct json_object *result)
{
	if (!result)
		result = json_object_new_object();
	if (r->warnings)
		json_object_object_add(result, "warnings",
				       json_object_get(r->warnings));
	request_send(r, "result", result);
	request_free(r);
}

void request_fail(struct request *r, const struct fail *why,
		  struct json_object *details)
{
	struct json_object *o = json_object_new_object();

	put_string(o, "code", fail_code_name(why->code));
	put_string(o, "message", why->text);
	if (details)
		json_object_object_add(o, "details", details);
	request_send(r, "error", o);
	request_free(r);
}

void request_progress(struct request *r, struct json_object *o)
{
	request_send(r, "progress", o);
}

void request_subscribe(struct request *r)
{
	if (r->conn)
		r->conn->subscribed = true;
}

/* ---- parameters ---------------------------------------------------------------- */

const char *param_string(struct request *r, const char *name, struct fail *why)
{
	struct json_object *v;

	if (r->params && json_object_is_type(r->params, json_type_object) &&
	    json_object_object_get_ex(r->params, name, &v) &&
	    json_object_is_type(v, json_type_string))
		return json_object_get_string(v);
	if (why)
		fail_set(why, FAIL_INVALID, "parameter %s is missing", name);
	return NULL;
}

bool param_bool(const struct request *r, const char *name)
{
	struct json_object *v;

	return r->params && json_object_is_type(r->params, json_type_object) &&
	       json_object_object_get_ex(r->params, name, &v) &&
	       json_object_get_boolean(v);
}

int64_t param_number(const struct request *r, const char *name,
		     int64_t fallback)
{
	struct json_object *v;

	if (!r->params || !json_object_is_type(r->params, json_type_object) ||
	    !json_object_object_get_ex(r->params, name, &v) || !v)
		return fallback;
	return json_object_is_type(v, json_type_int) ? json_object_get_int64(v)
						     : PARAM_WRONG;
}

/* ---- events -------------------------------------------------------------------- */

static struct json_object *event_of(const char *event, const struct domain *d)
{
	struct json_object *o = json_object_new_object();
	char uuid[CONFIG_UUID_TEXT];

	put_string(o, "event", event);
	json_object_object_add(o, "time", json_object_new_double(ev_time()));
	if (!d)
		return o;
	put_string(o, "domain", d->name);
	config_uuid_text(d->uuid, uuid);
	put_string(o, "uuid", uuid);
	if (d->domid >= 0)
		put_number(o, "domid", d->domid);
	return o;
}

void event_send(struct daemon *dm, const char *event, const struct domain *d,
		...)
{
	struct json_object *o;
	const char *name;
	struct conn *c;
	va_list ap;

	if (!dm->server)
		return;
	o = event_of(event, d);
	va_start(ap, d);
	while ((name = va_arg(ap, const char *)))
		put_string(o, name, va_arg(ap, const char *));
	va_end(ap);
	TAILQ_FOREACH(c, &dm->server->conns, link)
	if (c->subscribed)
		conn_send(c, o);
	json_object_put(o);
}
