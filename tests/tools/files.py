#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""files.py WHAT [ARG...] - does with files below etc what a shell can't; WHAT is a function's name."""
import contextlib
import ctypes
import os
import random
import resource
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


def hang(folder):
    """Mounts there what never answers, and ends with its input."""
    fuse = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0"
    assert libc.mount(b"hung", folder.encode(), b"fuse", 0, options.encode()) == 0
    print("mounted", flush=True)
    sys.stdin.read()


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


def sums():
    """Bytes through a file that stays open, an inherited one, a copied descriptor, sendfile, one without a name."""
    shared = os.open("etc/shared", os.O_WRONLY | os.O_CREAT)
    child = os.fork()
    os.write(shared, b"parent"[:6] if child else b"child.")
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    os.close(shared)
    twice = os.open("etc/twice", os.O_WRONLY | os.O_CREAT)
    copy = os.dup(twice)
    os.close(twice)
    os.write(copy, b"four")
    os.close(copy)
    with open("etc/sent", "wb") as file:
        file.truncate(2000)
    sent = os.open("etc/sent", os.O_RDONLY)
    os.sendfile(os.open("/dev/null", os.O_WRONLY), sent, 0, 1000)
    os.close(sent)
    gone = os.open("etc/gone", os.O_WRONLY | os.O_CREAT)
    os.unlink("etc/gone")
    os.write(gone, b"nobody")
    os.close(gone)
    held = os.open("etc/held", os.O_RDWR | os.O_CREAT)
    os.write(held, b"12345")
    os.pread(held, 3, 0)


def many(count, ends):
    """So many at once, a byte read of each, closed one by one or by the end of the process; prints how many lie beyond
    descriptor 63."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(count) + 100, int(count) + 100))
    fds = [os.open("etc/a", os.O_RDONLY) for _ in range(int(count))]
    for fd in fds:
        os.read(fd, 1)
    for fd in fds if ends == "closed" else []:
        os.close(fd)
    print(sum(fd > 63 for fd in fds))


globals()[sys.argv[1]](*sys.argv[2:])
