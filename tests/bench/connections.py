# SPDX-License-Identifier: Apache-2.0
"""Short TCP connections."""
import contextlib
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

from harness import TOOLS, bpftrace, bulwark, cpu_ns, say, tool

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
        uwsgi_temp_path {folder}; scgi_temp_path {folder};
        server {{ listen 10.99.0.1:8088 backlog=4096; location / {{ return 200 "hello\\n"; }} }} }}
"""


@contextlib.contextmanager
def two_networks():
    """Two network namespaces joined by a cable, nginx in the first; yields how to run something in the second, and
    nginx's pid."""
    with contextlib.ExitStack() as stack:
        holders = []
        for _ in range(2):
            holder = subprocess.Popen(["unshare", "-n", "sleep", "3600"])
            stack.callback(holder.wait)
            stack.callback(holder.kill)
            holders.append(str(holder.pid))
        time.sleep(0.3)
        inside = [["nsenter", "-n", "-t", pid] for pid in holders]
        tool(*inside[0], "ip", "link", "add", "name", "near0", "type", "veth", "peer", "name", "far0", "netns", holders[1])
        for command, device, address in ((inside[0], "near0", "10.99.0.1/24"), (inside[1], "far0", "10.99.0.2/24")):
            tool(*command, "ip", "address", "add", address, "dev", device)
            tool(*command, "ip", "link", "set", device, "up")
            # Short connections use a port each: let them come back at once.
            tool(*command, "sh", "-c", "echo 1024 65000 >/proc/sys/net/ipv4/ip_local_port_range;"
                 "echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse")
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        conf = pathlib.Path(folder, "conf")
        conf.write_text(NGINX.format(folder=folder))
        server = subprocess.Popen([*inside[0], "nginx", "-c", conf, "-p", folder], stderr=subprocess.DEVNULL)
        stack.callback(server.wait)
        stack.callback(server.kill)
        time.sleep(0.5)
        yield inside[1], server.pid


def wrk(network, seconds):
    """Requests a second; the processor time that both ends take for one, in microseconds."""
    inside, server = network

    def used_us():
        client = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cpu_ns(server) / 1e3 + (client.ru_utime + client.ru_stime) * 1e6

    before = used_us()
    words = tool(*inside, "wrk", "-t1", "-c64", f"-d{seconds}", "-H", "Connection: close", "http://10.99.0.1:8088/")
    used = used_us() - before
    return (float(re.search(r"Requests/sec: *([\d.]+)", words).group(1)),
            used / int(re.search(r"(\d+) requests in", words).group(1)))


def wrk_with_bulwark(network, seconds, out, settle):
    """As wrk(), the agent's time with that of both ends; its own for an event; events; what it lost."""
    port = 19470
    os.environ["BULWARK_TCP_SETTLE"] = settle
    with bulwark("--output", "json", "--under", str(os.getpid()), listen=f"127.0.0.1:{port}", out=out) as agent:
        before = cpu_ns(agent.pid)
        rate, request = wrk(network, seconds)
        time.sleep(0.2)
        used = (cpu_ns(agent.pid) - before) / 1e3
        words = tool("curl", "-s", f"http://127.0.0.1:{port}/metrics")
        events = sum(int(n) for n in re.findall(r"^bulwark_events_total\{[^}]*\} (\d+)", words, re.M))
        lost = sum(int(n) for n in re.findall(r"^bulwark_ring_lost_total\{[^}]*\} (\d+)", words, re.M))
    return rate, request + used / (rate * seconds), used / max(events, 1), events, lost


@contextlib.contextmanager
def hooks_alone():
    """The kernel's hooks that the agent takes, with programs that return at once."""
    holder = subprocess.Popen([TOOLS / "hooks"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if holder.stdout.readline() != b"ready\n":
            raise RuntimeError("the hooks could not be taken")
        yield
    finally:
        holder.communicate()


BPFTRACE_CLOSES = r"""
tracepoint:sock:inet_sock_set_state /args->newstate == 7 && (args->sport == 8088 || args->dport == 8088)/
{ printf("%d %s %s:%d %s:%d\n", pid, comm, ntop(args->saddr), args->sport, ntop(args->daddr), args->dport); }
"""


def wrk_with_bpftrace(network, seconds):
    """As wrk_with_bulwark(): a line for each end of a connection."""
    with bpftrace(BPFTRACE_CLOSES) as peer:
        before = cpu_ns(peer.pid)
        rate, request = wrk(network, seconds)
        used = (cpu_ns(peer.pid) - before) / 1e3
    requests = rate * seconds
    return rate, request + used / requests, used / (2 * requests)


def say_slower(title, off, on, limit, how):
    """`off` and `on` are what wrk() gave, round by round."""
    rates = [quiet[0] / busy[0] for quiet, busy in zip(off, on)]
    times = [busy[1] / quiet[1] for quiet, busy in zip(off, on)]
    say(f"{title}: off / on", statistics.median(rates), limit,
        f"{how}; on / off of each round: {' '.join(f'{1 / rate:.3f}' for rate in rates)}")
    say(f"{title}: CPU on / off", statistics.median(times), limit,
        f"of both ends and the agent; off / on of each round: {' '.join(f'{1 / time:.3f}' for time in times)}")


def bench_tcp():
    """With every sensor that is on by default; then with each connection told of when it is made, too. What any agent
    with the same hooks pays is measured beside it. On a busy machine look at processor time, not at requests."""
    seconds, rounds = int(os.environ.get("BULWARK_BENCH_SECONDS", "4")), 6
    ways = {"1s": "short connections", "0s": "tcp.settle = 0s"}
    runs = {settle: [] for settle in ways}
    off, alone, peer = [], [], []
    with two_networks() as network, open("/dev/null", "wb") as out:
        wrk(network, 2)
        for _ in range(rounds):
            off.append(wrk(network, seconds))
            with hooks_alone():
                alone.append(wrk(network, seconds))
            if shutil.which("bpftrace"):
                peer.append(wrk_with_bpftrace(network, seconds))
            for settle in ways:
                runs[settle].append(wrk_with_bulwark(network, seconds, out, settle))
    say_slower("hooks alone", off, alone, None, "programs that do nothing")
    if peer:
        theirs = statistics.median(run[2] for run in peer)
        say_slower("bpftrace, closes only", off, peer, None, "the peer")
    for settle, title in ways.items():
        rate, _, used, events, _ = map(statistics.median, zip(*runs[settle]))
        say_slower(title, off, runs[settle], 1 / 0.97,
                   f"off {statistics.median(quiet[0] for quiet in off):.0f}/s, on {rate:.0f}/s")
        say(f"{title}: us/event", used, 1, f"{events:.0f} events a run")
        if peer:
            say(f"{title}: us/event, x bpftrace", used / theirs, 1 / 5.9, f"{theirs:.2f} us a line")
        say(f"{title}: lost", max(run[4] for run in runs[settle]), 0, "the ring was full")
