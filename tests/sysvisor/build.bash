# `docker build` of a small image, on the host and in a system container by turns, for ./dev bench: prints
# "host MS inner MS", the processor time that all of it takes; then "mount US untrapped US", one call of mount(2) in the
# container and on the host. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154
#
#	SYSVISOR_BUILDS=4   of each

# Docker, its containers, the daemons and we are in one group, and are counted as one.
group=/sys/fs/cgroup/cpuacct/$name
[ -d "${group%/*}" ] || group=/sys/fs/cgroup/$name
mkdir -p "$group/all"
echo $$ >"$group/all/cgroup.procs"
used_ms() { awk '/^usage_usec/ { print int($2 / 1e3) } NF == 1 { print int($1 / 1e6) }' "$group"/{cpuacct.usage,cpu.stat} 2>/dev/null; }

start_services
start_docker '' --services-root "$state/services"
cp "$SYSVISOR_TOOLS/trapped" "$image/bin/"
start_inner "/$name/docker"
docker import "$state/inner.tar" inner:1 >/dev/null
cat >"$state/Dockerfile" <<-'END'
	FROM inner:1
	RUN for n in 1 2 3 4 5 6 7 8; do mkdir -p /d/$n && cp /bin/busybox /d/$n/x && sha256sum /d/$n/x >/d/$n/sum; done
	RUN rm -r /d/1 && chown -R 7:7 /d && echo built >/built
END
docker cp "$state/Dockerfile" outer:/Dockerfile >/dev/null 2>&1
build="docker build --no-cache -q"
# Not by `docker exec`, which is not what is measured.
enter="nsenter -a -t $(docker inspect -f '{{.State.Pid}}' outer) env DOCKER_HOST=unix:///run/docker.sock"

# took COMMAND...: what it takes, until what it has started has come to rest.
took() {
	local before
	before=$(used_ms)
	"$@" >"$state/built" 2>&1 || { echo "not ok - $part: $*" >&2; cat "$state/built" >&2; }
	sleep 0.3
	echo $(($(used_ms) - before))
}

for n in $(seq 0 "${SYSVISOR_BUILDS:-4}"); do
	host=$(took sh -c "$build --cgroup-parent=/$name/docker - <$state/Dockerfile")
	# shellcheck disable=SC2086 # a command
	inner=$(took $enter sh -c "$build - </Dockerfile")
	[ "$n" = 0 ] || echo "host $host inner $inner"
done

for n in 1 2 3 4 5; do
	echo "mount $(docker exec outer trapped cost remount 1000) untrapped $(unshare -m chroot "$image" trapped cost remount 1000)"
done | sed 's/ us//g'
docker rm -f outer >/dev/null
