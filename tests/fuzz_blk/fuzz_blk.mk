# Fuzzing the stock block ring: make fuzz-blk.

include tests/lib/fuzz.mk

$(BUILD)/san/tests/fuzz_blk/%.o: SAN_CFLAGS += -Ihypercall/include

$(eval $(call fuzzer,blk,tests/fuzz_blk/ring_fuzz.o tests/backends/fake_bus.o \
	$(addprefix pv-backends/,blk/flow.o blk/data.o blk/request.o \
	blk/saved.o blk/pool.o blk/tune.o common/ring.o common/limit.o \
	common/grants.o),-lev,4096))
