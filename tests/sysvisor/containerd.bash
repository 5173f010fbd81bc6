# containerd with sysvisor-runc: ctr, and pods over CRI. Sourced by ./inside.
#
# A newer containerd than the system's can be tried by its folder in PATH; with 2.x there are pods with
# a user namespace as well.
# shellcheck shell=bash disable=SC2154

type containerd ctr >/dev/null 2>&1 || skip 'no containerd here'
mkdir "$state/bin"
printf '#!/bin/sh\nexec %s --no-sysvisor-mgr --no-sysvisor-fs --clamp-limits "$@"\n' "$SYSVISOR_RUNC" \
	>"$state/bin/sysvisor-runc"
printf '#!/bin/sh\nexec %s --services-root %s --clamp-limits "$@"\n' "$SYSVISOR_RUNC" "$state/services" \
	>"$state/bin/for-pods"
for cni in /opt/cni/bin /usr/lib/cni; do [ ! -x $cni/bridge ] || break; done
mkdir "$state/networks"
cat >"$state/networks/pods.conflist" <<-END
	{ "cniVersion": "0.4.0", "name": "pods", "plugins": [ { "type": "loopback" },
	  { "type": "bridge", "bridge": "pods0", "isGateway": true, "ipam": { "type": "host-local",
	    "dataDir": "$state/addresses", "ranges": [ [ { "subnet": "10.123.0.0/24" } ] ] } } ] }
END
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
	[plugins."io.containerd.grpc.v1.cri".cni]
	bin_dir = "$cni"
	conf_dir = "$state/networks"
	[plugins."io.containerd.grpc.v1.cri".containerd]
	snapshotter = "overlayfs"
	default_runtime_name = "sysvisor"
	[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.sysvisor]
	runtime_type = "io.containerd.runc.v2"
	[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.sysvisor.options]
	BinaryName = "$state/bin/for-pods"
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

# --- pods ---

/usr/bin/python3 -c 'import grpc' 2>/dev/null ||
	{ echo "ok - $part: pods over CRI # skip no python3-grpcio here"; exit 0; }
start_services
printf '#!/bin/sh\nexec /usr/bin/python3 %s/../engines/cri.py %s "$@"\n' "$here" "$state/containerd.sock" \
	>"$state/bin/cri"
printf '#!/bin/sh\nexec cri exec %s/pod "$@"\n' "$state" >"$state/bin/in_pod"
printf '#!/bin/sh\n%s ps --root %s | grep running\nls /run/netns\n' "$sysvisor" "$state/services" \
	>"$state/bin/running"
chmod +x "$state"/bin/*
gives 'CRI' 0 cri wait

# The network of the host can't be a system container's.
cri create "$state/pod" node >"$state/pod.log" 2>&1
has 'a pod on the network of the host is refused with the reason' \
	"system containers can't share namespaces [[]ipc uts network[]] with the host" cat "$state/pod.log"

[ -x "$cni/bridge" ] || { echo "ok - $part: pods with a network # skip no CNI plugins here"; exit 0; }
# One that is the pod's, made before the pod is: of the host's user namespace.
is 'a pod with a network of its own' '' cri create "$state/pod" pod
is 'its ids are the manager'"'"'s to give' '0 400000 65536' in_pod sh -c 'echo $(cat /proc/self/uid_map)'
is 'its address' "$(cri address "$state/pod")/24" in_pod sh -c 'ip -4 -o addr show eth0 | awk "{ print \$4 }"'
is '/sys shows its network, and not the host'"'"'s' 'eth0 lo' in_pod sh -c 'echo $(ls /sys/class/net)'
has 'as it is: nothing there can be changed' 'Read-only file system' in_pod sh -c \
	'mount -o remount,bind,rw /sys; echo 1400 >/sys/class/net/eth0/mtu'
is 'root may listen at any port, and ping' '0 0 65535' in_pod sh -c \
	'cd /proc/sys/net/ipv4 && echo $(cat ip_unprivileged_port_start ping_group_range)'
is 'sysctls of the pod' 77 in_pod cat /proc/sys/net/ipv4/ip_default_ttl
is 'sysctls of its network are its own to write' 1 in_pod sh -c \
	'cd /proc/sys/net/ipv4 && echo 1 >ip_forward && cat ip_forward'
has 'its addresses are not' 'not permitted' in_pod ip addr add 10.123.0.99/24 dev eth0
gives 'an exit status' 3 in_pod sh -c 'exit 3'
is 'it goes' '' cri remove "$state/pod"
gone() { [ -z "$(running)" ]; }
wait_for 10 gone
is 'and nothing of it is left' '' running

[[ $(containerd --version) == *" 2."* || $(containerd --version) == *" v2."* ]] ||
	{ echo "ok - $part: pods with a user namespace # skip containerd here is older than 2.0"; exit 0; }
is 'a pod with a user namespace' '' cri create "$state/pod" user
is 'its ids are what the engine says' '0 231072 65536' in_pod sh -c 'echo $(cat /proc/self/uid_map)'
is 'the image, and what is bound, is root'"'"'s' '0:0 0:0 0:0' in_pod sh -c \
	'touch /x && echo $(stat -c %u:%g /bin/busybox /x /etc/hosts)'
is 'all of its network is its own' 1400 in_pod sh -c \
	'ip link set eth0 mtu 1400 && ping -c 1 -w 5 10.123.0.1 >/dev/null && cat /sys/class/net/eth0/mtu'
is 'sysctls of the pod, in a user namespace' 77 in_pod cat /proc/sys/net/ipv4/ip_default_ttl
is 'a key of its own' 7 in_pod sh -c 'echo 7 >/proc/sys/kernel/panic && cat /proc/sys/kernel/panic'
is 'that goes, too' '' cri remove "$state/pod"
wait_for 10 gone
is 'and nothing of that is left' '' running
