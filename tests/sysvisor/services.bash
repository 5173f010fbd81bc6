# sysvisor-runc together with sysvisor-mgr and sysvisor-fs, under Docker. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154

type dockerd >/dev/null 2>&1 || skip 'no dockerd here'
[ -e /dev/fuse ] || skip 'no /dev/fuse here'
sysvisor=$(dirname "$SYSVISOR_RUNC")/sysvisor
mkdir -p "$state/services/etc"
for file in subuid subgid; do echo 'sysvisor:400000:655360' >"$state/services/etc/$file"; done
"$sysvisor" up --root "$state/services" >"$state/up.log" 2>&1 &
wait_for 20 "$sysvisor" status --root "$state/services" ||
	{ echo "not ok - services: start"; sed 's/^/# /' "$state/up.log"; exit 1; }
export DOCKER_HOST=unix://$state/docker.sock DOCKER_CONFIG=$state/config
cat >"$state/daemon.json" <<-END
	{ "runtimes": { "sysvisor-runc": { "path": "$SYSVISOR_RUNC",
		"runtimeArgs": ["--services-root", "$state/services", "--clamp-limits"] } } }
END
dockerd --config-file "$state/daemon.json" --data-root "$state/data" --exec-root "$state/exec" \
	-H "$DOCKER_HOST" -p "$state/pid" >"$state/dockerd.log" 2>&1 &
wait_for 30 docker info || skip "dockerd can't start here: $(tail -n 1 "$state/dockerd.log")"
tar -C "$image" -c . | docker import - debian:latest >/dev/null
mkdir "$state/bin"
printf '#!/bin/sh\nexec docker run --runtime=sysvisor-runc --cgroup-parent=/docker/%s "$@"\n' "$name" \
	>"$state/bin/run"
chmod +x "$state"/bin/*
PATH=$state/bin:$PATH

run -d --name one -m 64m --memory-swap 64m debian:latest sleep 1000 >/dev/null
run -d --name two debian:latest sleep 1000 >/dev/null
is 'two containers share no id' '2 different' sh -c 'for c in one two; do
	docker exec $c cat /proc/self/uid_map; done | awk "{ print \$2 }" | sort -u | wc -l | sed "s/\$/ different/"'
mkdir -m 700 "$state/shared"
run --rm -v "$state/shared:/s" debian:latest sh -c 'echo from-one >/s/file'
is 'a 0700 directory works from two of them' from-one run --rm -v "$state/shared:/s" debian:latest cat /s/file
is 'and stays root'"'"'s outside' '0:0 700' stat -c '%u:%g %a' "$state/shared"
is '/proc/meminfo is the container'"'"'s' 65536 docker exec one awk '/MemTotal/ { print $2 }' /proc/meminfo
docker exec one sh -c 'echo 7 >/proc/sys/kernel/panic'
is 'a key that has no namespace is the container'"'"'s' 7 docker exec one cat /proc/sys/kernel/panic
is 'and not the other'"'"'s' "$(cat /proc/sys/kernel/panic)" docker exec two cat /proc/sys/kernel/panic
is 'and not the host'"'"'s' "$(cat /proc/sys/kernel/panic)" cat /proc/sys/kernel/panic
is '/var/lib/docker is on a real file system' ext2/ext3 docker exec one stat -fc %T /var/lib/docker
docker exec one sh -c 'echo kept >/var/lib/docker/file'
map=$(docker exec one cat /proc/self/uid_map)
docker restart -t 0 one >/dev/null
is 'a restart keeps its ids' "$map" docker exec one cat /proc/self/uid_map
is 'and its volumes' kept docker exec one cat /var/lib/docker/file
has 'sysvisor ps knows them' running "$sysvisor" ps --root "$state/services"
docker rm -f one two >/dev/null
wait_for 10 sh -c "! $sysvisor ps --root $state/services | grep -q running"
gives 'when they are removed, nothing of theirs is left' 1 sh -c "$sysvisor ps --root $state/services | grep running"
is 'no mount of theirs is left' 0 sh -c "grep -c '$state/services/var/lib/sysvisor/' /proc/self/mountinfo"
