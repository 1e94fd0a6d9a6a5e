#!/bin/sh
# The first program of the control domain's initramfs.
#
# The kernel hands words of its command line that it does not know to us:
#
#   parapet_mode=shell   a shell on the console (the default)
#   parapet_mode=check   the self-check, then power off
#   parapet_mode=run     /etc/parapet-run, then power off
#   parapet_guest=A,B    before the shell, or after the self-check: create these
#                        examples' guests and check them (tools/examples/control)
#   parapet_end=reboot   reboot where it says power off
#
# Anything that prints a line "parapet-init: ..." is read by tools/image/run.py.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-linux}"

say() { echo "parapet-init: $*"; }

load_drivers() {
	# Twice: a bus driver's devices appear once it is loaded.
	for pass in 1 2; do
		find /sys/devices -name modalias -exec cat {} + 2>/dev/null |
			sort -u | xargs modprobe -qa 2>/dev/null
	done
	modprobe -qa ext4 af_packet xen-evtchn xen-gntdev xen-gntalloc \
		xen-privcmd xenfs 2>/dev/null
	: "$pass"
}

disk_found() {
	for disk in /sys/block/vd* /sys/block/sd* /sys/block/nvme*; do
		[ ! -e "$disk" ] || return 0
	done
	return 1
}

wait_for_disk() { # a disk may appear after its driver's probe has returned
	tries=0
	while [ $tries -lt 100 ] && ! disk_found; do
		tries=$((tries + 1))
		usleep 50000
	done
}

network() {
	ip link set lo up
	for dev in /sys/class/net/*; do
		dev=${dev##*/}
		[ -e "/sys/class/net/$dev/device" ] || continue
		ip link set "$dev" up
		udhcpc -i "$dev" -q -n -t 5 -T 2 -s /etc/udhcpc.sh >/dev/null ||
			say "$dev: no answer to DHCP"
	done
}

guests() { # the status of their check
	[ -n "${parapet_guest:-}" ] || return 0
	say "starting the toolstack"
	(
		# shellcheck source=tools/examples/control/start.sh
		. /etc/parapet/start.sh
		# shellcheck source=tools/examples/control/check.sh
		. /etc/parapet/check.sh
		if ! mount_data || ! make_bridge || ! start_toolstack; then
			echo "FAIL toolstack: it does not start"
			tail -n 5 /run/parapetd.log
			exit 1
		fi
		echo "PASS toolstack: parapetd, the store and three backends run"
		# shellcheck disable=SC2046 # several words
		check_guests $(echo "$parapet_guest" | tr , ' ')
		status=$?
		[ "${parapet_mode:-shell}" != shell ] || hints
		exit $status
	)
	say "guest-check ended, status=$?"
}

shell() {
	say "a shell in the control domain; leave with: poweroff"
	if command -v setsid >/dev/null && command -v cttyhack >/dev/null; then
		setsid cttyhack sh -l
	else
		sh -l
	fi
}

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /run
exec </dev/console >/dev/console 2>&1

read -r up _ </proc/uptime
say "first program runs, uptime=$up"
load_drivers
[ ! -d /proc/xen ] || mount -t xenfs xenfs /proc/xen
wait_for_disk
network
hostname parapet
echo 1 >/proc/sys/kernel/printk

case ${parapet_mode:-shell} in
check)
	parapet-selfcheck
	say "self-check ended, status=$?"
	guests
	;;
run)
	sh /etc/parapet-run
	say "run ended, status=$?"
	;;
*)
	guests
	shell
	;;
esac
"${parapet_end:-poweroff}" -f
