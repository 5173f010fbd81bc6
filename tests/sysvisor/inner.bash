# Docker inside a system container, without --privileged. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154

start_services
start_docker '' --services-root "$state/services"

# The inner Docker is the host's own, shown read-only: nothing has to be fetched.
ln -sfn usr/lib "$image/lib"
ln -sfn usr/lib64 "$image/lib64"
mkdir -p "$image"/{usr,etc/alternatives,run,var/lib,var/run,sbin}
tar -C "$image" -c bin etc/passwd tmp proc sys dev >"$state/inner.tar"
tar -C "$image" -c . | docker import - debian:latest >/dev/null
docker network create own >/dev/null # where names are Docker's to tell, at 127.0.0.11
docker run --runtime=sysvisor-runc --cgroup-parent="/docker/$name" -d --name outer --network own \
	-e PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	-v /usr:/usr:ro -v /etc/alternatives:/etc/alternatives:ro -v "$state/inner.tar:/inner.tar:ro" \
	debian:latest sleep 1000 >/dev/null
printf '#!/bin/sh\nexec docker exec -e DOCKER_HOST=unix:///run/docker.sock outer "$@"\n' >"$state/bin/in_outer"
chmod +x "$state"/bin/*
PATH=$state/bin:$PATH
docker exec -d outer sh -c 'dockerd -H unix:///run/docker.sock >/run/dockerd.log 2>&1'
if wait_for 30 in_outer docker info; then
	echo "ok - $part: dockerd starts"
else
	echo "not ok - $part: dockerd starts"
	docker exec outer tail -n 5 /run/dockerd.log | cut -c1-300 | sed 's/^/# /'
	exit 0
fi
is 'its storage driver' overlay2 in_outer docker info -f '{{.Driver}}'
in_outer sh -c 'docker import /inner.tar inner:1' >/dev/null
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
docker rm -f outer >/dev/null
