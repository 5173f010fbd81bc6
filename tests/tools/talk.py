#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traffic whose size is known, for tests that compare it with what the agent says.

usage: talk.py WHAT [ARG...]    prints one JSON object: what was done
       TALK_PORT: the server's port; without it any

  tcp HOST SENT RECEIVED   the client sends so many bytes, the server, a child, answers with so many
  refused HOST             nobody listens
  reset HOST               the client closes with data unread
  handed HOST              the server gives the accepted socket to another process
  open HOST                keeps a connection open, prints ss(8)'s figures of it, then closes it
  slow HOST                a connection that is used again after half a second
  idle HOST                a connection that is used once and then stays open for a second and a half
  long HOST                a connection that carries something every 0.2 s, 8 times, and stays open for a second and a
                           half; prints ss(8)'s figures of both its ends, then closes it
  late HOST                a connection that carries something else, and then a TLS ClientHello
  many HOST COUNT          so many connections at once, each used, open for a second and closed
  udp HOST COUNT BYTES     the client sends so many datagrams, the server, a child, answers each with one byte
  unread HOST COUNT        so many sockets that are there already each get a datagram of one byte, once a line comes on
                           standard input, and only then are used
  flood HOST               more datagrams than a small queue holds; prints the kernel's own count of drops
  early HOST               connects, waits for a line on standard input, then talks and closes
"""
import json
import os
import re
import resource
import socket
import ssl
import subprocess
import sys
import time


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def listen(host, kind=socket.SOCK_STREAM):
    server = socket.socket(family(host), kind)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((host, int(os.environ.get("TALK_PORT", 0))))
    if kind == socket.SOCK_STREAM:
        server.listen()
    return server


def read_all(sock):
    count = 0
    while piece := sock.recv(65536):
        count += len(piece)
    return count


def in_child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid


def tcp(host, sent, received):
    server = listen(host)

    def serve():
        conn, _ = server.accept()
        assert read_all(conn) == int(sent)
        conn.sendall(b"r" * int(received))
        conn.close()

    child = in_child(serve)
    port = server.getsockname()[1]
    server.close()
    with socket.create_connection((host, port)) as conn:
        conn.sendall(b"s" * int(sent))
        conn.shutdown(socket.SHUT_WR)
        assert read_all(conn) == int(received)
    os.waitpid(child, 0)
    return {"client": os.getpid(), "server": child, "port": port}


def refused(host):
    server = listen(host)
    port = server.getsockname()[1]
    server.close()
    try:
        socket.create_connection((host, port))
    except ConnectionRefusedError:
        return {"client": os.getpid(), "port": port}
    raise AssertionError("somebody listens")


def reset(host):
    server = listen(host)
    port = server.getsockname()[1]
    with socket.create_connection((host, port)) as client:
        conn, _ = server.accept()
        conn.sendall(b"unread")
        client.recv(1)
    conn.close()
    return {"client": os.getpid(), "port": port}


def handed(host):
    """Accepted by this process, used by its child alone."""
    server = listen(host)
    port = server.getsockname()[1]
    client = socket.create_connection((host, port))
    conn, _ = server.accept()
    conn.sendall(b"by the parent")

    def serve():
        conn.sendall(b"by the child")
        client.close()

    child = in_child(serve)
    conn.close()
    os.waitpid(child, 0)
    client.close()
    return {"parent": os.getpid(), "child": child, "port": port}


def ss(which, port):
    words = subprocess.run(["ss", "-tinH", which, "=", str(port)], capture_output=True, text=True, check=True).stdout
    return {name: int(value) for name, value in re.findall(r"\b(bytes_\w+|segs_\w+):(\d+)", words)}


def open_(host):
    server = listen(host)
    port = server.getsockname()[1]
    client = socket.create_connection((host, port))
    conn, _ = server.accept()
    client.sendall(b"q" * 70001)
    left = 70001
    while left:
        left -= len(conn.recv(65536))
    conn.sendall(b"a" * 33)
    client.recv(100)
    seen = ss("dport", port)
    client.close()
    conn.close()
    return {"client": os.getpid(), "port": port, **seen}


def early(host):
    server = listen(host)
    port = server.getsockname()[1]
    client = socket.create_connection((host, port))
    conn, _ = server.accept()
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.readline()
    client.sendall(b"late")
    conn.recv(10)
    client.close()
    conn.close()
    return {"client": os.getpid(), "port": port}


def slow(host):
    server = listen(host)
    port = server.getsockname()[1]
    client = socket.create_connection((host, port))
    conn, _ = server.accept()
    for _ in range(2):
        client.sendall(b"x")
        conn.recv(1)
        time.sleep(0.5)
    client.close()
    conn.close()
    return {"client": os.getpid(), "port": port}


def idle(host):
    server = listen(host)
    port = server.getsockname()[1]
    client = socket.create_connection((host, port))
    conn, _ = server.accept()
    client.sendall(b"x")
    conn.recv(1)
    time.sleep(1.5)
    client.close()
    conn.close()
    return {"client": os.getpid(), "port": port}


def long_(host):
    server = listen(host)
    port = server.getsockname()[1]
    client = socket.create_connection((host, port))
    conn, _ = server.accept()
    for n in range(8):
        client.sendall(b"q" * 10007 * (n + 1))
        left = 10007 * (n + 1)
        while left:
            left -= len(conn.recv(65536))
        conn.sendall(b"a" * 31)
        client.recv(100)
        time.sleep(0.2)
    time.sleep(1.3)
    said = {"client": os.getpid(), "port": port, "near": ss("dport", port), "far": ss("sport", port)}
    print(json.dumps(said), flush=True)
    client.close()
    conn.close()
    return said


def late(host):
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(came, goes, server_hostname="late.example")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    server = listen(host)
    port = server.getsockname()[1]
    client = socket.create_connection((host, port))
    conn, _ = server.accept()
    for words in (b"something else", goes.read()):
        client.sendall(words)
        conn.recv(65536)
        conn.sendall(b"so it is")
        client.recv(100)
    client.close()
    conn.close()
    return {"client": os.getpid(), "port": port}


def many(host, count):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = listen(host)
    server.listen(1000)
    port = server.getsockname()[1]
    pairs = []
    for _ in range(int(count)):
        client = socket.create_connection((host, port))
        conn, _ = server.accept()
        client.sendall(b"question")
        conn.sendall(b"answer" if conn.recv(100) else b"")
        client.recv(100)
        pairs.append((client, conn))
    time.sleep(1)
    for client, conn in pairs:
        client.close()
        conn.close()
    return {"client": os.getpid(), "port": port}


def udp(host, count, size):
    server = listen(host, socket.SOCK_DGRAM)
    port = server.getsockname()[1]

    def serve():
        for _ in range(int(count)):
            data, peer = server.recvfrom(65536)
            assert len(data) == int(size)
            server.sendto(b"!", peer)

    child = in_child(serve)
    client = socket.socket(family(host), socket.SOCK_DGRAM)
    for _ in range(int(count)):
        client.sendto(b"d" * int(size), (host, port))
        client.recv(10)
    os.waitpid(child, 0)
    return {"client": os.getpid(), "server": child, "port": port}


def unread(host, count):
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(count) + 100, int(count) + 100))
    servers = [socket.socket(family(host), socket.SOCK_DGRAM) for _ in range(int(count))]
    for server in servers:
        server.bind((host, 0))
        server.settimeout(5)
    client = socket.socket(family(host), socket.SOCK_DGRAM)
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.readline()
    for server in servers:
        client.sendto(b"d", server.getsockname())
    for server in servers:
        server.recv(10)
    return {"server": os.getpid()}


def snmp(host):
    """RcvbufErrors of this network namespace."""
    if ":" in host:
        rows = dict(line.split() for line in open("/proc/net/snmp6", encoding="ascii"))
        return int(rows["Udp6RcvbufErrors"])
    names, values = [line.split() for line in open("/proc/net/snmp", encoding="ascii") if line.startswith("Udp:")]
    return int(values[names.index("RcvbufErrors")])


def flood(host):
    server = listen(host, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    port = server.getsockname()[1]
    client = socket.socket(family(host), socket.SOCK_DGRAM)
    for _ in range(100):
        client.sendto(b"d" * 500, (host, port))
    return {"server": os.getpid(), "port": port, "drops": snmp(host)}


WHATS = {"slow": slow, "idle": idle, "long": long_, "late": late, "many": many, "udp": udp, "unread": unread, "flood": flood, "tcp": tcp, "refused": refused, "reset": reset, "handed": handed, "open": open_, "early": early}

if __name__ == "__main__":
    print(json.dumps(WHATS[sys.argv[1]](*sys.argv[2:])), flush=True)
