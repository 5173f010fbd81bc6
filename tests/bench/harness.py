# SPDX-License-Identifier: Apache-2.0
"""What every measurement needs: figures, processor time, an agent, the peer."""
import contextlib
import os
import pathlib
import re
import subprocess
import time

ROOT = pathlib.Path(os.environ.get("BULWARK_ROOT", pathlib.Path(__file__).resolve().parents[2]))
BUILD = ROOT / "build-bench"
TOOLS = BUILD / "tests" / "bench"
BULWARK = BUILD / "bin" / "bulwark"


def say_heads():
    print(f"{'what':<40} {'figure':>9} {'limit':>9} {'':<6} how")


def say(name, figure, limit, how):
    mark = "" if figure is None or limit is None else "ok" if figure <= limit else "ABOVE"
    shown = "-" if figure is None else f"{figure:.3f}"
    print(f"{name:<40} {shown:>9} {'' if limit is None else f'<= {limit:g}':>9} {mark:<6} {how}", flush=True)


def cpu_ns(pid):
    """Processor time of a process' first thread, from the scheduler: ticks are too coarse for an idle one."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def cpu_ns_all(pid):
    """Of all threads."""
    return sum(int(path.read_text().split()[0]) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


def rss_mib(pid, which="VmRSS"):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{which}:\s*(\d+)", status, re.MULTILINE)[1]) / 1024


@contextlib.contextmanager
def bulwark(*args, out=subprocess.DEVNULL, listen="off"):
    """An agent that is up: its start-up table has been printed."""
    agent = subprocess.Popen([BULWARK, "up", "--listen", listen, *args], stdout=out, stderr=subprocess.PIPE)
    try:
        while b"exec" not in agent.stderr.readline():
            if agent.poll() is not None:
                raise RuntimeError("the agent did not start")
        yield agent
    finally:
        agent.terminate()
        agent.wait()


def tool(*command):
    done = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@contextlib.contextmanager
def bpftrace(probes):
    """In a mount namespace with tracefs."""
    script = 'mount -t tracefs t /sys/kernel/tracing 2>/dev/null; exec bpftrace -q -o /dev/null -e "$1"'
    peer = subprocess.Popen(["unshare", "-m", "sh", "-c", script, "sh", probes],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        yield peer
    finally:
        peer.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            peer.wait(5)
        peer.kill()
        peer.wait()
