#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ingraind as a person runs it: the environment of its first release, files with probes and
# pipelines, what is said of wrong ones, and reading them again.

load setup

ingraind=$build/bin/ingraind

setup() {
	dir=$BATS_TEST_TMPDIR
	cd "$dir" || return 1
	started=
	unset CONSOLE AWS_BUCKET AWS_INTERVAL STATSD_HOST STATSD_PORT DNS_IF
}

teardown() {
	kill_started
}

# run_ingraind ARG... starts it on this shell's processes; its events are in `out`.
run_ingraind() {
	need_root
	"$ingraind" --under $$ --listen off --spool-directory "$dir/spool" "$@" >out 2>said 3>&- &
	pid=$!
	started="$started $pid"
	wait_for 10 grep -q 'info: kmsg' said
}

finish() {
	kill -TERM "$pid"
	wait "$pid"
}

@test "CONSOLE alone prints measurements" {
	CONSOLE=1 run_ingraind
	cp /bin/true counted
	./counted
	wait_for 5 grep -q '"name":"process.exec_count".*"process_str":"counted"' out
	finish
	jq -se 'all(.timestamp > 1e18 and .kind > 0 and (.name | test("_(count|byte|duration)$")) and
		(.measurement | type) == "number" and (.tags | all(type == "string")))' out
}

@test "DNS_IF is where names are watched, and nowhere else" {
	CONSOLE=1 DNS_IF=nowhere0 run_ingraind
	wait_for 10 grep -q 'info: privilege' said
	grep -A1 'info: dns *off' said | grep -q "interface 'nowhere0': No such device"
	finish
	# In each network namespace it is the interface of that number.
	CONSOLE=1 DNS_IF=lo run_ingraind
	wait_for 10 grep -q 'info: privilege' said
	grep -q 'info: dns *cgroup_skb' said || skip "names are not watched here"
	unshare -n sh -c 'ip link set lo up && exec "$@"' - "$build/tests/tools/talk" dns 127.0.0.1 host.example
	wait_for 5 grep -q '"name":"dns.answer_count".*"q_address_str":"host.example"' out
	finish
}

@test "CONSOLE may name another format" {
	CONSOLE=json run_ingraind
	/bin/true
	wait_for 5 grep -q '"event.name":"process.exec"' out
	finish
}

@test "without anything to do it says what it needs" {
	run "$ingraind"
	[ "$status" -eq 2 ]
	[[ "$output" == *"nowhere to send events"* ]]
	run "$ingraind" one.toml two.toml
	[ "$status" -eq 2 ]
	[[ "$output" == *"'two.toml' is not an option"* ]]
	AWS_BUCKET=b AWS_INTERVAL=soon run "$ingraind"
	[ "$status" -eq 2 ]
	[[ "$output" == *'$AWS_INTERVAL is '\''soon'\'', should be a number from 1 to 86400'* ]]
	STATSD_HOST=h STATSD_PORT=0 run "$ingraind"
	[ "$status" -eq 2 ]
	[[ "$output" == *'$STATSD_PORT is '\''0'\'', should be a number from 1 to 65535'* ]]
	AWS_BUCKET=a/b run "$ingraind" --spool-directory "$dir/spool" --listen off --allow-second
	[[ "$output" == *"'s3.bucket' is 'a/b', which is no bucket's name"* ]]
}

@test "events go the ways that a file lays" {
	cat >c.toml <<-END
		[[probe]]
		pipelines = ["all", "few"]
		[probe.config]
		type = "Exec"

		[[probe]]
		pipelines = ["kernel"]
		[probe.config]
		type = "Kernel"

		[pipeline.all.config]
		backend = "File"
		filepath = "$dir/all"
		format = "json"

		[pipeline.few.config]
		backend = "File"
		filepath = "$dir/few"

		[[pipeline.few.steps]]
		type = "Filter"
		keep = "event.name == 'process.exec' and process.comm == 'counted'"

		[[pipeline.few.steps]]
		type = "AddSystemDetails"

		[[pipeline.few.steps]]
		type = "Whitelist"
		allow = ["process_str", "host"]

		[[pipeline.few.steps]]
		type = "Buffer"
		interval_s = 3600

		[pipeline.kernel.config]
		backend = "File"
		filepath = "$dir/kernel"
	END
	run_ingraind c.toml -v
	cp /bin/true counted
	for _ in $(seq 20); do ./counted; done
	more() { [ "$(grep -c '"event.name":"process.exit".*"counted"' all)" -eq 20 ]; }
	wait_for 5 more
	refute grep -q . few
	finish
	# What was summed goes out at the end.
	[ "$(wc -l <few)" -eq 1 ]
	jq -e '.name == "process.exec_count" and .measurement == 20 and .kind == 5 and
		(.tags | keys) == ["host", "process_str"] and .tags.process_str == "counted"' few
	refute grep -q process.exec kernel
}

@test "HTTP gets measurements in an array, with all headers" {
	mkdir http
	python3 "$tree/tests/tools/receiver.py" http 3>&- &
	started="$started $!"
	wait_for 10 test -s http/port
	cat >c.toml <<-END
		[pipeline.web.config]
		backend = "HTTP"
		uri = "http://127.0.0.1:$(cat http/port)/in"
		flush_timeout_seconds = 1
		[pipeline.web.config.headers]
		X-One = "1"
		X-Two = "two words"
		[[pipeline.web.steps]]
		type = "Filter"
		keep = "process.comm == 'counted'"
	END
	run_ingraind c.toml
	cp /bin/true counted
	./counted
	wait_for 10 test -s http/requests
	finish
	jq -se '.[0].headers | with_entries(.key |= ascii_downcase) | ."x-one" == "1" and
		."x-two" == "two words" and ."content-type" == "application/json"' http/requests
	jq -se '.[0].body | fromjson | .[0].name == "process.exec_count"' http/requests
}

@test "SIGHUP reads the file again, sums are kept, and a wrong file changes nothing" {
	write() {
		cat >c.toml <<-END
			[pipeline.p.config]
			backend = "File"
			filepath = "$dir/$1"
			[[pipeline.p.steps]]
			type = "Filter"
			keep = "process.comm == 'counted' and event.name == 'process.exec'"
			[[pipeline.p.steps]]
			type = "Whitelist"
			allow = ["process_str"]
			[[pipeline.p.steps]]
			type = "$2"
			interval = "1h"
		END
	}
	write first Buffer
	run_ingraind c.toml
	cp /bin/true counted
	./counted
	./counted
	sleep 0.5
	write second Bufer
	kill -HUP "$pid"
	wait_for 5 grep -q "settings stay as they are: .*c.toml:[0-9]*:[0-9]*: step 'Bufer' is not known; did you mean 'Buffer'?" said
	write second Buffer
	kill -HUP "$pid"
	wait_for 5 grep -q 'settings read again' said
	./counted
	sleep 0.5
	finish
	jq -e '.measurement == 2' first
	jq -e '.measurement == 1' second
}

@test "check says what this kernel permits" {
	need_root
	run "$ingraind" check
	[ "$status" -eq 0 ]
	[[ "$output" == *"kernel   $(uname -r)"* ]]
	"$ingraind" check --json | jq -e '.sensors | map(.sensor) | index("exec") != null'
}

@test "check says whether a file is right" {
	cat >good.toml <<-'END'
		[log]
		type = "EnvLogger"
		[[probe]]
		pipelines = ["console"]
		[probe.config]
		type = "DNS"
		xdp_mode = "Skb"
		[pipeline.console.config]
		backend = "Console"
	END
	run "$ingraind" check good.toml
	[ "$status" -eq 0 ]
	[[ "$output" == *"good.toml:7:1: 'xdp_mode' has no effect here"* ]]
	[[ "$output" == *"good.toml: fine"* ]]
	printf '[pipeline.a.config]\nbackend = "S3"\nbucket = "b"\nregion = 5\n' >bad.toml
	run "$ingraind" check bad.toml
	[ "$status" -eq 2 ]
	[[ "$output" == *"bad.toml:4:1: 'region' wants a text in quotes"* ]]
}

@test "the example that it prints of a pipeline is right" {
	"$ingraind" config | sed -n '/^# Which events go which way/,$s/^#\([^ ]\)/\1/p' >c.toml
	grep -q Buffer c.toml
	run "$ingraind" check c.toml
	[ "$status" -eq 0 ]
}

# The configuration that the last release documented.
@test "files of the last release are read" {
	export AWS_S3_BUCKET=facts AWS_DEFAULT_REGION=eu-west-1 STATSD_HOST=127.0.0.1 STATSD_PORT=8125
	run "$ingraind" check "$tree/tests/configs/ingraind/last-release.toml"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a disk that is full is said, and events are taken again when it isn't" {
	need_root
	mkdir small
	cat >full <<-'END'
		mount -t tmpfs -o size=1536k none small || exit 77
		head -c 1400k /dev/zero >small/ballast
		"$1" -n 4000 -r 1000 -t 20 -w -- --otlp http://127.0.0.1:1 \
			--spool-directory small/spool >said 2>&1 &
		until grep -q 'trouble: .*No space left' said; do sleep 0.1; done
		rm small/ballast
		until grep -q 'well: .*written to disk again' said; do sleep 0.1; done
		kill $!
		wait $!
		true
	END
	run timeout 60 unshare -m --propagation private sh full "$build/tests/tools/sink-drive"
	[ "$status" -ne 77 ] || skip "can't mount here"
	[ "$status" -eq 0 ]
	lost=$(sed -n 's/^bulwark_sink_lost_total{sink="otlp-logs"} //p' said | tail -n 1)
	[ "$lost" -gt 0 ]
}
