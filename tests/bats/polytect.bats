# Polytect from one end to the other: a kernel log in, real receivers out. Each test is one that an
# older generation of it did not pass.

load setup
load receivers

setup_file() {
	make_certificates "$BATS_FILE_TMPDIR"
}

setup() {
	tls=$BATS_FILE_TMPDIR
	dir=$BATS_TEST_TMPDIR
	started=
	cd "$dir" || return 1
	mkdir http
	export BULWARK_SPOOL_DIRECTORY=$dir/spool
}

teardown() {
	kill_started
	[ -z "${devkmsg:-}" ] || echo "$devkmsg" >/proc/sys/kernel/printk_devkmsg
}

# A saved log: names made to mislead, every kind of trap, and an attack that is over at its end.
make_log() {
	cat >log <<-'END'
		<6>[   12.000000] we[i]rd: n\x0ax[20486]: segfault at 0 ip 000055c70241d3b9 sp 00007ffd389d4f10 error 6 in t[13b9,55c70241d000+1000] likely on CPU 0 (core 0, socket 0)
		<6>[   13.000000] a[1]: ip 2[21000]: segfault at ffffffff81000000 ip 0000555dd7e8240c sp 00007ffd92a5d2c0 error 1f in t[140c,555dd7e82000+1000] likely on CPU 0 (core 0, socket 0)
		<6>[   14.000000] x dhost=db01|x[21001]: segfault at 10 ip (null) sp 00007ffd92a5d2c0 error 14
		<6>[   15.000000] traps: gp[21002] general protection fault ip:5559d288f371 sp:7ffcdfb8f570 error:0 in t[1371,5559d288f000+1000]
		<6>[   16.000000] traps: ud[21003] trap invalid opcode ip:55c32cf202e5 sp:7fffbee68fd0 error:0 in t[12e5,55c32cf20000+1000]
		<4>[   17.000000] show_signal_msg: 12 callbacks suppressed
		<14>[   18.000000] web[21004]: segfault at 0 ip 000055c70241d3b9 sp 00007ffd389d4f10 error 6
		<5>[   19.000000] audit: type=1326 audit(1795320578.568:2): auid=4294967295 uid=0 gid=0 ses=4294967295 pid=20507 comm="t_seccomp" exe="/tmp/t" sig=31 arch=c000003e syscall=39 compat=0 ip=0x7fc27182b829 code=0x0
	END
	for n in $(seq 0 7); do
		printf '<6>[%5d.000000] srv[%d]: segfault at 0 ip %016x sp 00007ffe06b11ec0 error 4 in srv[%x,55b8ac915000+1000]\n' \
			$((100 + 60 * n)) $((300 + n)) $((0x55b8ac915250 + 4 * n)) $((0x1250 + 4 * n))
	done >>log
	printf '<6>[ 3000.000000] traps: late[999] trap divide error ip:401136 sp:7ffd5833d0c0 error:0\n' >>log
}

# polytect OPTION... reads it.
replay() {
	[ -s log ] || make_log
	timeout 60 "$polytect" --source log "$@" >out 2>err || { cat err >&2; return 1; }
}

# --- what is read ---

@test "names that mislead are names, codes are hexadecimal, addresses are texts" {
	replay --console json
	jq -es 'map(select(."event.name" == "process.trap")) | length == 14
		and (map(select(."process.pid" == 20486)) | .[0]
			| ."process.comm" == "we[i]rd: n\nx" and ."code.module.offset" == "0x13b9")
		and (map(select(."process.pid" == 21000)) | .[0]
			| ."process.comm" == "a[1]: ip 2" and ."fault.error_code" == "0x1f"
			and ."fault.address" == "0xffffffff81000000" and ."code.module.name" == "t")
		and (map(select(."process.pid" == 21001)) | .[0]
			| ."fault.ip" == "0x0" and ."fault.access" == "execute")
		and (map(select(."process.pid" == 21002)) | .[0]
			| ."trap.kind" == "general_protection" and (has("fault.reason") | not))' out
	jq -es 'map(select(."event.name" == "kmsg.suppressed")) | length == 1
		and .[0]."kmsg.suppressed.count" == 12' out
	jq -es 'map(select(."event.name" == "kmsg.forged")) | length == 1
		and .[0]."kmsg.facility" == "user" and .[0]."process.comm" == "web"' out
	jq -es 'map(select(."event.name" == "seccomp.action")) | length == 1
		and .[0]."signal.name" == "SIGSYS" and .[0]."syscall.number" == 39' out
}

@test "the host's name has no line end, whatever is in its file" {
	need_root
	make_log
	printf ' web1 \n\nsecond\n' >name
	unshare -m --propagation private sh -c \
		'mount --bind name /etc/hostname && exec "$@"' sh "$polytect" --source log \
		--console json >out
	jq -es 'all(."host.name" == "web1")' out
}

@test "no field gets out of its place in CEF" {
	replay --console cef --hostname 'web|1'
	[ "$(grep -vc '^CEF:0|' out)" -eq 0 ]
	grep -q 'dproc=x dhost\\=db01|x ' out
	grep -q 'dproc=we\[i\]rd: n\\nx ' out
	[ "$(grep -o ' dhost=[^ ]*' out | sort -u)" = ' dhost=web|1' ]
	# the header ends where it ends: seven bars that are none of a name's
	[ "$(sed 's/\\|//g' out | awk -F'|' 'NF < 8' | wc -l)" -eq 0 ]
}

@test "standard output is events only, also when it has much to say of itself" {
	replay -v -v -v --console json
	jq -e . out >/dev/null
	replay --log-json --console json
	jq -e . out >/dev/null
	jq -e . err >/dev/null
}

# --- where it goes ---

# What rsyslog has understood of the log: every field of every message.
check_rsyslog() {
	"$polytect" --source log --console json >expected
	wait_for 20 has_messages "$(wc -l <expected)"
	jq -se 'all(.host == "web1" and .app == "polytect" and .version == "1"
		and (.procid | test("^[0-9]+$")) and (.time | test("^....-..-..T..:..:"))
		and .facility == "local5")' messages
	jq -se 'all(. as $m | .data | startswith("[bulwark@32473 event.name=\"" + $m.msgid + "\""))' \
		messages
	jq -se '[.[] | select(.msgid == "process.trap")] | length == 14 and all(.severity == "err")
		and any(.data | contains("process.comm=\"we[i\\]rd: n"))' messages
	jq -se '[.[] | select(.msgid == "detection.register_probe")] | length >= 1
		and any(.severity == "crit" and (.data | contains("threat.technique.id=\"T1190\"")))' \
		messages
}

@test "rsyslog understands every field over UDP" {
	port=$(free_port)
	rsyslog 'module(load="imudp")' \
		"input(type=\"imudp\" address=\"127.0.0.1\" port=\"$port\" rcvbufSize=\"4m\")"
	wait_for 20 udp_listens "$port"
	replay --hostname web1 --syslog text --syslog-destination udp --syslog-facility local5 \
		--syslog-server "127.0.0.1:$port" --syslog-local 127.0.0.1:0
	check_rsyslog
}

@test "rsyslog understands every field over TCP" {
	port=$(free_port)
	rsyslog "$(tcp_input "$port")"
	wait_for 20 listens "$port"
	replay --hostname web1 --syslog TEXT --syslog-destination TCP --syslog-facility local5 \
		--syslog-server "127.0.0.1:$port"
	check_rsyslog
}

@test "rsyslog understands every field over TLS" {
	port=$(free_port)
	rsyslog "$(tls_input "$port" x509/certvalid)"
	wait_for 20 listens "$port"
	export BULWARK_SYSLOG_CA_FILE=$tls/ca.pem BULWARK_SYSLOG_CERT_FILE=$tls/client.pem \
		BULWARK_SYSLOG_KEY_FILE=$tls/client.key
	replay --hostname web1 --syslog text --syslog-destination tls --syslog-facility local5 \
		--syslog-server "localhost:$port"
	check_rsyslog
}

@test "a Polycorder gets batches that it knows: gzipped when that pays, and never empty ones" {
	receive
	replay --hostname web1 --polycorder ' s3cret ' --node n1 --polycorder-url "http://$url/v1/events" \
		--flush-event-count 4
	requests 'select(.path != "/v1/events" or .headers.authorization != "Bearer s3cret" or
		.headers["content-type"] != "application/json" or
		(.headers["user-agent"] | startswith("polytect") | not))' >wrong
	[ ! -s wrong ]
	requests .body | jq -se 'all(keys == ["events", "node_id"] and .node_id == "n1"
		and (.events | length > 0 and all(.[]; .version == "V1" and .hostname == "web1"
			and (.timestamp | test("^....-..-..T.*(Z|[+]00:00)$"))
			and (.event.type | type) == "string"))) and length > 0'
	requests .body | jq -se '[.[].events[].event] | (map(select(.type == "LinuxKernelTrap"))
			| length == 14 and any(.trap.type == "Segfault" and .procname == "srv" and .pid == 300
				and .trap.location == 0 and .errcode.access_type == "Read" and .level == "Info"
				and .facility == "Kern" and .file == "srv"))
		and any(.type == "LinuxSuppressedCallback" and .function_name == "show_signal_msg"
			and .count == 12)
		and any(.type == "RegisterProbe" and .register == "ip" and .procname == "srv"
			and (.justification | type) == "object")'
	requests '[.headers["content-encoding"], (.body | length > 512)] | @tsv' | sort -u >encodings
	refute grep -qv "^gzip	true$\|^identity	false$" encodings
	refute grep -q s3cret out err
	refute grep -rq s3cret "$dir/spool"
}

@test "a Polycorder that refuses the key gets the events when it takes it, and nobody sees the key" {
	receive
	echo 'status 401' >http/mode
	BULWARK_DRAIN_TIMEOUT=500ms replay --polycorder wr0ng --polycorder-url "http://$url/v1/events"
	grep -q "HTTP status 401: .*'polycorder.auth_key'" err
	refute grep -q wr0ng out err
	rm http/requests
	echo ok >http/mode
	: >log2
	timeout 60 "$polytect" --source log2 --polycorder r1ght --polycorder-url "http://$url/v1/events" 2>err
	requests 'select(.headers.authorization != "Bearer r1ght") | .path' >wrong
	[ ! -s wrong ]
	requests .body | jq -se '[.[].events[].event | select(.type == "LinuxKernelTrap")] | length == 14'
}

@test "PagerDuty gets each case as one incident, raised and resolved, and nothing else" {
	receive
	export BULWARK_PAGERDUTY_URL=http://$url/v2/enqueue
	replay --hostname web1 --pagerduty r0uting
	requests .body | jq -se 'all(.routing_key == "r0uting" and .payload.source == "web1"
			and (.payload.severity | IN("warning", "error", "critical"))
			and (.payload.summary | contains("srv")) and (.dedup_key | length > 0))
		and (group_by(.dedup_key) | map({ class: .[0].payload.class, count: length,
			first: first.event_action, last: last.event_action }) | sort_by(.class)
			| map(.class) == ["detection.crash_cluster", "detection.register_probe"]
			and all(.first == "trigger" and .last == "resolve"))'
	refute grep -q r0uting out err
}

# --- the live log ---

# live OPTION...: polytect on this kernel's log, up when this returns.
live() {
	need_kmsg
	"$polytect" --under $$ --console json "$@" >out 2>err 3>&- &
	agent=$!
	started="$started $agent"
	wait_for 20 grep -q 'exec ' err
}

count() { jq -es "map(select($1)) | length" out; }

@test "lines that the kernel holds back are counted in" {
	live
	"$build/tests/tools/crash" -c 50 null-read >pids
	# The kernel says how many with the first line that it prints again. Others may crash, too.
	all_counted() {
		"$build/tests/tools/crash" -c 1 null-read >>pids
		jq -es '(map(select(."event.name" == "process.trap")) | length)
			+ (map(select(."event.name" == "kmsg.suppressed")."kmsg.suppressed.count") | add) >= 50' out
	}
	wait_for 30 all_counted
	end "$agent"
	jq -es 'map(select(."event.name" == "process.trap" and ."process.comm" == "crash"
			and (."process.executable.path" // "" | endswith("/tools/crash")))) | length > 0' out
}

@test "a crash that user space writes into the live log is forged" {
	live
	name=forged-$$
	write() {
		echo "<4>$name[77]: segfault at 0 ip 0000000000401136 sp 00007ffd5833d0c0 error 4" >/dev/kmsg
		[ "$(count "(.\"kmsg.text\" // \"\") | startswith(\"$name\")")" -ge 1 ]
	}
	write || wait_for 20 write
	end "$agent"
	jq -es "map(select((.\"kmsg.text\" // \"\") | startswith(\"$name\"))) | length > 0
		and all(.\"event.name\" == \"kmsg.forged\" and .\"kmsg.facility\" == \"user\")" out
}

@test "a process that seccomp ends is told" {
	live
	# What audit has to say has the same limit as crashes, whoever they are of.
	told() {
		"$build/tests/tools/crash" -n "se c[1]" seccomp >>pids 2>/dev/null || true
		[ "$(count '."event.name" == "seccomp.action" and ."process.comm" == "se c[1]"')" -ge 1 ]
	}
	told || wait_for 20 told || {
		[ -z "$(dmesg | grep 'audit: type=1326')" ] || return 1
		skip "this kernel's audit tells nothing to its log"
	}
	end "$agent"
	jq -es --slurpfile pids pids 'map(select(."event.name" == "seccomp.action"
		and ."process.comm" == "se c[1]")) | length > 0 and all(."signal.name" == "SIGSYS"
			and ."syscall.number" == 110 and (."process.pid" | IN($pids[])))' out
}

# allow_writing: user space may write to the kernel log as much as it likes, until the test ends.
allow_writing() {
	devkmsg=$(cat /proc/sys/kernel/printk_devkmsg)
	[ "$devkmsg" != on ] || return 0
	{ echo on >/proc/sys/kernel/printk_devkmsg; } 2>/dev/null ||
		skip "kernel.printk_devkmsg is $devkmsg and can't be changed"
}

flood() { python3 "$tree/tests/tools/kmsg-flood.py" "$@"; }

@test "a log that overflows costs records, each of which is counted, and not the agent" {
	need_kmsg
	allow_writing
	listen=$(free_port)
	first=$(flood 0)
	"$bulwark" up --under $$ --output json --listen "127.0.0.1:$listen" >out 2>err 3>&- &
	agent=$!
	started="$started $agent"
	wait_for 20 curl -sf "127.0.0.1:$listen/healthz"
	up=$(flood 0)
	flood 20000
	kill -STOP "$agent" # so that it can't keep up
	flood 60000
	kill -CONT "$agent"
	last=$(flood 0)
	value() { awk -v row="bulwark_kmsg_$1_total" '$1 == row { print $2 }' metrics; }
	told() { # all up to `last`
		curl -sf "127.0.0.1:$listen/metrics" >metrics
		[ $(($(value records) + $(value lost))) -ge $((last - up)) ]
	}
	wait_for 20 told
	end=$(flood 0)
	[ $(($(value records) + $(value lost))) -le $((end - first)) ]
	[ "$(value lost)" -gt 0 ]
	[ "$(value invalid)" -eq 0 ]
	lost() { [ "$(jq -es 'map(select(."event.name" == "loss" and ."loss.place" == "/dev/kmsg"))
		| last."loss.total"' out)" = "$(value lost)" ]; }
	wait_for 5 lost
	# it still reads
	flood 1 "x-$$[77]: segfault at 0 ip 0000000000401136 sp 00007ffd5833d0c0 error 4" >/dev/null
	still() { [ "$(count '."event.name" == "kmsg.forged" and ."process.comm" == "x-'$$'"')" -ge 1 ]; }
	wait_for 5 still
}

@test "records that are overwritten before the agent read any are counted, too" {
	need_kmsg
	allow_writing
	listen=$(free_port)
	"$bulwark" up --under $$ --listen "127.0.0.1:$listen" >/dev/null 2>err 3>&- &
	agent=$!
	started="$started $agent"
	wait_for 20 curl -sf "127.0.0.1:$listen/healthz"
	first=$(curl -sf "127.0.0.1:$listen/metrics" | awk '/^bulwark_kmsg_records_total/ { print $2 }')
	kill -STOP "$agent"
	up=$(flood 0)
	flood 60000
	kill -CONT "$agent"
	last=$(flood 0)
	told() {
		curl -sf "127.0.0.1:$listen/metrics" |
			awk -v least=$((first + last - up)) '/^bulwark_kmsg_(records|lost)_total/ { sum += $2 }
				END { exit !(sum >= least) }'
	}
	wait_for 20 told
}
