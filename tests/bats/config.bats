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
		# never a bare number for a reason
		[[ ! "$output" =~ errno|error\ [0-9]+ ]]
	done
	[ $failed = 0 ]
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
}

@test "every key of the sample that polytect prints is taken, with the default that it shows" {
	table=
	"$polytect" config | grep -E '^(#[a-z_]+ = |\[)' | while read -r line; do
		case $line in
		\[*) table=$line; continue ;;
		esac
		[[ $line != *'= ""' ]] || continue # has no default
		printf '%s\n%s\n' "$table" "${line#\#}" >"$BATS_TEST_TMPDIR/one.toml"
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
