# SPDX-License-Identifier: Apache-2.0
"""Containers of /bin/true and the like, with each runtime in turn.

usage: containers.py COUNT FOLDER BUILD PEER=COMMAND...     prints lines "MEASURE NAME FIGURE"

run       milliseconds of one `run`, the median of COUNT
parallel  milliseconds until the last of 32 that were started at once has ended, the median of COUNT / 8
resident  KiB of a runtime that waits for its container
idle      KiB of each daemon for a container that does nothing: of both together, proportional

"bare" is sysvisor-runc without services, "full" with both. Each round runs all of them, so that what else the
machine does meets all alike. The bundle has a user namespace, and its files belong to the ids of it: the same
work for everybody.
"""
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

IDS = [{"containerID": 0, "hostID": 231072, "size": 65536}]
QUIET = ["nosuid", "noexec", "nodev"]
MOUNTS = [
    ("/proc", "proc", []),
    ("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    ("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
    ("/dev/shm", "tmpfs", QUIET + ["mode=1777", "size=65536k"]),
    ("/dev/mqueue", "mqueue", QUIET),
    ("/sys", "sysfs", QUIET + ["ro"]),
    ("/sys/fs/cgroup", "cgroup", QUIET + ["relatime", "ro"]),
]


def make_bundle(folder):
    root = folder / "rootfs"
    for name in ("bin", "proc", "sys", "dev", "etc"):
        (root / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin" / "busybox")
    (root / "bin" / "true").symlink_to("busybox")
    for path in [root, *root.rglob("*")]:
        os.lchown(path, IDS[0]["hostID"], IDS[0]["hostID"])
    spaces = ["pid", "network", "ipc", "uts", "mount", "user", "cgroup"]
    config = {
        "ociVersion": "1.0.2",
        "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["/bin/true"], "env": ["PATH=/bin"],
                    "cwd": "/"},
        "root": {"path": "rootfs"},
        "mounts": [{"destination": place, "type": kind, "source": kind, "options": options}
                   for place, kind, options in MOUNTS],
        "linux": {
            "uidMappings": IDS,
            "gidMappings": IDS,
            "namespaces": [{"type": space} for space in spaces],
            "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"],
        },
    }
    (folder / "config.json").write_text(json.dumps(config))


def start(command, *arguments):
    return subprocess.Popen([*command.split(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def run(command, bundle, *names):
    """All at once; milliseconds until the last has ended."""
    begin = time.monotonic()
    waiting = [start(command, "run", "-b", bundle, name) for name in names]
    if any(process.wait() != 0 for process in waiting):
        raise RuntimeError(f"{command} failed")
    return (time.monotonic() - begin) * 1e3


def rounds(count, runtimes, bundle, at_once):
    times = {name: [] for name in runtimes}
    for n in range(count + 2):
        for name, command in runtimes.items():
            took = run(command, bundle, *(f"bulwark-bench-{name}-{number}" for number in range(at_once)))
            if n >= 2:
                times[name].append(took)
    return {name: statistics.median(values) for name, values in times.items()}


def sleeping(bundle, seconds):
    """The same bundle with a program that takes its time."""
    config = json.loads((bundle / "config.json").read_text())
    config["process"]["args"] = ["/bin/busybox", "sleep", str(seconds)]
    other = bundle.parent / f"sleeping-{seconds}"
    other.mkdir()
    (other / "rootfs").symlink_to(bundle / "rootfs")
    config["root"]["path"] = str(bundle / "rootfs")
    (other / "config.json").write_text(json.dumps(config))
    return other


def resident_kib(command, name, bundle):
    process = start(command, "run", "-b", bundle, f"bulwark-bench-{name}-rss")
    time.sleep(0.7)
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    process.wait()
    return int(status.split("VmRSS:")[1].split()[0])


def daemons_kib(daemons):
    rollups = (pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in daemons)
    return sum(int(text.split("Pss:")[1].split()[0]) for text in rollups)


def idle_kib(command, daemons, bundle, count=64):
    """Of daemons that have had no more than one before: later ones would use what earlier ones have left free."""
    def each(numbers, *words):
        for n in numbers:
            subprocess.run([*command.split(), *words, f"bulwark-bench-idle-{n}"], check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)

    def make(numbers):
        each(numbers, "create", "-b", bundle)
        each(numbers, "start")
        time.sleep(1)
        return daemons_kib(daemons)

    before = make([0])
    after = make(range(1, count + 1))
    each(range(count + 1), "delete", "--force")
    return (after - before) / count


@contextlib.contextmanager
def services(build, folder):
    """sysvisor-mgr and sysvisor-fs; yields their pids."""
    (folder / "etc").mkdir(parents=True)
    for name in ("subuid", "subgid"):
        (folder / "etc" / name).write_text("sysvisor:400000:6553600\n")
    up = subprocess.Popen([f"{build}/bin/sysvisor", "up", "--root", folder], stderr=subprocess.DEVNULL)
    try:
        while subprocess.run([f"{build}/bin/sysvisor", "status", "--root", folder], capture_output=True,
                             check=False).returncode:
            if up.poll() is not None:
                raise RuntimeError("the daemons did not start")
            time.sleep(0.05)
        yield pathlib.Path(f"/proc/{up.pid}/task/{up.pid}/children").read_text().split()
    finally:
        up.terminate()
        up.wait()


def main():
    count, folder, build = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    bundle = folder / "bundle"
    make_bundle(bundle)
    runtimes = dict(word.split("=", 1) for word in sys.argv[4:])
    ours = f"{build}/bin/sysvisor-runc --root {folder}"
    runtimes["bare"] = f"{ours}/bare --no-sysvisor-mgr --no-sysvisor-fs"
    runtimes["full"] = f"{ours}/full --services-root {folder}/services"
    with services(build, folder / "services") as daemons:
        print("idle", "full", idle_kib(runtimes["full"], daemons, sleeping(bundle, 1000)))
        for measure, rows in (("run", rounds(count, runtimes, bundle, 1)),
                              ("parallel", rounds(max(count // 8, 1), runtimes, bundle, 32))):
            for name, figure in rows.items():
                print(measure, name, figure)
        brief = sleeping(bundle, 1)
        for name, command in runtimes.items():
            print("resident", name, resident_kib(command, name, brief))


main()
