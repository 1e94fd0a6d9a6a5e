/* SPDX-License-Identifier: MIT */
/*
 * Where a vcpu's vcpu_info lives.  It begins in the shared_info page; the
 * guest may move it once, to memory of its own (VCPUOP_register_vcpu_info).
 *
 * A raise on another CPU may still write to the old place while we move.  It
 * set the port's pending bit (or queued the event) before it loaded v->info,
 * so it is enough to point v->info at the new place first and then to mark
 * everything there as pending: the guest looks once too often, and finds it.
 */
#include "hv/evtchn/internal.h"

void (*vinfo_mapped)(struct vcpu *v);

int vcpu_info_register(struct vcpu *v, uint64_t mfn, uint32_t offset)
{
	struct pv_vcpu_info *info;
	int rc;

	if (offset % 8 || offset > PAGE_SIZE - sizeof(*info))
		return -EINVAL;
	if (v->info_moved)
		return -EINVAL;
	rc = frame_get_typed(mfn_of(mfn), v->domain, FT_WRITABLE);
	if (rc)
		return rc;

	info = (void *)((char *)direct_map(mfn_of(mfn)) + offset);
	memcpy(info, v->info, sizeof(*info));
	v->info_moved = true;
	v->info_mfn = mfn_of(mfn);
	/* ORDER: the new place before its flags; pairs with select_2l and
	 * vcpu_mark_pending, which load v->info after they raised. */
	store_release(&v->info, info);
	smp_mb();
	if (vinfo_mapped)
		vinfo_mapped(v);
	atomic_fetch_or(&info->evtchn_pending_sel, ~0ull);
	vcpu_mark_pending(v);
	return 0;
}

void vcpu_info_release(struct vcpu *v)
{
	if (!v->info_moved)
		return;
	v->info = &v->domain->shared_info->vcpu_info[v->id];
	v->info_moved = false;
	frame_put_typed(v->info_mfn);
	v->info_mfn = MFN_INVALID;
}
