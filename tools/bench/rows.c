/* SPDX-License-Identifier: MIT */
/*
 * What the names of rows and systems mean, and how a figure is written.  A name
 * that is not known is shown as it is: results may be newer than this program.
 */
#include <string.h>

#include "tools/bench/report.h"

static const struct {
	const char *name, *title;
	enum group group;
	bool more_is_better;
} rows[] = {
	{"getpid", "null system call", GROUP_KERNEL, false},
	{"read_zero", "read one byte of /dev/zero", GROUP_KERNEL, false},
	{"clock_gettime", "read the clock", GROUP_KERNEL, false},
	{"signal", "signal to itself", GROUP_KERNEL, false},
	{"prot_fault", "signal by a protection fault", GROUP_KERNEL, false},
	{"page_fault", "page fault", GROUP_KERNEL, false},
	{"mmap64", "mmap, fill, munmap 64 pages", GROUP_KERNEL, false},
	{"mprotect64", "mprotect 64 pages, twice", GROUP_KERNEL, false},
	{"context_switch", "context switch", GROUP_KERNEL, false},
	{"pipe_round_trip", "pipe round trip", GROUP_KERNEL, false},
	{"fork_wait", "fork, exit, wait", GROUP_KERNEL, false},
	{"fork_exec_wait", "fork, exec, exit, wait", GROUP_KERNEL, false},
	{"int_loop", "integer loop", GROUP_PROCESSOR, false},
	{"memcpy", "memory copy", GROUP_PROCESSOR, false},
	{"build", "build a C program", GROUP_WORK, false},
	{"compress", "compress text", GROUP_WORK, true},
	{"db_select", "database queries", GROUP_WORK, true},
	{"db_insert", "database transactions", GROUP_WORK, true},
	{"block_seq_read", "read in order, 1 MiB", GROUP_DISK, true},
	{"block_rand_qd1", "read at random, 4 KiB, one by one", GROUP_DISK,
	 true},
	{"block_rand_qd32", "read at random, 4 KiB, 32 at once", GROUP_DISK,
	 true},
	{"net_to_control", "TCP out of the guest", GROUP_NETWORK, true},
	{"net_to_guest", "TCP into the guest", GROUP_NETWORK, true},
	{"net_rtt", "one byte there and back", GROUP_NETWORK, false},
	{"boot_to_init", "kernel's start to first program", GROUP_LIFE, false},
	{"create_toolstack", "command that creates a guest", GROUP_LIFE, false},
	{"create_to_init", "creation to first program", GROUP_LIFE, false},
	{"create_to_init_first", "the same for the first time", GROUP_LIFE,
	 false},
	{"destroy", "command that destroys a guest", GROUP_LIFE, false},
	{"list", "command that lists guests", GROUP_LIFE, false},
	{"create_toolstack_busy", "create, right after a destroy", GROUP_LIFE,
	 false},
	{"create_to_init_busy", "the same, to first program", GROUP_LIFE,
	 false},
	{"destroy_busy", "destroy, right after a start", GROUP_LIFE, false},
};

/* The order of columns. */
static const struct {
	const char *name, *title, *style;
} systems[] = {
	{"native", "bare machine", "native"},
	{"parapet-control", "Parapet, control domain", "parapet-control"},
	{"parapet-control-apart", "Parapet, control domain, apart",
	 "parapet-apart"},
	{"parapet-guest", "Parapet guest", "parapet-guest"},
	{"parapet-guest-patched", "Parapet guest, patched kernel",
	 "parapet-patched"},
	{"parapet-guest-frontends", "Parapet guest, own frontends",
	 "parapet-own"},
	{"xen-control", "Xen 4.17, control domain", "xen-control"},
	{"xen-guest", "Xen 4.17 PV guest", "xen-guest"},
	{"xen-pvh", "Xen 4.17 PVH guest", "xen-pvh"},
	{"kvm-guest", "KVM guest", "kvm-guest"},
	{"tcg-guest", "QEMU guest, emulated", "tcg-guest"},
};

static const struct {
	const char *title, *note;
} groups[NR_GROUPS] = {
	[GROUP_KERNEL] = {"Kernel", "time of one operation"},
	[GROUP_PROCESSOR] = {"Processor", "no kernel at all"},
	[GROUP_WORK] = {"Work", "a compiler, a library, a database"},
	[GROUP_DISK] = {"Disk", "reads that go around the page cache"},
	[GROUP_NETWORK] = {"Network", "between a guest and the machine that "
				      "makes it"},
	[GROUP_LIFE] = {"Lives of guests", "from command to first program, "
					   "and to the end"},
	[GROUP_INSNS] = {"Instructions", "of one operation, counted"},
	[GROUP_FLUSHES] = {"TLB flushes", "of one operation, counted"},
	[GROUP_OTHER] = {"Other", ""},
};

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

/* By the name, of which the first `len` characters count. */
static int find_row(const char *name, size_t len)
{
	for (int i = 0; i < COUNT(rows); i++)
		if (strlen(rows[i].name) == len &&
		    !strncmp(rows[i].name, name, len))
			return i;
	return -1;
}

/* What is counted has the name of what is timed, and a suffix. */
static size_t plain_length(const char *name, enum group *group)
{
	const char *end;

	if ((end = strstr(name, "_insns")) && !end[6])
		*group = GROUP_INSNS;
	else if ((end = strstr(name, "_flushes")) && !end[8])
		*group = GROUP_FLUSHES;
	else
		return strlen(name);
	return (size_t)(end - name);
}

void row_describe(struct row *row)
{
	enum group counted = GROUP_OTHER;
	size_t len = plain_length(row->name, &counted);
	int i = find_row(row->name, len);

	row->group = counted;
	if (i < 0) {
		snprintf(row->title, sizeof(row->title), "%.*s", (int)len,
			 row->name);
		row->more_is_better =
			strstr(row->unit, "/s") || !strcmp(row->unit, "IOPS");
		return;
	}
	snprintf(row->title, sizeof(row->title), "%s", rows[i].title);
	if (counted == GROUP_OTHER) {
		row->group = rows[i].group;
		row->more_is_better = rows[i].more_is_better;
	}
}

int row_place(const char *name)
{
	enum group group;
	int i = find_row(name, plain_length(name, &group));

	return i < 0 ? COUNT(rows) : i;
}

int system_place(const char *name)
{
	int i;

	for (i = 0; i < COUNT(systems) && strcmp(systems[i].name, name); i++)
		;
	return i;
}

void system_describe(struct system *s)
{
	int i = system_place(s->name);
	bool known = i < COUNT(systems);

	snprintf(s->title, sizeof(s->title), "%s",
		 known ? systems[i].title : s->name);
	s->style = known ? systems[i].style : "other";
}

const char *group_title(enum group group)
{
	return groups[group].title;
}

const char *group_note(enum group group)
{
	return groups[group].note;
}

/* Three digits. */
static void with_digits(char text[TEXT], double value, const char *behind)
{
	int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(text, TEXT, "%.*f%s", digits, value, behind);
}

void figure_text(char text[TEXT], double value, const char *unit, bool utf8)
{
	static const char *const times[] = {"ns", "us", "ms", "s"};
	static const char *const prefixes[] = {"", "k", "M", "G"};
	char behind[TEXT - 16];
	int i;

	for (i = 0; i < 3 && strcmp(unit, times[i]) != 0; i++)
		;
	if (i < 3) {
		for (; i < 3 && value >= 999.5; i++)
			value /= 1000;
		snprintf(behind, sizeof(behind), " %s",
			 i == 1 && utf8 ? "\u00b5s" : times[i]);
		with_digits(text, value, behind);
		return;
	}
	for (i = 0; i < 3 && value >= 9999.5; i++)
		value /= 1000;
	if (!strcmp(unit, "instructions") || !strcmp(unit, "flushes"))
		unit = "";
	snprintf(behind, sizeof(behind), "%s%s%.20s", prefixes[i],
		 *unit ? " " : "", unit);
	with_digits(text, value, behind);
}

void cost_text(char text[TEXT], double cost, bool utf8)
{
	if (cost > 0)
		with_digits(text, cost, utf8 ? "\u00d7" : "x");
	else
		snprintf(text, TEXT, "%s", utf8 ? "\u2013" : "-");
}
