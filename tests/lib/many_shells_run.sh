# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# What many_shells.py lets the control domain do: sourced by its init.  How many
# guests of what size is said on the kernel's command line.

# shellcheck source=tests/lib/many.sh
. /etc/parapet-lib

toolstack
before=$(free_kib)
round "$many_kind" "$many_count" "$many_mib" "$stock" \
	"console=hvc0 quiet panic=1" "guest: a shell" 5
for n in 1 $((many_count / 2)) "$many_count"; do
	# shellcheck disable=SC2016 # for the guest's shell
	type_in "$many_kind$n" 'echo "guest: it adds $((40 + 2))"'
done
check "$many_kind" "their shells answer" \
	wait_for all_said "$many_kind" 3 "guest: it adds 42"
ending "$many_kind" "$many_count" "$before"
