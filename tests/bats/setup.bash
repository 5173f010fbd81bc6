# What every bats file needs: the programs under test, and waiting for a condition instead of a time.
# shellcheck shell=bash

build=${BULWARK_BUILD:-$BATS_TEST_DIRNAME/../../build}
bulwark=$build/bin/bulwark
polytect=$build/bin/polytect
tree=$BATS_TEST_DIRNAME/../..

# wait_for SECONDS COMMAND...: until it succeeds; fails when it doesn't in time.
wait_for() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || { echo "in vain: $*" >&2; return 1; }
		sleep 0.05
	done
}

# end PID...: ends processes of ours, and waits for them.
end() {
	kill "$@" 2>/dev/null || true
	wait "$@" 2>/dev/null || true
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

need_kmsg() {
	need_root
	[ -r /dev/kmsg ] || skip "no /dev/kmsg here"
}
