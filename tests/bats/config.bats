# Settings: wrong ones are refused with place and remedy, old names are understood, right ones are taken.

load setup

# Every file in configs/bad says in its first line what polytect has to answer.
@test "every bad settings file gives exit 2 and names the line" {
	failed=0
	for file in "$tree"/tests/configs/bad/*.toml; do
		expected=$(sed -n '1s/^# expect: //p' "$file")
		[ -n "$expected" ]
		run "$polytect" check "$file"
		if [ "$status" -ne 2 ] || [[ "$output" != *"$expected"* ]]; then
			echo "$file: exit $status, said: $output"
			echo "  expected: $expected"
			failed=1
		fi
		# never a bare number for a reason, and never a secret
		[[ ! "$output" =~ errno|error\ [0-9]+ ]]
		[[ "$output" != *s3cret* ]]
	done
	[ $failed = 0 ]
}

@test "what is no settings file is named, with the reason" {
	cd "$BATS_TEST_TMPDIR"
	mkdir folder
	for command in check --configfile; do
		run "$polytect" $command folder
		[ "$status" -eq 2 ]
		[ "$output" = "polytect: read 'folder': Is a directory" ]
		run "$polytect" $command none
		[ "$status" -eq 2 ]
		[ "$output" = "polytect: read 'none': No such file or directory" ]
		head -c 1100000 /dev/zero | tr '\0' '#' >large
		run "$polytect" $command large
		[ "$status" -eq 2 ]
		[ "$output" = "polytect: read 'large': larger than 1048576 bytes" ]
	done
}

@test "a settings file that may not be read is named, with the reason" {
	need_root
	cd "$BATS_TEST_TMPDIR"
	printf '[console]\nformat = "text"\n' >mine
	chmod 600 mine
	# the folders above are root's alone
	mkdir "/tmp/bulwark-config-$$"
	chmod 755 "/tmp/bulwark-config-$$"
	mv mine "/tmp/bulwark-config-$$/"
	cd "/tmp/bulwark-config-$$"
	run setpriv --reuid 65534 --clear-groups "$polytect" check mine
	rm -r "/tmp/bulwark-config-$$"
	[ "$status" -eq 2 ]
	[ "$output" = "polytect: read 'mine': Permission denied" ]
}

@test "every good settings file is fine" {
	for file in "$tree"/tests/configs/good/*.toml; do
		run "$polytect" check "$file"
		echo "$output"
		[ "$status" -eq 0 ]
	done
}

@test "keys of older releases are accepted with a notice" {
	run "$polytect" check "$tree/tests/configs/good/first-release.toml"
	[ "$status" -eq 0 ]
	[[ "$output" == *"'console_config.format' is the old name of 'console.format'"* ]]
	[[ "$output" == *"first-release.toml:15:19: 'polycorder_config.flush_timeout.secs' is the old name"* ]]
	run "$polytect" check "$tree/tests/configs/good/second-release.toml"
	[ "$status" -eq 0 ]
	[[ "$output" == *"'pagerduty_routing_key' is the old name of 'pagerduty.routing_key'"* ]]
	[[ "$output" == *"'syslog.hostname' has no effect any more"* ]]
	[[ "$output" != *s3cret* && "$output" != *r0uting* ]]
}

@test "every key of the sample that polytect prints is taken, with the default that it shows" {
	table=
	"$polytect" config | grep -E '^(#[a-z_]+ = |\[)' | while read -r line; do
		case $line in
		\[*) table=$line; continue ;;
		esac
		[[ $line != *'= ""' ]] || continue # has no default
		printf '%s\n%s\n' "$table" "${line#\#}" >"$BATS_TEST_TMPDIR/one.toml"
		# without a sink it would be wrong for another reason
		case $table$line in
		"[console]"*format*) ;;
		"[console]"*) echo 'format = "text"' >>"$BATS_TEST_TMPDIR/one.toml" ;;
		*) printf '[console]\nformat = "text"\n' >>"$BATS_TEST_TMPDIR/one.toml" ;;
		esac
		"$polytect" check "$BATS_TEST_TMPDIR/one.toml" >"$BATS_TEST_TMPDIR/said" 2>&1 ||
			grep -q "' needs '" "$BATS_TEST_TMPDIR/said" ||
			{ echo "$table $line: $(cat "$BATS_TEST_TMPDIR/said")"; exit 1; }
	done
}

@test "--configfile allows no other option" {
	printf '[console]\nformat = "json"\n' >"$BATS_TEST_TMPDIR/c.toml"
	run "$polytect" --configfile "$BATS_TEST_TMPDIR/c.toml" --console text
	[ "$status" -eq 2 ]
	[[ "$output" == *"option '--console' can't be used with '--configfile'"* ]]
	run "$polytect" -v --configfile "$BATS_TEST_TMPDIR/c.toml"
	[ "$status" -eq 2 ]
}

@test "a settings file that is not there is named" {
	run "$polytect" --configfile /does/not/exist.toml
	[ "$status" -eq 2 ]
	[[ "$output" == *"read '/does/not/exist.toml': No such file or directory"* ]]
}

@test "without a sink polytect does not start" {
	run "$polytect"
	[ "$status" -eq 2 ]
	[[ "$output" == *"nowhere to send events"* ]]
}

@test "the environment is read, and wrong values in it are named" {
	BULWARK_CONSOLE_FORMAT=xml run "$polytect"
	[ "$status" -eq 2 ]
	[[ "$output" == *'$BULWARK_CONSOLE_FORMAT: '\''xml'\'' is not known; use text, json'* ]]
}

@test "an option given twice, misspelt, or without its value is named" {
	run "$polytect" --console text --console json
	[ "$status" -eq 2 ]
	[[ "$output" == *"option '--console' is given twice"* ]]
	run "$polytect" --consol text
	[ "$status" -eq 2 ]
	run "$polytect" --configure x
	[ "$status" -eq 2 ]
	[[ "$output" == *"did you mean '--configfile'?"* ]]
	run "$polytect" --console
	[ "$status" -eq 2 ]
	[[ "$output" == *"needs a value"* ]]
	run "$polytect" --console text stray
	[ "$status" -eq 2 ]
	[[ "$output" == *"'stray' is not an option"* ]]
	run "$bulwark" upp
	[ "$status" -eq 2 ]
	[[ "$output" == *"command 'upp' is not known"* ]]
}

@test "help, version and manual page name the program" {
	for program in "$bulwark" "$build/bin/ingraind" "$polytect"; do
		name=${program##*/}
		run "$program" --help
		[ "$status" -eq 0 ]
		[[ "$output" == "$name - "* ]]
		run "$program" --version
		[ "$status" -eq 0 ]
		[[ "$output" == "$name "[0-9]* ]]
		run "$program" man
		[ "$status" -eq 0 ]
		[[ "$output" == *".Nm $name"* ]]
	done
}

@test "the options of older releases are taken, in any case of letters" {
	: >"$BATS_TEST_TMPDIR/log"
	export BULWARK_SPOOL_DIRECTORY=$BATS_TEST_TMPDIR/spool
	run "$polytect" --source "$BATS_TEST_TMPDIR/log" --auto-configure debug.exception-trace \
		--auto-configure kernel.print-fatal-signals --console JSON --polycorder key --node n1 \
		--flush-timeout-secs 10 --flush-event-count 10 -v --verbose
	echo "$output"
	[ "$status" -eq 0 ]
	run "$polytect" --source "$BATS_TEST_TMPDIR/log" --hostname web1 \
		--auto-configure klog.include-timestamp --gobble-old-events --console cef \
		--pagerduty key --syslog Text --syslog-destination UDP --syslog-server 127.0.0.1:9 \
		--syslog-local 127.0.0.1:0 --log-file-format text \
		--log-file-path "$BATS_TEST_TMPDIR/events" --log-file-rotation-count 2 \
		--log-file-rotation-max-size 65536 --analytics-mode Detected \
		--detected-event-details FULL
	echo "$output"
	[ "$status" -eq 0 ]
	run "$polytect" --source "$BATS_TEST_TMPDIR/log" --syslog json --syslog-destination unix \
		--syslog-unix-socket-path "$BATS_TEST_TMPDIR/socket"
	echo "$output"
	[ "$status" -eq 0 ]
}

# refused WORDS OPTION...: exit 2, with these words.
refused() {
	local words=$1
	shift
	run timeout 20 "$polytect" --console text "$@"
	echo "$* -> $status: $output"
	[ "$status" -eq 2 ]
	[[ "$output" == *"$words"* ]]
}

@test "options that lack a partner, come twice or contradict each other are named" {
	refused "option '--node' needs '--polycorder'" --node n1
	refused "option '--flush-timeout-secs' needs '--polycorder'" --flush-timeout-secs 3
	refused "option '--flush-event-count' needs '--polycorder'" --flush-event-count 3
	refused "option '--log-file-format' needs '--log-file-path'" --log-file-format json
	refused "option '--log-file-path' needs '--log-file-format'" --log-file-path /tmp/none
	refused "option '--log-file-rotation-count' needs '--log-file-rotation-max-size'" \
		--log-file-format json --log-file-path /tmp/none --log-file-rotation-count 3
	refused "option '--syslog-destination' needs '--syslog'" --syslog-destination udp
	refused "needs 'syslog.server'" --syslog text --syslog-destination tls
	refused "option '--auto-configure' is given twice" --auto-configure debug.exception-trace \
		--auto-configure debug.exception-trace
	refused "option '--auto-configure': 'debug' is not known; use 'debug.exception-trace', 'kernel.print-fatal-signals', 'klog.include-timestamp'" \
		--auto-configure debug
	refused "option '--polycorder': must not be empty" --polycorder ''
	refused "option '--flush-event-count': '-1' is not a whole number" --polycorder key \
		--flush-event-count -1
	refused "option '--hostname': must not contain control characters" --hostname "$(printf 'a\nb')"
	refused "option '-p' is not known; see --help" -p key
	refused "option '--configfile' " --configfile
}

@test "a wrong settings file is no reason to run without it" {
	printf '[console]\nformat = "text"\n[logfile]\nformat = "json"\n' >"$BATS_TEST_TMPDIR/c.toml"
	run timeout 20 "$polytect" --configfile "$BATS_TEST_TMPDIR/c.toml"
	[ "$status" -eq 2 ]
	[ "$output" = "polytect: $BATS_TEST_TMPDIR/c.toml:4:1: 'logfile.format' needs 'logfile.filepath'" ]
	run timeout 20 "$bulwark" up --config "$BATS_TEST_TMPDIR/c.toml"
	[ "$status" -eq 2 ]
	[ "$output" = "bulwark: $BATS_TEST_TMPDIR/c.toml:4:1: 'logfile.format' needs 'logfile.filepath'" ]
}
