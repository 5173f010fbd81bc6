# SPDX-License-Identifier: Apache-2.0
"""Starts /bin/true in a container again and again, with each runtime in turn.

usage: containers.py COUNT FOLDER NAME=COMMAND...     prints one line "NAME median-ms" for each

Each round runs all of them, so that what else the machine does meets all alike. The bundle has a user
namespace, and its files belong to the ids of it: the same work for everybody.
"""
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


def main():
    count, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    runtimes = dict(word.split("=", 1) for word in sys.argv[3:])
    make_bundle(folder)
    times = {name: [] for name in runtimes}
    for n in range(count + 3):
        for name, command in runtimes.items():
            start = time.monotonic()
            subprocess.run([*command.split(), "run", "-b", folder, f"bulwark-bench-{name}"], check=True,
                           stdin=subprocess.DEVNULL)
            if n >= 3:
                times[name].append(time.monotonic() - start)
    for name, values in times.items():
        print(name, statistics.median(values) * 1e3)


main()
