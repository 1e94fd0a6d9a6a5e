# The manual pages against the programs.
TEST_NEEDS += $(addprefix $(BUILD)/bin/,parapet parapetd parapet-build \
	parapet-stored parapet-store parapet-blkback parapet-netback \
	parapet-consoled parapet-bench)
TESTS += tests/manuals/manuals.py@120
