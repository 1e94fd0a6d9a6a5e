# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What hostile.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/lib/control.sh
. /etc/control.sh

exec 3>&1 # for what is said within a check
WINDOW=1000000 # us that the neighbour works beside each of the others
LEAST=40       # per cent of its fair share

log=$logs/work

# What the neighbour has done so far, as it says itself:
# uptime, processor time in ns, rounds of computing, disk and store.
snap=0
take() { # FILE
	snap=$((snap + 1))
	echo $snap >"$tty"
	wait_for said "count <$snap> .* \." || return 1
	tr -d '\r' <$log |
		sed -n "s/^count <$snap> \(.*\) \.$/\1/p" | tail -n 1 >/tmp/line
	read -r up rest </tmp/line
	echo "$up $(field work cpu_ns) $rest" >"$1"
}
window() { # NAME; its work goes to /tmp/NAME.work
	take /tmp/from && usleep $WINDOW && take /tmp/to || return 1
	cat /tmp/from /tmp/to | awk -v name="$1" '
		NR == 1 { split($0, a) }
		NR == 2 {
			wall = $1 - a[1]
			own = ($2 - a[2]) / 1e9
			print wall, own, $3 - a[3], $4 - a[4], $5 - a[5]
		}' >"/tmp/$1.work"
	echo "measured: $1 seconds, own, computing, disk, store:" \
		"$(cat "/tmp/$1.work")" >&3
}

# Rounds in a second, each in per cent of those beside an honest neighbour, of
# which there is one at the beginning and one at the end.
compare() { # NAME
	cat /tmp/before.work /tmp/after.work "/tmp/$1.work" | awk '
		{
			for (i = 3; i <= 5; i++)
				rate[NR, i] = $i / $1
		}
		END {
			for (i = 3; i <= 5; i++) {
				fair = (rate[1, i] + rate[2, i]) / 2
				printf "%d ", fair ? 100 * rate[3, i] / fair : 0
			}
		}'
}
enough() { # PERCENT
	[ "$1" -ge $LEAST ]
}
small_guest() { # CMDLINE
	guest_xml other 4 "$small" "$1" >/tmp/other.xml
	: >"$logs/other"
	parapet -q create /tmp/other.xml && wait_for grep -q up "$logs/other"
}
beside() { # WINDOW GUEST COMMAND...: which makes the guest run
	measured=$1 other=$2
	shift 2
	"$@" || return 1
	usleep 500000
	window "$measured" || return 1
	parapet -q destroy "$other"
}
hostile() { # NAME GUEST COMMAND...
	check "$1" "the neighbour goes on" beside "$@"
}
judge() { # NAME
	# shellcheck disable=SC2046 # three words
	set -- "$1" $(compare "$1")
	echo "measured: $1 leaves computing=$2% disk=$3% store=$4%"
	check "$1" "computing gets its share" enough "$2"
	check "$1" "so does the disk" enough "$3"
	check "$1" "so does the store" enough "$4"
}

toolstack
# One that makes processes without end boots while nobody works, and is paused
# until its turn comes.
guest_xml bomb 96 "$stock" "console=hvc0 quiet panic=1 bomb" >/tmp/bomb.xml
check forks "a guest that makes processes" parapet -q create /tmp/bomb.xml
check forks "says so" wait_for grep -q "guest: bomb" "$logs/bomb"
check forks "is paused" parapet -q pause bomb
head -c 8388608 /dev/zero >/run/disk.img
guest_xml work 128 "$stock" "console=hvc0 quiet panic=1 work" \
	"<disk type='file'><driver name='qemu' type='raw'/>
    <source file='/run/disk.img'/><target dev='xvda' bus='xen'/></disk>" \
	>/tmp/work.xml
check work "a guest that works" parapet -q create /tmp/work.xml
check work "says so" wait_for said "guest: works"
tty=$(parapet-store read "/local/domain/$(field work domid)/console/tty")
usleep 500000
check fair "an honest neighbour" beside before other small_guest x
for kind in events store lies console; do
	hostile $kind other small_guest $kind
done
hostile forks bomb parapet -q resume bomb
check fair "an honest one again" beside after other small_guest x
for kind in events store lies console forks; do
	judge $kind
done
check end "all that the neighbour did went well" sh -c "! grep -q FAIL $log"
check end "the services still run" services_run
daemon_logs
