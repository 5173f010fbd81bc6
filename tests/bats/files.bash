# What the tests of watched files share, however they are watched: $BULWARK_FILES_MECHANISM.
# shellcheck shell=bash

# make_files: the folder $dir, of which etc is watched, and nothing beside it.
make_files() {
	echo '{}' >"$said"
	dir=$BATS_TEST_TMPDIR/root
	mkdir -p "$dir/etc/sub" "$dir/etcetera" "$dir/out"
	cd "$dir" || return 1
	export BULWARK_FILES_PATHS=$dir/etc
}

start_files() {
	start
	wait_for 5 grep -q "files  *$BULWARK_FILES_MECHANISM" "$err"
}

files() { "$tree/tests/tools/files.py" "$@"; }

# told [LEAVE]: events of files, in order, as "what path target", without those that LEAVE names.
told() {
	grep '"event.name":"file\.' "$out" | jq -r --arg dir "$dir/" --arg leave "${1:-none}" 'select(."event.name" | test("\\.(" + $leave + ")$") | not) |
		[."event.name"[5:], (."file.path" // "-" | ltrimstr($dir)), (."file.target_path" // empty | ltrimstr($dir))] | join(" ")'
}
