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

# --- what an image has for the engine inside ---

bundle=$state/seeded
mkdir "$bundle"
cp -a "$image" "$bundle/rootfs"
docker=$bundle/rootfs/var/lib/docker
mkdir -p "$docker/overlay2/l"
echo layer >"$docker/overlay2/a"
ln "$docker/overlay2/a" "$docker/overlay2/b"
ln -s ../a "$docker/overlay2/l/x"
mknod "$docker/overlay2/gone" c 0 0
mkfifo "$docker/fifo"
chmod 710 "$docker/overlay2"
chown 7:8 "$docker/overlay2/a"
touch -d @1000000000 "$docker/overlay2"
python3 -c 'import os, sys; os.setxattr(sys.argv[1], "trusted.overlay.opaque", b"y")' "$docker/overlay2/l"
ln -s ../../../../../etc "$bundle/rootfs/var/lib/kubelet" # of the image, not of the host

printf '#!/bin/sh\nexec %s --root %s --services-root %s "$@"\n' "$SYSVISOR_RUNC" "$state/root" \
	"$state/services" >"$state/bin/runtime"
chmod +x "$state/bin/runtime"
seeded_spec() { # SCRIPT
	rm -f "$bundle/config.json"
	"$SYSVISOR_RUNC" spec -b "$bundle"
	jq --arg script "$1" --arg path "/$name/seeded" '.process.terminal = false | .process.env = ["PATH=/bin"] |
		.linux.cgroupsPath = $path | .process.args = ["sh", "-c", $script]' \
		<"$bundle/config.json" >"$bundle/new"
	mv "$bundle/new" "$bundle/config.json"
}
seeded_spec 'cd /var/lib/docker && ls -A && stat -fc %T . && cd overlay2 &&
	stat -c "%n %u:%g %a %h %Y" . && stat -c "%n %u:%g %h" a b && stat -c "%n %F %t:%T" gone && readlink l/x && cat b'
volume=$state/services/var/lib/sysvisor/docker/seeded
is 'what the image has for an engine is in its volume' 'overlay2
ext2/ext3
. 0:0 710 3 1000000000
a 7:8 2
b 7:8 2
gone character special file 0:0
../a
layer' runtime run --keep -b "$bundle" seeded
is 'with its marks' y python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "trusted.overlay.opaque").decode())' \
	"$volume/overlay2/l"
is 'links lead no further than the image' "$(cat "$image/etc/passwd")" \
	cat "$state/services/var/lib/sysvisor/kubelet/seeded/passwd"
mkdir -p "$state/services/var/lib/sysvisor/docker/half/overlay2" "$state/services/var/lib/sysvisor/docker/own/mine"
python3 -c 'import os, sys; os.setxattr(sys.argv[1], "trusted.sysvisor.seeding", b"1")' \
	"$state/services/var/lib/sysvisor/docker/half"
seeded_spec 'ls /var/lib/docker /var/lib/docker/*'
is 'one that was interrupted is filled anew' '/var/lib/docker:
overlay2

/var/lib/docker/overlay2:
a
b
gone
l' runtime run -b "$bundle" half
is 'one that holds something is left alone' '/var/lib/docker:
mine

/var/lib/docker/mine:' runtime run -b "$bundle" own
