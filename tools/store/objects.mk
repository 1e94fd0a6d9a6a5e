# What the store is made of; tests/store builds the same objects again.

# Without input or output: the engine.
STORE_PURE := $(addprefix tools/store/,util.o hash.o path.o perms.o domain.o \
	tree.o txn.o commit.o turn.o watch.o nodeops.o conn.o request.o ahead.o \
	domops.o control.o record.o replay.o checkpoint.o ring.o config.o)
STORE_HOST := $(addprefix tools/store/,journal.o)
STORE_DAEMON := $(addprefix tools/store/,main.o server.o sock.o rings.o \
	handover.o log.o ring_files.o ring_xen.o) \
	$(addprefix tools/xs/,eager.o eager_host.o) tools/harden/harden.o
