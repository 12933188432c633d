#!/usr/bin/env python3
"""Live, beside the tools that people trust: what iperf3, curl, dig and `ip -s` say of a transfer is
what the daemon says of it, engine by engine. Two network namespaces and a veth; the tools come from
the distribution's packages, unpacked below build/peers."""
import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading

import peers
from rig import (WAIT_S, Daemon, Directory, Skip, contains, die_with_parent, equal, inside, ip,
                 link_counters, neighbour, no_ipv6, own_network, rows, run, settled, until)

HERE, THERE = "10.98.0.1", "10.98.0.2"
DEVICE = "vt"
EVERYTHING = {"NETSONDE_PACKET_DEVICES": DEVICE, "NETSONDE_COLLECT_TABLES_INTERVAL": "200ms"}
FRAME = 14 + 20  # Ethernet, IPv4
COOKIE = 37      # what iperf3 begins a transfer with


@contextlib.contextmanager
def world(*arguments, **environment):
    """(the daemon with every engine, the process id of the namespace at the other end)."""
    with neighbour() as pid, Directory() as data:
        no_ipv6()
        no_ipv6(pid=pid)
        ip("link", "add", DEVICE, "type", "veth", "peer", "name", "there", "netns", str(pid))
        try:
            inside(pid, "ip", "addr", "add", THERE + "/24", "dev", "there")
            inside(pid, "ip", "link", "set", "there", "up")
            ip("addr", "add", HERE + "/24", "dev", DEVICE)
            ip("link", "set", DEVICE, "up")
            settled(DEVICE)
            with Daemon(data, *arguments, environment={**EVERYTHING, **environment}) as d:
                yield d, pid
        finally:
            ip("link", "del", DEVICE)


@contextlib.contextmanager
def served(pid, package, *arguments, ready):
    """A server of that package in the other namespace, from when it says `ready`."""
    program, environment = peers.program(package)
    server = subprocess.Popen(["nsenter", "-t", str(pid), "-n", program, *arguments],
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, preexec_fn=die_with_parent)
    try:
        for line in server.stdout:
            if ready in line:
                break
        else:
            raise AssertionError(f"{package} ended")
        threading.Thread(target=server.stdout.read, daemon=True).start()
        yield server
    finally:
        server.kill()
        server.wait()


def runs(package, *arguments):
    """(process id, what it printed) of a tool that was run to its end."""
    program, environment = peers.program(package)
    tool = subprocess.Popen([program, *arguments], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text, complaint = tool.communicate(timeout=WAIT_S)
    equal(tool.returncode, 0, f"{package} {' '.join(arguments)}: {complaint} {text}")
    return tool.pid, text


def in_use(d, engine):
    return d.engine(engine)["state"] == "in use"


def told(d, kind, pid, count=1, **where):
    """The events of that process, when there are as many."""
    def there():
        nonlocal found
        found = [e for e in d.events(kind) if e.get("pid") == pid
                 and all(e.get(key) == value for key, value in where.items())]
        return found if len(found) == count else None
    found = []
    try:
        return until(f"{count} {kind} of {pid}", there)
    except AssertionError as why:
        lost = d.metric('netsonde_ebpf_lost_total{what="records"}')
        raise AssertionError(f"{why}; there are {found}; records lost: {lost}") from None


def device_agrees(d):
    """`ip -s` and the interface's series at rest."""
    def same():
        counters = link_counters(DEVICE)
        return all(d.metric(f'node_network_{name}_{what}_total{{device="{DEVICE}"}}')
                   == counters[way][what]
                   for way, name in (("rx", "receive"), ("tx", "transmit"))
                   for what in ("bytes", "packets"))
    until("ip -s and the series agree", same)


# ---- iperf3 --------------------------------------------------------------------------------------

def iperf(*arguments):
    """(process id, iperf3's own account of the end)."""
    pid, text = runs("iperf3", "-c", THERE, "-J", *arguments)
    return pid, json.loads(text)["end"]


def test_iperf_tcp():
    """iperf3 over TCP: bytes of the process, the connection, the flow and the device"""
    with world() as (d, pid), served(pid, "iperf3", "-s", "-1", "--forceflush", ready="listening"):
        began = link_counters(DEVICE)
        client, end = iperf("-n", "20M")
        sent, received = end["sum_sent"]["bytes"], end["sum_received"]["bytes"]
        equal(sent >= 20 << 20, True, "iperf3 sent")
        if in_use(d, "ebpf"):
            # The transfer's connection and the one that iperf3 arranges it over.
            arranged, moved = sorted(told(d, "connection_closed", client, 2),
                                     key=lambda e: e["tx_bytes"])
            # What was written is the process's, whatever became of it; a connection's bytes were
            # acknowledged. The server may end while some are on the way.
            equal(received + COOKIE <= moved["tx_bytes"] <= sent + COOKIE, True,
                  f"{received} <= {moved['tx_bytes']} - {COOKIE} <= {sent}")
            process = until("the process", lambda: [
                p for p in rows(d, "processes", pid=client) if p["state"] == "ended"])[0]
            equal((process["tx_bytes"], process["rx_bytes"]),
                  (sent + COOKIE + arranged["tx_bytes"], moved["rx_bytes"] + arranged["rx_bytes"]),
                  "bytes of the process")
        if in_use(d, "packet"):
            # Headers are in a flow's bytes: what is payload is at least what iperf3 says, and no
            # more than the device carried.
            flow = until("the flow", lambda: [
                f for f in rows(d, "flows", protocol="tcp") if f["tx_bytes"] > received])[0]
            device = link_counters(DEVICE)["tx"]["bytes"] - began["tx"]["bytes"]
            equal(received < flow["tx_bytes"] <= device, True,
                  f"{received} < {flow['tx_bytes']} <= {device}")
            contains(flow["server"], f"{THERE}:5201")
        device_agrees(d)


def test_iperf_retransmits():
    """iperf3 through a queue that is too short: segments sent again are those that iperf3 counts"""
    with world() as (d, pid), served(pid, "iperf3", "-s", "-1", "--forceflush", ready="listening"):
        if not in_use(d, "ebpf"):
            raise Skip(d.engine("ebpf")["reason"])
        done = subprocess.run(["tc", "qdisc", "add", "dev", DEVICE, "root", "tbf", "rate", "80mbit",
                               "burst", "8kb", "limit", "20kb"], stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise Skip(f"no such queue here: {done.stderr.strip()}")
        client, end = iperf("-n", "4M", "-C", "reno")
        counted = end["sum_sent"]["retransmits"]
        moved = max(told(d, "connection_closed", client, 2), key=lambda e: e["tx_bytes"])
        equal(counted > 0, True, "the queue was too short")
        # iperf3 asks while the connection still lives.
        equal(counted <= moved["retransmits"] <= counted + 20, True,
              f"{moved['retransmits']}, by iperf3 {counted}")
        equal(moved["rtt_ms"] > 0, True, "round trip")
        # The process has what its connections have, of the data and of arranging things.
        [process] = until("the process", lambda: [
            p for p in rows(d, "processes", pid=client) if p["state"] == "ended"])
        sums = sum(e["retransmits"] for e in told(d, "connection_closed", client, 2))
        equal(process["retransmits"], sums, "segments that the process sent again")
        equal(process["rtt_ms"] > 0, True, "round trip of the process")


def test_iperf_udp():
    """iperf3 over UDP: every datagram, by process and by flow"""
    with world() as (d, pid), served(pid, "iperf3", "-s", "-1", "--forceflush", ready="listening"):
        client, end = iperf("-u", "-b", "40M", "-l", "1000", "-n", "4M")
        sent, datagrams = end["sum"]["bytes"], end["sum"]["packets"]
        equal(sent, datagrams * 1000, "iperf3's datagrams")
        if in_use(d, "ebpf"):
            # Things are arranged over a connection.
            [closed] = told(d, "connection_closed", client, protocol="tcp")
            # One datagram of four bytes greets before the test.
            [process] = until("the process", lambda: [
                p for p in rows(d, "processes", pid=client)
                if p["tx_bytes"] >= sent + closed["tx_bytes"]])
            equal(process["tx_bytes"], sent + 4 + closed["tx_bytes"], "bytes of the process")
        if in_use(d, "packet"):
            def flow():
                return [f for f in rows(d, "flows", protocol="udp")
                        if f["packets"] >= datagrams and f["server"] == f"{THERE}:5201"]
            flow = until("the flow", flow)[0]
            # Besides the data the greeting, and its answer.
            equal((flow["packets"], flow["tx_bytes"]),
                  (datagrams + 2, (FRAME + 8) * (datagrams + 1) + sent + 4), "the flow")
        device_agrees(d)


# ---- curl ----------------------------------------------------------------------------------------

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"y" * 54321)

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def page():
    """The port of a server of such a page here."""
    server = http.server.ThreadingHTTPServer((HERE, 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_curl():
    """curl: bytes of head and body in both directions, and the time to connect"""
    with world() as (d, _), Directory() as directory, page() as port:
        if not in_use(d, "ebpf"):
            raise Skip(d.engine("ebpf")["reason"])
        body = os.path.join(directory, "body")
        with open(body, "wb") as f:
            f.write(b"x" * 123456)
        for more in ((), ("-T", body)):
            pid, text = runs("curl", "-sS", *more, "-o", "/dev/null", "-w", "%{json}",
                             f"http://{HERE}:{port}/")
            said = json.loads(text)
            equal((said["size_upload"], said["size_download"]), (123456 if more else 0, 54321),
                  "what curl says")
            [closed] = told(d, "connection_closed", pid)
            equal((closed["remote"], closed["process"]), (f"{HERE}:{port}", "curl"), "who")
            equal(closed["rx_bytes"], said["size_header"] + said["size_download"], "received")
            if not more:
                equal(closed["tx_bytes"], said["size_request"], "sent")
            else:  # releases of curl differ in whether a request's size includes its body
                equal(0 < closed["tx_bytes"] - said["size_upload"] <= said["size_request"], True,
                      f"{closed['tx_bytes']} sent, by curl {said['size_request']}")
            equal(0 < closed["connect_ms"] <= said["time_connect"] * 1000, True,
                  f"{closed['connect_ms']} ms to connect, by curl {said['time_connect']} s")
            equal(closed["duration_ms"] <= said["time_total"] * 1000 + 1000, True,
                  f"{closed['duration_ms']} ms, by curl {said['time_total']} s")


# ---- dig and dnsmasq -----------------------------------------------------------------------------

ZONE = ("--no-resolv", "--no-hosts", "--bind-interfaces", f"--listen-address={THERE}",
        "--local=/example.test/", "--address=/here.example.test/10.1.2.3",
        "--txt-record=text.example.test,hello", "--user=root", "--pid-file=", "--no-daemon",
        "--log-facility=-", "--conf-file=/dev/null")
QUESTIONS = [  # name, type, what dig is to say
    ("here.example.test", "A", "NOERROR", ()),
    ("text.example.test", "TXT", "NOERROR", ()),
    ("gone.example.test", "AAAA", "NXDOMAIN", ()),
    ("elsewhere.invalid", "A", "REFUSED", ()),
    ("here.example.test", "A", "NOERROR", ("+tcp",)),
]


def test_dig():
    """dig and dnsmasq: name, type, status and time of each question"""
    with world() as (d, other), served(other, "dnsmasq-base", *ZONE, ready="started"):
        for name, kind, status, more in QUESTIONS:
            before = {row["id"] for row in rows(d, "dns")}
            pid, text = runs("bind9-dnsutils", "-u", f"@{THERE}", "+tries=1", *more, name, kind)
            contains(text, f"status: {status}")
            # Without -u, dig reads a clock that stands still between two timer interrupts.
            took, unit = text.split("Query time: ")[1].split()[:2]
            equal(unit, "usec", "dig's unit of time")
            answers = []
            if in_use(d, "packet"):
                answers += until(f"the table has {name}", lambda: [
                    row for row in rows(d, "dns", name=name) if row["id"] not in before])
            if in_use(d, "ebpf") and not more:
                answers += told(d, "dns", pid)
            for answer in answers:
                equal((answer["name"], answer["type"], answer["rcode"], answer["server"]),
                      (name, kind, status, f"{THERE}:53"), "an answer")
                # On the wire it is shorter: dig waits for its own turn besides.
                equal(0 < answer["latency_ms"] * 1000 <= int(took), True,
                      f"{answer['latency_ms']} ms, by dig {took} us")
        device_agrees(d)


if __name__ == "__main__":
    peers.fetch("iperf3", "usr/bin/iperf3")
    peers.fetch("curl", "usr/bin/curl")
    peers.fetch("dnsmasq-base", "usr/sbin/dnsmasq")
    peers.fetch("bind9-dnsutils", "usr/bin/dig")
    own_network()
    run([test_iperf_tcp, test_iperf_retransmits, test_iperf_udp, test_curl, test_dig])
    sys.exit()
