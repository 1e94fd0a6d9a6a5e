# The contract.  It is headers and text: nothing is built from it by itself.
# Whoever includes it adds $(HYPERCALL_CFLAGS).

HYPERCALL_CFLAGS  := -Ihypercall/include
HYPERCALL_HEADERS := $(wildcard hypercall/include/pv/*.h \
	hypercall/include/pv/*.def hypercall/include/pv/io/*.h)
