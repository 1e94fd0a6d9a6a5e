# What the client library is made of.

XS_OBJS := $(addprefix tools/xs/,connect.o call.o ops.o watch.o \
	eager.o eager_host.o)
