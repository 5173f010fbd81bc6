# SPDX-License-Identifier: Apache-2.0
"""System containers: their starts, their /proc, and what is built in them."""
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from harness import BUILD, ROOT, TOOLS, say, tool


def bench_containers():
    """crun takes no v2 hierarchy beside v1: in a mount namespace without it."""
    peers = [peer for peer in ("crun", "runc") if shutil.which(peer)]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)
        script = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"'
        words = tool("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", sys.executable,
                     ROOT / "tests" / "bench" / "containers.py", 50, folder, BUILD,
                     *(f"{peer}={peer} --root {folder}/{peer}" for peer in peers))
    figures = {}
    for line in words.splitlines():
        measure, name, figure = line.split()
        figures.setdefault(measure, {})[name] = float(figure)
    for measure, title, ours, limits in (
            ("run", "run /bin/true, userns", "bare", {"crun": 1.0, "runc": 0.6}),
            ("run", "the same with mgr and fs", "full", {"crun": 1.5, "runc": 0.6}),
            ("parallel", "32 at once", "bare", {"crun": 1.0}),
            ("parallel", "32 at once, with mgr and fs", "full", {"crun": 1.5}),
            ("resident", "RSS of the waiting runtime", "full", {"crun": 1.0})):
        unit = "KiB" if measure == "resident" else "ms"
        how = ", ".join(f"{name} {value:.1f} {unit}" for name, value in figures[measure].items())
        for peer, limit in limits.items():
            figure = figures[measure][ours] / figures[measure][peer] if peer in peers else None
            say(f"{title}: x {peer}", figure, limit, how if figure else f"{peer} is not installed")
    say("an idle container: KiB in daemons", figures["idle"]["full"], 100, "proportional set of both, over 64 containers")


# --- their /proc ---


def bench_build():
    if not shutil.which("dockerd"):
        print("build: dockerd is not installed, left out")
        return
    done = subprocess.run([ROOT / "tests/sysvisor/run", "build"], check=True, capture_output=True, text=True,
                          env={**os.environ, "BULWARK_BUILD": str(BUILD), "SYSVISOR_TOOLS": str(TOOLS)})
    pairs = [tuple(map(int, found)) for found in re.findall(r"^host (\d+) inner (\d+)$", done.stdout, re.M)]
    if not pairs:
        print("build: Docker doesn't run here, left out")
        return
    host, inner = (statistics.median(values) for values in zip(*pairs))
    say("docker build: inside / on the host", inner / host, 1.2,
        f"{inner:.0f} ms of processor time; host {host:.0f} ms; medians of {len(pairs)}")
    mounts = [tuple(map(float, found)) for found in re.findall(r"^mount ([\d.]+) untrapped ([\d.]+)$", done.stdout, re.M)]
    trapped, untrapped = (statistics.median(values) for values in zip(*mounts))
    say("mount in a container: us", trapped, 300, f"untrapped {untrapped:.1f} us; medians of {len(mounts)}")


def bench_sysvisor_fs():
    if not shutil.which("lxcfs"):
        print("sysvisor-fs: lxcfs is not installed, left out")
        return
    lines = tool(ROOT / "tests/bench/sysvisor-fs", BUILD, 2000).splitlines()
    us = {path: float(figure) for path, figure in (line.split() for line in lines)}
    for file, limit in (("meminfo", 0.25), ("uptime", 0.5), ("stat", 0.5)):
        ours, theirs = us[f"/proc/{file}"], us[f"/lxcfs/proc/{file}"]
        say(f"sysvisor-fs: {file} / lxcfs", ours / theirs, limit, f"{ours:.0f} us; lxcfs {theirs:.0f} us")
    empty, key = us["/proc/sys/kernel/panic"], us["/proc/sys/net/ipv4/ip_forward"]
    say("sysvisor-fs: kernel key / own key", key / empty, 3, f"{key:.0f} us; {empty:.0f} us")
