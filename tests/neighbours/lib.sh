# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the others share.

pass() { echo "PASS $1: $2"; }
fail() { echo "FAIL $1: $2"; }
check() { # NAME DETAIL COMMAND...
	name=$1 detail=$2
	shift 2
	if "$@" >/tmp/out 2>&1; then
		pass "$name" "$detail"
	else
		fail "$name" "$detail"
		tail -n 8 /tmp/out
	fi
}
now() { cut -d . -f 1 /proc/uptime; }
wait_for() { # COMMAND...; at most 120 s
	until=$(($(now) + 120))
	until "$@" >/dev/null 2>&1; do
		[ "$(now)" -lt $until ] || return 1
		usleep 100000
	done
}
logs=/run/log
guest_xml() { # NAME MIB KERNEL CMDLINE
	cat <<END
<domain type='xen'>
  <name>$1</name>
  <memory unit='MiB'>$2</memory>
  <vcpu>1</vcpu>
  <os><type>linux</type>$3<cmdline>$4</cmdline></os>
  <devices>
    <console type='pty'><log file='$logs/$1' append='on'/></console>
  </devices>
</domain>
END
}
# shellcheck disable=SC2034
small="<kernel>/guest/small</kernel>"
# shellcheck disable=SC2034
stock="<kernel>/guest/vmlinuz</kernel><initrd>/guest/initrd</initrd>"

services_run() { [ "$(parapet services | grep -c running)" = 4 ]; }
toolstack() { # start it
	mkdir -p /run/xenstored /var/log $logs
	parapetd -o log=/run/parapetd.log
	check toolstack "runs the store and the backends" \
		wait_for services_run
}
free_kib() {
	parapet --json capabilities |
		sed -n 's/.*"free_kib": *\([0-9]*\).*/\1/p'
}
daemon_logs() {
	for file in /run/parapetd.log /run/parapet/services/*.log; do
		tail -n 20 "$file" | sed "s,^,$file: ,"
	done
}

# ---- many of one kind
exec 3>&1 # for what is said within a check

create() { # KIND COUNT MIB KERNEL CMDLINE; the time of each in /tmp/KIND.us
	n=1
	while [ $n -le "$2" ]; do
		guest_xml "$1$n" "$3" "$4" "$5" >/tmp/guest.xml
		parapet --json create /tmp/guest.xml >/tmp/created || {
			echo "$1$n is not created" >>/tmp/out
			return 1
		}
		[ $((n % 20)) != 0 ] || echo "$1: $n created, s=$(now)" >&3
		n=$((n + 1))
	done
}
running() { # KIND COUNT
	[ "$(parapet list | grep -c " $1[0-9]* .* running ")" = "$2" ]
}
said() { # KIND COUNT TEXT; in so many consoles
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
		[ $((n % 20)) != 0 ] || echo "$1: $n destroyed, s=$(now)" >&3
		n=$((n + 1))
	done
}
round() { # KIND COUNT MIB KERNEL CMDLINE WORDS FEW
	from=$(now)
	check "$1" "$2 of $3 MiB are created" create "$1" "$2" "$3" "$4" "$5"
	echo "measured: $1 created s=$(($(now) - from))"
	check "$1" "all of them say so" wait_for said "$1" "$2" "$6"
	check "$1" "all of them run" running "$1" "$2"
	echo "measured: $1 up s=$(($(now) - from)) free_kib=$(free_kib)"
	ratio "$1" "$2" "$7"
}
type_in() { # NAME TEXT
	echo "$2" >"$(parapet-store read "/local/domain/$(parapet --json info \
		"$1" | sed -n 's/.*"domid": *\([0-9]*\).*/\1/p')/console/tty")"
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
