# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What scripts in control domains and in guests share: a check is a line "PASS
# name: detail" or "FAIL name: detail", which results.py reads.  All are counted,
# in a file: those of subshells, too.

result() { # PASS or FAIL, NAME, DETAIL
	echo "$1" >>/tmp/results
	echo "$1 $2: $3"
}
pass() { result PASS "$@"; }
fail() { result FAIL "$@"; }
sums() { # PROGRAM: at its end; more than once, for other text may go into it
	for _ in 1 2 3; do
		echo "$1: $(grep -c PASS /tmp/results) passed," \
			"$(grep -c FAIL /tmp/results) failed"
		usleep 100000
	done
}
check() { # NAME DETAIL COMMAND...; what it says goes to /tmp/out
	check_name=$1 check_detail=$2 # not who calls has
	shift 2
	if "$@" >/tmp/out 2>&1; then
		pass "$check_name" "$check_detail"
	else
		fail "$check_name" "$check_detail"
		tail -n 8 /tmp/out
		dmesg | tail -n 4 # which is kept off the console
	fi
}
now() { # in seconds
	read -r up _ </proc/uptime
	echo "${up%.*}"
}
patience=120
wait_for() { # COMMAND...; at most so many seconds
	until=$(($(now) + patience))
	until "$@" >/dev/null 2>&1; do
		[ "$(now)" -lt $until ] || return 1
		usleep 50000
	done
}
ipv6_at_once() { # addresses are not looked for elsewhere first
	modprobe ipv6 2>/dev/null
	for which in all default; do
		echo 0 >/proc/sys/net/ipv6/conf/$which/accept_dad
	done
}
sum() { md5sum | cut -d ' ' -f 1; }
flood() { # a console, which shall take it whole
	echo "guest: flood begins"
	seq 1 20000
	echo "guest: flood ends"
}
has_flood() { # FILE
	[ "$(tr -d '\r' <"$1" | sed -n '/flood begins/,/flood ends/p' |
		sed '1d;$d' | sum)" = "$(seq 1 20000 | sum)" ]
}
