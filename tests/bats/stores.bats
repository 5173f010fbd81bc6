#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Where ingraind brings its facts, with real receivers: an S3 server, the StatsD daemon, NATS, and
# OpenTelemetry's messages as its own library reads them. What comes from npm is kept in a folder
# outside the tree.

load setup

drive=$build/tests/tools/sink-drive
tools=$tree/tests/tools
npm_cache=${BULWARK_NPM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/bulwark-tests/npm}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=test ca" -keyout ca.key -out ca.pem 2>/dev/null
	printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >names
	for name in server client; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
			-keyout $name.key -out csr 2>/dev/null
		openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -days 2 -extfile names \
			-out $name.pem 2>/dev/null
	done
}

setup() {
	tls=$BATS_FILE_TMPDIR
	dir=$BATS_TEST_TMPDIR
	spool=$dir/spool
	started=
	cd "$dir" || return 1
}

teardown() {
	kill_started
}

# need_npm PACKAGE@VERSION... installs what is missing; skips where that can't be. One try is enough
# for a run: npm itself tries for a minute.
need_npm() {
	command -v node >/dev/null && command -v npm >/dev/null || skip "no node and npm here"
	mkdir -p "$npm_cache"
	failed=$BATS_RUN_TMPDIR/npm-failed
	(
		flock 9
		for package; do
			[ ! -d "$npm_cache/node_modules/${package%@*}" ] || continue
			[ ! -e "$failed" ] || exit 1
			timeout 300 npm install --prefix "$npm_cache" --no-audit --no-fund \
				--ignore-scripts "$package" >"$dir/npm" 2>&1 || {
				mv "$dir/npm" "$failed"
				exit 1
			}
		done
	) 9>"$npm_cache/lock" || skip "npm can't install $*: $(grep -m 1 -E 'ERR!|error' "$failed" ||
		tail -n 1 "$failed")"
}

# metric NAME SINK prints a number that sink-drive has said last.
metric() { sed -n "s/^bulwark_$1{sink=\"$2\"} //p" said | tail -n 1; }

# run_drive ARG... runs it with its spool here; what it says is in `said`.
run_drive() {
	timeout 60 "$drive" "$@" --spool-directory "$spool" 2>said || { cat said >&2; return 1; }
}

# --- S3 ---

# s3_server PORT [ID SECRET [TOKEN]]
s3_server() {
	need_npm s3rver@3.7.1 @smithy/signature-v4@5.7.5 @aws-crypto/sha256-js@5.2.0
	mkdir -p store
	(cd "$npm_cache" && exec node "$tools/s3-server.js" "$1" "$dir/store" facts "${2:-ID}" \
		"${3:-secret/+=}" "${4:-}") >s3.out 2>&1 3>&- &
	started="$started $!"
	s3_pid=$!
	wait_for 20 grep -q listening s3.out
}

objects() { find store/facts -name '*._S3rver_object' 2>/dev/null | sort; }
stored() { [ "$(objects | wc -l)" -ge "$1" ]; }
# Every event of all objects, a line each.
stored_lines() {
	objects | while read -r object; do
		case $object in
		*.gz._S3rver_object) gunzip -c "$object" ;;
		*.zst._S3rver_object) zstd -dc "$object" ;;
		*) cat "$object" ;;
		esac
	done
}

s3_keys() {
	export AWS_ACCESS_KEY_ID=ID AWS_SECRET_ACCESS_KEY=secret/+= AWS_ENDPOINT_URL=http://127.0.0.1:$1
}

@test "the environment of the first release stores sums in S3, signed" {
	need_root
	port=$(free_port)
	s3_server "$port"
	s3_keys "$port"
	AWS_BUCKET=facts AWS_INTERVAL=1 timeout 20 "$build/bin/ingraind" --under $$ --listen off \
		--spool-directory "$spool" 2>said 3>&- &
	pid=$!
	started="$started $pid"
	wait_for 10 grep -q '^info: exec' said
	cp /bin/true counted
	for _ in $(seq 25); do ./counted; done
	wait_for 10 stored 1
	kill -TERM "$pid"
	wait "$pid"
	objects | grep -q '\.json\._S3rver_object$'
	stored_lines | jq -se 'flatten | all(.tags.host and .tags.kernel and .kind and .timestamp)'
	stored_lines | jq -se 'flatten | [.[] | select(.name == "process.exec_count" and
		.tags.process_str == "counted") | .measurement] | add == 25'
	refute grep -v ' 200$' <(grep PUT s3.out)
}

@test "objects in S3 are named by a template, and compressed lines by default" {
	port=$(free_port)
	s3_server "$port"
	s3_keys "$port"
	BULWARK_S3_KEY='a b+c/{host}/{year}/ä{id}{ext}' \
		run_drive -n 1000 -w -- --s3-bucket facts
	[ "$(metric sink_delivered_total s3)" -eq 1000 ]
	ls -R store >names
	grep -qx "ä[0-9a-f-]*.ndjson.gz._S3rver_object" names
	[ -d "store/facts/a b+c/testhost/$(date -u +%Y)" ]
	[ "$(stored_lines | jq -r '."event.id"' | sort -u | wc -l)" -eq 1000 ]
}

# As OpenStack Swift has them: account:user.
@test "objects in S3 may be Zstandard, or plain arrays; a key's name may have a colon" {
	port=$(free_port)
	s3_server "$port" test:tester
	s3_keys "$port"
	export AWS_ACCESS_KEY_ID=test:tester
	BULWARK_S3_COMPRESSION=zstd run_drive -n 1000 -w -- --s3-bucket facts
	objects | grep -q '\.ndjson\.zst\._S3rver_object$'
	[ "$(stored_lines | jq -r '."event.id"' | sort -u | wc -l)" -eq 1000 ]
	rm -r store/facts/*
	BULWARK_S3_COMPRESSION=none run_drive -n 10 -w -- --s3-bucket facts --s3-body json-array
	objects | grep -q '\.json\._S3rver_object$'
	stored_lines | jq -se 'flatten | length == 10'
}

@test "a wrong S3 secret is said, and events wait for the right one" {
	port=$(free_port)
	s3_server "$port"
	s3_keys "$port"
	AWS_SECRET_ACCESS_KEY=wrong run_drive -n 10 -t 3 -- --s3-bucket facts
	grep -q "trouble: sink 's3': upload .*HTTP status 403 SignatureDoesNotMatch" said
	[ "$(metric spool_events s3)" -eq 10 ]
	run_drive -n 0 -w -- --s3-bucket facts
	[ "$(stored_lines | wc -l)" -eq 10 ]
}

@test "the machine's role signs for S3" {
	port=$(free_port)
	s3_server "$port" ROLEID rolesecret rolesession
	meta=$(free_port)
	cat >metadata <<-'END'
		import http.server, json, sys, time
		class Server(http.server.BaseHTTPRequestHandler):
		    def answer(self, text, status=200):
		        self.send_response(status)
		        self.end_headers()
		        self.wfile.write(text.encode())
		    def do_PUT(self):
		        ok = self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
		        self.answer("session==" if ok else "", 200 if ok else 404)
		    def do_GET(self):
		        roles = "/latest/meta-data/iam/security-credentials/"
		        if self.headers["X-aws-ec2-metadata-token"] != "session==":
		            return self.answer("", 401)
		        if self.path == roles:
		            return self.answer("collector\n")
		        if self.path == roles + "collector":
		            return self.answer(json.dumps({"Code": "Success", "AccessKeyId": "ROLEID",
		                "SecretAccessKey": "rolesecret", "Token": "rolesession",
		                "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))}))
		        self.answer("", 404)
		http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Server).serve_forever()
	END
	python3 metadata "$meta" 2>metadata.log 3>&- &
	started="$started $!"
	wait_for 10 listens "$meta"
	AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:$meta \
		run_drive -n 10 -w -- --s3-bucket facts
	[ "$(stored_lines | wc -l)" -eq 10 ]
	# The keys are asked for once, not for each object.
	[ "$(grep -c 'GET .*collector' metadata.log)" -eq 1 ]
}

@test "a pod's token signs for S3" {
	port=$(free_port) sts=$(free_port)
	s3_server "$port" PODID podsecret podsession
	cat >sts.py <<-'END'
		import http.server, sys, time, urllib.parse
		class Server(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        asked = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
		        ok = asked == {"Action": ["AssumeRoleWithWebIdentity"], "Version": ["2011-06-15"],
		            "RoleSessionName": ["bulwark"], "RoleArn": ["arn:aws:iam::1:role/x"],
		            "WebIdentityToken": ["ey.J-_"]}
		        self.send_response(200 if ok else 403)
		        self.end_headers()
		        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
		        self.wfile.write(f"""<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>
		            <Credentials><SessionToken>podsession</SessionToken>
		            <SecretAccessKey>podsecret</SecretAccessKey><Expiration>{until}</Expiration>
		            <AccessKeyId>PODID</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult>
		            </AssumeRoleWithWebIdentityResponse>""".encode())
		http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Server).serve_forever()
	END
	python3 sts.py "$sts" 2>sts.log 3>&- &
	started="$started $!"
	wait_for 10 listens "$sts"
	printf 'wrong\n' >token
	export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ENDPOINT_URL_STS=http://127.0.0.1:$sts \
		AWS_ROLE_ARN=arn:aws:iam::1:role/x AWS_WEB_IDENTITY_TOKEN_FILE=$dir/token
	run_drive -n 10 -t 2 -- --s3-bucket facts
	grep -q "trouble: sink 's3': no credentials: .*HTTP status 403" said
	refute grep -q wrong said
	printf 'ey.J-_\n' >token
	run_drive -n 0 -w -- --s3-bucket facts
	[ "$(stored_lines | wc -l)" -eq 10 ]
}

@test "without keys for S3 events wait, and it is said what to do" {
	AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1 AWS_ENDPOINT_URL=http://127.0.0.1:1 \
		run_drive -n 10 -t 2 -- --s3-bucket facts
	grep -q "trouble: sink 's3': no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" said
	[ "$(metric spool_events s3)" -eq 10 ]
}

@test "S3 that is down, and an agent that is killed, lose nothing" {
	port=$(free_port)
	s3_keys "$port"
	BULWARK_S3_INTERVAL=100ms "$drive" -n 20000 -r 10000 -t 90 -a accepted -- --s3-bucket facts \
		--spool-directory "$spool" 2>said 3>&- &
	pid=$!
	started="$started $pid"
	wait_for 10 grep -q 'trouble: .*connect' said
	s3_server "$port"
	wait_for 60 stored 1
	kill -9 "$pid"
	wait "$pid" || true
	run_drive -n 0 -w -t 30 -- --s3-bucket facts
	stored_lines | jq -r '."event.id"' | sort -u >got
	# The last one may be noted half.
	sed '$!b; /^[0-9a-f]*-[0-9a-f]*$/!d' accepted | sort -u >expected
	[ -s expected ]
	[ -z "$(comm -13 got expected)" ]
}

@test "an S3 service that is slow holds nothing up" {
	port=$(free_port) slow=$(free_port)
	s3_server "$port"
	s3_keys "$slow"
	# Signed for the slow one's address, which the store then has to go by.
	cat >slow.py <<-'END'
		import http.server, socketserver, sys, time, urllib.request
		class Slow(http.server.BaseHTTPRequestHandler):
		    def do_PUT(self):
		        body = self.rfile.read(int(self.headers["Content-Length"]))
		        time.sleep(1)
		        request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[2]}{self.path}", body,
		            dict(self.headers), method="PUT")
		        with urllib.request.urlopen(request) as answer:
		            self.send_response(answer.status)
		            self.send_header("Content-Length", "0")
		            self.end_headers()
		class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
		    pass
		Server(("127.0.0.1", int(sys.argv[1])), Slow).serve_forever()
	END
	python3 slow.py "$slow" "$port" 2>slow.log 3>&- &
	started="$started $!"
	wait_for 10 listens "$slow"
	BULWARK_S3_INTERVAL=200ms run_drive -n 20000 -r 5000 -w -t 40 -a accepted -- --s3-bucket facts
	[ "$(metric sink_lost_total s3)" -eq 0 ]
	[ "$(stored_lines | jq -r '."event.id"' | sort -u | wc -l)" -eq 20000 ]
}

# --- StatsD ---

# statsd SERVER PORT: the daemon, with counters that stay until they are asked for.
statsd() {
	need_npm statsd@0.9.0
	management=$(free_port)
	cat >statsd.js <<-END
		{
			servers: [{ server: "./servers/$1", address: "127.0.0.1", port: $2 }],
			mgmt_address: "127.0.0.1", mgmt_port: $management,
			flushInterval: 3600000, backends: [],
		}
	END
	(cd "$npm_cache/node_modules/statsd" && exec node stats.js "$dir/statsd.js") >statsd.out 2>&1 3>&- &
	started="$started $!"
	wait_for 20 listens "$management"
}

# counter NAME
counter() {
	{ printf 'counters\n' && sleep 0.3; } | timeout 5 socat -t 2 - "TCP:127.0.0.1:$management" |
		sed -n "s/^ *'\{0,1\}$1'\{0,1\}: \([0-9]*\),\{0,1\}$/\1/p"
}
counts() { [ "$(counter "$1")" = "$2" ]; }

# Of sink-drive's events every fourth is kmsg.suppressed with its number as its count.
check_statsd() {
	[ "$(metric sink_lost_total statsd)" -eq 0 ]
	sum=$(python3 -c 'print(sum(n for n in range(1, 4001) if n % 4 == 2))')
	wait_for 10 counts ingraind.metrics.process.exec 1000
	counts ingraind.metrics.process.trap 1000
	counts ingraind.metrics.kmsg.suppressed "$sum"
	counts statsd.bad_lines_seen 0
}

@test "the StatsD daemon sums right over UDP" {
	port=$(free_port)
	statsd udp "$port"
	run_drive -n 4000 -r 20000 -w -- --statsd 127.0.0.1 --statsd-port "$port"
	check_statsd
}

@test "the StatsD daemon sums right over TCP" {
	port=$(free_port)
	statsd tcp "$port"
	run_drive -n 4000 -w -- --statsd localhost --statsd-port "$port" --statsd-transport tcp
	check_statsd
}

@test "the environment of the first release sends numbers to StatsD" {
	need_root
	port=$(free_port)
	statsd udp "$port"
	STATSD_HOST=127.0.0.1 STATSD_PORT=$port timeout 20 "$build/bin/ingraind" --under $$ --listen off \
		--spool-directory "$spool" 2>said 3>&- &
	pid=$!
	started="$started $pid"
	wait_for 10 grep -q '^info: exec' said
	for _ in $(seq 25); do /bin/true; done
	enough() { [ "$(counter ingraind.metrics.process.exec)" -ge 25 ]; }
	wait_for 10 enough
	kill -TERM "$pid"
	wait "$pid"
}

@test "StatsD packets are as long as the network takes, with tags for those who read them" {
	port=$(free_port)
	cat >receive <<-'END'
		import socket, sys
		server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
		server.bind(("127.0.0.1", int(sys.argv[1])))
		open("ready", "w").close()
		server.settimeout(3)
		sizes, lines = [], []
		try:
		    while True:
		        packet = server.recv(65536)
		        sizes.append(len(packet))
		        lines += packet.decode().splitlines()
		except TimeoutError:
		    pass
		print(max(sizes), len(sizes), len(lines))
		print(*lines, sep="\n", file=open("lines", "w"))
	END
	python3 receive "$port" >sizes 3>&- &
	receiver=$!
	started="$started $receiver"
	wait_for 10 test -e ready
	run_drive -n 2000 -w -- --statsd 127.0.0.1 --statsd-port "$port" --statsd-tags dogstatsd
	wait "$receiver"
	read -r longest packets count <sizes
	[ "$longest" -le 1432 ] && [ "$longest" -gt 1200 ]
	[ "$count" -eq 2000 ] && [ "$packets" -lt 400 ]
	grep -qx 'ingraind.metrics.process.exec:1|c|#process_str:sh,process_id:1' lines
	grep -q '|#process_str:we]i"rd\\_,' lines
}

@test "StatsD that is down gets its numbers when it is up" {
	port=$(free_port)
	timeout 60 "$drive" -n 4000 -r 4000 -t 40 -w -- --statsd 127.0.0.1 --statsd-port "$port" \
		--statsd-transport tcp --spool-directory "$spool" 2>said 3>&- &
	pid=$!
	started="$started $pid"
	wait_for 10 grep -q 'trouble: .*Connection refused' said
	statsd tcp "$port"
	wait "$pid"
	check_statsd
}

# --- NATS ---

# nats_server PORT
nats_server() {
	command -v nats-server >/dev/null || skip "nats-server is not installed"
	"$drive" -n 0 -t 1 -- --nats nats://127.0.0.1:1 --spool-directory "$dir/try" 2>built || true
	if grep -q 'built without NATS' built; then skip "$(tail -n 1 built)"; fi
	nats-server -a 127.0.0.1 -p "$1" -js -sd "$dir/jetstream" >nats.out 2>&1 3>&- &
	started="$started $!"
	nats_pid=$!
	wait_for 10 listens "$1"
}

@test "events come into a stream of JetStream, once each" {
	port=$(free_port)
	nats_server "$port"
	"$tools/nats.py" "$port" create EVENTS 'facts.>'
	run_drive -n 5000 -w -- --nats "nats://127.0.0.1:$port" --nats-subject 'facts.{host}.{kind}'
	[ "$(metric sink_delivered_total nats)" -eq 5000 ]
	[ "$("$tools/nats.py" "$port" count EVENTS)" -eq 5000 ]
	"$tools/nats.py" "$port" get EVENTS >got
	[ "$(cut -f 2 got | jq -r '."event.id"' | sort -u | wc -l)" -eq 5000 ]
	[ "$(cut -f 1 got | sort -u | tr '\n' ' ')" = "facts.testhost.detection.register_probe facts.testhost.kmsg.suppressed facts.testhost.process.exec facts.testhost.process.trap " ]
}

@test "without a stream events wait for one" {
	port=$(free_port)
	nats_server "$port"
	run_drive -n 10 -t 3 -- --nats "nats://127.0.0.1:$port"
	grep -q "trouble: sink 'nats': no stream takes the subject" said
	[ "$(metric spool_events nats)" -eq 10 ]
	"$tools/nats.py" "$port" create EVENTS 'bulwark.>'
	run_drive -n 0 -w -- --nats "nats://127.0.0.1:$port"
	[ "$("$tools/nats.py" "$port" count EVENTS)" -eq 10 ]
}

@test "events that a stream finds too large are lost alone" {
	port=$(free_port)
	nats_server "$port"
	"$tools/nats.py" "$port" create EVENTS 'bulwark.>' '{"max_msg_size": 500}'
	run_drive -n 40 -w -t 40 -- --nats "nats://127.0.0.1:$port" --nats-subject bulwark.x
	lost=$(metric sink_lost_total nats)
	[ "$lost" -eq 10 ] # the traps
	[ "$("$tools/nats.py" "$port" count EVENTS)" -eq 30 ]
}

@test "NATS that ends and comes back, and an agent that is killed, lose nothing and double nothing" {
	port=$(free_port)
	nats_server "$port"
	"$tools/nats.py" "$port" create EVENTS 'bulwark.>'
	"$drive" -n 20000 -r 5000 -t 60 -a accepted -- --nats "nats://127.0.0.1:$port" \
		--spool-directory "$spool" 2>said 3>&- &
	pid=$!
	started="$started $pid"
	some() { [ "$("$tools/nats.py" "$port" count EVENTS)" -gt 1000 ]; }
	wait_for 20 some
	kill -9 "$nats_pid"
	wait_for 20 grep -q 'trouble: ' said
	nats_server "$port"
	wait_for 20 grep -q 'well: ' said
	kill -9 "$pid"
	wait "$pid" || true
	run_drive -n 0 -w -t 30 -- --nats "nats://127.0.0.1:$port"
	"$tools/nats.py" "$port" get EVENTS | cut -f 2 | jq -r '."event.id"' | sort >got
	sed '$!b; /^[0-9a-f]*-[0-9a-f]*$/!d' accepted | sort -u >expected
	[ -s expected ]
	[ -z "$(comm -13 got expected)" ]
	[ -z "$(uniq -d got)" ]
}

@test "NATS that wants a password gets it" {
	port=$(free_port)
	cat >nats.conf <<-END
		listen: "127.0.0.1:$port"
		jetstream { store_dir: "$dir/jetstream" }
		authorization { user: "agent", password: "word" }
	END
	command -v nats-server >/dev/null || skip "nats-server is not installed"
	nats-server -c nats.conf >nats.out 2>&1 3>&- &
	started="$started $!"
	wait_for 10 listens "$port"
	NATS_USER=agent NATS_PASSWORD=word "$tools/nats.py" "$port" create EVENTS 'bulwark.>'
	run_drive -n 10 -t 3 -- --nats "nats://127.0.0.1:$port"
	grep -q "trouble: sink 'nats': connect to 'nats.url': Authorization" said ||
		grep -q "trouble: sink 'nats': connect to 'nats.url'" said
	[ "$(metric sink_delivered_total nats)" -eq 0 ]
	BULWARK_NATS_USER=agent BULWARK_NATS_PASSWORD=word \
		run_drive -n 0 -w -- --nats "nats://127.0.0.1:$port"
	[ "$(NATS_USER=agent NATS_PASSWORD=word "$tools/nats.py" "$port" count EVENTS)" -eq 10 ]
}

@test "NATS over TLS, both sides known to each other" {
	port=$(free_port)
	command -v nats-server >/dev/null || skip "nats-server is not installed"
	cat >nats.conf <<-END
		listen: "127.0.0.1:$port"
		jetstream { store_dir: "$dir/jetstream" }
		tls { cert_file: "$tls/server.pem", key_file: "$tls/server.key",
			ca_file: "$tls/ca.pem", verify: true }
	END
	nats-server -c nats.conf >nats.out 2>&1 3>&- &
	started="$started $!"
	wait_for 10 listens "$port"
	export BULWARK_NATS_CA_FILE=$tls/ca.pem NATS_TLS=$tls
	run_drive -n 10 -t 3 -- --nats "tls://localhost:$port"
	grep -q "trouble: sink 'nats': connect to 'nats.url': " said
	[ "$(metric spool_events nats)" -eq 10 ]
	"$tools/nats.py" "$port" create EVENTS 'bulwark.>'
	BULWARK_NATS_CERT_FILE=$tls/client.pem BULWARK_NATS_KEY_FILE=$tls/client.key \
		run_drive -n 990 -w -t 20 -- --nats "tls://localhost:$port"
	[ "$("$tools/nats.py" "$port" count EVENTS)" -eq 1000 ]
}

# --- OpenTelemetry ---

# otlp_server HTTP_PORT GRPC_PORT [FAILURES]
otlp_server() {
	need_npm @grpc/grpc-js@1.14.7 @opentelemetry/otlp-grpc-exporter-base@0.41.2
	(cd "$npm_cache" && exec node "$tools/otlp-server.js" "$1" "$2" "$dir/otlp" "${3:-0}") \
		>otlp.out 2>&1 3>&- &
	started="$started $!"
	wait_for 20 grep -q listening otlp.out
}

# What OpenTelemetry's library has read of COUNT events as logs.
check_logs() {
	jq -se '[.[] | select(.kind == "logs") | .request.resourceLogs[] |
		select(any(.resource.attributes[]; .key == "host.name" and .value.stringValue == "testhost"))
		| .scopeLogs[].logRecords[]] | length == '"$1" otlp
	jq -se '[.[].request.resourceLogs[].scopeLogs[].logRecords[] |
		select(any(.attributes[]; .key == "event.name" and .value.stringValue == "process.trap"))] |
		length > 0 and all(.severityText == "error" and .severityNumber == "SEVERITY_NUMBER_ERROR" and
		(.timeUnixNano | test("^[0-9]{19}$")) and (.body.stringValue | test("segfault at 0x")) and
		any(.attributes[]; .key == "fault.ip" and .value.stringValue == "0xffffffffff600000") and
		any(.attributes[]; .key == "signal.number" and .value.intValue == "11"))' otlp
}

@test "OpenTelemetry's library reads every event over HTTP" {
	port=$(free_port) other=$(free_port)
	otlp_server "$port" "$other" 2
	run_drive -n 4000 -w -t 30 -- --otlp "http://127.0.0.1:$port"
	grep -q "trouble: sink 'otlp-logs': export to 'http://127.0.0.1:$port/v1/logs': HTTP status 503" said
	[ "$(metric sink_delivered_total otlp-logs)" -eq 4000 ]
	check_logs 4000
}

@test "logs that an OpenTelemetry receiver throws away are counted as lost" {
	port=$(free_port) other=$(free_port)
	OTLP_REJECT=3 otlp_server "$port" "$other"
	run_drive -n 10 -w -- --otlp "http://127.0.0.1:$port"
	[ "$(metric sink_lost_total otlp-logs)" -eq 3 ]
	[ "$(metric sink_delivered_total otlp-logs)" -eq 7 ]
}

@test "OpenTelemetry's library reads every event over gRPC" {
	port=$(free_port) other=$(free_port)
	otlp_server "$other" "$port" 2
	run_drive -n 4000 -w -t 30 -- --otlp "http://127.0.0.1:$port" --otlp-protocol grpc
	grep -q "trouble: sink 'otlp-logs': export to 'http://127.0.0.1:$port/opentel.*unavailable: not yet" said
	[ "$(metric sink_delivered_total otlp-logs)" -eq 4000 ]
	check_logs 4000
}

@test "OpenTelemetry over gRPC and TLS, both sides known to each other" {
	port=$(free_port) other=$(free_port)
	OTLP_TLS=$tls otlp_server "$other" "$port"
	export BULWARK_OTLP_CA_FILE=$tls/ca.pem
	run_drive -n 10 -t 3 -- --otlp "https://localhost:$port" --otlp-protocol grpc
	[ "$(metric sink_delivered_total otlp-logs)" -eq 0 ] # without a certificate of our own
	export BULWARK_OTLP_CERT_FILE=$tls/client.pem BULWARK_OTLP_KEY_FILE=$tls/client.key
	# One batch after the other on one connection.
	BULWARK_OTLP_INTERVAL=100ms \
		run_drive -n 3990 -r 2000 -w -t 30 -- --otlp "https://localhost:$port" --otlp-protocol grpc
	[ "$(metric sink_failures_total otlp-logs)" -eq 0 ]
	check_logs 4000
}

@test "OpenTelemetry's library sums metrics right" {
	port=$(free_port) other=$(free_port)
	otlp_server "$other" "$port"
	run_drive -n 4000 -w -t 30 -- --otlp "http://127.0.0.1:$port" --otlp-protocol grpc \
		--otlp-signals metrics
	jq -se '[.[].request.resourceMetrics[].scopeMetrics[].metrics[]] |
		all(.sum.isMonotonic and .sum.aggregationTemporality == "AGGREGATION_TEMPORALITY_DELTA") and
		([.[] | select(.name == "kmsg.suppressed") | .sum.dataPoints[].asInt | tonumber] | add) ==
			([range(2; 4001; 4)] | add) and
		([.[] | select(.name == "process.exec") | .sum.dataPoints[].asInt | tonumber] | add) == 1000' otlp
}

# --- S3 in parts ---

# in_parts ARG...: 18 MB in objects of up to 12 MB, in parts of 5 MB.
in_parts() {
	BULWARK_S3_COMPRESSION=none BULWARK_S3_OBJECT_SIZE=12M BULWARK_S3_MULTIPART_THRESHOLD=5M \
		BULWARK_S3_PART_SIZE=5M BULWARK_SPOOL_SIZE=256M \
		run_drive -n 50000 -t 50 -w "$@"
}

@test "large objects go to S3 in parts, each signed" {
	port=$(free_port)
	s3_server "$port"
	s3_keys "$port"
	in_parts -- --s3-bucket facts
	[ "$(metric sink_delivered_total s3)" -eq 50000 ]
	[ "$(stored_lines | jq -r '."event.id"' | sort -u | wc -l)" -eq 50000 ]
	begun=$(grep -c 'POST .*?uploads= 200' s3.out)
	[ "$begun" -ge 1 ]
	[ "$(grep -c 'POST .*?uploadId=.* 200' s3.out)" -eq "$begun" ]
	[ "$(grep -c 'PUT .*?partNumber=3&uploadId=.* 200' s3.out)" -ge 1 ]
	refute grep -E ' (403|40.|50.)$' s3.out
}

@test "an upload in parts that fails is given up, and comes again" {
	port=$(free_port)
	# The first object's second part is refused; its parts are to be given up.
	cat >flaky.py <<-'END'
		import http.server, re, sys, urllib.parse
		parts, whole, failed = {}, {}, []
		class Server(http.server.BaseHTTPRequestHandler):
		    protocol_version = "HTTP/1.1"
		    def answer(self, status, text="", etag=None):
		        body = text.encode()
		        self.send_response(status)
		        if etag: self.send_header("ETag", etag)
		        self.send_header("Content-Length", str(len(body)))
		        self.end_headers()
		        self.wfile.write(body)
		        print(self.command, self.path, status, flush=True)
		    def handle_one(self):
		        url = urllib.parse.urlparse(self.path)
		        asked = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
		        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
		        if "uploads" in asked:
		            name = "id/%d+" % len(failed)
		            parts[name] = {}
		            return self.answer(200, "<R><UploadId>%s</UploadId></R>" % name)
		        name = asked.get("uploadId")
		        if self.command == "DELETE":
		            parts.pop(name)
		            return self.answer(204)
		        if self.command == "PUT" and name:
		            if asked["partNumber"] == "2" and len(failed) < 1:
		                failed.append(1)
		                return self.answer(503, "<Error><Code>SlowDown</Code><Message>m</Message></Error>")
		            parts[name][int(asked["partNumber"])] = body
		            return self.answer(200, etag='"e%s&"' % asked["partNumber"])
		        if self.command == "POST":
		            numbers = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>\"e(\d+)&#38;\"</ETag>", body.decode())
		            assert numbers and all(a == b for a, b in numbers) and len(numbers) == len(parts[name])
		            if len(failed) < 2:
		                failed.append(2)
		                return self.answer(200, "<Error><Code>InternalError</Code><Message>m</Message></Error>")
		            stored = parts.pop(name)
		            whole[url.path] = b"".join(stored[int(a)] for a, _ in numbers)
		        else:
		            whole[url.path] = body
		        open("whole", "wb").write(b"".join(whole.values()))
		        open("left", "w").write(str(len(parts)))
		        self.answer(200)
		    do_PUT = do_POST = do_DELETE = handle_one
		http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Server).serve_forever()
	END
	python3 flaky.py "$port" >flaky.out 2>flaky.err 3>&- &
	started="$started $!"
	wait_for 10 listens "$port"
	s3_keys "$port"
	in_parts -- --s3-bucket facts
	[ "$(metric sink_delivered_total s3)" -eq 50000 ]
	grep -q "trouble: sink 's3': upload .* in parts: HTTP status 503 SlowDown" said
	[ "$(metric sink_failures_total s3)" -eq 2 ]
	[ "$(grep -c 'DELETE .*?uploadId=id%2F[01]%2B 204' flaky.out)" -eq 2 ]
	[ "$(cat left)" -eq 0 ]
	[ "$(jq -r '."event.id"' whole | sort -u | wc -l)" -eq 50000 ]
}
