# Every example, in one boot.
TEST_NEEDS += $(BUILD)/parapet $(BUILD)/bin/parapet-blkback-nbd images
TESTS += tests/examples/examples.py@1200
