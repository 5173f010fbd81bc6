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
	jq -es --arg sleep "$(realpath /bin/sleep)" 'map(select(."process.command_line" == "/bin/sleep 0.01")) | .[0] |
		."event.name" == "process.exec"
		and ."process.executable.path" == $sleep
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

@test "messages carry a level; for the journal in its form" {
	start
	grep -q '^info: exec ' "$err"
	end "$agent"
	# The journal's stream is named by device and inode.
	: >"$err"
	JOURNAL_STREAM=$(stat -c %d:%i "$err") "$bulwark" up --under $$ --listen off --for 300ms \
		>"$out" 2>>"$err"
	grep -q '^<6>exec ' "$err"
	JOURNAL_STREAM=1:1 "$bulwark" up --under $$ --listen off --for 300ms >"$out" 2>"$err"
	grep -q '^info: exec ' "$err"
}

@test "on a terminal severities have colours, elsewhere they don't" {
	command -v script >/dev/null || skip "script(1) is not installed"
	on_terminal() { # OPTION...
		script -qec "exec $bulwark up --under $$ --listen off $*" /dev/null >"$out" 2>&1 3>&- &
		agent=$!
		wait_for 10 grep -q 'exec  *tp_btf\|exec  */proc' "$out"
		/bin/true marked
		wait_for 5 grep -q 'true marked' "$out"
		# script's child is the agent
		kill "$(tr -d ' ' <"/proc/$agent/task/$agent/children")"
		wait $agent || true
		agent=
	}
	esc=$(printf '\033')
	on_terminal
	grep -q "^[-0-9]*T[0-9:.]*Z $esc\[32minfo    $esc\[0m process.exec: true\[[0-9]*\] exec /bin/true marked (uid 0)" "$out"
	on_terminal --colour never
	[ "$(grep -c "$esc" "$out")" -eq 0 ]
	NO_COLOR=1 on_terminal
	[ "$(grep -c "$esc" "$out")" -eq 0 ]
	NO_COLOR=1 on_terminal --colour always
	grep -q "$esc" "$out"
	"$bulwark" up --under $$ --listen off >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'exec ' "$err"
	/bin/true marked
	wait_for 5 grep -q 'true marked' "$out"
	[ "$(cat "$out" "$err" | grep -c "$esc")" -eq 0 ]
}

@test "CEF is what --output cef gives, one event a line" {
	"$bulwark" up --under $$ --listen off --output cef >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'exec ' "$err"
	/bin/true 'a=b|c\d'
	wait_for 5 grep -q '^CEF:0|Bulwark|bulwark|[0-9.]*|process.exec|Process replaced its image|3|.*BulwarkProcessCommandLine=/bin/true a\\=b|c\\\\d ' "$out"
	end "$agent"
	[ "$(grep -vc '^CEF:0|' "$out")" -eq 0 ]
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

@test "every metric in the table is served" {
	fake_proc
	printf '[auto_configure]\nexception_trace = true\n[http]\nurl = "http://127.0.0.1:1/"\n' \
		>"$BATS_TEST_TMPDIR/up.toml"
	port=$((20000 + RANDOM % 20000))
	"$bulwark" up --under $$ --listen "127.0.0.1:$port" --proc-root "$proc" \
		--spool-directory "$BATS_TEST_TMPDIR/spool" --config "$BATS_TEST_TMPDIR/up.toml" \
		>"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 curl -sf "http://127.0.0.1:$port/healthz"
	curl -sf "http://127.0.0.1:$port/metrics" >"$BATS_TEST_TMPDIR/metrics"
	sed -n 's/^| `\(bulwark_[a-z_]*\)` | \([a-z]*\) | *\([a-z]*\) *|.*/\1 \2 \3/p' \
		"$tree/docs/metrics.md" >"$BATS_TEST_TMPDIR/rows"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/rows")" -gt 20 ]
	while read -r name type label; do
		grep -qx "# TYPE $name $type" "$BATS_TEST_TMPDIR/metrics" ||
			{ [ "$name" = bulwark_ring_lost_total ] && grep -q 'exec  */proc' "$err"; }
		grep -q "^$name${label:+{$label=\"[^\"]*\"\}} [0-9]*$" "$BATS_TEST_TMPDIR/metrics" ||
			{ [ "$name" = bulwark_ring_lost_total ] && grep -q 'exec  */proc' "$err"; }
	done <"$BATS_TEST_TMPDIR/rows"
	# and nothing else
	sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$BATS_TEST_TMPDIR/metrics" | while read -r name; do
		grep -q "^$name " "$BATS_TEST_TMPDIR/rows"
	done
}

@test "a BPF ring that is full costs events, which are counted and told" {
	port=$((20000 + RANDOM % 20000))
	printf '[bpf]\nring_size = "64k"\n' >"$BATS_TEST_TMPDIR/up.toml"
	"$bulwark" up --under $$ --listen "127.0.0.1:$port" --output json \
		--config "$BATS_TEST_TMPDIR/up.toml" >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'exec ' "$err"
	grep -q 'exec  *tp_btf' "$err" || skip "no BPF here"
	kill -STOP $agent
	sh -c 'for n in $(seq 400); do /bin/true; done'
	kill -CONT $agent
	wait_for 5 has_event '."event.name" == "loss" and ."loss.place" == "BPF ring"'
	lost=$(curl -sf "http://127.0.0.1:$port/metrics" |
		awk '/^bulwark_ring_lost_total/ { n += $2 } END { print n }')
	[ "$lost" -gt 0 ]
	grep '^{' "$out" | jq -es "map(select(.\"loss.place\" == \"BPF ring\")) | last.\"loss.total\" == $lost"
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

@test "an agent that is refused before anything has started says why, and ends" {
	run "$bulwark" up --under $$ --listen off --output json --proc-root /nowhere
	[ "$status" -eq 1 ]
	[[ "$output" == *"/nowhere"*"No such file or directory"* ]]
}

@test "a reader that goes away ends the agent, as it would any filter" {
	run timeout 20 bash -c "'$bulwark' up --under $$ --listen off --output json 2>/dev/null |
		(read -r line; exit 0) & while kill -0 \$! 2>/dev/null; do /bin/true; done; wait"
	[ "$status" -eq 0 ]
}

# --- kernel settings, on a procfs of our own ---

fake_proc() {
	proc=$BATS_TEST_TMPDIR/proc
	mkdir -p "$proc/sys/debug" "$proc/sys/kernel"
	echo 0 >"$proc/sys/debug/exception-trace"
	echo 0 >"$proc/sys/kernel/print-fatal-signals"
	echo on >"$proc/sys/kernel/printk_devkmsg"
	mkdir "$proc/sys/kernel/random"
	echo this-boot >"$proc/sys/kernel/random/boot_id"
	was=$BATS_TEST_TMPDIR/state/kernel-settings
}

@test "kernel settings are set, kept, reported, and restored" {
	fake_proc
	printf '[auto_configure]\nexception_trace = true\nprintk_devkmsg = "off"\ninterval = "100ms"\nrestore = true
restore_file = "%s"\n' "$was" >"$BATS_TEST_TMPDIR/up.toml"
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
	[ ! -e "$was" ]
}

@test "one that was killed leaves word of how kernel settings were, for this boot" {
	fake_proc
	printf '[auto_configure]\nexception_trace = true\nrestore = true\nrestore_file = "%s"\n' "$was" \
		>"$BATS_TEST_TMPDIR/up.toml"
	for _ in 1 2; do
		start --proc-root "$proc" --config "$BATS_TEST_TMPDIR/up.toml"
		wait_for 5 grep -qx 1 "$proc/sys/debug/exception-trace"
		wait_for 5 grep -qx 'debug.exception-trace 0' "$was"
		kill -KILL "$agent"
		wait "$agent" || true
	done
	start --proc-root "$proc" --config "$BATS_TEST_TMPDIR/up.toml"
	wait_for 5 grep -q 'exec ' "$err"
	end "$agent"
	grep -qx 0 "$proc/sys/debug/exception-trace"
	# another boot: what it found is its own
	printf 'boot other-boot\ndebug.exception-trace 0\n' >"$was"
	echo 1 >"$proc/sys/debug/exception-trace"
	start --proc-root "$proc" --config "$BATS_TEST_TMPDIR/up.toml"
	wait_for 5 grep -qx 'debug.exception-trace 1' "$was"
	end "$agent"
	grep -qx 1 "$proc/sys/debug/exception-trace"
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

@test "a read-only /proc/sys is a warning, not the end" {
	printf '[auto_configure]\nfatal_signals = true\ninterval = "100ms"\n' >"$BATS_TEST_TMPDIR/up.toml"
	grep -qx 0 /proc/sys/kernel/print-fatal-signals || skip "kernel.print-fatal-signals is on here"
	unshare -m --propagation private sh -c \
		'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"' sh \
		"$bulwark" up --under $$ --listen off --output json --config "$BATS_TEST_TMPDIR/up.toml" \
		>"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'exec ' "$err"
	wait_for 5 has_event '."setting.name" == "kernel.print-fatal-signals" and ."setting.observed" == "0"
		and (."setting.restored" | not) and ."setting.error" == "Read-only file system"'
	/bin/true still-there
	wait_for 5 has_event '."process.command_line" == "/bin/true still-there"'
	grep -qx 0 /proc/sys/kernel/print-fatal-signals
}
