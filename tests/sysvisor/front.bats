#!/usr/bin/env bats
# sysvisor docker: one entry in Docker's settings, and back. dockerd is a stand-in that says when it is
# told to read them again; tests/vm/suites/sysvisor has a real one.

load ../bats/setup

setup() {
	dir=$(mktemp -d)
	dockerd=
	settings=$dir/etc/docker/daemon.json
	program=$(realpath "$build/bin/sysvisor-runc")
}

teardown() {
	[ -z "$dockerd" ] || end "$dockerd"
	rm -rf "$dir"
}

docker() { run "$build/bin/sysvisor" docker "$@" --root "$dir"; }

start_dockerd() { # NAME
	mkdir -p "$dir/run"
	cat >"$dir/$1" <<-'END'
		#!/bin/sh
		trap 'echo again >>"$0.told"' HUP
		echo $$ >"$(dirname "$0")/run/docker.pid"
		while :; do sleep 0.05; done
	END
	chmod +x "$dir/$1"
	"$dir/$1" 3>&- &
	dockerd=$!
	wait_for 10 [ -s "$dir/run/docker.pid" ]
}

@test "without settings they are made, and go again with their directory" {
	docker enable
	[ "$status" -eq 0 ]
	[ "$(jq -c . "$settings")" = "{\"runtimes\":{\"sysvisor-runc\":{\"path\":\"$program\"}}}" ]
	[ "$(stat -c %a "$settings")" = 644 ]
	docker enable
	[ "$status" -eq 0 ]
	[[ "$output" == "'sysvisor-runc' is a runtime of Docker's already"* ]]
	docker disable
	[ "$status" -eq 0 ]
	[ ! -e "$dir/etc/docker" ]
	docker disable
	[ "$status" -eq 0 ]
	[[ "$output" == "'sysvisor-runc' is no runtime of Docker's, says"* ]]
}

@test "what others have written stays, to the byte, and so do mode, owner and links" {
	need_root
	mkdir -p "$dir/etc/docker" "$dir/srv"
	printf '{ "debug":true ,\n\t"labels": ["a\\"}b"]}\n\n' >"$dir/srv/docker.json"
	chown 7:8 "$dir/srv/docker.json"
	chmod 640 "$dir/srv/docker.json"
	cp "$dir/srv/docker.json" "$dir/before"
	ln -s ../../srv/docker.json "$settings"
	docker enable
	[ "$status" -eq 0 ]
	[ "$(jq -r '.debug, .labels[0], .runtimes["sysvisor-runc"].path' "$settings")" = "true
a\"}b
$program" ]
	[ "$(stat -c %a:%u:%g "$dir/srv/docker.json")" = 640:7:8 ]
	[ -L "$settings" ]
	docker disable
	cmp "$dir/before" "$dir/srv/docker.json"
	[ "$(stat -c %a:%u:%g "$dir/srv/docker.json")" = 640:7:8 ]
	[ "$(ls "$dir/etc/docker" "$dir/srv" | grep -c .new)" -eq 0 ]
}

@test "wrong settings are told with their place, and left as they are" {
	mkdir -p "$dir/etc/docker"
	for wrong in '{"debug": true,}' '{"runtimes": 5}' '[]' '{'; do
		printf %s "$wrong" >"$settings"
		for word in enable disable; do
			docker $word
			[ "$status" -eq 1 ]
			[[ "$output" == "sysvisor: '$settings' is left as it is: "*[a-z0-9]": "* ]]
			[ "$(cat "$settings")" = "$wrong" ]
		done
	done
	printf '{"runtimes": {"sysvisor-runc": {"path": "/opt/other"}}}' >"$settings"
	docker enable
	[ "$status" -eq 1 ]
	[[ "$output" == *"runtimes.sysvisor-runc is '/opt/other', not '$program'" ]]
}

@test "dockerd is told to read its settings again when they have changed" {
	start_dockerd dockerd
	docker enable
	[[ "$output" == *"dockerd (pid $dockerd) reads its settings again; containers go on" ]]
	wait_for 5 [ -s "$dir/dockerd.told" ]
	docker enable
	docker disable
	wait_for 5 [ "$(wc -l <"$dir/dockerd.told")" -ge 1 ]
	told_twice() { [ "$(wc -l <"$dir/dockerd.told")" -eq 2 ]; }
	wait_for 5 told_twice
}

@test "a process that has got dockerd's number is left alone" {
	start_dockerd another
	docker enable
	[ "$status" -eq 0 ]
	[[ "$output" == *"Docker isn't running"* ]]
	sleep 0.2
	[ ! -e "$dir/another.told" ]
	echo 99999999999 >"$dir/run/docker.pid"
	docker disable
	[[ "$output" == *"Docker isn't running"* ]]
}

@test "--config-file, and wrong words" {
	run "$build/bin/sysvisor" docker enable --config-file "$dir/mine.json" --root "$dir"
	[ "$status" -eq 0 ]
	[ "$(jq -r '.runtimes["sysvisor-runc"].path' "$dir/mine.json")" = "$program" ]
	[ ! -e "$settings" ]
	docker
	[ "$status" -eq 2 ]
	docker remove
	[ "$status" -eq 2 ]
	[[ "$output" == *"'remove' is not known; use enable or disable" ]]
}
