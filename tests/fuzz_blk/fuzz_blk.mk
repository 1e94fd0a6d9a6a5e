# Fuzzing the stock block ring: a bounded run in "make test"; "make fuzz-blk"
# runs libFuzzer until it is stopped, or for FUZZ_SECONDS.

FUZZ_BLK := tests/backends/fake_bus.o \
	$(addprefix pv-backends/,blk/flow.o blk/data.o blk/request.o \
	blk/saved.o blk/pool.o blk/tune.o common/ring.o common/limit.o \
	common/grants.o)

$(BUILD)/san/tests/fuzz_blk/%.o: SAN_CFLAGS += -Ihypercall/include
$(BUILD)/tests/fuzz_blk: $(addprefix $(BUILD)/san/,$(FUZZ_BLK) \
		tests/fuzz_blk/ring_fuzz.o tests/store/fuzz_main.o)
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -lev

$(BUILD)/fuzz/blk: tests/fuzz_blk/ring_fuzz.c $(FUZZ_BLK:.o=.c)
	@mkdir -p $(@D)
	clang -std=gnu11 -O1 -g -D_GNU_SOURCE -I. -Ihypercall/include \
		-fsanitize=fuzzer,address,undefined -o $@ $^ -lev

fuzz-blk: $(BUILD)/fuzz/blk
	@mkdir -p $(BUILD)/fuzz/corpus-blk
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
		-artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus-blk
.PHONY: fuzz-blk

TEST_NEEDS += $(BUILD)/tests/fuzz_blk
TESTS += $(BUILD)/tests/fuzz_blk@120
