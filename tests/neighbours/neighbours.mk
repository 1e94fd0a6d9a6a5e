# Many guests, and guests that are bad neighbours; in a real control domain.

$(BUILD)/guest/small.c.o: tests/neighbours/small.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -c -o $@ $<

SMALL_OBJS := $(addprefix $(BUILD)/guest/,lib/start.S.o small.c.o)

$(BUILD)/tests/neighbours-small: $(SMALL_OBJS) tests/guest/lib/guest.lds
	@mkdir -p $(@D)
	$(LD) -nostdlib -static -z max-page-size=4096 -z noexecstack \
		--no-warn-rwx-segments --build-id=none -T $(GUEST_LDS) -o $@ \
		$(SMALL_OBJS)

NEIGHBOURS := tests/neighbours/many_small.py@400 \
	tests/neighbours/many_stock.py@700 tests/neighbours/hostile.py@960
NEIGHBOURS_NEED := $(BUILD)/parapet images $(BUILD)/tests/neighbours-small \
	$(addprefix $(BUILD)/bin/,parapet parapetd parapet-stored \
	parapet-store parapet-blkback parapet-consoled parapet-netback)

TEST_NEEDS += $(NEIGHBOURS_NEED)
TESTS += $(NEIGHBOURS)

# These alone, with all that they print.
neighbours: $(NEIGHBOURS_NEED)
	tests/run -v $(NEIGHBOURS)

.PHONY: neighbours
