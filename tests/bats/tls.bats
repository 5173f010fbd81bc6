# How TLS connections begin, with openssl(1) at both ends in a network of its own.

load setup
load network

setup() {
	need_sensor tls cgroup_skb
	echo '{}' >"$said"
	cd "$BATS_TEST_TMPDIR"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem \
		-out cert.pem -days 30 -subj '/O=Example/CN=www.example' 2>/dev/null
}

# shake COMMAND: with a server on port 4433.
shake() {
	alone timeout 20 sh -c 'openssl s_server -accept "$1" -key key.pem -cert cert.pem \
			-alpn h2,http/1.1 -quiet >/dev/null 2>&1 & server=$!
		until ss -tlnH | grep -q :4433; do sleep 0.05; done
		eval "$2"; kill $server; wait' - "${2:-4433}" "$1" >/dev/null 2>&1 || true
}

client='openssl s_client -servername www.example -alpn h2 </dev/null'

@test "TLS 1.3: name, versions, cipher, fingerprints, who" {
	start
	shake "$client -connect 127.0.0.1:4433 -tls1_3"
	for role in client server; do
		wait_for 7 has '."event.name" == "tls.handshake" and ."network.role" == "'$role'"
			and ."tls.client.server_name" == "www.example" and ."tls.client.alpn" == "h2"
			and ."tls.protocol.version" == "1.3" and (."tls.cipher" | startswith("TLS_"))
			and (."tls.client.ja4" | startswith("t13d")) and (."tls.client.ja3" | length) == 32
			and (."tls.server.ja3s" | length) == 32 and ."tls.latency" > 0
			and ."process.executable.path" == "/usr/bin/openssl"'
	done
}

@test "TLS 1.2 shows the certificate, too; over IPv6" {
	start
	shake "$client -connect '[::1]:4433' -tls1_2" '[::]:4433'
	wait_for 7 has '."tls.protocol.version" == "1.2" and ."network.role" == "client"
		and ."network.type" == "ipv6" and ."tls.next_protocol" == "h2"
		and ."tls.server.subject" == "CN=www.example,O=Example"
		and ."tls.server.issuer" == "CN=www.example,O=Example"
		and (."tls.server.not_after" | test("^20[0-9-]+T"))'
}

@test "a server that refuses says why" {
	start
	shake "$client -connect 127.0.0.1:4433 -tls1_2 -cipher NULL-SHA256:@SECLEVEL=0"
	wait_for 7 has '."event.name" == "tls.handshake" and ."network.role" == "client"
		and ."tls.alert" == "handshake_failure" and ."tls.protocol.version" == null'
}

@test "a hello in pieces of every size is read" {
	start
	for piece in 1 5 100; do
		shake "$tree/tests/tools/hello.py 127.0.0.1 4433 $piece"
	done
	for role in client server; do
		wait_for 7 sh -c 'grep "\"network.role\":\"'$role'\"" "$1" |
			grep -c "\"tls.client.server_name\":\"pieces.example\".*\"tls.protocol.version\":\"1.3\"" |
			grep -qx 3' - "$out"
	done
}

@test "other traffic is no TLS, and costs no event" {
	start
	talk tcp 127.0.0.1 100000 100000
	wait_for 5 has '."event.name" == "tcp.close"'
	talk late 127.0.0.1
	wait_for 5 has '."event.name" == "tcp.close" and ."network.peer.port" == $said.port'
	end "$agent"
	! grep -q '"tls.handshake"' "$out"
}
