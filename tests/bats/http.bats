# Plain HTTP, with curl(1) asking a server in a network of its own.

load setup
load network

setup() {
	need_sensor http cgroup_skb
	echo '{}' >"$said"
	export BULWARK_SENSORS_HTTP=true
}

# ask CURL-ARGUMENTS: with a server on port 8080.
ask() { # ADDRESS
	address=$1
	shift
	alone timeout 20 sh -c 'cd "$1" && python3 -m http.server --protocol HTTP/1.1 --bind "$2" 8080 >/dev/null 2>&1 & server=$!
		until ss -tlnH | grep -q :8080; do sleep 0.05; done
		shift 2; curl -s -o /dev/null "$@"; kill $server; wait' - "$BATS_TEST_TMPDIR" "$address" "$@" || true
}

request_is_told() { # HOST FAMILY
	url=http://127.0.0.1:8080
	[ "$2" = ipv4 ] || url=http://[::1]:8080
	ask "$1" -A tester "$url/one?a=b" --next -s -o /dev/null "$url/"
	for role in client server; do
		wait_for 5 has '."event.name" == "http.request" and ."network.role" == "'$role'"
			and ."http.request.method" == "GET" and ."url.path" == "/one?a=b"
			and ."http.response.status_code" == 404 and ."network.type" == "'"$2"'"
			and ."server.address" == ("'"$url"'" | ltrimstr("http://")) and ."user_agent.original" == "tester"
			and ."http.latency" > 0 and ."network.protocol.version" == "1.1"
			and ."process.pid" > 0'
	done
	wait_for 5 has '."url.path" == "/" and ."http.response.status_code" == 200
		and ."network.type" == "'"$2"'" and ."process.comm" == "curl"'
}

@test "method, path, host, status, latency, on both sides, one after the other on a connection" {
	start
	for_both request_is_told
}

@test "a request with a body, and one that nobody answers" {
	start
	ask 127.0.0.1 -X POST -d "GET /inside HTTP/1.1" http://127.0.0.1:8080/post
	wait_for 5 has '."http.request.method" == "POST" and ."url.path" == "/post"
		and ."http.response.status_code" == 501'
	alone timeout 5 python3 -c '
import socket
server = socket.create_server(("127.0.0.1", 8080))
client = socket.create_connection(("127.0.0.1", 8080))
conn, _ = server.accept()
client.sendall(b"DELETE /unanswered HTTP/1.0\r\n\r\n")
conn.recv(100)'
	sleep 0.3
	end "$agent"
	has '."http.request.method" == "DELETE" and ."url.path" == "/unanswered"
		and ."http.response.status_code" == null'
	! has '."url.path" == "/inside"'
}

@test "off unless asked for" {
	unset BULWARK_SENSORS_HTTP
	start
	grep -q 'not asked for (see sensors.http)' "$err"
}
