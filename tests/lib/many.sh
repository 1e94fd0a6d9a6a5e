# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# Many guests of one kind, made and ended one after another.

# shellcheck source=tests/lib/control.sh
. /etc/control.sh

# shellcheck disable=SC2034 # for wait_for
patience=240
exec 3>&1 # for what is said within a check

create() { # KIND COUNT MIB KERNEL CMDLINE
	n=1
	while [ $n -le "$2" ]; do
		guest_xml "$1$n" "$3" "$4" "$5" >/tmp/guest.xml
		parapet --json create /tmp/guest.xml >/tmp/created || {
			echo "$1$n is not created"
			return 1
		}
		[ $((n % 5)) != 0 ] || echo "$1: $n created, s=$(now)" >&3
		n=$((n + 1))
	done
}
running() { # KIND COUNT
	[ "$(parapet list | grep -c " $1[0-9]* .* running ")" = "$2" ]
}
all_said() { # KIND COUNT TEXT; in so many consoles
	[ "$(cat "$logs/$1"* | grep -c "$3")" = "$2" ]
}
# The toolstack's own time in ms for the ends of the row, medians.
middle() { sort -n | sed -n "$1p"; }
ratio() { # KIND COUNT FEW
	sed -n "s/.*: $1[0-9]* started, us=\([0-9]*\):.*/\1/p" \
		/run/parapetd.log >/tmp/times
	first=$(head -n "$3" /tmp/times | middle $((($3 + 1) / 2)))
	last=$(tail -n "$3" /tmp/times | middle $((($3 + 1) / 2)))
	echo "measured: density $1 count=$2 first=$first last=$last" \
		"per_cent=$((last * 100 / first))"
}
not_much_slower() { # the last than the first
	[ $((last * 100 / first)) -le 150 ]
}
destroy() { # KIND COUNT
	n=1
	while [ $n -le "$2" ]; do
		parapet -q destroy "$1$n" || return 1
		[ $((n % 5)) != 0 ] || echo "$1: $n destroyed, s=$(now)" >&3
		n=$((n + 1))
	done
}
round() { # KIND COUNT MIB KERNEL CMDLINE WORDS FEW
	from=$(now)
	check "$1" "$2 of $3 MiB are created" create "$1" "$2" "$3" "$4" "$5"
	echo "measured: $1 created s=$(($(now) - from))"
	check "$1" "all of them say so" wait_for all_said "$1" "$2" "$6"
	check "$1" "all of them run" running "$1" "$2"
	echo "measured: $1 up s=$(($(now) - from)) free_kib=$(free_kib)"
	ratio "$1" "$2" "$7"
}
gone() { # KIND
	! parapet list --name | grep -q "^$1"
}
free_again() { # KIB
	[ "$(free_kib)" -ge $(($1 - 4096)) ]
}

ending() { # KIND COUNT KIB: that were free before
	from=$(now)
	check "$1" "they are destroyed" destroy "$1" "$2"
	check "$1" "none is left" gone "$1"
	echo "measured: $1 destroyed s=$(($(now) - from))"
	check "$1" "the memory is free again" wait_for free_again "$3"
	echo "measured: free KiB before=$3 after=$(free_kib)"
	daemon_logs
}
