# What an agent has taken is not lost: not by kill -9 with the receiver down, and not uncounted when the
# disk is full. Events are those of real processes, started as fast as a shell can.

load setup
load receivers

setup() {
	need_root
	dir=$BATS_TEST_TMPDIR
	spool=$dir/spool
	started= flood=
	cd "$dir" || return 1
	mkdir http
	port=$(free_port) listen=$(free_port)
	while [ "$listen" = "$port" ]; do listen=$(free_port); done
	common=(up --listen "127.0.0.1:$listen" --http "http://127.0.0.1:$port/in"
		--spool-directory "$spool" --output json)
}

teardown() {
	kill_started
}

flood() {
	sh -c 'while :; do /bin/true; done' >/dev/null 2>&1 3>&- &
	flood=$!
	started="$started $flood"
}

end_flood() {
	kill "$flood"
	wait "$flood" || true
}

# start PROGRAM ARG...: an agent that is up when this returns.
start() {
	"$@" >>out 2>>err 3>&- &
	agent=$!
	started="$started $agent"
	wait_for 20 curl -sf "http://127.0.0.1:$listen/healthz"
}

# metric NAME [LABELS]: what /metrics says now.
metric() {
	curl -sf "http://127.0.0.1:$listen/metrics" >metrics
	awk -v "row=$1$2" '$1 == row { print $2; found = 1 } END { exit !found }' metrics
}
of_http='{sink="http"}'
at_least() { [ "$(metric "$1" "$of_http")" -ge "$2" ]; }
nothing_waits() { [ "$(metric bulwark_spool_events "$of_http")" -eq 0 ]; }

# The ids of what has arrived: one line for each agent's run, with its last event's number and how
# many different events came. A run of which nothing is missing has the same number twice.
runs() {
	requests .body | jq -r '."event.id"' | sort -u | python3 -c '
import collections, sys
runs = collections.defaultdict(set)
for line in sys.stdin:
    run, _, serial = line.strip().partition("-")
    runs[run].add(int(serial, 16))
for serials in runs.values():
    print(max(serials), len(serials))'
}

# came_until NUMBER: how many events came that were made up to that one.
came_until() {
	requests .body | jq -r '."event.id"' | sort -u | python3 -c '
import sys
print(sum(int(line.strip().partition("-")[2], 16) <= int(sys.argv[1]) for line in sys.stdin))' "$1"
}

@test "kill -9 in a flood, with the receiver down: what was taken arrives, each at least once" {
	flood
	for taken in 1 2; do
		start "$bulwark" "${common[@]}" --under $$
		wait_for 20 at_least bulwark_sink_events_total 700
		metric bulwark_sink_events_total "$of_http" >"taken-$taken"
		kill -9 "$agent"
		wait "$agent" || true
	done
	end_flood
	receive --port "$port"
	# not under us: looking whether something waits would make something wait
	sh -c 'while :; do /bin/sleep 2; done' 3>&- &
	calm=$!
	started="$started $calm"
	start "$bulwark" "${common[@]}" --under "$calm"
	wait_for 20 at_least bulwark_sink_events_total 1
	wait_for 20 nothing_waits
	recovered=$(metric bulwark_sink_recovered_total "$of_http")
	[ "$recovered" -ge $(($(cat taken-1) + $(cat taken-2))) ]
	[ "$(metric bulwark_sink_lost_total "$of_http")" -eq 0 ]
	[ "$(metric bulwark_spool_damaged_total "$of_http")" -eq 0 ]
	kill "$agent"
	wait "$agent"
	# of each of the three runs every event, from the first to the last
	runs >runs
	cat runs
	[ "$(awk '$1 == $2' runs | wc -l)" -eq 3 ]
	[ "$(awk '$1 >= 700' runs | wc -l)" -ge 2 ]
	requests '.headers["content-encoding"]' | sort -u >encodings
	grep -qx gzip encodings
	requests 'select(.headers["content-encoding"] != "gzip" and .bytes > 512) | .bytes' >plain
	[ ! -s plain ]
}

@test "a full disk loses events, and every one of them is counted and told" {
	mkdir "$spool"
	flood
	start unshare -m --propagation private sh -c \
		"mount -t tmpfs -o size=128k tmpfs '$spool' && exec \"\$@\"" sh "$bulwark" "${common[@]}" \
		--under "$flood"
	wait_for 20 at_least bulwark_sink_lost_total 50
	grep -q "sink 'http': .*: No space left on device" err
	receive --port "$port"
	wait_for 20 at_least bulwark_sink_delivered_total 50
	end_flood
	wait_for 20 nothing_waits
	# the loss that is told last is that which was counted last
	wait_for 20 told_is_counted
	metric bulwark_sink_events_total "$of_http" # fetches them all
	kill "$agent"
	wait "$agent"
	value() { awk -v "row=bulwark_sink_$1_total$of_http" '$1 == row { print $2 }' metrics; }
	waiting=$(awk -v "row=bulwark_spool_events$of_http" '$1 == row { print $2 }' metrics)
	[ "$(value events)" -eq $(($(value delivered) + $(value lost) + waiting)) ]
	# Of the events until then, those have come that were delivered or waited; and no others.
	[ "$(came_until "$(value events)")" -eq $(($(value delivered) + waiting)) ]
	jq -es 'map(select(."event.name" == "loss" and ."loss.place" == "sink")) | length > 0
		and all(.severity == "warning" and (."loss.reason" | length > 0))
		and (map(."loss.count") | add) == last."loss.total"' out
}

told_is_counted() {
	lost=$(metric bulwark_sink_lost_total "$of_http")
	[ "$lost" -eq "$(jq -es 'map(select(."loss.place" == "sink")) | last."loss.total"' out)" ]
}
