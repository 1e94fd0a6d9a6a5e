# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What control_bench.py does in its control domain: sourced by its init.

# shellcheck source=tests/lib/control.sh
. /etc/control.sh

toolstack

bench() { parapet bench --kernel /guest/vmlinuz --memory 128 "$@"; }
row() { grep -Eq '^  getpid +[0-9.]+ [nu]s +[0-9.]+ [nu]s +[0-9.]+x' /run/table; }
measured() { grep -q '"parapet-guest"' "$1/results.json"; }
no_guests() { ! parapet list --name | grep -qvx Domain-0; }
no_files() { ! ls -R /tmp/parapet-bench-*; }
refused() { ! bench --kernel "$1" --output /run/wrong; }

bench --quick --rows getpid,int_loop --output /run/out >/run/table \
	2>/run/progress
check bench "it ends with 0" [ $? = 0 ]
check row "the table compares guest and control domain" row
check files "the guest's figures are in results.json" measured /run/out
check page "there is a page" grep -q "</html>" /run/out/report.html
check guests "no guest is left" no_guests
check temporary "no file is left" no_files
# Neither a kernel nor anything that could be one.
check refused "a kernel that is none is refused" refused /etc/parapet-run
cat /run/table
tail -n 5 /run/progress
