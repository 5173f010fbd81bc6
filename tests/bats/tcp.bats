# TCP connections as the agent tells them, against traffic of known size in a network of its own.

load setup
load network
load receivers

setup() {
	need_sensor tcp tp_btf
	export BULWARK_TCP_SETTLE=0s
}

bytes_are_exact() { # HOST FAMILY
	talk tcp "$1" 1000003 5001
	wait_for 5 has '."event.name" == "tcp.close" and ."network.role" == "client"
		and ."process.pid" == $said.client and ."network.peer.port" == $said.port
		and ."network.peer.address" == "'"$1"'" and ."network.type" == "'"$2"'"
		and ."network.sent.bytes" == 1000003 and ."network.received.bytes" == 5001
		and ."network.duration" > 0 and ."network.connect.latency" > 0 and ."tcp.end" == "fin"'
	wait_for 5 has '."event.name" == "tcp.close" and ."network.role" == "server"
		and ."process.pid" == $said.server and ."network.local.port" == $said.port
		and ."network.sent.bytes" == 5001 and ."network.received.bytes" == 1000003'
	wait_for 5 has '."event.name" == "tcp.connect" and ."process.pid" == $said.client
		and ."network.peer.port" == $said.port and ."process.executable.path" != null'
	wait_for 5 has '."event.name" == "tcp.accept" and ."process.pid" == $said.server
		and ."network.local.port" == $said.port'
}

@test "both ends of a connection, with every byte, and whose they are" {
	start
	for_both bytes_are_exact
}

namespace_is_told() {
	# shellcheck disable=SC2016 # for the inner shell
	alone sh -c 'readlink /proc/self/ns/net >"$0" && exec "$@"' "$BATS_TEST_TMPDIR/net" \
		"$tree/tests/tools/talk.py" tcp "$1" 1003 51 >"$said"
	net=$(tr -dc 0-9 <"$BATS_TEST_TMPDIR/net")
	for event in connect:peer accept:local close:peer close:local; do
		wait_for 5 has '."event.name" == "tcp.'"${event%:*}"'" and ."process.namespace.net" == '"$net"'
			and ."network.'"${event#*:}"'.port" == $said.port'
	done
}

@test "each end says in which network namespace it is" {
	start
	for_both namespace_is_told
}

refused_is_told() {
	talk refused "$1"
	wait_for 5 has '."event.name" == "tcp.connect_failed" and ."error.type" == "ECONNREFUSED"
		and ."process.pid" == $said.client and ."network.peer.port" == $said.port
		and ."network.type" == "'"$2"'"'
}

@test "a connection refused says so" {
	start
	for_both refused_is_told
}

reset_is_told() {
	talk reset "$1"
	wait_for 5 has '."tcp.end" == "reset_local" and ."network.peer.port" == $said.port'
	wait_for 5 has '."tcp.end" == "reset_peer" and ."network.local.port" == $said.port
		and ."error.type" == "ECONNRESET"'
}

@test "a reset says by whom" {
	start
	for_both reset_is_told
}

handed_is_told() {
	talk handed "$1"
	wait_for 5 has '."event.name" == "tcp.accept" and ."process.pid" == $said.parent
		and ."network.local.port" == $said.port'
	wait_for 5 has '."event.name" == "tcp.close" and ."process.pid" == $said.child
		and ."network.local.port" == $said.port'
}

@test "a socket that another process got is charged to the one that uses it" {
	start
	for_both handed_is_told
}

ss_agrees() {
	talk open "$1"
	wait_for 5 has '."event.name" == "tcp.close" and ."network.peer.port" == $said.port
		and ."network.sent.bytes" == $said.bytes_sent - ($said.bytes_retrans // 0)
		and ."network.received.bytes" == $said.bytes_received'
}

@test "ss -ti says the same" {
	start
	for_both ss_agrees
}

@test "IPv4 over an IPv6 socket is IPv4" {
	start
	talk tcp ::ffff:127.0.0.1 10 20
	wait_for 5 has '."event.name" == "tcp.close" and ."network.peer.address" == "127.0.0.1"
		and ."network.type" == "ipv4" and ."network.sent.bytes" == 10'
}

@test "a connection from before the start gets its owner when it is used" {
	mkfifo "$BATS_TEST_TMPDIR/go"
	talk early 127.0.0.1 <>"$BATS_TEST_TMPDIR/go" &
	talker=$!
	wait_for 10 grep -q ready "$said"
	start
	echo >"$BATS_TEST_TMPDIR/go"
	wait $talker
	wait_for 5 has '."event.name" == "tcp.close" and ."network.peer.port" == $said.port
		and ."process.pid" == $said.client and ."network.duration" == null
		and ."network.role" == null and ."network.sent.bytes" == 4'
}

@test "of short connections the end alone is told, when that is asked for" {
	BULWARK_TCP_SETTLE=300ms start
	talk tcp 127.0.0.1 10 20
	wait_for 5 has '."event.name" == "tcp.close" and ."network.peer.port" == $said.port
		and ."network.connect.latency" > 0'
	! has '(."event.name" == "tcp.connect" or ."event.name" == "tcp.accept")
		and (."network.peer.port" == $said.port or ."network.local.port" == $said.port)'
	talk slow 127.0.0.1
	wait_for 5 has '."event.name" == "tcp.connect" and ."network.peer.port" == $said.port
		and ."process.pid" == $said.client'
	has '."event.name" == "tcp.accept" and ."network.local.port" == $said.port'
}

@test "a connection that is idle is told of when it is old enough" {
	BULWARK_TCP_SETTLE=300ms BULWARK_TCP_INTERVAL=400ms start
	talk idle 127.0.0.1
	wait_for 5 has '."event.name" == "tcp.close" and ."network.peer.port" == $said.port'
	for what in connect:peer accept:local; do
		has '."event.name" == "tcp.'${what%:*}'" and ."network.'${what#*:}'.port" == $said.port
			and ."process.pid" == $said.client'
	done
}

flows_add_up() { # HOST
	talk long "$1"
	for end in near:peer far:local; do
		side=${end%:*} port=${end#*:}
		wait_for 5 has '."event.name" == "tcp.close" and ."network.'$port'.port" == $said.port'
		# told while it was open, in several parts, without anything twice
		grep '^{' "$out" | jq -es --slurpfile said "$said" '$said[-1] as $said | $said.'$side' as $ss
			| map(select(."network.'$port'.port" == $said.port)) as $all
			| ($all | map(select(."event.name" == "tcp.flow"))) as $flows
			| ($all | map(select(."event.name" == "tcp.close"))) as $closes
			| ($flows | length) >= 3 and ($flows | all(."process.pid" == $said.client))
			and ($flows | map(."network.sent.bytes") | add) == $ss.bytes_sent - ($ss.bytes_retrans // 0)
			and ($flows | map(."network.received.bytes") | add) == $ss.bytes_received
			and ($flows | map(."network.sent.packets") | add) == $ss.segs_out
			and ($flows | map(."network.received.packets") | add) == $ss.segs_in
			and ($closes | length) == 1 and $closes[0]."network.sent.bytes" == $ss.bytes_sent
			and $closes[0]."tcp.untold.sent.bytes" == 0
			and $closes[0]."tcp.untold.received.bytes" == 0'
	done
}

@test "what goes over a connection that stays open, as ss -ti has it in the end" {
	BULWARK_TCP_INTERVAL=400ms start
	for_both flows_add_up
}

@test "of connections that stay open nothing is told when that is not asked for" {
	BULWARK_TCP_INTERVAL=0s start
	talk long 127.0.0.1
	wait_for 5 has '."event.name" == "tcp.close" and ."network.peer.port" == $said.port
		and ."tcp.untold.sent.bytes" == null'
	! has '."event.name" == "tcp.flow"'
}

@test "it can be switched off" {
	BULWARK_SENSORS_TCP=false start
	grep -q 'not asked for (see sensors.tcp)' "$err"
	talk tcp 127.0.0.1 10 20
	/bin/true marked
	wait_for 5 grep -q marked "$out"
	! grep -q '"event.name":"tcp' "$out"
}

# many_are_told COUNT: both ends of each, whose they are, as open and when they end.
many_are_told() {
	grep '^{' "$out" | jq -es --argjson count "$1" --slurpfile said "$said" '$said[-1] as $said
		| map(select(."process.pid" == $said.client)) as $all
		| all(("network.peer.port", "network.local.port") as $port
			| $all | map(select(.[$port] == $said.port))
			| map(select(."event.name" == "tcp.connect" or ."event.name" == "tcp.accept")),
				map(select(."event.name" == "tcp.close" and ."network.duration" > 1
					and ."network.sent.bytes" + ."network.received.bytes" == 14));
			length == $count)'
}

# A note lies in the slot that its connection's cookie says or, where another stays, in the table:
# here are 128 slots, and 896 places in the table.
@test "connections whose slot is taken are told like all others, and those beyond the table counted" {
	web=127.0.0.1:$(free_port)
	lost() { curl -s "$web/metrics" | sed -n 's/^bulwark_tcp_lost_total //p'; }
	BULWARK_TCP_CONNECTIONS=1024 BULWARK_TCP_SETTLE=300ms BULWARK_TCP_INTERVAL=400ms \
		"$bulwark" up --under $$ --listen "$web" --output json >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'privilege ' "$err"
	talk many 127.0.0.1 300
	wait_for 10 many_are_told 300
	[ "$(lost)" = 0 ]
	talk many 127.0.0.1 700
	[ "$(lost)" -ge $((2 * 700 - 1024)) ]
}
