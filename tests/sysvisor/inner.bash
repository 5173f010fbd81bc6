# Docker inside a system container, without --privileged. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154

start_services
start_docker '' --services-root "$state/services"

start_inner "/docker/$name"
is 'its storage driver' overlay2 in_outer docker info -f '{{.Driver}}'
is 'docker run' hello in_outer docker run --rm inner:1 echo hello
is 'an inner container sees the outer one'"'"'s memory' 1 in_outer docker run --rm inner:1 \
	grep -c ' /proc/meminfo .* sysvisor-fs ' /proc/self/mountinfo
is 'the inner network' eth0 in_outer docker run --rm inner:1 sh -c 'ls /sys/class/net | grep eth0'
is 'names: in the container' 0 sh -c 'docker exec outer nslookup outer >/dev/null; echo $?'
is 'names: in the inner container, of the outer network' "$(docker inspect -f \
	'{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' outer)" \
	in_outer docker run --rm inner:1 sh -c 'nslookup outer | sed -n "s/^Address.*: \([0-9.]*\)$/\1/p"'
is 'inner limits' 33554432 in_outer docker run --rm -m 32m inner:1 \
	sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max'
in_outer sh -c 'printf "FROM inner:1\nRUN echo built >/file\n" | docker build -q -t built -' >/dev/null
is 'docker build' built in_outer docker run --rm built cat /file
has 'inner --privileged is confined: sysctl' 'ermission denied' \
	in_outer docker run --rm --privileged inner:1 sh -c 'echo 1 >/proc/sys/vm/swappiness'
has 'inner --privileged is confined: device nodes' 'not permitted' \
	in_outer docker run --rm --privileged inner:1 mknod /tmp/sda b 8 0
is 'inner --privileged is confined: requests, modules and file systems of the kernel' '3 refused, 0 done' \
	in_outer docker run --rm --privileged inner:1 sh -c 'n=0 done=0
		try() { if "$@" >/dev/null 2>&1; then done=$((done + 1)); else n=$((n + 1)); fi; }
		try sh -c "echo h >/proc/sysrq-trigger"; try insmod /bin/busybox
		try mount -t debugfs d /tmp; echo "$n refused, $done done"'
docker rm -f outer >/dev/null
