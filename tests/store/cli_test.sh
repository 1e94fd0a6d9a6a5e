#!/bin/bash
# SPDX-License-Identifier: MIT
# parapet-store, the command-line client.
# shellcheck disable=SC2016 # conditions are evaluated by check
set -u
# shellcheck source=tests/store/lib.sh
. "$(dirname "$0")/lib.sh"

store_start

json()
{
	python3 -c 'import json,sys
d = json.load(sys.stdin)
sys.exit(not eval(sys.argv[1]))' "$(echo "$1" | tr '\n' ' ')"
}

check "write, read" '$STORE write /a/b 1 /a/c "x y" &&
	[ "$($STORE read /a/b /a/c | tr "\n" ,)" = "1,x y," ]'
check "write is all or nothing" '! $STORE write /n 1 //bad 2 2>/dev/null &&
	! $STORE exists /n'
check "a value may look like an option" '$STORE write /opt --x &&
	[ "$($STORE read /opt)" = --x ] && $STORE rm /opt'
check "mkdir, exists, rm" '$STORE mkdir /d/e && $STORE exists /d/e &&
	$STORE rm /d && ! $STORE exists /d'
check "rm -t" '$STORE write /t/u/v 1 && $STORE rm -t /t/u/v &&
	! $STORE exists /t'
check "list" '[ "$($STORE list /a | tr "\n" ,)" = "b,c," ]'
check "ls" '[ "$($STORE ls /a)" = "b = \"1\"
c = \"x y\"" ]'
check "ls -f -p" '$STORE chmod /a/b n3 r4 &&
	$STORE ls -f -p / | grep -qx "/a/b = \"1\"  (n3,r4)"'
check "ls -d" '[ "$($STORE ls -d 1 /)" = "a = \"\"" ]'
check "ls --json" '$STORE --json ls / | json "d[\"children\"][0][\"name\"] \
	== \"a\" and d[\"children\"][0][\"children\"][1][\"value\"] == \"x y\"
	and d[\"children\"][0][\"children\"][0][\"permissions\"] \
	== [\"n3\",\"r4\"]"'
check "list --json" '$STORE -j list /a | json "d == [\"b\",\"c\"]"'
check "read --json" '$STORE -j read /a/c | json "d == {\"/a/c\":\"x y\"}"'
odd()
{
	local text='a\x09b\"\\\xc3'
	"$STORE" write /odd $'a\tb"\\\xc3' && [ "$("$STORE" read /odd)" = "$text" ] &&
		"$STORE" -j read /odd | json 'd["/odd"] == "a\tb\"\\\xc3"'
}
check "odd bytes are escaped" odd
check "chmod -r" '$STORE chmod -r /a n5 &&
	[ "$($STORE ls -f -p /a | grep -c "(n5)")" = 2 ]'
check "chmod refuses nonsense" '$STORE chmod /a x5 2>/dev/null; [ $? = 2 ]'
check "a missing node: status 1 and a reason" '$STORE read /none 2>"$DIR/e"
	[ $? = 1 ] && grep -q "read: /none: No such file" "$DIR/e"'
check "wrong usage: status 2" '$STORE read 2>/dev/null; [ $? = 2 ]'
check "no such command: status 2" '$STORE fly 2>/dev/null; [ $? = 2 ]'
check "no daemon: status 3" '$STORE -s "$DIR/none" ls 2>/dev/null; [ $? = 3 ]'
check "quota" '$STORE quota nodes 500 && [ "$($STORE quota | awk \
	"/^nodes/ {print \$2}")" = 500 ] && $STORE quota -D 9 watches 7 &&
	$STORE -j quota -D 9 | json "d[\"watches\"] == 7 and d[\"nodes\"] == 500"'
check "quota refuses nonsense" '! $STORE quota nodes -5 2>/dev/null &&
	! $STORE quota nope 5 2>/dev/null'

for d in $(seq 60); do
	printf '/local/domain/%s/x 1 ' "$d"
done | xargs "$STORE" write
for d in $(seq 60); do
	"$STORE" chmod "/local/domain/$d" "n$d"
done
check "usage of many domains" '[ "$($STORE usage | awk \
	"\$2 == \"nodes\"" | wc -l)" -ge 61 ]'
check "usage --json" '$STORE -j usage | json "len(d) >= 61 and
	d[60][\"domid\"] == 60 and d[60][\"nodes\"] == [1,500]"'

"$STORE" watch -n 3 /w >"$DIR/events" &
watcher=$!
until_true 'grep -q . "$DIR/events"'
"$STORE" write /w/x 1
"$STORE" rm /w
wait_for "$watcher"
check "watch" '[ "$(tr "\n" , <"$DIR/events")" = "/w,/w/x,/w," ]'
"$STORE" -j watch -n 2 -d 0 /w >"$DIR/json-events" &
watcher=$!
until_true 'grep -q . "$DIR/json-events"'
"$STORE" write /w/x 1
"$STORE" write /w 1
wait_for "$watcher"
check "watch --json with a depth" 'tail -1 "$DIR/json-events" |
	json "d == {\"path\":\"/w\",\"watch\":\"/w\"}"'

check "control" '$STORE control check | grep -q "^OK: "'
check "control checkpoint makes a new journal" '
	before=$(ls "$DIR/state") && $STORE control checkpoint >/dev/null &&
	until_true "[ \"\$(ls $DIR/state)\" != \"$before\" ]"'
check "help" '$STORE --help | grep -q usage &&
	"$STORED" --help | grep -q usage'
check "completion knows every command" '
	for c in $($STORE --help | awk "/^  [a-z]/ {print \$1}"); do
		grep -qw "$c" tools/store/parapet-store.bash || exit 1
	done'
check "the man pages name every option" '
	for o in $("$STORED" --help | grep -o -- "--[a-z-]*" | sort -u); do
		tr -d "\\\\" <tools/store/parapet-stored.8 |
			grep -q -- "$o" || exit 1
	done'

store_stop
check "the daemon ended well" '[ "$STORE_STATUS" = 0 ]'
finish
