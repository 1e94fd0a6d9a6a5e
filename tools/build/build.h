/* SPDX-License-Identifier: MIT */
/*
 * libpvbuild: a kernel file, and a domain that was just created, become a guest
 * that only waits to be unpaused.
 *
 *	struct build_error why;
 *	struct kernel_file *kf = kernel_open(path, cache, &why);
 *	pv_control_create(pv, ..., &domid);
 *	guest_build(pv, domid, &spec, &guest, &why);
 *	... introduce the guest to the store, attach its console ...
 *	pv_control_unpause(pv, domid);
 *
 * The pages of the two rings are lent to their servers by the grants that the
 * ABI keeps for them (GNTTAB_RESERVED_*); their ports wait to be bound.
 *
 * Functions return 0, or a negative errno number with one line in `why` that
 * names stage, object and limit: "memory: 65536 frames wanted, 51200 are free".
 */
#ifndef TOOLS_BUILD_BUILD_H
#define TOOLS_BUILD_BUILD_H

#include "tools/build/layout.h"
#include "tools/pvlib/pv.h"

struct build_error {
	char text[320];
};

/* Fill in the text; returns -err.  For users that add stages of their own. */
int build_fail(struct build_error *why, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- kernels ------------------------------------------------------------------ */

struct kernel_file;

/*
 * Open a kernel: ELF, or bzImage (gzip, xz, lz4, zstd).  What is unpacked is
 * kept in directory `cache` by content, if that is not NULL; the directory is
 * made if need be, and must belong to the caller alone.  NULL with errno set:
 * see `why`.
 */
struct kernel_file *kernel_open(const char *path, const char *cache,
				struct build_error *why);
void kernel_close(struct kernel_file *file);
const struct kernel *kernel_of(const struct kernel_file *file);

/*
 * For daemons: kernels from the cache stay open for the next guest.  Any thread
 * may open and close.
 */
struct kernel_shelf;
struct kernel_shelf *shelf_new(void);
void shelf_free(struct kernel_shelf *shelf); /* NULL: nothing to do */
struct kernel_file *shelf_open(struct kernel_shelf *shelf, const char *path,
			       const char *cache, struct build_error *why);
void shelf_close(struct kernel_shelf *shelf, struct kernel_file *file);

/* ---- guests ------------------------------------------------------------------- */

struct guest_spec {
	const struct kernel *kernel;
	const char *initrd; /* path, or NULL                                */
	const char *cmdline; /* NULL: empty                                 */
	uint64_t nr_frames; /* that it starts with                          */
	uint64_t max_frames; /* that its memory map shows; 0: nr_frames     */
	domid_t store_domid; /* who serves its store ring                   */
	domid_t console_domid; /* who serves its console ring               */
};

enum build_stage {
	BUILD_PLAN,
	BUILD_MEMORY,
	BUILD_RINGS,
	BUILD_KERNEL,
	BUILD_INITRD,
	BUILD_TABLES,
	BUILD_START,
	BUILD_STAGES,
};

struct guest {
	domid_t domid;
	uint64_t store_mfn, console_mfn;
	uint32_t store_port, console_port; /* the guest's own, to bind to */
	uint64_t stage_ns[BUILD_STAGES]; /* how long each stage took      */
};

const char *build_stage_name(enum build_stage stage);

/*
 * Build in a domain that is paused and owns no memory.  After an error the
 * domain is fit for nothing but to be destroyed.
 */
int guest_build(struct pv *pv, domid_t domid, const struct guest_spec *spec,
		struct guest *guest, struct build_error *why);
/*
 * The same in two parts.  After the first the rings are there, so that the
 * guest can be introduced while the second, in another thread if you like,
 * fills its memory.  What `spec` and `guest` point to is used until the end.
 */
struct guest_builder;
int guest_begin(struct pv *pv, domid_t domid, const struct guest_spec *spec,
		struct guest *guest, struct guest_builder **builder,
		struct build_error *why);
/* Frees the builder, whatever comes of it. */
int guest_finish(struct guest_builder *builder, struct build_error *why);
void guest_abandon(struct guest_builder *builder);

#endif
