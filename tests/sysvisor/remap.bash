# dockerd with userns-remap: Docker owns the ids, and sysvisor-runc honours them. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154

type dockerd >/dev/null 2>&1 || skip 'no dockerd here'
for file in subuid subgid; do
	echo 'daemon:500000:65536' >"$state/$file"
	touch "/etc/$file" && mount --bind "$state/$file" "/etc/$file"
done
export DOCKER_HOST=unix://$state/docker.sock DOCKER_CONFIG=$state/config
cat >"$state/daemon.json" <<-END
	{ "userns-remap": "daemon", "runtimes": { "sysvisor-runc": { "path": "$SYSVISOR_RUNC",
		"runtimeArgs": ["--no-sysvisor-mgr", "--no-sysvisor-fs", "--clamp-limits"] } } }
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
