# containerd with sysvisor-runc: ctr, and a pod over CRI. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154

type containerd ctr >/dev/null 2>&1 || skip 'no containerd here'
mkdir "$state/bin"
printf '#!/bin/sh\nexec %s --no-sysvisor-mgr --no-sysvisor-fs --clamp-limits "$@"\n' "$SYSVISOR_RUNC" \
	>"$state/bin/sysvisor-runc"
cat >"$state/config.toml" <<-END
	version = 2
	root = "$state/root"
	state = "$state/state"
	[grpc]
	address = "$state/containerd.sock"
	[plugins."io.containerd.internal.v1.opt"]
	path = "$state/opt"
	[plugins."io.containerd.grpc.v1.cri"]
	sandbox_image = "localhost/pause:1"
	disable_apparmor = true
	restrict_oom_score_adj = true
	[plugins."io.containerd.grpc.v1.cri".containerd]
	snapshotter = "overlayfs"
	default_runtime_name = "sysvisor"
	[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.sysvisor]
	runtime_type = "io.containerd.runc.v2"
	[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.sysvisor.options]
	BinaryName = "$state/bin/sysvisor-runc"
END
containerd -c "$state/config.toml" >"$state/containerd.log" 2>&1 &
printf '#!/bin/sh\nexec ctr -a %s "$@"\n' "$state/containerd.sock" >"$state/bin/c"
printf '#!/bin/sh\nexec ctr -a %s run --runc-binary %s "$@"\n' "$state/containerd.sock" \
	"$state/bin/sysvisor-runc" >"$state/bin/run"
chmod +x "$state"/bin/*
PATH=$state/bin:$PATH
wait_for 30 c version || skip "containerd can't start here: $(tail -n 1 "$state/containerd.log")"
tar -C "$image" -cf "$state/layer.tar" .
python3 "$here/../engines/image.py" "$state/layer.tar" "$state/image.tar" localhost/busybox:1 localhost/pause:1
for space in default k8s.io; do
	c -n "$space" images import "$state/image.tar" >/dev/null 2>&1
done

is 'ctr run' '0
         0     231072      65536' run --rm localhost/busybox:1 one sh -c 'id -u; cat /proc/self/uid_map'
gives 'ctr run: the exit status' 7 run --rm localhost/busybox:1 two sh -c 'exit 7'
has 'ctr run: a program that is not there' 'executable file not found in $PATH' \
	run --rm localhost/busybox:1 three nosuch
run -d localhost/busybox:1 four sleep 1000
is 'ctr task exec' 0 c task exec --exec-id e four id -u
gives 'ctr task pause' 0 c task pause four
gives 'ctr task resume' 0 c task resume four
gives 'ctr task kill' 0 c task kill -s KILL four
wait_for 5 sh -c 'c task ls | grep -q STOPPED'
has 'ctr task delete' 'exit code 137' c task delete four
c container rm four

# A pod whose network is the host's can't be a system container; one of its own needs CNI.
cri() { /usr/bin/python3 "$here/../engines/cri.py" "$state/containerd.sock" "$@"; }
if /usr/bin/python3 -c 'import grpc' 2>/dev/null && cri wait 2>/dev/null; then
	cri create "$state/pod" >"$state/pod.log" 2>&1
	has 'a pod on the network of the host is refused with the reason' \
		"system containers can't share namespaces [[]ipc uts network[]] with the host" cat "$state/pod.log"
	cri remove "$state/pod" >/dev/null 2>&1
else
	echo "ok - $part: a pod over CRI # skip no python3-grpcio here"
fi
