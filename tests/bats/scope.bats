# What is left out by the settings watch.*, in the kernel.

load setup
load network

setup() {
	need_sensor tcp tp_btf
	echo '{}' >"$said"
	export BULWARK_UDP_INTERVAL=500ms
}

# seen KIND-OF-TALK HOST: its end is told; unseen: it is not, though what comes behind it is.
seen() {
	talk "$@"
	wait_for 5 has '(."event.name" == "tcp.close" or ."event.name" == "udp.flow")
		and ."process.pid" == $said.client and ."network.peer.port" == $said.port'
}

unseen() { # ... then what is seen, behind it
	talk "$@"
	cp "$said" "$BATS_TEST_TMPDIR/unseen"
}

was_unseen() {
	pid=$(jq .client "$BATS_TEST_TMPDIR/unseen")
	[ "$pid" -gt 0 ]
	! has '(."event.name" | test("^(tcp|udp|tls|dns|http)")) and (."process.pid" == '"$pid"'
		or ."network.peer.port" == '"$(jq .port "$BATS_TEST_TMPDIR/unseen")"')'
}

@test "ports: only some" {
	BULWARK_WATCH_PORTS=7000-7009,7777 start
	TALK_PORT=7010 unseen tcp 127.0.0.1 10 20
	TALK_PORT=7777 seen tcp 127.0.0.1 10 20
	TALK_PORT=7009 seen tcp ::1 10 20
	was_unseen
	TALK_PORT=7010 unseen udp 127.0.0.1 3 10
	TALK_PORT=7000 seen udp 127.0.0.1 3 10
	was_unseen
	TALK_PORT=7010 unseen refused 127.0.0.1
	TALK_PORT=7001 talk refused 127.0.0.1
	wait_for 5 has '."event.name" == "tcp.connect_failed" and ."network.peer.port" == 7001'
	was_unseen
}

@test "ports: all but some" {
	BULWARK_WATCH_PORTS='!7000-7009' start
	TALK_PORT=7005 unseen tcp 127.0.0.1 10 20
	TALK_PORT=7010 seen tcp 127.0.0.1 10 20
	was_unseen
}

@test "ports: name lookups, too" {
	BULWARK_WATCH_PORTS='!53' BULWARK_DNS_TIMEOUT=300ms start
	alone dig +timeout=1 +tries=1 @127.0.0.1 A lost.example >/dev/null || true
	TALK_PORT=7010 seen tcp 127.0.0.1 10 20
	! grep -q 'lost.example' <(grep '"dns' "$out")
}

@test "networks: all but one, and of that some" {
	BULWARK_WATCH_NETWORKS='!127.0.0.0/8,127.0.1.0/24,::/0' start
	unseen tcp 127.0.0.1 10 20
	seen tcp 127.0.1.7 10 20
	seen tcp ::1 10 20
	was_unseen
	unseen udp 127.0.0.1 3 10
	seen udp 127.0.1.7 3 10
	was_unseen
}

@test "networks: one only" {
	BULWARK_WATCH_NETWORKS=::1 start
	unseen tcp 127.0.0.1 10 20
	seen tcp ::1 10 20
	was_unseen
}

# talk_as UID ARG...
talk_as() {
	local uid=$1
	shift
	alone setpriv --reuid "$uid" --clear-groups /usr/bin/python3 - "$@" <"$tree/tests/tools/talk.py" >"$said"
}

@test "users, of processes, too" {
	BULWARK_WATCH_UIDS='!0,4000-4999' start
	unseen tcp 127.0.0.1 10 20
	setpriv --reuid 3999 --clear-groups /bin/true three
	setpriv --reuid 4000 --clear-groups /bin/true four
	talk_as 4321 tcp 127.0.0.1 10 20
	wait_for 5 has '."event.name" == "tcp.close" and ."process.pid" == $said.client and ."process.user.id" == 4321'
	was_unseen
	has '."event.name" == "process.exec" and ."process.command_line" == "/bin/true four"'
	! has '."event.name" == "process.exec" and ."process.command_line" == "/bin/true three"'
}

@test "names of processes" {
	ln -s /usr/bin/python3 "$BATS_TEST_TMPDIR/talker"
	BULWARK_WATCH_COMMS=talker,other start
	unseen tcp 127.0.0.1 10 20
	alone "$BATS_TEST_TMPDIR/talker" - tcp 127.0.0.1 10 20 <"$tree/tests/tools/talk.py" >"$said"
	wait_for 5 has '."event.name" == "tcp.close" and ."process.pid" == $said.client'
	was_unseen
}

@test "control groups, and those below" {
	if grep -q :memory: /proc/self/cgroup; then
		root=$(findmnt -t cgroup -O memory -n -o TARGET | head -n 1)
	else
		root=$(findmnt -t cgroup2 -n -o TARGET | head -n 1)
	fi
	[ -n "$root" ] || skip "no hierarchy of control groups is mounted"
	mkdir -p "$root/bulwark-test-$$/below"
	BULWARK_WATCH_CGROUPS=/bulwark-test-$$ start
	unseen tcp 127.0.0.1 10 20
	sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec unshare -n sh -c "ip link set lo up && exec \"\$@\"" - "$@"' \
		- "$root/bulwark-test-$$/below" "$tree/tests/tools/talk.py" tcp 127.0.0.1 10 20 >"$said"
	wait_for 5 has '."event.name" == "tcp.close" and ."process.pid" == $said.client'
	rmdir "$root/bulwark-test-$$/below" "$root/bulwark-test-$$"
	was_unseen
}

@test "what makes no sense is refused, with its place" {
	run env BULWARK_WATCH_PORTS=70000 "$bulwark" up --listen off
	[ "$status" != 0 ]
	[[ $output == *"watch.ports: '70000' is neither a number from 0 to 65535"* ]]
	run env BULWARK_WATCH_NETWORKS=10.0.0.0/33 "$bulwark" up --listen off
	[[ $output == *"watch.networks: '10.0.0.0/33' is no network"* ]]
	run env BULWARK_WATCH_CGROUPS=/no/such/group "$bulwark" up --listen off
	[ "$status" != 0 ]
	[[ $output == *"there is no control group '/no/such/group'"* ]]
}
