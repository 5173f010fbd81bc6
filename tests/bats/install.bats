# deploy/install.sh in throw-away roots, as it comes through a pipe. The service managers are stand-ins
# that keep a record of what they are asked to do; tests/vm/suites has real ones.

load setup

setup() {
	export DESTDIR=$BATS_TEST_TMPDIR/root
	export BULWARK_RELEASE=$BATS_TEST_TMPDIR/release
	export RECORD=$BATS_TEST_TMPDIR/record
	config=$DESTDIR/etc/polytect/polytect.toml
	mkdir -p "$DESTDIR" "$BULWARK_RELEASE" "$BATS_TEST_TMPDIR/bin"
	ln -s "$(realpath "$polytect")" "$BULWARK_RELEASE/polytect"
	sums
	: >"$RECORD"
	for tool in systemctl rc-service rc-update; do
		printf '#!/bin/sh\necho "%s $*" >>"$RECORD"\nexit ${FAIL:-0}\n' $tool \
			>"$BATS_TEST_TMPDIR/bin/$tool"
		chmod +x "$BATS_TEST_TMPDIR/bin/$tool"
	done
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

sums() { (cd "$BULWARK_RELEASE" && sha256sum polytect* >SHA256SUMS); }

with_systemd() { mkdir -p "$DESTDIR/run/systemd/system"; }
with_openrc() { mkdir -p "$DESTDIR/run/openrc" && touch "$DESTDIR/run/openrc/softlevel"; }

# piped ARG...: the script as its users run it. Options stand behind --, or they are sh's.
piped() {
	case ${1:-} in
	-*) set -- -- "$@" ;;
	esac
	run sh -c 'cat "$0" | sh -s "$@"' "$tree/deploy/install.sh" "$@"
}

# value TABLE KEY: what a TOML reader that is not ours makes of it
value() {
	python3 - "$config" "$@" <<-'READ'
		import sys, tomllib
		with open(sys.argv[1], "rb") as file:
		    sys.stdout.write(tomllib.load(file)[sys.argv[2]][sys.argv[3]])
	READ
}

nothing_installed() { [ -z "$(cd "$DESTDIR" && find . -type f ! -path './run/*')" ]; }

@test "sh -s KEY NODE installs program, settings and unit, and starts the service" {
	with_systemd
	piped s3cret-key node-7
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(stat -c %a "$DESTDIR/usr/local/bin/polytect")" = 755 ]
	[ "$(stat -c %a "$config")" = 600 ]
	[ "$(value polycorder auth_key)" = s3cret-key ]
	[ "$(value polycorder node_id)" = node-7 ]
	diff "$DESTDIR/etc/systemd/system/polytect.service" "$tree/deploy/systemd/polytect.service"
	[ "$(cat "$RECORD")" = "systemctl daemon-reload
systemctl enable polytect.service
systemctl restart polytect.service
systemctl --quiet is-active polytect.service" ]
	# nothing else stays behind
	[ -z "$(find "$DESTDIR/usr/local" -name '.*')" ]
}

@test "the node id is optional" {
	with_systemd
	piped s3cret-key
	[ "$status" -eq 0 ]
	[ "$(value polycorder auth_key)" = s3cret-key ]
	! grep -q node_id "$config"
}

@test "whatever stands in a key arrives in the settings, and is never printed" {
	with_systemd
	for key in '%s%n100%' "it's" 'say "hi"' 'back\slash\n\u0041' '"] [console] format="text' \
		'$(touch /tmp/no) `id` $HOME *' "'''" '# no' 'käse'; do
		piped -p "$key" -n "$key"
		[ "$status" -eq 0 ]
		"$polytect" check "$config"
		[ "$(value polycorder auth_key; echo x)" = "${key}x" ]
		[ "$(value polycorder node_id; echo x)" = "${key}x" ]
		[[ "$output" != *"$key"* ]]
		! grep -qF "$key" "$RECORD"
		! grep -q '^\[console\]' "$config"
	done
}

@test "a key that is no text is refused before anything is installed, and is not printed" {
	with_systemd
	for key in $'sec\xff\xfe' $'sec\nlines\n' $'sec\ttab\a' $'sec"]\n[console]\nformat="text'; do
		piped "$key"
		[ "$status" -eq 1 ]
		[[ "$output" == *"the settings are refused, nothing was installed"* ]]
		[[ "$output" != *"$key"* ]]
		nothing_installed
	done
}

@test "the key is in the arguments of no program that the script starts" {
	with_systemd
	strace -f -e trace=execve -s 4096 -o "$BATS_TEST_TMPDIR/trace" true 2>/dev/null ||
		skip "no strace here"
	# a sanitizer that looks for leaks traces, too
	ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=execve -s 4096 -o "$BATS_TEST_TMPDIR/trace" \
		sh "$tree/deploy/install.sh" s3cret-key
	[ "$(grep -c s3cret-key "$BATS_TEST_TMPDIR/trace")" -eq 1 ]
}

@test "options of the last generation" {
	with_systemd
	piped --polycorder k1 --polycorder-node-id n1 --log-file /srv/logs/p.log --syslog --pagerduty r1
	[ "$status" -eq 0 ]
	[ "$(value polycorder auth_key)" = k1 ]
	[ "$(value polycorder node_id)" = n1 ]
	[ "$(value logfile filepath)" = /srv/logs/p.log ]
	[ "$(value syslog destination)" = default ]
	[ "$(value pagerduty routing_key)" = r1 ]
	"$polytect" check "$config"
	piped -p k2 -n n2 -l /srv/logs/q.log -s
	[ "$status" -eq 0 ]
	[ "$(value polycorder auth_key)" = k2 ]
	[ "$(value logfile filepath)" = /srv/logs/q.log ]
	! grep -q routing_key "$config"
	piped -h
	[ "$status" -eq 0 ]
	[[ "$output" == "usage: install.sh <polycorder auth key> [node id]"* ]]
}

@test "the log file's directory is made, and the unit may write there" {
	with_systemd
	piped -l '/srv/my "100%" logs/p.log'
	[ "$status" -eq 0 ]
	[ -d "$DESTDIR/srv/my \"100%\" logs" ]
	grep -qxF 'ReadWritePaths="/srv/my \"100%%\" logs"' \
		"$DESTDIR/etc/systemd/system/polytect.service.d/log-file.conf"
	# and no longer when the file is gone from the settings
	piped key
	[ ! -e "$DESTDIR/etc/systemd/system/polytect.service.d/log-file.conf" ]
}

@test "without arguments events go to a file, and installed settings are kept" {
	with_systemd
	piped
	[ "$status" -eq 0 ]
	[ "$(value logfile filepath)" = /var/log/polytect/polytect.log ]
	printf '[console]\nformat = "json"\n' >"$config"
	chmod 644 "$config"
	: >"$RECORD"
	piped
	[ "$status" -eq 0 ]
	[[ "$output" == *"settings in /etc/polytect/polytect.toml are kept"* ]]
	[ "$(cat "$config")" = '[console]
format = "json"' ]
	[ "$(stat -c %a "$config")" = 600 ]
	grep -q 'systemctl daemon-reload' "$RECORD"
	grep -q 'systemctl restart polytect.service' "$RECORD"
}

@test "settings of the first release are kept, and wrong ones are told before anything changes" {
	with_systemd
	mkdir -p "${config%/*}"
	cp "$tree/tests/configs/good/first-release.toml" "$config"
	piped
	[ "$status" -eq 0 ]
	cmp "$config" "$tree/tests/configs/good/first-release.toml"
	rm "$DESTDIR/usr/local/bin/polytect"
	printf '[polycorder]\nauth_key = "s3cret\n' >"$config"
	: >"$RECORD"
	piped
	[ "$status" -eq 1 ]
	[[ "$output" == *"the settings are refused, nothing was installed: "*polytect.toml:2:* ]]
	[[ "$output" != *s3cret* ]]
	[ ! -e "$DESTDIR/usr/local/bin/polytect" ]
	[ ! -s "$RECORD" ]
}

@test "installing again replaces the settings, keeps the spool, reloads units and restarts" {
	with_systemd
	piped first
	mkdir -p "$DESTDIR/var/lib/polytect/spool"
	echo event >"$DESTDIR/var/lib/polytect/spool/1"
	chmod 644 "$config"
	: >"$RECORD"
	piped second
	[ "$status" -eq 0 ]
	[ "$(value polycorder auth_key)" = second ]
	[ "$(stat -c %a "$config" "$config.old" | sort -u)" = 600 ]
	grep -q first "$config.old"
	[ -e "$DESTDIR/var/lib/polytect/spool/1" ]
	[ "$(head -n 1 "$RECORD")" = 'systemctl daemon-reload' ]
	grep -q 'systemctl restart polytect.service' "$RECORD"
}

@test "a service that does not start is a failure" {
	with_systemd
	FAIL=1 piped key
	[ "$status" -eq 1 ]
	[[ "$output" == *"systemd does not take the service"* ]]
	printf '#!/bin/sh\n[ "$1" != restart ]\n' >"$BATS_TEST_TMPDIR/bin/systemctl"
	piped key
	[ "$status" -eq 1 ]
	[[ "$output" == *"polytect is installed, but does not start"* ]]
	[[ "$output" != *" runs; "* ]]
}

@test "OpenRC" {
	with_openrc
	piped key node
	[ "$status" -eq 0 ]
	diff "$DESTDIR/etc/init.d/polytect" "$tree/deploy/openrc/polytect"
	[ "$(stat -c %a "$DESTDIR/etc/init.d/polytect")" = 755 ]
	[ "$(cat "$RECORD")" = "rc-update -q add polytect default
rc-service polytect restart
rc-service -q polytect status" ]
	# the supervisor runs, polytect does not
	mkdir -p "$DESTDIR/var/log/polytect"
	printf '#!/bin/sh\necho "polytect: polytect runs on this kernel already: pid 7" >>%s\n' \
		"$DESTDIR/var/log/polytect/messages.log" >"$BATS_TEST_TMPDIR/bin/rc-service"
	piped key
	[ "$status" -eq 1 ]
	[[ "$output" == *"does not start: polytect: polytect runs on this kernel already: pid 7"* ]]
	rm -r "$DESTDIR/var/log/polytect"
	printf '#!/bin/sh\necho "rc-service $*" >>"$RECORD"\n' >"$BATS_TEST_TMPDIR/bin/rc-service"
	piped uninstall
	[ "$status" -eq 0 ]
	nothing_installed
	grep -q 'rc-service --ifstarted polytect stop' "$RECORD"
	grep -q 'rc-update -q delete polytect default' "$RECORD"
}

@test "without a service manager nothing is done, and that is a failure" {
	piped key
	[ "$status" -eq 1 ]
	[[ "$output" == *"neither systemd nor OpenRC runs here"* ]]
	nothing_installed
	piped uninstall
	[ "$status" -eq 1 ]
}

@test "a program whose checksum is wrong is not installed" {
	with_systemd
	rm "$BULWARK_RELEASE/polytect"
	printf '#!/bin/sh\n' >"$BULWARK_RELEASE/polytect"
	piped key
	[ "$status" -eq 1 ]
	[[ "$output" == *"is damaged or was changed"* ]]
	nothing_installed
	[ ! -s "$RECORD" ]
}

@test "a release without a checksum is not installed" {
	with_systemd
	echo "$(printf '0%.0s' {1..64})  other" >"$BULWARK_RELEASE/SHA256SUMS"
	piped key
	[ "$status" -eq 1 ]
	[[ "$output" == *"has no checksum of 'polytect'"* ]]
	rm "$BULWARK_RELEASE/SHA256SUMS"
	piped key
	[ "$status" -eq 1 ]
	[[ "$output" == *"can't get 'SHA256SUMS'"* ]]
	nothing_installed
}

@test "--sha256 has to agree, too" {
	with_systemd
	piped --sha256 "$(printf '0%.0s' {1..64})" key
	[ "$status" -eq 1 ]
	nothing_installed
	piped --sha256 "$(sha256sum <"$polytect" | cut -d' ' -f1)" key
	[ "$status" -eq 0 ]
}

@test "a release is taken from a web server, with curl and with wget" {
	with_systemd
	port=$((20000 + RANDOM % 20000))
	python3 -m http.server --bind 127.0.0.1 -d "$BULWARK_RELEASE" $port >/dev/null 2>&1 3>&- &
	server=$!
	wait_for 10 curl -s "http://127.0.0.1:$port/"
	cp "$tree/deploy/install.sh" "$BULWARK_RELEASE/"
	BULWARK_RELEASE=http://127.0.0.1:$port \
		sh -c "curl -s -L http://127.0.0.1:$port/install.sh | sh -s key node"
	cmp "$DESTDIR/usr/local/bin/polytect" "$polytect"
	mkdir "$BATS_TEST_TMPDIR/few"
	for tool in sh cat uname wget sha256sum sed tr awk mkdir chmod mv cp rm mktemp dirname basename \
		head cmp tar; do
		ln -s "$(type -P $tool)" "$BATS_TEST_TMPDIR/few/"
	done
	ln -s "$BATS_TEST_TMPDIR/bin/systemctl" "$BATS_TEST_TMPDIR/few/"
	PATH=$BATS_TEST_TMPDIR/few BULWARK_RELEASE=http://127.0.0.1:$port piped other
	echo "$output"
	[ "$status" -eq 0 ]
	BULWARK_RELEASE=http://127.0.0.1:$port/nowhere piped key
	[ "$status" -eq 1 ]
	end $server
}

@test "a program that can't run here is not installed; libraries of the release help" {
	with_systemd
	rm "$BULWARK_RELEASE/polytect"
	cat >"$BULWARK_RELEASE/polytect" <<-'PROGRAM'
		#!/bin/sh
		[ -e "$(dirname "$0")/../lib/polytect/libneeded.so" ] ||
			{ echo "error while loading shared libraries: libneeded.so" >&2; exit 127; }
		echo polytect 1.0
	PROGRAM
	sums
	piped key
	[ "$status" -eq 1 ]
	[[ "$output" == *"can't run here"*libneeded.so* ]]
	nothing_installed
	touch "$BATS_TEST_TMPDIR/libneeded.so"
	tar -C "$BATS_TEST_TMPDIR" -czf "$BULWARK_RELEASE/polytect-libraries-$(uname -m).tar.gz" libneeded.so
	sums
	piped key
	echo "$output"
	[ "$status" -eq 0 ]
	[ -e "$DESTDIR/usr/local/lib/polytect/libneeded.so" ]
	piped uninstall
	nothing_installed
	[ ! -e "$DESTDIR/usr/local/lib/polytect" ]
}

@test "uninstall removes what install made" {
	with_systemd
	piped key node
	: >"$RECORD"
	piped uninstall
	[ "$status" -eq 0 ]
	[ "$(head -n 1 "$RECORD")" = 'systemctl disable --now polytect.service' ]
	[ ! -e "$DESTDIR/etc/polytect" ]
	[ ! -e "$DESTDIR/var/lib/polytect" ]
	[ ! -e "$DESTDIR/etc/systemd/system/polytect.service" ]
	nothing_installed
	piped --uninstall # nothing to do is fine
	[ "$status" -eq 0 ]
}

@test "uninstall keeps events and logs, but for --purge, and files of others always" {
	with_systemd
	piped key
	mkdir -p "$DESTDIR/var/lib/polytect/spool" "$DESTDIR/var/log/polytect"
	echo event >"$DESTDIR/var/lib/polytect/spool/1"
	echo event >"$DESTDIR/var/log/polytect/polytect.log"
	echo mine >"$DESTDIR/etc/polytect/mine"
	piped uninstall
	[ "$status" -eq 0 ]
	[[ "$output" == *"/var/lib/polytect stays"* ]]
	[ -e "$DESTDIR/var/lib/polytect/spool/1" ]
	[ -e "$DESTDIR/var/log/polytect/polytect.log" ]
	[ -e "$DESTDIR/etc/polytect/mine" ]
	piped uninstall --purge
	[ "$status" -eq 0 ]
	[ ! -e "$DESTDIR/var/lib/polytect" ]
	[ ! -e "$DESTDIR/var/log/polytect" ]
}

@test "uninstall leaves other processes called polytect alone" {
	with_systemd
	piped key
	cp "$(type -P sleep)" "$BATS_TEST_TMPDIR/polytect"
	"$BATS_TEST_TMPDIR/polytect" 60 3>&- &
	other=$!
	piped uninstall
	kill -0 $other
	end $other
}

@test "wrong arguments are told, change nothing, and are no secret" {
	with_systemd
	for arguments in '' 'key node more' '-p' '-p a -p b' '-l relative.log' '-l /var/log/' '-n node' \
		'--purge' 'uninstall key' '--polycordr s3cret' 's3cret --polycordr'; do
		# shellcheck disable=SC2086 # lists
		[ -n "$arguments" ] && piped $arguments || piped ''
		[ "$status" -eq 2 ]
		[[ "$output" == *"see --help"* ]]
		[[ "$output" != *s3cret* ]]
	done
	nothing_installed
	[ ! -s "$RECORD" ]
}

@test "half a script does nothing" {
	with_systemd
	bytes=$(stat -c %s "$tree/deploy/install.sh")
	for part in 3 2; do
		head -c $((bytes * (part - 1) / part)) "$tree/deploy/install.sh" | sh -s key || true
	done
	for less in 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do
		head -c $((bytes - less)) "$tree/deploy/install.sh" | sh -s key || true
	done
	nothing_installed
	[ ! -s "$RECORD" ]
}
