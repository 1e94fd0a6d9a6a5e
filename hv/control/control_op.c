/* SPDX-License-Identifier: MIT */
/*
 * control_op: one request, copied in, served, copied out.
 */
#include <pv/errno.h>
#include <pv/hypercalls.h>

#include "hv/console/console.h"
#include "hv/control/internal.h"
#include "hv/lib/string.h"
#include "hv/sched/sched.h"

/* One command at a time, so that no domain changes or ends under another. */
static spinlock_t control_lock = SPINLOCK_INIT(RUNG_CONTROL);

#define LOG_CHUNK 512
#define LOG_RUN   16384 /* bytes of log that one call gives */

static int read_log(struct pv_control_log *log)
{
	uint32_t room = min(log->size, (uint32_t)LOG_RUN), done = 0;
	char part[LOG_CHUNK];

	while (done < room) {
		size_t n =
			log_read(part, min((size_t)(room - done), sizeof(part)),
				 log->position, &log->position);

		if (!n)
			break;
		if (copy_to_guest(log->buffer + done, part, n))
			return -EFAULT;
		done += n;
	}
	log->length = done;
	return 0;
}

static int serve_machine(struct pv_control_op *op)
{
	if (op->domid)
		return -EINVAL;
	switch (op->cmd) {
	case PV_CONTROL_read_log:
		return read_log(&op->u.log);
	case PV_CONTROL_get_machine:
		control_machine(&op->u.machine);
		return 0;
	case PV_CONTROL_get_cpu:
		return control_cpu(&op->u.cpu);
	default:
		return -ENOSYS;
	}
}

static int set_sched(struct domain *d, const struct pv_control_sched *s)
{
	if (!s->weight || s->weight > PV_SCHED_WEIGHT_MAX ||
	    s->cap > 100 * nr_cpus)
		return -EINVAL;
	sched_set_weight(d, s->weight, s->cap);
	return 0;
}

static int set_max_memory(struct domain *d, uint64_t pages)
{
	if (pages > mm_total_frames())
		return -EINVAL;
	WRITE_ONCE(d->mm.max_frames, pages);
	return 0;
}

static int pause(struct domain *d, bool on)
{
	if (d->privileged || d->control_paused == on)
		return -EINVAL;
	d->control_paused = on;
	if (on)
		domain_pause(d);
	else
		domain_unpause(d);
	return 0;
}

/* Commands that would stop or change the caller itself. */
static bool not_for_control(uint32_t cmd)
{
	return cmd == PV_CONTROL_destroy_domain ||
	       cmd == PV_CONTROL_set_vcpu_context ||
	       cmd == PV_CONTROL_set_memory_map ||
	       cmd == PV_CONTROL_set_hypercall_page ||
	       cmd == PV_CONTROL_list_frames ||
	       cmd == PV_CONTROL_resume_domain ||
	       cmd == PV_CONTROL_write_memory;
}

static int serve_domain(struct domain *d, struct pv_control_op *op)
{
	if (d->privileged && not_for_control(op->cmd))
		return -EPERM;
	switch (op->cmd) {
	case PV_CONTROL_destroy_domain:
		return control_destroy(d);
	case PV_CONTROL_pause_domain:
		return pause(d, true);
	case PV_CONTROL_unpause_domain:
		return pause(d, false);
	case PV_CONTROL_get_domain:
		control_describe(d, &op->u.domain);
		return 0;
	case PV_CONTROL_set_max_vcpus:
		return op->u.vcpus.max_vcpus == d->max_vcpus ? 0 : -EINVAL;
	case PV_CONTROL_set_max_memory:
		return set_max_memory(d, op->u.memory.pages);
	case PV_CONTROL_claim_memory:
		return mm_domain_claim(&d->mm, op->u.memory.pages);
	case PV_CONTROL_set_vcpu_context:
		return control_set_context(d, &op->u.context);
	case PV_CONTROL_get_vcpu_context:
		return control_get_context(d, &op->u.context);
	case PV_CONTROL_get_vcpu:
		return control_vcpu(d, op);
	case PV_CONTROL_set_sched:
		return set_sched(d, &op->u.sched);
	case PV_CONTROL_get_sched:
		op->u.sched.weight = d->weight;
		op->u.sched.cap = d->cap;
		return 0;
	case PV_CONTROL_set_memory_map:
		return control_memory_map(d, &op->u.memory_map);
	case PV_CONTROL_set_hypercall_page:
		return control_hypercall_page(d, op->u.frame.mfn);
	case PV_CONTROL_list_frames:
		return control_list_frames(d, &op->u.frames);
	case PV_CONTROL_write_memory:
		return control_write_memory(d, &op->u.write);
	default:
		return -ENOSYS;
	}
}

static int serve(struct pv_control_op *op)
{
	struct domain *d;
	int rc;

	if (op->cmd == PV_CONTROL_create_domain)
		return control_create(op);
	if (op->cmd == PV_CONTROL_list_domains)
		return control_list(op);
	if (op->cmd >= PV_CONTROL_read_log)
		return serve_machine(op);
	d = domain_get_dying(op->domid);
	if (!d)
		return -ESRCH;
	if (d->dying && op->cmd != PV_CONTROL_destroy_domain &&
	    op->cmd != PV_CONTROL_get_domain)
		rc = -ESRCH;
	else
		rc = serve_domain(d, op);
	domain_put(d);
	return rc;
}

long hc_control_op(uint64_t arg)
{
	struct pv_control_op op;
	int rc = -ERESTART;

	if (!current->domain->privileged)
		return -EPERM;
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.version != PV_CONTROL_VERSION || op.reserved0 || op.reserved1)
		return -EINVAL;
	/* Who has it may wait for a CPU: come again rather than wait here. */
	if (spin_trylock(&control_lock)) {
		rc = serve(&op);
		spin_unlock(&control_lock);
	}
	if (rc == -ERESTART)
		return mm_restart(HC_control_op, arg, 0, 0, 0);
	if (!rc && copy_to_guest(arg, &op, sizeof(op)))
		return -EFAULT;
	return rc;
}
