# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What guest_*_run.sh share.

pass() { echo "PASS $1: $2"; }
fail() { echo "FAIL $1: $2"; }
check() { # NAME DETAIL COMMAND...
	name=$1 detail=$2
	shift 2
	if "$@" >/tmp/out 2>&1; then
		pass "$name" "$detail"
	else
		fail "$name" "$detail"
		tail -n 8 /tmp/out
	fi
}
now() { cut -d . -f 1 /proc/uptime; }
wait_for() { # COMMAND...; at most 90 s
	until=$(($(now) + 90))
	until "$@" >/dev/null 2>&1; do
		[ "$(now)" -lt $until ] || return 1
		usleep 50000
	done
}
log=/run/console.log
said() { [ "$(grep -c "$1" $log)" -ge "${2:-1}" ]; }
field() { # DOMAIN NAME
	parapet --json info "$1" | sed -n "s/.*\"$2\": *\"\{0,1\}\([^\",]*\).*/\1/p"
}
is() { [ "$(field "$1" "$2" 2>/dev/null)" = "$3" ]; }
isnt() { ! is "$@"; }
absent() { ! parapet info "$1"; }
type_in() { # DOMAIN TEXT
	echo "$2" >"$(parapet-store read \
		"/local/domain/$(field "$1" domid)/console/tty")"
}
free_kib() {
	parapet --json capabilities |
		sed -n 's/.*"free_kib": *\([0-9]*\).*/\1/p'
}
services_run() { [ "$(parapet services | grep -c running)" = 4 ]; }
toolstack() { # start it
	mkdir -p /run/xenstored /var/log
	parapetd -o log=/run/parapetd.log
	check toolstack "answers" wait_for parapet version
	check toolstack "runs the store and the backends" \
		wait_for services_run
}
logs() {
	tr -d '\r' <$log | tail -n 40 |
		sed 's,Kernel panic,kernel panic,; s,^,console: ,'
	for file in /run/parapetd.log /run/parapet/services/*.log; do
		tail -n 20 "$file" | sed "s,^,$file: ,"
	done
}
