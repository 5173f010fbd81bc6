#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Where events go, with real receivers: rsyslog, and an HTTP server that fails in every way.

load setup
load receivers

root=$BATS_TEST_DIRNAME/../..
drive=${BULWARK_BUILD:-$root/build}/tests/tools/sink-drive

setup_file() {
	make_certificates "$BATS_FILE_TMPDIR"
}

setup() {
	tls=$BATS_FILE_TMPDIR
	dir=$BATS_TEST_TMPDIR
	spool=$dir/spool
	started=
	cd "$dir" || return 1
	mkdir http
}

teardown() {
	kill_started
}

# metric NAME SINK prints a number that sink-drive has said last.
metric() { sed -n "s/^bulwark_$1{sink=\"$2\"} //p" said | tail -n 1; }

# run_drive ARG... runs it with its spool here; what it says is in `said`.
run_drive() {
	timeout 60 "$drive" "$@" --spool-directory "$spool" 2>said || { cat said >&2; return 1; }
}

# --- syslog ---

# What rsyslog has understood of COUNT messages in RFC 5424, field by field.
check_5424() {
	wait_for 20 has_messages "$1"
	jq -se 'all(.host == "testhost" and .app == "sink-drive" and .version == "1" and
		.facility == "daemon" and (.procid | test("^[0-9]+$")) and
		(.time | test("^20..-..-..T..:..:..[.][0-9]{6}")))' messages
	jq -se 'all(. as $m | .data | startswith("[bulwark@32473 event.name=\"" + $m.msgid + "\""))' \
		messages
	jq -se '[.[] | select(.msgid == "process.trap")] | length > 0 and
		all(.severity == "err" and (.msg | test("segfault at 0x")) and
			(.data | contains("fault.ip=\"0xffffffffff600000\"")))' messages
	jq -se '[.[] | select(.msgid == "detection.register_probe")] | length > 0 and
		all(.severity == "crit")' messages
	# A name with bracket, quote, backslash and line end arrives whole, and ends nothing.
	jq -se 'any(.data | contains("process.comm=\"we\\]i\\\"rd\\\\ \" process.pid"))' messages
	check_ids "$1"
}

# Every one of COUNT events is there.
check_ids() {
	grep -o 'event.id=[^ ]*' messages | sort -u >ids
	[ "$(wc -l <ids)" -eq "$1" ]
}

@test "rsyslog understands every field over UDP" {
	port=$(free_port)
	rsyslog 'module(load="imudp")' \
		"input(type=\"imudp\" address=\"127.0.0.1\" port=\"$port\" rcvbufSize=\"4m\")"
	wait_for 20 udp_listens "$port"
	run_drive -n 40 -- --syslog text --syslog-destination udp --syslog-server "127.0.0.1:$port"
	check_5424 40
}

@test "rsyslog understands every field over TCP, octet counted" {
	port=$(free_port)
	rsyslog "$(tcp_input "$port")"
	wait_for 20 listens "$port"
	run_drive -n 5000 -- --syslog text --syslog-destination tcp \
		--syslog-server "localhost:$port"
	check_5424 5000
	[ "$(metric sink_delivered_total syslog)" -eq 5000 ]
	[ "$(wc -l <messages)" -eq 5000 ] # and none twice
}

@test "rsyslog understands every field over TCP, one a line" {
	port=$(free_port)
	rsyslog "$(tcp_input "$port")"
	wait_for 20 listens "$port"
	run_drive -n 40 -- --syslog text --syslog-destination tcp --syslog-framing newline \
		--syslog-server "127.0.0.1:$port"
	check_5424 40
}

@test "the message may be JSON or CEF, and the old form of syslog" {
	port=$(free_port)
	rsyslog "$(tcp_input "$port")"
	wait_for 20 listens "$port"
	run_drive -n 8 -- --syslog json --syslog-destination tcp --syslog-server "127.0.0.1:$port"
	wait_for 20 has_messages 8
	jq -se 'all(.msg | fromjson | ."host.name" == "testhost")' messages
	rm messages
	kill -HUP "$rsyslog_pid"
	run_drive -n 8 -- --syslog cef --syslog-destination tcp --syslog-rfc 3164 \
		--syslog-facility local3 --syslog-server "127.0.0.1:$port"
	wait_for 20 has_messages 8
	jq -se 'all(.host == "testhost" and .app == "sink-drive" and .facility == "local3" and
		(.msg | startswith(" CEF:0|Bulwark|sink-drive|")))' messages
	jq -se 'any(.msg | contains("dproc=x dhost\\=db01 "))' messages
}

@test "rsyslog understands every field over TLS, and both sides know each other" {
	port=$(free_port)
	rsyslog "$(tls_input "$port" x509/certvalid)"
	wait_for 20 listens "$port"
	export BULWARK_SYSLOG_CA_FILE=$tls/ca.pem BULWARK_SYSLOG_CERT_FILE=$tls/client.pem \
		BULWARK_SYSLOG_KEY_FILE=$tls/client.key
	run_drive -n 2000 -- --syslog text --syslog-destination tls --syslog-server "localhost:$port"
	check_5424 2000
}

@test "a TLS server that nobody vouches for gets nothing" {
	port=$(free_port)
	rsyslog "$(tls_input "$port" anon)"
	wait_for 20 listens "$port"
	BULWARK_SYSLOG_CA_FILE=$tls/other.pem \
		run_drive -n 8 -- --syslog text --syslog-destination tls --syslog-server "localhost:$port"
	grep -q "trouble: sink 'syslog': send to 'tls://localhost:$port': .*certificate" said
	[ "$(metric sink_delivered_total syslog)" -eq 0 ]
	[ "$(metric spool_events syslog)" -eq 8 ]
	# They have waited on disk, and go to the right one.
	BULWARK_SYSLOG_CA_FILE=$tls/ca.pem \
		run_drive -n 0 -- --syslog text --syslog-destination tls --syslog-server "localhost:$port"
	check_5424 8
}

@test "a TLS server that refuses our certificate has not got the events" {
	port=$(free_port)
	rsyslog "$(tls_input "$port" x509/certvalid)"
	wait_for 20 listens "$port"
	export BULWARK_SYSLOG_CA_FILE=$tls/ca.pem BULWARK_SYSLOG_CERT_FILE=$tls/stranger.pem \
		BULWARK_SYSLOG_KEY_FILE=$tls/stranger.key
	run_drive -n 8 -- --syslog text --syslog-destination tls --syslog-server "localhost:$port"
	grep -q "trouble: sink 'syslog': send to 'tls://localhost:$port'" said
	[ "$(metric sink_delivered_total syslog)" -eq 0 ]
	[ "$(metric spool_events syslog)" -eq 8 ]
}

@test "a unix socket gets the form that every local daemon reads" {
	rsyslog 'module(load="imuxsock" sysSock.use="off")' \
		"input(type=\"imuxsock\" socket=\"$dir/log\")"
	wait_for 20 test -S log
	run_drive -n 2000 -- --syslog text --syslog-unix-socket-path "$dir/log"
	wait_for 20 has_messages 2000
	jq -se 'all(.app == "sink-drive" and .facility == "daemon" and
		(.procid | test("^[0-9]+$")))' messages
	jq -se 'any(.msg | contains("we]i\"rd\\\\x0a[") and contains("k8s") == false)' messages
	jq -se 'any(.severity == "crit")' messages
}

@test "a unix socket gets RFC 5424 when that is wanted" {
	rsyslog 'module(load="imuxsock" sysSock.use="off")' \
		"input(type=\"imuxsock\" socket=\"$dir/log\" useSpecialParser=\"off\" parseHostname=\"on\")"
	wait_for 20 test -S log
	run_drive -n 40 -- --syslog text --syslog-destination unix --syslog-rfc 5424 \
		--syslog-unix-socket-path "$dir/log"
	check_5424 40
}

@test "a unix stream socket gets messages that end in a null byte" {
	socat -u "UNIX-LISTEN:$dir/log" "CREATE:$dir/got" 3>&- &
	started="$started $!"
	wait_for 20 test -S log
	run_drive -n 40 -- --syslog text --syslog-unix-socket-path "$dir/log"
	wait_for 20 sh -c "[ \"\$(tr -dc '\\0' <got | wc -c)\" -eq 40 ]"
	tr '\0' '\n' <got | grep -c '^<[0-9]*>[A-Z][a-z][a-z] .* sink-drive\[[0-9]*\]: ' | grep -qx 40
}

@test "without a destination it is /dev/log, then TCP, then UDP" {
	[ "$(id -u)" -eq 0 ] || skip "needs root for a network and a /dev of its own"
	cat >try <<-'END'
		set -e
		ip link set lo up
		mkdir dev
		mount -t tmpfs none dev
		for node in null zero random urandom; do cp -a /dev/$node dev/; done
		mount --bind dev /dev
		python3 - "$@" <<-'PYTHON'
			import os, socket, subprocess, sys
			def drive():
			    subprocess.run(sys.argv[1:], check=True)
			udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			udp.bind(("127.0.0.1", 514))
			drive()
			assert udp.recv(9999).startswith(b"<30>")
			tcp = socket.socket()
			tcp.bind(("127.0.0.1", 601))
			tcp.listen()
			if os.fork() == 0:
			    drive()
			    os._exit(0)
			words = tcp.accept()[0].recv(9999)
			assert words.split(b" ", 1)[1].startswith(b"<30>"), words
			assert os.wait()[1] == 0
			unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
			unix.bind("/dev/log")
			drive()
			assert unix.recv(9999).startswith(b"<30>")
		PYTHON
	END
	timeout 60 unshare -m -n sh try "$drive" -n 1 -- --syslog text --spool-directory "$spool"
}

@test "events for a syslog server that is down arrive when it is up" {
	port=$(free_port)
	timeout 60 "$drive" -n 10000 -r 5000 -t 50 -w -- --syslog text --syslog-destination tcp \
		--syslog-server "127.0.0.1:$port" --spool-directory "$spool" 2>said 3>&- &
	drive_pid=$!
	started="$started $drive_pid"
	wait_for 20 grep -q 'trouble: .*Connection refused' said
	rsyslog "$(tcp_input "$port")"
	wait "$drive_pid"
	grep -q "well: sink 'syslog': events are delivered again" said
	[ "$(metric sink_delivered_total syslog)" -eq 10000 ]
	[ "$(metric sink_lost_total syslog)" -eq 0 ]
	wait_for 20 check_ids 10000
}

# Syslog over TCP has no answers: what a server's kernel holds when it dies is lost. One that ends a
# connection in good order loses nothing, wherever it ends it.
@test "syslog connections that end lose nothing" {
	cat >server <<-'END'
		import re, socket, sys
		listener = socket.create_server(("127.0.0.1", 0))
		print(listener.getsockname()[1], flush=True)
		seen, turns = set(), 0
		while True:
		    connection, data, turns = listener.accept()[0], b"", turns + 1
		    ended = False
		    while more := connection.recv(65536):
		        data += more
		        if len(data) > 150000 and turns <= 3 and not ended:
		            connection.shutdown(socket.SHUT_WR)
		            ended = True
		    while frame := re.match(rb"(\d+) ", data):
		        end = frame.end() + int(frame[1])
		        if end > len(data):
		            break
		        message, data = data[frame.end():end], data[end:]
		        assert message.startswith(b"<"), message
		        seen.add(re.search(rb'event.id="([^"]*)"', message)[1])
		    print(turns, len(seen), flush=True)
	END
	python3 server >out 2>server.err 3>&- &
	started="$started $!"
	wait_for 20 test -s out
	run_drive -n 3000 -t 50 -w -- --syslog text --syslog-destination tcp \
		--syslog-server "127.0.0.1:$(head -n 1 out)"
	[ "$(metric sink_delivered_total syslog)" -eq 3000 ]
	wait_for 20 grep -qx '[4-9] 3000' out
	[ ! -s server.err ]
}

@test "a syslog server that reads nothing has got nothing" {
	cat >server <<-'END'
		import socket, time
		listener = socket.socket()
		listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		listener.bind(("127.0.0.1", 0))
		listener.listen()
		print(listener.getsockname()[1], flush=True)
		connection = listener.accept()
		time.sleep(60)
	END
	python3 server >out 3>&- &
	started="$started $!"
	wait_for 20 test -s out
	run_drive -n 3000 -t 2 -- --syslog text --syslog-destination tcp \
		--syslog-server "127.0.0.1:$(cat out)"
	[ "$(metric sink_delivered_total syslog)" -eq 0 ]
	[ "$(metric spool_events syslog)" -eq 3000 ]
}

# --- HTTP ---

# check_bodies COUNT: every event has come, each once, in order.
check_bodies() {
	requests .body | jq -r '."event.id"' >ids
	[ "$(wc -l <ids)" -eq "$1" ]
	[ "$(sort -u ids | wc -l)" -eq "$1" ]
}

@test "HTTP gets lines of JSON with token and header, gzipped when that pays" {
	receive
	BULWARK_HTTP_TOKEN=s3cret BULWARK_HTTP_HEADER="X-Key: k1" \
		run_drive -n 1000 -- --http "http://$url/in?k=1"
	check_bodies 1000
	requests 'select(.path != "/in?k=1" or .headers.authorization != "Bearer s3cret" or
		.headers["x-key"] != "k1" or .headers["content-type"] != "application/x-ndjson" or
		.headers["user-agent"] != "sink-drive/1.0" or
		.headers["content-encoding"] != "gzip")' >wrong
	[ ! -s wrong ]
	requests '.body' | jq -se 'any(."process.comm" == "we]i\"rd\\\n")' >/dev/null
	rm http/requests
	run_drive -n 1 -- --http "http://$url/in"
	requests 'select(.headers["content-encoding"] != null)' >wrong
	[ ! -s wrong ]
}

@test "HTTP gets an array when that is wanted, and plain bodies when it knows no gzip" {
	receive
	echo 'status 415' >http/mode
	run_drive -n 100 -t 10 -w -- --http "http://$url/" --http-body json-array 3>&- &
	started="$started $!"
	wait_for 20 test -s http/requests
	echo ok >http/mode
	wait $!
	requests 'select(.status == 202) | .body' | jq -se 'add | length == 100'
	requests 'select(.status == 202 and .headers["content-encoding"] != null)' >wrong
	[ ! -s wrong ]
}

@test "HTTP failures delay events, and lose and double none" {
	receive
	echo 'status 500' >http/mode
	run_drive -n 3000 -r 1000 -t 30 -w -- --http "http://$url/" 3>&- &
	started="$started $!"
	wait_for 20 grep -q '"status": 500' http/requests
	grep -q "trouble: sink 'http': POST to 'http://$url/': HTTP status 500" said
	echo drop >http/mode
	wait_for 20 grep -q "trouble: .*Empty reply" said
	kill "$receiver_pid"
	wait_for 20 grep -q "trouble: .*Failed to connect" said
	echo ok >http/mode
	receive --port "${url#*:}"
	wait %run_drive 2>/dev/null || wait
	jq -c 'select(.status == 202)' http/requests >accepted
	mv accepted http/requests
	check_bodies 3000
	[ "$(metric sink_delivered_total http)" -eq 3000 ]
	[ "$(metric sink_lost_total http)" -eq 0 ]
	[ "$(metric sink_failures_total http)" -ge 3 ]
}

@test "HTTP answers that got lost double events, which carry their id" {
	receive
	echo lose >http/mode
	run_drive -n 100 -t 10 -w -- --http "http://$url/" 3>&- &
	started="$started $!"
	wait_for 20 test -s http/requests
	echo ok >http/mode
	wait $!
	requests .body | jq -r '."event.id"' >ids
	[ "$(wc -l <ids)" -gt 100 ]
	[ "$(sort -u ids | wc -l)" -eq 100 ]
}

@test "HTTP receivers are left alone as long as they ask" {
	receive
	echo 'retry 3' >http/mode
	run_drive -n 10 -t 15 -w -- --http "http://$url/" 3>&- &
	started="$started $!"
	wait_for 20 test -s http/requests
	echo ok >http/mode
	wait $!
	jq -se 'length == 2 and .[1].time - .[0].time >= 3 and .[1].time - .[0].time < 5' \
		http/requests
}

@test "one event that HTTP refuses is lost alone" {
	receive
	echo 'poison "kmsg.suppressed.count":42' >http/mode
	run_drive -n 100 -w -- --http "http://$url/"
	jq -c 'select(.status == 202)' http/requests >accepted
	mv accepted http/requests
	check_bodies 99
	[ "$(metric sink_lost_total http)" -eq 1 ]
	[ "$(metric sink_delivered_total http)" -eq 99 ]
	grep -q "HTTP status 400" said
}

@test "batches that are too large for HTTP are made smaller" {
	receive
	echo 'limit 10' >http/mode
	run_drive -n 100 -w -- --http "http://$url/"
	jq -c 'select(.status == 202)' http/requests >accepted
	mv accepted http/requests
	check_bodies 100
	[ "$(metric sink_lost_total http)" -eq 0 ]
}

@test "a refused key is said without being shown, and costs nothing" {
	receive
	echo 'status 401' >http/mode
	export BULWARK_HTTP_TOKEN=s3cret
	run_drive -n 100 -- --http "http://user:hidden@$url/in?key=hidden"
	grep -q "trouble: .*POST to 'http://$url/in': HTTP status 401: .*'http.token'" said
	refute grep -q 's3cret\|hidden' said
	refute grep -rq 's3cret\|hidden' "$spool"
	[ "$(metric spool_events http)" -eq 100 ]
	rm http/requests
	echo ok >http/mode
	run_drive -n 0 -- --http "http://$url/in"
	check_bodies 100
	[ "$(metric sink_recovered_total http)" -eq 100 ]
}

@test "HTTP over TLS: both sides know each other, strangers get nothing" {
	receive --cert "$tls/server.pem" --key "$tls/server.key" --client-ca "$tls/ca.pem"
	url=localhost:${url#*:}
	run_drive -n 8 -- --http "https://$url/"
	grep -q "trouble: .*'https://$url/': .*certificate" said
	export BULWARK_HTTP_CA_FILE=$tls/ca.pem
	run_drive -n 0 -- --http "https://$url/"
	[ "$(metric sink_delivered_total http)" -eq 0 ]
	export BULWARK_HTTP_CERT_FILE=$tls/client.pem BULWARK_HTTP_KEY_FILE=$tls/client.key
	run_drive -n 0 -- --http "https://$url/"
	check_bodies 8
}

# --- Polycorder and PagerDuty ---

@test "a Polycorder gets the events it knows, in batches that are never empty" {
	receive
	run_drive -n 30 -t 30 -r 10 -- --polycorder s3cret --node n1 --flush-timeout-secs 1 \
		--polycorder-url "http://$url/v1/events"
	requests 'select(.path != "/v1/events" or .headers.authorization != "Bearer s3cret" or
		.headers["content-type"] != "application/json")' >wrong
	[ ! -s wrong ]
	requests .body | jq -se 'all(.node_id == "n1" and (.events | length >= 1 and length <= 10) and
		(.events | all(.version == "V1" and .hostname == "testhost" and
			(.event.type | test("^(Linux|RegisterProbe)")))))'
	requests .body | jq -se '[.[].events[]] | length == 22'
	[ "$(jq -s length http/requests)" -ge 3 ]
	[ "$(metric sink_delivered_total polycorder)" -eq 22 ]
	[ "$(metric sink_skipped_total polycorder)" -eq 8 ]
	requests 'if .bytes > 512 or .headers["content-encoding"] == "gzip"
		then .headers["content-encoding"] == "gzip" and (.body | length) > 512
		else .headers["content-encoding"] == "identity" end' | sort -u >right
	[ "$(cat right)" = true ]
}

@test "a Polycorder's key is never shown, and its events wait" {
	receive
	echo 'status 403' >http/mode
	run_drive -n 12 -- --polycorder s3cret --polycorder-url "http://$url/"
	grep -q "HTTP status 403: access denied; check 'polycorder.auth_key'" said
	refute grep -q s3cret said
	refute grep -rq s3cret "$spool"
	[ "$(metric spool_events polycorder)" -eq 9 ]
}

@test "PagerDuty gets detections only: raised, and resolved" {
	receive
	BULWARK_PAGERDUTY_URL=http://$url/v2/enqueue run_drive -n 16 -- --pagerduty r0uting
	[ "$(metric sink_delivered_total pagerduty)" -eq 4 ]
	[ "$(metric sink_skipped_total pagerduty)" -eq 12 ]
	requests .body | jq -se 'length == 4 and all(.routing_key == "r0uting" and
		.payload.source == "testhost" and .payload.severity == "critical" and
		.payload.summary == "nginx crashes at 12 places in a row" and
		.payload.custom_details["event.name"] == "detection.register_probe")'
	requests '.body | fromjson | "\(.event_action) \(.dedup_key)"' >actions
	printf '%s\n' 'trigger register_probe/nginx/0' 'resolve register_probe/nginx/0' \
		'trigger register_probe/nginx/1' 'resolve register_probe/nginx/1' | diff - actions
}

@test "PagerDuty's key is not on disk while incidents wait, and limits are kept to" {
	receive
	echo 'retry 2' >http/mode
	BULWARK_PAGERDUTY_URL=http://$url/v2/enqueue timeout 60 "$drive" -n 16 -w -t 30 -- \
		--pagerduty r0uting --spool-directory "$spool" 2>said 3>&- &
	started="$started $!"
	wait_for 20 test -s http/requests
	grep -rq dedup_key "$spool"
	refute grep -rq r0uting "$spool"
	echo ok >http/mode
	wait $!
	[ "$(metric sink_delivered_total pagerduty)" -eq 4 ]
}

# --- dying ---

has_lines() { [ -f "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]; }

@test "after kill -9 every accepted event arrives" {
	port=$(free_port)
	for round in 1 2 3; do
		"$drive" -n 10000000 -t 60 -a "$dir/accepted" -- --http "http://127.0.0.1:$port/" \
			--spool-directory "$spool" 2>said 3>&- &
		drive_pid=$!
		started="$started $drive_pid"
		wait_for 20 has_lines accepted $((round * 7000))
		kill -9 "$drive_pid"
		wait "$drive_pid" || true
	done
	receive --port "$port"
	run_drive -n 100 -w -- --http "http://127.0.0.1:$port/"
	requests .body | jq -r '."event.id"' | sort -u >ids # jq fails on an event that is corrupt
	# What a writer was killed over is there whole or not at all; its last line may be half.
	grep -x '[0-9a-f]*-[0-9a-f]*' accepted | sort -u >expected
	[ "$(wc -l <expected)" -ge 21000 ]
	[ -z "$(comm -23 expected ids)" ]
	[ "$(metric spool_events http)" -eq 0 ]
}

@test "two programs can't use one spool" {
	"$drive" -n 1 -t 20 -w -- --http "http://127.0.0.1:1/" --spool-directory "$spool" \
		2>first 3>&- &
	started="$started $!"
	wait_for 20 grep -q trouble first
	run timeout 10 "$drive" -- --http "http://127.0.0.1:1/" --spool-directory "$spool"
	[ "$status" -eq 1 ]
	[[ $output == *"open sink 'http': "*"lock '$spool/http': another process uses it"* ]]
}

@test "settings that can't work are said at the start" {
	run "$drive" -- --http example.org/in --spool-directory "$spool"
	[ "$status" -eq 1 ]
	[[ $output == *"'http.url' is 'example.org/in', has to begin with http:// or https://" ]]
	BULWARK_HTTP_CA_FILE=$dir/none run "$drive" -- --http https://x/ --spool-directory "$spool"
	[ "$status" -eq 1 ]
	[[ $output == *"open sink 'http': read '$dir/none': No such file or directory" ]]
	run "$drive" -- --http https://x/ --spool-directory /proc/none
	[ "$status" -eq 1 ]
	[[ $output == *"'spool.directory': make directory '/proc/none': No such file or directory" ]]
	run "$drive" -- --syslog text --syslog-destination tls --spool-directory "$spool"
	[ "$status" -eq 1 ]
	[[ $output == *"destination 'tls' needs 'syslog.server'" ]]
	run "$drive" -- --log-file-format json --log-file-path "$dir"
	[ "$status" -eq 1 ]
	[[ $output == *"open sink 'file': open '$dir': Is a directory" ]]
}

# --- the file ---

@test "a log file that is moved away is made anew, and no line is lost" {
	"$drive" -n 20000 -r 10000 -t 30 -- --log-file-format json --log-file-path "$dir/log" \
		2>said 3>&- &
	drive_pid=$!
	started="$started $drive_pid"
	for number in 1 2 3; do
		wait_for 20 test -s log
		mv log "log.$number"
		[ "$number" = 1 ] || kill -HUP "$drive_pid"
	done
	wait "$drive_pid"
	[ "$(cat log log.? | jq -r '."event.id"' | sort -u | wc -l)" -eq 20000 ]
	[ "$(cat log log.? | wc -l)" -eq 20000 ]
	[ "$(metric sink_delivered_total file)" -eq 20000 ]
}

@test "a log file rotates at its size" {
	run_drive -n 1000 -- --log-file-format json --log-file-path "$dir/log" \
		--log-file-rotation-count 2 --log-file-rotation-max-size 64k
	[ -e log.0 ] && [ -e log.1 ] && [ -e log.2 ] && [ ! -e log.3 ]
	for file in log.0 log.1 log.2; do
		bytes=$(stat -c %s "$file")
		[ "$bytes" -ge 65536 ] && [ "$bytes" -lt 67000 ]
	done
}
