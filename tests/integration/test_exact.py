"""Bytes sent by a known tool equal the bytes shown, to the byte; devices that come, go, are renamed
or move between namespaces show right values or a gap, never a spike."""
import errno
import os
import socket
import sqlite3
import struct

from rig import (Daemon, Directory, Skip, Wire, equal, inside, ip, link_counters, neighbour, no_ipv6,
                 now_ms, own_network, remove_links, run, settled, until)

BYTES, PACKETS = "node_network_transmit_bytes_total", "node_network_transmit_packets_total"
TICKS = "netsonde_ticks_total"
COUNT, PAYLOAD = 400, 1000


# ---- exact ---------------------------------------------------------------------------------------

class Increments:
    """What the stream says that the device has sent. It speaks of rates; the count of ticks grows
    by one in each, so a rate divided by that one's rate is the tick's increment."""

    def __init__(self, stream, device):
        self.stream, self.names, self.sums = stream, {}, {BYTES: 0, PACKETS: 0}
        stream.send(op="subscribe", id=1, channel="metrics", metric=[BYTES, PACKETS, TICKS])
        stream.wait_for("ok")
        for series in stream.wait_for("series")["series"]:
            if series["labels"].get("device", device) == device:
                self.names[series["id"]] = series["name"]
        equal(sorted(self.names.values()), sorted([BYTES, PACKETS, TICKS]), "series")
        self.seq = stream.wait_for("metrics")["seq"]

    def add_tick(self):
        message = self.stream.wait_for("metrics")
        equal(message["seq"], self.seq + 1, "no tick is left out")
        self.seq = message["seq"]
        rates = {self.names[i]: v for i, v in message["values"] if i in self.names}
        for name in self.sums:
            self.sums[name] += rates[name] / rates[TICKS]


def exact(engine):
    with neighbour() as pid, Directory() as data:
        wire = Wire(pid)
        try:
            with Daemon(data, "--engine", engine, interval="50ms") as d, d.stream() as stream:
                until("the device is shown as up",
                      lambda: (d.interface("va") or {}).get("state") == "up")
                d.ticks_pass()
                increments = Increments(stream, "va")
                from_ms = now_ms() - 500
                sent = wire.send(COUNT, PAYLOAD)

                now = link_counters("va")
                key = BYTES + '{device="va"}'
                until("/metrics has the kernel's number",
                      lambda: d.metric(key) == now["tx"]["bytes"])
                row = d.interface("va")
                for way in ("rx", "tx"):
                    for what in ("bytes", "packets"):
                        equal(row[f"{way}_{what}"], now[way][what], f"{way}_{what} of the table")
                equal(row["errors"], now["rx"]["errors"] + now["tx"]["errors"], "errors")

                until("the history has every byte", lambda: d.total(BYTES, "va", from_ms) == sent)
                equal(d.total(PACKETS, "va", from_ms), COUNT, "packets in the history")

                while round(increments.sums[PACKETS]) < COUNT:
                    increments.add_tick()
                equal(round(increments.sums[PACKETS]), COUNT, "packets in the stream")
                # Six digits of each rate: good for a byte in a hundred thousand.
                off = increments.sums[BYTES] - sent
                equal(abs(off) < sent * 2e-5, True, f"{off} bytes too many in the stream")

                # The stream's table has the kernel's numbers as they are.
                with d.stream("interfaces") as tables:
                    table = tables.wait_for("table")
                    rows = [dict(zip(table["columns"], r)) for r in table["rows"]]
                    shown = next(r for r in rows if r["device"] == "va")
                    equal(shown["tx_bytes"], now["tx"]["bytes"], "bytes in the stream's table")
                    more = wire.send(1, 37)
                    while shown["tx_bytes"] < now["tx"]["bytes"] + more:
                        changed = tables.wait_for("table")["rows"]
                        shown = next((dict(zip(table["columns"], r)) for r in changed
                                      if r[0] == shown["id"]), shown)
                    equal(shown["tx_bytes"], now["tx"]["bytes"] + more, "one datagram more")
        finally:
            remove_links("va")


def test_netlink():
    """bytes and packets are exact with the netlink engine"""
    exact("netlink,procfs")


def test_procfs():
    """bytes and packets are exact with the procfs engine"""
    exact("procfs")


# ---- no spike ------------------------------------------------------------------------------------

def add_busy(name, count):
    """A device, with its peer, that has already sent much."""
    ip("link", "add", name, "type", "veth", "peer", "name", name + "-peer")
    ip("link", "set", name, "up")
    ip("link", "set", name + "-peer", "up")
    settled(name)
    ip("addr", "add", "10.98.0.1/24", "dev", name)
    ip("neigh", "add", "10.98.0.2", "lladdr", "02:00:00:00:00:98", "dev", name, "nud", "permanent")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for _ in range(count):
            s.sendto(b"x" * 1400, ("10.98.0.2", 9))
    return link_counters(name)["tx"]["bytes"]


def no_spike(engine):
    with neighbour() as pid, Directory() as data:
        wire = Wire(pid)
        much = add_busy("big", 2000)
        ip("link", "set", "big", "netns", str(pid))
        try:
            with Daemon(data, "--engine", engine, interval="50ms") as d:
                def shows(device, least=0):
                    return (d.interface(device) or {}).get("tx_bytes", -1) >= least

                until("the device is there", lambda: shows("va"))
                d.ticks_pass()
                from_ms = now_ms() - 1000
                sent = wire.send(50)
                until("the bytes are seen", lambda: shows("va", sent))

                # From the other namespace with all it has counted, back, and here again.
                for _ in range(2):
                    inside(pid, "ip", "link", "set", "big", "netns", str(os.getpid()))
                    until("the device from elsewhere is shown", lambda: shows("big", much))
                    ip("link", "set", "big", "netns", str(pid))
                    until("it is gone again", lambda: not d.interface("big"))
                inside(pid, "ip", "link", "set", "big", "netns", str(os.getpid()))
                until("it is shown once more", lambda: shows("big", much))

                # Another device under a name that was used before.
                ip("link", "set", "va", "down")
                ip("link", "set", "va", "name", "vold")
                until("the old name is gone", lambda: not d.interface("va") and shows("vold"))
                ip("link", "set", "big", "down")
                ip("link", "set", "big", "name", "va")
                until("the new one has the name", lambda: shows("va", much))
                # Within one tick, perhaps, and the other way round.
                for step in (("va", "tmp"), ("vold", "va"), ("tmp", "vold")):
                    ip("link", "set", step[0], "name", step[1])
                until("names are swapped", lambda: shows("vold", much) and not shows("va", much))

                # Deleted and made again: it counts from nothing.
                remove_links("vold", "va")
                until("both are gone", lambda: not d.interface("va") and not d.interface("vold"))
                ip("link", "add", "va", "type", "veth", "peer", "name", "vc")
                until("the new one is there", lambda: shows("va"))
                d.ticks_pass(5)

                # All that was really sent is in the history, and nothing else.
                equal(d.total(BYTES, "va", from_ms), sent, "bytes of all that were named va")
                for device in ("big", "vold", "tmp"):
                    equal(d.total(BYTES, device, from_ms), 0, f"bytes of {device}")
                rates = [v for _, v in d.query(BYTES, "va", "max", from_ms) if v is not None]
                equal(min(rates), 0, "smallest rate")
                busy = [v for v in rates if v > 0]
                equal(0 < len(busy) <= 50, True, f"rates above 0: {busy}")

                if "netlink" in engine:
                    changes = {(e["change"], e["device"]) for e in d.events("link")}
                    for wanted in (("renamed", "vold"), ("removed", "va"), ("added", "va"),
                                   ("removed", "big"), ("added", "big")):
                        equal(wanted in changes, True, f"{wanted} among {changes}")
        finally:
            remove_links("va", "vold", "big", "tmp", "big-peer")


def test_no_spike_netlink():
    """moved, renamed, swapped, deleted and made again: no spike with the netlink engine"""
    no_spike("netlink,procfs")


def test_no_spike_procfs():
    """moved, renamed, swapped, deleted and made again: no spike with the procfs engine"""
    no_spike("procfs")


# ---- another database ----------------------------------------------------------------------------

def test_put_back():
    """a copy of the database put in its place, and its removal, take no byte from the sums"""
    with neighbour() as pid, Directory() as data:
        wire = Wire(pid)
        path, copy = os.path.join(data, "netsonde.db"), os.path.join(data, "copy")
        try:
            with Daemon(data) as d:
                until("the device is there", lambda: d.interface("va"))
                d.ticks_pass()
                from_ms = now_ms() - 1000
                sent = wire.send(50)
                until("the first bytes are stored", lambda: d.total(BYTES, "va", from_ms) == sent)
                with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
                    source.backup(target)
                source.close()
                target.close()
                sent += wire.send(70)
                until("more are", lambda: d.total(BYTES, "va", from_ms) == sent)
                # Only the file itself: its -wal and -shm stay where they are.
                for change in (lambda: os.rename(copy, path), lambda: os.unlink(path)):
                    said = d.output().count("was removed or replaced")
                    change()
                    until("it is noticed",
                          lambda: d.output().count("was removed or replaced") > said)
                    sent += wire.send(30)
                    until("no byte is missing", lambda: d.total(BYTES, "va", from_ms) == sent)
                    d.ticks_pass(5)
                    equal(d.total(BYTES, "va", from_ms), sent, "bytes in the sums")
                equal("set aside" in d.output(), False, "something was set aside")
        finally:
            remove_links("va")


# ---- connection tracking -------------------------------------------------------------------------

# linux/netfilter/nfnetlink_conntrack.h: the counters of a CPU that we have names for.
CT_NEW, CT_GET_STATS_CPU, CT_GET_STATS = 0, 4, 5
CTA_STATS = {2: "found", 4: "invalid", 5: "ignore", 8: "insert", 9: "insert_failed", 10: "drop",
             11: "early_drop", 13: "search_restart"}


def attribute(kind, data, nested=False):
    return struct.pack("=HH", 4 + len(data), kind | nested << 15) + data + b"\0" * (-len(data) % 4)


def attributes(data):
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3fff, data[4:size]
        data = data[size + 3 & ~3:]


class Ctnetlink:
    """Asks the kernel about connection tracking as `conntrack -S` does."""

    def __enter__(self):
        try:
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        except OSError as why:
            raise Skip(f"no NETLINK_NETFILTER: {why}")
        self.socket.settimeout(5)
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, kind, flags, payload=b"", family=socket.AF_UNSPEC):
        """The attributes of each answer."""
        body = struct.pack("=BBH", family, 0, 0) + payload
        self.socket.send(struct.pack("=IHHII", 16 + len(body), 1 << 8 | kind, 1 | flags, 1, 0)
                         + body)
        answers = []
        while True:
            data = self.socket.recv(1 << 16)
            while data:
                size, kind = struct.unpack_from("=IH", data)
                if kind == 2 and struct.unpack_from("=i", data, 16)[0]:
                    err = -struct.unpack_from("=i", data, 16)[0]
                    if err in (errno.EINVAL, errno.EOPNOTSUPP):
                        raise Skip("this kernel has no CTNETLINK")
                    raise OSError(err, os.strerror(err))
                if kind in (2, 3):
                    return answers
                answers.append(list(attributes(data[20:size])))
                data = data[size + 3 & ~3:]

    def track(self, port):
        """Enters a connection by UDP that nobody makes."""
        def side(kind, source, target):
            address = attribute(1, socket.inet_aton("192.0.2.1")) + \
                attribute(2, socket.inet_aton("192.0.2.1"))
            proto = attribute(1, b"\x11") + attribute(2, struct.pack("!H", source)) + \
                attribute(3, struct.pack("!H", target))
            return attribute(kind, attribute(1, address, True) + attribute(2, proto, True), True)
        # NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE
        self.ask(CT_NEW, 4 | 0x200 | 0x400, side(1, port, 53) + side(2, 53, port)
                 + attribute(3, struct.pack("!I", 1 << 3)) + attribute(7, struct.pack("!I", 600)),
                 socket.AF_INET)

    def stats(self):
        """The sums over all CPUs."""
        sums = dict.fromkeys(CTA_STATS.values(), 0)
        for answer in self.ask(CT_GET_STATS_CPU, 0x300):
            for kind, data in answer:
                if kind in CTA_STATS:
                    sums[CTA_STATS[kind]] += struct.unpack("!I", data)[0]
        return sums

    def entries(self):
        [answer] = self.ask(CT_GET_STATS, 4)
        return {kind: struct.unpack("!I", data)[0] for kind, data in answer}


def test_conntrack():
    """what /proc says of connection tracking is what CTNETLINK says, each counter and both numbers"""
    with Directory() as data, Daemon(data) as d, Ctnetlink() as kernel:
        if "conntrack" not in d.engine("procfs")["provides"]:
            raise Skip(d.engine("procfs")["reason"])
        for port in range(1000, 1037):
            kernel.track(port)
        try:
            kernel.track(1000)
        except FileExistsError:
            pass
        equal(kernel.stats()["insert"], 37, "entered, says the kernel")
        until("they are shown", lambda: d.metric("node_nf_conntrack_entries") == 37)
        d.ticks_pass()
        for name, count in kernel.stats().items():
            equal(d.metric("node_nf_conntrack_stat_" + name), count, name)
        # CTA_STATS_GLOBAL_ENTRIES, CTA_STATS_GLOBAL_MAX_ENTRIES
        equal({1: d.metric("node_nf_conntrack_entries"),
               2: d.metric("node_nf_conntrack_entries_limit")}, kernel.entries(), "numbers")


own_network()
no_ipv6()  # on lo, too: nobody speaks unasked
run([test_netlink, test_procfs, test_no_spike_netlink, test_no_spike_procfs, test_put_back,
     test_conntrack])
