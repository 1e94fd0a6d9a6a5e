/* SPDX-License-Identifier: MIT */
/*
 * Beginning and ending the use of a grant.
 *
 * A guest takes a grant back by exchanging the entry's flags for 0 if neither
 * reading nor writing is set.  So the first use must, in one step, see that
 * the entry grants something, learn what, and set the flag: the whole entry is
 * eight bytes, and that step is one compare-exchange on all of them.
 *
 * HOSTILE  The owner may change the entry at any time.  Each try reads it
 * once; what a use relies on later (frame, user) is in struct grant_use.  An
 * entry that will not hold still is refused after a few tries.
 *
 * PURE  Built twice: also into tests/unit_gnttab.  The caller holds the lock
 * of the table.
 */
#include "hv/gnttab/entry.h"
#include "hv/lib/atomic.h"
#include "hv/lib/bug.h"

#define TRIES 8

/* Flags that change what is granted; the others are ours or say readonly. */
#define KIND (GTF_type_mask | GTF_PWT | GTF_PCD | GTF_PAT | GTF_sub_page)

union entry_word {
	uint64_t word;
	struct pv_grant_entry_v1 e;
};

/* Set the entry's use flags, and learn its frame. */
static int mark(struct pv_grant_entry_v1 *entry, domid_t user, bool writable,
		uint32_t *frame)
{
	uint64_t *at = (uint64_t *)(void *)entry;
	union entry_word seen = {.word = READ_ONCE(*at)}, want;

	for (unsigned int try = 0; try < TRIES; try++) {
		if ((seen.e.flags & KIND) != GTF_permit_access ||
		    seen.e.domid != user ||
		    (writable && seen.e.flags & GTF_readonly))
			return GNTST_bad_gntref;
		want = seen;
		want.e.flags |= GTF_reading | (writable ? GTF_writing : 0);
		if (atomic_cmpxchg(at, &seen.word, want.word)) {
			*frame = seen.e.frame;
			return GNTST_okay;
		}
	}
	return GNTST_general_error;
}

int grant_pin(struct pv_grant_entry_v1 *entry, struct grant_use *use,
	      domid_t user, bool writable)
{
	bool first = !use->readers && !use->writers;
	uint32_t frame;
	int rc;

	if (!first && use->user != user)
		return GNTST_bad_gntref;
	if (use->readers == UINT32_MAX || use->writers == UINT32_MAX)
		return GNTST_no_space;
	if (first || (writable && !use->writers)) {
		rc = mark(entry, user, writable, &frame);
		if (rc)
			return rc;
		if (first) {
			use->frame = frame;
			use->user = user;
		}
	}
	if (writable)
		use->writers++;
	else
		use->readers++;
	return GNTST_okay;
}

void grant_unpin(struct pv_grant_entry_v1 *entry, struct grant_use *use,
		 bool writable)
{
	uint16_t clear = 0;

	if (writable) {
		BUG_ON(!use->writers);
		if (!--use->writers)
			clear |= GTF_writing;
	} else {
		BUG_ON(!use->readers);
		use->readers--;
	}
	if (!use->readers && !use->writers)
		clear |= GTF_reading;
	/* ORDER: a full barrier, after the last access to the frame. */
	if (clear && entry)
		atomic_fetch_and(&entry->flags, (uint16_t)~clear);
}
