#!/usr/bin/env python3
"""Sockets one by one and queues, as the netlink engine has them: every figure against ss and tc.

Connections are quiet when they are compared, so both tools look at the same numbers. Storms of short
connections must neither end the daemon nor make it say anything wrong about those that stay."""

import json
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

import rig
from rig import Daemon, Directory, Skip, equal, until

def every(interval):
    """The daemon's environment: sock_diag alone, which ebpf would add to (test_ebpf.py)."""
    return {"NETSONDE_COLLECT_ENGINES": "netlink,procfs", "NETSONDE_COLLECT_TABLES_INTERVAL": interval}


TABLES = every("200ms")
STATES = {"ESTAB": "established", "LISTEN": "listen", "CLOSE-WAIT": "close_wait",
          "FIN-WAIT-1": "fin_wait1", "FIN-WAIT-2": "fin_wait2", "SYN-SENT": "syn_sent",
          "TIME-WAIT": "time_wait", "UNCONN": "close"}


def ss(*arguments):
    """What ss shows: {(local, remote): {"state", "bytes_acked", ...}}."""
    done = subprocess.run(["ss", "-inHe", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True)
    shown = {}
    for line in done.stdout.replace("\n\t", " ").splitlines():
        words = line.split()
        numbers = dict(w.split(":", 1) for w in words[5:] if re.match(r"^[a-z_]+:[0-9]", w))
        shown[words[3], words[4]] = {"state": STATES[words[0]], **numbers}
    return shown


def connections(daemon, search=""):
    table = daemon.json(f"/api/v1/connections?limit=10000{search}")
    rows = [dict(zip(table["columns"], row)) for row in table["rows"]]
    return {(row["local"], row["remote"]): row for row in rows}


def pair(address="127.0.0.1", family=socket.AF_INET, listener=None):
    server = listener or socket.create_server((address, 0), family=family, backlog=512)
    client = socket.create_connection(server.getsockname()[:2])
    other, _ = server.accept()
    if not listener:
        server.close()
    return client, other


def move(sender, receiver, count):
    """All of it, acknowledged."""
    thread = threading.Thread(target=sender.sendall, args=(b"x" * count,))
    thread.start()
    left = count
    while left:
        left -= len(receiver.recv(min(left, 1 << 20)))
    thread.join()


def name(sock, peer=False):
    host, port = (sock.getpeername() if peer else sock.getsockname())[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def ends(sock):
    return name(sock), name(sock, peer=True)


def surveys_pass(daemon, count=2):
    done = daemon.metric("netsonde_surveys_total")
    until("surveys", lambda: daemon.metric("netsonde_surveys_total") >= done + count)
    daemon.ticks_pass(2)


def test_against_ss():
    """connections of every kind have the figures that ss shows"""
    with Directory() as data, Daemon(data, environment=TABLES) as d:
        four, six = pair(), pair("::1", socket.AF_INET6)
        move(*four, 3_000_001)
        move(four[1], four[0], 4321)
        move(*six, 77)
        half = pair()  # one end has closed, the other has not
        move(*half, 10)
        half[0].shutdown(socket.SHUT_WR)
        listener = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asking.connect(udp.getsockname())
        mine = [ends(s) for s in (*four, *six, *half)]

        surveys_pass(d)
        shown, rows = ss("-t"), connections(d)
        for key in mine:
            theirs, ours = shown[key], rows[key]
            equal(ours["protocol"], "tcp")
            equal(ours["state"], theirs["state"], f"state of {key}")
            equal(ours["tx_bytes"], int(theirs.get("bytes_acked", 0)), f"bytes sent on {key}")
            equal(ours["rx_bytes"], int(theirs.get("bytes_received", 0)), f"bytes received on {key}")
            equal(ours["retransmits"], int(theirs.get("retrans", "0/0").split("/")[-1]), "retransmits")
            equal(f"{ours['rtt_ms']:g}", f"{float(theirs['rtt'].split('/')[0]):g}", f"rtt of {key}")
            equal(ours["method"], "sock_diag")
            equal(ours["process"], "python3")
        equal(rows[ends(four[1])]["rx_bytes"], 3_000_001)
        equal(rows[ends(four[0])]["rx_bytes"], 4321)
        equal(rows[ends(half[1])]["state"], "close_wait")
        equal(rows[ends(half[0])]["state"], "fin_wait2")
        equal(rows[name(listener), None]["state"], "listen")
        equal(rows[name(listener), None]["rx_bytes"], None)
        equal(rows[name(udp), None]["protocol"], "udp")
        equal(rows[ends(asking)]["state"], "established")
        equal(rows[ends(asking)]["tx_bytes"], None)
        for state in ("established", "close_wait", "fin_wait2"):
            equal(d.metric(f'netsonde_tcp_connections{{state="{state}"}}') >=
                  sum(shown[key]["state"] == state for key in mine), True, state)


def closed_events(daemon, port):
    return [e for e in daemon.events("connection_closed")
            if e["local"].endswith(f":{port}") or e.get("remote", "").endswith(f":{port}")]


def test_closes():
    """connections that no survey ever saw end with their exact last numbers"""
    # One survey at the start, the next ones far apart: only notices can tell.
    with Directory() as data, \
            Daemon(data, environment=every("3s")) as d:
        surveys_pass(d)
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        port, sent = listener.getsockname()[1], {}
        for _ in range(50):
            client, other = pair(listener=listener)
            up, down = random.randrange(1, 20000), random.randrange(1, 20000)
            move(client, other, up)
            move(other, client, down)
            sent[name(client)] = up, down
            client.close()
            until("the end has come", lambda: other.recv(1) == b"")
            other.close()
        listener.close()
        until("all ends are told", lambda: len(closed_events(d, port)) >= 100)
        events = closed_events(d, port)
        equal(len(events), 100, "each end once")
        for event in events:
            called = event["local"].endswith(f":{port}")
            up, down = sent[event["remote" if called else "local"]]
            received, given = (up, down) if called else (down, up)
            # FIN counts as a byte where it came from and, acknowledged, where it was sent; SYN where
            # the call was made.
            equal(event["rx_bytes"] - received in (0, 1), True, f"received: {event}, {received}")
            equal(event["tx_bytes"] - given in (0, 1, 2), True, f"sent: {event}, {given}")
        equal(d.metric("netsonde_netlink_overruns_total"), 0)


def storm(port, stop, made):
    while not stop.is_set():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                s.sendall(b"short")
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                made.append(1)
        except OSError:
            pass


def serve(listener):
    while True:
        try:
            other, _ = listener.accept()
            other.close()
        except OSError:
            return


def test_storm():
    """sockets that vanish while they are read: those that stay are always there, and right"""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    passing = socket.create_server(("127.0.0.1", 0), backlog=512)
    kept = [pair(listener=listener) for _ in range(200)]
    for number, (client, other) in enumerate(kept):
        move(client, other, 1000 + number)
    keys = {ends(other): 1000 + number for number, (_, other) in enumerate(kept)}
    stop, made = threading.Event(), []
    threads = [threading.Thread(target=storm, args=(passing.getsockname()[1], stop, made))
               for _ in range(4)]
    threads.append(threading.Thread(target=serve, args=(passing,)))
    with Directory() as data, Daemon(data, environment=every("100ms")) as d:
        surveys_pass(d)
        for thread in threads:
            thread.start()
        try:
            search = f"&filter=local:{listener.getsockname()[1]}"
            end = time.monotonic() + 5
            looks = 0
            while time.monotonic() < end or looks < 10:
                rows, looks = connections(d, search), looks + 1
                for key, count in keys.items():
                    equal(rows[key]["rx_bytes"], count, f"bytes of {key}")
                    equal(rows[key]["state"], "established")
        finally:
            stop.set()
            passing.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
            passing.close()
        equal(len(made) > 200, True, f"a storm: {len(made)}")
        surveys_pass(d)
        equal(closed_events(d, listener.getsockname()[1]), [], "none of them closed")
        established = sum(row["state"] == "established" for row in ss("-t").values())
        until("as many as ss shows", lambda:
              abs(d.metric('netsonde_tcp_connections{state="established"}') -
                  sum(row["state"] == "established" for row in ss("-t").values())) <= 2)
        equal(established >= 400, True, "both ends of those that stay")


def test_lost_notices():
    """without room for notices their loss is counted and told, and the next dump puts things right"""
    if not shutil.which("setpriv"):
        raise Skip("needs setpriv (util-linux)")
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    port = listener.getsockname()[1]
    held = [pair(listener=listener) for _ in range(20)]
    with Directory() as data, \
            Daemon(data, before=["setpriv", "--bounding-set", "-net_admin"],
                   environment=every("5s")) as d:
        surveys_pass(d, 1)
        until("the connections are known", lambda: len(connections(d, f"&filter=local:{port}")) >= 20)
        for client, other in held:
            client.close()
            other.close()
        # Three times as many notices, of about 1 KiB each, as the system gives anybody room for.
        with open("/proc/sys/net/core/rmem_max", encoding="ascii") as room:
            wanted = 3 * int(room.read()) * 2 // 1024 // 2
        if wanted > 100_000:
            raise Skip("net.core.rmem_max is too large here")
        for _ in range(5):  # a slow machine has two surveys during one of these
            surveys_pass(d, 1)
            for _ in range(wanted):
                client, other = pair(listener=listener)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.close()
                other.close()
            surveys_pass(d, 1)
            if d.metric("netsonde_netlink_overruns_total"):
                break
        equal(d.metric("netsonde_netlink_overruns_total") > 0, True, "it was noticed")
        until("it is told", lambda: [e for e in d.events("loss")
                                     if e["what"] == "connections that closed"])
        until("what is over is over", lambda: not [
            row for row in connections(d, f"&filter=local:{port}").values()
            if row["state"] == "established"])


def test_doctor():
    """doctor names what each capability lacks, and the command that adds it"""
    if not shutil.which("setpriv"):
        raise Skip("needs setpriv (util-linux)")
    states = {}
    for before in ([], ["setpriv", "--bounding-set", "-net_admin"]):
        done = subprocess.run([*before, rig.BINARY, "doctor", "--json", "--engine", "netlink,procfs"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        states[bool(before)] = {c["name"]: c for c in json.loads(done.stdout)["capabilities"]}
    for name_, state in (("connections", "in use"), ("connection_quality", "in use"),
                         ("connection_events", "in use"), ("queues", "in use")):
        equal(states[False][name_]["state"], state, name_)
    # No card here has counters of its own: that is no fault, so nothing is recommended.
    equal(states[False]["nic"]["remedy"], "")
    limited = states[True]["connection_events"]
    equal(limited["state"], "limited")
    rig.contains(limited["reason"], "CAP_NET_ADMIN")
    equal(limited["remedy"] != "", True, "a remedy")
    equal(states[True]["connections"]["state"], "in use")


def tc(device):
    done = subprocess.run(["tc", "-s", "-j", "qdisc", "show", "dev", device], stdout=subprocess.PIPE,
                          text=True, check=True)
    return next(q for q in json.loads(done.stdout) if q.get("root"))


def test_queues():
    """a queueing discipline has the figures that tc shows, also those of its drops"""
    if not shutil.which("tc"):
        raise Skip("needs tc (iproute2)")
    with rig.neighbour() as pid, Directory() as data, Daemon(data, environment=TABLES) as d:
        wire = rig.Wire(pid, "vq", 97)
        made = subprocess.run(["tc", "qdisc", "add", "dev", "vq", "root", "tbf", "rate", "400kbit",
                               "burst", "3000", "limit", "6000"], stderr=subprocess.PIPE, text=True,
                              check=False)
        if made.returncode:
            raise Skip(f"this kernel has no tbf: {made.stderr.strip()}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for _ in range(40):
                try:
                    s.sendto(b"x" * 1000, (wire.to, 9))
                except OSError:
                    pass  # the queue is full
        until("the queue is empty", lambda: tc("vq")["backlog"] == 0)
        surveys_pass(d)
        shown = tc("vq")
        labels = '{device="vq",kind="tbf"}'
        for metric, key in (("bytes_total", "bytes"), ("packets_total", "packets"),
                            ("drops_total", "drops"), ("overlimits_total", "overlimits"),
                            ("requeues_total", "requeues"), ("current_queue_length", "qlen"),
                            ("backlog", "backlog")):
            equal(d.metric(f"node_qdisc_{metric}{labels}"), shown[key], metric)
        equal(shown["drops"] > 0 and shown["packets"] > 0, True, f"something happened: {shown}")
        rig.remove_links("vq")
        until("it is gone", lambda: d.metric(f"node_qdisc_bytes_total{labels}") is None)


if __name__ == "__main__":
    rig.own_network()
    if not shutil.which("ss"):
        print("ss (iproute2) is not installed")
        sys.exit(77)
    rig.run([test_against_ss, test_closes, test_storm, test_lost_notices, test_doctor, test_queues])
