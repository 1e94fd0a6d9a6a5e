#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's own clients (xenstore-utils) against the daemon.
# shellcheck disable=SC2016 # conditions are evaluated by check
set -u
# shellcheck source=tests/store/lib.sh
. "$(dirname "$0")/lib.sh"

store_start

check "write and read" 'xenstore-write /a/b/c hello /a/d "two words" &&
	[ "$(xenstore-read /a/b/c)" = hello ] &&
	[ "$(xenstore-read /a/d)" = "two words" ]'
check "read of several" \
	'[ "$(xenstore-read /a/b/c /a/d | tr "\n" ,)" = "hello,two words," ]'
check "read of what is not there fails" '! xenstore-read /nope 2>/dev/null'
check "list" '[ "$(xenstore-list /a | tr "\n" ,)" = "b,d," ]'
check "list with paths" \
	'[ "$(xenstore-list -p /a | tr "\n" ,)" = "/a/b,/a/d," ]'
check "exists" 'xenstore-exists /a/b && ! xenstore-exists /a/x'
check "ls" '[ "$(xenstore-ls /a)" = "b = \"\"
 c = \"hello\"
d = \"two words\"" ]'
check "ls with full paths" \
	'xenstore-ls -f / | grep -qx "/a/b/c = \"hello\""'
check "chmod and ls with permissions" 'xenstore-chmod /a/b n0 r5 b6 &&
	xenstore-ls -fp /a | grep "^/a/b = " | grep -q "(n0,r5,b6)"'
check "chmod, recursive" 'xenstore-chmod -r /a n7 r8 &&
	[ "$(xenstore-ls -fp /a | grep -c "(n7,r8)")" = 3 ]'
check "relative path of domain 0" 'xenstore-write domid 0 &&
	[ "$(xenstore-read /local/domain/0/domid)" = 0 ]'
check "rm" 'xenstore-rm /a/b && ! xenstore-exists /a/b/c &&
	xenstore-exists /a/d'
check "rm -t takes empty parents along" 'xenstore-write /t/u/v 1 &&
	xenstore-rm -t /t/u/v && ! xenstore-exists /t'
check "values with special bytes" \
	'xenstore-write /raw "a	b\\c" && xenstore-read -R /raw | grep -q "a	b"'

xenstore-watch -n 4 /w >"$DIR/events" &
watcher=$!
until_true 'grep -q . "$DIR/events"'
xenstore-write /w/x 1
xenstore-write /w/x/y 2
xenstore-rm /w/x
wait_for "$watcher"
check "watch" '[ "$(tr "\n" , <"$DIR/events")" = "/w,/w/x,/w/x/y,/w/x," ]'

check "a directory of 2000" '
	args=(); for i in $(seq 2000); do args+=("/many/n$i" "$i"); done
	xenstore-write "${args[@]}" &&
	[ "$(xenstore-list /many | wc -l)" = 2000 ] &&
	[ "$(xenstore-ls /many | wc -l)" = 2000 ]'

xenstore-watch /again >"$DIR/again" 2>/dev/null &
watcher=$!
until_true 'grep -q /again "$DIR/again"'
store_kill
store_restart
check "everything is there after a kill" '[ "$(xenstore-read /a/d)" = \
	"two words" ] && [ "$(xenstore-list /many | wc -l)" = 2000 ]'
kill "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null

store_stop
check "the daemon ended well" '[ "$STORE_STATUS" = 0 ]'
finish
