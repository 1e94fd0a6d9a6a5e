# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2034
# For the shell tests of the store: a daemon in a directory of its own, TAP.

BUILD=${BUILD:-build}
STORED=$BUILD/bin/parapet-stored
STORE=$BUILD/bin/parapet-store
DIR=$(mktemp -d)
export XENSTORED_PATH=$DIR/socket
STORED_OPTIONS=()
STORE_STATUS=none
count=0
trap 'kill -9 "${STORE_PID:-}" 2>/dev/null; rm -rf "$DIR"' EXIT

# Wait until a condition holds; at most 30 s.
until_true()
{
	local i
	for ((i = 0; i < 1500; i++)); do
		eval "$1" 2>/dev/null && return 0
		sleep 0.02
	done
	return 1
}

# Wait for a child, at most 30 s.
wait_for()
{
	until_true "! kill -0 $1 2>/dev/null" || kill -9 "$1"
	wait "$1" 2>/dev/null
}

store_restart()
{
	"$STORED" -f -s "$DIR/socket" -d "$DIR/state" \
		"${STORED_OPTIONS[@]}" 2>>"$DIR/log" &
	STORE_PID=$!
	until_true '"$STORE" exists /' || {
		echo "Bail out! the daemon does not start"
		sed 's/^/# /' "$DIR/log"
		exit 1
	}
}

store_start()
{
	: >"$DIR/log"
	store_restart
}

store_kill()
{
	kill -9 "$STORE_PID"
	wait "$STORE_PID" 2>/dev/null
}

store_stop()
{
	kill "$STORE_PID"
	wait "$STORE_PID"
	STORE_STATUS=$?
}

# check NAME COMMANDS
check()
{
	count=$((count + 1))
	if eval "$2"; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
	fi
}

finish()
{
	echo "1..$count"
}
