# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# shellcheck disable=SC2034,SC2154 # for, and from, control_run.sh
# Guests of Xen's, made by its own toolstack, xl, from its configuration files.

log=/run/console/guest-%s.log
create_words="xl create -q /guest/%s.cfg"
destroy_words="xl destroy %s"
list_words="xl list"

toolstack() {
	mkdir -p /run/xenstored /run/xen /run/lock /run/console \
		/var/lib/xenstored /var/lib/xen /var/log/xen
	ln -s /run /var/run
	ln -s /run/lock /var/lock
	[ "$bench_work" = micro ] || modprobe -a xen-blkback xen-netback loop
	xenstored --pid-file /run/xenstored.pid
	until_true xenstore-exists /tool
	xen-init-dom0 >/dev/null
	xenconsoled --log=guest --log-dir=/run/console
	until_true xl list
}

complaints() {
	cat /var/log/xen/* /run/console/*
}
