# Podman with sysvisor-runc. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154

type podman conmon >/dev/null 2>&1 || skip 'no podman here'
mkdir "$state/bin"
printf '#!/bin/sh\nexec %s --root %s --no-sysvisor-mgr --no-sysvisor-fs --clamp-limits "$@"\n' "$SYSVISOR_RUNC" \
	"$state/runtime" >"$state/bin/sysvisor-runc"
export CONTAINERS_CONF=$state/containers.conf
cat >"$CONTAINERS_CONF" <<-END
	[containers]
	default_ulimits = ["nofile=20000:20000","nproc=30000:30000"]
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	runtime_supports_json = ["sysvisor-runc"]
	[engine.runtimes]
	sysvisor-runc = ["$state/bin/sysvisor-runc"]
END
cat >"$state/bin/p" <<-END
	#!/bin/sh
	exec podman --root $state/storage --runroot $state/run --tmpdir $state/tmp --storage-driver overlay \
		--runtime sysvisor-runc "\$@"
END
printf '#!/bin/sh\nexec p run --network none "$@"\n' >"$state/bin/run"
printf '#!/bin/sh\nscript -qec "$*" /dev/null | tr -d "\\r\\0" | sed "s/^^@//; /^$/d"\n' >"$state/bin/on_a_terminal"
chmod +x "$state"/bin/*
PATH=$state/bin:$PATH
tar -C "$image" -c . | p import - localhost/debian:latest >/dev/null 2>&1 ||
	skip "podman can't start here"

is 'run' syscont run --rm --hostname syscont localhost/debian:latest hostname
is 'run -it' /dev/pts/0 on_a_terminal run --rm -it localhost/debian:latest tty
is 'root inside is nobody outside' '         0     231072      65536' \
	run --rm localhost/debian:latest cat /proc/self/uid_map
is 'the image belongs to root inside' '0:0' run --rm localhost/debian:latest stat -c %u:%g /bin/busybox
gives 'the exit status' 7 run --rm localhost/debian:latest sh -c 'exit 7'
gives 'a program that is not there' 127 run --rm localhost/debian:latest nosuch
gives 'a program that may not be run' 126 run --rm localhost/debian:latest /etc/passwd
has '--net=host is refused with the reason' "can't share namespaces [[]network[]] with the host" \
	p run --rm --network host localhost/debian:latest true
run -d --name web localhost/debian:latest sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done' >/dev/null 2>&1
is 'exec' 0 p exec web id -u
is 'exec -it' /dev/pts/0 on_a_terminal p exec -it web tty
gives 'exec: the exit status' 5 p exec web sh -c 'exit 5'
p pause web >/dev/null
is 'pause' paused p inspect -f '{{.State.Status}}' web
p unpause web >/dev/null
is 'unpause' running p inspect -f '{{.State.Status}}' web
p stop -t 5 web >/dev/null
is 'stop lets the program end' 3 p inspect -f '{{.State.ExitCode}}' web
p start web >/dev/null
is 'start again' running p inspect -f '{{.State.Status}}' web
gives 'rm -f' 0 p rm -f -t 0 web
mkdir -m 700 "$state/shared"
echo secret >"$state/shared/file"
is 'a 0700 directory of the host' secret run --rm -v "$state/shared:/s" localhost/debian:latest cat /s/file
is 'a map of Podman'"'"'s' '         0     500000      65536' \
	run --rm --uidmap 0:500000:65536 --gidmap 0:500000:65536 localhost/debian:latest cat /proc/self/uid_map
has '--systemd=always' ' on /run type tmpfs' run --rm --systemd=always localhost/debian:latest mount
is 'nothing is left' '' ls "$state/runtime"
