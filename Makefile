# Parapet: one Makefile, one fragment (*.mk) per part.
#
#   make            build everything into $(BUILD)
#   make run        boot the hypervisor with a stock Debian control domain
#   make test       every test;  make lint   style and static checks
#   make bench      the benchmark;  make iso   a bootable image
#
# A fragment adds to these lists:
#   ALL         files to build
#   TESTS       test programs (TAP on stdout), as PATH or PATH@SECONDS
#   TEST_NEEDS  files to build before the tests run
#   CLEAN       files outside $(BUILD) to remove

BUILD         ?= build
PARAPET_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/parapet
export PARAPET_CACHE BUILD
CC            ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wundef -Wvla
# Programs that run under Linux: tools, backends, tests.
USER_CFLAGS := -std=gnu11 -O2 -g -D_GNU_SOURCE $(WARN) -fstack-protector-strong \
	-D_FORTIFY_SOURCE=2 -fno-common -I. -MMD -MP $(CFLAGS)
USER_LDFLAGS := -Wl,-z,relro,-z,now $(LDFLAGS)
# The same, with the sanitizers: unit tests are built so.
SAN_CFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(USER_CFLAGS)) \
	-fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

ALL :=
TESTS :=
TEST_NEEDS :=
CLEAN :=

include $(sort $(wildcard hv/*.mk hypercall/*.mk pv-*/*.mk pv-*/*/*.mk \
	guest-patches/*.mk tools/*/*.mk tests/*/*.mk))

all: $(ALL)

test: deps all lint $(TEST_NEEDS)
	tests/run $(TESTS)

clean:
	rm -rf $(BUILD) $(CLEAN)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(USER_CFLAGS) -c -o $@ $<

$(BUILD)/san/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(SAN_CFLAGS) -c -o $@ $<

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: all test clean deps lint run bench iso
