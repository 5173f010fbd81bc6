#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An agent behind linux.seccomp.listenerPath: seccomp-agent.py SOCKET FILE ERRNO

Takes connections one after the other, adds each one's container process state to FILE as a line,
with the number of descriptors that came, and fails every call that it is asked about with ERRNO.
"""
import array
import fcntl
import json
import os
import select
import socket
import struct
import sys

RECV, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_*
NOTICE = struct.Struct("=QIIiIQ6Q")
ANSWER = struct.Struct("=QqiI")


def take(server, path):
    link, _ = server.accept()
    words, control, _, _ = link.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
    fds = array.array("i")
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    rest = link.recv(1)
    link.close()
    state = json.loads(words)
    state["came"] = {"fds": len(fds), "more": len(rest)}
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(state) + "\n")
    return list(fds)


def answer(listener, code):
    notice = bytearray(NOTICE.size)
    try:
        fcntl.ioctl(listener, RECV, notice)
        fcntl.ioctl(listener, SEND, ANSWER.pack(NOTICE.unpack(notice)[0], 0, -code, 0))
    except FileNotFoundError:
        pass  # who asked is gone


def main():
    path, file, code = sys.argv[1], sys.argv[2], int(sys.argv[3])
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen(8)
    poll = select.poll()
    poll.register(server, select.POLLIN)
    while True:
        for fd, events in poll.poll():
            if fd == server.fileno():
                for listener in take(server, file):
                    poll.register(listener, select.POLLIN)
            elif events & select.POLLIN:
                answer(fd, code)
            else:
                poll.unregister(fd)
                os.close(fd)


main()
