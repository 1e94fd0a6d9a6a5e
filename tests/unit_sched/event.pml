/* SPDX-License-Identifier: MIT */
/*
 * A vcpu blocks, polls or runs while others raise events for it: vcpu_block,
 * sched_poll and vcpu_kick against vcpu_mark_pending and schedule().
 *
 * Each raise brings a token.  The vcpu looks for tokens only when it has been
 * told (the event flag was seen on an exit path), so one lost notice leaves a
 * token behind: at the end there must be none.
 *
 * Stores to state wait in a store buffer until a barrier or at random, as on
 * x86; the flag is set by an exchange, which is a barrier.  Built with
 * -DNO_BARRIER, -DNO_RECHECK, -DLATE_RUNNING the model must fail.
 */
#define RAISERS 2
#define RAISES	2

byte tokens, done;
bit flag;		/* evtchn_upcall_pending                    */
bit blocked;		/* v->state, as memory has it               */
bit buffered, buf;	/* a store of it that is under way          */
bit curr;		/* cs->curr is the vcpu                     */
bit running;		/* v->running                               */
bit queued;
bit need_resched, ipi;
bit lock;

#define LOCK   atomic { !lock -> lock = 1; FLUSH }
#define UNLOCK atomic { FLUSH; lock = 0 } /* in order after the store */
#define FLUSH                                                                  \
	if                                                                     \
	:: buffered -> blocked = buf; buffered = 0                             \
	:: else                                                                \
	fi

/* The store buffer drains when it likes. */
active proctype drain()
{
end:	do
	:: atomic { buffered -> blocked = buf; buffered = 0 }
	od
}

active proctype cpu()
{
	bit told = 1;		/* the guest looks for tokens            */

	curr = 1;
	running = 1;
guest:
	/* The guest: clear the flag, then take what is there. */
	if
	:: told ->
		flag = 0;
		do
		:: atomic { tokens > 0 -> tokens--; done++ }
		:: tokens == 0 -> break
		od;
		told = 0
	:: else
	fi;
	if
	:: goto block
	:: skip			/* computes until it is interrupted      */
	fi;
end_compute:
	ipi;
	ipi = 0;
	goto leave;

block:
	/* vcpu_block(); sched_poll() differs in what it looks at. */
	LOCK;
	atomic { buffered = 1; buf = 1 }
#ifndef NO_BARRIER
	atomic { FLUSH }
#endif
	if
#ifndef NO_RECHECK
	:: flag -> atomic { FLUSH; blocked = 0 }
	:: !flag -> need_resched = 1
#else
	:: need_resched = 1
#endif
	fi;
	UNLOCK;

leave:
	if
	:: need_resched ->
		LOCK;
		need_resched = 0;
		if
		:: blocked -> curr = 0; UNLOCK; running = 0; goto idle
		:: !blocked -> UNLOCK
		fi
	:: !need_resched
	fi;
	/* guest_deliver_events() */
	if
	:: flag -> told = 1
	:: !flag
	fi;
	goto guest;

idle:
	if
	:: need_resched
	:: !need_resched ->
end_idle:	ipi;
		ipi = 0
	fi;
	LOCK;
	need_resched = 0;
	if
	:: queued ->
		queued = 0;
		curr = 1;
#ifndef LATE_RUNNING
		running = 1;
		UNLOCK
#else
		UNLOCK;
		if
		:: flag -> told = 1
		:: !flag
		fi;
		running = 1;
		goto guest
#endif
	:: !queued -> UNLOCK; goto idle
	fi;
	goto leave
}

proctype raiser()
{
	byte n;
	bit old;

	for (n : 1 .. RAISES) {
		atomic { tokens++ };
		atomic { old = flag; flag = 1 };
		if
		:: old
		:: !old ->
			if
			:: blocked ->
				/* vcpu_wake() */
				LOCK;
				if
				:: blocked ->
					blocked = 0;
					if
					:: !curr && !queued ->
						queued = 1
					:: else
					fi
				:: !blocked
				fi;
				need_resched = 1;
				ipi = 1;
				UNLOCK
			:: !blocked ->
				/* vcpu_kick() */
				if
				:: running -> ipi = 1
				:: !running
				fi
			fi
		fi
	}
}

init {
	byte i;

	atomic {
		for (i : 1 .. RAISERS) {
			run raiser()
		}
	}
	timeout;
	assert(tokens == 0);
	assert(done == RAISERS * RAISES)
}
