# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# What many_small.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/lib/many.sh
. /etc/parapet-lib

toolstack
before=$(free_kib)
round small 200 4 "$small" wait "small: up" 21
check small "the last ones are created like the first" not_much_slower
ending small 200 "$before"
