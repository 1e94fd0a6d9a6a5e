/* SPDX-License-Identifier: MIT */
/*
 * From the loader's jump to the control domain's first instruction.
 */
#include "hv/boot/boot.h"

#include <pv/event_channel.h>
#include <pv/memory.h>

#include "hv/console/console.h"
#include "hv/control/control.h"
#include "hv/cpu/asm.h"
#include "hv/cpu/desc.h"
#include "hv/cpu/features.h"
#include "hv/dev/dev.h"
#include "hv/dispatch/dispatch.h"
#include "hv/entry/entry.h"
#include "hv/evtchn/evtchn.h"
#include "hv/gnttab/gnttab.h"
#include "hv/lib/bug.h"
#include "hv/lib/string.h"
#include "hv/mm/mm.h"
#include "hv/sched/sched.h"
#include "hv/smp/smp.h"
#include "hv/time/time.h"

#define LOW_MEMORY  0x100000ull /* firmware's and the APs' start page */
#define EARLY_LIMIT (4ull << 30)
#define RESERVE_MAX (128ull << 20)
#define MAX_RAM     64
#define MAX_BUSY    (BOOT_MAX_MODULES + 4)
#define EARLY_PAGES 64
#define PIC1_DATA   0x21
#define PIC2_DATA   0xa1

extern char image_start[], image_end[];

/* First, while firmware's wiring can still take back a request of the PIC. */
static void mask_legacy_pic(void)
{
	outb(PIC1_DATA, 0xff);
	outb(PIC2_DATA, 0xff);
}

void boot_main(uint32_t magic, uint64_t info_pa) NORETURN;

static struct boot_info info;
static struct mem_range ram[MAX_RAM], busy[MAX_BUSY];
static unsigned int nr_ram, nr_busy;
static uint64_t boot_tsc, efi_rsdp;

/* ---- memory --------------------------------------------------------------------- */
static const void *phys(void *arg, uint64_t pa, size_t n)
{
	(void)arg;
	if (pa >= EARLY_LIMIT || n > EARLY_LIMIT - pa)
		return NULL;
	return (const void *)(DIRECT_BASE + pa);
}

static void add_busy(uint64_t start, uint64_t end)
{
	BUG_ON(nr_busy == MAX_BUSY);
	busy[nr_busy++] = (struct mem_range){ROUND_DOWN(start, PAGE_SIZE),
					     ROUND_UP(end, PAGE_SIZE)};
}

static uint64_t find_ram(void)
{
	uint64_t end = 0;

	for (unsigned int i = 0; i < info.nr_ranges; i++) {
		struct boot_range *r = &info.range[i];

		if (r->type != BOOT_RAM || nr_ram == MAX_RAM)
			continue;
		ram[nr_ram++] = (struct mem_range){r->start, r->end};
		end = max(end, r->end);
	}
	return end;
}

static bool overlaps_busy(uint64_t start, uint64_t end)
{
	for (unsigned int i = 0; i < nr_busy; i++)
		if (start < busy[i].end && busy[i].start < end)
			return true;
	return false;
}

/* Table pages for the direct map, before there is an allocator. */
static uint64_t early_next, early_end;

static void find_early_pages(void)
{
	const uint64_t size = EARLY_PAGES * PAGE_SIZE;

	for (unsigned int i = 0; i < nr_ram; i++) {
		uint64_t at = ROUND_UP(max(ram[i].start, 16ull << 20), size);

		for (; at + size <= min(ram[i].end, EARLY_LIMIT); at += size) {
			if (overlaps_busy(at, at + size))
				continue;
			early_next = at;
			early_end = at + size;
			return;
		}
	}
	panic("boot: no memory for the direct map's tables");
}

static void *early_page(void)
{
	void *p = (void *)(DIRECT_BASE + early_next);

	if (early_next == early_end)
		panic("boot: more RAM than CPUs without 1 GiB pages can have");
	early_next += PAGE_SIZE;
	memset(p, 0, PAGE_SIZE);
	return p;
}

static void memory_boot(void)
{
	uint64_t end = find_ram();

	add_busy(0, LOW_MEMORY);
	add_busy((uint64_t)image_start - IMAGE_BASE,
		 (uint64_t)image_end - IMAGE_BASE);
	for (unsigned int i = 0; i < info.nr_modules; i++)
		add_busy(info.module[i].start, info.module[i].end);
	if (!features.pages_1g && end > EARLY_LIMIT)
		find_early_pages();
	paging_boot(end, early_page);
	if (early_next)
		add_busy(early_end - EARLY_PAGES * PAGE_SIZE, early_next);
	mm_boot(ram, nr_ram, busy, nr_busy);
}

/* ---- the control domain ----------------------------------------------------------- */
static void release_modules(void)
{
	for (unsigned int i = 0; i < info.nr_modules; i++)
		mm_boot_release((struct mem_range){
			ROUND_DOWN(info.module[i].start, PAGE_SIZE),
			ROUND_UP(info.module[i].end, PAGE_SIZE)});
}

static struct blob module_blob(unsigned int i)
{
	const struct boot_module *m = &info.module[i];

	if (i >= info.nr_modules)
		return (struct blob){0};
	return (struct blob){(const void *)(DIRECT_BASE + m->start),
			     m->end - m->start};
}

/* A loader's module line is "name arguments". */
static const char *after_name(const char *line)
{
	const char *space = strchr(line, ' ');

	return space ? space + 1 : "";
}

/* A PV kernel looks for the ACPI tables in the BIOS areas; UEFI's are not. */
static const char *control_cmdline(void)
{
	static char line[MAX_GUEST_CMDLINE];
	const char *given = after_name(info.module[0].cmdline);

	if (!efi_rsdp)
		return given;
	snprintf(line, sizeof(line), "%s acpi_rsdp=0x%lx", given, efi_rsdp);
	return line;
}

static uint64_t control_pages(void)
{
	uint64_t have = mm_free_frames(), want;
	uint64_t keep = min(have / 16, RESERVE_MAX >> PAGE_SHIFT);

	for (unsigned int i = 0; i < info.nr_modules; i++)
		have += (info.module[i].end - info.module[i].start) >>
			PAGE_SHIFT;
	want = options.control_mem >> PAGE_SHIFT;
	if (want > have - keep)
		log_warn("boot: control_mem: %lu MiB are free, less %lu MiB "
			 "that stay so",
			 have >> 8, keep >> 8);
	return want ? min(want, have - keep) : have - keep;
}

/*
 * A load of CR3 costs an emulator far more than a processor, and it looks at no
 * translation ahead of need, which the flushes of shared roots rely on.
 */
static bool control_root_shared(void)
{
	bool shared = options.control_root == ROOT_AUTO
			      ? features.emulated
			      : options.control_root == ROOT_SHARED;

	log_info("boot: d0's page tables show the hypervisor: %s",
		 shared ? "yes" : "no");
	return shared;
}

static void build(void)
{
	struct control_plan plan = {
		.kernel = module_blob(0),
		.initrd = module_blob(1),
		.release = release_modules,
	};
	const char *why;

	if (!info.nr_modules)
		panic("boot: no kernel: the first module must be the control "
		      "domain's vmlinux, the second its initrd");
	plan.cmdline = control_cmdline();
	plan.nr_pages = control_pages();
	plan.root_shared = control_root_shared();
	plan.vcpus = options.control_vcpus ?: nr_cpus;
	plan.vcpus = min(plan.vcpus, (unsigned int)MAX_VCPUS);
	why = control_domain_build(&plan);
	if (why)
		panic("boot: control domain: %s", why);
}

/* ---- order of things ---------------------------------------------------------------- */
/* The firmware's map, for XENMEM_machine_memory_map. */
static unsigned int machine_map(struct pv_e820_entry *map, unsigned int most)
{
	unsigned int n = min(info.nr_ranges, most);

	for (unsigned int i = 0; i < n; i++) {
		const struct boot_range *r = &info.range[i];
		uint64_t size = r->end - r->start;

		map[i] = (struct pv_e820_entry){
			.addr_low = (uint32_t)r->start,
			.addr_high = (uint32_t)(r->start >> 32),
			.size_low = (uint32_t)size,
			.size_high = (uint32_t)(size >> 32),
			.type = r->type,
		};
	}
	return n;
}

static void timer_event(struct vcpu *v)
{
	evtchn_send_virq(v, VIRQ_TIMER);
}

/* Another vcpu's is mapped when that vcpu is loaded, in full. */
static void info_moved(struct vcpu *v)
{
	if (v == current)
		context_map_info(v);
	else
		v->loaded_on = MAX_CPUS;
}

static int port_pending(struct domain *d, uint32_t port)
{
	return evtchn_port_pending(d, port);
}

/* What outlives a domain's destruction: others' mappings and looks at it. */
static void rooms_free(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu (d, v)
		sched_vcpu_free(v);
	gnttab_domain_free(d);
	evtchn_domain_free(d);
}

static void hooks_boot(void)
{
	domain_free_hook = rooms_free;
	mm_resource = gnttab_resource;
	sched_timer_event = timer_event;
	sched_port_pending = port_pending;
	vcpu_info_register_hook = vcpu_info_register;
	vcpu_debugreg_hook = vcpu_debugreg_check;
	mm_machine_map = machine_map;
	mm_restart = hypercall_restart;
	mm_mmio_allowed = dev_mmio_allowed;
	vinfo_mapped = info_moved;
}

static void NORETURN first_exit(void)
{
	uint64_t us = (rdtsc() - boot_tsc) * 1000 / tsc_khz;

	this_cpu->curr = this_cpu->idle;
	log_info("boot: d0 starts, after=%lu.%03lu ms", us / 1000, us % 1000);
	vcpu_up(control_domain->vcpu[0]);
	hv_restart_stack(entry_begin);
}

static void cpu_boot(void)
{
	struct cpu *c;

	c = cpu_create(cpuid(1, 0).b >> 24);
	nr_cpus = 1;
	cpu_enter(c);
	this_cpu->online = true;
	lock_ladder_on = true;
}

void boot_main(uint32_t magic, uint64_t info_pa)
{
	enum multiboot_error err;

	boot_tsc = rdtsc();
	mask_legacy_pic();
	console_boot();
	err = multiboot_parse(magic, info_pa, phys, NULL, &info);
	if (err)
		panic("boot: %s", multiboot_error_text(err));
	hv_command_line = info.cmdline;
	options_parse(info.cmdline);
	log_info("Parapet, a paravirtualization hypervisor; loader: %s",
		 info.loader);
	features_boot();
	idt_build(); /* read-only after memory_boot */
	memory_boot();
	cpu_boot();
	efi_rsdp = acpi_rsdp_from_efi(info.efi_table);
	acpi_boot(efi_rsdp ?: info.rsdp);
	lapic_boot_cpu();
	time_boot(&(struct time_sources){acpi.hpet_base, acpi.pm_timer});
	time_boot_cpu();
	sched_boot_cpu(this_cpu->self);
	irq_boot();
	irq_claim_console();
	smp_boot();
	hooks_boot();
	if (features.meltdown)
		log_warn("cpu: this CPU may have Meltdown: guest user code can "
			 "read what the trampoline maps");
	log_info("boot: %lu MiB RAM, %lu MiB free, %u CPUs",
		 mm_total_frames() >> 8, mm_free_frames() >> 8, nr_cpus);
	build();
	first_exit();
}
