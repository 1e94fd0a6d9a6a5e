# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# The beginning of a guest's first program (NAME_init.sh): file systems, its
# console, and what checks are made with.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /run
mount -t tmpfs tmpfs /run
exec </dev/hvc0 >/dev/hvc0 2>&1
stty -echo

# shellcheck source=tests/lib/checks.sh
. /etc/checks.sh

forget() { echo 3 >/proc/sys/vm/drop_caches; }
