# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What scripts in control domains share (NAME_run.sh): the toolstack, guests.

# shellcheck source=tests/lib/checks.sh
. /etc/checks.sh
trap 'sums control' EXIT

# ---- the toolstack

services_run() { [ "$(parapet services | grep -c running)" = 4 ]; }
toolstack() { # start it
	mkdir -p /run/xenstored /var/log $logs
	parapetd -o log=/run/parapetd.log
	check toolstack "runs the store and the backends" \
		wait_for services_run
}
bridge() { # br0, at 10.9.0.1
	modprobe -a tun bridge
	ip link add br0 type bridge
	ip addr add 10.9.0.1/24 dev br0
	ip link set br0 up
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

no_ports() { [ -z "$(ls /sys/class/net/br0/brif)" ]; } # of the bridge
first_of() { # PROGRAM: the process that started the others
	pidof "$1" | tr ' ' '\n' | sort -n | head -n 1
}

# ---- guests

# shellcheck disable=SC2034 # kernels as in XML
small="<kernel>/guest/small</kernel>"
# shellcheck disable=SC2034
stock="<kernel>/guest/vmlinuz</kernel><initrd>/guest/initrd</initrd>"
logs=/run/log # of consoles, by the name of the guest
guest_xml() { # NAME MIB KERNEL CMDLINE [DEVICES]
	cat <<END
<domain type='xen'>
  <name>$1</name>
  <memory unit='MiB'>$2</memory>
  <vcpu>1</vcpu>
  <os><type>linux</type>$3<cmdline>$4</cmdline></os>
  <devices>
    <console type='pty'><log file='$logs/$1' append='on'/></console>
    ${5:-}
  </devices>
</domain>
END
}
field() { # GUEST NAME
	parapet --json info "$1" |
		sed -n "s/.*\"$2\": *\"\{0,1\}\([^\",]*\).*/\1/p"
}
is() { [ "$(field "$1" "$2" 2>/dev/null)" = "$3" ]; }
isnt() { ! is "$@"; }
absent() { ! parapet info "$1"; }
log=/run/console.log # of the guest that is looked at
# shellcheck disable=SC2034 # $domid
create_or_end() { # GUEST DETAIL XML: nothing can be checked without it
	check create "$2" parapet -q create "$3"
	if ! parapet info "$1" >/dev/null; then
		console_log
		daemon_logs
		exit 1
	fi
	domid=$(field "$1" domid)
}
said() { # TEXT [TIMES]
	[ "$(grep -c "$1" $log)" -ge "${2:-1}" ]
}
type_in() { # GUEST TEXT
	echo "$2" >"$(parapet-store read \
		"/local/domain/$(field "$1" domid)/console/tty")"
}
# As it comes, without the lines of long texts.
show_log() {
	tail -n +1 -f $log | awk '
		/^T / || /^[0-9]/ { next }
		{ print; fflush() }
		/guest: all done/ { system(": >/run/shown") }' &
}
is_shown() { [ -e /run/shown ]; }
# Its end, for whom a check failed; a guest's panic is not the machine's, for
# which what it prints is searched.
console_log() {
	tr -d '\r' <$log | tail -n 40 |
		sed 's,Kernel panic,kernel panic,; s,^,console: ,'
}

# ---- processes of backends, one for each device: vbd-DOMID-51712

worker() { cat "/run/parapet/backend/$1.pid"; }
other_than() { # DEVICE PID
	new=$(worker "$1") && [ -n "$new" ] && [ "$new" != "$2" ]
}
kill_worker() { # DEVICE DETAIL: wait until another serves it
	old=$(worker "$1")
	kill -9 "$old"
	check kill "$2" wait_for other_than "$1" "$old"
}
without_rights() { # DEVICE
	[ "$(sed -n 's/^Uid:\t\([0-9]*\)\t.*/\1/p' \
		"/proc/$(worker "$1")/status")" != 0 ]
}
