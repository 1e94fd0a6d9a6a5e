/* SPDX-License-Identifier: MIT */
/*
 * control_op, a function for each command.
 *
 * The request is copied to the start of the scratch memory and what it points
 * to behind it, so callers may keep both wherever they like.
 */
#include <errno.h>
#include <string.h>

#include <pv/hypercalls.h>
#include <pv/sched.h>

#include "tools/pvlib/internal.h"

#define PAYLOAD_AT 256 /* in the scratch memory, behind the request */
#define PAYLOAD    (SCRATCH_BYTES - PAYLOAD_AT)

static void *payload(struct pv *pv)
{
	return (char *)pv->scratch + PAYLOAD_AT;
}

static pv_gva_t payload_address(struct pv *pv)
{
	return (pv_gva_t)(uintptr_t)payload(pv);
}

static const char *command_name(uint32_t cmd)
{
	static const char *const name[] = {
		[PV_CONTROL_create_domain] = "create",
		[PV_CONTROL_destroy_domain] = "destroy",
		[PV_CONTROL_pause_domain] = "pause",
		[PV_CONTROL_unpause_domain] = "unpause",
		[PV_CONTROL_get_domain] = "look up",
		[PV_CONTROL_list_domains] = "list domains from",
		[PV_CONTROL_set_max_vcpus] = "set the vcpus of",
		[PV_CONTROL_set_max_memory] = "set the memory limit of",
		[PV_CONTROL_claim_memory] = "claim memory for",
		[PV_CONTROL_set_vcpu_context] = "set a vcpu of",
		[PV_CONTROL_get_vcpu_context] = "read a vcpu of",
		[PV_CONTROL_get_vcpu] = "look up a vcpu of",
		[PV_CONTROL_set_sched] = "set the scheduling of",
		[PV_CONTROL_get_sched] = "read the scheduling of",
		[PV_CONTROL_set_memory_map] = "set the memory map of",
		[PV_CONTROL_set_hypercall_page] = "fill a hypercall page of",
		[PV_CONTROL_list_frames] = "list the frames of",
		[PV_CONTROL_resume_domain] = "resume",
		[PV_CONTROL_write_memory] = "write the memory of",
		[PV_CONTROL_read_log] = "read the hypervisor's log for",
		[PV_CONTROL_get_machine] = "look up the machine for",
		[PV_CONTROL_get_cpu] = "look up a cpu for",
	};
	const char *found =
		cmd < sizeof(name) / sizeof(name[0]) ? name[cmd] : NULL;

	return found ? found : "ask about";
}

int pv_control(struct pv *pv, struct pv_control_op *op)
{
	domid_t domid = op->domid;
	long rc;

	op->version = PV_CONTROL_VERSION;
	memcpy(pv->scratch, op, sizeof(*op));
	rc = pv_hypercall(pv, HC_control_op, (uintptr_t)pv->scratch, 0, 0, 0);
	if (rc < 0 && domid == DOMID_INVALID)
		return pv_fail((int)-rc, "%s a domain", command_name(op->cmd));
	if (rc < 0)
		return pv_fail((int)-rc, "%s d%u", command_name(op->cmd),
			       domid);
	memcpy(op, pv->scratch, sizeof(*op));
	return 0;
}

static int simple(struct pv *pv, uint32_t cmd, domid_t domid)
{
	struct pv_control_op op = {.cmd = cmd, .domid = domid};

	return pv_control(pv, &op);
}

int pv_control_create(struct pv *pv, const struct pv_control_create *create,
		      domid_t *domid)
{
	struct pv_control_op op = {
		.cmd = PV_CONTROL_create_domain,
		.domid = *domid,
		.u.create = *create,
	};
	int rc = pv_control(pv, &op);

	if (!rc)
		*domid = op.domid;
	return rc;
}

int pv_control_destroy(struct pv *pv, domid_t domid)
{
	return simple(pv, PV_CONTROL_destroy_domain, domid);
}

int pv_control_pause(struct pv *pv, domid_t domid)
{
	return simple(pv, PV_CONTROL_pause_domain, domid);
}

int pv_control_unpause(struct pv *pv, domid_t domid)
{
	return simple(pv, PV_CONTROL_unpause_domain, domid);
}

int pv_control_shutdown(struct pv *pv, domid_t domid, unsigned int reason)
{
	struct pv_sched_remote_shutdown *arg = pv->scratch;
	long rc;

	*arg = (struct pv_sched_remote_shutdown){
		.domain_id = domid,
		.reason = reason,
	};
	rc = pv_hypercall(pv, HC_sched_op, SCHEDOP_remote_shutdown,
			  (uintptr_t)arg, 0, 0);
	if (rc < 0)
		return pv_fail((int)-rc, "shut down d%u, reason=%u", domid,
			       reason);
	return 0;
}

int pv_control_get_domain(struct pv *pv, domid_t domid,
			  struct pv_domain_info *info)
{
	struct pv_control_op op = {
		.cmd = PV_CONTROL_get_domain,
		.domid = domid,
	};
	int rc = pv_control(pv, &op);

	if (!rc)
		*info = op.u.domain;
	return rc;
}

int pv_control_list_domains(struct pv *pv, domid_t first,
			    struct pv_domain_info *info, unsigned int room)
{
	const unsigned int most = PAYLOAD / sizeof(*info);
	struct pv_control_op op;
	unsigned int done = 0, n;
	int rc;

	while (done < room) {
		n = room - done < most ? room - done : most;
		op = (struct pv_control_op){
			.cmd = PV_CONTROL_list_domains,
			.u.list = {payload_address(pv), n, first, 0},
		};
		rc = pv_control(pv, &op);
		if (rc)
			return rc;
		memcpy(info + done, payload(pv),
		       op.u.list.nr_entries * sizeof(*info));
		done += op.u.list.nr_entries;
		if (op.u.list.nr_entries < n)
			break;
		first = (domid_t)(info[done - 1].domid + 1);
	}
	return (int)done;
}

static int set_memory(struct pv *pv, uint32_t cmd, domid_t domid,
		      uint64_t frames)
{
	struct pv_control_op op = {
		.cmd = cmd,
		.domid = domid,
		.u.memory.pages = frames,
	};

	return pv_control(pv, &op);
}

int pv_control_set_max_memory(struct pv *pv, domid_t domid, uint64_t frames)
{
	return set_memory(pv, PV_CONTROL_set_max_memory, domid, frames);
}

int pv_control_claim_memory(struct pv *pv, domid_t domid, uint64_t frames)
{
	return set_memory(pv, PV_CONTROL_claim_memory, domid, frames);
}

int pv_control_set_vcpu_context(struct pv *pv, domid_t domid, unsigned int vcpu,
				const struct pv_vcpu_guest_context *context)
{
	struct pv_control_op op = {
		.cmd = PV_CONTROL_set_vcpu_context,
		.domid = domid,
		.u.context = {vcpu, 0, payload_address(pv)},
	};

	memcpy(payload(pv), context, sizeof(*context));
	return pv_control(pv, &op);
}

int pv_control_get_vcpu_context(struct pv *pv, domid_t domid, unsigned int vcpu,
				struct pv_vcpu_guest_context *context)
{
	struct pv_control_op op = {
		.cmd = PV_CONTROL_get_vcpu_context,
		.domid = domid,
		.u.context = {vcpu, 0, payload_address(pv)},
	};
	int rc = pv_control(pv, &op);

	if (!rc)
		memcpy(context, payload(pv), sizeof(*context));
	return rc;
}

int pv_control_get_vcpu(struct pv *pv, domid_t domid, unsigned int vcpu,
			struct pv_vcpu_status *status)
{
	struct pv_control_op op = {
		.cmd = PV_CONTROL_get_vcpu,
		.domid = domid,
		.u.vcpu.vcpu = vcpu,
	};
	int rc = pv_control(pv, &op);

	if (!rc)
		*status = op.u.vcpu;
	return rc;
}

int pv_control_set_sched(struct pv *pv, domid_t domid, unsigned int weight,
			 unsigned int cap)
{
	struct pv_control_op op = {
		.cmd = PV_CONTROL_set_sched,
		.domid = domid,
		.u.sched = {weight, cap},
	};

	return pv_control(pv, &op);
}

int pv_control_get_sched(struct pv *pv, domid_t domid,
			 struct pv_control_sched *sched)
{
	struct pv_control_op op = {
		.cmd = PV_CONTROL_get_sched,
		.domid = domid,
	};
	int rc = pv_control(pv, &op);

	if (!rc)
		*sched = op.u.sched;
	return rc;
}

int pv_control_set_memory_map(struct pv *pv, domid_t domid,
			      const struct pv_e820_entry *map,
			      unsigned int entries)
{
	struct pv_control_op op = {
		.cmd = PV_CONTROL_set_memory_map,
		.domid = domid,
		.u.memory_map = {payload_address(pv), entries, 0},
	};

	if (entries > PAYLOAD / sizeof(*map))
		return pv_fail(EINVAL, "memory map of d%u: %u entries", domid,
			       entries);
	memcpy(payload(pv), map, entries * sizeof(*map));
	return pv_control(pv, &op);
}

int pv_control_set_hypercall_page(struct pv *pv, domid_t domid, uint64_t mfn)
{
	struct pv_control_op op = {
		.cmd = PV_CONTROL_set_hypercall_page,
		.domid = domid,
		.u.frame.mfn = mfn,
	};

	return pv_control(pv, &op);
}

int pv_control_read_log(struct pv *pv, char *text, size_t room,
			uint64_t *position)
{
	struct pv_control_op op;
	size_t done = 0, n;
	int rc;

	while (done < room) {
		n = room - done < PAYLOAD ? room - done : PAYLOAD;
		op = (struct pv_control_op){
			.cmd = PV_CONTROL_read_log,
			.u.log =
				{
					.buffer = payload_address(pv),
					.size = (uint32_t)n,
					.position = *position,
				},
		};
		rc = pv_control(pv, &op);
		if (rc)
			return rc;
		if (!op.u.log.length)
			break;
		memcpy(text + done, payload(pv), op.u.log.length);
		done += op.u.log.length;
		*position = op.u.log.position;
	}
	return (int)done;
}

int pv_control_get_machine(struct pv *pv, struct pv_machine_info *machine)
{
	struct pv_control_op op = {.cmd = PV_CONTROL_get_machine};
	int rc = pv_control(pv, &op);

	if (!rc)
		*machine = op.u.machine;
	return rc;
}

int pv_control_get_cpu(struct pv *pv, unsigned int cpu,
		       struct pv_cpu_status *status)
{
	struct pv_control_op op = {
		.cmd = PV_CONTROL_get_cpu,
		.u.cpu.cpu = cpu,
	};
	int rc = pv_control(pv, &op);

	if (!rc)
		*status = op.u.cpu;
	return rc;
}
