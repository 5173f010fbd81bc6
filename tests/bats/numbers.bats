#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Numbers that ingraind takes from others: StatsD clients, osquery. Probes choose which sensors run.

load setup

ingraind=$build/bin/ingraind

setup() {
	dir=$BATS_TEST_TMPDIR
	cd "$dir" || return 1
	started= web=
	unset CONSOLE AWS_BUCKET AWS_INTERVAL STATSD_HOST STATSD_PORT DNS_IF
}

teardown() {
	kill_started
}

# run_ingraind ARG... starts it with the file c.toml.
run_ingraind() {
	need_root
	"$ingraind" --under $$ --spool-directory "$dir/spool" c.toml --listen "${web:-off}" "$@" \
		>out 2>said 3>&- &
	pid=$!
	started="$started $pid"
	wait_for 10 grep -q 'info: osquery' said
}

finish() {
	kill -TERM "$pid"
	wait "$pid"
}

# send PROTOCOL TEXT...: each as a datagram, or all over one connection, cut where it hurts.
send() {
	python3 - "$port" "$@" <<-'END'
		import socket, sys, time
		port, protocol, texts = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
		if protocol == "udp":
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		        for text in texts:
		            s.sendto(text.encode().decode("unicode_escape").encode(), ("127.0.0.1", port))
		else:
		    with socket.create_connection(("127.0.0.1", port)) as s:
		        for text in texts:
		            s.sendall(text.encode().decode("unicode_escape").encode())
		            time.sleep(0.05)
	END
}

# statsd_config STEP...: a probe for StatsD and its pipeline into `numbers`.
statsd_config() {
	port=$(free_port)
	cat >c.toml <<-END
		[[probe]]
		pipelines = ["numbers"]
		[probe.config]
		type = "StatsD"
		bind_address = "127.0.0.1:$port"
		tcp = true
		[pipeline.numbers.config]
		backend = "File"
		filepath = "$dir/numbers"
	END
	printf '%s\n' "$@" >>c.toml
}

numbers() { jq -c "[.name, .measurement, .kind, .tags]" numbers; }

@test "StatsD clients are heard over UDP and TCP" {
	statsd_config
	run_ingraind
	send udp 'a.b:1|c\nload:7|g\n\nt:1.5:2|ms' 'c:2|c|#env:prod,zone:a,bare' 'garbage\nset:x|s'
	send tcp 'over' '.tcp:3|c\nlast:4' '|h'
	wait_for 5 grep -q last_count numbers
	finish
	numbers >got
	cat >expected <<-'END'
		["a.b_count",1,1,{}]
		["load_count",7,2,{}]
		["t_duration",1500000,16,{}]
		["t_duration",2000000,16,{}]
		["c_count",2,1,{"env":"prod","zone":"a","bare":"true"}]
		["set_count",1,32,{"set_element":"x"}]
		["over.tcp_count",3,1,{}]
		["last_count",4,8,{}]
	END
	diff -u expected got
}

@test "gauges move by steps, also below zero, and sampled counters lose nothing" {
	statsd_config
	run_ingraind
	send udp 'g:10|g\ng:-15|g\ng:+2|g\nn:0|g\nn:-4|g' \
		"$(for _ in $(seq 30); do printf 'r:1|c|@0.3\\n'; done)"
	wait_for 5 eval '[ "$(grep -c r_count numbers)" -eq 30 ]'
	finish
	[ "$(jq -c 'select(.name == "g_count") | .measurement' numbers | tr '\n' ' ')" = "10 -5 -3 " ]
	[ "$(jq -c 'select(.name == "n_count") | .measurement' numbers | tr '\n' ' ')" = "0 -4 " ]
	jq -se '[.[] | select(.name == "r_count") | .measurement] | add == 100' numbers
}

@test "what StatsD clients say is summed, with what is sampled weighed" {
	statsd_config '[[pipeline.numbers.steps]]' 'type = "Buffer"' 'interval_s = 3600'
	run_ingraind
	send udp 'a:1|c\na:4|c|@0.5\na:-2|c' 'u:x|s\nu:y|s\nu:x|s' 't:10|ms|@0.1\nt:100|ms' 'end:1|g'
	sleep 0.5
	finish
	jq -se 'map({key: .name, value: .measurement}) | from_entries | .a_count == 7 and .u_count == 2 and
		.t_duration == 200000000 and (.t_50_duration - 10000000 | fabs) < 100000 and
		(.t_99_duration - 100000000 | fabs) < 1000000' numbers
}

@test "500,000 lines of StatsD arrive or are counted" {
	web=127.0.0.1:$(free_port)
	statsd_config '[[pipeline.numbers.steps]]' 'type = "Buffer"' 'interval_s = 3600'
	run_ingraind
	kill -STOP "$pid" # the kernel's queue is finite
	python3 - "$port" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		lines = b"n:1|c|#tag:text\n" * 50
		for _ in range(10000):
		    s.sendto(lines, ("127.0.0.1", int(sys.argv[1])))
	END
	kill -CONT "$pid"
	counter() { curl -s "$web/metrics" | sed -n "s/^bulwark_statsd_$1 //p"; }
	all() { [ $(($(counter 'lines_total{result="read"}') + 50 * $(counter lost_total))) -eq 500000 ]; }
	wait_for 30 all
	lost=$(counter lost_total)
	finish
	got=$(jq -s 'map(select(.name == "n_count") | .measurement) | add' numbers)
	echo "got $got, lost $lost datagrams"
	[ "$lost" -gt 0 ]
	[ $((got + 50 * lost)) -eq 500000 ]
}

# --- osquery ---

# What osqueryi's documentation says of its command line: --json, --config_path, a query or --pack.
fake_osquery() {
	cat >osqueryi <<-'END'
		#!/bin/sh
		printf '%s\n' "$*" >>asked
		[ "$1" = --json ] || exit 1
		shift
		[ "$1" != --config_path ] || shift 2
		case $1 in
		--pack) printf '[\n  {"pack":"%s","n":"1"}\n]\n[\n  {"pack":"%s","n":"2"}\n]\n' "$2" "$2" ;;
		*slow*) sleep 60 & echo $! >child; wait ;;
		*large*) exec yes '{"n":"1"}' ;;
		*wrong*) echo 'Error: no such table: wrong' >&2; exit 1 ;;
		*) printf '[\n  {"name":"sh","resident_size":"4096"},\n  {"name":"two words","resident_size":"-1"}\n]\n' ;;
		esac
	END
	chmod +x osqueryi
}

# osquery_config QUERIES...
osquery_config() {
	cat >c.toml <<-END
		[[probe]]
		pipelines = ["numbers"]
		[probe.config]
		type = "Osquery"
		path = "$dir/osqueryi"
		interval_ms = 200
		timeout = "1s"
		config_path = "/etc/osquery.conf"
	END
	printf '%s\n' "$@" >>c.toml
	cat >>c.toml <<-END
		[pipeline.numbers.config]
		backend = "File"
		filepath = "$dir/numbers"
	END
}

@test "osquery is asked, and its rows are measured" {
	fake_osquery
	osquery_config '[[probe.config.queries]]' 'name = "rss"' \
		'query = "select name, resident_size from processes"' \
		'measurement = "resident_size"' 'measurement_type = "byte"' \
		'aggregation_type = "gauge"' 'run_at_start = true' 'iterations = 2' \
		'[[probe.config.queries]]' 'name = "p"' 'pack = "it"' 'measurement = "n"'
	run_ingraind
	wait_for 5 eval '[ "$(grep -c osquery.p_count numbers)" -ge 6 ]'
	finish
	[ "$(grep -c '^--json --config_path /etc/osquery.conf select name, resident_size from processes$' asked)" -eq 2 ]
	grep -qx -- '--json --config_path /etc/osquery.conf --pack it' asked
	numbers >got
	[ "$(sed -n 1p got)" = '["osquery.rss_byte",4096,2,{"name":"sh"}]' ]
	[ "$(sed -n 2p got)" = '["osquery.rss_byte",-1,2,{"name":"two words"}]' ]
	grep -qFx '["osquery.p_count",2,1,{"pack":"it"}]' got
}

@test "osquery may fail, hang and flood" {
	fake_osquery
	osquery_config '[[probe.config.queries]]' 'name = "wrong"' 'query = "select wrong"' \
		'[[probe.config.queries]]' 'name = "slow"' 'query = "select slow"' 'iterations = 1' \
		'[[probe.config.queries]]' 'name = "large"' 'query = "select large"' 'iterations = 1' \
		'[[probe.config.queries]]' 'name = "good"' 'query = "select 1"'
	run_ingraind
	wait_for 10 grep -q "osquery 'wrong': ended with 1: Error: no such table: wrong" said
	wait_for 10 grep -q "osquery 'slow': took longer than 1000 ms" said
	wait_for 10 grep -q "osquery 'large': printed more than 4194304 bytes" said
	wait_for 5 grep -q osquery.good numbers
	[ "$(grep -c "osquery 'wrong'" said)" -eq 1 ]
	# Nothing of what was killed is left.
	refute grep -q "^State:.*[RSD] (" "/proc/$(cat child)/status"
	finish
}

@test "osquery that isn't there is said" {
	osquery_config '[[probe.config.queries]]' 'name = "q"' 'query = "select 1"'
	run_ingraind
	wait_for 5 grep -q "osquery 'q': start '$dir/osqueryi': No such file" said
	finish
}

# --- probes and sensors ---

@test "only sensors that a probe asks for run" {
	statsd_config
	run_ingraind
	finish
	grep -q 'info: statsd .*sockets' said
	for sensor in exec tcp udp dns tls http kmsg privilege osquery; do
		grep -q "info: $sensor *off: no probe asks for it" said
	done
}

# --- what measurements set off ---

# exec_config LINE...: lines of the step Exec.
exec_config() {
	statsd_config '[[pipeline.numbers.steps]]' 'type = "Exec"' "$@"
}

@test "Exec runs a program with tags as arguments, and no shell between" {
	cat >note <<-'END'
		#!/bin/sh
		for word; do printf '<%s>' "$word"; done >>noted
		echo >>noted
	END
	chmod +x note
	exec_config "command = ['$dir/note', '--', '{ kind }', '{kind}', 'as { kind }', '\$HOME']" \
		'parallel = 1' 'only_if = [{ key = "kind", regex = "^a" }, { key = "on", regex = "1" }]'
	run_ingraind
	send udp 'n:1|c|#kind:a;touch x $(touch y),on:1\nn:1|c|#kind:a\nn:1|c|#kind:b,on:1\nn:1|c|#kind:ab,on:1'
	wait_for 5 eval '[ "$(wc -l <noted)" -ge 2 ]'
	wait_for 5 eval '[ "$(wc -l <numbers)" -eq 4 ]' # all go on
	finish
	cat >expected <<-'END'
		<--><a;touch x $(touch y)><a;touch x $(touch y)><as { kind }><$HOME>
		<--><ab><ab><as { kind }><$HOME>
	END
	diff -u expected noted
	[ ! -e x ] && [ ! -e y ]
}

@test "Exec is bounded in number and time, leaves no zombies, and says what fails" {
	web=127.0.0.1:$(free_port)
	exec_config "command = ['sh', '-c', 'echo \$\$ >>pids; [ \$1 = bad ] && { echo why >&2; exit 3; }; sleep 60', 'x', '{ kind }']" \
		'parallel = 2' 'max_waiting = 3' 'timeout = "500ms"'
	run_ingraind
	send udp 'n:1|c|#kind:bad\nn:1|c|#other:x'
	wait_for 5 grep -q "pipeline 'numbers': step Exec: ended with 3: why" said
	send udp "$(for _ in $(seq 20); do printf 'n:1|c|#kind:slow\\n'; done)"
	lost() { [ "$(curl -s "$web/metrics" | sed -n 's/^bulwark_commands_lost_total{step="numbers.0"} //p')" = 15 ]; }
	failed() { [ "$(curl -s "$web/metrics" | sed -n 's/^bulwark_commands_failed_total{step="numbers.0"} //p')" = 6 ]; }
	wait_for 5 lost
	wait_for 5 failed
	[ "$(wc -l <pids)" -eq 6 ]
	while read -r one; do [ ! -d "/proc/$one" ]; done <pids
	finish
}

# --- system calls ---

@test "system calls are counted for each process" {
	cat >c.toml <<-END
		[[probe]]
		pipelines = ["numbers"]
		[probe.config]
		type = "Syscall"
		monitor_syscalls = ["getppid", "openat"]
		interval = "1s"
		[pipeline.numbers.config]
		backend = "File"
		filepath = "$dir/numbers"
	END
	run_ingraind
	grep -q 'info: syscall *tp_btf' said || { tail -n 3 said; skip "counting is refused here"; }
	cp /usr/bin/python3 counted
	./counted -c 'import os
for _ in range(12345): os.getppid()
for _ in range(7): os.getpid()' &
	local counted=$!
	wait "$counted"
	wait_for 5 grep -q getppid numbers
	finish
	jq -se --arg pid "$counted" 'map(select(.tags.process_id == $pid and .tags.syscall_str == "getppid")) |
		(map(.measurement) | add) == 12345 and
		all(.name == "syscall.enter_count" and .kind == 9 and .tags.process_str == "counted")' numbers
	jq -se 'any(.tags.syscall_str == "openat") and all(.tags.syscall_str != "getpid")' numbers
}

@test "a system call that isn't there is a mistake with a place" {
	printf '%s\n' '[[probe]]' 'pipelines = ["a"]' '[probe.config]' 'type = "Syscall"' \
		'monitor_syscalls = ["openat", "opnat"]' '[pipeline.a.config]' 'backend = "Console"' >c.toml
	run "$ingraind" check c.toml
	[ "$status" -eq 2 ]
	[[ "$output" == *"c.toml:5:1: this machine has no system call 'opnat'; see syscalls(2)"* ]]
}

# --- SIGHUP ---

@test "SIGHUP starts sensors anew whose settings changed, and keeps them where the new ones fail" {
	statsd_config
	run_ingraind
	send udp 'before:1|c'
	wait_for 5 grep -q before_count numbers
	old=$port taken=$(free_port)
	python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", int(sys.argv[1])))
print("bound", flush=True); time.sleep(60)' "$taken" >bound 3>&- &
	started="$started $!"
	wait_for 5 grep -q bound bound
	sed -i "s/127.0.0.1:$old/127.0.0.1:$taken/" c.toml
	kill -HUP "$pid"
	wait_for 5 grep -q "settings stay as they are: sensor 'statsd': sockets: listen on '127.0.0.1:$taken': Address already in use" said
	send udp 'still:1|c'
	wait_for 5 grep -q still_count numbers
	port=$(free_port)
	sed -i "s/127.0.0.1:$taken/127.0.0.1:$port/" c.toml
	kill -HUP "$pid"
	wait_for 5 grep -q 'settings read again' said
	send udp 'after:1|c'
	wait_for 5 grep -q after_count numbers
	[ "$(grep -c "info: sensor 'statsd': sockets" said)" -eq 1 ]
	# Nothing has changed, nothing is started anew.
	kill -HUP "$pid"
	wait_for 5 eval '[ "$(grep -c "settings read again" said)" -eq 2 ]'
	[ "$(grep -c "info: sensor" said)" -eq 1 ]
	finish
}

@test "SIGHUP starts sensors that a probe asks for now, and ends those that none does" {
	statsd_config
	run_ingraind
	cat >>c.toml <<-'END'
		[[probe]]
		pipelines = ["numbers"]
		[probe.config]
		type = "Syscall"
		monitor_syscalls = ["getppid"]
		interval = "500ms"
	END
	kill -HUP "$pid"
	wait_for 20 grep -q 'settings read again' said
	grep -q "info: sensor 'syscall': tp_btf" said || { cat said; skip "counting is refused here"; }
	grep -q "info: sensor 'exec': " said
	/usr/bin/python3 -c 'import os
for _ in range(321): os.getppid()'
	wait_for 5 grep -q '"syscall.enter_count","measurement":321' numbers
	sed -i 's/getppid/getpgid/' c.toml
	kill -HUP "$pid"
	wait_for 20 eval '[ "$(grep -c "settings read again" said)" -eq 2 ]'
	/usr/bin/python3 -c 'import os
for _ in range(99): os.getppid(); os.getpgid(0)'
	wait_for 5 grep -q '"measurement":99.*getpgid' numbers
	refute grep -q '"measurement":99.*getppid' numbers
	sed -i '/^\[\[probe\]\]$/,$d' c.toml
	printf '%s\n' '[[probe]]' 'pipelines = ["numbers"]' '[probe.config]' 'type = "Loss"' \
		'[pipeline.numbers.config]' 'backend = "File"' "filepath = '$dir/numbers'" >>c.toml
	kill -HUP "$pid"
	wait_for 20 eval '[ "$(grep -c "settings read again" said)" -eq 3 ]'
	for sensor in exec syscall statsd; do grep -q "info: sensor '$sensor': off" said; done
	finish
}
