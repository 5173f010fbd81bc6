# System calls that reach for rights, other processes, namespaces or the kernel.

load setup
load network

setup() {
	need_sensor privilege tp_btf
	echo '{}' >"$said"
	export BULWARK_SENSORS_PRIVILEGE=true
}

@test "namespaces, mounts, user ids, with their arguments" {
	start
	unshare -n -m --propagation private sh -c "mount -t tmpfs tmpfs '$BATS_TEST_TMPDIR'"
	setpriv --reuid 12345 --clear-groups /bin/true
	wait_for 5 has '."event.name" == "syscall.privileged" and ."syscall.name" == "unshare"
		and ."process.pid" > 0
		and ."syscall.arguments" == "flags=0x40020000" and ."error.type" == null'
	wait_for 5 has '."syscall.name" == "mount" and ."process.comm" == "mount" or ."syscall.name" == "move_mount"'
	wait_for 5 has '(."syscall.name" // "" | test("^setres?uid|^setreuid")) and ."process.command_line" != null'
}

@test "namespaces that come with a process; one without is not told" {
	start
	# clone(2) and clone3(2), with CLONE_NEWUTS and without it.
	python3 -c '
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
for flags in 0x04000000, 0:
	ask = ctypes.create_string_buffer(struct.pack("11Q", flags, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0))
	for call in lambda: libc.syscall(56, flags | 17, 0, 0, 0, 0), lambda: libc.syscall(435, ask, 88):
		if call() == 0:
			os._exit(0)
		os.wait()'
	wait_for 5 has '."syscall.name" == "clone" and ."syscall.arguments" == "flags=0x4000011"'
	wait_for 5 has '."syscall.name" == "clone3" and ."syscall.arguments" == "flags=0x4000000"'
	end "$agent"
	[ "$(grep -c '"syscall.name":"clone' "$out")" -eq 2 ]
}

@test "a 32-bit call is not taken for what its number means otherwise" {
	[ "$(uname -m)" = x86_64 ] || skip "no such calls here"
	start
	# 272 is unshare, and fadvise64_64 there.
	python3 -c '
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=7)
code.write(b"\x53\xb8\x10\x01\x00\x00\x31\xdb\x31\xc9\x31\xd2\xcd\x80\x5b\xc3")
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
ctypes.CDLL(None).setfsuid(0)'
	wait_for 5 has '."syscall.name" == "setfsuid" and ."process.comm" == "python3"'
	end "$agent"
	! grep '"syscall.name":"unshare"' "$out"
}

@test "another process, and what was refused" {
	start
	python3 -c '
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if child == 0:
	os.read(0, 1)
	os._exit(0)
libc.ptrace(16, child, 0, 0)  # attach
libc.ptrace(17, child, 0, 0)  # detach
os.kill(child, 9)
os.setuid(12345)
libc.setuid(0)
print(child)' <>/dev/zero >"$BATS_TEST_TMPDIR/child"
	wait_for 5 has '."syscall.name" == "ptrace" and ."target.process.pid" == '"$(cat "$BATS_TEST_TMPDIR/child")"
	wait_for 5 has '."syscall.name" == "setuid" and ."process.comm" == "python3"'
}

@test "a process that calls in a loop is told once a second, with how often" {
	listen=127.0.0.1:$(free_port)
	start
	python3 -c '
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
for n in range(5000):
	libc.setfsuid(0)
time.sleep(1.1)
libc.setfsuid(0)'
	wait_for 5 has '."syscall.name" == "setfsuid" and ."syscall.repeated" == 4999'
	[ "$(curl -s "$listen/metrics" | sed -n 's/^bulwark_privilege_suppressed_total //p')" -ge 4999 ]
	end "$agent"
	[ "$(grep -c '"syscall.name":"setfsuid"' "$out")" -le 4 ]
}

@test "more processes than there is room for are told without a limit, and counted" {
	start
	# 300 processes, each of 20 calls twice: the second is held back, so that its place is needed.
	python3 -c '
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
calls = [(101, -1), (310, 0), (176, 0), (165, 0), (166, 0), (429, -1, 0, -1), (155, 0), (161, 0), (308, -1),
         (272, 0), (105, 0), (106, 0), (113, -1, -1), (114, -1, -1), (117, -1, -1, -1), (119, -1, -1, -1),
         (122, 0), (126, 0), (248, 0), (250, -1)]
for _ in range(300):
	if os.fork() == 0:
		for call in calls:
			for _ in range(2):
				libc.syscall(*call, *[0] * (6 - len(call)))
		os._exit(0)
	os.wait()'
	# Of 6000 there is room for 4096; the others are told each time.
	wait_for 5 has '."event.name" == "loss" and ."loss.place" == "rates"'
	end "$agent"
	agent=
	lost=$(jq -s 'map(select(."loss.place" == "rates")."loss.total") | max' <(grep '^{' "$out"))
	[ "$lost" -ge $((2 * (6000 - 4096))) ]
	[ "$lost" -le $((2 * (6000 - 4096) + 100)) ]
}

@test "off unless asked for" {
	unset BULWARK_SENSORS_PRIVILEGE
	start
	grep -q 'not asked for (see sensors.privilege)' "$err"
}
