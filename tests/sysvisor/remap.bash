# dockerd with userns-remap: Docker owns the ids, and sysvisor-runc honours them. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154

for file in subuid subgid; do
	echo 'daemon:500000:65536' >"$state/$file"
	touch "/etc/$file" && mount --bind "$state/$file" "/etc/$file"
done
start_docker '"userns-remap": "daemon",' --no-sysvisor-mgr --no-sysvisor-fs
tar -C "$image" -c . | docker import - debian:latest >/dev/null

is 'Docker'"'"'s map is honoured' '         0     500000      65536' run --rm debian:latest cat /proc/self/uid_map
is 'the image belongs to root inside' '0:0' run --rm debian:latest stat -c %u:%g /bin/busybox
is 'root writes to it' '0:0' run --rm debian:latest sh -c 'touch /x && stat -c %u:%g /x'
mkdir -m 700 "$state/shared"
echo secret >"$state/shared/file"
is 'a 0700 directory of the host'"'"'s root works' secret run --rm -v "$state/shared:/s" debian:latest cat /s/file
is 'a volume' '0:0' run --rm -v vol:/vol debian:latest stat -c %u:%g /vol
run -d --name web debian:latest sleep 1000 >/dev/null
is 'exec' 0 docker exec web id -u
docker restart -t 0 web >/dev/null
is 'restart' true docker inspect -f '{{.State.Running}}' web
docker rm -f web >/dev/null
