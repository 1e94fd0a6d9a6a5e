/* SPDX-License-Identifier: MIT */
/*
 * Giving up what the daemon does not need once it runs.
 *
 * After its sockets, journal and rings are open it becomes another user, can
 * gain no privilege again (no_new_privs), and a seccomp filter refuses the
 * system calls that an intruder would want and a store never makes: network
 * sockets, tracing, mounting, modules, namespaces, keys, bpf.  The filter is a
 * list of refusals, not of permissions: it also has to suit the program that
 * takes over in a handover, and its libc.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/store/daemon.h"

int harden_user(const char *user, char *why, size_t len)
{
	const struct passwd *pw = getpwnam(user);

	if (!pw) {
		snprintf(why, len, "user: %s: no such user", user);
		return ENOENT;
	}
	if (geteuid() == pw->pw_uid)
		return 0;
	if (setgroups(0, NULL) || setgid(pw->pw_gid) || setuid(pw->pw_uid)) {
		snprintf(why, len, "user: %s: %s", user, strerror(errno));
		return EPERM;
	}
	return 0;
}

static const int refused[] = {
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
	SYS_swapon,
	SYS_swapoff,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_sethostname,
	SYS_acct,
	SYS_iopl,
	SYS_ioperm,
	SYS_personality,
	SYS_move_mount,
	SYS_open_tree,
	SYS_fsopen,
	SYS_io_uring_setup,
};

#define LOAD(field)                                                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

int harden_sandbox(char *why, size_t len)
{
	static const struct sock_filter head[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		/* The x32 numbers would slip past the list. */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
		REFUSE,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0),
		REFUSE,
		ALLOW,
	};
	struct sock_filter prog[ARRAY_LEN(head) + 2 * ARRAY_LEN(refused) + 1];
	struct sock_fprog fp = {.filter = prog};
	unsigned short n = ARRAY_LEN(head);
	size_t i;

	memcpy(prog, head, sizeof(head));
	for (i = 0; i < ARRAY_LEN(refused); i++) {
		prog[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refused[i], 0, 1);
		prog[n++] = (struct sock_filter)REFUSE;
	}
	prog[n++] = (struct sock_filter)ALLOW;
	fp.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fp)) {
		snprintf(why, len, "sandbox: %s", strerror(errno));
		return errno;
	}
	return 0;
}
