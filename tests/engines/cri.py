# SPDX-License-Identifier: Apache-2.0
"""What a kubelet does, in small: makes a pod with one container by CRI.

cri.py SOCKET wait | create STATE | exec STATE COMMAND... | remove STATE

The messages are put together by hand (field numbers: runtime/v1/api.proto), so that no compiler for
protobuf and no other project's file is needed.
"""
import json
import sys
import time

import grpc

SERVICE = "/runtime.v1.RuntimeService/"
POD_UID = "2dd1c1f3-9e2a-4d11-8a3c-0123456789ab"


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def encode(fields):
    """{number: value or list of values}; a value is a str, an int, or such a dict."""
    out = b""
    for number, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, int):
                out += varint(number << 3) + varint(value)
                continue
            data = value.encode() if isinstance(value, str) else encode(value)
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def first_text(message):
    """The first field of an answer, which is all that we need: an id."""
    length, at, shift = 0, 1, 0
    while True:
        length |= (message[at] & 127) << shift
        at, shift, more = at + 1, shift + 7, message[at] & 128
        if not more:
            return message[at : at + length].decode()


def entries(labels):
    return [{1: key, 2: value} for key, value in labels.items()]


def kube(**more):
    return entries(
        {
            "io.kubernetes.pod.name": "web-0",
            "io.kubernetes.pod.namespace": "prod",
            "io.kubernetes.pod.uid": POD_UID,
            **more,
        }
    )


def main():
    socket, command, *rest = sys.argv[1:]
    channel = grpc.insecure_channel("unix://" + socket)

    def call(method, fields):
        return channel.unary_unary(SERVICE + method)(encode(fields), timeout=30)

    def wait():
        for _ in range(200):
            try:
                return call("Version", {})
            except grpc.RpcError as error:
                last = error
                time.sleep(0.05)
        raise SystemExit(str(last))

    def create(state):
        host = {1: 2, 2: 1, 3: 2}  # network and ipc of the node, pids of its own
        sandbox_config = {
            1: {1: "web-0", 2: POD_UID, 3: "prod"},
            6: kube() + entries({"tier": "front"}),
            8: {1: "/kubepods/burstable/pod" + POD_UID, 2: {1: host}},
        }
        sandbox = first_text(call("RunPodSandbox", {1: sandbox_config}))
        config = {
            1: {1: "app"},
            2: {1: "localhost/busybox:1"},
            3: ["/bin/sleep", "1000"],
            9: kube() + entries({"io.kubernetes.container.name": "app"}),
            15: {2: {3: host}},
        }
        container = first_text(
            call("CreateContainer", {1: sandbox, 2: config, 3: sandbox_config})
        )
        call("StartContainer", {1: container})
        with open(state, "w") as file:
            json.dump([sandbox, container], file)

    def ids(state):
        with open(state) as file:
            return json.load(file)

    def execute(state, *words):
        call("ExecSync", {1: ids(state)[1], 2: list(words), 3: 10})

    def remove(state):
        sandbox, container = ids(state)
        call("StopContainer", {1: container})
        call("RemoveContainer", {1: container})
        call("StopPodSandbox", {1: sandbox})
        call("RemovePodSandbox", {1: sandbox})

    {"wait": wait, "create": create, "exec": execute, "remove": remove}[command](*rest)


main()
