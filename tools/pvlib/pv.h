/* SPDX-License-Identifier: MIT */
/*
 * libpv: the hypervisor, seen from programs of the control domain.
 *
 * Everything goes through the devices of a stock Linux kernel (/dev/xen/...);
 * users of this header need neither its headers nor those of a toolstack.
 * There are four independent handles, so that a program opens what it needs
 * before it drops its privileges:
 *
 *	struct pv	 hypercalls and frames of other domains (control only)
 *	struct pv_evtchn event channels
 *	struct pv_gnt	 grants of other domains: map them, copy from and to
 *	struct pv_share	 own pages lent to another domain
 *
 * Errors: an int is 0 (or a count, or a port) or a negative errno number; a
 * pointer is NULL with errno set.  pv_error() then says in one line what was
 * tried on what, and why it failed.  The text is the calling thread's own and
 * lasts until its next failure.  A handle may be used by one thread at a time;
 * several handles do not disturb each other.
 *
 * Frame numbers are machine frames (mfn) unless a name says pfn.  Sizes are in
 * frames of PV_PAGE_SIZE bytes where a name says nr_frames, otherwise in bytes.
 */
#ifndef TOOLS_PVLIB_PV_H
#define TOOLS_PVLIB_PV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pv/arch-x86.h>
#include <pv/control.h>
#include <pv/grant_table.h>
#include <pv/memory.h>
#include <pv/mmu.h>
#include <pv/vcpu.h>

/* One line, without a newline: "map 512 frames of d3 at mfn=0x1f00: ...". */
const char *pv_error(void);

/* ---- hypercalls ------------------------------------------------------------ */

struct pv;

/* Fails with ENOENT or ENODEV where there is no hypervisor, EACCES without
 * the right. */
struct pv *pv_open(void);
void pv_close(struct pv *pv);

/*
 * Memory that hypercalls may read and write: page-aligned, zeroed, locked, not
 * inherited by children.  Arguments that the calls below take need not be such
 * memory: they copy.  For long arrays the program can avoid the copy.
 */
void *pv_buffer_alloc(struct pv *pv, size_t bytes);
void pv_buffer_free(struct pv *pv, void *buffer, size_t bytes);

/* Any hypercall; arguments that are addresses must be in buffers as above.
 * Returns what the hypervisor does: negative errno, or a result. */
long pv_hypercall(struct pv *pv, unsigned int nr, uint64_t a1, uint64_t a2,
		  uint64_t a3, uint64_t a4);

/* ---- domains (ABI.md section 13) ---------------------------------------------- */

/* Any command; op->version is filled in here.  u.*.buffer and the like must be
 * in memory of pv_buffer_alloc(). */
int pv_control(struct pv *pv, struct pv_control_op *op);

/* *domid: the wanted number or DOMID_INVALID; then the domain's. */
int pv_control_create(struct pv *pv, const struct pv_control_create *create,
		      domid_t *domid);
/* Returns when all that the domain had is free again. */
int pv_control_destroy(struct pv *pv, domid_t domid);
int pv_control_pause(struct pv *pv, domid_t domid);
int pv_control_unpause(struct pv *pv, domid_t domid);
/* End it as its own shutdown would; reason is SHUTDOWN_*. */
int pv_control_shutdown(struct pv *pv, domid_t domid, unsigned int reason);
int pv_control_get_domain(struct pv *pv, domid_t domid,
			  struct pv_domain_info *info);
/* Domains from number `first` on, ascending; returns how many were written. */
int pv_control_list_domains(struct pv *pv, domid_t first,
			    struct pv_domain_info *info, unsigned int room);
int pv_control_set_max_memory(struct pv *pv, domid_t domid, uint64_t frames);
int pv_control_claim_memory(struct pv *pv, domid_t domid, uint64_t frames);
int pv_control_set_vcpu_context(struct pv *pv, domid_t domid, unsigned int vcpu,
				const struct pv_vcpu_guest_context *context);
int pv_control_get_vcpu_context(struct pv *pv, domid_t domid, unsigned int vcpu,
				struct pv_vcpu_guest_context *context);
int pv_control_get_vcpu(struct pv *pv, domid_t domid, unsigned int vcpu,
			struct pv_vcpu_status *status);
int pv_control_set_sched(struct pv *pv, domid_t domid, unsigned int weight,
			 unsigned int cap);
int pv_control_get_sched(struct pv *pv, domid_t domid,
			 struct pv_control_sched *sched);
int pv_control_set_memory_map(struct pv *pv, domid_t domid,
			      const struct pv_e820_entry *map,
			      unsigned int entries);
int pv_control_set_hypercall_page(struct pv *pv, domid_t domid, uint64_t mfn);
/* *position: where to begin, then where to go on.  Returns the bytes read. */
int pv_control_read_log(struct pv *pv, char *text, size_t room,
			uint64_t *position);
int pv_control_get_machine(struct pv *pv, struct pv_machine_info *machine);
int pv_control_get_cpu(struct pv *pv, unsigned int cpu,
		       struct pv_cpu_status *status);

/* ---- memory of domains ---------------------------------------------------------- */

/*
 * Give a domain memory: nr extents of 2^order frames.  extents[] holds the
 * first pfn of each; it is overwritten with their first mfns.  Returns how
 * many were done (fewer than nr: the machine or the domain's limit is full).
 */
int pv_populate(struct pv *pv, domid_t domid, unsigned int order,
		uint64_t *extents, unsigned int nr);

/*
 * Write bytes into frames of a paused domain, from `offset` in the first on;
 * mfn[] names as many frames as that takes.  Much faster than mapping them.
 */
int pv_write_memory(struct pv *pv, domid_t domid, const uint64_t *mfn,
		    unsigned int offset, const void *from, size_t bytes);

/*
 * Map frames of a domain, in this order, one after the other.  A frame that
 * cannot be mapped (not the domain's, or a page table and writable) fails all.
 * The mapping stays valid, but keeps the frame alive, after the domain's end.
 */
void *pv_map_frames(struct pv *pv, domid_t domid, const uint64_t *mfn,
		    unsigned int nr_frames, bool writable);
void pv_unmap_frames(struct pv *pv, void *map, unsigned int nr_frames);

/* mmuext_op on frames of a domain: PIN, UNPIN, CLEAR_PAGE, COPY_PAGE. */
int pv_mmuext(struct pv *pv, domid_t domid, const struct pv_mmuext_op *ops,
	      unsigned int nr);

/* The first nr_frames frames of a domain's grant table, to be mapped with
 * pv_map_frames(); the table grows if need be. */
int pv_grant_frames(struct pv *pv, domid_t domid, uint64_t *mfn,
		    unsigned int nr_frames);

/* A new port of domain `domid` that accepts a binding from `remote`.
 * Returns the port. */
int pv_alloc_unbound(struct pv *pv, domid_t domid, domid_t remote);

/* ---- event channels --------------------------------------------------------------- */

struct pv_evtchn;

/* The descriptor is non-blocking and closed on exec. */
struct pv_evtchn *pv_evtchn_open(void);
/* Unbinds all its ports. */
void pv_evtchn_close(struct pv_evtchn *e);
/* Readable while pv_evtchn_pending() has something to say. */
int pv_evtchn_fd(const struct pv_evtchn *e);
/* Connect to a peer's unbound port.  Returns the own port, which has an event
 * pending at once. */
int pv_evtchn_bind(struct pv_evtchn *e, domid_t domid, uint32_t remote_port);
/* A new port that accepts a binding from a domain.  Returns it. */
int pv_evtchn_alloc(struct pv_evtchn *e, domid_t domid);
/* A global virtual interrupt, VIRQ_DOM_EXC for instance.  Returns the port. */
int pv_evtchn_bind_virq(struct pv_evtchn *e, unsigned int virq);
int pv_evtchn_unbind(struct pv_evtchn *e, uint32_t port);
int pv_evtchn_notify(struct pv_evtchn *e, uint32_t port);
/*
 * The next port with an event, which is masked from now on until
 * pv_evtchn_unmask(); -EAGAIN: none.  Ports that were unbound may still come.
 */
int pv_evtchn_pending(struct pv_evtchn *e);
int pv_evtchn_unmask(struct pv_evtchn *e, uint32_t port);
/* For ever: only ports towards this domain can be bound from now on. */
int pv_evtchn_restrict(struct pv_evtchn *e, domid_t domid);

/* ---- grants of other domains -------------------------------------------------------- */

struct pv_gnt;

struct pv_gnt *pv_gnt_open(void);
/* Mappings stay until they are unmapped. */
void pv_gnt_close(struct pv_gnt *g);
/* Map grants of one domain, one after the other; one bad one fails all. */
void *pv_gnt_map(struct pv_gnt *g, domid_t domid, const uint32_t *refs,
		 unsigned int nr, bool writable);
/* The same, of a domain each. */
void *pv_gnt_map_domains(struct pv_gnt *g, const domid_t *domids,
			 const uint32_t *refs, unsigned int nr, bool writable);
/* map and nr as they were mapped. */
int pv_gnt_unmap(struct pv_gnt *g, void *map, unsigned int nr);
/*
 * What the kernel does when a mapping of one frame goes, for whatever reason
 * (this process was killed, for instance): clear the byte at `clear`, which
 * lies in the mapping (NULL: none), and send an event to `port` (0: none; the
 * port must have been bound in this process).
 */
int pv_gnt_notify_unmap(struct pv_gnt *g, void *map, void *clear,
			uint32_t port);

/* One piece of a copy; it may not cross a page on a grant's side. */
struct pv_gnt_copy {
	void *local;
	uint32_t ref;
	domid_t domid;
	uint16_t offset; /* in the granted frame               */
	uint16_t bytes;
	int16_t status; /* OUT GNTST_*                         */
	bool to_grant; /* from local to the grant, or back     */
};

/* Returns 0 when all were tried: each has its own status. */
int pv_gnt_copy(struct pv_gnt *g, struct pv_gnt_copy *pieces, unsigned int nr);

/* "not granted to us", for a GNTST_* number. */
const char *pv_gnt_status_text(int status);

/* ---- own pages lent to another domain ------------------------------------------------- */

struct pv_share;

struct pv_share *pv_share_open(void);
void pv_share_close(struct pv_share *s);
/* nr zeroed pages for a domain; refs[nr] receives the references. */
void *pv_share_alloc(struct pv_share *s, domid_t domid, unsigned int nr,
		     bool writable, uint32_t *refs);
/* The pages stay allocated until the peer has unmapped them. */
int pv_share_free(struct pv_share *s, void *pages, unsigned int nr);

#endif /* TOOLS_PVLIB_PV_H */
