/* SPDX-License-Identifier: MIT */
/*
 * Copies of a top-level table (root.c): one CPU changes an entry, gives the
 * table up and makes it again, others load it and run on their copy.
 *
 * Stores wait in a store buffer until a barrier, a lock or chance, as on x86.
 * While a CPU runs on its copy and nobody is in the middle of a change, the
 * copy must be the table.  With each of the mistakes it is not:
 * NO_BARRIER_CHANGE, NO_BARRIER_COPY, NO_FORGET, NO_LOCK.
 */
#define LOADERS 2
#define VALUES	3

byte entry;		/* the table's one slot, as memory has it        */
bit entry_buffered;	/* a store of it is under way (one writer)       */
byte entry_buf;
byte table_uses;	/* pins and vcpus' roots                         */
bit busy;		/* a change is under way                         */

bit named[LOADERS];	/* copies->mfn is this table                     */
bit named_buffered[LOADERS];
byte copy[LOADERS];
bit lock[LOADERS];
bit runs[LOADERS];	/* a vcpu whose root it is runs on the copy      */
bit mm_lock;

#define FLUSH_ENTRY                                                            \
	if                                                                     \
	:: entry_buffered -> entry = entry_buf; entry_buffered = 0             \
	:: else                                                                \
	fi
#define FLUSH_NAME(c)                                                          \
	if                                                                     \
	:: named_buffered[c] -> named[c] = 1; named_buffered[c] = 0            \
	:: else                                                                \
	fi

/* The buffers drain when they like. */
active proctype drain()
{
end:	do
	:: atomic { entry_buffered -> entry = entry_buf; entry_buffered = 0 }
	:: atomic { named_buffered[0] -> named[0] = 1; named_buffered[0] = 0 }
	:: atomic { named_buffered[1] -> named[1] = 1; named_buffered[1] = 0 }
	od
}

/* root_entry_changed, root_forget: every CPU's copy. */
inline copies_change(forget, value) {
	c = 0;
	do
	:: c < LOADERS ->
		if
		:: named[c] ->
#ifndef NO_LOCK
			atomic { !lock[c] -> lock[c] = 1; FLUSH_ENTRY };
#endif
			if
			:: named[c] && forget -> named[c] = 0
			:: named[c] && !forget -> copy[c] = value
			:: else
			fi;
#ifndef NO_LOCK
			lock[c] = 0
#endif
		:: else
		fi;
		c++
	:: c == LOADERS -> break
	od;
	c = 0
}

active proctype changer()
{
	byte c, n = 1;

	do
	:: n < VALUES ->
		n++;
		atomic { !mm_lock -> mm_lock = 1; busy = 1; FLUSH_ENTRY }
		if
		:: table_uses > 0 -> /* an L4: written through */
			atomic { entry_buffered = 1; entry_buf = n }
#ifndef NO_BARRIER_CHANGE
			atomic { FLUSH_ENTRY }
#endif
			copies_change(0, n)
		:: table_uses == 0 -> /* a plain frame: just written */
#ifndef NO_FORGET
			copies_change(1, 0);
#endif
			atomic { entry_buffered = 1; entry_buf = n }
		fi;
		atomic { FLUSH_ENTRY; busy = 0; mm_lock = 0 }
	:: n == VALUES -> break
	od
}

/* NEW_BASEPTR: a use, then the copy; run; then another root. */
proctype loader(byte me)
{
	byte tmp;

	do
	:: 1 ->
		atomic { !mm_lock -> mm_lock = 1; table_uses++ };
#ifndef NO_LOCK
		atomic { !lock[me] -> lock[me] = 1 };
#endif
		if
		:: !named[me] ->
			named_buffered[me] = 1;
#ifndef NO_BARRIER_COPY
			atomic { FLUSH_NAME(me) };
#endif
			tmp = entry;
			copy[me] = tmp
		:: else
		fi;
#ifndef NO_LOCK
		atomic { FLUSH_NAME(me); lock[me] = 0 };
#endif
		atomic { FLUSH_NAME(me); mm_lock = 0 };
		runs[me] = 1;
		skip;
		runs[me] = 0;
		atomic { !mm_lock -> mm_lock = 1; table_uses-- };
		mm_lock = 0
	:: 1 -> break
	od
}

/*
 * The scheduler loads a root without the owner's lock: the vcpu's use holds
 * the table.
 */
proctype switcher(byte me)
{
	byte tmp;

	atomic { !mm_lock -> mm_lock = 1; table_uses++; mm_lock = 0 };
#ifndef NO_LOCK
	atomic { !lock[me] -> lock[me] = 1 };
#endif
	if
	:: !named[me] ->
		named_buffered[me] = 1;
#ifndef NO_BARRIER_COPY
		atomic { FLUSH_NAME(me) };
#endif
		tmp = entry;
		copy[me] = tmp
	:: else
	fi;
#ifndef NO_LOCK
	atomic { FLUSH_NAME(me); lock[me] = 0 };
#endif
	atomic { FLUSH_NAME(me) };
	runs[me] = 1;
	skip;
	runs[me] = 0;
	atomic { !mm_lock -> mm_lock = 1; table_uses--; mm_lock = 0 }
}

init {
	atomic {
		entry = 1;
		run loader(0);
		run switcher(1)
	}
}

active proctype invariant()
{
	assert(!(runs[0] && !busy && !entry_buffered && copy[0] != entry));
	assert(!(runs[1] && !busy && !entry_buffered && copy[1] != entry))
}
