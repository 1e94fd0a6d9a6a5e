#!/bin/sh
# SPDX-License-Identifier: MIT
# vm-destroy NAME: the end of a guest of vm-create's.

pid=$(cat "/run/$1.pid")
kill "$pid"
while [ -e "/proc/$pid" ]; do
	usleep 1000
done
