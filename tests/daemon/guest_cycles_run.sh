# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What guest_cycles.py lets the control domain do: sourced by its init.
# Each line "PASS name: detail" or "FAIL name: detail" is a check.

# shellcheck source=tests/lib/control.sh
. /etc/control.sh

log=$logs/web1
null="<kernel>/guest/null</kernel>"
devices="<disk type='file'><driver name='qemu' type='raw'/>
    <source file='/run/disk.img'/><target dev='xvda' bus='xen'/></disk>
    <interface type='bridge'><mac address='00:16:3e:01:02:03'/>
      <source bridge='br0'/></interface>"
cmdline="console=hvc0 quiet panic=1"
guest_xml null 4 "$null" "wait" "" >/tmp/wait.xml
guest_xml null 4 "$null" "wait" "$devices" >/tmp/full.xml
guest_xml null 4 "$null" "off" "" >/tmp/off.xml
guest_xml web1 128 "$stock" "$cmdline" "$devices" >/tmp/stock.xml
guest_xml web1 128 "$stock" "$cmdline work" "$devices" >/tmp/work.xml

truncate -s 16M /run/disk.img
bridge
toolstack

# ---- what there is

processes() { pidof parapetd parapet-stored parapet-blkback parapet-netback \
	parapet-consoled | tr ' ' '\n' | sort -n; }
descriptors() {
	for pid in $(processes); do
		echo "fds $(cat "/proc/$pid/comm"): $(find "/proc/$pid/fd" \
			-type l | grep -c .)"
	done
}
grants() {
	for pid in $(processes); do
		grep -c -e /dev/xen/gntdev -e /dev/xen/privcmd \
			"/proc/$pid/maps"
	done | sort -n | tail -n 1
}
# All but what nobody can hold still: kernel threads, the shell's own.
inventory() {
	echo "free KiB: $(free_kib)"
	echo "domains: $(parapet list --name | grep -c .)"
	echo "processes: $(processes | wc -l)"
	descriptors | sort
	echo "mappings: $(grants)"
	echo "event channels: $(grep -c evtchn: /proc/interrupts)"
	echo "nodes: $(parapet-store ls -f / | grep -c .)"
	echo "interfaces: $(ls /sys/class/net)"
	echo "bridge ports: $(ls /sys/class/net/br0/brif)"
	echo "loop devices: $(find /sys/block/loop* -name loop | grep -c .)"
	echo "files: $(find /run/parapet /run/xenstored /var/lib/parapet |
		grep -cv '\.new$')"
}
same() { # what is left of devices goes a moment after its domain
	inventory >/tmp/after
	diff /tmp/before /tmp/after
}
memory_of() { # PROGRAM
	awk '/^RssAnon/ { print $2 }' \
		"/proc/$(first_of "$1")/status"
}
memory() {
	for program in parapetd parapet-stored parapet-blkback parapet-netback \
		parapet-consoled; do
		echo "$program $(memory_of $program)"
	done
}
no_growth() { # each daemon may have taken so many KiB more
	memory | while read -r program kib; do
		had=$(sed -n "s/^$program //p" /tmp/memory)
		[ "$kib" -le $((had + $1)) ] ||
			echo "$program: $had KiB, now $kib"
	done | { ! grep .; }
}

# ---- lives

one() { # XML
	parapet -q create "$1" || return 1
	case $1 in
	*off*) wait_for absent null ;;
	*) parapet -q destroy null ;;
	esac
}
ten() {
	for xml in wait off wait full wait off wait full wait wait; do
		one /tmp/$xml.xml || return 1
	done
}
tens() { # COUNT
	n=0
	while [ $n -lt "$1" ]; do
		ten || return 1
		n=$((n + 1))
		[ $((n % 10)) != 0 ] || echo "lives: ${n}0" >&3
	done
}
booted() { # a stock kernel, ended in the middle of what it does
	parapet -q create /tmp/stock.xml || return 1
	"$@"
	parapet -q destroy web1
}
first_words() {
	: >"$log"
	wait_for said "first program runs"
}
exec 3>&1

check lives "some of each kind, so that all has grown to its size" tens 2
check lives "a stock guest, too" booted first_words
# No device is served any more, and each kind has a process for the next one.
alone() { [ "$(processes | wc -l)" = 8 ]; }
wait_for alone
inventory >/tmp/before
memory >/tmp/memory
from=$(now)
check lives "480 come and go" tens 48
for pause in 100000 400000 700000 1000000; do
	check lives "a stock guest ends while it boots" booted usleep $pause
done
check lives "and with its devices in use" booted first_words
echo "measured: 485 lives s=$(($(now) - from))"
check lives "leave everything as it was" wait_for same
diff /tmp/before /tmp/after | sed 's/^/different: /'
sed 's/^/measured: /' /tmp/after
check lives "and no daemon larger" no_growth 1024
no_complaints() { ! grep ": " /run/parapet/services/console.log \
	/run/parapet/services/block.log /run/parapet/services/net.log |
	grep -v -e ": ready" -e ": connected, "; }
check lives "no backend has complained" no_complaints

# ---- death

nc -ll -p 7001 -e cat & # sends back what it gets
echo=$!
: >"$log"
check kill "a guest is at work" parapet -q create /tmp/work.xml
check kill "with its disk and its network" wait_for said "net: round=1 "
said_of() { tr -d '\r' <"$log" | sed -n "s/^$1: round=\([0-9]*\) .*/\1/p" |
	tail -n 1; }
goes_on() { # rounds that began before do not count
	disk=$(($(said_of disk) + 2)) net=$(($(said_of net) + 2))
	wait_for past
}
past() {
	[ "$(said_of disk)" -ge "$disk" ] && [ "$(said_of net)" -ge "$net" ]
}
another() { # PROGRAM PID
	new=$(first_of "$1") && [ -n "$new" ] && [ "$new" != "$2" ]
}
for program in parapet-stored parapet-consoled parapet-blkback \
	parapet-netback parapetd parapet-stored; do
	old=$(first_of $program)
	kill -9 "$old"
	[ $program != parapetd ] || parapetd -o log=/run/parapetd.log
	check kill "$program comes back" wait_for another $program "$old"
	check kill "$program: the guest goes on" goes_on
	check kill "$program: all answer" wait_for services_run
done
heard() {
	type_in web1 "still there"
	said "heard <still there>"
}
check kill "the guest's console is there" wait_for heard
parapetd_and_store() {
	kill -9 "$(first_of parapetd)" "$(first_of parapet-stored)"
	parapetd -o log=/run/parapetd.log
	wait_for services_run
}
check kill "daemon and store at once" parapetd_and_store
check kill "the guest goes on" goes_on
stop() {
	type_in web1 stop
	said "guest: all done"
}
check kill "the guest stops when it is told" wait_for stop
check kill "nothing on its disk was wrong" \
	said "disk: ended rounds=[0-9]* bad=0"
check kill "nothing on its network was wrong" \
	said "net: ended rounds=[0-9]* bad=0"
grep ended "$log" | tr -d '\r' | sed 's/^/measured: /'
check kill "it is gone" wait_for absent web1
kill $echo
check kill "and its interface" wait_for no_ports
console_log
daemon_logs
