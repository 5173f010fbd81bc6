# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What suites need inside the machine. A process costs 30 ms there: few of them, long patience.

work=$(mktemp -d)
events=$work/events log=$work/log
agent=''
failed=0

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.2
	done
}

# result CODE NAME [FILE]: one line of TAP; the end of FILE says why it failed.
result() {
	if [ "$1" = 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		[ -z "${3:-}" ] || tail -n 24 "$3" | cut -c 1-400 | sed 's/^/# /'
		failed=1
	fi
}

# try NAME COMMAND...
try() {
	local name=$1
	shift
	"$@" >"$work/said" 2>&1
	result $? "$name" "$work/said"
}

# start_agent PROGRAM ARG...: returns when it is up.
start_agent() {
	: >"$events"
	"$@" >"$events" 2>"$log" &
	agent=$!
	wait_for 60 grep -q 'exec  *[a-z/]' "$log" || result 1 "$1 starts" "$log"
}

stop_agent() {
	[ -n "$agent" ] || return 0
	kill "$agent"
	wait "$agent"
	agent=''
}

has_event() { jq -es "any(.[]; $1)" "$events"; }

nothing_was_lost() {
	try 'nothing was lost' jq -es 'map(select(."event.name" == "loss")) | . == [] or error(tostring)' "$events"
}

# event NAME EVENT-NAME JQ-CONDITION: such an event came, or comes.
event() {
	wait_for 20 has_event ".\"event.name\" == \"$2\" and ($3)" && { result 0 "$1"; return; }
	{
		jq -c "select(.\"event.name\" == \"$2\") | with_entries(select(.key |
			test(\"^(process.(pid|linux)|container|setting|kmsg.text)\")))" "$events" | tail -n 16
		echo "wanted: $2, $3"
	} >"$work/said" 2>&1
	result 1 "$1" "$work/said"
}
