#!/bin/sh
# SPDX-License-Identifier: MIT
# vm-create NAME: a guest of QEMU's, as /guest/NAME.qemu says; see qemu.sh.

# shellcheck disable=SC2154 # bench_accel: see qemu.sh
case $bench_accel in
kvm) cpu=host ;;
*) cpu=max,-smap ;;
esac
xargs qemu-system-x86_64 -nodefaults -display none -machine q35 \
	-accel "$bench_accel" -cpu $cpu -smp 1 -no-reboot \
	-serial file:/run/console.log -daemonize -pidfile "/run/$1.pid" \
	<"/guest/$1.qemu"
