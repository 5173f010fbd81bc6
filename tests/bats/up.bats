# The agent as a person runs it: starts, tells, serves, reloads, drains and ends.

load setup

setup() {
	need_root
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
}

teardown() {
	[ -z "${agent:-}" ] || end "$agent"
}

# start OPTION...: an agent that watches only what is below this shell; returns when it is up.
start() {
	"$bulwark" up --under $$ --listen off --output json "$@" >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'exec ' "$err"
}

has_event() { # JQ-CONDITION
	grep '^{' "$out" | jq -es "any(.[]; $1)"
}

@test "a process that starts and ends is told with all that is known of it" {
	start
	/bin/sh -c 'exec /bin/sleep 0.01'
	wait_for 5 has_event '."event.name" == "process.exit"
		and ."process.command_line" == "/bin/sleep 0.01"'
	end "$agent"
	jq -es 'map(select(."process.command_line" == "/bin/sleep 0.01")) | .[0] |
		."event.name" == "process.exec"
		and ."process.executable.path" == "/bin/sleep"
		and ."process.user.id" == 0
		and (."process.pid" | type) == "number"
		and (."process.ancestors" | length) > 0
		and (."event.id" | test("^[0-9a-f]{16}-[0-9a-f]+$"))
		and (.time | test("^[0-9]{4}-.*\\.[0-9]{9}Z$"))' "$out"
}

@test "a signal that ends a process is named" {
	start
	sh -c 'kill -ABRT $$' || true
	wait_for 5 has_event '."event.name" == "process.exit" and ."signal.name" == "SIGABRT"'
}

@test "every line is JSON, whatever processes call themselves" {
	start
	bash -c 'exec -a "$(printf "a\"b\\\\c\n\001\377d")" /bin/true'
	/bin/true "$(printf '\033[31m red \377\376 "quoted"')"
	wait_for 5 has_event '."process.command_line" // "" | contains("quoted")'
	end "$agent"
	jq -e . "$out" >/dev/null
}

@test "the readable line cannot be used against a terminal or a log" {
	"$bulwark" up --under $$ --listen off --output text >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'exec ' "$err"
	/bin/true "$(printf '\033[2Jgone\nforged line')"
	wait_for 5 grep -q 'forged' "$out"
	end "$agent"
	grep -q '\\x1b\[2Jgone\\x0aforged line' "$out"
	! grep -q "$(printf '\033')" "$out"
}

@test "the start-up table names each sensor and its mechanism" {
	start
	grep -q 'kmsg *\(/dev/kmsg\|off\)' "$err"
	grep -q 'exec *\(tp_btf\|/proc polling\)' "$err"
}

@test "the journal gets levels as it reads them, everything else as people do" {
	start --for 300ms
	wait "$agent"
	agent=
	grep -q '^info: kmsg' "$err"
	: >"$err"
	JOURNAL_STREAM=$(stat -c %d:%i "$err") start --for 300ms
	wait "$agent"
	agent=
	grep -q '^<6>kmsg' "$err"
}

@test "check says the same, as text and as JSON" {
	run "$bulwark" check
	[ "$status" -eq 0 ]
	[[ "$output" == *"kernel "* ]]
	"$bulwark" check --json | jq -e '.kernel != null and (.sensors | map(.sensor) | contains(["kmsg", "exec"]))'
}

@test "--for ends by itself, with 0" {
	run timeout 20 "$bulwark" up --under $$ --listen off --for 300ms
	[ "$status" -eq 0 ]
}

@test "/metrics is Prometheus text, /healthz is healthy" {
	port=$((20000 + RANDOM % 20000))
	"$bulwark" up --under $$ --listen "127.0.0.1:$port" --output json >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 curl -sf "http://127.0.0.1:$port/healthz"
	curl -sf "http://127.0.0.1:$port/metrics" >"$BATS_TEST_TMPDIR/metrics"
	grep -q '^# TYPE bulwark_kmsg_records_total counter$' "$BATS_TEST_TMPDIR/metrics"
	grep -q '^bulwark_kmsg_lost_total [0-9]' "$BATS_TEST_TMPDIR/metrics"
	[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/other")" = 404 ]
	[ "$(curl -s -X POST -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/metrics")" = 405 ]
}

@test "a port that is taken is said, and no reason to stop" {
	port=$((20000 + RANDOM % 20000))
	python3 -m http.server --bind 127.0.0.1 $port >/dev/null 2>&1 3>&- &
	server=$!
	wait_for 10 curl -s "http://127.0.0.1:$port/"
	"$bulwark" up --under $$ --listen "127.0.0.1:$port" --for 300ms >"$out" 2>"$err"
	end $server
	grep -q "no /metrics: listen on '127.0.0.1:$port': Address already in use" "$err"
}

@test "SIGHUP takes new settings, and keeps the old when the new are wrong" {
	conf=$BATS_TEST_TMPDIR/up.toml
	printf '[console]\nformat = "text"\n' >"$conf"
	"$bulwark" up --under $$ --listen off --config "$conf" >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'exec ' "$err"
	printf '[console]\nformat = "json"\n' >"$conf"
	kill -HUP $agent
	wait_for 5 grep -q 'settings read again' "$err"
	/bin/true marked
	wait_for 5 has_event '."process.command_line" // "" | contains("marked")'
	printf '[console]\nformat = "jsn"\n' >"$conf"
	kill -HUP $agent
	wait_for 5 grep -q "settings stay as they are: $conf:2:1: 'console.format': 'jsn' is not known" "$err"
	/bin/true again
	wait_for 5 has_event '."process.command_line" // "" | contains("again")'
}

@test "a reader that goes away ends the agent, as it would any filter" {
	run timeout 20 bash -c "'$bulwark' up --under $$ --listen off --output json 2>/dev/null |
		(read -r line; exit 0) & while kill -0 \$! 2>/dev/null; do /bin/true; done; wait"
	[ "$status" -eq 0 ]
}

@test "an agent that can't start says why, and ends" {
	run "$bulwark" up --under $$ --listen off --proc-root "$BATS_TEST_TMPDIR/none"
	[ "$status" -eq 1 ]
	[[ "$output" == *"'$BATS_TEST_TMPDIR/none'"*"No such file or directory"* ]]
}

# One that runs on this machine already is as good as the first of ours.
@test "a second instance on the same kernel says which one runs, and ends" {
	"$polytect" --console json --for 10s >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -Eq 'exec  |runs on this kernel already' "$err"
	! grep -q "can't tell whether another instance runs" "$err" || skip "the guard needs BPF"
	run "$polytect" --console json --for 10s
	[ "$status" -eq 1 ]
	[[ "$output" =~ polytect:\ polytect\ runs\ on\ this\ kernel\ already:\ pid\ ([0-9]+)\ on\ host ]]
	! kill -0 $agent || [ "${BASH_REMATCH[1]}" = $agent ]
	# unless it is wanted
	run "$polytect" --console json --for 100ms --allow-second
	[ "$status" -eq 0 ]
	# and with the first goes its guard
	end $agent
	agent=
	run "$polytect" --console json --for 100ms
	[ "$status" -eq 0 ] || [[ "$output" =~ already:\ pid\ [0-9]+ ]]
}

# --- kernel settings, on a procfs of our own ---

fake_proc() {
	proc=$BATS_TEST_TMPDIR/proc
	mkdir -p "$proc/sys/debug" "$proc/sys/kernel"
	echo 0 >"$proc/sys/debug/exception-trace"
	echo 0 >"$proc/sys/kernel/print-fatal-signals"
	echo on >"$proc/sys/kernel/printk_devkmsg"
}

@test "kernel settings are set, kept, reported, and restored" {
	fake_proc
	printf '[auto_configure]\nexception_trace = true\nprintk_devkmsg = "off"\ninterval = "100ms"\nrestore = true\n' \
		>"$BATS_TEST_TMPDIR/up.toml"
	start --proc-root "$proc" --config "$BATS_TEST_TMPDIR/up.toml"
	wait_for 5 grep -qx 1 "$proc/sys/debug/exception-trace"
	wait_for 5 grep -qx off "$proc/sys/kernel/printk_devkmsg"
	# not asked for: left alone
	grep -qx 0 "$proc/sys/kernel/print-fatal-signals"
	wait_for 5 has_event '."setting.name" == "debug.exception-trace" and ."setting.observed" == "0"
		and ."setting.expected" == "1" and ."setting.restored"'
	echo 7 >"$proc/sys/debug/exception-trace"
	wait_for 5 has_event '."setting.observed" == "7"'
	wait_for 5 grep -qx 1 "$proc/sys/debug/exception-trace"
	end "$agent"
	grep -qx 0 "$proc/sys/debug/exception-trace"
	grep -qx on "$proc/sys/kernel/printk_devkmsg"
}

@test "a kernel setting that can't be written is one warning, not the end" {
	fake_proc
	rm "$proc/sys/debug/exception-trace"
	printf '[auto_configure]\nexception_trace = true\nfatal_signals = true\ninterval = "100ms"\n' \
		>"$BATS_TEST_TMPDIR/up.toml"
	start --proc-root "$proc" --config "$BATS_TEST_TMPDIR/up.toml"
	wait_for 5 grep -qx 1 "$proc/sys/kernel/print-fatal-signals"
	sleep 0.5 # several looks
	end "$agent"
	jq -es 'map(select(."setting.name" == "debug.exception-trace")) | length == 1
		and (.[0]."setting.restored" == false)
		and .[0]."setting.error" == "No such file or directory"' "$out"
}
