#!/usr/bin/env python3
"""The real daemon names the other ends of connections by DNS answers that it saw: a resolver of the
test's own answers, and a connection to what it said has that name. In namespaces of its own."""

import os
import socket
import struct
import threading

from rig import Daemon, Directory, Skip, equal, own_network, run, until


class Resolver:
    """Answers every question on 127.0.0.1:53 with one address."""

    def __init__(self, address, ttl=300):
        self.record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, ttl, 4) + socket.inet_aton(address)

    def __enter__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def serve(self):
        while True:
            message, peer = self.socket.recvfrom(512)
            if not message:
                return
            self.socket.sendto(message[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + message[12:]
                               + self.record, peer)

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", 53))
        self.thread.join()
        self.socket.close()


def ask(name):
    """Asks the resolver, by hand: what a library would make of it is no part of this."""
    labels = b"".join(bytes([len(part)]) + part for part in name.split(b"."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.sendto(struct.pack(">6H", os.getpid() & 0xffff, 0x100, 1, 0, 0, 0) + labels
                 + b"\0\0\1\0\1", ("127.0.0.1", 53))
        s.recv(512)


def row(d, remote):
    answer = d.json(f"/api/v1/connections?limit=1000&filter=remote:{remote}")
    equal(answer["columns"][-1], "remote_name", "the last column")
    rows = [dict(zip(answer["columns"], r)) for r in answer["rows"]]
    return next((r for r in rows if r["remote"] == remote), None)


def shows(d, remote, name):
    until(f"{remote} is {name}", lambda: (row(d, remote) or {}).get("remote_name") == name)


def names(engine, **environment):
    """A daemon with the engine, a resolver, and two connections: one to a named address."""
    with Directory() as data, Resolver("127.0.0.77") as _, socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with Daemon(data, "--engine", f"{engine},netlink,procfs", environment=environment) as d:
            if d.engine(engine)["state"] != "in use":
                raise Skip(d.engine(engine)["reason"])
            d.ticks_pass(3)
            # Hostile as a name can be; who shows it in a page or a terminal is not harmed.
            ask(b"www.ex\x1b[31mample.test")
            with socket.create_connection(("127.0.0.77", port)), \
                    socket.create_connection(("127.0.0.78", port)):
                named, nameless = f"127.0.0.77:{port}", f"127.0.0.78:{port}"
                until("the connections are seen",
                      lambda: row(d, named) is not None and row(d, nameless) is not None)
                yield d, named, nameless


def check(engine):
    for d, named, nameless in names(engine):
        until(f"{named} has a name", lambda: row(d, named)["remote_name"] is not None)
        name = row(d, named)["remote_name"]
        equal(name.startswith("www.ex") and name.endswith("ample.test"), True, name)
        equal([c for c in name if not c.isprintable()], [], "control characters")
        equal(row(d, nameless)["remote_name"], None, "one that nobody asked for")
        equal(d.metric("netsonde_peer_names") >= 1, True, "netsonde_peer_names")
        equal(d.metric("netsonde_peer_names_evicted_total"), 0, "evicted")
    for d, named, _ in names(engine, NETSONDE_COLLECT_RESOLVE="off"):
        d.ticks_pass(30)
        equal(row(d, named)["remote_name"], None, "with collect.resolve: off")
        equal(d.metric("netsonde_peer_names"), 0, "netsonde_peer_names")


def test_ebpf():
    """seen by the ebpf engine: the connection has the name that was asked for; off: none"""
    check("ebpf")


def test_packet():
    """seen by the packet engine: the same"""
    check("packet")


if __name__ == "__main__":
    own_network()
    run([test_ebpf, test_packet])
