/* SPDX-License-Identifier: MIT */
/*
 * parapet-build: one guest by hand, without the toolstack.
 *
 * Creates a domain, builds and starts a guest in it, introduces it to the
 * store if one runs, carries its console to the terminal until it ends, and
 * destroys it.  The exit status tells how it ended:
 *
 *	0   it powered off		 3   it asked for a reboot
 *	1   it could not be started	 4   it crashed, or was ended otherwise
 *	2   wrong usage			 5   it did not end in time
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <pv/io/console.h>
#include <pv/io/xs_wire.h>
#include <pv/sched.h>

#include "tools/build/console.h"
#include "tools/build/introduce.h"

enum status {
	STATUS_POWEROFF,
	STATUS_FAILED,
	STATUS_USAGE,
	STATUS_REBOOT,
	STATUS_CRASH,
	STATUS_LATE,
};

static const char usage_text[] =
	"usage: parapet-build --kernel FILE [OPTION]...\n"
	"  --name NAME       name of the guest (default: guest)\n"
	"  --kernel FILE     ELF or bzImage\n"
	"  --initrd FILE\n"
	"  --cmdline TEXT    the kernel's command line\n"
	"  --memory SIZE     in MiB, or with K, M, G (default: 128M)\n"
	"  --max-memory SIZE that it may grow to\n"
	"  --vcpus N         virtual CPUs (default: 1)\n"
	"  --domid N         wanted number (default: the first that is free)\n"
	"  --cache DIR       unpacked kernels (default: /var/cache/parapet)\n"
	"  --no-cache        do not keep unpacked kernels\n"
	"  --no-store        do not introduce it to the store\n"
	"  --timeout S       destroy it after that many seconds\n"
	"  --repeat N        create and destroy it that many times, without\n"
	"                    letting it run, and count the machine's frames\n"
	"  --timings         say how long each stage took\n";

struct options {
	const char *name, *kernel, *cache;
	struct guest_spec spec;
	unsigned int vcpus, timeout, repeat, domid;
	bool store, timings;
};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000;
}

/* ---- options ------------------------------------------------------------------ */

static void __attribute__((noreturn))
wrong(const char *option, const char *value)
{
	fprintf(stderr, "parapet-build: --%s %s: not a valid value\n", option,
		value);
	exit(STATUS_USAGE);
}

static unsigned int number(const char *option, const char *text,
			   unsigned int most)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || n > most)
		wrong(option, text);
	return (unsigned int)n;
}

/* A size in frames. */
static uint64_t size(const char *option, const char *text)
{
	unsigned long long n;
	unsigned int shift = 20;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-')
		wrong(option, text);
	if (*end == 'K' || *end == 'M' || *end == 'G')
		shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 30, end++;
	if (*end || n > LAYOUT_FRAMES_MAX << PV_PAGE_SHIFT >> shift)
		wrong(option, text);
	return n << shift >> PV_PAGE_SHIFT;
}

static const struct option long_options[] = {
	{"name", 1, NULL, 'n'},     {"kernel", 1, NULL, 'k'},
	{"initrd", 1, NULL, 'i'},   {"cmdline", 1, NULL, 'c'},
	{"memory", 1, NULL, 'm'},   {"max-memory", 1, NULL, 'M'},
	{"vcpus", 1, NULL, 'v'},    {"domid", 1, NULL, 'd'},
	{"cache", 1, NULL, 'C'},    {"no-cache", 0, NULL, 'N'},
	{"no-store", 0, NULL, 'S'}, {"timeout", 1, NULL, 't'},
	{"repeat", 1, NULL, 'r'},   {"timings", 0, NULL, 'T'},
	{"help", 0, NULL, 'h'},     {NULL, 0, NULL, 0},
};

static void take_option(struct options *o, int opt)
{
	switch (opt) {
	case 'n':
		o->name = optarg;
		return;
	case 'k':
		o->kernel = optarg;
		return;
	case 'i':
		o->spec.initrd = optarg;
		return;
	case 'c':
		o->spec.cmdline = optarg;
		return;
	case 'm':
		o->spec.nr_frames = size("memory", optarg);
		return;
	case 'M':
		o->spec.max_frames = size("max-memory", optarg);
		return;
	case 'v':
		o->vcpus = number("vcpus", optarg, MAX_VIRT_CPUS);
		return;
	case 'd':
		o->domid = number("domid", optarg, DOMID_FIRST_RESERVED - 1);
		return;
	case 'C':
		o->cache = optarg;
		return;
	case 'N':
		o->cache = NULL;
		return;
	case 'S':
		o->store = false;
		return;
	case 't':
		o->timeout = number("timeout", optarg, 1000000);
		return;
	case 'r':
		o->repeat = number("repeat", optarg, 1000000);
		return;
	case 'T':
		o->timings = true;
		return;
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	default:
		fputs(usage_text, stderr);
		exit(STATUS_USAGE);
	}
}

static void parse(struct options *o, int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		take_option(o, opt);
	if (optind < argc || !o->kernel) {
		fputs(usage_text, stderr);
		exit(STATUS_USAGE);
	}
	if (o->spec.max_frames < o->spec.nr_frames)
		o->spec.max_frames = o->spec.nr_frames;
}

/* ---- a guest's life ------------------------------------------------------------- */

static int failed(const struct options *o, const char *verb, const char *text)
{
	fprintf(stderr, "parapet-build: %s %s: %s\n", verb, o->name, text);
	return STATUS_FAILED;
}

static int create(struct pv *pv, const struct options *o, domid_t *domid)
{
	struct pv_control_create c = {
		.max_pages = o->spec.max_frames,
		.max_vcpus = o->vcpus,
	};

	if (getrandom(c.uuid, sizeof(c.uuid), 0) != sizeof(c.uuid))
		return -errno;
	c.uuid[6] = (c.uuid[6] & 0x0f) | 0x40; /* RFC 9562: version 4 */
	c.uuid[8] = (c.uuid[8] & 0x3f) | 0x80;
	*domid = (domid_t)o->domid;
	return pv_control_create(pv, &c, domid);
}

static void say_timings(const struct options *o, const struct guest *g,
			uint64_t us)
{
	if (!o->timings)
		return;
	fprintf(stderr, "parapet-build: built d%u in %llu us:", g->domid,
		(unsigned long long)us);
	for (unsigned int i = 0; i < BUILD_STAGES; i++)
		fprintf(stderr, " %s=%llu", build_stage_name(i),
			(unsigned long long)g->stage_ns[i] / 1000);
	fputc('\n', stderr);
}

static int status_of(const struct pv_domain_info *info)
{
	static const char *const name[] = {
		[SHUTDOWN_poweroff] = "poweroff",
		[SHUTDOWN_reboot] = "reboot",
		[SHUTDOWN_suspend] = "suspend",
		[SHUTDOWN_crash] = "crash",
		[SHUTDOWN_watchdog] = "watchdog",
		[SHUTDOWN_soft_reset] = "soft reset",
	};
	uint32_t reason = info->shutdown_reason;

	fflush(stdout);
	fprintf(stderr, "parapet-build: d%u ended, reason=%s\n", info->domid,
		reason <= SHUTDOWN_MAX ? name[reason] : "unknown");
	if (reason == SHUTDOWN_poweroff)
		return STATUS_POWEROFF;
	return reason == SHUTDOWN_reboot ? STATUS_REBOOT : STATUS_CRASH;
}

/* Who waits for whom: how far both sides of its rings have come. */
static void say_rings(struct pv *pv, const struct guest *g)
{
	const uint64_t mfn[2] = {g->store_mfn, g->console_mfn};
	char *map = pv_map_frames(pv, g->domid, mfn, 2, false);
	const struct pv_xenstore_domain_interface *s;
	const struct pv_xencons_interface *c;

	if (!map)
		return;
	s = (void *)map;
	c = (void *)(map + PV_PAGE_SIZE);
	fprintf(stderr,
		"parapet-build: d%u store req=%u/%u rsp=%u/%u "
		"console out=%u/%u in=%u/%u\n",
		g->domid, s->req_cons, s->req_prod, s->rsp_cons, s->rsp_prod,
		c->out_cons, c->out_prod, c->in_cons, c->in_prod);
	pv_unmap_frames(pv, map, 2);
}

/* Where the guest's processors are. */
static void say_state(struct pv *pv, const struct guest *guest)
{
	domid_t domid = guest->domid;
	struct pv_vcpu_guest_context c;
	struct pv_vcpu_status s;

	pv_control_pause(pv, domid); /* fails if it was: just as well */
	say_rings(pv, guest);
	for (unsigned int i = 0; !pv_control_get_vcpu(pv, domid, i, &s); i++) {
		if (!(s.flags & PV_VCPU_INITIALISED) ||
		    pv_control_get_vcpu_context(pv, domid, i, &c))
			continue;
		fprintf(stderr,
			"parapet-build: d%uv%u flags=0x%x rip=0x%llx "
			"rsp=0x%llx rflags=0x%llx cpu_ms=%llu\n",
			domid, i, s.flags, (unsigned long long)c.user_regs.rip,
			(unsigned long long)c.user_regs.rsp,
			(unsigned long long)c.user_regs.rflags,
			(unsigned long long)s.cpu_time / 1000000);
	}
}

/* From unpause to the end. */
static int live(struct pv *pv, const struct options *o,
		const struct guest *guest)
{
	struct pv_domain_info info;
	struct build_error why;
	struct console c;
	int rc = console_open(&c, pv, guest, STDIN_FILENO, STDOUT_FILENO, &why);

	if (rc)
		return failed(o, "start", why.text);
	rc = pv_control_unpause(pv, guest->domid);
	if (rc)
		build_fail(&why, -rc, "%s", pv_error());
	else
		rc = console_run(&c, o->timeout, &info, &why);
	console_close(&c);
	if (!rc)
		rc = status_of(&info);
	else
		failed(o, "run", why.text);
	if (rc == -ETIMEDOUT || rc == STATUS_CRASH)
		say_state(pv, guest);
	if (rc >= 0)
		return rc;
	return rc == -ETIMEDOUT ? STATUS_LATE : STATUS_FAILED;
}

/* The hypervisor refuses such a domain without a word. */
static bool check_total(struct pv *pv, const struct options *o,
			struct build_error *why)
{
	struct pv_machine_info m;

	if (pv_control_get_machine(pv, &m) ||
	    o->spec.max_frames <= m.total_pages)
		return true;
	build_fail(why, ENOMEM,
		   "memory: %llu frames wanted at most, the machine has %llu",
		   (unsigned long long)o->spec.max_frames,
		   (unsigned long long)m.total_pages);
	return false;
}

/* One guest from create to destroy, begun at `began`. */
static int one_guest(struct pv *pv, const struct options *o, uint64_t began)
{
	struct build_error why;
	struct guest guest;
	domid_t domid;
	uint64_t us;
	int rc, status;

	if (!check_total(pv, o, &why))
		return failed(o, "create", why.text);
	rc = create(pv, o, &domid);
	if (rc)
		return failed(o, "create", pv_error());
	rc = guest_build(pv, domid, &o->spec, &guest, &why);
	if (rc) {
		status = failed(o, "create", why.text);
		goto destroy;
	}
	say_timings(o, &guest, now_us() - began);
	if (o->repeat) {
		status = STATUS_POWEROFF;
		goto destroy;
	}
	rc = o->store ? store_introduce(&guest, o->name, &o->spec, o->vcpus,
					&why)
		      : 0;
	status = rc ? failed(o, "create", why.text) : live(pv, o, &guest);
	if (o->store)
		store_release(domid);
destroy:
	us = now_us();
	rc = pv_control_destroy(pv, domid);
	if (rc)
		return failed(o, "destroy", pv_error());
	if (o->timings)
		fprintf(stderr, "parapet-build: destroyed d%u in %llu us\n",
			domid, (unsigned long long)(now_us() - us));
	return status;
}

static uint64_t free_frames(struct pv *pv)
{
	struct pv_machine_info m = {0};

	pv_control_get_machine(pv, &m);
	return m.free_pages;
}

/*
 * Cycles that leave the machine as it was, or the status is a failure.  One
 * more before them lets the hypervisor's own tables grow to their size.
 */
static int repeat(struct pv *pv, const struct options *o)
{
	int status = one_guest(pv, o, now_us());
	uint64_t before = free_frames(pv), after;

	for (unsigned int i = 0; i < o->repeat && !status; i++)
		status = one_guest(pv, o, now_us());
	if (status)
		return status;
	after = free_frames(pv);
	printf("%u cycles, free frames before=%llu after=%llu\n", o->repeat,
	       (unsigned long long)before, (unsigned long long)after);
	return after == before ? STATUS_POWEROFF : STATUS_FAILED;
}

int main(int argc, char **argv)
{
	struct options o = {
		.name = "guest",
		.cache = "/var/cache/parapet",
		.spec.nr_frames = 128 << 8,
		.vcpus = 1,
		.domid = DOMID_INVALID,
		.store = true,
	};
	uint64_t began = now_us();
	struct kernel_file *kernel;
	struct build_error why;
	struct pv *pv;
	int status;

	parse(&o, argc, argv);
	pv = pv_open();
	if (!pv)
		return failed(&o, "create", pv_error());
	kernel = kernel_open(o.kernel, o.cache, &why);
	if (!kernel) {
		pv_close(pv);
		return failed(&o, "create", why.text);
	}
	o.spec.kernel = kernel_of(kernel);
	if (o.timings)
		fprintf(stderr, "parapet-build: opened the kernel in %llu us\n",
			(unsigned long long)(now_us() - began));
	status = o.repeat ? repeat(pv, &o) : one_guest(pv, &o, now_us());
	kernel_close(kernel);
	pv_close(pv);
	return status;
}
