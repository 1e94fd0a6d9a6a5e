/* SPDX-License-Identifier: MIT */
/* The boot room's own: options, the control domain's builder. */
#ifndef HV_BOOT_BOOT_H
#define HV_BOOT_BOOT_H

#include "hv/boot/elf.h"
#include "hv/boot/multiboot.h"
#include "hv/domain/domain.h"

struct boot_options {
	uint64_t control_mem; /* bytes, 0: all but a reserve              */
	unsigned int control_vcpus; /* 0: one per CPU                     */
	unsigned int cpus; /* processors to start, 0: all                 */
	enum {
		ROOT_AUTO,
		ROOT_APART,
		ROOT_SHARED,
	} control_root;
	bool noreboot; /* stop instead of rebooting after a crash          */
};
extern struct boot_options options;

/* Parse the command line; unknown words are named in the log. */
void options_parse(const char *line);

/* A part of memory in the direct map. */
struct blob {
	const void *data;
	size_t size;
};

struct control_plan {
	struct blob kernel, initrd; /* initrd.size 0: none                */
	const char *cmdline;
	uint64_t nr_pages; /* frames that the domain gets                 */
	unsigned int vcpus;
	bool root_shared; /* its roots show the hypervisor (mm/root.c)      */
	/* The blobs have been copied: their memory may be handed out. */
	void (*release)(void);
};

/*
 * Make the control domain and leave its vcpu 0 ready to be woken.  An error is
 * a sentence that names what is wrong; NULL: done.
 */
const char *control_domain_build(const struct control_plan *plan);

#endif /* HV_BOOT_BOOT_H */
