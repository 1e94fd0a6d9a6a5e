# What libpv is made of; tests/pvlib builds the same objects again.

PV_OBJS := $(addprefix tools/pvlib/,error.o hypercall.o control.o memory.o \
	evtchn.o gnt.o share.o)
