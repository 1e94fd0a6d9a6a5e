/* SPDX-License-Identifier: MIT */
/*
 * What a backend does not need once its device is open: besides what no daemon
 * needs (tools/harden), opening and naming files, running programs, changing
 * rings of io_uring (which would do all of that behind the filter's back), and
 * sockets, if the device has no use for them.
 */
#include <sys/syscall.h>

#include "pv-backends/common/worker.h"

static const unsigned int refused[] = {
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

int harden_sandbox(bool network, char *why, size_t len)
{
	const struct harden_list more[] = {HARDEN_LIST(refused),
					   HARDEN_LIST(refused_network)};

	return harden_refuse(more, network ? 1 : 2, false, why, len);
}
