/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor in memory: domains that own frames and do nothing.
 *
 * With a directory, each domain is a file there (its number is the name), and
 * a domain ends when a file N.end with the reason appears, which a test writes;
 * inotify takes the part of VIRQ_DOM_EXC.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pv/sched.h>

#include "tools/daemon/hv.h"

#define FAKE_DOMAINS 256

struct fake_domain {
	bool used;
	struct pv_domain_info info;
	struct pv_control_sched sched;
};

struct hv_fake {
	struct hv hv;
	pthread_mutex_t lock; /* build and destroy come from other threads */
	char *dir;
	int notify;
	uint64_t frames;
	unsigned int fail_at;
	struct fake_domain domain[FAKE_DOMAINS]; /* by number */
};

static __thread char fake_why[200];

static struct hv_fake *fake_of(struct hv *hv)
{
	return (struct hv_fake *)hv;
}

static int fake_error(int err, const char *what)
{
	snprintf(fake_why, sizeof(fake_why), "%s: %s", what, strerror(err));
	return -err;
}

/* Is this the call that a test wants to fail? */
static bool fake_fails(struct hv_fake *h)
{
	return h->fail_at && !--h->fail_at;
}

void hv_fake_fail(struct hv *hv, unsigned int n)
{
	fake_of(hv)->fail_at = n;
}

unsigned int hv_fake_domains(struct hv *hv)
{
	unsigned int n = 0;

	for (unsigned int i = 1; i < FAKE_DOMAINS; i++)
		n += fake_of(hv)->domain[i].used;
	return n;
}

/* ---- files --------------------------------------------------------------------- */

static void fake_path(const struct hv_fake *h, unsigned int domid,
		      const char *tail, char path[512])
{
	snprintf(path, 512, "%s/%u%s", h->dir, domid, tail);
}

static void fake_save(const struct hv_fake *h, unsigned int domid)
{
	char path[512], part[512];
	FILE *f;

	if (!h->dir)
		return;
	fake_path(h, domid, "", path);
	/* The daemon may be killed now. */
	snprintf(part, sizeof(part), "%s.%u", h->dir, domid);
	if (!h->domain[domid].used) {
		unlink(path);
		fake_path(h, domid, ".end", path);
		unlink(path);
		return;
	}
	f = fopen(part, "w");
	if (!f)
		return;
	fwrite(&h->domain[domid], sizeof(h->domain[domid]), 1, f);
	fclose(f);
	rename(part, path);
}

static void fake_load(struct hv_fake *h)
{
	struct fake_domain d;
	char path[512];
	FILE *f;

	for (unsigned int i = 1; i < FAKE_DOMAINS; i++) {
		fake_path(h, i, "", path);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fread(&d, sizeof(d), 1, f) == 1)
			h->domain[i] = d;
		fclose(f);
	}
}

static void fake_ends(struct hv_fake *h)
{
	char path[512], text[16] = "";
	ssize_t n;
	int fd;

	for (unsigned int i = 1; h->dir && i < FAKE_DOMAINS; i++) {
		fake_path(h, i, ".end", path);
		fd = h->domain[i].used ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (fd < 0)
			continue;
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		unlink(path);
		if (n > 0)
			hv_fake_end(&h->hv, (domid_t)i,
				    (unsigned int)atoi(text));
	}
}

/* ---- domains ------------------------------------------------------------------- */

void hv_fake_end(struct hv *hv, domid_t domid, unsigned int reason)
{
	struct pv_domain_info *info = &fake_of(hv)->domain[domid].info;

	info->flags |= PV_DOMAIN_SHUTDOWN;
	info->shutdown_reason = reason;
	fake_save(fake_of(hv), domid);
}

static struct fake_domain *fake_find(struct hv *hv, domid_t domid)
{
	struct hv_fake *h = fake_of(hv);

	if (domid >= FAKE_DOMAINS || !h->domain[domid].used) {
		fake_error(ESRCH, "find domain");
		return NULL;
	}
	return &h->domain[domid];
}

static uint64_t fake_free(const struct hv_fake *h)
{
	uint64_t used = 0;

	for (unsigned int i = 1; i < FAKE_DOMAINS; i++) {
		const struct pv_domain_info *d = &h->domain[i].info;

		if (h->domain[i].used)
			used += d->nr_pages > d->claimed_pages
					? d->nr_pages
					: d->claimed_pages;
	}
	return h->frames - used;
}

static int fake_create(struct hv *hv, const struct hv_create *c, domid_t *domid)
{
	struct hv_fake *h = fake_of(hv);
	struct fake_domain *d = &h->domain[*domid % FAKE_DOMAINS];

	if (fake_fails(h))
		return fake_error(ENOMEM, "create a domain");
	if (!*domid || *domid >= FAKE_DOMAINS || d->used)
		return fake_error(EEXIST, "create a domain");
	*d = (struct fake_domain){.used = true, .sched = {256, 0}};
	memcpy(d->info.uuid, c->uuid, sizeof(d->info.uuid));
	d->info.domid = *domid;
	d->info.flags = PV_DOMAIN_PAUSED;
	d->info.max_vcpus = c->vcpus;
	d->info.max_pages = c->max_frames;
	fake_save(h, *domid);
	return 0;
}

static int fake_claim(struct hv *hv, domid_t domid, uint64_t frames)
{
	struct fake_domain *d = fake_find(hv, domid);
	struct hv_fake *h = fake_of(hv);

	if (!d)
		return -ESRCH;
	if (fake_fails(h) || (frames > d->info.nr_pages &&
			      frames - d->info.nr_pages > fake_free(h)))
		return fake_error(ENOMEM, "claim memory");
	d->info.claimed_pages = frames;
	fake_save(h, domid);
	return 0;
}

struct hv_filling {
	domid_t domid;
};

static int fake_build(struct hv *hv, domid_t domid, const struct hv_build *b,
		      struct hv_guest *guest, struct hv_filling **filling,
		      char *why, size_t room)
{
	struct hv_fake *h = fake_of(hv);
	struct fake_domain *d = fake_find(hv, domid);

	if (!d || fake_fails(h) || access(b->kernel, R_OK)) {
		snprintf(why, room, "kernel %s: cannot be built", b->kernel);
		return -ENOEXEC;
	}
	*filling = calloc(1, sizeof(**filling));
	(*filling)->domid = domid;
	pthread_mutex_lock(&h->lock);
	d->info.nr_pages = b->nr_frames;
	d->info.claimed_pages = 0;
	fake_save(h, domid);
	pthread_mutex_unlock(&h->lock);
	*guest = (struct hv_guest){
		.store_mfn = 0x1000u + domid,
		.console_mfn = 0x2000u + domid,
		.store_port = 1,
		.console_port = 2,
	};
	return 0;
}

static int fake_fill(struct hv *hv, struct hv_filling *filling, char *why,
		     size_t room)
{
	struct fake_domain *d = fake_find(hv, filling->domid);
	struct hv_fake *h = fake_of(hv);
	domid_t domid = filling->domid;

	free(filling);
	if (!d || fake_fails(h)) {
		snprintf(why, room, "memory: cannot be filled");
		return -EIO;
	}
	pthread_mutex_lock(&h->lock);
	d->info.online_vcpus = 1;
	fake_save(h, domid);
	pthread_mutex_unlock(&h->lock);
	return 0;
}

static void fake_drop(struct hv *hv, struct hv_filling *filling)
{
	(void)hv;
	free(filling);
}

static int fake_destroy(struct hv *hv, domid_t domid)
{
	struct hv_fake *h = fake_of(hv);
	struct fake_domain *d = fake_find(hv, domid);

	if (!d)
		return -ESRCH;
	pthread_mutex_lock(&h->lock);
	*d = (struct fake_domain){0};
	fake_save(h, domid);
	pthread_mutex_unlock(&h->lock);
	return 0;
}

static int fake_set_paused(struct hv *hv, domid_t domid, bool paused)
{
	struct fake_domain *d = fake_find(hv, domid);
	bool now = d && d->info.flags & PV_DOMAIN_PAUSED;

	if (!d)
		return -ESRCH;
	if (now == paused || fake_fails(fake_of(hv)))
		return fake_error(EINVAL, "pause or unpause");
	d->info.flags ^= PV_DOMAIN_PAUSED;
	fake_save(fake_of(hv), domid);
	return 0;
}

static int fake_pause(struct hv *hv, domid_t domid)
{
	return fake_set_paused(hv, domid, true);
}

static int fake_unpause(struct hv *hv, domid_t domid)
{
	return fake_set_paused(hv, domid, false);
}

static int fake_get(struct hv *hv, domid_t domid, struct pv_domain_info *info)
{
	const struct fake_domain *d = fake_find(hv, domid);

	if (!d && domid)
		return -ESRCH;
	*info = d ? d->info
		  : (struct pv_domain_info){.flags = PV_DOMAIN_PRIVILEGED,
					    .max_vcpus = 1,
					    .online_vcpus = 1,
					    .nr_pages = 65536};
	return 0;
}

static int fake_list(struct hv *hv, domid_t first, struct pv_domain_info *info,
		     unsigned int room)
{
	unsigned int n = 0;

	for (unsigned int i = first; i < FAKE_DOMAINS && n < room; i++)
		if (!i || fake_of(hv)->domain[i].used)
			fake_get(hv, (domid_t)i, &info[n++]);
	return (int)n;
}

static int fake_set_max_memory(struct hv *hv, domid_t domid, uint64_t frames)
{
	struct fake_domain *d = fake_find(hv, domid);

	if (!d)
		return -ESRCH;
	if (fake_fails(fake_of(hv)))
		return fake_error(EINVAL, "set the most memory");
	d->info.max_pages = frames;
	fake_save(fake_of(hv), domid);
	return 0;
}

static int fake_set_sched(struct hv *hv, domid_t domid, unsigned int weight,
			  unsigned int cap)
{
	struct fake_domain *d = fake_find(hv, domid);

	if (!d)
		return -ESRCH;
	if (!weight || weight > PV_SCHED_WEIGHT_MAX || cap > 200 ||
	    fake_fails(fake_of(hv)))
		return fake_error(EINVAL, "set the scheduler");
	d->sched = (struct pv_control_sched){weight, cap};
	fake_save(fake_of(hv), domid);
	return 0;
}

static int fake_get_sched(struct hv *hv, domid_t domid,
			  struct pv_control_sched *sched)
{
	const struct fake_domain *d = fake_find(hv, domid);

	*sched = d ? d->sched : (struct pv_control_sched){256, 0};
	return d || !domid ? 0 : -ESRCH;
}

static int fake_get_vcpu(struct hv *hv, domid_t domid, unsigned int vcpu,
			 struct pv_vcpu_status *status)
{
	struct pv_domain_info info;

	if (fake_get(hv, domid, &info) || vcpu >= info.max_vcpus)
		return fake_error(ENOENT, "look at a virtual CPU");
	*status = (struct pv_vcpu_status){.vcpu = vcpu, .flags = PV_VCPU_UP};
	return 0;
}

/* ---- the machine --------------------------------------------------------------- */

static int fake_machine(struct hv *hv, struct pv_machine_info *info)
{
	const struct hv_fake *h = fake_of(hv);

	*info = (struct pv_machine_info){
		.total_pages = h->frames,
		.free_pages = fake_free(h),
		.nr_cpus = 2,
		.tsc_khz = 1000000,
		.nr_domains = hv_fake_domains(hv) + 1,
	};
	return 0;
}

static int fake_get_cpu(struct hv *hv, unsigned int cpu,
			struct pv_cpu_status *status)
{
	(void)hv;
	*status = (struct pv_cpu_status){.cpu = cpu, .apic_id = cpu};
	return cpu < 2 ? 0 : fake_error(ENOENT, "look at a CPU");
}

static int fake_read_log(struct hv *hv, char *text, size_t room,
			 uint64_t *position)
{
	static const char line[] = "fake: a hypervisor in memory\n";
	size_t n = sizeof(line) - 1;

	(void)hv;
	if (*position >= n || room < n)
		return 0;
	memcpy(text, line, n);
	*position = n;
	return (int)n;
}

static int fake_event_fd(struct hv *hv)
{
	return fake_of(hv)->notify;
}

static void fake_event_take(struct hv *hv)
{
	char junk[4096];

	while (read(fake_of(hv)->notify, junk, sizeof(junk)) > 0)
		;
	fake_ends(fake_of(hv));
}

static const char *fake_error_text(struct hv *hv)
{
	(void)hv;
	return fake_why;
}

static void fake_close(struct hv *hv)
{
	struct hv_fake *h = fake_of(hv);

	if (h->notify >= 0)
		close(h->notify);
	pthread_mutex_destroy(&h->lock);
	free(h->dir);
	free(h);
}

static const struct hv_ops fake_ops = {
	.name = "fake",
	.close = fake_close,
	.error = fake_error_text,
	.create = fake_create,
	.claim = fake_claim,
	.build = fake_build,
	.fill = fake_fill,
	.drop = fake_drop,
	.destroy = fake_destroy,
	.pause = fake_pause,
	.unpause = fake_unpause,
	.get = fake_get,
	.list = fake_list,
	.set_max_memory = fake_set_max_memory,
	.set_sched = fake_set_sched,
	.get_sched = fake_get_sched,
	.get_vcpu = fake_get_vcpu,
	.machine = fake_machine,
	.get_cpu = fake_get_cpu,
	.read_log = fake_read_log,
	.event_fd = fake_event_fd,
	.event_take = fake_event_take,
};

struct hv *hv_fake_open(const char *dir, uint64_t frames, char *why,
			size_t room)
{
	struct hv_fake *h = calloc(1, sizeof(*h));

	if (!h) {
		snprintf(why, room, "no memory");
		return NULL;
	}
	h->hv.ops = &fake_ops;
	h->frames = frames;
	h->notify = -1;
	pthread_mutex_init(&h->lock, NULL);
	if (!dir)
		return &h->hv;
	h->dir = strdup(dir);
	mkdir(dir, 0700);
	h->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (!h->dir || h->notify < 0 ||
	    inotify_add_watch(h->notify, dir, IN_CLOSE_WRITE | IN_MOVED_TO) <
		    0) {
		snprintf(why, room, "%s: %s", dir, strerror(errno));
		fake_close(&h->hv);
		return NULL;
	}
	fake_load(h);
	fake_ends(h);
	return &h->hv;
}
