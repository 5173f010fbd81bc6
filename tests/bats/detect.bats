# Detection with real crashes: an attack is told once, bugs and coincidences are not taken for one.

load setup

setup() {
	need_kmsg
	dir=$BATS_TEST_TMPDIR
	victim=$build/tests/tools/victim
	crash=$build/tests/tools/crash
	prober=$tree/tests/tools/prober.py
	# told once, however slow the machine is
	export BULWARK_ANALYTICS_COLLECTION_TIMEOUT_SECONDS=1h
	agents= server=
}

teardown() {
	[ -z "$server" ] || end "$server"
	# shellcheck disable=SC2086 # a list
	[ -z "$agents" ] || end $agents
}

# start NAME PROGRAM OPTION...: an agent that writes to NAME.json, up when this returns. It learns of
# processes below this shell only; the kernel log has no such bounds, so look for your own programs.
start() {
	local name=$1
	shift
	"$@" --under $$ >"$dir/$name.json" 2>"$dir/$name.err" 3>&- &
	agents="$agents $!"
	wait_for 20 grep -q 'exec ' "$dir/$name.err"
}

# Ends them all: what they have seen until now is told.
stop() {
	# shellcheck disable=SC2086 # a list
	end $agents
	agents=
}

# ours NAME JQ-FILTER: what jq makes of the array of events of programs that lie in this test's folder.
ours() {
	jq -es "map(select(.\"process.executable.path\" // \"\" | startswith(\"$dir/\"))) | $2" "$dir/$1.json"
}
# One line for each case: as it was told last. The end tells what has grown since.
detections='map(select(."event.name" | startswith("detection."))) | group_by(."detection.key")
	| map(last)'

# probe CRASHES: the whole attack on a server of our own.
probe() {
	cp "$victim" "$dir/victim"
	"$dir/victim" 60 >"$dir/port" 2>/dev/null 3>&- &
	server=$!
	wait_for 10 test -s "$dir/port"
	python3 "$prober" "$(cat "$dir/port")" --bytes 9 --crashes "$1" >"$dir/prober"
	jq -es 'any(.[]; .what == "byte")' "$dir/prober"
}

# crash_loop COUNT [KIND]: one program, started again and again, with one bug.
crash_loop() {
	cp "$crash" "$dir/buggy"
	for _ in $(seq "$1"); do "$dir/buggy" "${2:-null-write}" >/dev/null 2>&1 || true; done
}

# One canary probe, raised, with all that a person asks first.
is_one_probe() {
	ours "$1" "$detections"' | length == 1 and (.[0] |
		."event.name" == "detection.canary_probe" and ."detection.state" == "raised"
		and (."detection.key" | length > 0) and ."detection.score" >= 45
		and ."threat.technique.id" == "T1190" and (."threat.technique.name" | length > 0)
		and (."detection.reason" | contains("victim")) and ."detection.event_count" >= 8
		and ."process.comm" == "victim" and ."process.pid" > 0)'
}

@test "a forking server whose canary is guessed is one canary probe, while it is still guessed" {
	[ "$(cat /proc/sys/kernel/randomize_va_space)" = 2 ] || skip "ASLR is off here"
	start up "$bulwark" up --listen off --output json
	start polytect "$polytect" --console json
	probe 600 &
	attack=$!
	wait_for 30 is_one_probe up
	wait_for 30 is_one_probe polytect
	wait $attack
	stop
	is_one_probe up
	is_one_probe polytect
	# both of the same case
	[ "$(ours up "$detections | .[0].\"detection.key\"")" = \
		"$(ours polytect "$detections | .[0].\"detection.key\"")" ]
	# polytect tells of the kernel log and of detections
	jq -es 'all(.[]; ."event.name" | startswith("process.ex") | not)' "$dir/polytect.json"
}

@test "ten unrelated crashes raise nothing" {
	start up "$bulwark" up --listen off --output json
	n=0
	for kind in null-read null-write null-exec nx kernel-address abort bus seccomp null-read abort; do
		n=$((n + 1))
		cp "$crash" "$dir/program-$n"
		"$dir/program-$n" $kind >/dev/null 2>&1 || true
	done
	stop
	ours up 'map(select(."event.name" == "process.exit" and ."signal.name" != null)) | length == 10'
	ours up "$detections | length == 0"
}

@test "one bug in a loop is a crash loop and nothing else" {
	start up "$bulwark" up --listen off --output json
	crash_loop 25
	stop
	ours up "$detections"' | length == 1 and (.[0] |
		."event.name" == "detection.crash_loop" and ."severity" == "warning"
		and ."detection.state" == "raised" and ."detection.score" >= 15
		and ."detection.score" <= 30 and ."signal.name" == "SIGSEGV"
		and (has("threat.technique.id") | not))'
}

@test "aborts of a program that is started anew are no canary probe" {
	start up "$bulwark" up --listen off --output json
	crash_loop 30 abort
	stop
	ours up "$detections"' | map(."event.name") == ["detection.crash_loop"]'
}

@test "modes say what is passed on, details say how much of it" {
	start off "$bulwark" up --listen off --output json --analytics-mode off
	start detected "$bulwark" up --listen off --output json --analytics-mode detected \
		--detected-event-details none
	start summary "$polytect" --console json --analytics-mode passthrough \
		--detected-event-details summary
	start full "$polytect" --console json --analytics-mode detected --detected-event-details full
	crash_loop 8
	stop
	ours off 'length >= 16 and all(."event.name" | startswith("process."))'
	jq -es 'length > 0 and all(."event.name" | startswith("detection."))' "$dir/detected.json"
	ours detected "$detections"' | length == 1 and (.[0] | (has("detection.values") or has("detection.events") | not)
		and (."detection.reason" | length > 0) and ."detection.event_count" >= 5)'
	ours summary "$detections"' | length == 1 and (.[0] | ."detection.values".crashes >= 5
		and (has("detection.events") | not))'
	ours full "$detections"' | length == 1 and (.[0] | (."detection.events" | length >= 5
		and all(.[]; ."event.id" != null and ."signal.name" == "SIGSEGV")))'
}
