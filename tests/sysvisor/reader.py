#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a container's files over and over; anything odd is told, and counted in the exit code.

    reader.py SECONDS MEMORY_KIB PANIC
"""
import sys
import time

CHECKS = {
    "/proc/meminfo": lambda text: f"MemTotal: {int(sys.argv[2]):14d} kB\n" in text and text.endswith("kB\n"),
    "/proc/uptime": lambda text: len(text.split()) == 2,
    "/proc/stat": lambda text: text.startswith("cpu ") and "\nsoftirq " in text,
    "/proc/loadavg": lambda text: len(text.split()) == 5,
    "/proc/sys/kernel/panic": lambda text: text == sys.argv[3] + "\n",
    "/proc/sys/net/ipv4/ip_forward": lambda text: text == "1\n",
    "/proc/sys/kernel/hostname": lambda text: text == "box\n",
}


def main():
    end = time.monotonic() + float(sys.argv[1])
    reads = odd = 0
    while time.monotonic() < end:
        for path, right in CHECKS.items():
            reads += 1
            try:
                with open(path, encoding="ascii") as file:
                    text = file.read()
                if right(text):
                    continue
                print(f"{path}: {text[:200]!r}", file=sys.stderr)
            except OSError as error:
                print(f"{path}: {error}", file=sys.stderr)
            odd += 1
    sys.stdout.write(f"{reads} reads, {odd} odd\n")  # at once: others write there, too
    return min(odd, 100)


sys.exit(main())
