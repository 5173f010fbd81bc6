# Saved kernel logs: polytect reads them through the same parser, detectors and sinks, and ends.

load setup

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	# What syslog(2) gives, and dmesg(1) can show in each of its forms.
	cat >raw <<-'END'
		<5>[    0.000000] Linux version 6.18.0
		<6>[   12.500000] web[20201]: segfault at 10 ip 000055b8ac915250 sp 00007ffe06b11ec0 error 4 in web[1250,55b8ac915000+1000] likely on CPU 0 (core 0, socket 0)
		<6>[   12.500030] Code: 48 8d 15 <8b> 00 e9 95
		<13>[   13.000000] web[20202]: segfault at 10 ip 000055b8ac915250 sp 00007ffe06b11ec0 error 4
	END
}

# shows FILE: the one crash is there, with its place, and nothing else is a crash.
shows() {
	"$polytect" --source "$1" --console json >out
	jq -es 'map(select(."event.name" == "process.trap")) | length == 1 and (.[0] |
		."process.comm" == "web" and ."process.pid" == 20201
		and ."fault.address" == "0x10" and ."code.module.offset" == "0x1250"
		and ."code.bytes" == "48 8d 15 <8b> 00 e9 95")' out
}

@test "dmesg in each of its forms" {
	command -v dmesg || skip "dmesg is not installed"
	for form in '' -r -d -e -T -t -x '-x -T' '--time-format iso' '--time-format delta'; do
		# Which facility a line has is shown by -r and -x alone.
		lines=3
		case $form in *r | *x*) lines=4 ;; esac
		head -n $lines raw >asked
		# shellcheck disable=SC2086 # options
		dmesg -F asked $form >saved
		echo "dmesg $form: $(sed -n 2p saved)"
		shows saved
	done
}

@test "a line that user space has written into the saved log is forged, not believed" {
	"$polytect" --source raw --console json >out
	jq -es 'map(select(."event.name" == "kmsg.forged")) | length == 1
		and .[0]."kmsg.facility" == "user"' out
}

@test "records of /dev/kmsg, from standard input" {
	{
		sed -n 2p raw | sed 's/^<6>\[ *12.500000\] /6,434,12500000,-;/'
		echo ' SUBSYSTEM=none'
		sed -n 3p raw | sed 's/^<6>\[ *12.500030\] /6,435,12500030,-;/'
	} >saved
	shows - <saved
	cat saved | shows -
}

@test "a journal, as JSON and in the export format" {
	sed -n '2,3s/^<6>\[[^]]*\] //p' raw | jq -cR '{MESSAGE: ., _TRANSPORT: "kernel",
		SYSLOG_FACILITY: "0", PRIORITY: "6", __REALTIME_TIMESTAMP: "1795320578568000"}' >saved
	shows saved
	jq -e '.time | startswith("2026-11-22T")' out
	sed -n '2,3s/^<6>\[[^]]*\] //p' raw | while read -r line; do
		printf '__CURSOR=x\n__REALTIME_TIMESTAMP=1795320578568000\n_TRANSPORT=kernel\n'
		printf 'SYSLOG_FACILITY=0\nPRIORITY=6\nMESSAGE=%s\n\n' "$line"
	done >saved
	shows saved
}

@test "a pstore dump" {
	{ echo 'Panic#2 Part1'; cat raw; } | head -n 4 >saved
	shows saved
}

@test "a syslog file: the kernel's lines alone" {
	{
		sed -n '2,3s/^<6>/Nov 22 14:50:47 web1 kernel: /p' raw
		echo 'Nov 22 14:50:48 web1 cron[12]: web[1]: segfault at 0 ip 0 sp 0 error 4'
	} >saved
	shows saved
}

@test "an attack is found in a saved log, in the time of the log" {
	# Workers of one server crash at places a few bytes apart, a minute from each other.
	for n in $(seq 0 7); do
		printf '<6>[%5d.000000] srv[%d]: segfault at 0 ip %016x sp 00007ffe06b11ec0 error 4 in srv[%x,55b8ac915000+1000]\n' \
			$((100 + 60 * n)) $((300 + n)) $((0x55b8ac915250 + 4 * n)) $((0x1250 + 4 * n))
	done >saved
	"$polytect" --source saved --console json --analytics-mode detected >out
	jq -es '[.[] | select(."event.name" == "detection.register_probe")] | (length >= 1)
		and (map(."detection.key") | unique | length == 1)
		and .[-1]."detection.event_count" == 8' out
}

@test "nothing of this machine gets into it" {
	sed "s/20201/$$/" raw >saved
	"$polytect" --source saved --console json >out
	jq -es 'all(.[]; has("process.executable.path") or has("container.id") | not)' out
}

@test "what can't be read is said, with exit code 1" {
	run "$polytect" --source "$BATS_TEST_TMPDIR/none" --console text
	[ "$status" -eq 1 ]
	[[ "$output" == *"open '$BATS_TEST_TMPDIR/none': No such file or directory"* ]]
	run "$polytect" --source "$BATS_TEST_TMPDIR" --console text
	[ "$status" -eq 1 ]
	[[ "$output" == *"Is a directory"* ]]
}

@test "anybody may read a log that is theirs" {
	need_root
	chmod 755 "$BATS_TEST_TMPDIR"
	run setpriv --reuid 65534 --clear-groups "$polytect" --source - --console json <raw
	[ "$status" -eq 0 ]
	[[ "$output" == *process.trap* ]]
}
