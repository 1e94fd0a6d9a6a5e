# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What many_patched.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/neighbours/lib.sh
. /etc/parapet-lib

toolstack
before=$(free_kib)
round patched 100 24 \
	"<kernel>/guest/patched</kernel><initrd>/guest/initrd</initrd>" \
	"console=hvc0 quiet panic=1" "guest: a shell" 9
for n in 1 50 100; do
	# shellcheck disable=SC2016 # for the guest's shell
	type_in patched$n 'echo "guest: it adds $((40 + 2))"'
done
check patched "their shells answer" \
	wait_for said patched 3 "guest: it adds 42"
ending patched 100 "$before"
