# Containers that come and go, with both daemons: nothing of them may stay behind. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154
#
#	SYSVISOR_SOAK=60    rounds of create, start, delete; each with a user's read and write inside
#	SYSVISOR_SOAK_S=60  after so many seconds the rounds end, however many there were

rounds=${SYSVISOR_SOAK:-60} limit_s=${SYSVISOR_SOAK_S:-60}
start_services
services=$state/services
mgr=$(pgrep -P $! -x sysvisor-mgr)
fs=$(pgrep -P $! -x sysvisor-fs)

bundle=$state/bundle layers=$state/layers
mkdir -p "$bundle/rootfs" "$layers"
"$SYSVISOR_RUNC" spec -b "$bundle"
jq --arg path "/$name/soak" '.process.terminal = false | .process.env = ["PATH=/bin"] |
	.process.args = ["sleep", "1000"] |
	.linux.cgroupsPath = $path' <"$bundle/config.json" >"$bundle/new"
mv "$bundle/new" "$bundle/config.json"

r="$SYSVISOR_RUNC --root $state/root --services-root $services"

# shellcheck disable=SC2016 # for the shell inside
use='echo 7 >/proc/sys/kernel/panic; cat /proc/meminfo /proc/sys/net/ipv4/ip_forward >/dev/null;
	cat /proc/sys/kernel/panic'

# As an engine does it: a layer for each container, which goes when that is removed for good.
round() { # ID
	local layer=$layers/$1 status=0
	mkdir -p "$layer"/{upper,work}
	mount -t overlay -o "lowerdir=$image,upperdir=$layer/upper,workdir=$layer/work" overlay \
		"$bundle/rootfs"
	{
		$r create -b "$bundle" "$1" </dev/null && $r start "$1" &&
			[ "$($r exec "$1" sh -c "$use")" = 7 ] || status=1
		$r delete --force "$1" || status=1
		ls -d "$layer/sysvisor-work" 2>/dev/null && status=1
	} >"$state/out" 2>&1
	umount "$bundle/rootfs"
	rm -rf "$layer"
	return $status
}

# What there is: each line is one thing that a container could leave.
inventory() {
	find /sys/fs/cgroup -mindepth 1 -type d -path "*/$name/*"
	cut -d' ' -f5 /proc/self/mountinfo | grep -F "$state"
	find "$state/root" "$layers" "$services/var/lib/sysvisor" "$services/var/lib/sysvisorfs" \
		-mindepth 1 -not -path '*/mgr/*'
	for pid in $mgr $fs; do
		find "/proc/$pid/fd" -mindepth 1 -printf "fd of $pid %l\n" | sed 's/[0-9]*]$/]/' | sort
		echo "threads of $pid $(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)"
	done
	find /proc -maxdepth 1 -name '[0-9]*' -exec cat {}/comm \; 2>/dev/null | sort | uniq -c |
		grep -v -e find -e cat -e sort -e uniq -e grep -e bash -e sed -e tail
	"$sysvisor" ids --root "$services"
}

# Deleting volumes is work beside the loop, and files of groups are closed when they rest for 30 s.
settled() {
	inventory >"$state/after"
	diff "$state/before" "$state/after" >"$state/difference"
}

anonymous_kib() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; }

for n in 1 2 3; do round "c$n" || break; done
is 'a round' '' cat "$state/out"
wait_for 10 sh -c "[ -z \"\$(ls $services/var/lib/sysvisor/.removed)\" ]"
inventory >"$state/before"
before=$(($(anonymous_kib "$mgr") + $(anonymous_kib "$fs")))

count=0 failed=0
until=$((SECONDS + limit_s))
while [ $count -lt "$rounds" ] && [ $SECONDS -lt "$until" ]; do
	count=$((count + 1))
	round "r$count" || { failed=$((failed + 1)); cat "$state/out" >&2; }
done
is 'every round does' 0 echo "$failed"
wait_for 40 settled
is "$count rounds leave nothing" '' cat "$state/difference"
after=$(($(anonymous_kib "$mgr") + $(anonymous_kib "$fs")))
is "nor memory of the daemons ($before KiB before, $after after)" 1 echo $((after - before < 1024))
