/* SPDX-License-Identifier: MIT */
/*
 * A pipe of packets (net_pipe.c, ABI.md 19.3): who fills it sleeps when there
 * is no room, who drains it when there is no packet, and a store may stay in a
 * CPU's buffer while later loads go ahead.  Indices are small and wrap.
 *
 * With BYTES it is one of bytes (con_pipe.c, ABI.md 20.3): several are taken
 * before the index moves, and who finds little room may wait for more.
 *
 * Nobody may sleep for ever, and nobody take what is not there yet or is not
 * there any more.  With each of the mistakes one of them happens:
 * NO_FENCE_PUSH, NO_FENCE_SLEEP, NO_LOOK, NO_FENCE_TELL, NO_FENCE_WAIT,
 * NO_LOOK_ROOM, ROOM_IS_CONS, WAIT_FIRST, INDEX_FIRST, DONE_FIRST.
 */
#define LAPS 8		/* indices wrap there */
#ifdef BYTES
#define SLOTS 3
#define LEAST 2
#define TOTAL 5
#else
#define SLOTS 2
#define LEAST 1
#define TOTAL 7
#endif

#define WRAP(x) ((x) & (LAPS - 1))

/* Memory, and what is in each CPU's buffer of one store (TSO drains in order,
 * so a second store waits for the first). */
byte prod, cons, prod_event = 1, cons_event;
byte slot[SLOTS];
bool up, down;		/* the event channel, both ways */

#define PROD       0
#define CONS_EVENT 1
#define SLOT       2	/* and which */
#define CONS       0
#define PROD_EVENT 1

bool f_full, d_full;
byte f_what, f_value, d_what, d_value;

#define drain_f() atomic {                                                     \
		if                                                             \
		:: f_full && f_what == PROD -> prod = f_value                  \
		:: f_full && f_what == CONS_EVENT -> cons_event = f_value      \
		:: f_full && f_what >= SLOT -> slot[f_what - SLOT] = f_value   \
		:: else                                                        \
		fi;                                                            \
		f_full = 0                                                     \
	}
#define drain_d() atomic {                                                     \
		if                                                             \
		:: d_full && d_what == CONS -> cons = d_value                  \
		:: d_full && d_what == PROD_EVENT -> prod_event = d_value      \
		:: else                                                        \
		fi;                                                            \
		d_full = 0                                                     \
	}

/* A CPU's buffer drains some time. */
active proctype buffers() {
end:	do
	:: f_full -> drain_f()
	:: d_full -> drain_d()
	od
}

#define STORE_F(what, value)                                                   \
	atomic { !f_full -> f_full = 1; f_what = what; f_value = value }
#define STORE_D(what, value)                                                   \
	atomic { !d_full -> d_full = 1; d_what = what; d_value = value }

#define PASSED(old, new, event)                                                \
	(WRAP(new - event + LAPS) < WRAP(new - old + LAPS))

inline push() {
	if
	:: pushed != made ->
		STORE_F(PROD, WRAP(made));
#ifndef NO_FENCE_PUSH
		!f_full;
#endif
		e = prod_event;
		if
		:: PASSED(WRAP(pushed), WRAP(made), e) -> up = 1
		:: else
		fi;
		pushed = made
	:: else
	fi
}

active proctype filler() {
	byte made, pushed, seen, e, c;

	do
	:: made == TOTAL -> push(); break
	:: made < TOTAL && made - seen < SLOTS ->
#ifdef INDEX_FIRST
		made++;
		push();
		STORE_F(SLOT + (made - 1) % SLOTS, made)
#else
		STORE_F(SLOT + made % SLOTS, made + 1);
		made++;
		/* One or more at once. */
		if
		:: push()
		:: skip
		fi
#endif
	:: made < TOTAL && made - seen > SLOTS - LEAST ->
		c = cons;
		if
		:: c != WRAP(seen) -> seen = seen + WRAP(c - seen + LAPS)
		:: else ->
#ifndef WAIT_FIRST
			push();
#endif
#ifdef ROOM_IS_CONS
			STORE_F(CONS_EVENT, WRAP(seen));
#else
			STORE_F(CONS_EVENT, WRAP(seen + (made - seen + 1) / 2));
#endif
#ifndef NO_FENCE_WAIT
			!f_full;
#endif
#ifndef NO_LOOK_ROOM
			c = cons;
#endif
			if
			:: c == WRAP(seen) ->
				/* A deadlock here is a lost event. */
				atomic { down -> down = 0 }
			:: else
			fi
		fi
	od
}

inline tell() {
	if
	:: told != taken ->
#ifdef BYTES
		STORE_D(CONS, WRAP(taken));
#endif
#ifndef NO_FENCE_TELL
		!d_full;
#endif
		e = cons_event;
		if
		:: PASSED(WRAP(told), WRAP(taken), e) -> down = 1
		:: else
		fi;
		told = taken
	:: else
	fi
}

active proctype drainer() {
	byte taken, told, e, p;

	do
	:: taken == TOTAL -> tell(); break
	:: taken < TOTAL ->
		p = prod;
		if
		:: p != WRAP(taken) ->
#ifdef DONE_FIRST
			STORE_D(CONS, WRAP(taken + 1));
#endif
			assert(slot[taken % SLOTS] == taken + 1);
#if !defined(DONE_FIRST) && !defined(BYTES)
			STORE_D(CONS, WRAP(taken + 1));
#endif
			taken++;
			if
			:: tell()
			:: skip
			fi
		:: else ->
			tell();
			STORE_D(PROD_EVENT, WRAP(taken + 1));
#ifndef NO_FENCE_SLEEP
			!d_full;
#endif
#ifndef NO_LOOK
			p = prod;
#endif
			if
			:: p == WRAP(taken) ->
				/* A deadlock here is a lost event. */
				atomic { up -> up = 0 }
			:: else
			fi
		fi
	od
}
