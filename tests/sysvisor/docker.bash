# Docker with sysvisor-runc as one of its runtimes. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154

start_docker '' --no-sysvisor-mgr --no-sysvisor-fs
tar -C "$image" -c . | docker import - debian:latest >/dev/null

# Programs, as `run` is.
printf '#!/bin/sh\nexec run --rm --network none debian:latest "$@"\n' >"$state/bin/syscont"
printf '#!/bin/sh\nscript -qec "$*" /dev/null | tr -d "\\r\\0" | sed "s/^^@//; /^$/d"\n' >"$state/bin/on_a_terminal"
chmod +x "$state"/bin/*

is 'the seed command line, without a terminal' syscont \
	run --rm --hostname syscont debian:latest hostname
is 'the seed command line, with one' '/dev/pts/0' \
	on_a_terminal docker run --runtime=sysvisor-runc --rm -it --hostname syscont debian:latest tty
is 'root inside is nobody outside' '         0     231072      65536' \
	syscont cat /proc/self/uid_map
is 'the image belongs to root inside' '0:0' syscont stat -c %u:%g /bin/busybox
is 'a network by default' 'eth0' run --rm debian:latest sh -c 'ls /sys/class/net | grep eth0'
gives 'the exit status' 7 syscont sh -c 'exit 7'
gives 'a program that is not there' 127 syscont nosuch
gives 'a program that may not be run' 126 syscont /etc/passwd
gives 'an option that Docker refuses' 125 run --rm --memory 1 debian:latest true
has '--net=host is refused with the reason' "can't share *network*with the host" \
	run --rm --net=host debian:latest true
has '--pid=host is refused with the reason' "can't share namespaces [[]pid[]] with the host" \
	run --rm --pid=host debian:latest true

run -d --name web debian:latest sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
is 'logs' up docker logs web
is 'exec' 0 docker exec web id -u
is 'exec -u' 1000 docker exec -u 1000 web id -u
is 'exec -it' /dev/pts/0 on_a_terminal docker exec -it web tty
gives 'exec: the exit status' 5 docker exec web sh -c 'exit 5'
has 'exec: a program that is not there' 'executable file not found in $PATH' docker exec web nosuch
has 'top' 'trap "exit 3" TERM' docker top web
is '--net=container: the network and its owner are shared' \
	"$(docker exec web sh -c 'readlink /proc/self/ns/net; readlink /proc/self/ns/user')" \
	run --rm --net=container:web debian:latest sh -c 'readlink /proc/self/ns/net; readlink /proc/self/ns/user'
is '--pid=container: the processes are shared' yes \
	run --rm --pid=container:web debian:latest sh -c 'ps | grep -q "trap.*exit 3" && echo yes'
docker pause web >/dev/null
is 'pause' true docker inspect -f '{{.State.Paused}}' web
docker unpause web >/dev/null
is 'unpause' false docker inspect -f '{{.State.Paused}}' web
is 'update' '' bash -c 'docker update --memory 64m --memory-swap 64m web >/dev/null'
is 'update has reached the control group' 67108864 \
	docker exec web cat /sys/fs/cgroup/memory/memory.limit_in_bytes
has 'stats' 64MiB docker stats --no-stream --format '{{.MemUsage}}' web
docker exec web sh -c 'echo inside >/root/file'
is 'cp out' inside bash -c "docker cp web:/root/file $state/file && cat $state/file"
echo outside >"$state/file"
docker cp "$state/file" web:/root/file2 2>/dev/null
is 'cp in' outside docker exec web cat /root/file2
docker commit web committed >/dev/null
is 'commit' '0:0 inside' run --rm --network none committed \
	sh -c 'echo $(stat -c %u:%g /root/file) $(cat /root/file)'
docker stop -t 5 web >/dev/null
is 'stop lets the program end' 3 docker inspect -f '{{.State.ExitCode}}' web
docker start web >/dev/null
is 'start again: files are still root'"'"'s' '0:0' docker exec web stat -c %u:%g /root/file
docker restart -t 0 web >/dev/null
is 'restart' true docker inspect -f '{{.State.Running}}' web
docker kill web >/dev/null
wait_for 5 bash -c '[ "$(docker inspect -f "{{.State.Running}}" web)" = false ]'
is 'kill' 137 docker inspect -f '{{.State.ExitCode}}' web
docker rm web >/dev/null

has '--read-only' 'Read-only file system' run --rm --read-only debian:latest touch /x
has '--read-only: root inside can not undo it' 'Read-only file system' run --rm --read-only debian:latest \
	sh -c 'mount -o remount,bind,rw / 2>/dev/null; mount -o remount,rw / 2>/dev/null; touch /x'
is '--init' 2 run --rm --init debian:latest sh -c 'cat /proc/1/comm | grep -q init && echo 2'
is '-w and -u' '/tmp 1000' run --rm -u 1000 -w /tmp debian:latest sh -c 'echo $(pwd) $(id -u)'
run --name oom --memory 20m --memory-swap 20m debian:latest \
	sh -c 'x=$(head -c 60000000 /dev/zero | tr "\0" x); echo $x' >/dev/null 2>&1
is '--memory with an OOM kill' true docker inspect -f '{{.State.OOMKilled}}' oom
docker rm oom >/dev/null

mkdir -m 700 "$state/shared"
echo secret >"$state/shared/file"
is 'a shared directory: root reads and writes what is 0700 outside' 'secret 0:0' \
	run --rm -v "$state/shared:/shared" debian:latest \
	sh -c 'echo $(cat /shared/file) $(stat -c %u:%g /shared); echo new >/shared/new'
is 'a shared directory: outside it stays root'"'"'s, 0700' '0:0 700 0:0' \
	bash -c "echo \$(stat -c '%u:%g %a' $state/shared) \$(stat -c %u:%g $state/shared/new)"
is 'a volume' '0:0' run --rm -v vol:/vol debian:latest stat -c %u:%g /vol
is 'all containers are gone' '' docker ps -aq
has 'mount inside: tmpfs, proc, overlay' ok syscont sh -c 'mount -t tmpfs t /tmp && mkdir /tmp/p /tmp/l /tmp/u /tmp/w /tmp/o &&
	mount -t proc p /tmp/p && mount -t overlay o -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w /tmp/o && echo ok'
is 'sysctls of its network are its own' 1 run --rm debian:latest \
	sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward'
has 'the host is out of reach: sysctl' 'ermission denied' syscont sh -c 'echo 1 >/proc/sys/vm/swappiness'
has 'the host is out of reach: files of /proc' 'ermission denied' syscont sh -c 'echo 1 >/proc/sys/kernel/panic'
has 'the host is out of reach: device nodes' 'not permitted' syscont mknod /tmp/sda b 8 0
