# The rules of the house, and the proof that each of them fires.

lint: lint-clang
	tests/lint/lint

# Clang reads the locks' annotations (-Wthread-safety) and warns of other things
# than gcc.  What it builds has to run, too: tests/guest/guest.mk.
lint-clang:
	+$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)/clang \
		$(BUILD)/clang/parapet
.PHONY: lint-clang

TESTS += tests/lint/selftest@120 tests/lint/image@60 tests/lint/runner@120 \
	tests/lint/results@60
TEST_NEEDS += $(BUILD)/parapet
