# Tests of tools/image: the extractor's unit test and its fuzzer
# (make fuzz-extract).

include tests/lib/fuzz.mk

EXTRACT_SRC := tools/image/bzimage.c tools/image/unpack.c tools/image/pvelf.c
EXTRACT_SAN := $(EXTRACT_SRC:%.c=$(BUILD)/san/%.o)

$(BUILD)/tests/extract-test: $(EXTRACT_SAN) \
		$(BUILD)/san/tests/image/fixture.o \
		$(BUILD)/san/tests/image/extract_test.o
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) -o $@ $^ -lz -llzma -llz4 -lzstd -lcmocka

$(BUILD)/tests/extract-seeds: $(EXTRACT_SAN) \
		$(BUILD)/san/tests/image/fixture.o \
		$(BUILD)/san/tests/image/extract_seeds.o
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) -o $@ $^ -lz -llzma -llz4 -lzstd

$(eval $(call libfuzzer,extract,tests/image/extract_fuzz.o \
	$(EXTRACT_SRC:.c=.o),-lz -llzma -llz4 -lzstd,8192))

TEST_NEEDS += $(addprefix $(BUILD)/tests/,extract-test extract-seeds)
TEST_NEEDS += $(BUILD)/bin/parapet-extract
TESTS += $(BUILD)/tests/extract-test@60 tests/image/extract_fuzz.sh@120 \
	tests/image/run_test.py@120

# `make run` on a terminal: a boot with a guest.
TEST_NEEDS += $(BUILD)/parapet images
TESTS += tests/image/terminal_test.py@600
