# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What many_stock.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/neighbours/lib.sh
. /etc/parapet-lib

toolstack
before=$(free_kib)
round stock 24 96 "$stock" "console=hvc0 quiet panic=1" \
	"guest: first program runs" 5
for n in 1 13 24; do
	type_in stock$n hello
done
check stock "they answer to what is typed" \
	wait_for said stock 3 "heard <hello>"
ending stock 24 "$before"
