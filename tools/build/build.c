/* SPDX-License-Identifier: MIT */
/*
 * Building a guest, stage by stage.
 *
 * Everything that can be refused without the domain (the kernel, the layout,
 * the command line) is, before the domain is touched.  The rings come as soon
 * as there is memory for them: their servers get ready while the rest, which
 * takes longer, is written.  Tables are written while they are plain memory,
 * and pinned once nothing maps them writable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/build/internal.h"

struct guest_builder {
	struct pv *pv;
	struct guest_spec spec;
	struct guest *guest;
	struct guest_memory memory;
	struct layout layout;
	int initrd; /* descriptor, or -1 */
};

int build_fail(struct build_error *why, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return -err;
}

const char *build_stage_name(enum build_stage stage)
{
	static const char *const name[BUILD_STAGES] = {
		[BUILD_PLAN] = "plan",     [BUILD_MEMORY] = "memory",
		[BUILD_RINGS] = "rings",   [BUILD_KERNEL] = "kernel",
		[BUILD_INITRD] = "initrd", [BUILD_TABLES] = "tables",
		[BUILD_START] = "start",
	};

	return stage < BUILD_STAGES ? name[stage] : "?";
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* A text from below gets its stage in front. */
static int in_stage(struct build_error *why, int rc, const char *stage)
{
	struct build_error inner = *why;

	if (rc)
		build_fail(why, -rc, "%s: %.300s", stage, inner.text);
	return rc;
}

static int pv_failed(struct build_error *why, int rc, const char *stage)
{
	return build_fail(why, -rc, "%s: %s", stage, pv_error());
}

static unsigned long long mib(uint64_t frames)
{
	return (frames + 255) / 256;
}

/* ---- plan ------------------------------------------------------------------------ */

static int open_initrd(struct guest_builder *b, uint64_t *bytes,
		       struct build_error *why)
{
	const char *path = b->spec.initrd;
	struct stat st;

	*bytes = 0;
	if (!path)
		return 0;
	b->initrd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (b->initrd < 0 || fstat(b->initrd, &st))
		return build_fail(why, errno, "initrd %s: %s", path,
				  strerror(errno));
	if (!S_ISREG(st.st_mode))
		return build_fail(why, EINVAL, "initrd %s: not a regular file",
				  path);
	*bytes = (uint64_t)st.st_size;
	return 0;
}

static int plan(struct guest_builder *b, struct build_error *why)
{
	const struct guest_spec *s = &b->spec;
	uint64_t initrd;
	int rc = open_initrd(b, &initrd, why);

	if (rc)
		return rc;
	if (s->cmdline && strlen(s->cmdline) >= MAX_GUEST_CMDLINE)
		return build_fail(why, E2BIG,
				  "cmdline: %zu bytes, at most %d fit",
				  strlen(s->cmdline), MAX_GUEST_CMDLINE - 1);
	switch (layout_plan(&b->layout, s->kernel, s->nr_frames, initrd)) {
	case LAYOUT_OK:
		return 0;
	case LAYOUT_TOO_LARGE:
		return build_fail(why, EINVAL,
				  "memory: %llu MiB, or an initrd of %llu MiB; "
				  "at most %llu",
				  mib(s->nr_frames),
				  mib(initrd >> PV_PAGE_SHIFT),
				  mib(LAYOUT_FRAMES_MAX));
	case LAYOUT_NO_ROOM:
		return build_fail(why, ENOMEM,
				  "memory: %llu MiB; the kernel, its initrd "
				  "and page tables alone take %llu MiB",
				  (unsigned long long)s->nr_frames / 256,
				  mib(b->layout.frames_used));
	case LAYOUT_ADDRESS:
		return build_fail(why, EINVAL,
				  "kernel: with %llu MiB of memory and an "
				  "initrd of %llu bytes, its first mapping "
				  "does not fit behind 0x%llx",
				  mib(s->nr_frames), (unsigned long long)initrd,
				  (unsigned long long)b->layout.virt_base);
	case LAYOUT_LIST_ADDRESS:
		break;
	}
	return build_fail(why, EINVAL,
			  "kernel: its frame list cannot be at 0x%llx",
			  (unsigned long long)s->kernel->init_p2m);
}

/* ---- contents ----------------------------------------------------------------- */

static int write_runs(struct guest_builder *b, const struct kernel *k,
		      struct build_error *why)
{
	const struct kernel_run *r;
	int rc = 0;

	for (r = k->runs.run; r < k->runs.run + k->runs.nr && !rc; r++)
		rc = memory_copy(&b->memory, r->pa, k->image + r->offset,
				 r->bytes, why);
	return rc;
}

static int write_segments(struct guest_builder *b, const struct kernel *k,
			  struct build_error *why)
{
	const struct kernel_segment *s;
	int rc = 0;

	for (s = k->segment; s < k->segment + k->nr_segments && !rc; s++)
		rc = memory_write(&b->memory, s->pa, k->image + s->offset,
				  s->file_bytes, why);
	return rc;
}

static int load_kernel(struct guest_builder *b, struct build_error *why)
{
	const struct kernel *k = b->spec.kernel;
	int rc = k->runs.nr ? write_runs(b, k, why) : write_segments(b, k, why);

	if (rc)
		return in_stage(why, rc, "kernel");
	if (k->has_hypercall_page)
		rc = pv_control_set_hypercall_page(
			b->pv, b->memory.domid,
			b->memory.mfn[k->hypercall_page_pa >> PV_PAGE_SHIFT]);
	return rc ? pv_failed(why, rc, "kernel") : 0;
}

static int load_initrd(struct guest_builder *b, struct build_error *why)
{
	int rc;

	if (!b->layout.initrd_bytes)
		return 0;
	rc = memory_read_file(&b->memory, b->layout.initrd_pfn << PV_PAGE_SHIFT,
			      b->initrd, b->layout.initrd_bytes, why);
	return in_stage(why, rc, "initrd");
}

static int load_tables(struct guest_builder *b, struct build_error *why)
{
	const struct layout *l = &b->layout;
	uint64_t nr = l->nr_tables + l->nr_list_tables;
	uint64_t(*pages)[512] = calloc(nr, sizeof(*pages));
	struct pv_mmuext_op pin = {.cmd = MMUEXT_PIN_L4_TABLE};
	int rc;

	if (!pages)
		return build_fail(why, ENOMEM, "tables: no room for %llu pages",
				  (unsigned long long)nr);
	layout_tables(l, b->memory.mfn, pages);
	rc = memory_write(&b->memory, l->list_pfn << PV_PAGE_SHIFT,
			  b->memory.mfn, l->nr_frames * sizeof(uint64_t), why);
	if (!rc)
		rc = memory_write(&b->memory, l->tables_pfn << PV_PAGE_SHIFT,
				  pages, l->nr_tables * PV_PAGE_SIZE, why);
	if (!rc)
		rc = memory_write(&b->memory,
				  l->list_tables_pfn << PV_PAGE_SHIFT,
				  pages + l->nr_tables,
				  l->nr_list_tables * PV_PAGE_SIZE, why);
	free(pages);
	if (rc)
		return in_stage(why, rc, "tables");
	pin.arg1.mfn = b->memory.mfn[l->tables_pfn];
	rc = pv_mmuext(b->pv, b->memory.domid, &pin, 1);
	return rc ? pv_failed(why, rc, "tables") : 0;
}

/* ---- rings, start --------------------------------------------------------------- */

/* Lend the two pages by the entries that are kept for them. */
static int lend_rings(struct guest_builder *b, struct build_error *why)
{
	struct pv_grant_entry_v1 *table;
	const struct guest *g = b->guest;
	uint64_t mfn;
	int rc = pv_grant_frames(b->pv, g->domid, &mfn, 1);

	if (rc)
		return pv_failed(why, rc, "rings");
	if (g->console_mfn > UINT32_MAX || g->store_mfn > UINT32_MAX)
		return build_fail(why, ERANGE,
				  "rings: frame numbers above 32 bits cannot "
				  "be granted");
	table = pv_map_frames(b->pv, g->domid, &mfn, 1, true);
	if (!table)
		return pv_failed(why, -errno, "rings");
	table[GNTTAB_RESERVED_CONSOLE] = (struct pv_grant_entry_v1){
		.flags = GTF_permit_access,
		.domid = b->spec.console_domid,
		.frame = (uint32_t)g->console_mfn,
	};
	table[GNTTAB_RESERVED_XENSTORE] = (struct pv_grant_entry_v1){
		.flags = GTF_permit_access,
		.domid = b->spec.store_domid,
		.frame = (uint32_t)g->store_mfn,
	};
	pv_unmap_frames(b->pv, table, 1);
	return 0;
}

static int make_rings(struct guest_builder *b, struct build_error *why)
{
	struct guest *g = b->guest;
	int store, console;

	g->store_mfn = b->memory.mfn[b->layout.store_pfn];
	g->console_mfn = b->memory.mfn[b->layout.console_pfn];
	store = pv_alloc_unbound(b->pv, g->domid, b->spec.store_domid);
	if (store < 0)
		return pv_failed(why, store, "rings");
	console = pv_alloc_unbound(b->pv, g->domid, b->spec.console_domid);
	if (console < 0)
		return pv_failed(why, console, "rings");
	g->store_port = (uint32_t)store;
	g->console_port = (uint32_t)console;
	return lend_rings(b, why);
}

static int set_memory_map(struct guest_builder *b, struct build_error *why)
{
	uint64_t frames = b->spec.max_frames > b->spec.nr_frames
				  ? b->spec.max_frames
				  : b->spec.nr_frames;
	uint64_t bytes = frames << PV_PAGE_SHIFT;
	struct pv_e820_entry ram = {
		.size_low = (uint32_t)bytes,
		.size_high = (uint32_t)(bytes >> 32),
		.type = PV_E820_RAM,
	};
	int rc = pv_control_set_memory_map(b->pv, b->guest->domid, &ram, 1);

	return rc ? pv_failed(why, rc, "start") : 0;
}

static int set_start(struct guest_builder *b, struct build_error *why)
{
	const struct guest_spec *s = &b->spec;
	const struct guest *g = b->guest;
	struct layout_rings rings = {
		g->store_mfn,
		g->console_mfn,
		g->store_port,
		g->console_port,
	};
	struct pv_vcpu_guest_context context;
	struct pv_domain_info info;
	struct pv_start_info si;
	int rc = set_memory_map(b, why);

	if (rc)
		return rc;
	rc = pv_control_get_domain(b->pv, g->domid, &info);
	if (rc)
		return pv_failed(why, rc, "start");
	layout_start_info(&si, &b->layout, s->kernel, &rings,
			  info.shared_info_frame, s->cmdline ? s->cmdline : "");
	rc = memory_write(&b->memory, b->layout.start_info_pfn << PV_PAGE_SHIFT,
			  &si, sizeof(si), why);
	if (rc)
		return in_stage(why, rc, "start");
	layout_context(&context, &b->layout, s->kernel,
		       b->memory.mfn[b->layout.tables_pfn]);
	rc = pv_control_set_vcpu_context(b->pv, g->domid, 0, &context);
	return rc ? pv_failed(why, rc, "start") : 0;
}

static int give_memory(struct guest_builder *b, struct build_error *why)
{
	return memory_populate(&b->memory, why);
}

/* Stages [from, end), each with the time that it took. */
static int run_stages(struct guest_builder *b, enum build_stage from,
		      enum build_stage end, struct build_error *why)
{
	static int (*const stage[BUILD_STAGES])(struct guest_builder *,
						struct build_error *) = {
		[BUILD_PLAN] = plan,          [BUILD_MEMORY] = give_memory,
		[BUILD_RINGS] = make_rings,   [BUILD_KERNEL] = load_kernel,
		[BUILD_INITRD] = load_initrd, [BUILD_TABLES] = load_tables,
		[BUILD_START] = set_start,
	};
	uint64_t began = now_ns(), ended;
	int rc = 0;

	for (unsigned int i = from; i < end && !rc; i++) {
		rc = stage[i](b, why);
		ended = now_ns();
		b->guest->stage_ns[i] = ended - began;
		began = ended;
	}
	return rc;
}

void guest_abandon(struct guest_builder *b)
{
	if (!b)
		return;
	if (b->initrd >= 0)
		close(b->initrd);
	free(b->memory.mfn);
	free(b);
}

static struct guest_builder *builder_new(struct pv *pv, domid_t domid,
					 const struct guest_spec *spec,
					 struct guest *guest)
{
	struct guest_builder *b = calloc(1, sizeof(*b));
	uint64_t *mfn = malloc(spec->nr_frames * sizeof(*mfn));

	if (!b || !mfn) {
		free(b);
		free(mfn);
		return NULL;
	}
	*b = (struct guest_builder){
		.pv = pv,
		.spec = *spec,
		.guest = guest,
		.memory = {.pv = pv,
			   .domid = domid,
			   .nr_frames = spec->nr_frames,
			   .mfn = mfn},
		.initrd = -1,
	};
	return b;
}

int guest_begin(struct pv *pv, domid_t domid, const struct guest_spec *spec,
		struct guest *guest, struct guest_builder **out,
		struct build_error *why)
{
	struct guest_builder *b;
	int rc;

	*guest = (struct guest){.domid = domid};
	*out = NULL;
	if (!spec->nr_frames || spec->nr_frames > LAYOUT_FRAMES_MAX)
		return build_fail(why, EINVAL,
				  "memory: %llu frames; 1 to %llu are possible",
				  (unsigned long long)spec->nr_frames,
				  (unsigned long long)LAYOUT_FRAMES_MAX);
	b = builder_new(pv, domid, spec, guest);
	if (!b)
		return build_fail(why, ENOMEM,
				  "memory: no room for a list of %llu frames",
				  (unsigned long long)spec->nr_frames);
	rc = run_stages(b, BUILD_PLAN, BUILD_KERNEL, why);
	if (rc)
		guest_abandon(b);
	else
		*out = b;
	return rc;
}

int guest_finish(struct guest_builder *b, struct build_error *why)
{
	int rc = run_stages(b, BUILD_KERNEL, BUILD_STAGES, why);

	guest_abandon(b);
	return rc;
}

int guest_build(struct pv *pv, domid_t domid, const struct guest_spec *spec,
		struct guest *guest, struct build_error *why)
{
	struct guest_builder *b;
	int rc = guest_begin(pv, domid, spec, guest, &b, why);

	return rc ? rc : guest_finish(b, why);
}
