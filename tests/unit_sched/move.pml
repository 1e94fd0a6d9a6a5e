/* SPDX-License-Identifier: MIT */
/*
 * Vcpus move between two CPUs while they are woken, paused and switched:
 * sched_settle, schedule, sched_pull, sched_push, vcpu_sleep_sync.  What is
 * done under one lock is one step; everything else may come in between.
 *
 * A vcpu's registers are on one CPU at most, it is on one queue at most, and
 * one that may run is never forgotten.  Built with -DNO_RELOCK (sched_lock
 * does not look again), -DMOVE_RUNNING (settle moves what is being switched
 * out), -DPULL_RUNNING (so does a pull), -DEARLY_OFF (running is cleared
 * before the registers are saved), -DNO_POKE (a claimed CPU is not told) the
 * model must fail.  -DBUSY=2 takes a while and 2 GB, and holds.
 */
#define NV   2		/* vcpus                                         */
#define NONE 3
#define IDLE 3

byte cpu_of[NV];	/* v->cpu                                        */
byte queue[NV];		/* on which queue it is, NONE                    */
byte regs[NV];		/* which CPU has its registers, NONE             */
bit running[NV], blocked[NV], paused[NV];
byte curr[2];		/* cs->curr                                      */
byte loaded[2];		/* this_cpu->curr                                */
bit need_resched[2], ipi[2], idle[2];
#ifndef BUSY
#define BUSY 1
#endif
byte blocks = BUSY, ticks = BUSY - 1; /* how often guests do that        */
byte ended;

#define MAY_RUN(v)	  (!blocked[v] && !paused[v])
#define WANTS_QUEUE(c, v) (curr[c] != v && queue[v] == NONE && MAY_RUN(v))

/* Whoever does it on c itself needs no interrupt, but one too many does no
 * harm. */
inline poke(c)
{
	need_resched[c] = 1;
	ipi[c] = 1
}

inline enqueue(c, v)
{
	assert(queue[v] == NONE);
	assert(cpu_of[v] == c);
	queue[v] = c;
	if
	:: curr[c] == IDLE -> idle[c] = 0; poke(c)
	:: else ->
		if
		:: poke(c)
		:: skip
		fi
	fi
}

/* An idle CPU that is marked so is claimed; else it stays. */
inline choose(to, c)
{
	if
	:: idle[c] -> idle[c] = 0; to = c
	:: !idle[c] && idle[1 - c] -> idle[1 - c] = 0; to = 1 - c
	:: else -> to = c
	fi
}

#ifdef NO_RELOCK
#define LOCKED(c, v) 1
#else
#define LOCKED(c, v) (cpu_of[v] == c)
#endif

/* The second half of sched_settle, under c's lock. */
inline agree(c, v)
{
	if
	:: WANTS_QUEUE(c, v) -> enqueue(c, v)
	:: else ->
		if
		:: queue[v] == c && !MAY_RUN(v) -> queue[v] = NONE
		:: curr[c] == v && !MAY_RUN(v) -> poke(c)
		:: else
		fi
	fi;
#ifndef NO_POKE
	if
	:: to == c && queue[v] == NONE -> poke(c)
	:: else
	fi
#endif
}

inline settle(v, wake)
{
	to = NONE;
	do
	:: c = cpu_of[v];
	   atomic {
		if
		:: LOCKED(c, v) ->
			if
			:: wake -> blocked[v] = 0
			:: else
			fi;
			if
#ifdef MOVE_RUNNING
			:: WANTS_QUEUE(c, v) -> choose(to, c)
#else
			:: WANTS_QUEUE(c, v) && !running[v] -> choose(to, c)
#endif
			:: else
			fi;
			if
			:: to == NONE || to == c -> agree(c, v)
			:: else -> cpu_of[v] = to
			fi;
			break
		:: else
		fi
	   }
	od;
	if
	:: to != NONE && to != c ->
		do
		:: c = cpu_of[v];
		   atomic {
			if
			:: LOCKED(c, v) -> agree(c, v); break
			:: else
			fi
		   }
		od;
#ifndef NO_POKE
		if
		:: to != c -> atomic { poke(to) }
		:: else
		fi
#endif
	:: else
	fi
}

#ifdef PULL_RUNNING
#define MOVABLE(from, v) (queue[v] == from)
#else
#define MOVABLE(from, v) (queue[v] == from && !running[v])
#endif

/* A waiter of @from is taken to @there, if there is one. */
inline take(from, there)
{
	atomic {
		if
		:: MOVABLE(from, 0) -> v = 0
		:: MOVABLE(from, 1) -> v = 1
		:: else -> v = NONE
		fi;
		if
		:: v != NONE -> queue[v] = NONE; cpu_of[v] = there
		:: else
		fi
	};
	do
	:: v == NONE -> break
	:: else ->
		c = cpu_of[v];
		atomic {
			if
			:: LOCKED(c, v) ->
				if
				:: WANTS_QUEUE(c, v) -> enqueue(c, v)
				:: else
				fi;
				v = NONE
			:: else
			fi
		}
	od
}

proctype cpu(byte me)
{
	byte prev, next, v, c;
	bit pulled;

go:	if
	:: loaded[me] == IDLE ->
		if
		:: need_resched[me]
		:: else ->
end_idle:		ipi[me] -> ipi[me] = 0
		fi
	:: else ->
end_guest:	if
		:: ipi[me] -> ipi[me] = 0
		:: atomic {
			blocks > 0 ->
			blocks--; /* vcpu_block() */
			blocked[loaded[me]] = 1;
			need_resched[me] = 1
		   }
		:: atomic { ticks > 0 -> ticks--; need_resched[me] = 1 }
		fi
	fi;
	if
	:: !need_resched[me] -> goto go
	:: else
	fi;

	/* schedule() */
	atomic { prev = curr[me]; pulled = 0 };
pick:	atomic {
		need_resched[me] = 0;
		if
		:: prev != IDLE && queue[prev] == NONE && MAY_RUN(prev) ->
			queue[prev] = me
		:: else
		fi;
		if
		:: queue[0] == me -> next = 0
		:: queue[1] == me -> next = 1
		:: else -> next = IDLE
		fi;
		if
		:: next == IDLE && !pulled -> goto pull
		:: else
		fi;
		curr[me] = next;
		if
		:: next != IDLE ->
			queue[next] = NONE;
			running[next] = 1;
			idle[me] = 0
		:: else -> idle[me] = 1
		fi
	};

	/* context_switch() */
	if
	:: prev != next ->
#ifdef EARLY_OFF
		if
		:: prev != IDLE -> running[prev] = 0
		:: else
		fi;
#endif
		if
		:: prev != IDLE -> d_step {
			assert(regs[prev] == me);
			regs[prev] = NONE
		   }
		:: else
		fi;
		d_step {
			if
			:: next != IDLE ->
				assert(regs[next] == NONE);
				regs[next] = me
			:: else
			fi;
			loaded[me] = next
		};
#ifndef EARLY_OFF
		if
		:: prev != IDLE -> running[prev] = 0
		:: else
		fi
#endif
	:: else
	fi;
	/* sched_push(), sometimes */
	if
	:: queue[0] == me || queue[1] == me ->
		if
		:: take(me, 1 - me)
		:: skip
		fi
	:: else
	fi;
	goto go;

pull:	pulled = 1;
	take(1 - me, me);
	goto pick
}

/* Events for both vcpus. */
proctype waker()
{
	byte c, to;

	settle(1, 1);
	settle(0, 1);
	ended++
}

/* domain_pause() and domain_unpause() */
proctype pauser()
{
	byte c, to;

	paused[0] = 1;
	settle(0, 0);
	!running[0];
	assert(regs[0] == NONE);
	paused[0] = 0;
	settle(0, 1);
	ended++
}

init {
	byte v;

	atomic {
		for (v : 0 .. NV - 1) {
			queue[v] = NONE;
			regs[v] = NONE;
			blocked[v] = 1
		}
		for (v : 0 .. 1) {
			curr[v] = IDLE;
			loaded[v] = IDLE;
			idle[v] = 1
		}
		v = 0;
		run cpu(0);
		run cpu(1);
		run waker();
		run pauser()
	}
	timeout;
	assert(ended == 2);
	d_step {
		v = 0;
		do
		:: v < NV ->
			assert(!MAY_RUN(v) || regs[v] != NONE ||
			       (queue[v] != NONE &&
				loaded[queue[v]] != IDLE));
			v++
		:: else -> break
		od;
		/* Nor does a CPU stay marked as busy that is idle. */
		assert(idle[0] == (loaded[0] == IDLE));
		assert(idle[1] == (loaded[1] == IDLE))
	}
}
