/* SPDX-License-Identifier: MIT */
/*
 * Giving up what a backend does not need once its device is open.
 *
 * It becomes another user without capabilities, can gain no privilege again,
 * and a filter refuses the system calls that an intruder would want: opening
 * files, running programs, sockets, tracing, making rings of io_uring (which
 * would do all of that behind the filter's back).  A list of refusals, not of
 * permissions: libraries change which harmless calls they make.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pv-backends/common/worker.h"

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

static const unsigned int refused[] = {
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
	SYS_io_uring_register,
	SYS_fork,
	SYS_vfork,
	SYS_execve,
	SYS_execveat,
	SYS_creat,
	SYS_open,
	SYS_openat,
	SYS_openat2,
	SYS_unlink,
	SYS_unlinkat,
	SYS_rename,
	SYS_renameat,
	SYS_renameat2,
	SYS_link,
	SYS_linkat,
	SYS_symlink,
	SYS_symlinkat,
	SYS_mknod,
	SYS_mknodat,
	SYS_chmod,
	SYS_fchmodat,
	SYS_chown,
	SYS_lchown,
	SYS_fchownat,
	SYS_truncate,
};

static const unsigned int refused_network[] = {
	SYS_socket,
	SYS_connect,
	SYS_bind,
	SYS_listen,
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

struct program {
	struct sock_filter ins[COUNT(head) + 2 * COUNT(refused) +
			       2 * COUNT(refused_network) + 1];
	unsigned short n;
};

static void add(struct program *p, const unsigned int *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct sock_filter two[] = {IF_IS(list[i])};

		memcpy(p->ins + p->n, two, sizeof(two));
		p->n += COUNT(two);
	}
}

int harden_sandbox(bool network, char *why, size_t len)
{
	struct program p = {.n = COUNT(head)};
	struct sock_fprog fp;

	memcpy(p.ins, head, sizeof(head));
	add(&p, refused, COUNT(refused));
	if (!network)
		add(&p, refused_network, COUNT(refused_network));
	p.ins[p.n++] = (struct sock_filter)ALLOW;
	fp.len = p.n;
	fp.filter = p.ins;
	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	    !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fp))
		return 0;
	snprintf(why, len, "sandbox: %s", strerror(errno));
	return -1;
}
