# What the agent says of programs that are started, beyond their names.

load setup

setup() {
	need_root
	out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
	"$bulwark" check --json | jq -e '.sensors[] | select(.sensor == "exec").mechanism == "tp_btf"' \
		>/dev/null || skip "this kernel has no tp_btf for the exec sensor"
	BULWARK_SENSORS_TCP=false BULWARK_SENSORS_UDP=false BULWARK_SENSORS_DNS=false BULWARK_SENSORS_TLS=false \
		"$bulwark" up --under $$ --listen off --output json >"$out" 2>"$err" 3>&- &
	agent=$!
	wait_for 10 grep -q 'exec ' "$err"
	chmod 755 "$BATS_TEST_TMPDIR"
}

teardown() {
	[ -z "${agent:-}" ] || end "$agent"
}

has() { # CONDITION
	grep '^{' "$out" | jq -es 'any(.[]; ."event.name" == "process.exec" and ('"$1"'))'
}

@test "the working directory, through mounts and in a root of its own" {
	(cd / && /bin/true in-root)
	(cd /proc/self && /bin/true in-mount)
	mkdir -p "$BATS_TEST_TMPDIR/a b/c"
	(cd "$BATS_TEST_TMPDIR/a b/c" && /bin/true in-folder)
	mkdir -p "$BATS_TEST_TMPDIR/root/inner"
	cp "$(command -v busybox || echo /bin/busybox)" "$BATS_TEST_TMPDIR/root/busybox"
	chroot "$BATS_TEST_TMPDIR/root" /busybox sh -c 'cd inner && exec /busybox true in-chroot' || true
	wait_for 5 has '."process.command_line" == "/bin/true in-root" and ."process.working_directory" == "/"'
	wait_for 5 has '."process.command_line" == "/bin/true in-mount"
		and (."process.working_directory" | test("^/proc/[0-9]+$"))'
	wait_for 5 has '."process.command_line" == "/bin/true in-folder"
		and ."process.working_directory" == "'"$BATS_TEST_TMPDIR"'/a b/c"'
	wait_for 5 has '."process.command_line" == "/busybox true in-chroot"
		and ."process.working_directory" == "/inner"'
}

@test "one that lies too deep is cut at its start" {
	deep=$BATS_TEST_TMPDIR$(printf '/%.0sfolder-with-a-long-name' $(seq 30))
	mkdir -p "$deep"
	(cd "$deep" && /bin/true in-the-deep)
	wait_for 5 has '."process.command_line" == "/bin/true in-the-deep"
		and (."process.working_directory" | startswith(".../") and endswith("/folder-with-a-long-name"))'
}

@test "a script names its interpreter" {
	printf '#!/bin/sh\n:\n' >"$BATS_TEST_TMPDIR/script"
	chmod +x "$BATS_TEST_TMPDIR/script"
	"$BATS_TEST_TMPDIR/script"
	wait_for 5 has '."process.executable.path" == "'"$BATS_TEST_TMPDIR"'/script"
		and ."process.interpreter.path" == "/bin/sh"'
}

@test "a program has one path, however it was called and however short it lived" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	cp /bin/true "$BATS_TEST_TMPDIR/bin/real"
	ln -s real "$BATS_TEST_TMPDIR/bin/link"
	(cd "$BATS_TEST_TMPDIR/bin" && ./real by-dot && ../bin/real by-dots && ./link by-link)
	for how in by-dot by-dots by-link; do
		wait_for 5 has '(."process.command_line" // "" | endswith(" '$how'"))
			and ."process.executable.path" == "'"$BATS_TEST_TMPDIR"'/bin/real"'
	done
	printf '#!/bin/sh\n:\n' >"$BATS_TEST_TMPDIR/bin/script"
	chmod +x "$BATS_TEST_TMPDIR/bin/script"
	(cd "$BATS_TEST_TMPDIR/bin" && ./script)
	wait_for 5 has '."process.executable.path" == "'"$BATS_TEST_TMPDIR"'/bin/script"'
}

@test "a program that gives rights away, and one that has none" {
	cp /bin/true /tmp/bulwark-suid-$$
	chmod 4755 /tmp/bulwark-suid-$$
	setpriv --reuid 12345 --clear-groups /tmp/bulwark-suid-$$ gains
	setpriv --reuid 12345 --clear-groups --bounding-set -all --inh-caps -all /bin/true plain
	rm -f /tmp/bulwark-suid-$$
	wait_for 5 has '(."process.command_line" // "" | endswith(" gains") and startswith("/tmp"))
		and ."process.privileges_gained" and ."process.user.id" == 0 and ."process.real_user.id" == 12345
		and (."process.capabilities.effective" | startswith("0x"))'
	wait_for 5 has '."process.command_line" == "/bin/true plain" and ."process.user.id" == 12345
		and ."process.privileges_gained" == null and ."process.capabilities.effective" == null'
}

@test "a program that is only memory, and one whose file is gone" {
	python3 -c '
import os
fd = os.memfd_create("hidden", 0)
os.write(fd, open("/bin/true", "rb").read())
os.execve(fd, ["from-memory"], {})'
	wait_for 5 has '."process.command_line" == "from-memory" and ."process.executable.in_memory"
		and ."process.executable.unlinked" and ."process.executable.path" == "/memfd:hidden"'
	cp /bin/true "$BATS_TEST_TMPDIR/gone"
	python3 -c '
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
os.unlink(sys.argv[1])
os.execve(fd, ["gone"], {})' "$BATS_TEST_TMPDIR/gone"
	wait_for 5 has '."process.command_line" == "gone" and ."process.executable.unlinked"
		and ."process.executable.in_memory" == null'
}

@test "a program written after the image was made" {
	unshare -m --propagation private sh -e -c '
		mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir lower upper work all
		cp /bin/true lower/old
		mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work all
		cp /bin/true all/new
		all/old; all/new' - "$BATS_TEST_TMPDIR" || skip "no overlayfs here"
	wait_for 5 has '."process.command_line" == "all/new" and ."process.executable.upper_layer"'
	has '."process.command_line" == "all/old" and ."process.executable.upper_layer" == null'
}
