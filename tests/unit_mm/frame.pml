/* SPDX-License-Identifier: MIT */
/*
 * One frame: on one CPU its owner makes it a table and a writable page by
 * turns, on a second another domain maps it writable and lets go, and on a
 * third a vcpu of either runs, which may load whatever translation there is at
 * a moment and keeps it until it leaves the guest (type.c, tlb.c); or, on a
 * shared root, until it comes back and somebody wants a flush.  References are
 * left out; the type, its uses and the stamp are one frame's.
 *
 * There must be no moment in which the frame is a table in use and a guest's
 * TLB may write to it, nor one in which it is mapped writable and a TLB walks
 * it.  With each of the mistakes there is one:
 * STAMP_FIRST, STAMP_LATE, NO_FLUSH, NO_CHANGING, FLUSH_BEFORE, KEPT_UNSEEN,
 * KEPT_STAMP, WANT_EARLY.
 */
#ifndef ROUNDS
#define ROUNDS 2
#endif

/* The state word: uses in steps of 1, type in steps of 4, flags above. */
#define USE	 1
#define USES(s)	 ((s) & 3)
#define TYPE(s)	 (((s) >> 2) & 3)
#define NONE	 0
#define TABLE	 (1 << 2)
#define WRITABLE (2 << 2)
#define BUSY	 16
#define CHANGING 32

byte st;		/* f->state                                      */
byte link;		/* f->link: the stamp                            */
byte clock = 1;

bit in_guest;
bit shared;		/* the guest's root has the hypervisor in it     */
byte flush_time;
bit want;		/* flush_wanted != flush_done                    */
bit tlb_w, tlb_t;	/* what the guest's TLB may hold                 */
bit runs;		/* the guest itself: with that TLB               */
byte maps_w;		/* entries that map it writable                  */
bit hooked;		/* it is where hardware finds it as a table      */

/* cmpxchg: old is what was there. */
#define CAS(old, new, ok)                                                      \
	atomic {                                                               \
		if                                                             \
		:: st == old -> st = new; ok = 1                               \
		:: else -> old = st; ok = 0                                    \
		fi                                                             \
	}

#define TLB_NOW(x) atomic { x = clock; clock++ }

/* tlb_flush_mask(tlb_stale(all, stamp)) */
inline flush(stamp) {
#ifndef NO_FLUSH
	if
#ifdef KEPT_UNSEEN
	:: in_guest && flush_time <= stamp ->
#else
	:: (in_guest || shared) && flush_time <= stamp ->
#endif
		want = 1;
		(!in_guest || !want)
	:: else
	fi
#else
	skip
#endif
}

inline writable_get(got) {
	s = st;
	do
	:: TYPE(s) << 2 == WRITABLE && !(s & CHANGING) ->
		CAS(s, s + USE, ok);
		if
		:: ok -> got = 1; break
		:: else
		fi
	:: s & CHANGING ->
		(st != s);
		s = st
	:: TYPE(s) << 2 != WRITABLE && !(s & CHANGING) &&
	   ((s & BUSY) || USES(s)) ->
		got = 0;
		break
	:: TYPE(s) << 2 == NONE && !(s & CHANGING) ->
		CAS(s, WRITABLE + USE, ok);
		if
		:: ok -> got = 1; break
		:: else
		fi
	:: s == TABLE -> /* no use, not busy */
#ifdef NO_CHANGING
		x = link;
		flush(x);
		CAS(s, WRITABLE + USE, ok);
		if
		:: ok -> got = 1; break
		:: else
		fi
#else
		CAS(s, s + CHANGING, ok);
		if
		:: ok ->
			x = link;
			flush(x);
			st = WRITABLE + USE;
			got = 1;
			break
		:: else
		fi
#endif
	od
}

inline writable_put() {
	s = st;
	do
	:: 1 ->
#ifdef STAMP_FIRST
		if
		:: USES(s) == 1 -> TLB_NOW(x); link = x
		:: else
		fi;
		CAS(s, s - USE, ok);
		if
		:: ok -> break
		:: else
		fi
#else
		CAS(s, s - USE + (USES(s) == 1 -> CHANGING : 0), ok);
		if
		:: ok && USES(s) == 1 ->
#ifdef STAMP_LATE
			st = st - CHANGING;
#endif
			TLB_NOW(x);
			link = x;
#ifndef STAMP_LATE
			st = st - CHANGING;
#endif
			break
		:: ok && USES(s) != 1 -> break
		:: else
		fi
#endif
	od
}

/* Under the owner's lock: there is one owner here. */
inline table_get(got) {
	s = st;
	do
	:: s & CHANGING ->
		(st != s);
		s = st
	:: !(s & CHANGING) && USES(s) ->
		got = 0; /* writable: others use it */
		break
	:: !(s & CHANGING) && !USES(s) ->
		old = s;
#ifdef FLUSH_BEFORE
		x = link;
		flush(x);
#endif
		CAS(s, TABLE + BUSY, ok);
		if
		:: ok ->
#ifndef FLUSH_BEFORE
			if
			:: TYPE(old) << 2 == WRITABLE ->
				x = link;
				flush(x)
			:: else
			fi;
#endif
			st = TABLE + USE; /* validated meanwhile */
			got = 1;
			break
		:: else
		fi
	od
}

inline table_put() {
	st = TABLE + BUSY; /* the entries are given back meanwhile */
	TLB_NOW(x);
	link = x;
	st = TABLE
}

inline map_and_let_go() {
	writable_get(got);
	if
	:: got ->
		maps_w++;
		maps_w--;
		writable_put()
	:: else
	fi
}

active proctype owner()
{
	byte s, old, x, n;
	bit ok, got;

	do
	:: n < ROUNDS ->
		n++;
		if
		:: table_get(got);
			if
			:: got ->
				hooked = 1;
				hooked = 0;
				table_put()
			:: else
			fi
		:: map_and_let_go()
		fi
	:: n == ROUNDS -> break
	od
}

active proctype other()
{
	byte s, x, n;
	bit ok, got;

	do
	:: n < ROUNDS -> n++; map_and_let_go()
	:: n == ROUNDS -> break
	od
}

/* tlb_leaving: with what the TLB holds, or without. */
inline leave_hypervisor() {
#ifdef WANT_EARLY
	kept = shared && !want;
	in_guest = 1;
#else
	in_guest = 1;
	kept = shared && !want;
#endif
	if
	:: kept ->
#ifdef KEPT_STAMP
		flush_time = clock
#else
		skip
#endif
	:: else ->
		want = 0;
		flush_time = clock;
		atomic { tlb_w = 0; tlb_t = 0 }
	fi;
	runs = 1
}

/* It leaves the guest by itself or because a flush is asked for. */
active proctype guest()
{
	bit kept;

	if
	:: shared = 1
	:: skip
	fi;
end:	do
	:: 1 ->
		leave_hypervisor();
		do
		:: maps_w > 0 && !tlb_w -> tlb_w = 1
		:: hooked && !tlb_t -> tlb_t = 1
		:: 1 -> break
		od;
		if
		:: shared -> atomic { runs = 0; in_guest = 0 }
		:: else ->
			atomic {
				tlb_w = 0;
				tlb_t = 0;
				runs = 0;
				in_guest = 0
			}
		fi
	od
}

active proctype invariant()
{
	/* Tried at every moment. */
	assert(!(TYPE(st) << 2 == TABLE && USES(st) &&
		 (tlb_w && runs || maps_w)));
	assert(!(maps_w && tlb_t && runs))
}
