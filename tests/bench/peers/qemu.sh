# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# shellcheck disable=SC2034,SC2154 # for, and from, control_run.sh
# Guests of QEMU's, one process each: by KVM, or with all emulated (bench_accel).
# Their devices are virtio's.

log=/run/console.log
create_words="vm-create %s"
destroy_words="vm-destroy %s"
list_words=

toolstack() {
	[ "$bench_work" = micro ] || modprobe vhost_net
	[ "$bench_accel" != kvm ] || modprobe kvm-amd || modprobe kvm-intel
	export bench_accel
}

complaints() {
	dmesg | tail -n 20
}
