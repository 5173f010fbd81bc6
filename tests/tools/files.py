#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""files.py WHAT - does with files below etc what a shell can't; WHAT is a function's name."""
import contextlib
import ctypes
import os
import random
import struct
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)


def descriptors():
    """Changes through an open file, and changes that fail."""
    fd = os.open("etc/a", os.O_RDWR)
    os.fchmod(fd, 0o640)
    os.fchown(fd, 3, 4)
    os.ftruncate(fd, 7)
    for refused in (lambda: os.rmdir("etc"), lambda: os.rename("etc/none", "etc/other"),
                    lambda: os.link("etc/none", "etc/other"), lambda: os.unlink("etc/none")):
        with contextlib.suppress(OSError):
            refused()


def mixed():
    """400 random calls, of which many fail."""
    random.seed(5)
    names = [f"{folder}/f{n}" for folder in ("etc", "etc/sub", "etcetera", "out") for n in range(5)]
    for _ in range(400):
        name, other = random.choice(names), random.choice(names)
        with contextlib.suppress(OSError):
            match random.randrange(5):
                case 0 | 1: os.close(os.open(name, os.O_RDWR | os.O_CREAT))
                case 2: os.unlink(name)
                case 3: os.rename(name, other)
                case 4: os.chmod(name, 0o600)


def ways():
    """Opens etc/a by openat2, by a handle, without access, through that, and when it has no name any more."""
    how = ctypes.create_string_buffer(struct.pack("QQQ", os.O_RDONLY, 0, 0))
    assert libc.syscall(437, -100, b"etc/a", how, 24) >= 0
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    mount = ctypes.c_int()
    assert libc.name_to_handle_at(-100, b"etc/a", handle, ctypes.byref(mount), 0) == 0
    assert libc.open_by_handle_at(os.open(".", 0), handle, os.O_WRONLY) >= 0
    path = os.open("etc/a", os.O_PATH)
    os.open(f"/proc/self/fd/{path}", os.O_RDWR)
    os.unlink("etc/a")
    os.open(f"/proc/self/fd/{path}", os.O_RDONLY)


def deep():
    """A path of more bytes than fit, and one of more directories than are followed."""
    os.chdir("etc")
    for n in range(40):
        os.mkdir(f"{n:03}" * 30)
        os.chdir(f"{n:03}" * 30)
    open("deep", "w").close()
    for _ in range(40):
        os.mkdir("d")
        os.chdir("d")
    open("deeper", "w").close()


def loop():
    """Opens a file 500 times, and once more when a second has passed."""
    for _ in range(500):
        os.close(os.open("etc/a", os.O_RDONLY))
    time.sleep(1.1)
    os.open("etc/a", os.O_RDONLY)


globals()[sys.argv[1]]()
