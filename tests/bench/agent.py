# SPDX-License-Identifier: Apache-2.0
"""The agent by itself: the kernel log, how it starts, what it takes when nothing happens."""
import contextlib
import operator
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from harness import BULWARK, TOOLS, bulwark, cpu_ns, cpu_ns_all, rss_mib, say, tool


@contextlib.contextmanager
def open_kmsg():
    """User space may write to the log for a while."""
    path = pathlib.Path("/proc/sys/kernel/printk_devkmsg")
    before = path.read_text()
    path.write_text("on\n")
    try:
        yield
    finally:
        path.write_text(before)


def kmsg_mark():
    """Writes a record, and returns the number that the kernel gave it."""
    fd = os.open("/dev/kmsg", os.O_RDWR | os.O_NONBLOCK)
    try:
        os.lseek(fd, 0, os.SEEK_END)
        os.write(fd, b"<6>bulwark-bench: mark\n")
        while True:
            with contextlib.suppress(BrokenPipeError):
                record = os.read(fd, 8192)
                if b";bulwark-bench: mark" in record:
                    return int(record.split(b",")[1])
    finally:
        os.close(fd)


def kmsg_counts(port):
    words = tool("curl", "-s", f"http://127.0.0.1:{port}/metrics")
    return [int(re.search(rf"^bulwark_kmsg_{name}_total (\d+)", words, re.M).group(1)) for name in ("records", "lost")]


def kmsg_with_bulwark(count, rate):
    """CPU-us a record; records seen, lost, and numbered by the kernel; rate reached. The kernel drops records of its
    own when it is too busy, and gives those no number."""
    port = 19469
    agent = subprocess.Popen([BULWARK, "up", "--allow-second", "--output", "json", "--under", "4194303",
                              "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        while b"exec" not in agent.stderr.readline():
            pass
        seen, lost = kmsg_counts(port)
        before, first = cpu_ns(agent.pid), kmsg_mark()
        reached = tool(TOOLS / "kmsg-write", count, rate)
        numbered = kmsg_mark() - first + 1
        deadline = time.monotonic() + 2
        while sum(kmsg_counts(port)) < seen + lost + numbered and time.monotonic() < deadline:
            time.sleep(0.01)
        used = cpu_ns(agent.pid) - before
        seen, lost = (now - then for now, then in zip(kmsg_counts(port), (seen, lost)))
    finally:
        agent.terminate()
        agent.wait()
    return used / max(seen, 1) / 1e3, seen, lost, float(reached), numbered


def kmsg_with_peer(command, out, count, rate, **streams):
    """CPU-us a record of a program that copies the log into a file."""
    peer = subprocess.Popen(command, **streams)
    try:
        time.sleep(1.2)
        before = cpu_ns_all(peer.pid)
        tool(TOOLS / "kmsg-write", count, rate)
        time.sleep(1.5)
        used = cpu_ns_all(peer.pid) - before
    finally:
        peer.terminate()
        peer.wait()
    seen = out.read_text(errors="replace").count("bulwark-bench: record") if out.exists() else 0
    return used / max(seen, 1) / 1e3


def kmsg_with_dmesg(count, rate):
    with tempfile.NamedTemporaryFile() as out:
        return kmsg_with_peer(["dmesg", "--follow-new"], pathlib.Path(out.name), count, rate, stdout=out)


def kmsg_with_rsyslog(count, rate):
    with tempfile.TemporaryDirectory() as folder:
        conf, out = pathlib.Path(folder, "conf"), pathlib.Path(folder, "out")
        conf.write_text(f'global(workDirectory="{folder}")\nmodule(load="imkmsg")\n'
                        f'action(type="omfile" file="{out}")\n')
        return kmsg_with_peer(["rsyslogd", "-n", "-f", conf, "-i", f"{folder}/pid"], out, count, rate,
                              stderr=subprocess.DEVNULL)


def bench_kmsg():
    count = 100000
    with open_kmsg():
        paced = [kmsg_with_bulwark(count, 100000) for _ in range(3)]
        flood = [kmsg_with_bulwark(count * 3, 0) for _ in range(3)]
        ways = {"dmesg": kmsg_with_dmesg, "rsyslogd": kmsg_with_rsyslog}
        peers = {name: statistics.median(run(count, 100000) for _ in range(3))
                 for name, run in ways.items() if shutil.which(name)}
    figure = statistics.median(run[0] for run in paced)
    say("kmsg: CPU-us/record", figure, 1.5, ", ".join(f"{name} {used:.2f} us" for name, used in peers.items()))
    say("kmsg: x the leanest peer", figure / min(peers.values()), 1.5 / 5, min(peers, key=peers.get))
    say("kmsg: lost at 100,000/s", statistics.median(run[2] for run in paced), 0,
        f"of {count}; reached {statistics.median(run[3] for run in paced):.0f}/s")
    for _, seen, lost, reached, numbered in flood:
        missing = numbered - seen - lost
        say("kmsg: unaccounted at full speed", abs(missing), 0,
            f"{reached:.0f}/s: seen {seen} + lost {lost} of {numbered} that the kernel numbered")


# --- start and idle ---


def first_event_ms():
    """From starting the agent to the first event on its output, with programs being started all the time."""
    busy = subprocess.Popen([TOOLS / "storm", "100000", TOOLS / "nothing"], stdout=subprocess.DEVNULL)
    time.sleep(0.1)
    start = time.monotonic()
    agent = subprocess.Popen([BULWARK, "up", "--listen", "off", "--output", "json", "--under", str(busy.pid)],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        agent.stdout.read(1)
        return (time.monotonic() - start) * 1e3
    finally:
        busy.kill()
        busy.wait()
        agent.terminate()
        agent.communicate()


def all_attached(folder):
    """Milliseconds until the last line of the start-up table, with every sensor there is, and the most MiB until then."""
    settings = pathlib.Path(folder, "every.toml")
    settings.write_text(f"""[sensors]
        http = true
        privilege = true
        syscall = true
        statsd = true
        [syscall]
        monitor_syscalls = ["openat"]
        [statsd_listener]
        bind_address = "127.0.0.1:0"
        [files]
        paths = ["{folder}"]""")
    start = time.monotonic()
    with bulwark("--config", settings, "--under", "4194303", "--output", "json") as agent:
        while b"files " not in agent.stderr.readline():
            pass
        return (time.monotonic() - start) * 1e3, rss_mib(agent.pid, "VmHWM")


def minimal_ms():
    """Two programs opened, loaded and attached as libbpf does it."""
    start = time.monotonic()
    tool(TOOLS / "minimal")
    return (time.monotonic() - start) * 1e3


def bench_start():
    """Limits in milliseconds are for a machine on which a minimal program takes 15 to 20."""
    with tempfile.TemporaryDirectory() as folder:
        rounds = [(minimal_ms(), first_event_ms(), *all_attached(folder)) for _ in range(9)]
    minimal, first, every, peaks = zip(*rounds)
    for title, times, limit in (("start to first event", first, 50), ("start to every sensor", every, 100)):
        say(f"{title}: ms", statistics.median(times), limit, f"{min(times):.0f} to {max(times):.0f}")
        say(f"{title}: x minimal", statistics.median(map(operator.truediv, times, minimal)), limit / 17.5,
            f"a program with two tracepoints: {statistics.median(minimal):.1f} ms")
    say("start to every sensor: most RSS MiB", max(peaks), 24, "files by whatever this kernel permits")


def bench_idle():
    seconds = 20
    with bulwark("--output", "json", "--under", "4194303") as agent:
        time.sleep(2)
        before = cpu_ns(agent.pid)
        time.sleep(seconds)
        used = (cpu_ns(agent.pid) - before) / 1e9 / seconds * 100
        say("idle: CPU %", used, 0.1, f"over {seconds} s")
        say("idle: RSS MiB", rss_mib(agent.pid), 16, "with every sensor up")
    with tempfile.NamedTemporaryFile() as stripped:
        tool("strip", "-o", stripped.name, BULWARK)
        say("stripped: MiB", os.path.getsize(stripped.name) / 2**20, 3, "the program with every sensor")
