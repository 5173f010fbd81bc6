# SPDX-License-Identifier: Apache-2.0
"""What watching costs those who are watched: programs that start, files that are opened."""
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

from harness import TOOLS, bpftrace, bulwark, say, tool


def storm():
    return float(tool(TOOLS / "storm", 2000, TOOLS / "nothing"))


def storm_with_bulwark():
    with bulwark("--output", "json", "--under", str(os.getpid())):
        return storm()


BPFTRACE_EXECS = r"""
tracepoint:sched:sched_process_exec /comm == "nothing"/ { printf("exec %d %s\n", pid, comm); }
tracepoint:sched:sched_process_exit /comm == "nothing"/ { printf("exit %d %s\n", pid, comm); }
"""


def storm_with_bpftrace():
    with bpftrace(BPFTRACE_EXECS):
        return storm()


def bench_exec():
    ways = {"off": storm, "bulwark": storm_with_bulwark}
    if shutil.which("bpftrace"):
        ways["bpftrace"] = storm_with_bpftrace
    rounds = {way: [] for way in ways}
    storm()
    for _ in range(12):
        for way, run in ways.items():
            rounds[way].append(run())
    how = ", ".join(f"{way} {statistics.median(values):.0f} us/exec" for way, values in rounds.items())
    # A round's runs lie side by side: the machine's own ups and downs are longer than that.
    ratio = {way: statistics.median(on / off for on, off in zip(values, rounds["off"])) for way, values in rounds.items()}
    say("exec storm: x off", ratio["bulwark"], 1.02, how)
    if "bpftrace" in ratio:
        say("exec storm: bpftrace x off", ratio["bpftrace"], None, "the peer")
    else:
        say("exec storm: bpftrace x off", None, None, "bpftrace is not installed")


# --- files ---


def touch_files(path):
    """Processor nanoseconds for opening, reading and closing a file."""
    return float(tool(TOOLS / "touch-file", 100000, path))


@contextlib.contextmanager
def fanotify(folder):
    """The kernel's own way: marks on a directory, and somebody who reads what comes."""
    peer = subprocess.Popen([TOOLS / "touch-file", "--listen", folder], stdout=subprocess.PIPE)
    try:
        peer.stdout.readline()
        yield
    finally:
        peer.terminate()
        peer.wait()


def bpftrace_opens(folder):
    return bpftrace(f'tracepoint:syscalls:sys_enter_openat /strncmp("{folder}", str(args->filename), {len(folder)}) == 0/'
                    ' { printf("%d %s\\n", pid, str(args->filename)); }')


@contextlib.contextmanager
def files_watched(folder, mechanism="auto"):
    os.environ["BULWARK_FILES_PATHS"] = folder
    os.environ["BULWARK_FILES_MECHANISM"] = mechanism
    try:
        with bulwark("--output", "json", "--under", str(os.getpid())) as agent:
            while b"files" not in agent.stderr.readline():
                pass
            yield
    finally:
        del os.environ["BULWARK_FILES_PATHS"], os.environ["BULWARK_FILES_MECHANISM"]


def bench_files():
    """Of a file that nobody watches, then of a watched one."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("watched", "other"):
            pathlib.Path(folder, name).mkdir()
            pathlib.Path(folder, name, "file").write_bytes(bytes(4096))
        ways = {"off": lambda _: contextlib.nullcontext(), "bulwark": files_watched,
                "bulwark, tp_btf": lambda path: files_watched(path, "tp_btf"), "fanotify": fanotify}
        if shutil.which("bpftrace"):
            ways["bpftrace"] = bpftrace_opens
        rounds = {(way, name): [] for way in ways for name in ("other", "watched")}
        for _ in range(5):
            for way, start in ways.items():
                with start(f"{folder}/watched"):
                    for name in ("other", "watched"):
                        rounds[way, name].append(touch_files(f"{folder}/{name}/file"))
    for name, title in (("other", "unwatched"), ("watched", "watched")):
        off = statistics.median(rounds["off", name])
        for way in ways:
            figure = statistics.median(rounds[way, name])
            limit = 1.03 if (way, name) == ("bulwark", "other") else None
            say(f"{title} file: {way} x off", figure / off, limit, f"{figure:.0f} CPU-ns for open, read, close")
