#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Watched files, as fanotify tells of them.

load setup
load network
load files

setup() {
	export BULWARK_FILES_MECHANISM=fanotify
	need_sensor files fanotify
	make_files
}

# tells LINE...: exactly these have been told by the agent, which ends, beside opens of directories.
tells() {
	sleep 0.1
	end "$agent"
	agent=
	diff <(printf '%s\n' "$@") <(grep -v '"file.type":"directory".*"file.fanotify_mask":"FAN_OPEN|FAN_ONDIR"' "$out" >"$out.files"
		out=$out.files told) >&2
}

@test "made, written, read, changed, renamed and deleted, by whom" {
	touch etc/a
	start_files
	echo one >etc/new
	cat etc/new >/dev/null
	echo one >etcetera/new
	mv etc/a etc/b
	chmod 600 etc/b
	ln etc/b out/hard
	ln out/hard etc/again
	ln -s nowhere etc/soft
	wait_for 5 has '."event.name" == "file.symlink"' # who is late can't see what it was
	mkdir etc/d
	rmdir etc/d
	mv etc/b out/c
	mv out/c etc/sub/e
	rm etc/sub/e etc/soft
	wait_for 5 has '."file.path" == "'"$dir"'/etc/soft" and ."event.name" == "file.delete"'
	tells 'open etc/new' 'close etc/new' 'open etc/new' 'rename etc/a etc/b' 'change etc/b' \
		'link - etc/again' 'symlink etc/soft' 'mkdir etc/d' 'delete etc/d' 'rename etc/b' \
		'rename - etc/sub/e' 'delete etc/sub/e' 'delete etc/soft'
	has '."event.name" == "file.open" and ."file.created" and ."process.comm" == "bash" and ."file.mode" == "0644"
		and ."file.type" == "regular" and ."file.owner.id" == 0 and ."file.flags" == null
		and ."file.inode" == "'"$(stat -c %i etc/new)"'"
		and ."file.device" == "'"$(stat -c '%Hd:%Ld' etc/new)"'"'
	has '."event.name" == "file.open" and ."process.comm" == "cat" and ."process.command_line" != null
		and ."file.created" == null and ."file.size" == 4'
	has '."event.name" == "file.close" and ."file.written.bytes" == null and (."file.fanotify_mask" | test("FAN_MODIFY"))'
	has '."event.name" == "file.change" and ."file.fanotify_mask" == "FAN_ATTRIB"'
	has '."event.name" == "file.rename" and ."process.comm" == "mv" and ."file.inode" != null'
	has '."event.name" == "file.delete" and ."process.comm" == "rm"'
}

@test "directories made, moved and moved away are followed" {
	echo x >out/file
	start_files
	mkdir etc/new
	wait_for 5 has '."event.name" == "file.mkdir"'
	mkdir etc/new/deep
	wait_for 5 has '."file.path" == "'"$dir"'/etc/new/deep"'
	echo x >etc/new/deep/file
	mv etc/new etc/moved
	cat etc/moved/deep/file
	mv etc/moved etcetera/
	cat etcetera/moved/deep/file
	mv etcetera/moved/deep etc/sub/
	wait_for 5 has '."file.target_path" == "'"$dir"'/etc/sub/deep"'
	cat etc/sub/deep/file
	mv out etc/
	wait_for 5 has '."file.target_path" == "'"$dir"'/etc/out"'
	cat etc/out/file
	wait_for 5 has '."file.path" == "'"$dir"'/etc/out/file"'
	! grep -q "\"process.pid\":$agent," "$out"
	tells 'mkdir etc/new' 'mkdir etc/new/deep' 'open etc/new/deep/file' 'close etc/new/deep/file' \
		'rename etc/new etc/moved' 'open etc/moved/deep/file' 'rename etc/moved' \
		'rename - etc/sub/deep' 'open etc/sub/deep/file' 'rename out etc/out' 'open etc/out/file'
}

@test "what is excluded, what is watched within it, and links on the way" {
	mkdir -p etc/sub/in
	ln -s etc by
	cat >c.toml <<-END
		[files]
		paths = ["$dir/by/", "$dir/etc/sub/in"]
		exclude = ["$dir/etc/sub", "$dir/etc/quiet"]
	END
	unset BULWARK_FILES_PATHS
	"$bulwark" up --config c.toml --under $$ --listen off --output json >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'files  *fanotify' "$err"
	touch etc/quiet etc/sub/b etc/a etc/sub/in/c
	wait_for 5 has '."file.path" == "'"$dir"'/etc/sub/in/c"'
	tells 'open etc/a' 'change etc/a' 'close etc/a' 'open etc/sub/in/c' 'change etc/sub/in/c' \
		'close etc/sub/in/c'
}

@test "a single file is watched, also by other names, and what replaces it; one that isn't there yet, too" {
	echo x >etc/secret
	echo x >out/later
	export BULWARK_FILES_PATHS=$dir/etc/secret$'\n'$dir/etc/later/file
	start_files
	echo x >etc/other
	cat etc/other etc/secret
	ln etc/secret out/link
	cat out/link
	echo y >etc/new
	mv etc/new etc/secret
	wait_for 5 has '."event.name" == "file.rename"'
	cat etc/secret out/link
	mkdir etc/later
	sleep 0.1
	mv out/later etc/later/file
	wait_for 5 has '."file.target_path" == "'"$dir"'/etc/later/file"'
	cat etc/later/file
	wait_for 5 has '."file.path" == "'"$dir"'/etc/later/file"'
	tells 'open etc/secret' 'change etc/secret' 'open etc/secret' 'rename etc/new etc/secret' \
		'open etc/secret' 'rename - etc/later/file' 'open etc/later/file'
}

@test "where it is mounted elsewhere it is known by its name on the host" {
	echo x >etc/file
	start_files
	unshare -m --propagation private sh -c 'mount --bind etc out && cat out/file'
	wait_for 5 has '."file.path" == "'"$dir"'/etc/file" and ."process.namespace.mnt" != '"$(stat -Lc %i /proc/self/ns/mnt)"
}

@test "a container's files, by their names there" {
	name=watched-$$-$RANDOM
	export BULWARK_FILES_PATHS=/$name
	start_files
	unshare -m --propagation private bash -e <<-END
		mount -t tmpfs none etc
		mkdir -p etc/image/$name/sub etc/image/old etc/image/usr etc/{upper,work,root}
		echo x >etc/image/$name/file
		ln -s usr/bin usr/lib usr/lib64 etc/image
		mount -t overlay -o lowerdir=etc/image,upperdir=etc/upper,workdir=etc/work none etc/root
		mount --bind /usr etc/root/usr
		cd etc/root
		pivot_root . old
		/bin/sleep 0.5
		/bin/cat /$name/file
		/bin/touch /$name/sub/new /usr
		/bin/sleep 0.2
	END
	wait_for 5 has '."file.path" == "/'"$name"'/sub/new" and ."event.name" == "file.close"'
	has '."file.path" == "/'"$name"'/file" and ."file.size" == 2 and ."process.comm" == "cat" and
		."process.namespace.mnt" != '"$(stat -Lc %i /proc/self/ns/mnt)"
}

@test "what is mounted in a container counts, and what never answers doesn't stop the agent" {
	[ -c /dev/fuse ] || skip "no FUSE"
	name=watched-$$-$RANDOM
	export BULWARK_FILES_PATHS=/$name
	start_files
	unshare -m --propagation private bash -e <<-END
		mount -t tmpfs none etc
		mkdir -p etc/$name/{hung,tmp} etc/{old,usr}
		ln -s usr/bin usr/lib usr/lib64 etc
		mount --bind /usr etc/usr
		mount -t tmpfs none etc/$name/tmp
		coproc "$tree/tests/tools/files.py" hang etc/$name/hung
		read -r said <&\${COPROC[0]}
		cd etc
		pivot_root . old
		/bin/sleep 0.5
		/bin/touch /$name/tmp/file
		/bin/sleep 0.2
	END
	wait_for 5 has '."file.path" == "/'"$name"'/tmp/file"'
	wait_for 5 has '."event.name" == "loss" and (."loss.reason" | test("takes none"))'
}

@test "a process that does much is told of no more than files.rate, and how much that was" {
	export BULWARK_FILES_RATE=10
	start_files
	python3 -c '
import os, time
for n in range(300): os.close(os.open(f"etc/{n}", os.O_CREAT))
time.sleep(1.1)
os.close(os.open("etc/last", os.O_CREAT))'
	wait_for 5 has '."file.suppressed" > 200'
	end "$agent"
	agent=
	told=$(grep -c '"event.name":"file.open"' "$out")
	held=$(jq -s 'map(."file.suppressed" // 0) | add' "$out")
	# One that is read between its making and its opening is two.
	[ $((told + held)) -ge 301 ]
	[ $((told + held)) -le 320 ]
	[ "$told" -le 30 ]
	has '."event.name" == "loss" and ."loss.place" == "files" and ."loss.total" == '"$held"
}

@test "a full queue is counted, and what it hid is found" {
	start_files
	kill -STOP "$agent"
	python3 -c '
import os
for n in range(int(open("/proc/sys/fs/fanotify/max_queued_events").read()) + 10): os.close(os.open(f"etc/{n}", os.O_CREAT))'
	mkdir etc/late
	kill -CONT "$agent"
	wait_for 10 has '."event.name" == "loss" and (."loss.reason" | test("fanotify"))'
	touch etc/late/file
	wait_for 5 has '."file.path" == "'"$dir"'/etc/late/file"'
}

@test "directories beyond files.max_directories are counted" {
	mkdir etc/{1..30}
	export BULWARK_FILES_MAX_DIRECTORIES=20
	start_files
	wait_for 5 grep -q 'more than 20 directories; see files.max_directories' "$err"
	wait_for 5 has '."event.name" == "loss" and (."loss.reason" | test("max_directories")) and ."loss.total" > 10'
	touch etc/file
	wait_for 5 has '."file.path" == "'"$dir"'/etc/file"'
}

@test "what fanotify can't keep to is refused, and another mechanism may be chosen" {
	export BULWARK_WATCH_UIDS=0
	start
	wait_for 5 grep -q "fanotify: can't keep to watch.uids, comms or cgroups" "$err"
	grep -q 'tp_btf: files.mechanism chooses another' "$err"
}

@test "what is watched is read again on SIGHUP" {
	paths() { printf '[files]\npaths = ["%s"]\nexclude = ["%s"]\n' "$dir/$1" "$dir/$2" >c.toml; }
	paths etc etc/sub
	unset BULWARK_FILES_PATHS
	"$bulwark" up --config c.toml --under $$ --listen off --output json >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'files  *fanotify' "$err"
	touch etc/sub/a etc/a
	wait_for 5 has '."file.path" == "'"$dir"'/etc/a"'
	paths etc etc/none
	kill -HUP "$agent"
	wait_for 5 grep -q 'read again' "$err"
	touch etc/sub/b
	wait_for 5 has '."file.path" == "'"$dir"'/etc/sub/b"'
	! told | grep -q etc/sub/a
}
