# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Create guests from the examples' XML and check what they do: sourced by the
# control domain's init, after start.sh.
#
#   check_guests NAME...    each NAME has a function example_NAME here
#
# A line "PASS name: detail" or "FAIL ..." for each check; what a guest prints
# on its console is shown behind its name.  The last guest is left running.

here=10.77.0.1 # as start.sh has it
passed=0 failed=0
good() {
	echo "PASS $*"
	passed=$((passed + 1))
}
bad() {
	echo "FAIL $*"
	failed=$((failed + 1))
}
check() { # NAME DETAIL COMMAND...
	name=$1 detail=$2
	shift 2
	if "$@" >/tmp/out 2>&1; then
		good "$name: $detail"
	else
		bad "$name: $detail"
		tail -n 5 /tmp/out
	fi
}

# ---- consoles

log_of() { echo "/var/log/parapet/$1.log"; }
said() { grep -qE "$2" "$(log_of "$1")"; } # GUEST WORDS
type_in() { # GUEST TEXT: on its console
	echo "$2" >"$(parapet store read \
		"/local/domain/$(field "$1" domid)/console/tty")"
}

# What guests print is shown by this process, between its steps, so that lines
# come in the order of what happens.  A guest's own checks count.
cr=$(printf '\r') cursor=$(printf '\033[6n') # a shell's question
guests=
watch_console() { # GUEST: at most two at a time
	: >"$(log_of "$1")"
	fd=5
	[ -z "$guests" ] || fd=6
	eval "exec $fd<\"$(log_of "$1")\"; part$fd="
	guests="$guests $1"
}
show_one() { # FD GUEST
	eval "part=\$part$1"
	while IFS= read -r line; do
		line=$part${line%"$cr"} part=
		case $line in
		*"$cursor"*) line=${line%%"$cursor"*}${line#*"$cursor"} ;;
		esac
		[ -z "$line" ] || echo "$2| $line"
		case $line in
		*"PASS guest-"*) passed=$((passed + 1)) ;;
		*"FAIL guest-"*) failed=$((failed + 1)) ;;
		esac
	done <&"$1"
	# A line that has no end yet.
	eval "part$1=\$part\$line"
}
show() {
	# shellcheck disable=SC2086 # two words
	set -- $guests
	[ $# -lt 1 ] || show_one 5 "$1"
	[ $# -lt 2 ] || show_one 6 "$2"
}
# Until a guest has said something; while it says other things there is hope.
wait_said() { # GUEST WORDS
	size=
	until said "$1" "$2"; do
		show
		read -r at _ </proc/uptime
		at=${at%.*} before=$size
		size=$(stat -c %s "$(log_of "$1")")
		[ "$size" = "$before" ] || until=$((at + 150))
		[ "$at" -lt "$until" ] || return 1
		usleep 100000
	done
	show
}

# ---- lives

field() { # GUEST NAME
	parapet --json info "$1" 2>/dev/null |
		sed -n "s/.*\"$2\": *\"\{0,1\}\([^\",]*\).*/\1/p"
}
started_ms() { # GUEST
	sed -n "s/.* $1 started, us=\([0-9]*\)[0-9]\{3\}:.*/\1/p" \
		/run/parapetd.log | tail -n 1
}
create() { # GUEST
	watch_console "$1"
	if ! parapet -q create "/data/examples/$1.xml" >/tmp/out 2>&1; then
		bad "create: $(tail -n 1 /tmp/out)"
		return 1
	fi
	good "create: $1 from $1.xml: domid $(field "$1" domid)," \
		"its first instruction after $(started_ms "$1") ms"
}
small_guest() { # GUEST: until its first program runs
	create "$1" || return
	if wait_said "$1" "guest: ready"; then
		good "boot: $1 runs its first program"
	else
		bad "boot: $1: $(tail -n 1 "$(log_of "$1")")"
		return 1
	fi
}
absent() { ! parapet info "$1"; }
end_guests() {
	for guest in $guests; do
		check shutdown "$guest powers off when it is asked to" \
			parapet -q shutdown --timeout=120 "$guest"
		# Its disk may be the next one's.
		wait_for 120 absent "$guest"
		show
	done
	guests=
}

kernel_of() { # GUEST
	sed -n 's/.*guest: ready.* kernel=\([^ ]*\).*/\1/p' "$(log_of "$1")"
}

# Its own check, typed at its prompt; the checks are shown, and counted.
inside() { # GUEST [ADDRESS]
	type_in "$1" "guest-check ${2:-}"
	if ! wait_said "$1" "guest-check: [0-9]+ passed, [0-9]+ failed"; then
		bad "console: $1: no answer to guest-check"
	elif ! said "$1" "guest-check: [0-9]+ passed, 0 failed"; then
		bad "guest-check: $1 says that it failed"
	fi
}

# From here to the guest.
fetch() { # ADDRESS
	timeout 60 wget -q -O /tmp/data "http://$1/data" &&
		timeout 60 wget -q -O /tmp/data.md5 "http://$1/data.md5" &&
		(cd /tmp && md5sum -c data.md5)
}
outside() { # GUEST ADDRESS
	check ping "$1 answers at $2" ping -c 3 -W 10 "$2"
	check tcp "$1 sends $(stat -c %s /run/www/data) bytes, all right" \
		fetch "$2"
}

# ---- the examples

example_web1() {
	small_guest web1 || return
	inside web1 $here
	outside web1 10.77.0.2
}

# What its frontend says to the device's backend.
own_ring() { # GUEST DEVICE
	parapet store read "/local/domain/$(field "$1" \
		domid)/device/$2/protocol-pv" | grep -qx 1
}
example_patched() {
	small_guest patched || return
	check kernel "guest: patched, $(kernel_of patched)" \
		said patched "kernel=[0-9.]*-parapet"
	check ring "the disk of patched is on our own ring" \
		own_ring patched vbd/51712
	check ring "so is its interface" own_ring patched vif/0
	inside patched $here
	outside patched 10.77.0.4
}

example_busybox() {
	small_guest busybox || return
	inside busybox
	check uuid "busybox has the one that the toolstack knows" \
		said busybox "uuid=$(field busybox uuid)"
}

example_two() {
	small_guest two-a || return
	small_guest two-b || return
	inside two-a 10.77.0.12
	inside two-b 10.77.0.11
}

sum() { md5sum "$1" | cut -d ' ' -f 1; }
example_overlay() {
	base=/var/lib/parapet/images/base.img
	base_sum=$(sum $base)
	small_guest overlay || return
	type_in overlay "cat /mnt/base"
	check base "the guest sees a file of it" \
		wait_said overlay "a file of the base"
	inside overlay
	check base "what the guest writes does not go to it" \
		[ "$(sum $base)" = "$base_sum" ]
}

# To a prompt; then the guest says, in one line, what it takes itself for.
debian_guest() { # GUEST
	create "$1" || return
	if ! wait_said "$1" "login:"; then
		bad "boot: $1: $(tail -n 1 "$(log_of "$1")")"
		return 1
	fi
	good "boot: $1 asks for a login"
	type_in "$1" root
	wait_said "$1" "root@[a-z]*:~#"
}
answers_to() { # GUEST COMMAND WORDS: typed at its prompt, it prints WORDS
	type_in "$1" "echo \"it-is: \$($2)\""
	wait_said "$1" "it-is: $3"
}

example_debian() {
	debian_guest debian || return
	check systemd "all units have started" answers_to debian \
		"systemctl is-system-running --wait" running
	check detect "systemd-detect-virt says xen" answers_to debian \
		systemd-detect-virt xen
	check detect "virt-what says xen and xen-domU" answers_to debian \
		"virt-what | xargs" "xen xen-domU"
	check hypervisor "type, version, UUID are right" answers_to debian \
		"cd /sys/hypervisor; cat type version/major uuid | xargs" \
		"xen 4 $(field debian uuid)"
	check network "debian reaches us" answers_to debian \
		"ping -c 2 -w 20 10.77.0.1 | grep -o '2 received'" "2 received"
	check ping "debian answers at 10.77.0.3" ping -c 2 -W 10 10.77.0.3
}

example_grub() {
	debian_guest grub || return
	check grub "the kernel is the one on its disk" answers_to grub \
		"cat /proc/cmdline" "root=/dev/xvda ro"
}

check_guests() { # NAME...
	mkdir -p /run/www
	head -c 4194304 /dev/urandom >/run/www/data
	(cd /run/www && md5sum data >data.md5)
	httpd -h /run/www -p $here:80
	left=$#
	for example; do
		"example_$example"
		left=$((left - 1))
		[ $left = 0 ] || end_guests
	done
	[ $failed = 0 ] || tail -n 20 /run/parapetd.log \
		/run/parapet/services/*.log
	echo "guest-check: $passed passed, $failed failed"
	[ $failed = 0 ]
}

# For who sits at the terminal.
hints() {
	# shellcheck disable=SC2086 # the first of several words
	set -- $guests
	[ $# -gt 0 ] || return
	cat <<END

Guests that run: $*.  Things to try:
    parapet list                 parapet info $1        parapet top
    parapet console $1         its console; leave with Ctrl-]
    parapet shutdown $1        parapet create /data/examples/$1.xml
    parapet help                 all commands
Leave with \`poweroff\`, or at any time with Ctrl-A X.

END
}
