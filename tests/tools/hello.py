#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A TLS handshake whose client sends its hello in small pieces.

usage: hello.py HOST PORT PIECE    PIECE: bytes of each
"""
import socket
import ssl
import sys
import time

host, port, piece = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(came, goes, server_hostname="pieces.example")
with socket.create_connection((host, port)) as conn:
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            hello = goes.read()
            for at in range(0, len(hello), piece):
                conn.sendall(hello[at:at + piece])
                time.sleep(0.002)
            came.write(conn.recv(65536))
    conn.sendall(goes.read())
