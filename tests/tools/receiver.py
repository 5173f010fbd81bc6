#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""receiver - an HTTP server that takes events, or fails in the way it is told to.

Listens on 127.0.0.1, on a port that it writes to DIR/port. Every request whose body it has read
becomes one line in DIR/requests: a JSON object with mode, status, path, headers, bytes on the wire
and the body after gunzip. The first line of DIR/mode, read anew for each request, is what it does:

    ok [STATUS]        answer 202, or STATUS
    status STATUS      answer so, and throw the body away
    retry SECONDS      answer 503 with Retry-After
    poison TEXT        answer 400 when the body holds TEXT, otherwise 202
    limit COUNT        answer 413 when there are more than COUNT events, otherwise 202
    slow SECONDS       answer 202 after so long
    drop               close the connection without an answer
    lose               take the body, then close the connection without an answer
"""
import argparse
import gzip
import http.server
import json
import pathlib
import ssl
import threading
import time


def count_events(body):
    """Of any body that our sinks send."""
    try:
        value = json.loads(body)
    except ValueError:
        return len(body.splitlines())
    if isinstance(value, list):
        return len(value)
    return len(value["events"]) if "events" in value else 1


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    place = None
    lock = threading.Lock()

    def log_message(self, format, *args):
        pass

    def answer(self, status, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        words = f"status {status}\n".encode() + 20000 * b"."  # some receivers talk a lot
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    def decide(self, mode, argument, body):
        """The status to answer with, or None for no answer."""
        if mode == "slow":
            time.sleep(float(argument))
        if mode == "poison" and argument in body:
            return 400
        if mode == "limit" and count_events(body) > int(argument):
            return 413
        if mode == "lose":
            return None
        if mode == "retry":
            return 503
        return int(argument) if mode in ("ok", "status") and argument else 202

    def do_POST(self):
        mode, _, argument = (self.place / "mode").read_text().split("\n")[0].partition(" ")
        if mode == "drop":
            self.close_connection = True
            return
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        packed = self.headers.get("Content-Encoding") == "gzip"
        body = (gzip.decompress(raw) if packed else raw).decode()
        status = self.decide(mode, argument, body)
        line = {
            "mode": mode,
            "time": time.monotonic(),
            "status": status,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "bytes": len(raw),
            "body": body,
        }
        with self.lock, open(self.place / "requests", "a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
        if status is None:
            self.close_connection = True
            return
        self.answer(status, [("Retry-After", argument)] if mode == "retry" else ())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", metavar="DIR", type=pathlib.Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--client-ca", help="demand a certificate signed by this")
    arguments = parser.parse_args()
    Handler.place = arguments.place
    if not (arguments.place / "mode").exists():
        (arguments.place / "mode").write_text("ok\n")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    server.daemon_threads = True
    if arguments.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.cert, arguments.key)
        if arguments.client_ca:
            context.load_verify_locations(arguments.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
    port = arguments.place / "port.new"
    port.write_text(f"{server.server_address[1]}\n")
    port.rename(arguments.place / "port")
    server.serve_forever()


main()
