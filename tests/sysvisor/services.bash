# sysvisor-runc together with sysvisor-mgr and sysvisor-fs, under Docker. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154

start_services
start_docker '' --services-root "$state/services"
tar -C "$image" -c . | docker import - debian:latest >/dev/null

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
