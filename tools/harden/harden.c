/* SPDX-License-Identifier: MIT */
/*
 * Giving up rights: another user, and a filter of system calls.
 *
 * The filter refuses what an intruder would want.  It is a list of refusals,
 * not of permissions: libraries change which harmless calls they make, and the
 * store's filter also has to suit the program that takes over from it.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/harden/harden.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool find_user(const char *user, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw;
	char *end;
	unsigned long n = strtoul(user, &end, 10);

	/* No name is a number, and looking one up takes long. */
	if (*user && !*end) {
		*uid = *gid = (uid_t)n;
		return n && n < 0xffffffff;
	}
	pw = getpwnam(user);
	if (!pw)
		return false;
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return true;
}

int harden_user(const char *user, char *why, size_t len)
{
	uid_t uid;
	gid_t gid;

	if (!find_user(user, &uid, &gid)) {
		snprintf(why, len, "user %s: no such user", user);
		return -1;
	}
	if (geteuid() == uid)
		return 0;
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid)) {
		snprintf(why, len, "become user %s: %s", user, strerror(errno));
		return -1;
	}
	return 0;
}

static const unsigned int always[] = {
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_setns,
	SYS_unshare,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_kexec_file_load,
	SYS_reboot,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_open_by_handle_at,
	SYS_name_to_handle_at,
	SYS_personality,
	SYS_move_mount,
	SYS_open_tree,
	SYS_fsopen,
	SYS_io_uring_setup,
	SYS_swapon,
	SYS_swapoff,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_sethostname,
	SYS_acct,
	SYS_iopl,
	SYS_ioperm,
};

#define LOAD(field)                                                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define IF_IS(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), REFUSE

static const struct sock_filter head[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	/* The x32 numbers would slip past the list. */
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
	REFUSE,
};

/* Ends with an answer for socket(); other calls go on behind it. */
static const struct sock_filter only_unix_sockets[] = {
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4),
	LOAD(args[0]),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0),
	REFUSE,
	ALLOW,
};

struct program {
	struct sock_filter ins[BPF_MAXINSNS];
	unsigned short n;
};

static void add(struct program *p, const struct sock_filter *ins, size_t nr)
{
	if (p->n + nr > COUNT(p->ins))
		abort();
	memcpy(p->ins + p->n, ins, nr * sizeof(*ins));
	p->n = (unsigned short)(p->n + nr);
}

static void add_list(struct program *p, const struct harden_list *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		const struct sock_filter two[] = {IF_IS(list->call[i])};

		add(p, two, COUNT(two));
	}
}

int harden_refuse(const struct harden_list *more, unsigned int nr,
		  bool only_unix, char *why, size_t len)
{
	static const struct sock_filter allow[] = {ALLOW};
	struct harden_list first = HARDEN_LIST(always);
	struct program p = {.n = 0};
	struct sock_fprog fp = {.filter = p.ins};

	add(&p, head, COUNT(head));
	if (only_unix)
		add(&p, only_unix_sockets, COUNT(only_unix_sockets));
	add_list(&p, &first);
	for (unsigned int i = 0; i < nr; i++)
		add_list(&p, &more[i]);
	add(&p, allow, COUNT(allow));
	fp.len = p.n;
	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	    !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fp))
		return 0;
	snprintf(why, len, "sandbox: %s", strerror(errno));
	return -1;
}
