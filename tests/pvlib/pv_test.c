/* SPDX-License-Identifier: MIT */
/*
 * libpv without a hypervisor: the kernel's devices are played by this file.
 *
 * open, ioctl, mmap and so on of the library are wrapped (--wrap).  What is
 * asked of the devices is compared with the layouts and numbers of the kernel's
 * interface, byte for byte; each kind of failure is given once.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <pv/event_channel.h>
#include <pv/hypercalls.h>
#include <pv/sched.h>

#include "tools/pvlib/pv.h"

enum {
	FD_PRIVCMD = 100,
	FD_HYPERCALL,
	FD_EVTCHN,
	FD_GNTDEV,
	FD_GNTALLOC
};

/* The devices' side. */
static struct {
	const char *missing; /* a device that is not there                */
	int fail_errno; /* of the next request, then 0                    */
	int open_fds, maps;
	unsigned long request; /* the last one                            */
	unsigned char sent[512]; /* what it pointed to                     */
	long (*serve)(unsigned long request, void *arg);
	uint64_t op, arg[5]; /* of the last hypercall                     */
	uint32_t event; /* for read; 0: none                              */
	uint32_t unmasked;
} dev;

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t off);
int __wrap_munmap(void *at, size_t n);
ssize_t __wrap_read(int fd, void *to, size_t n);
ssize_t __wrap_write(int fd, const void *from, size_t n);

int __wrap_open(const char *path, int flags, ...)
{
	static const char *const names[] = {"privcmd", "hypercall", "evtchn",
					    "gntdev", "gntalloc"};

	assert_true(flags & O_CLOEXEC);
	assert_memory_equal(path, "/dev/xen/", 9);
	for (int i = 0; i < 5; i++) {
		if (strcmp(path + 9, names[i]))
			continue;
		if (dev.missing && !strcmp(dev.missing, names[i]))
			break;
		dev.open_fds++;
		return FD_PRIVCMD + i;
	}
	errno = ENOENT;
	return -1;
}

int __wrap_close(int fd)
{
	assert_true(fd >= FD_PRIVCMD && fd <= FD_GNTALLOC);
	dev.open_fds--;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	long rc = 0;

	(void)fd;
	dev.request = request;
	if (dev.fail_errno) {
		errno = dev.fail_errno;
		dev.fail_errno = 0;
		return -1;
	}
	memcpy(dev.sent, arg, request >> 16 & 0x1fff);
	if (dev.serve)
		rc = dev.serve(request, arg);
	if (rc >= 0)
		return (int)rc;
	errno = (int)-rc;
	return -1;
}

void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	(void)at, (void)prot, (void)flags, (void)fd, (void)off;
	if (dev.fail_errno && fd != FD_HYPERCALL) {
		errno = dev.fail_errno;
		dev.fail_errno = 0;
		return MAP_FAILED;
	}
	dev.maps++;
	return calloc(1, n);
}

int __wrap_munmap(void *at, size_t n)
{
	(void)n;
	dev.maps--;
	free(at);
	return 0;
}

ssize_t __wrap_read(int fd, void *to, size_t n)
{
	assert_int_equal(fd, FD_EVTCHN);
	assert_int_equal(n, 4);
	if (!dev.event) {
		errno = EAGAIN;
		return -1;
	}
	memcpy(to, &dev.event, 4);
	dev.event = 0;
	return 4;
}

ssize_t __wrap_write(int fd, const void *from, size_t n)
{
	assert_int_equal(fd, FD_EVTCHN);
	assert_int_equal(n, 4);
	memcpy(&dev.unmasked, from, 4);
	return 4;
}

static int reset(void **state)
{
	(void)state;
	memset(&dev, 0, sizeof(dev));
	return 0;
}

static int nothing_left(void **state)
{
	(void)state;
	return dev.open_fds || dev.maps;
}

static void failed_with(const char *text)
{
	if (!strstr(pv_error(), text))
		fail_msg("wanted \"%s\", got \"%s\"", text, pv_error());
}

/* Field of what the last request pointed to. */
static uint64_t sent(unsigned int offset, unsigned int bytes)
{
	uint64_t v = 0;

	memcpy(&v, dev.sent + offset, bytes);
	return v;
}

/* ---- hypercalls ------------------------------------------------------------------ */

/* A hypervisor that serves some calls. */
static long hypervisor(unsigned long request, void *arg)
{
	const uint64_t *call = arg;

	if (request != 0x305000) /* not _IOC(NONE, 'P', 0, 48) */
		return -ENOTTY;
	dev.op = call[0];
	memcpy(dev.arg, call + 1, sizeof(dev.arg));
	if (dev.op == HC_control_op) {
		struct pv_control_op *op = (void *)(uintptr_t)dev.arg[0];

		assert_int_equal(op->version, PV_CONTROL_VERSION);
		if (op->cmd == PV_CONTROL_create_domain)
			op->domid = 7;
		if (op->domid == 9)
			return -ESRCH;
		if (op->cmd == PV_CONTROL_write_memory)
			op->u.write.length = op->u.write.length > 5000
						     ? 5000
						     : op->u.write.length;
		if (op->cmd == PV_CONTROL_list_domains) {
			struct pv_domain_info *info =
				(void *)(uintptr_t)op->u.list.buffer;

			memset(info, 0, sizeof(*info));
			info->domid = 3;
			op->u.list.nr_entries = op->u.list.first <= 3;
		}
	}
	return dev.op == HC_memory_op ? 1 : 0;
}

static struct pv *start(void)
{
	struct pv *pv;

	dev.serve = hypervisor;
	pv = pv_open();
	assert_non_null(pv);
	return pv;
}

static void a_missing_device_is_named(void **state)
{
	(void)state;
	dev.missing = "privcmd";
	assert_null(pv_open());
	assert_int_equal(errno, ENOENT);
	failed_with("open /dev/xen/privcmd: No such file");
	dev.missing = "evtchn";
	assert_null(pv_evtchn_open());
	failed_with("/dev/xen/evtchn");
	dev.missing = "gntdev";
	assert_null(pv_gnt_open());
	failed_with("/dev/xen/gntdev");
	dev.missing = "gntalloc";
	assert_null(pv_share_open());
	failed_with("/dev/xen/gntalloc");
}

static void control_calls_carry_the_request(void **state)
{
	struct pv_control_create create = {.max_vcpus = 2};
	struct pv_domain_info info[4];
	struct pv *pv = start();
	domid_t domid = DOMID_INVALID;

	(void)state;
	assert_int_equal(pv_control_create(pv, &create, &domid), 0);
	assert_int_equal(domid, 7);
	assert_int_equal(dev.op, 52);
	assert_int_equal(pv_control_list_domains(pv, 0, info, 4), 1);
	assert_int_equal(info[0].domid, 3);
	assert_int_equal(pv_control_pause(pv, 9), -ESRCH);
	failed_with("pause d9: No such process");
	assert_int_equal(pv_control_shutdown(pv, 5, SHUTDOWN_reboot), 0);
	assert_int_equal(dev.op, HC_sched_op);
	assert_int_equal(dev.arg[0], SCHEDOP_remote_shutdown);
	dev.fail_errno = ENOMEM;
	domid = DOMID_INVALID;
	assert_int_equal(pv_control_create(pv, &create, &domid), -ENOMEM);
	failed_with("create a domain: ");
	pv_close(pv);
}

static void long_writes_go_on_where_they_stopped(void **state)
{
	struct pv *pv = start();
	char *bytes = calloc(1, 100000);
	uint64_t mfn[30];

	(void)state;
	for (uint64_t i = 0; i < 30; i++)
		mfn[i] = 1000 + i;
	assert_int_equal(pv_write_memory(pv, 2, mfn, 4000, bytes, 100000), 0);
	/* The last piece: the end of 20 of 5000 bytes each. */
	assert_int_equal(
		((struct pv_control_op *)(uintptr_t)dev.arg[0])->u.write.offset,
		(4000 + 95000) % 4096);
	dev.fail_errno = EINVAL;
	assert_int_equal(pv_write_memory(pv, 2, mfn, 0, bytes, 10), -EINVAL);
	failed_with("write the memory of d2");
	free(bytes);
	pv_close(pv);
}

static void a_populate_that_falls_short_says_how_far_it_came(void **state)
{
	struct pv *pv = start();
	uint64_t extents[2] = {0, 512};

	(void)state;
	assert_int_equal(pv_populate(pv, 4, 9, extents, 2), 1);
	dev.fail_errno = EPERM;
	assert_int_equal(pv_populate(pv, 4, 9, extents, 2), -EPERM);
	failed_with("give d4 2 extents of 512 frames");
	pv_close(pv);
}

/* ---- frames ---------------------------------------------------------------------- */

static long batch_with_an_error(unsigned long request, void *arg)
{
	int *err;

	if (request != 0x205004) /* _IOC(NONE, 'P', 4, 32) */
		return hypervisor(request, arg);
	memcpy(&err, (char *)arg + 24, sizeof(err));
	err[1] = -EINVAL;
	return 0;
}

static void frames_are_mapped_in_one_batch(void **state)
{
	const uint64_t mfn[3] = {0x10, 0x20, 0x30};
	struct pv *pv = start();
	void *map;

	(void)state;
	dev.serve = NULL;
	map = pv_map_frames(pv, 6, mfn, 3, true);
	assert_non_null(map);
	assert_int_equal(dev.request, 0x205004);
	assert_int_equal(sent(0, 4), 3);
	assert_int_equal(sent(4, 2), 6);
	assert_int_equal(sent(8, 8), (uintptr_t)map);
	assert_int_equal(sent(16, 8), (uintptr_t)mfn);
	pv_unmap_frames(pv, map, 3);

	dev.serve = batch_with_an_error;
	assert_null(pv_map_frames(pv, 6, mfn, 3, false));
	failed_with("map 3 frames of d6: frame 1, mfn=0x20");
	assert_int_equal(errno, EINVAL);
	dev.fail_errno = ENOMEM;
	assert_null(pv_map_frames(pv, 6, mfn, 3, false));
	assert_int_equal(errno, ENOMEM);
	assert_null(pv_map_frames(pv, 6, mfn, 0, false));
	pv_close(pv);
}

/* ---- events ---------------------------------------------------------------------- */

static long one_port(unsigned long request, void *arg)
{
	(void)request, (void)arg;
	return 33;
}

static void event_channels_speak_the_kernels_numbers(void **state)
{
	struct pv_evtchn *e = pv_evtchn_open();

	(void)state;
	assert_int_equal(pv_evtchn_fd(e), FD_EVTCHN);
	dev.serve = one_port;
	assert_int_equal(pv_evtchn_bind(e, 3, 8), 33);
	assert_int_equal(dev.request, 0x84501);
	assert_int_equal(sent(0, 4), 3);
	assert_int_equal(sent(4, 4), 8);
	assert_int_equal(pv_evtchn_alloc(e, 4), 33);
	assert_int_equal(dev.request, 0x44502);
	assert_int_equal(pv_evtchn_bind_virq(e, VIRQ_DOM_EXC), 33);
	assert_int_equal(dev.request, 0x44500);
	dev.serve = NULL;
	assert_int_equal(pv_evtchn_notify(e, 33), 0);
	assert_int_equal(dev.request, 0x44504);
	assert_int_equal(pv_evtchn_unbind(e, 33), 0);
	assert_int_equal(dev.request, 0x44503);
	assert_int_equal(pv_evtchn_restrict(e, 3), 0);
	assert_int_equal(dev.request, 0x24506);
	assert_int_equal(pv_evtchn_pending(e), -EAGAIN);
	dev.event = 33;
	assert_int_equal(pv_evtchn_pending(e), 33);
	assert_int_equal(pv_evtchn_unmask(e, 33), 0);
	assert_int_equal(dev.unmasked, 33);
	dev.fail_errno = EINVAL;
	assert_int_equal(pv_evtchn_bind(e, 3, 8), -EINVAL);
	failed_with("bind event channel 8 of d3");
	pv_evtchn_close(e);
}

/* ---- grants ---------------------------------------------------------------------- */

static long grants(unsigned long request, void *arg)
{
	const uint64_t index = 0x5000;

	if ((request & 0xff) == 0)
		memcpy((char *)arg + 8, &index, 8);
	if ((request & 0xff) == 2)
		memcpy((char *)arg + 8, &index, 8);
	return 0;
}

static void grants_are_mapped_and_unmapped(void **state)
{
	struct pv_gnt *g = pv_gnt_open();
	uint32_t refs[100];
	void *map;

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		refs[i] = 500 + i;
	dev.serve = grants;
	map = pv_gnt_map(g, 3, refs, 1, true);
	assert_non_null(map);
	assert_int_equal(dev.request, 0x184700);
	assert_int_equal(sent(0, 4), 1);
	assert_int_equal(sent(16, 4), 3);
	assert_int_equal(sent(20, 4), 500);
	assert_int_equal(pv_gnt_notify_unmap(g, map, (char *)map + 9, 44), 0);
	assert_int_equal(dev.request, 0x104707);
	assert_int_equal(sent(0, 8), 0x5009);
	assert_int_equal(sent(8, 4), 3); /* both */
	assert_int_equal(sent(12, 4), 44);
	assert_int_equal(pv_gnt_unmap(g, map, 1), 0);
	assert_int_equal(dev.request, 0x104701);
	assert_int_equal(sent(0, 8), 0x5000);
	map = pv_gnt_map(g, 3, refs, 100, false);
	assert_non_null(map);
	assert_int_equal(pv_gnt_unmap(g, map, 100), 0);
	dev.fail_errno = ENOMEM;
	assert_null(pv_gnt_map(g, 3, refs, 2, true));
	failed_with("map 2 grants of d3");
	assert_null(pv_gnt_map(g, 3, refs, 0, true));
	pv_gnt_close(g);
}

static long copies(unsigned long request, void *arg)
{
	uint32_t count;
	char *segments;

	assert_int_equal(request, 0x104708);
	memcpy(&count, arg, 4);
	memcpy(&segments, (char *)arg + 8, 8);
	assert_true(count <= 32);
	for (uint32_t i = 0; i < count; i++, segments += 24) {
		int16_t status = i == 1 ? GNTST_bad_gntref : 0;
		uint16_t flags;

		memcpy(&flags, segments + 18, 2);
		assert_int_equal(flags, i % 2 ? GNTCOPY_dest_gref
					      : GNTCOPY_source_gref);
		memcpy(segments + 20, &status, 2);
	}
	return 0;
}

static void copies_have_a_status_each(void **state)
{
	struct pv_gnt *g = pv_gnt_open();
	struct pv_gnt_copy piece[70];
	char local[16];

	(void)state;
	for (unsigned int i = 0; i < 70; i++)
		piece[i] = (struct pv_gnt_copy){
			.local = local,
			.ref = i,
			.domid = 2,
			.offset = 8,
			.bytes = 16,
			.to_grant = i % 2,
		};
	dev.serve = copies;
	assert_int_equal(pv_gnt_copy(g, piece, 70), 0);
	for (unsigned int i = 0; i < 70; i++)
		assert_int_equal(piece[i].status,
				 i % 32 == 1 ? GNTST_bad_gntref : 0);
	assert_string_equal(pv_gnt_status_text(GNTST_bad_gntref),
			    "not granted to us");
	assert_string_equal(pv_gnt_status_text(-99), "unknown grant status");
	assert_string_equal(pv_gnt_status_text(5), "unknown grant status");
	pv_gnt_close(g);
}

static long lend(unsigned long request, void *arg)
{
	const uint64_t index = 0x3000;
	uint32_t refs[2] = {11, 12};

	if (request == 0x184705) {
		memcpy((char *)arg + 8, &index, 8);
		memcpy((char *)arg + 16, refs, 8);
	}
	return 0;
}

static void pages_are_lent_and_taken_back(void **state)
{
	struct pv_share *s = pv_share_open();
	uint32_t refs[2];
	void *pages;

	(void)state;
	dev.serve = lend;
	pages = pv_share_alloc(s, 5, 2, true, refs);
	assert_non_null(pages);
	assert_int_equal(refs[0], 11);
	assert_int_equal(refs[1], 12);
	assert_int_equal(sent(0, 2), 5);
	assert_int_equal(sent(2, 2), 1);
	assert_int_equal(sent(4, 4), 2);
	assert_int_equal(pv_share_free(s, s, 2), -EINVAL);
	assert_int_equal(pv_share_free(s, pages, 2), 0);
	assert_int_equal(dev.request, 0x104706);
	assert_int_equal(sent(0, 8), 0x3000);
	dev.fail_errno = ENOSPC;
	assert_null(pv_share_alloc(s, 5, 2, true, refs));
	failed_with("lend 2 pages to d5");
	pv_share_close(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, nothing_left)
	const struct CMUnitTest tests[] = {
		TEST(a_missing_device_is_named),
		TEST(control_calls_carry_the_request),
		TEST(long_writes_go_on_where_they_stopped),
		TEST(a_populate_that_falls_short_says_how_far_it_came),
		TEST(frames_are_mapped_in_one_batch),
		TEST(event_channels_speak_the_kernels_numbers),
		TEST(grants_are_mapped_and_unmapped),
		TEST(copies_have_a_status_each),
		TEST(pages_are_lent_and_taken_back),
	};

	return cmocka_run_group_tests_name("pv", tests, NULL, NULL);
}
