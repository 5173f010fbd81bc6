#!/usr/bin/env bats
# sysvisor-mgr as its callers see it: a stock gRPC client, kill -9 at any time.

load ../bats/setup

setup() {
	need_root
	dir=$(mktemp -d)
	socket=$dir/run/sysvisor/mgr.sock
	mgr=
}

teardown() {
	[ -z "$mgr" ] || end "$mgr"
	rm -rf "$dir"
}

start() { # OPTION...
	"$build/bin/sysvisor-mgr" --root "$dir" --log - "$@" 2>>"$dir/log" 3>&- &
	mgr=$!
	wait_for 10 [ -S "$socket" ]
	wait_for 10 call Health
}

crash() {
	kill -9 "$mgr"
	wait "$mgr" 2>/dev/null || true
	mgr=
}

call() { # METHOD [REQUEST]
	"$tree/tests/sysvisor/call" "$socket" "Manager/$1" "${2:-{\}}"
}

ids_of() { # ID
	call ListContainers | jq -r ".containers[] | select(.id == \"$1\") | .ids.host_first"
}

@test "two containers have disjoint ids, which survive kill -9" {
	start
	[ "$(call RegisterContainer '{"id": "a"}' | jq .ids.host_first)" = 131072 ]
	[ "$(call RegisterContainer '{"id": "b"}' | jq .ids.host_first)" = 196608 ]
	crash
	start
	[ "$(ids_of a)" = 131072 ]
	[ "$(ids_of b)" = 196608 ]
	run call RegisterContainer '{"id": "b"}'
	[ "$(jq .known <<<"$output")" = true ]
	[ "$(jq .ids.host_first <<<"$output")" = 196608 ]
	[ "$(call RegisterContainer '{"id": "c"}' | jq .ids.host_first)" = 262144 ]
}

@test "exhausted ranges are refused, not shared, and come back when a container goes" {
	start --subid-containers 2
	call RegisterContainer '{"id": "a"}'
	call RegisterContainer '{"id": "b"}'
	run call RegisterContainer '{"id": "c"}'
	[ "$status" -eq 1 ]
	[[ "$output" == *"RESOURCE_EXHAUSTED: register 'c': exclusive id range exhausted (2 in use)"* ]]
	[ "$(call Health | jq .healthy)" = false ]
	call UnregisterContainer '{"id": "a"}'
	[ "$(call RegisterContainer '{"id": "c"}' | jq .ids.host_first)" = 131072 ]
	# Both are idempotent.
	call UnregisterContainer '{"id": "a"}'
}

@test "what others own in subuid is never given away" {
	mkdir "$dir/etc"
	printf 'someone:100000:65536\nother:400000:65536' >"$dir/etc/subuid"
	printf 'someone:100000:65536\n' >"$dir/etc/subgid"
	start --subid-containers 4
	grep -x 'sysvisor:524288:262144' "$dir/etc/subuid"
	grep -x 'sysvisor:524288:262144' "$dir/etc/subgid"
	grep -x 'other:400000:65536' "$dir/etc/subuid"
	echo 'late:524288:70000' >>"$dir/etc/subgid"
	[ "$(call RegisterContainer '{"id": "a"}' | jq .ids.host_first)" = 655360 ]
	grep "belong to others" "$dir/log"
}

@test "different lines in subuid and subgid are an error that says what to do" {
	mkdir "$dir/etc"
	echo 'sysvisor:200000:65536' >"$dir/etc/subuid"
	echo 'sysvisor:300000:65536' >"$dir/etc/subgid"
	run "$build/bin/sysvisor-mgr" --root "$dir" --log -
	[ "$status" -eq 1 ]
	[[ "$output" == *"make the lines the same, or remove both"* ]]
}

@test "32 at once have 32 ranges" {
	start
	for n in $(seq 32); do
		call RegisterContainer "{\"id\": \"c$n\"}" >/dev/null 3>&- &
		pids="${pids:-} $!"
	done
	# shellcheck disable=SC2086 # a list
	wait $pids
	[ "$(call ListContainers | jq '[.containers[].ids.host_first] | unique | length')" = 32 ]
}

@test "ids and volumes stay through a stop and go with the container's storage" {
	mkdir "$dir/overlay"
	start
	call RegisterContainer "{\"id\": \"a\", \"storage\": \"$dir/overlay\"}"
	volume=$dir/var/lib/sysvisor/docker/a
	mkdir -p "$volume/deep/er"
	ln -s /etc "$volume/deep/link"
	echo kept >"$volume/deep/er/file"
	call UnregisterContainer '{"id": "a"}'
	[ "$(call ListContainers | jq -r '.containers[].state')" = stopped ]
	[ "$(cat "$volume/deep/er/file")" = kept ]
	crash
	start
	[ "$(ids_of a)" = 131072 ]
	rmdir "$dir/overlay"
	wait_for 10 test ! -e "$volume"
	[ "$(call ListContainers | jq '.containers | length')" = 0 ]
	wait_for 10 test -z "$(ls -A "$dir/var/lib/sysvisor/.removed")"
	[ -e /etc/passwd ]
	# Removed while nobody looked:
	mkdir "$dir/overlay"
	call RegisterContainer "{\"id\": \"b\", \"storage\": \"$dir/overlay\"}"
	call UnregisterContainer '{"id": "b"}'
	crash
	rmdir "$dir/overlay"
	start
	[ "$(call ListContainers | jq '.containers | length')" = 0 ]
}

@test "volumes that were never used go at once, and nobody has to empty the trash" {
	start
	call RegisterContainer '{"id": "a"}'
	[ -d "$dir/var/lib/sysvisor/docker/a" ]
	before=$(stat -c %y "$dir/var/lib/sysvisor/.removed")
	call UnregisterContainer '{"id": "a"}'
	[ -z "$(find "$dir/var/lib/sysvisor" -name a)" ]
	[ "$(stat -c %y "$dir/var/lib/sysvisor/.removed")" = "$before" ]
}

@test "the engine's own mapping is honoured, and its volumes belong to it" {
	start
	run call RegisterContainer '{"id": "a", "uid_mappings": [{"host_first": 231072, "count": 65536}],
		"gid_mappings": [{"host_first": 231072, "count": 65536}]}'
	[ "$status" -eq 0 ]
	[ "$(jq 'has("ids")' <<<"$output")" = false ]
	[ "$(stat -c %u:%g:%a "$dir/var/lib/sysvisor/docker/a")" = 231072:231072:700 ]
	[ "$(call ListContainers | jq .slots_used)" = 0 ]
}

@test "a shared network brings the owner's user namespace and ids" {
	start
	call RegisterContainer '{"id": "a"}'
	unshare -Un sleep 100 3>&- &
	pid=$!
	has_own_namespace() { [ "$(readlink /proc/self/ns/user)" != "$(readlink "/proc/$pid/ns/user")" ]; }
	wait_for 5 has_own_namespace
	user=$(stat -Lc %i /proc/$pid/ns/user)
	net=$(stat -Lc %i /proc/$pid/ns/net)
	call UpdateContainer "{\"id\": \"a\", \"init_pid\": $pid, \"user_namespace\": $user,
		\"network_namespace\": $net}"
	run call RegisterContainer "{\"id\": \"b\", \"network_namespace\": $net}"
	end $pid
	[ "$(jq -r .join_user_namespace <<<"$output")" = "/proc/$pid/ns/user" ]
	[ "$(jq .ids.host_first <<<"$output")" = 131072 ]
}

@test "a second instance is refused, the socket is root's alone, bad calls have words" {
	start
	run "$build/bin/sysvisor-mgr" --root "$dir" --log -
	[ "$status" -eq 1 ]
	[[ "$output" == *"sysvisor-mgr is already running (pid $mgr)"* ]]
	[ "$(stat -c %a "$socket")" = 600 ]
	run call RegisterContainer '{"id": "../a"}'
	[[ "$output" == "INVALID_ARGUMENT: "*"no container id"* ]]
	run call UpdateContainer '{"id": "nobody"}'
	[ "$output" = "NOT_FOUND: container 'nobody' is not registered" ]
	[ "$(call Version | jq -r .program)" = sysvisor-mgr ]
}

@test "kill -9 in a loop under two callers: every one is answered, no range is given twice" {
	start
	for prefix in a b; do
		"$tools/registrar" "$socket" $prefix 300 >"$dir/$prefix" 2>&1 3>&- &
		callers="${callers:-} $!"
	done
	for _ in $(seq 15); do
		sleep 0.1
		crash
		"$build/bin/sysvisor-mgr" --root "$dir" --log - 2>>"$dir/log" 3>&- &
		mgr=$!
	done
	for caller in $callers; do
		wait "$caller"
	done
	[ "$(cat "$dir/a" "$dir/b" | wc -l)" = 600 ]
	[ "$(cut -d ' ' -f 2 "$dir/a" "$dir/b" | sort -u | wc -l)" = 600 ]
	call ListContainers | jq -r '.containers[] | "\(.id) \(.ids.host_first)"' | sort >"$dir/listed"
	sort "$dir/a" "$dir/b" | diff - "$dir/listed"
}

@test "half a line at the journal's end is no harm" {
	start
	call RegisterContainer '{"id": "a"}'
	crash
	printf '{"id":"b","bundle":"' >>"$dir/var/lib/sysvisor/mgr/containers"
	start
	[ "$(call ListContainers | jq -r '.containers[].id')" = a ]
	call RegisterContainer '{"id": "b"}'
	crash
	start
	[ "$(call ListContainers | jq '.containers | length')" = 2 ]
}
