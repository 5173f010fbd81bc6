#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kmsg-flood - writes to the kernel log, and says where in it that was.

    kmsg-flood.py COUNT [TEXT]   COUNT records of TEXT; prints the sequence number of one more, the last

The setting kernel.printk_devkmsg has to be "on" for more than a few.
"""
import os
import sys

MARK = "kmsg-flood: here"


def main():
    count = int(sys.argv[1])
    text = sys.argv[2] if len(sys.argv) > 2 else "kmsg-flood: a record of usual length, such as drivers write at start"
    fd = os.open("/dev/kmsg", os.O_RDWR | os.O_NONBLOCK)
    line = f"<6>{text}\n".encode()
    for _ in range(count):
        os.write(fd, line)
    os.lseek(fd, 0, os.SEEK_END)
    mark = f"{MARK} {os.getpid()}"
    os.write(fd, f"<6>{mark}\n".encode())
    while True:
        try:
            head, _, words = os.read(fd, 8192).decode(errors="replace").partition(";")
        except BrokenPipeError:
            continue
        if words.startswith(mark):
            print(head.split(",")[1])
            return


main()
