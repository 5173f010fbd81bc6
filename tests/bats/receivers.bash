# Real receivers for tests: rsyslog, and an HTTP server that fails in every way. They run in the folder
# $dir, with the certificates in $tls; what they start, they put into $started.
# shellcheck shell=bash disable=SC2154 # dir and tls are the test's

receiver=$BATS_TEST_DIRNAME/../tools/receiver.py

# make_certificates FOLDER: a CA, a server and a client of its own; and a CA that nobody trusts.
make_certificates() {
	cd "$1" || return 1
	for ca in ca other; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
			-subj "/CN=test $ca" -keyout $ca.key -out $ca.pem 2>/dev/null
	done
	printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >names
	for pair in server:ca client:ca stranger:other; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
			-subj "/CN=${pair%:*}" -keyout "${pair%:*}.key" -out csr 2>/dev/null
		openssl x509 -req -in csr -CA "${pair#*:}.pem" -CAkey "${pair#*:}.key" -days 2 \
			-extfile names -out "${pair%:*}.pem" 2>/dev/null
	done
}

# receive ARG... starts the HTTP receiver; its address is in $url without the scheme.
receive() {
	rm -f http/port
	python3 "$receiver" http "$@" 3>&- &
	started="$started $!"
	receiver_pid=$!
	wait_for 20 test -s http/port
	url=127.0.0.1:$(cat http/port)
}

# requests FILTER prints what jq makes of each request that came.
requests() { jq -r "$1" http/requests; }

# --- rsyslog ---

# rsyslog INPUT... starts an rsyslogd with these configuration lines; `messages` gets one JSON
# object for each message, with all that it understood.
rsyslog() {
	command -v rsyslogd >/dev/null || skip "rsyslogd is not installed"
	mkdir -p work
	{
		cat <<-END
			global(workDirectory="$dir/work" maxMessageSize="64k"
				defaultNetstreamDriverCAFile="$tls/ca.pem"
				defaultNetstreamDriverCertFile="$tls/server.pem"
				defaultNetstreamDriverKeyFile="$tls/server.key")
			template(name="fields" type="list" option.jsonf="on") {
				property(outname="msg" name="msg" format="jsonf")
				property(outname="host" name="hostname" format="jsonf")
				property(outname="app" name="app-name" format="jsonf")
				property(outname="procid" name="procid" format="jsonf")
				property(outname="msgid" name="msgid" format="jsonf")
				property(outname="time" name="timestamp" dateFormat="rfc3339" format="jsonf")
				property(outname="facility" name="syslogfacility-text" format="jsonf")
				property(outname="severity" name="syslogseverity-text" format="jsonf")
				property(outname="version" name="protocol-version" format="jsonf")
				property(outname="data" name="structured-data" format="jsonf")
			}
		END
		printf '%s\n' "$@"
		printf 'action(type="omfile" file="%s/messages" template="fields")\n' "$dir"
	} >rsyslog.conf
	rsyslogd -N1 -f rsyslog.conf >check 2>&1 || { cat check >&2; return 1; }
	rsyslogd -n -i "$dir/pid" -f "$dir/rsyslog.conf" >rsyslog.out 2>&1 3>&- &
	started="$started $!"
	rsyslog_pid=$!
}

udp_listens() { grep -qi ":$(printf %04x "$1") " /proc/net/udp; }
has_messages() { [ "$(wc -l <messages)" -ge "$1" ]; }

tcp_input() {
	printf '%s\n' 'module(load="imtcp")' \
		"input(type=\"imtcp\" address=\"127.0.0.1\" port=\"$1\")"
}

# tls_input PORT MODE
tls_input() {
	printf '%s\n' "module(load=\"imtcp\" streamDriver.name=\"ossl\" streamDriver.mode=\"1\"
		streamDriver.authMode=\"$2\")" \
		"input(type=\"imtcp\" address=\"127.0.0.1\" port=\"$1\")"
}
