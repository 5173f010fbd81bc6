# sysvisor-runc by hand, on a bundle. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154

bundle=$state/bundle
mkdir "$bundle"
cp -a "$image" "$bundle/rootfs"
by_hand --no-sysvisor-mgr --no-sysvisor-fs

# spec JQ [ARGUMENT...]: writes config.json: sh -c ARGUMENT, changed by jq.
spec() {
	local change=$1
	shift
	rm -f "$bundle/config.json"
	"$r" spec -b "$bundle"
	printf '%s\0' "$@" | jq -Rs 'split("\u0000") | map(select(. != ""))' >"$bundle/args"
	jq --arg path "/$name" --slurpfile args "$bundle/args" '.process.terminal = false |
		.process.args = $args[0] | .process.env = ["PATH=/bin"] |
		.linux.cgroupsPath = ($path + "/c") | '"$change" <"$bundle/config.json" >"$bundle/new"
	mv "$bundle/new" "$bundle/config.json"
}

mkdir "$state/bin"
printf '#!/bin/sh\nexec %s run -b %s c\n' "$r" "$bundle" >"$state/bin/run"
printf '#!/bin/sh\nscript -qec "$*" /dev/null | tr -d "\\r\\0" | sed "s/^^@//; /^$/d"\n' >"$state/bin/on_a_terminal"
cat >"$state/bin/moved" <<-END
	#!/bin/sh
	strace -f -qq -e trace=openat -o $state/calls $r "\$@"
	grep 'cgroup.procs.*WRONLY' $state/calls
END
chmod +x "$state/bin"/*

PATH=$state/bin:$PATH
rootfs=$bundle/rootfs

# --- what it is ---

spec . id -u
is 'run' 0 run
spec . sh -c 'for n in user mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done'
is 'all namespaces are its own' '' sh -c 'run | while read -r n; do for own in /proc/self/ns/*; do
	[ "$(readlink $own)" != "$n" ] || echo "$n"; done; done'
spec . sh -c 'touch /made && stat -c %u:%g /made /bin'
is 'its files are root'"'"'s, inside ...' '0:0
0:0' run
is '... and outside, without a chown' '0:0' stat -c %u:%g "$rootfs/made"
spec . ls /proc/self/fd
is 'no fd of ours is in it' '0
1
2
3' bash -c 'exec 7</dev/null 9</etc/passwd; run | cat' # 3 is what ls reads
spec . sh -c 'readlink /proc/self/fd/3'
is '--preserve-fds' "/kept" bash -c "touch $rootfs/kept; exec 3<$rootfs/kept 4</etc/passwd
	$r run --preserve-fds 1 -b $bundle c | sed 's|.*/|/|'"
spec '.process.args = ["/bin/evil"]'
printf '#!/proc/self/exe\n' >"$rootfs/bin/evil"
chmod +x "$rootfs/bin/evil"
before=$(sha256sum "$SYSVISOR_RUNC")
gives 'the runtime as an interpreter of the container' 1 run
spec . sh -c 'for p in /proc/[0-9]*; do echo x >$p/exe; done; true'
gives 'writing to whatever runs' 0 run
is 'the runtime is what it was' "$before" sha256sum "$SYSVISOR_RUNC"
ln -sfn /../../../../../../tmp "$rootfs/out"
spec '.mounts = [{destination: "/out/sysvisor-escape/x", type: "tmpfs", source: "t"}]' ls -d /tmp/sysvisor-escape/x
is 'links of the image lead nowhere but into it' '/tmp/sysvisor-escape/x' run
gives '... and the host has nothing of it' 2 ls /tmp/sysvisor-escape
spec '.process.cwd = "/new/dir" | .process.user = {uid: 5, gid: 6, additionalGids: [7], umask: 63}' \
	sh -c 'pwd; id; umask'
is 'user, groups, umask, directory' '/new/dir
uid=5 gid=6 groups=7
0077' run
spec . grep CapEff /proc/self/status
has 'root has every capability' 'ffffffffff' run
spec '.process.env += ["SYSVISOR_HONOR_CAPS=TRUE"] | .process.capabilities = {effective: ["CAP_CHOWN"],
	permitted: ["CAP_CHOWN"], bounding: ["CAP_CHOWN"]}' grep -E 'CapEff|CapBnd' /proc/self/status
is 'unless it is asked for less' 'CapEff:	0000000000000001
CapBnd:	0000000000000001' run
spec '.process.env += ["SYSVISOR_HONOR_CAPS=perhaps"]' true
has 'a switch that is neither' 'env var SYSVISOR_HONOR_CAPS has invalid value' run
spec '.process.env += ["SYSVISOR_ALLOW_TRUSTED_XATTR=TRUE"]' true
has 'a switch that would promise what the kernel does not keep' "SYSVISOR_ALLOW_TRUSTED_XATTR: not supported: the kernel" run
mkdir -p "$rootfs"/layers/{low,trusted,user}/d "$rootfs/layers/o"
touch "$rootfs/layers/low/d/below"
if type python3 >/dev/null 2>&1; then
	python3 -c 'import os, sys
for name in ("trusted", "user"): os.setxattr(f"{sys.argv[1]}/{name}/d", name + ".overlay.opaque", b"y")' "$rootfs/layers"
	# If it heeds the first one, too, the switch above can be had.
	spec . sh -c 'cd /layers; mount -t overlay o -o lowerdir=trusted:low o && ls o/d && umount o
		mount -t overlay o -o lowerdir=user:low,userxattr o && ls o/d'
	is 'an overlay that is mounted inside heeds user.overlay.opaque alone' below run
fi
spec '.process.noNewPrivileges = true' grep NoNewPrivs /proc/self/status
is 'no_new_privs' 'NoNewPrivs:	1' run
spec '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0,
	hard: 0}]' sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c'
is 'limits' '100
200
0' run
spec '.process.scheduler = {policy: "SCHED_BATCH", nice: 7}' cut -d" " -f19,41 /proc/self/stat
is 'scheduler' '7 3' run
spec '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE"}' ionice
is 'io priority' idle run
spec '.process.oomScoreAdj = 300' cat /proc/self/oom_score_adj
is 'oom_score_adj' 300 run
spec '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "9000"}' \
	cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax
is 'sysctl' '1
9000' run
spec '.linux.maskedPaths = ["/etc", "/proc/version"] | .linux.readonlyPaths = ["/tmp"]' \
	sh -c 'ls /etc; cat /proc/version; touch /tmp/x'
is 'masked and read-only paths' 'touch: /tmp/x: Read-only file system' run
spec '.linux.devices = [{path: "/dev/mine", type: "c", major: 1, minor: 5, fileMode: 420, uid: 3, gid: 4}]' \
	stat -c '%t:%T %a %u:%g' /dev/mine
is 'devices' '1:5 644 3:4' run
spec '.hostname = "h" | .domainname = "d"' sh -c 'hostname; cat /proc/sys/kernel/domainname'
is 'hostname and domainname' 'h
d' run
spec '.mounts = [{destination: "/run", type: "tmpfs", source: "t", options: ["size=1m", "mode=700", "tmpcopyup"]}]' \
	sh -c 'stat -c %a /run; cat /run/there'
mkdir -p "$rootfs/run" && echo copied >"$rootfs/run/there"
is 'tmpcopyup' '700
copied' run
mkdir -m 700 "$state/shared"
echo secret >"$state/shared/file"
spec '.mounts = [{destination: "/s", type: "bind", source: "'"$state/shared"'", options: ["rbind", "ro"]}]' \
	sh -c 'cat /s/file; stat -c %u:%g /s/file; touch /s/x'
is 'a bind is shown with its own ids' 'secret
0:0
touch: /s/x: Read-only file system' run
spec '.mounts = [{destination: "/s", type: "bind", source: "'"$state/shared"'", options: ["rbind", "ro"]},
	{destination: "/f", type: "bind", source: "'"$state/shared/file"'", options: ["bind", "ro"]}]' \
	sh -c 'mkdir /t; mount --bind /s /t; for m in /s /t /f; do mount -o remount,bind,rw $m 2>/dev/null &&
		echo $m is writable; done; touch /t/x; umount /t /s; ls /s'
is 'a read-only bind stays so, whatever root inside does to it or to a copy' 'touch: /t/x: Read-only file system' run
spec '.mounts = [{destination: "/s", type: "bind", source: "'"$state/shared"'", options: ["rbind"],
	uidMappings: [{containerID: 0, hostID: 231077, size: 1}], gidMappings: [{containerID: 0, hostID: 231078, size: 1}]}]' \
	stat -c %u:%g /s /s/file
is 'a bind is shown with the ids that its map says' '5:6
5:6' run
spec '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000000}}' cat /proc/uptime
has 'a time namespace' '1[0-9][0-9][0-9][0-9][0-9][0-9].' run
spec '.linux.uidMappings = [{containerID: 0, hostID: 400000, size: 65536}] |
	.linux.gidMappings = [{containerID: 0, hostID: 400000, size: 65536}]' cat /proc/self/uid_map
is 'a map of the engine'"'"'s is honoured' '         0     400000      65536' run
spec '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", syscalls: [{names: ["mkdir", "mkdirat"],
	action: "SCMP_ACT_ERRNO", errnoRet: 99}]} | .linux.seccomp.defaultAction = "SCMP_ACT_ALLOW"' mkdir /tmp/x
has 'a filter' 'Cannot assign requested address' run

# An agent answers for calls of the profile.
if type python3 >/dev/null 2>&1; then
"$here/../tools/seccomp-agent.py" "$state/agent.sock" "$state/agent.json" 33 &
wait_for "$patience" test -S "$state/agent.sock"
notify='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "'$state/agent.sock'", listenerMetadata: "mine",
	syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY"}]}'
spec "$notify" sh -c 'mkdir /tmp/x; ls /proc/self/fd'
is 'linux.seccomp.listenerPath: the agent is asked, and no fd is left' "mkdir: can't create directory '/tmp/x': Numerical argument out of domain
0
1
2
3" bash -c 'run | cat'
is '... and was sent the container process state' '["1.2.0",["seccompFd"],"mine","c","created",true,{"fds":1,"more":0}]' \
	jq -c '[.ociVersion, .fds, .metadata, .state.id, .state.status, (.pid == .state.pid and .pid > 1), .came]' \
	"$state/agent.json"
spec "$notify" sleep 100
"$r" create -b "$bundle" c >/dev/null 2>&1 </dev/null
gives '... also of start' 0 "$r" start c
has '... and of exec' 'Numerical argument out of domain' "$r" exec c mkdir /tmp/x
is '... which tell the state that it is in, and whose filter it is' 'created true created true running false' sh -c \
	"jq -r '.state.status, .pid == .state.pid' $state/agent.json | xargs"
kill %% && wait %% 2>/dev/null
has 'an agent that is gone' 'linux.seccomp.listenerPath: connect to ' "$r" exec c true
"$r" delete --force c
spec "$notify" true
has '... is missed' 'linux.seccomp.listenerPath: connect to ' run
"$r" create -b "$bundle" c >/dev/null 2>&1 </dev/null
has '... by start, too' 'linux.seccomp.listenerPath: connect to ' "$r" start c
wait_for 5 sh -c "$r state c | grep -q stopped"
is '... and nobody waits for it' stopped sh -c "$r state c | jq -r .status"
"$r" delete --force c
else
	echo "ok - $part: linux.seccomp.listenerPath # skip no python3 here"
fi

ln -sfn ../run/resolve/stub "$rootfs/etc/resolv.conf"
spec '.mounts = [{destination: "/etc/resolv.conf", type: "bind", source: "/etc/passwd", options: ["bind"]}]' \
	grep -c ^root: /etc/resolv.conf
is 'a bind onto a link that leads to nothing' 1 run
ln -sfn loop "$rootfs/etc/loop"
spec '.mounts = [{destination: "/etc/loop", type: "bind", source: "/etc/passwd", options: ["bind"]}]' true
has 'a bind onto a link that leads in a circle' 'Too many levels of symbolic links' run
ln -sfn /lib/systemd/systemd "$rootfs/bin/init"
mkdir -p "$rootfs/lib/systemd"
spec '.process.args = ["/bin/init"]'
printf '#!/bin/sh\necho $container; mount | grep -c " on /run"\n' >"$rootfs/lib/systemd/systemd"
chmod +x "$rootfs/lib/systemd/systemd"
is 'systemd is recognised by what /bin/init is' 'private-users
2' run
spec '.annotations = {"io.sysvisor.init": "none"} | .process.args = ["/bin/init"]'
is 'unless an annotation says that it is not' '
0' run
spec '.linux.personality = {domain: "LINUX32"}' sh -c 'uname -m; sleep 100'
case $(uname -m) in
x86_64)
	"$r" create -b "$bundle" c >"$state/uname" 2>&1 </dev/null && "$r" start c
	is 'personality, also of what exec starts' 'i686 i686' sh -c "echo \$(cat $state/uname) \$($r exec c uname -m)"
	echo '{"args": ["uname", "-m"], "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"]}' >"$state/process.json"
	is '... by a file' i686 "$r" exec --process "$state/process.json" c
	"$r" delete --force c
	;;
esac
spec '.root.readonly = true' sh -c 'mount -o remount,bind,rw / 2>/dev/null; touch /x'
is 'a read-only root stays so, whatever root inside does to it' 'touch: /x: Read-only file system' run
spec '.root.readonly = true | .mounts = [{destination: "/brand/new", type: "tmpfs", source: "t"}, {destination:
	"/brand/file", type: "bind", source: "/etc/passwd", options: ["bind"]}]' sh -c 'touch /brand/new/x /brand/x; ls /brand'
is '... and has places for mounts that its image has not' 'touch: /brand/x: Read-only file system
file
new' run
spec '.root.readonly = true | .hooks.createContainer = [{path: "/bin/true"}]' touch /x
is '... and becomes so behind the hooks that come before' 'touch: /x: Read-only file system' run
spec '.root.readonly = true' sh -c 'touch /x; touch /sys/x; touch /tmp/x && echo /tmp'
is 'a read-only root' 'touch: /x: Read-only file system
touch: /sys/x: Read-only file system
/tmp' run

# --- what is refused ---

refused() {
	spec "$2" true
	has "refused: $1" "$3" run
}
refused 'the network of the host' 'del(.linux.namespaces[1])' "can't share namespaces [[]network[]]"
refused 'the host by path' '.linux.namespaces[1].path = "/proc/self/ns/net"' "can't share a network namespace with the host"
refused 'ids that include the host'"'"'s root' '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] |
	.linux.gidMappings = .linux.uidMappings' 'mapping to host ID 0'
refused 'half a map' '.linux.uidMappings = [{containerID: 0, hostID: 400000, size: 65536}]' \
	'detected missing user-ns UID and/or GID mappings'
refused 'few ids' '.linux.uidMappings = [{containerID: 0, hostID: 400000, size: 5}] |
	.linux.gidMappings = .linux.uidMappings' 'at least 65536 uids starting at uid 0'
refused 'no bundle that can be read' '.process.args = 5' 'config.json: process.args: is a number'
refused 'a listener without a path' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"],
	action: "SCMP_ACT_NOTIFY"}]}' 'linux.seccomp.listenerPath: is missing'
refused 'a listener that waits for itself' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/x",
	syscalls: [{names: ["sendmsg"], action: "SCMP_ACT_NOTIFY"}]}' "can't be for 'sendmsg'"
# v2 has no such controllers, and engines send them all the same
[ -e /sys/fs/cgroup/cgroup.controllers ] || {
refused 'a limit that has no controller' '.linux.resources.network = {classID: 5}' 'not supported: '"'"'net_cls.classid'
refused 'network priorities without their controller' '.linux.resources.network = {priorities:
	[{name: "lo", priority: 5}]}' 'not supported: '"'"'net_prio.ifpriomap'
}
[ -e /sys/fs/cgroup/rdma ] || [ -e /sys/fs/cgroup/cgroup.controllers ] ||
	refused 'RDMA without its controller' '.linux.resources.rdma = {mlx5_1: {hcaHandles: 3}}' "not supported: 'rdma.max'"
refused 'a scheduler that there is not' '.process.scheduler = {policy: "SCHED_FAST"}' \
	"process.scheduler.policy: 'SCHED_FAST' is not known"
refused 'an unknown init' '.annotations = {"io.sysvisor.init": "runit"}' "'runit' is not known; use systemd"
refused 'the root group' '.linux.cgroupsPath = "/"' 'is the root group'
refused 'a hook that fails' '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "echo why; exit 3"]}]' \
	'hook createRuntime: hook '"'"'/bin/sh'"'"' ended with exit status 3: why'
refused 'half a map of a mount' '.mounts = [{destination: "/s", type: "bind", source: "/etc", options: ["bind"],
	uidMappings: [{containerID: 0, hostID: 231077, size: 1}]}]' "'/s': uidMappings and gidMappings go together"
refused 'a map of what is no bind' '.mounts = [{destination: "/s", type: "tmpfs", source: "t",
	uidMappings: [{containerID: 0, hostID: 1, size: 1}]}]' "'/s': only binds can have uidMappings"
refused 'a mount that can'"'"'t be' '.mounts = [{destination: "/x", type: "nofs", source: "x"}]' \
	"mount: nofs at '/x': file system 'nofs': No such device"
has 'refused: systemd as the maker of groups' 'not supported: --systemd-cgroup' "$r" --systemd-cgroup run -b "$bundle" c
has 'refused: checkpoint' 'not supported: checkpoint' "$r" checkpoint c
has 'refused: a name with a path in it' "can't be used" "$r" create -b "$bundle" ../c
is 'nothing is left of what was refused' '' ls "$state/root"
is 'nor of its groups' '' sh -c "ls -d /sys/fs/cgroup/*/$name/c 2>/dev/null"

# --- the life of a container ---

spec '.hooks = ([["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"][] |
	{(.): [{path: "/bin/sh", args: ["sh", "-c", "echo \(.) $(grep -o status.*pid | tr -dc a-z) >>'"$state/hooks"'"]}]}] |
	add | del(.createContainer, .startContainer)) |
	.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "echo startContainer >/hook"]}]' \
	sh -c 'trap "exit 3" TERM; while :; do sleep 0.05; done'
# Not in $(...): the container keeps the standard output of who has made it.
"$r" create -b "$bundle" --pid-file "$state/pid" c >"$state/out" 2>&1 </dev/null
is 'create' '0 ' echo "$? $(cat "$state/out")"
is 'the state: created' created sh -c "$r state c | jq -r .status"
is 'the state: the pid is that of the file' "$(cat "$state/pid")" sh -c "$r state c | jq .pid"
has 'a second one of that name' 'container with id exists' "$r" create -b "$bundle" c
gives 'start' 0 "$r" start c
is 'the state: running' running sh -c "$r state c | jq -r .status"
has 'start twice' 'it is running' "$r" start c
is 'list' c "$r" list -q
is 'exec' '0
/bin:x' "$r" exec -e A=x c sh -c 'id -u; echo $PATH:$A'
gives 'exec: the exit status' 9 "$r" exec c sh -c 'exit 9'
has 'exec: a program that is not there' 'exec: "nosuch": executable file not found in $PATH' "$r" exec c nosuch
echo '{"args": ["sh", "-c", "id -u; pwd"], "cwd": "/tmp", "user": {"uid": 8, "gid": 8}, "env": ["PATH=/bin"]}' \
	>"$state/process.json"
is 'exec --process' '8
/tmp' "$r" exec --process "$state/process.json" c
gives 'exec --detach' 0 sh -c "$r exec --detach --pid-file $state/exec.pid c sleep 100 >/dev/null 2>&1"
is 'exec --detach: its pid' sleep cat "/proc/$(cat "$state/exec.pid" 2>/dev/null)/comm"
is 'ps' true sh -c "$r ps -f json c | jq 'length >= 2'"
is 'exec: no fd of ours is in it' '0
1
2
3' bash -c "exec 8</etc/passwd; $r exec c ls /proc/self/fd | cat"
last=$(($(nproc) - 1)) # processors are named up to it
echo '{"args": ["grep", "Cpus_allowed_list", "/proc/self/status"], "cwd": "/", "user": {"uid": 0, "gid": 0},
	"env": ["PATH=/bin"], "execCPUAffinity": {"initial": "0", "final": "'$last'"}}' >"$state/process.json"
is 'exec: execCPUAffinity, at the end' "Cpus_allowed_list:	$last" "$r" exec --process "$state/process.json" c
jq 'del(.execCPUAffinity.final)' <"$state/process.json" >"$state/process.initial"
is '... and at the beginning' "Cpus_allowed_list:	0" "$r" exec --process "$state/process.initial" c
sed 's/"final": "[0-9]*"/"final": "1023"/' "$state/process.json" >"$state/process.wrong"
has '... on one that there is not' "execCPUAffinity: run on processors '1023': Invalid argument" \
	"$r" exec --process "$state/process.wrong" c
groups=$(readlink -f "/sys/fs/cgroup/$name/c" /sys/fs/cgroup/*/"$name/c" | sort -u | xargs ls -d 2>/dev/null | wc -l)
is 'the first process is in its group of each hierarchy' "$groups" grep -c "/$name/c$" "/proc/$(cat "$state/pid")/cgroup"
is '... and so is one of exec' "$groups" grep -c "/$name/c$" "/proc/$(cat "$state/exec.pid")/cgroup"
type strace >/dev/null 2>&1 &&
	is 'exec moves no process: that would make the whole machine wait' '' moved exec c true
gives 'pause' 0 "$r" pause c
is 'the state: paused' paused sh -c "$r state c | jq -r .status"
has 'exec in a paused one' 'cannot exec in a paused container' "$r" exec c true
gives 'resume' 0 "$r" resume c
gives 'update' 0 sh -c "echo '{\"pids\": {\"limit\": 77}}' | $r update --resources - c"
is 'update: the limit' 77 "$r" exec c sh -c 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max'
is 'events' 77 sh -c "$r events --stats c | jq .data.pids.limit"
is 'its groups are its own to divide' made "$r" exec c sh -c 'cd /sys/fs/cgroup/pids 2>/dev/null ||
	cd /sys/fs/cgroup; mkdir inner && echo made'
has 'but not its limits' 'ermission denied' "$r" exec c sh -c 'cd /sys/fs/cgroup/pids 2>/dev/null ||
	cd /sys/fs/cgroup; echo 1000 >pids.max'
has 'delete of a running one' 'it is running' "$r" delete c
gives 'kill' 0 "$r" kill c TERM
wait_for 5 sh -c "$r state c | grep -q stopped"
has 'kill of one that has ended' 'process already finished' "$r" kill c 9
gives 'kill --all of one that has ended' 0 "$r" kill --all c 9
gives 'delete' 0 "$r" delete c
is 'hooks have run, in order' 'prestart createRuntime poststart poststop' \
	sh -c "cut -d' ' -f1 $state/hooks | paste -sd' '"
is 'hooks get the state' statuscreatingpid sh -c "sed -n '1s/.* //p' $state/hooks"
is 'the hook inside has run inside' startContainer cat "$rootfs/hook"
gives 'delete --force of what is not there' 0 "$r" delete --force c
has 'delete of what is not there' 'does not exist' "$r" delete c
is 'nothing is left' '' sh -c "ls $state/root; ls -d /sys/fs/cgroup/*/$name/c 2>/dev/null"
spec . sleep 100
"$r" create -b "$bundle" c >/dev/null 2>&1 </dev/null
gives 'delete --force of a created one' 0 "$r" delete --force c
spec . true
type strace >/dev/null 2>&1 && is 'run moves none' '' moved run -b "$bundle" c
spec '.process.terminal = true' sh -c 'tty; stat -c %u /dev/pts/0 /dev/console'
is 'run on a terminal' '/dev/pts/0
0
0' on_a_terminal run
spec . sh -c 'kill -TERM $$; sleep 100'
for n in $(seq 1 30); do
	"$r" create -b "$bundle" "many$n" >/dev/null 2>&1 </dev/null && "$r" start "many$n" &&
		"$r" delete --force "many$n" || echo "not ok - bundle: round $n"
	sed -i "s|$name/c[0-9]*\"|$name/c$n\"|" "$bundle/config.json"
done
is '30 rounds leave nothing' '' sh -c "ls $state/root; ls -d /sys/fs/cgroup/*/$name/c[0-9]* 2>/dev/null"
is 'nor a mount' 0 sh -c "grep -c $bundle /proc/self/mountinfo"
