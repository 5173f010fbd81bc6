# SPDX-License-Identifier: Apache-2.0
"""What a kubelet does, in small: makes a pod with one container by CRI.

cri.py SOCKET wait | create STATE [node|pod|user] [SETTINGS] | exec STATE COMMAND... |
    address STATE | remove STATE

A pod has the node's network, one of its own, or one of its own and a user namespace. SETTINGS are
of the container's "linux" in JSON, with field numbers as keys.

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


def decode(message):
    """{number: values}: a value is an int, or bytes that may be a text or such a message again."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            value |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        value = number()
        if key & 7 == 2:
            at, value = at + value, message[at : at + value]
        fields.setdefault(key >> 3, []).append(value)
    return fields


def first_text(message):
    """The first field of an answer, which is often all that we need: an id."""
    return decode(message)[1][0].decode()


def numbered(value):
    """What JSON says, with the numbers that its keys are."""
    if isinstance(value, dict):
        return {int(key): numbered(below) for key, below in value.items()}
    return value


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

    def create(state, network="node", settings="{}"):
        ids_map = [{1: 231072, 2: 0, 3: 65536}]
        namespaces = {
            "node": {1: 2, 2: 1, 3: 2},  # network and ipc of the node, pids of its own
            "pod": {2: 1},
            "user": {2: 1, 5: {1: 0, 2: ids_map, 3: ids_map}},
        }[network]
        sandbox_config = {
            1: {1: "web-0", 2: POD_UID, 3: "prod"},
            2: "" if network == "node" else "web-0",
            6: kube() + entries({"tier": "front"}),
            8: {
                1: "/kubepods/burstable/pod" + POD_UID,
                2: {1: namespaces},
                3: [] if network == "node" else entries({"net/ipv4/ip_default_ttl": "77"}),
            },
        }
        sandbox = first_text(call("RunPodSandbox", {1: sandbox_config}))
        with open(state, "w") as file:
            json.dump([sandbox, None], file)
        config = {
            1: {1: "app"},
            2: {1: "localhost/busybox:1"},
            3: ["/bin/sleep", "1000"],
            9: kube() + entries({"io.kubernetes.container.name": "app"}),
            15: {2: {3: namespaces}} | numbered(json.loads(settings)),
        }
        container = first_text(
            call("CreateContainer", {1: sandbox, 2: config, 3: sandbox_config})
        )
        with open(state, "w") as file:
            json.dump([sandbox, container], file)
        call("StartContainer", {1: container})

    def ids(state):
        with open(state) as file:
            return json.load(file)

    def execute(state, *words):
        answer = decode(call("ExecSync", {1: ids(state)[1], 2: list(words), 3: 10}))
        for field, stream in (1, sys.stdout), (2, sys.stderr):
            stream.write(answer.get(field, [b""])[0].decode())
        raise SystemExit(answer.get(3, [0])[0])

    def address(state):
        status = decode(call("PodSandboxStatus", {1: ids(state)[0]}))[1][0]
        print(decode(decode(status)[5][0])[1][0].decode())

    def remove(state):
        sandbox, container = ids(state)
        if container:
            call("StopContainer", {1: container})
            call("RemoveContainer", {1: container})
        call("StopPodSandbox", {1: sandbox})
        call("RemovePodSandbox", {1: sandbox})

    commands = {
        "wait": wait,
        "create": create,
        "exec": execute,
        "address": address,
        "remove": remove,
    }
    commands[command](*rest)


main()
