# What every bats file needs: the programs under test, and waiting for a condition instead of a time.
# shellcheck shell=bash

build=${BULWARK_BUILD:-$BATS_TEST_DIRNAME/../../build}
tools=${SYSVISOR_TOOLS:-$build/tests/tools}
bulwark=$build/bin/bulwark
polytect=$build/bin/polytect
tree=$BATS_TEST_DIRNAME/../..

# wait_for SECONDS COMMAND...: until it succeeds; fails when it doesn't in time. A machine that is
# $BULWARK_SLOWER times slower than those the tests know has as many times longer.
wait_for() {
	local until=$((SECONDS + $1 * ${BULWARK_SLOWER:-1}))
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

# What tests start they put into $started.
kill_started() {
	for pid in $started; do
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# bats overlooks a failing "! command".
refute() { ! "$@"; }

# free_port prints a TCP port of the loopback's that nobody uses.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# listens PORT: whether somebody takes connections.
listens() { python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])))' "$1"; }
