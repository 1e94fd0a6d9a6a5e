# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Make a control domain of the initramfs: sourced by its init.
#
# What a Debian control domain has from packages and its configuration: the
# data disk (label parapet-data: guest/, images/, examples/, www/), a bridge, the
# toolstack.

bridge=pvbr0
address=10.77.0.1/24

mount_data() {
	data=$(findfs LABEL=parapet-data 2>/dev/null) || return
	mkdir -p /data /usr/share /var/lib/parapet /var/log/parapet \
		/var/cache/parapet
	mount -t ext4 "$data" /data || return
	ln -sfn /data /usr/share/parapet
	ln -sfn /data/images /var/lib/parapet/images
	mkdir -p /data/cache
	mount -o bind /data/cache /var/cache/parapet
}

make_bridge() {
	modprobe -a tun bridge
	ip link add $bridge type bridge
	ip addr add $address dev $bridge
	ip link set $bridge up
}

answers() { parapet version >/dev/null 2>&1; }
services_run() { [ "$(parapet services | grep -c ' running ')" = 4 ]; }

wait_for() { # SECONDS COMMAND...
	read -r until _ </proc/uptime
	until=$((${until%.*} + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		read -r at _ </proc/uptime
		[ "${at%.*}" -lt "$until" ] || return 1
		usleep 50000
	done
}

start_toolstack() {
	parapetd -o log=/run/parapetd.log || return
	wait_for 60 answers && wait_for 60 services_run
}
