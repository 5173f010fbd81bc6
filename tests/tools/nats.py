#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speaks to a NATS server in its own protocol.

	nats.py PORT create STREAM SUBJECT [JSON]   makes a stream; JSON: more of its configuration
	nats.py PORT count STREAM                   prints how many messages it holds
	nats.py PORT get STREAM                     prints each message as a line: SUBJECT TAB TEXT
"""
import base64
import json
import os
import socket
import ssl
import sys


class Nats:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.recv(65536)  # INFO
        folder = os.environ.get("NATS_TLS")
        if folder:
            context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
            context.load_cert_chain(f"{folder}/client.pem", f"{folder}/client.key")
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")
        options = {"verbose": False, "headers": True, "name": "test"}
        if os.environ.get("NATS_USER"):
            options.update(user=os.environ["NATS_USER"], **{"pass": os.environ["NATS_PASSWORD"]})
        self.send(f"CONNECT {json.dumps(options)}\r\nSUB inbox 1\r\n")

    def send(self, text):
        self.socket.sendall(text.encode())

    def ask(self, subject, request):
        body = json.dumps(request) if request else ""
        self.send(f"PUB {subject} inbox {len(body)}\r\n{body}\r\n")
        while True:
            words = self.file.readline().split()
            if not words or words[0] == b"-ERR":
                sys.exit(f"nats: {words}")
            if words[0] == b"PING":
                self.send("PONG\r\n")
            if words[0] in (b"MSG", b"HMSG"):
                data = self.file.read(int(words[-1]) + 2)
                return json.loads(data) if words[0] == b"MSG" else {"error": data.decode()}


def main():
    server = Nats(int(sys.argv[1]))
    command, stream = sys.argv[2:4]
    if command == "create":
        config = {"name": stream, "subjects": [sys.argv[4]], "storage": "file", "num_replicas": 1}
        config.update(json.loads(sys.argv[5]) if len(sys.argv) > 5 else {})
        answer = server.ask(f"$JS.API.STREAM.CREATE.{stream}", config)
        if "error" in answer:
            sys.exit(str(answer["error"]))
        return
    state = server.ask(f"$JS.API.STREAM.INFO.{stream}", None)["state"]
    if command == "count":
        print(state["messages"])
        return
    for number in range(state["first_seq"], state["last_seq"] + 1):
        message = server.ask(f"$JS.API.STREAM.MSG.GET.{stream}", {"seq": number})["message"]
        print(message["subject"], base64.b64decode(message["data"]).decode(), sep="\t")


main()
