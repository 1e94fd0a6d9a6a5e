/* SPDX-License-Identifier: MIT */
/*
 * qemu-nbd for a disk that is not raw: a process, and the socket it serves.
 *
 * The socket is the daemon's and is handed on, so that nobody waits: a backend
 * may connect before the process has opened the image.
 */
#ifndef TOOLS_DAEMON_NBD_H
#define TOOLS_DAEMON_NBD_H

#include "tools/daemon/domain.h"

bool nbd_is_needed(const struct dom_disk *disk);
/* NULL: see why. */
struct nbd *nbd_start(struct device *dev, const struct dom_disk *disk,
		      struct fail *why);
/* Of a former life of the daemon; NULL: it is gone. */
struct nbd *nbd_adopt(struct device *dev, const struct dom_disk *disk, int pid,
		      uint64_t start);
void nbd_stop(struct nbd *n);
/* Look away: it goes on. */
void nbd_forget(struct nbd *n);
const char *nbd_uri(const struct nbd *n);
void nbd_process(const struct nbd *n, int *pid, uint64_t *start);

#endif
