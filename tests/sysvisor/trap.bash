# Calls that sysvisor-fs makes for a container: what is mounted inside shows the container's files,
# whatever it does, and whatever happens to sysvisor-fs. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154

trapped=$SYSVISOR_TOOLS/trapped
[ -x "$trapped" ] || skip "$trapped is not built"
export BULWARK_TRAP_DEADLINE=5s
start_services
bundle=$state/bundle
mkdir "$bundle"
cp -a "$image" "$bundle/rootfs"
cp "$trapped" "$bundle/rootfs/bin/trapped"
printf '#!/bin/sh\nexec %s --root %s --services-root %s "$@"\n' "$SYSVISOR_RUNC" "$state/root" \
	"$state/services" >"$state/runtime"
chmod +x "$state/runtime"
r=$state/runtime
"$r" spec -b "$bundle"
jq --arg path "/$name" '.process.terminal = false | .process.args = ["sleep", "1000"] |
	.process.env = ["PATH=/bin", "SYSVISOR_TRAP_SYSINFO=true", "SYSVISOR_IGNORE_SYSFS_CHOWN=true"] |
	.linux.cgroupsPath = ($path + "/c") | .linux.resources.memory.limit = 67108864' \
	<"$bundle/config.json" >"$bundle/new"
mv "$bundle/new" "$bundle/config.json"
"$r" run -d -b "$bundle" c </dev/null >"$state/run.out" 2>&1 ||
	{ echo 'not ok - trap: a container runs'; sed 's/^/# /' "$state/run.out"; exit 1; }
fs_pid() { cat "$state/services/run/sysvisor/fs.pid"; }
fds_of() { find "/proc/$1/fd" -type l -printf '%l\n' | grep -v /sys/fs/cgroup/ | tr -d '0-9' | sort | uniq -c; }
listeners_of() { find "$@" -lname '*seccomp*' | wc -l; }
# c SCRIPT: run in the container; a program, since tests have a time limit
mkdir "$state/bin"
# shellcheck disable=SC2016 # for the program
printf '#!/bin/sh\nexec %s exec c sh -c "$1"\n' "$r" >"$state/bin/c"
chmod +x "$state/bin/c"
PATH=$state/bin:$PATH
mem="awk '/MemTotal/ { print \$2 }'"

# --- what a mount shows ---

is 'a fresh procfs shows the container' 65536 c "mkdir -p /p; mount -t proc proc /p && $mem /p/meminfo; umount /p"
is '... with its options, read-only as asked' 'ro,relatime proc rw,hidepid=invisible
sh: can'"'"'t create /p/sys/kernel/panic: Read-only file system' c "mount -t proc -o ro,hidepid=2 proc /p
	awk '\$5 == \"/p\" { print \$6, \$8, \$10 }' /proc/self/mountinfo; echo 1 >/p/sys/kernel/panic; umount /p"
is '... also by way of a link' 65536 c "ln -sfn /p /link; mount -t proc proc /link && $mem /p/meminfo; umount /p"
is '... and where its parts are left away' 'no meminfo' c \
	'mount -t proc -o subset=pid proc /p; ls /p | grep meminfo || echo no meminfo; umount /p'
is 'a fresh sysfs' '0
fuse' c "mount -t sysfs s /p; ls /p/kernel/debug | wc -l
	awk '\$5 == \"/p/kernel/debug\" { print \$8 }' /proc/self/mountinfo; umount /p"
is 'in a user namespace of its own' 65536 c "unshare -Urmpf --mount-proc $mem /proc/meminfo"
is '... where it can'"'"'t be unmounted either' "umount: can't unmount /proc/meminfo: Invalid argument" \
	c 'unshare -Urmpf --mount-proc umount /proc/meminfo'
is 'in a mount namespace and a root of its own' 65536 c "mkdir -p /r/bin /r/proc; cp -a /bin/. /r/bin
	unshare -mpf chroot /r sh -c 'mount -t proc proc /proc; head -n 1 /proc/meminfo' | tr -dc 0-9"
is 'a copy of /proc alone' 65536 c "mount --bind /proc /p && $mem /p/meminfo; umount -l /p"
is 'what lies over /proc stays where it is' "umount: can't unmount /proc/uptime: Invalid argument
mount: mounting /proc/uptime on /p failed: Invalid argument" c 'umount /proc/uptime; mount --move /proc/uptime /p'
is 'a copy of one file comes and goes' 65536 c "touch /f; mount --bind /proc/meminfo /f && $mem /f; umount /f"
is 'read-only, and back' "sh: can't create /proc/sys/kernel/panic: Read-only file system
5" c 'mount -o remount,ro /proc; echo 4 >/proc/sys/kernel/panic; mount -o remount,rw /proc
	echo 5 >/proc/sys/kernel/panic; cat /proc/sys/kernel/panic'
is 'the mount calls of Linux 5.2' 'fsmount: ours
open_tree: ours
open_tree, all of it: ours
a file of ours: Invalid argument' "$r" exec c trapped api
is 'the calls of 32-bit programs' 'mount 0: ours
umount of ours -22 -22
umount 0' "$r" exec c trapped i386
is 'by whatever flags, trapped or not' 'fresh: ours
fresh, old: ours
fresh, all of it: ours
fresh, upper half: ours
copy: ours
copy, old: ours
copy, private: ours
copy of all of it: ours
copy of all of it, old: ours' "$r" exec c trapped flags
is 'by a thread that has a mount namespace of its own' 'thread: its own, 0 errors
process: nothing' "$r" exec c trapped thread
is 'openat2 from procfs into what lies over it, and no other way' 'sys/kernel/panic: 5, close on exec
sys/kernel/panic: a path
sys/kernel/panic: 5
/proc/sys/kernel/panic: Invalid cross-device link
sys/kernel/nosuch: No such file or directory' "$r" exec c trapped openat2
is 'other file systems, as ever' 'x
mount: mounting t on /nosuch failed: No such file or directory
mount: mounting x on /p failed: No such device' c 'mount -t tmpfs t /p && touch /p/x && ls /p; umount /p
	mount -t tmpfs t /nosuch; mount -t nosuch x /p'
is 'an overlay with relative layers' 'lower' c 'mkdir -p /o; mount -t tmpfs t /o; cd /o; mkdir l u w m; echo lower >l/f
	mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m && cat m/f; umount m; cd /; umount /o'
is 'what is busy is busy' "umount: can't unmount /p: Device or resource busy" c \
	'mount -t tmpfs t /p; (cd /p; umount /p); umount /p'
is 'by a descriptor of the caller' x c 'mount -t tmpfs t /proc/self/fd/9 9</p && touch /p/x && ls /p; umount /p'
is 'nobody may who has no right to' "mount: permission denied (are you root?)
mount: permission denied (are you root?)
umount: can't unmount /proc: Operation not permitted" "$r" exec -u 7 c sh -c \
	'mount -t tmpfs t /p; mount -t proc proc /p; umount /proc'
is 'sysinfo, where it is asked for' '64 MiB, just started' "$r" exec c trapped sysinfo
is 'files of sysfs can be given away, where it is asked for' '0
1' c "chown 5 /sys/kernel; echo \$?
	chown 5 /nosuch 2>/dev/null; echo \$?"
is '... and others as ever' '5' c 'touch /mine; chown 5 /mine; stat -c %u /mine'

# --- attacks, and accidents ---

has 'what a call points to is read once' "the kernel's procfs 0, bared files 0" "$r" exec c trapped race 40
is 'many at a time' '0 errors' "$r" exec c trapped many 8
export -f listeners_of
wait_for 5 bash -c "[ \$(listeners_of /proc/$(fs_pid)/fd) = 1 ]"
before=$(fds_of "$(fs_pid)") mounts=$(c 'cat /proc/self/mountinfo | wc -l')
"$r" exec c trapped loop 4 >"$state/loop.out" 2>&1 &
looping=$!
for _ in 1 2 3; do
	sleep 1.1
	killed=$(fs_pid)
	kill -9 "$killed"
	wait_for 5 sh -c "[ \$(cat $state/services/run/sysvisor/fs.pid) != $killed ] &&
		$sysvisor status --root $state/services"
done
wait "$looping"
is 'kill -9 of sysvisor-fs while mounts go on: no error' 'many, 0 errors' cat "$state/loop.out"
is '... and one that had run comes back at once, each time' 100 \
	sh -c "sed -n 's/.*started again in \([0-9]*\) ms/\1/p' $state/up.log | sort -u"
is '... and they go on' 65536 c "mount -t proc proc /p && $mem /p/meminfo; umount /p"
is '... no mount is left' "$mounts" c 'cat /proc/self/mountinfo | wc -l'
wait_for 5 bash -c "[ \$(listeners_of /proc/$(fs_pid)/fd) = 1 ]"
is '... and no descriptor' "$before" bash -c "$(declare -f fds_of); fds_of $(fs_pid)"
holder=$(pgrep -f "sysvisor-fs hold --root $state/services")
wait_for 5 bash -c "[ \$(listeners_of /proc/$holder/fd) = 1 ]"
is 'the holder has a listener for each filter that is in use' 1 bash -c "listeners_of /proc/$holder/fd"
kill -9 "$holder"
wait_for 5 sh -c "pgrep -f '[s]ysvisor-fs hold --root $state/services' | grep -qvx $holder"
holder=$(pgrep -f "sysvisor-fs hold --root $state/services")
wait_for 5 bash -c "[ \$(listeners_of /proc/$holder/fd) = 1 ]"
killed=$(fs_pid)
kill -9 "$killed"
is 'a killed holder is replaced, and the new one has the listeners' 65536 c \
	"mount -t proc proc /p && $mem /p/meminfo; umount /p"
is 'one that never comes back is given up, holds up nobody, and is closed to root inside' 'who makes it: 1, 0 open
another: 0 errors, soon
stuck: Connection timed out, soon
left: 0, 0 open' "$r" exec c trapped wedge
children() { pgrep -P "$(fs_pid)"; }
export -f fs_pid children
export state
"$r" exec c trapped wedge >"$state/wedge.out" 2>&1 &
wedged=$!
wait_for 5 grep -q another "$state/wedge.out"
children | xargs kill -9
wait "$wedged"
is '... it fails when who sees to it is killed' 'who makes it: 1, 0 open
another: 0 errors, soon
stuck: Input/output error, soon
left: 0, 0 open' cat "$state/wedge.out"
# Who is stuck and who kills speak at once.
is '... or what makes it, by root inside: each is told' '2
another: 0 errors, soon
killed from inside: 1
left: 0, 0 open
stuck: Input/output error, soon
who makes it: 1, 0 open' sh -c "{ $r exec c trapped wedge kill
	grep -c 'the process that made it was killed' $state/services/var/log/sysvisor-fs.log; } | LC_ALL=C sort"
"$r" exec c sh -c 'mount -t tmpfs t /p; umount /p; exec sleep 30' &
wait_for 5 children
wait_for 5 bash -c '! children'
is '... and who has nothing to do for a while ends' '' bash -c 'children'
kill $!
is 'nothing of ours is in the container' '0
1
2
3' bash -c 'c "ls /proc/self/fd" | cat'

# They end before the runtime has handed their listeners in.
short=$state/short
mkdir "$short"
jq --arg root "$bundle/rootfs" '.process.args = ["true"] | .root.path = $root | del(.linux.cgroupsPath)' \
	<"$bundle/config.json" >"$short/config.json"
# shellcheck disable=SC2016 # for the program
printf '#!/bin/sh\nfor r in 1 2 3 4; do for n in 1 2 3 4 5 6; do %s run -b %s short-$n </dev/null & done; wait; done\n' \
	"$r" "$short" >"$state/bin/many-short"
chmod +x "$state/bin/many-short"
is 'many that end at once' '' many-short

# --- the end ---

kill "$services"
wait_for 5 sh -c "! pgrep -f '[s]ysvisor-fs --root $state/services'"
is 'without sysvisor-fs one can look after a container, but not mount' 'in
mount: mounting t on /p failed: Function not implemented' sh -c "c 'echo in; mount -t tmpfs t /p'"
"$r" delete --force c 2>/dev/null
wait_for 5 bash -c "[ \$(listeners_of /proc/$holder/fd) = 0 ]"
is 'listeners end with the container' 0 bash -c "listeners_of /proc/$holder/fd"
