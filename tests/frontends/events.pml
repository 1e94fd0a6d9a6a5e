/* SPDX-License-Identifier: MIT */
/*
 * Events of a ring: one end produces, the other consumes and sleeps, and a
 * store may stay in a CPU's buffer while later loads go ahead (front.c, back.c;
 * ABI.md 15.1).  Indices are small and wrap.
 *
 * The consumer must not sleep for ever with something in the ring, and must not
 * see an index before what it announces.  With each of the mistakes one of
 * them happens:
 * NO_FENCE_PUSH, NO_FENCE_SLEEP, NO_LOOK, EVENT_IS_CONS, INDEX_FIRST.
 */
#ifndef TOTAL
#define TOTAL 11
#endif
#define LAPS 8		/* indices wrap there                            */
#define SLOTS 4

#define WRAP(x) ((x) & (LAPS - 1))

/* Memory, and what is in each CPU's buffer of one store (TSO drains in order,
 * so a second store waits for the first). */
byte prod, event = 1;
byte slot;		/* the last index whose request is written       */
bool pending;		/* the event channel                             */
byte taken;		/* what is taken makes room                      */

bool p_full, c_full;
byte p_what, p_value, c_value;	/* p_what: 0 prod, 1 slot                */

#define drain_p() atomic {                                                     \
		if                                                             \
		:: p_full && p_what == 0 -> prod = p_value; p_full = 0         \
		:: p_full && p_what == 1 -> slot = p_value; p_full = 0         \
		:: else                                                        \
		fi                                                             \
	}
#define drain_c() atomic {                                                     \
		if                                                             \
		:: c_full -> event = c_value; c_full = 0                       \
		:: else                                                        \
		fi                                                             \
	}

/* A CPU's buffer drains some time. */
active proctype buffers() {
end:	do
	:: p_full -> drain_p()
	:: c_full -> drain_c()
	od
}

#define STORE_P(what, value)                                                   \
	atomic { !p_full -> p_full = 1; p_what = what; p_value = value }
#define STORE_C(value) atomic { !c_full -> c_full = 1; c_value = value }

active proctype producer() {
	byte made, old, new, e;

	do
	:: made == TOTAL -> break
	:: made < TOTAL && made - taken < SLOTS ->
		old = WRAP(made);
		/* One or two at once. */
		if
		:: made++
		:: made + 1 < TOTAL && made - taken < SLOTS - 1 -> made = made + 2
		fi;
		new = WRAP(made);
#ifdef INDEX_FIRST
		STORE_P(0, new);
		STORE_P(1, made);
#else
		STORE_P(1, made);
		STORE_P(0, new);
#endif
#ifndef NO_FENCE_PUSH
		!p_full;
#endif
		e = event;
		if
		:: WRAP(new - e + LAPS) < WRAP(new - old + LAPS) -> pending = 1
		:: else
		fi
	od
}

active proctype consumer() {
	byte cons, p;

	do
	:: taken == TOTAL -> break
	:: taken < TOTAL ->
		p = prod;
		if
		:: p != cons ->
			taken++;
			cons = WRAP(cons + 1);
			assert(slot >= taken)
		:: else ->
#ifdef EVENT_IS_CONS
			STORE_C(cons);
#else
			STORE_C(WRAP(cons + 1));
#endif
#ifndef NO_FENCE_SLEEP
			!c_full;
#endif
#ifndef NO_LOOK
			p = prod;
#endif
			if
			:: p == cons ->
				/* Sleeping: a deadlock here is a lost event. */
				atomic { pending -> pending = 0 }
			:: else
			fi
		fi
	od
}
