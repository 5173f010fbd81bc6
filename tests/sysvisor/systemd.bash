# systemd as the first process of a system container. Sourced by ./inside.
# shellcheck shell=bash disable=SC2154,SC2016

# With the services, where they can run.
if [ -e /dev/fuse ] && ! ldd "$(dirname "$SYSVISOR_RUNC")/sysvisor-fs" | grep -q 'not found'; then
	start_services
	by_hand --services-root "$state/services"
else
	by_hand --no-sysvisor-mgr --no-sysvisor-fs
fi
bundle=$state/bundle
mkdir -p "$bundle/rootfs"
if [ -n "${SYSTEMD_IMAGE:-}" ]; then
	# Debian as debootstrap makes it, under an upper layer, as engines have it.
	mkdir "$state"/{lower,upper,work}
	mount -o loop,ro "$SYSTEMD_IMAGE" "$state/lower" || skip "no loop device here"
	mount -t overlay o -o "lowerdir=$state/lower,upperdir=$state/upper,workdir=$state/work" \
		"$bundle/rootfs"
	more='{}'
elif [ -e /lib/systemd/systemd ]; then
	# This machine's own, shown read-only.
	cp -a /etc "$bundle/rootfs"
	mkdir -p "$bundle/rootfs"/{usr,proc,sys,dev,run,root} "$bundle/rootfs/var"/{lib,log,cache}
	mkdir -m 1777 "$bundle/rootfs"/{tmp,var/tmp}
	for name in bin sbin lib lib64; do ln -s "usr/$name" "$bundle/rootfs/$name"; done
	# What "/sbin/init" is can't be seen before that is mounted.
	more='{"mounts": [{"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]}],
		"annotations": {"io.sysvisor.init": "systemd"}}'
	rm -rf "$bundle/rootfs/etc/systemd/system"/*.wants
else
	skip "${SYSTEMD_NONE:-no systemd here}"
fi
# An id of its own, and no questions as at a first boot.
: >"$bundle/rootfs/etc/machine-id"
# It wants a network, and has none here.
ln -sfn /dev/null "$bundle/rootfs/etc/systemd/system/podman-auto-update.service"
"$r" spec -b "$bundle"
jq --argjson more "$more" '. + $more | .process.terminal = false | .process.args = ["/sbin/init"] |
	.linux.cgroupsPath = "/'"$name"'/c"' <"$bundle/config.json" >"$bundle/new"
mv "$bundle/new" "$bundle/config.json"

"$r" create -b "$bundle" c >"$state/out" 2>&1 </dev/null || sed 's/^/# /' "$state/out"
gives 'start' 0 "$r" start c
is_up() { "$r" exec c systemctl is-system-running | grep -qE 'running|degraded'; }
wait_for $((patience * 3)) is_up
is 'systemd reaches "running"' running "$r" exec c systemctl is-system-running
is 'no unit has failed' '' "$r" exec c systemctl --failed --no-legend --no-pager
has 'the journal works' 'Startup finished' "$r" exec c journalctl -b -o cat --no-pager
has 'it knows that it is in a container' container "$r" exec c systemd-detect-virt
is 'its units are limited: the control groups are its to divide' 67108864 \
	"$r" exec c systemd-run --wait --pipe -q -p MemoryMax=64M sh -c 'for file in \
		/sys/fs/cgroup/memory$(sed -n s/.*:memory://p /proc/self/cgroup)/memory.limit_in_bytes \
		/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/memory.max; do
		[ ! -e $file ] || { cat $file; exit; }; done'
gives 'kill TERM, which means the end to an engine, powers it off' 0 "$r" kill c TERM
has_ended() { "$r" state c | grep -q '"stopped"'; }
wait_for $((patience * 2)) has_ended
is 'it ends by itself' stopped sh -c "$r state c | jq -r .status"
gives 'delete' 0 "$r" delete --force c
is 'nothing is left' '' sh -c "ls $state/root; ls -d /sys/fs/cgroup/*/$name/c /sys/fs/cgroup/$name/c 2>/dev/null"
