#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is done with watched files: told once each, under the names that processes and containers
# see, and nothing of others.

load setup
load network
load files

# Not the best where fanotify is to be had, so `check` doesn't say whether this kernel can.
setup_file() {
	need_root
	export BULWARK_FILES_MECHANISM=tp_btf BULWARK_FILES_PATHS=/nowhere
	out=$BATS_FILE_TMPDIR/out err=$BATS_FILE_TMPDIR/err
	start
	end "$agent"
	grep -q 'files  *tp_btf (' "$err" || skip "this kernel has no tp_btf for the files sensor"
}

setup() {
	need_root
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err said=$BATS_TEST_TMPDIR/said
	make_files
}

# tells LINE...: exactly these have been told by the agent, which ends, beside closes.
tells() {
	end "$agent"
	agent=
	diff <(printf '%s\n' "$@") <(told close) >&2
}

@test "opens are told with flags, and nothing of files elsewhere" {
	start_files
	echo one >etc/new
	cat etc/new etcetera/* >/dev/null 2>&1 || true
	echo one >etcetera/new
	cat etcetera/new >/dev/null
	exec 9<>etc/new 9>&-
	wait_for 5 has '."file.path" == "'"$dir"'/etc/new" and ."file.flags" == "O_RDWR|O_CREAT"'
	tells 'open etc/new' 'open etc/new' 'open etc/new'
	has '."event.name" == "file.open" and ."file.created" and ."file.size" == 0 and ."file.mode" == "0644"
		and ."file.flags" == "O_WRONLY|O_CREAT|O_TRUNC" and ."file.type" == "regular"
		and ."file.owner.id" == 0 and ."process.pid" > 0 and ."file.inode" == "'"$(stat -c %i etc/new)"'"'
	has '."file.flags" == "O_RDONLY" and ."process.comm" == "cat" and ."process.command_line" != null
		and ."file.size" == 4 and ."file.created" == null'
}

@test "names and attributes: each change once" {
	touch etc/a
	start_files
	mv etc/a etc/b
	chmod 600 etc/b
	chown 1:2 etc/b
	truncate -cs 5 etc/b
	ln etc/b out/hard
	ln out/hard etc/again
	ln -s nowhere etc/soft
	mkdir etc/d
	rmdir etc/d
	mv etc/b out/c
	mv out/c etc/sub/e
	rm etc/sub/e etc/soft
	wait_for 5 has '."file.path" == "'"$dir"'/etc/soft" and ."event.name" == "file.delete"'
	tells 'rename etc/a etc/b' 'chmod etc/b' 'chown etc/b' 'open etc/b' 'truncate etc/b' \
		'link etc/b out/hard' 'link out/hard etc/again' 'symlink etc/soft' 'mkdir etc/d' \
		'delete etc/d' 'rename etc/b out/c' 'rename out/c etc/sub/e' 'delete etc/sub/e' \
		'delete etc/soft'
	has '."event.name" == "file.chmod" and ."file.mode" == "0600"'
	has '."event.name" == "file.chown" and ."file.owner.id" == 1 and ."file.group.id" == 2'
	has '."event.name" == "file.truncate" and ."file.size" == 5'
	has '."event.name" == "file.link" and ."file.links" == 2'
}

@test "by descriptor, too, and what fails is no change" {
	touch etc/a
	start_files
	files descriptors
	wait_for 5 has '."event.name" == "file.truncate"'
	tells 'open etc/a' 'chmod etc/a' 'chown etc/a' 'truncate etc/a'
}

@test "a directory that moves takes what is watched along, and brings it" {
	echo x >etc/sub/file
	echo x >out/file
	start_files
	cat etc/sub/file out/file >/dev/null
	mv etc/sub out/sub
	cat out/sub/file >/dev/null
	mv out etc/out
	cat etc/out/sub/file etc/out/file >/dev/null
	wait_for 5 has '."file.path" == "'"$dir"'/etc/out/file"'
	tells 'open etc/sub/file' 'rename etc/sub out/sub' 'rename out etc/out' \
		'open etc/out/sub/file' 'open etc/out/file'
}

# closed PATH READ WRITTEN: such a close has been told.
closed() {
	wait_for 5 has '."event.name" == "file.close" and ."file.path" == "'"$dir/$1"'" and
		."file.read.bytes" == '"$2"' and ."file.written.bytes" == '"$3"
}

@test "what was read and written is told at the close, each byte once" {
	head -c 10000 /dev/zero >etc/read
	start_files
	cat etc/read >etc/copied
	closed etc/read 10000 0
	closed etc/copied 0 10000
	files sums
	closed etc/held 3 5     # not closed before the process ended
	closed etc/shared 0 12  # by parent and child
	closed etc/twice 0 4    # through a copy of the descriptor
	closed etc/sent 1000 0
	wait_for 5 has '."event.name" == "file.close" and ."file.path" == null and ."file.written.bytes" == 6'
	sleep 0.1
	end "$agent"
	agent=
	[ "$(grep -c '"event.name":"file.close"' "$out")" -eq 7 ]
}

# Every opening that the kernel granted, as strace sees it, is an event, and no other is.
@test "as strace sees it" {
	type -P strace >/dev/null || skip "no strace"
	start_files
	strace -qq -o trace -e trace=openat,unlink,rename,chmod python3 "$tree/tests/tools/files.py" mixed
	wait_for 5 has '."event.name" == "file.chmod"'
	end "$agent"
	agent=
	# rename(2) of a file to itself changes nothing.
	sed -nE '
		/ = -1 /d
		/"(etc|etc\/sub)\/f/!d
		/^rename\("([^"]*)", "\1"\)/d
		s/^openat\(AT_FDCWD, "([^"]*)".*/open \1/p
		s/^unlink\("([^"]*)".*/delete \1/p
		s/^chmod\("([^"]*)".*/chmod \1/p
		s/^rename\("([^"]*)", "([^"]*)".*/rename \1 \2/p' trace >seen
	[ "$(wc -l <seen)" -gt 100 ]
	diff seen <(told close | grep -v '\.py$') >&2
}

@test "a container's files, by their names there" {
	name=watched-$$-$RANDOM
	export BULWARK_FILES_PATHS=/$name
	start_files
	mkdir "$name" etc/"$name"
	unshare -m --propagation private bash -e <<-END
		mount -t tmpfs none etc
		mkdir -p etc/$name etc/other etc/old
		mount --bind /bin etc/old 2>/dev/null || true
		cd etc
		pivot_root . old
		echo x >/$name/file
		echo x >/other/file
	END
	chroot_out() { python3 -c 'import os, sys; os.chroot(sys.argv[1]); open(sys.argv[2], "w")' "$@"; }
	chroot_out "$dir" "/$name/jail"
	wait_for 5 has '."file.path" == "/'"$name"'/jail"'
	tells "open /$name/file" "open /$name/jail"
	has '."file.path" == "/'"$name"'/file" and ."process.namespace.mnt" != '"$(stat -Lc %i /proc/self/ns/mnt)"
}

@test "what is watched is known by its number where it is mounted, and so are parts of it" {
	touch etc/file
	start_files
	unshare -m --propagation private bash -e <<-END
		mount --bind etc out
		cat out/file
		umount out
		mount --bind etc/sub out
		touch out/deep etcetera/one
		mount --bind etc/file etcetera/one
		cat etcetera/one
		mount --bind etcetera out
		touch out/none
	END
	wait_for 5 has '."file.path" == "'"$dir"'/etcetera/one"'
	tells 'open out/file' 'open out/deep' 'open etcetera/one'
}

@test "a watched file is known by its number under other names" {
	echo x >etc/secret
	export BULWARK_FILES_PATHS=$dir/etc/secret
	start_files
	ln etc/secret out/link
	cat out/link etc/secret etc/sub/* >/dev/null 2>&1 || true
	wait_for 5 has '."file.path" == "'"$dir"'/etc/secret" and ."event.name" == "file.open"'
	tells 'link etc/secret out/link' 'open out/link' 'open etc/secret'
}

@test "what is excluded, and what is watched within it" {
	mkdir -p etc/sub/in
	cat >c.toml <<-END
		[files]
		paths = ["$dir/etc/", "$dir/etc/sub/in"]
		exclude = ["$dir/etc/sub"]
	END
	unset BULWARK_FILES_PATHS
	"$bulwark" up --config c.toml --under $$ --listen off --output json >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'files  *tp_btf' "$err"
	touch etc/a etc/sub/b etc/sub/in/c
	wait_for 5 has '."file.path" == "'"$dir"'/etc/sub/in/c"'
	tells 'open etc/a' 'open etc/sub/in/c'
}

@test "other ways to open: openat2, a handle, O_PATH, an unlinked file" {
	touch etc/a
	start_files
	files ways
	wait_for 5 has '."event.name" == "file.delete"'
	sleep 0.1
	tells 'open etc/a' 'open etc/a' 'open etc/a' 'open etc/a' 'delete etc/a' 'open etc/a'
	[ "$(grep -c '"file.flags":"O_RDWR"' "$out")" -eq 1 ]
	has '."file.flags" | . != null and test("O_PATH")'
}

@test "a path that is too long is cut, and marked" {
	start_files
	files deep
	wait_for 5 has '."file.path" // "" | endswith("/deeper")'
	has '."file.path" // "" | startswith("...") and endswith("/deep") and length > 2000'
	has '."file.path" // "" | startswith("...") and endswith("/d/d/deeper")'
}

@test "a process that does much is told of no more than files.rate, and how much that was" {
	touch etc/a
	export BULWARK_FILES_RATE=10
	start_files
	files loop
	wait_for 5 has '."file.suppressed" > 400'
	end "$agent"
	agent=
	told=$(grep -c '"event.name":"file.open"' "$out")
	held=$(jq -s 'map(."file.suppressed" // 0) | add' "$out")
	[ $((told + held)) -eq 501 ]
	[ "$told" -le 30 ]
	has '."event.name" == "loss" and ."loss.place" == "files" and ."loss.total" == '"$held"
}

# closes_lost TOTAL: so many files' closing could not be told, as the agent says.
closes_lost() {
	wait_for 5 has '."event.name" == "loss" and ."loss.total" == '"$1"'
		and (."loss.reason" | startswith("too many watched files were open"))'
}

@test "more files open than there is room for: each is counted, and there is room again" {
	echo x >etc/a
	export BULWARK_FILES_RATE=100
	start_files
	files many 9000 closed
	closes_lost $((9000 - 8192))
	files many 8192 closed
	echo xyz >etc/b
	closed etc/b 0 4
	closes_lost $((9000 - 8192))
}

@test "files whose end nobody sees leave their places, and are counted" {
	echo x >etc/a
	export BULWARK_FILES_RATE=100
	start_files
	first=$(files many 5000 left)
	closes_lost "$first"
	second=$(files many 5000 left)
	closes_lost $((first + second))
}

@test "off unless asked for, and paths that can't be" {
	unset BULWARK_FILES_PATHS
	start
	wait_for 5 grep -q 'not asked for (see files.paths)' "$err"
	end "$agent"
	agent=
	for path in etc /etc/../x "/$(printf '%070d' 1)"; do
		export BULWARK_FILES_PATHS=$path
		start
		wait_for 5 grep -qF "watch files: '$path'" "$err"
		end "$agent"
		agent=
	done
}
