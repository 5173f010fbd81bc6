#!/usr/bin/env bats
# sysvisor-fs as containers see it: processes in namespaces and control groups of their own, in a
# mount namespace that no other test has a part in.

load ../bats/setup

boxed=$tools/boxed
name=bulwark-test-$$

# Everything is run anew in a private mount namespace; the mount is gone with it.
setup() {
	need_root
	[ -e /dev/fuse ] || skip "no /dev/fuse here"
	[ -d /sys/fs/cgroup/memory ] || [ -e /sys/fs/cgroup/cgroup.controllers ] ||
		skip "no control groups here"
	dir=$(mktemp -d)
	chmod 711 "$dir"
	fs=
	private unshare -m --propagation private sleep 1000
	home=$!
	wait_for 5 lives_elsewhere
	make_groups
}

lives_elsewhere() {
	[ "$(readlink /proc/self/ns/mnt)" != "$(readlink "/proc/$home/ns/mnt")" ]
}

private() {
	"$@" 3>&- 4>&- &
}

teardown() {
	[ -z "$fs" ] || end "$fs"
	[ -z "${home:-}" ] || end "$home"
	remove_groups
	rm -rf "$dir"
}

inside() { # COMMAND...: in the mount namespace of this test
	nsenter -m -t "$home" -- "$@"
}

# A container's limits: 256 MiB, the first processor alone.
make_groups() {
	groups=
	if [ -d /sys/fs/cgroup/memory ]; then
		for controller in memory cpu cpuacct cpuset blkio; do
			group=/sys/fs/cgroup/$controller/$name
			[ -d "/sys/fs/cgroup/$controller" ] && mkdir "$group" || continue
			groups=$groups,$group
		done
		echo 268435456 >/sys/fs/cgroup/memory/$name/memory.limit_in_bytes
		echo 0 >/sys/fs/cgroup/cpuset/$name/cpuset.mems
		echo 0 >/sys/fs/cgroup/cpuset/$name/cpuset.cpus
	else
		group=/sys/fs/cgroup/$name
		mkdir "$group"
		groups=,$group
		echo 268435456 >$group/memory.max
		echo 0 >$group/cpuset.cpus
	fi
	groups=${groups#,}
}

# Whoever is still in the groups is one of ours.
remove_groups() {
	for group in ${groups//,/ }; do
		while read -r pid; do
			kill -9 "$pid" 2>/dev/null || true
		done <"$group/cgroup.procs"
		wait_for 5 rmdir "$group" || true
	done
}

start() { # OPTION...
	private nsenter -m -t "$home" -- "$build/bin/sysvisor-fs" --root "$dir" --log "/log" \
		--patience "${patience:-20s}" "$@"
	fs=$!
	socket=$dir/run/sysvisor/fs.sock
	wait_for 10 call Health
}

crash() {
	kill -9 "$fs"
	wait "$fs" 2>/dev/null || true
	fs=
}

call() { # METHOD [REQUEST]
	"$tree/tests/sysvisor/call" "$socket" "Filesystem/$1" "${2:-{\}}"
}

box() { # SCRIPT: run in a container by bash
	inside timeout 100 "$boxed" "$socket" "${id:-web}" "${uid:-200000}" "$groups" bash -c "$1" 3>&-
}

@test "free, nproc, uptime, top and the files behind them tell of the container" {
	start
	run box 'free -k | sed -n 2p; nproc; cat /proc/uptime; grep -c ^processor /proc/cpuinfo
		cat /sys/devices/system/cpu/online; grep -c ^cpu[0-9] /proc/stat; uptime; wc -l </proc/swaps
		top -bn1 | head -n 1; cat /proc/loadavg; grep -c . /proc/diskstats'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "${lines[0]}" == "Mem:"*" 262144 "* ]]
	[ "${lines[1]}" = 1 ]
	[[ "${lines[2]}" =~ ^[0-9]\.[0-9][0-9]\ [0-9]\.[0-9][0-9]$ ]]
	[ "${lines[3]}" = 1 ]
	[ "${lines[4]}" = 0 ]
	[ "${lines[5]}" = 1 ]
	[[ "${lines[6]}" == *"up 0 min"* ]]
}

@test "a processor that isn't the container's has no directory, the others are as on the host" {
	[ -d /sys/devices/system/cpu/cpu1 ] || skip "one processor is all there is"
	start
	run box 'cd /sys/devices/system/cpu; ls -d cpu[0-9]*; cat cpu1/topology/core_id
		cat cpu0/topology/core_id kernel_max; readlink cpu0/subsystem; cd cpu0/subsystem && pwd -P
		echo 0 >/sys/devices/system/cpu/cpu0/uevent; mkdir /sys/devices/system/cpu/x
		lscpu | grep "^CPU(s)"'
	echo "$output"
	[ "${lines[0]}" = cpu0 ]
	[[ "${lines[1]}" == *"cpu1/topology/core_id: No such file"* ]]
	[ "${lines[2]}" = "$(cat /sys/devices/system/cpu/cpu0/topology/core_id)" ]
	[ "${lines[3]}" = "$(cat /sys/devices/system/cpu/kernel_max)" ]
	[ "${lines[4]}" = ../../../../bus/cpu ]
	[ "${lines[5]}" = /sys/bus/cpu ]
	[[ "${lines[6]}" == *"uevent: "*[Pp]ermission* || "${lines[6]}" == *"uevent: Read-only"* ]]
	[[ "${lines[7]}" == *"mkdir: "* ]]
	[[ "${lines[8]}" =~ ^CPU.*\ 1$ ]]
}

@test "memory that the container takes shows at once" {
	start
	run box 'a=$(awk "/^MemFree/ { print \$2 }" /proc/meminfo)
		x=$(head -c 67108864 /dev/zero | tr "\0" x)
		b=$(awk "/^MemFree/ { print \$2 }" /proc/meminfo)
		echo $((a - b)) ${#x}'
	echo "$output"
	[ "${output%% *}" -gt 60000 ]
}

@test "keys are the container's own: neither host nor sibling sees them" {
	host_panic=$(cat /proc/sys/kernel/panic)
	host_forward=$(cat /proc/sys/net/ipv4/ip_forward)
	host_name=$(hostname)
	start
	run box 'cd /proc/sys; echo 42 >kernel/panic; cat kernel/panic
		echo 1 >net/ipv4/ip_forward; cat net/ipv4/ip_forward net/ipv4/conf/all/forwarding
		echo box >kernel/hostname; hostname; echo "0 9" >net/ipv4/ping_group_range
		cat net/ipv4/ping_group_range; echo 1024 >net/core/somaxconn; cat net/core/somaxconn
		echo fq >net/core/default_qdisc; cat net/core/default_qdisc
		echo 99999999 >kernel/shmmax; cat kernel/shmmax'
	echo "$output"
	[ "$output" = "$(printf '42\n1\n1\nbox\n0\t9\n1024\nfq\n99999999')" ]
	run box 'cat /proc/sys/kernel/panic /proc/sys/net/ipv4/ip_forward'
	[ "$output" = "$(printf '%s\n0' "$host_panic")" ]
	[ "$(cat /proc/sys/kernel/panic)" = "$host_panic" ]
	[ "$(cat /proc/sys/net/ipv4/ip_forward)" = "$host_forward" ]
	[ "$(hostname)" = "$host_name" ]
}

@test "limits of the user namespace are the container's own" {
	host=$(cat /proc/sys/user/max_user_namespaces)
	start
	run box 'cd /proc/sys/user; echo 77 >max_user_namespaces; cat max_user_namespaces
		echo x >max_user_namespaces; ls | grep -c max_; unshare -U true && echo one more'
	echo "$output"
	[ "${lines[0]}" = 77 ]
	[[ "${lines[1]}" == *"Invalid argument" ]]
	[ "${lines[2]}" = "$(ls /proc/sys/user | grep -c max_)" ]
	[ "${lines[3]}" = "one more" ]
	run box 'cat /proc/sys/user/max_user_namespaces'
	[ "$output" -gt 77 ]
	[ "$(cat /proc/sys/user/max_user_namespaces)" = "$host" ]
	run box 'echo 0 >/proc/sys/user/max_user_namespaces; unshare -U true'
	[[ "$output" == *"No space left"* ]]
}

@test "what is the host's can't be written, wrong values are refused as the kernel does" {
	start
	for key in vm/swappiness kernel/core_pattern kernel/modprobe fs/suid_dumpable net/core/rmem_max \
		kernel/cap_last_cap; do
		[ -e "/proc/sys/$key" ] || continue
		before=$(cat "/proc/sys/$key")
		run box "echo 1 >/proc/sys/$key"
		[[ "$output" == *"Permission denied"* ]]
		[ "$(cat "/proc/sys/$key")" = "$before" ]
	done
	# nor can files be made or removed, with procfs's own words
	run box 'cd /proc/sys/kernel; echo 1 >nosuch; mkdir nosuch; rm panic; mv panic panics; ln -s a b; mknod c p'
	[ "$(grep -c "Permission denied" <<<"$output")" = 1 ]
	[ "$(grep -c "not permitted" <<<"$output")" = 5 ]
	run box 'cd /proc/sys; echo x >kernel/panic; echo 3 >vm/overcommit_memory; echo 0 >kernel/pid_max'
	[ "$(grep -c "Invalid argument" <<<"$output")" = 3 ]
	run box 'echo 1 >/proc/uptime; chmod 777 /proc/sys/kernel/panic; chown 1 /proc/sys/kernel/panic
		mkdir /proc/sys/x; rm /proc/sys/kernel/panic'
	echo "$output"
	[[ "${lines[0]}" == *"Permission denied"* ]]
	[[ "${lines[1]}" == *"Operation not permitted"* ]]
	[[ "${lines[2]}" == *"Operation not permitted"* ]]
	run box 'setpriv --reuid 1000 --regid 1000 --clear-groups bash -c "cat /proc/sys/kernel/panic
		echo 1 >/proc/sys/kernel/panic"'
	[[ "$output" == *"Permission denied"* ]]
}

@test "sizes, modes and owners are those of a machine's own" {
	start
	run box 'cd /proc/sys/kernel; stat -c "%a %s %U:%G" cap_last_cap hostname panic . /proc/uptime
		ls /sys/kernel/debug; ls /proc/sys'
	echo "$output"
	[ "${lines[0]}" = "444 1024 root:root" ]
	[ "${lines[1]}" = "644 4096 root:root" ]
	[ "${lines[2]}" = "644 4096 root:root" ]
	[ "${lines[3]}" = "555 0 root:root" ]
	[ "${lines[4]}" = "444 0 root:root" ]
	[[ "$output" == *kernel* ]]
	run box 'sysctl -a 2>/dev/null | wc -l'
	[ "$output" -gt 500 ]
}

@test "32 readers, 100 times each, in two containers" {
	start
	loop='for n in $(seq 16); do (for m in $(seq 100); do read -r a </proc/sys/kernel/panic
		read -r b </proc/uptime; [ "$a" = 7 ] && [ "$b" ] || echo odd; done) & done; wait'
	id=a uid=200000 box "echo 7 >/proc/sys/kernel/panic; $loop" >"$dir/a" 2>&1 &
	first=$!
	id=b uid=300000 box "echo 7 >/proc/sys/kernel/panic; $loop" >"$dir/b" 2>&1
	wait $first
	[ ! -s "$dir/a" ]
	[ ! -s "$dir/b" ]
}

@test "kill -9 in a loop under 8 readers: not one error, no value lost, no descriptor leaked" {
	start
	install -m 755 "$tree/tests/sysvisor/reader.py" "$dir" # the tree may be closed to others
	box "echo 42 >/proc/sys/kernel/panic; echo 1 >/proc/sys/net/ipv4/ip_forward; hostname box
		echo ready; for n in 1 2 3 4 5 6 7 8; do $dir/reader.py 8 262144 42 || echo FAILED & done
		wait" >"$dir/readers" 2>&1 &
	readers=$!
	wait_for 10 grep -q ready "$dir/readers"
	for _ in $(seq 12); do
		crash
		start
	done
	wait $readers
	cat "$dir/readers"
	[ "$(grep -c ' 0 odd' "$dir/readers")" = 8 ]
	! grep FAILED "$dir/readers"
	[ "$(call ListContainers | jq -r .restarts)" -ge 1 ]
	# gRPC, fuse, namespaces of ours, files of the host, log: nothing that grows with restarts
	[ "$(ls "/proc/$fs/fd" | wc -l)" -lt 40 ]
}

@test "a killed holder is replaced, and the new one holds" {
	start
	holder=$(pgrep -f "hold --root $dir")
	kill -9 "$holder"
	has_another() { [ "$(pgrep -f "hold --root $dir")" ] && ! pgrep -f "hold --root $dir" | grep -qx "$holder"; }
	wait_for 10 has_another
	box 'echo 3 >/proc/sys/kernel/panic; echo ready; for n in $(seq 30); do
		[ "$(cat /proc/sys/kernel/panic)" = 3 ] || echo odd; sleep 0.1; done' >"$dir/out" 2>&1 &
	reader=$!
	wait_for 10 grep -q ready "$dir/out"
	crash
	start
	wait $reader
	[ "$(cat "$dir/out")" = ready ]
}

@test "readers wait for a server that died, but not for ever" {
	patience=2s
	start
	box 'exec 3</proc/uptime; read -r a <&3; echo ready; for n in $(seq 100); do
		cat /proc/meminfo >/dev/null || break
		sleep 0.1; done; echo over' >"$dir/out" 2>&1 &
	reader=$!
	wait_for 10 grep -q ready "$dir/out"
	crash
	wait_for 10 grep -q over "$dir/out"
	cat "$dir/out"
	grep -E "not connected|connection abort" "$dir/out"
	# The next server mounts anew, over what is left of the old mount.
	start
	kill $reader 2>/dev/null || true
	run box 'cat /proc/uptime'
	[ "$status" -eq 0 ]
}

@test "a mount that is ended by force fails its readers, and the next server mounts anew" {
	start
	box 'echo ready; while cat /proc/uptime >/dev/null; do sleep 0.1; done; echo over' \
		>"$dir/out" 2>&1 &
	reader=$!
	wait_for 10 grep -q ready "$dir/out"
	run inside "$build/bin/sysvisor" doctor --abort --root "$dir"
	[ "$status" -eq 0 ]
	wait_for 10 grep -q over "$dir/out"
	kill $reader 2>/dev/null || true
	status=0
	wait "$fs" || status=$?
	[ "$status" -eq 1 ]
	grep "was ended from outside" "$dir/log"
	start
	run box 'cat /proc/uptime'
	[ "$status" -eq 0 ]
}

@test "a file of the host's that never answers fails at the deadline, and nobody waits for it" {
	local deadline=$((2 * ${BULWARK_SLOWER:-1}))
	start --deadline ${deadline}s --workers 2
	box 'echo ready; until [ -e '"$dir"'/go ]; do sleep 0.05; done
		for n in 1 2 3 4 5; do { SECONDS=0; cat /proc/sys/kernel/random/uuid; echo "over $SECONDS"; } & done
		wait' >"$dir/out" 2>&1 &
	wedged=$!
	id=other box 'echo ready; until [ -e '"$dir"'/go ]; do sleep 0.05; done; sleep 0.7
		for n in $(seq 20); do cat /proc/uptime /proc/sys/kernel/panic >/dev/null; done
		echo served' >"$dir/other" 2>&1 &
	other=$!
	wait_for 10 grep -q ready "$dir/out"
	wait_for 10 grep -q ready "$dir/other"
	# Opening a FIFO lasts until somebody writes into it. More hang than there are workers.
	inside mkfifo "$dir/wedge"
	inside mount --bind "$dir/wedge" /proc/sys/kernel/random/uuid
	touch "$dir/go"
	wait $other
	grep served "$dir/other"
	run grep -c over "$dir/out"
	[ "$output" = 0 ]
	wait $wedged
	cat "$dir/out"
	[ "$(grep -c "Connection timed out" "$dir/out")" = 5 ]
	[ "$(awk -v least=$deadline '/^over/ && $2 >= least && $2 <= 2 * least' "$dir/out" | wc -l)" = 5 ]
	[ "$(call Health | jq -r .healthy)" = false ]
	[[ "$(call Health | jq -r .reason)" == "5 requests took longer than --deadline"* ]]
	inside umount -l /proc/sys/kernel/random/uuid
	run box 'cat /proc/sys/kernel/random/uuid'
	[ "$status" -eq 0 ]
	# Ending it doesn't wait for them either.
	end "$fs"
	fs=
}

@test "what is bound stands side by side, and is the same as in its place" {
	start
	box 'echo 9 >/proc/sys/kernel/panic; echo ready; sleep 10' >"$dir/out" 2>&1 &
	box_pid=$!
	wait_for 10 grep -q ready "$dir/out"
	mount=$dir/var/lib/sysvisorfs/web
	run inside ls -A "$mount"
	[ "$output" = $'proc\nsys' ]
	[[ "$(inside ls "$mount/.binds")" == *'proc!cpuinfo'*'proc!sys'* ]]
	for place in ".binds/proc!sys" proc/sys ".binds/proc!sys"; do
		[ "$(inside cat "$mount/$place/kernel/panic")" = 9 ]
	done
	[ "$(inside stat -c %i "$mount/.binds/proc!meminfo")" = "$(inside stat -c %i "$mount/proc/meminfo")" ]
	run inside cat "$mount/.binds/proc!no"
	[[ "$output" == *"No such file"* ]]
	kill $box_pid
}

@test "a stock gRPC client lists containers and what they have set" {
	start
	box 'echo 5 >/proc/sys/kernel/panic; sleep 30' >/dev/null 2>&1 &
	box_pid=$!
	wait_for 10 sh -c "'$tree/tests/sysvisor/call' '$socket' Filesystem/ListContainers | grep -q panic"
	run call ListContainers
	[ "$(jq -r '.containers[0].id' <<<"$output")" = web ]
	[ "$(jq -r '.containers[0].values[0].key' <<<"$output")" = proc/sys/kernel/panic ]
	[ "$(jq -r '.containers[0].values[0].value' <<<"$output")" = 5 ]
	[ "$(jq -r '.containers[0].writes' <<<"$output")" = 1 ]
	run "$build/bin/sysvisor" status --root "$dir"
	[[ "$output" == *"sysvisor-fs   well, version"*"1 containers"* ]]
	kill $box_pid
	run call RegisterContainer "{\"id\": \"x\", \"init_pid\": $$}"
	[[ "$output" == "INVALID_ARGUMENT: "*"user namespace of its own"* ]]
	run call RegisterContainer '{"id": "x", "init_pid": 4000000}'
	[[ "$output" == "NOT_FOUND: register 'x': there is no process 4000000" ]]
	run call RegisterContainer '{"id": "../x", "init_pid": 1}'
	[[ "$output" == "INVALID_ARGUMENT: "* ]]
}

@test "without containers it leaves nothing behind; a second one is refused" {
	start
	run inside "$build/bin/sysvisor-fs" --root "$dir" --log -
	[ "$status" -eq 1 ]
	[[ "$output" == *"already running"* ]]
	kill "$fs"
	wait "$fs"
	fs=
	run inside sh -c "grep '$dir' /proc/mounts"
	[ -z "$output" ]
	[ ! -e "$socket" ]
	no_holder() { ! pgrep -f "hold --root $dir"; }
	wait_for 5 no_holder
}

@test "up runs both daemons, starts a killed one again, and ends with them" {
	private nsenter -m -t "$home" -- "$build/bin/sysvisor" up --root "$dir"
	fs=$!
	wait_for 10 "$build/bin/sysvisor" status --root "$dir"
	kill -9 "$(cat "$dir/run/sysvisor/mgr.pid")"
	wait_for 10 sh -c "! '$build/bin/sysvisor' status --root '$dir'" || true
	wait_for 10 "$build/bin/sysvisor" status --root "$dir"
	"$tree/tests/sysvisor/call" "$dir/run/sysvisor/mgr.sock" Manager/RegisterContainer '{"id": "web"}'
	run "$build/bin/sysvisor" ids --root "$dir"
	[[ "$output" == "1 of 4096 ranges"*"131072-196607"*"exclusive web" ]]
	run "$build/bin/sysvisor" ps --root "$dir"
	[[ "$output" == *"web"*"registered"* ]]
	run "$build/bin/sysvisor" doctor --root "$dir"
	[[ "$output" == *"/dev/fuse            opens"* ]]
	kill "$fs"
	wait "$fs"
	fs=
	run "$build/bin/sysvisor" status --root "$dir"
	[ "$status" -eq 1 ]
	[[ "$output" == *"not running"* ]]
}
