# What the tests of sensors that watch sockets share: an agent, and traffic in a network of its own.
# shellcheck shell=bash

# need_sensor NAME MECHANISM: skips where this kernel can't.
need_sensor() {
	need_root
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err said=$BATS_TEST_TMPDIR/said
	"$bulwark" check --json | jq -e --arg name "$1" --arg how "$2" \
		'.sensors[] | select(.sensor == $name).mechanism == $how' >/dev/null ||
		skip "this kernel has no $2 for the $1 sensor"
}

teardown() {
	[ -z "${agent:-}" ] || end "$agent"
}

# start: an agent that watches only what is below this shell, and listens at $listen, if that is set; returns when all
# its sensors are up.
start() {
	: >"$err" # what an agent before said there is not this one's
	"$bulwark" up --under $$ --listen "${listen:-off}" --output json >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'privilege ' "$err"
}

# alone COMMAND ARG...: in a network namespace with nothing but lo.
alone() {
	unshare -n sh -c 'ip link set lo up && exec "$@"' - "$@"
}

# talk WHAT ARG...: alone; what it did is in $said.
talk() {
	alone "$tree/tests/tools/talk.py" "$@" >"$said"
}

# has CONDITION: of some event; in it, $said is what talk did.
has() {
	grep '^{' "$out" | jq -es --slurpfile said "$said" '$said[-1] as $said | any(.[]; '"$1"')'
}

for_both() { # NAME: runs the function with an address of each family
	"$1" 127.0.0.1 ipv4
	"$1" ::1 ipv6
}
