# Tests and benchmark of the store.

$(BUILD)/tests/store-bench: $(BUILD)/obj/tests/store/bench.o \
		$(BUILD)/lib/libparapet-xs.a
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -o $@ $^ -pthread
