/* SPDX-License-Identifier: MIT */
/*
 * Roots on offer (root.c, roots.c): the trampoline of one CPU switches between
 * two pinned tables by itself, another vcpu unpins one of them and pins it
 * again.  A CPU runs on tables alone, and a table that nobody pins is one no
 * longer than a CPU runs on it.  With each of the mistakes that breaks:
 * FLAG_LATE, NO_WAIT, LEARN_LATE, KEEP_OTHERS, NO_SETTLE, LOOK_AGAIN.
 *
 * Every step here is atomic in hardware or behind a locked instruction, so
 * stores are seen in order.
 */
#define ROOTS 2

byte uses[ROOTS];	/* pins and held roots; 0: no table              */
bit pinned[ROOTS];
bit offered[ROOTS];
bit mm_lock, root_lock;

byte cr3;		/* what the CPU runs on in truth                 */
byte seen;		/* kernel_root                                   */
byte held;		/* held_root                                     */
bit in_guest;
bit asked;		/* the other CPU wants it to enter               */

#define LOCK(l)	  atomic { !l -> l = 1 }
#define UNLOCK(l) l = 0

/* root_copy_load: offers by the flags. */
inline offer() {
	LOCK(root_lock);
	offered[0] = pinned[0];
	offered[1] = pinned[1];
#ifdef LOOK_AGAIN
	any = pinned[seen];
#else
	any = offered[seen];
#endif
	offered[0] = offered[0] && any;
	offered[1] = offered[1] && any;
	UNLOCK(root_lock)
}

/* MMUEXT_NEW_BASEPTR in the hypervisor. */
inline new_root(r) {
	LOCK(mm_lock);
	if
	:: uses[r] == 0 && r == 1 -> skip /* no table now: refused */
	:: else ->
		uses[r]++;
		uses[held]--;
		held = r;
		seen = r;
		offer()
	fi;
	UNLOCK(mm_lock)
}

active proctype cpu()
{
	byte r;
	bit any;

	cr3 = 0; seen = 0; held = 0; uses[0] = 2; pinned[0] = 1;
	uses[1] = 1; pinned[1] = 1; in_guest = 1;
end:	do
	/* The trampoline, interrupts off: a look at the offer, then CR3. */
	:: select (r : 0 .. 1);
		if
		:: offered[r] -> cr3 = r
		:: else
		fi
	/* An entry; now and then it makes a new root. */
	:: true ->
enter:
#ifdef LEARN_LATE
		in_guest = 0;
		asked = 0;
		seen = cr3;
#else
		seen = cr3;
		in_guest = 0;
		asked = 0;
#endif
		if
		:: new_root(0)
		:: new_root(1)
		:: offer()
		:: skip
		fi;
		cr3 = seen;
		in_guest = 1
	/* An interrupt is not put off for ever. */
	:: asked -> goto enter
	od
}

/* Unpin table 1 and pin it again, twice. */
active proctype unpinner()
{
	bit found;
	byte turns;

	in_guest == 1;
	do
	:: turns < 2 ->
		turns++;
		LOCK(mm_lock);
#ifndef FLAG_LATE
		pinned[1] = 0;
#endif
		LOCK(root_lock);
		found = offered[1];
		if
		:: found ->
			offered[1] = 0;
#ifndef KEEP_OTHERS
			offered[0] = 0
#endif
		:: else
		fi;
		UNLOCK(root_lock);
#ifdef FLAG_LATE
		pinned[1] = 0;
#endif
#ifndef NO_WAIT
		if
		:: found && in_guest ->
			asked = 1;
			(!in_guest || !asked)
		:: else
		fi;
#endif
#ifndef NO_SETTLE
		if
		:: seen != held && (seen == 1 || held == 1) ->
			uses[seen]++;
			uses[held]--;
			held = seen
		:: else
		fi;
#endif
		uses[1]--;
		UNLOCK(mm_lock);
		atomic { !mm_lock -> uses[1]++; pinned[1] = 1 }
	:: else -> break
	od
}

/* Whatever a CPU runs on is a table. */
active proctype watch()
{
end:	do
	:: atomic { in_guest && uses[cr3] == 0 -> assert(false) }
	/* Held as what it was, while it runs on another: only if pinned. */
	:: atomic { in_guest && !mm_lock && held != cr3 && !pinned[held] ->
		assert(false) }
	od
}
