# SPDX-License-Identifier: Apache-2.0
"""Events as they are written, asked and summed, and lines as they are parsed."""
import re
import shutil
import statistics
import time

from harness import TOOLS, bpftrace, cpu_ns, say, tool


def bench_json():
    words = tool(TOOLS / "bench-json")
    ours, theirs = map(float, re.search(r"json ([\d.]+) .* snprintf ([\d.]+)", words).groups())
    say("json: CPU-us/event", 1 / ours, 1 / 8, f"{ours:.1f} M events/CPU-s")
    say("json: x snprintf", theirs / ours, 3.7 / 8, f"{theirs:.1f} M events/CPU-s")


def bench_pipeline():
    words = tool(TOOLS / "bench-pipeline")
    asked, summed = map(float, re.search(r"pipeline ([\d.]+) .* condition, ([\d.]+) summed", words).groups())
    say("pipeline: CPU-us/event asked", 1 / asked, 1 / 8, f"a condition of three parts; {asked:.1f} M events/CPU-s")
    say("pipeline: CPU-us/event summed", 1 / summed, 1, f"by three tags; {summed:.1f} M events/CPU-s")


def bench_klog():
    words = tool(TOOLS / "bench-klog")
    klog, scan = map(float, re.search(r"klog ([\d.]+) ms, scan ([\d.]+) ms", words).groups())
    say("klog: x a newline scan", klog / scan, 5, words)


BPFTRACE_CALLS = r"""
tracepoint:raw_syscalls:sys_enter /comm == "bench-ring" && args->id == 110/
{ printf("{\"ts\":%llu,\"pid\":%d,\"tid\":%d,\"uid\":%d,\"code\":%d,\"comm\":\"%s\"}\n", nsecs, pid, tid, uid, args->id, comm); }
"""


def bpftrace_us_a_line():
    with bpftrace(BPFTRACE_CALLS) as peer:
        before = cpu_ns(peer.pid)
        calls = int(tool(TOOLS / "bench-ring", "--call"))
        time.sleep(0.5)
        return (cpu_ns(peer.pid) - before) / 1e3 / calls


def bench_ring():
    """From the kernel through the ring into JSON on /dev/null, 5 million a second."""
    figures = {}
    for size in (64, 256):
        for what in ("count", "json"):
            runs = [tool(TOOLS / "bench-ring", size, what) for _ in range(5)]
            figures[size, what] = [statistics.median(values) for values in zip(
                *(map(float, re.findall(r"[\d.]+", run)) for run in runs))]
    theirs = statistics.median(bpftrace_us_a_line() for _ in range(3)) if shutil.which("bpftrace") else None
    for size in (64, 256):
        rate, used, lost = figures[size, "json"]
        say(f"ring to JSON, {size} bytes: CPU-us/event", used, 1 / 5,
            f"{1 / used:.1f} M events/CPU-s; {rate:.2f} M/s came; counting alone {figures[size, 'count'][1]:.3f} us")
        say(f"ring to JSON, {size} bytes: x bpftrace", used / theirs if theirs else None, 0.15 / 5,
            f"{theirs:.2f} us a line" if theirs else "bpftrace is not installed")
        say(f"ring to JSON, {size} bytes: lost", lost, 0, "of all that came")
