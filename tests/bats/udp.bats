# UDP traffic as the agent counts it, against traffic of known size in a network of its own.

load setup
load network

setup() {
	need_sensor udp cgroup_skb
}

sum() { # CONDITION FIELD: over the flows for which it holds
	grep '^{' "$out" | jq -es --slurpfile said "$said" \
		'$said[-1] as $said | map(select(."event.name" == "udp.flow" and ('"$1"')) | ."'"$2"'" // 0) | add // 0'
}

sums_to() { # CONDITION FIELD VALUE
	[ "$(sum "$1" "$2")" = "$3" ]
}

counts_are_exact() { # HOST FAMILY
	talk udp "$1" 57 1000
	client='."process.pid" == $said.client and ."network.peer.port" == $said.port
		and ."network.peer.address" == "'"$1"'" and ."network.type" == "'"$2"'"'
	server='."process.pid" == $said.server and ."network.local.port" == $said.port'
	wait_for 5 sums_to "$client" network.sent.bytes 57000
	wait_for 5 sums_to "$client" network.received.bytes 57
	sums_to "$client" network.sent.packets 57
	sums_to "$client" network.received.packets 57
	wait_for 5 sums_to "$server" network.sent.bytes 57
	sums_to '."network.local.port" == $said.port' network.received.bytes 57000
	sums_to '."network.local.port" == $said.port' network.received.packets 57
}

@test "every datagram is counted, on both sides, for the process it belongs to" {
	BULWARK_UDP_INTERVAL=500ms start
	for_both counts_are_exact
}

drops_are_counted() {
	talk flood "$1"
	[ "$(jq .drops "$said")" -gt 0 ]
	wait_for 5 sums_to '."network.local.port" == $said.port' network.dropped.packets \
		"$(jq .drops "$said")"
	sums_to '."network.local.port" == $said.port' network.received.packets 100
}

@test "datagrams that find no room are counted as the kernel counts them" {
	BULWARK_UDP_INTERVAL=500ms start
	for_both drops_are_counted
}

@test "what was counted is reported at the end, too" {
	BULWARK_UDP_INTERVAL=1h start
	talk udp 127.0.0.1 3 10
	end "$agent"
	sums_to '."process.pid" == $said.client' network.sent.bytes 30
}

@test "only a control group's packets, when asked for" {
	group=/sys/fs/cgroup/bulwark-test-$$
	root=$(findmnt -t cgroup2 -n -o TARGET | head -n 1)
	[ -n "$root" ] || skip "no unified hierarchy is mounted"
	group=$root/bulwark-test-$$
	mkdir "$group"
	BULWARK_SENSORS_CGROUP=$group BULWARK_UDP_INTERVAL=500ms start
	talk udp 127.0.0.1 3 10
	outside=$(jq .client "$said")
	sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec unshare -n sh -c "ip link set lo up && exec \"\$@\"" - "$@"' \
		- "$group" "$tree/tests/tools/talk.py" udp 127.0.0.1 5 10 >"$said"
	wait_for 5 sums_to '."process.pid" == $said.client' network.sent.bytes 50
	end "$agent"
	rmdir "$group"
	sums_to '."process.pid" == '"$outside" network.sent.bytes 0
}

# unread COUNT [FIRST]: datagrams for sockets that were there before the agent.
unread() {
	mkfifo "$BATS_TEST_TMPDIR/go"
	talk unread 127.0.0.1 "$1" <"$BATS_TEST_TMPDIR/go" &
	talking=$!
	exec 9>"$BATS_TEST_TMPDIR/go"
	wait_for 10 grep -q ready "$said"
	start
	echo >&9
	wait "$talking"
	exec 9>&-
}

@test "datagrams that come before anybody uses the socket are whose it is then" {
	BULWARK_UDP_INTERVAL=1h unread 20
	end "$agent"
	sums_to '."process.pid" == $said.server and ."network.local.port" != null' network.received.packets 20
	sums_to '."process.pid" == null' network.received.packets 0
}

@test "more such sockets than there is room for are counted" {
	BULWARK_UDP_INTERVAL=1h unread 9000
	wait_for 5 has '."event.name" == "loss" and ."loss.total" == (9000 - 8192)
		and (."loss.reason" | startswith("the table of sockets'"'"' first users was full"))'
}
