# Names looked up, with dig(1) asking a real server in a network of its own.

load setup
load network

setup() {
	need_sensor dns cgroup_skb
	echo '{}' >"$said"
}

serve='dnsmasq -k --no-hosts --no-resolv --conf-file=/dev/null --user=root --pid-file= --local=/example/ \
	--host-record=host.example,10.1.2.3,2001:db8::7 --cname=www.example,host.example \
	--cname=alias.example,www.example --mx-host=example,mail.example,5 \
	--txt-record=example,text --srv-host=_sip._udp.example,sip.example,5060,7,9 \
	--caa-record=example,0,issue,ca.example \
	--dns-rr=example,65,000100000100030268320003000201bb --listen-address=127.0.0.1,::1'

# look DIG-ARGUMENTS: with the server; one line each.
look() {
	alone timeout 20 sh -c "$serve"' 2>/dev/null & server=$!
		until dig +short +timeout=1 +tries=1 @127.0.0.1 A up.example >/dev/null; do sleep 0.05; done
		while read -r line; do dig +short $line; done
		kill $server; wait' <<<"$1" >"$BATS_TEST_TMPDIR/dig" 2>/dev/null || true
}

@test "questions and answers of every type, with who asked and who answered" {
	start
	look '@127.0.0.1 A alias.example
		@127.0.0.1 AAAA host.example
		@127.0.0.1 MX example
		@127.0.0.1 TXT example
		@127.0.0.1 SRV _sip._udp.example
		@127.0.0.1 CAA example
		@127.0.0.1 TYPE65 example
		@127.0.0.1 A nothere.example'
	wait_for 5 has '."dns.question.name" == "nothere.example" and ."network.role" == "client"
		and ."dns.response_code" == "NXDOMAIN" and ."dns.answers" == []'
	has '."dns.question.name" == "alias.example" and ."network.role" == "client"
		and ."process.executable.path" == "/usr/bin/dig" and ."dns.latency" > 0
		and ."dns.edns.size" == 1232 and ."network.transport" == "udp"
		and (."dns.answers" | map(.type + " " + .data)) ==
			["CNAME www.example", "CNAME host.example", "A 10.1.2.3"]'
	has '."dns.question.name" == "alias.example" and ."network.role" == "server"
		and ."process.comm" == "dnsmasq" and ."dns.latency" > 0'
	for expected in 'AAAA 2001:db8::7' 'MX 5 mail.example' 'TXT \"text\"' 'SRV 7 9 5060 sip.example' \
		'CAA 0 issue \"ca.example\"' 'HTTPS 1 . alpn=\"h2\" port=443'; do
		has '."dns.answers" // [] | any(.[]; .type + " " + .data == "'"$expected"'")'
	done
	# as dig had it
	grep -qx 10.1.2.3 "$BATS_TEST_TMPDIR/dig"
}

@test "over TCP and over IPv6" {
	start
	look '+tcp @127.0.0.1 A alias.example
		@::1 AAAA host.example
		+tcp @::1 MX example'
	wait_for 5 has '."dns.question.name" == "example" and ."network.role" == "client"
		and ."network.transport" == "tcp" and ."network.type" == "ipv6"
		and ."dns.answers"[0].data == "5 mail.example" and ."dns.latency" > 0'
	has '."dns.question.name" == "alias.example" and ."network.role" == "client"
		and ."network.transport" == "tcp" and (."dns.answers" | length) == 3'
	has '."dns.question.name" == "alias.example" and ."network.role" == "server"
		and ."network.transport" == "tcp" and ."dns.latency" > 0 and ."dns.unasked" == null'
	has '."dns.question.name" == "host.example" and ."network.type" == "ipv6"
		and ."network.peer.address" == "::1"'
}

@test "nobody answers" {
	BULWARK_DNS_TIMEOUT=300ms start
	alone dig +timeout=1 +tries=1 @127.0.0.1 A lost.example >/dev/null || true
	wait_for 5 has '."event.name" == "dns.timeout" and ."dns.question.name" == "lost.example"
		and ."process.executable.path" == "/usr/bin/dig" and ."network.peer.port" == 53'
}

@test "an answer that nobody asked for is told as such" {
	start
	alone python3 -c '
import socket
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.bind(("127.0.0.1", 0))
forger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
forger.bind(("127.0.0.1", 53))
forger.sendto(b"\x00\x07\x81\x80\0\1\0\1\0\0\0\0\4bank\7example\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\1\0\4\6\6\6\6",
	asker.getsockname())
asker.recv(100)'
	wait_for 5 has '."dns.question.name" == "bank.example" and ."dns.unasked"
		and ."network.role" == "client" and ."dns.answers"[0].data == "6.6.6.6"'
}

@test "hostile messages are counted, and the next is understood" {
	BULWARK_DNS_TIMEOUT=300ms start
	alone python3 -c '
import os, socket
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(200):
	out.sendto(os.urandom(n * 7 % 1400), ("127.0.0.1", 53))
	out.sendto(b"\0\7\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", ("127.0.0.1", 53))'
	alone dig +timeout=1 +tries=1 @127.0.0.1 A after.example >/dev/null || true
	wait_for 5 has '."event.name" == "dns.timeout" and ."dns.question.name" == "after.example"'
	end "$agent"
	grep '^{' "$out" | jq -e . >/dev/null
}

@test "through one interface only, where that is asked for" {
	BULWARK_DNS_INTERFACE=lo start
	look '@127.0.0.1 A alias.example
		+tcp @127.0.0.1 MX example'
	wait_for 5 has '."dns.question.name" == "alias.example"'
	wait_for 5 has '."dns.question.name" == "example" and ."network.transport" == "tcp"'
	end "$agent"
	BULWARK_DNS_INTERFACE=other unshare -n sh -c 'ip link add other type bridge && exec "$@"' - \
		"$bulwark" up --under $$ --listen off --output json >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'privilege ' "$err"
	grep -q 'dns *cgroup_skb' "$err"
	look '@127.0.0.1 A alias.example
		+tcp @127.0.0.1 MX example'
	sleep 0.5
	has '."process.executable.path" == "/usr/bin/dig"'
	! has '."event.name" == "dns.lookup"' || false
	end "$agent"
	BULWARK_DNS_INTERFACE=nowhere0 start
	grep -q "dns *off: .*interface 'nowhere0': No such device" "$err"
}
