"""The packet engine in the real binary: files and devices, exact to the packet; what is broken, cut
off, spoofed a million times or gone is told and counted."""
import glob
import ipaddress
import os
import re
import shutil
import struct
import subprocess

from rig import (BINARY, WAIT_S, Daemon, Directory, Skip, Wire, contains, equal, free_port, ip,
                 link_counters, neighbour, own_network, run, settled, until)

RECEIVED, BYTES = "netsonde_packet_received_total", "netsonde_packet_received_bytes_total"
FLOWS_MAX = 65536
METRICS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "METRICS.md")


# ---- frames and files ----------------------------------------------------------------------------

def ipv4(protocol, payload, source="10.0.0.1", target="10.0.0.2"):
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, 0, 64, protocol, 0,
                       ipaddress.ip_address(source).packed,
                       ipaddress.ip_address(target).packed) + payload


def udp(source, target, payload):
    return struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload


def tcp(source, target, flags, seq, ack, payload=b""):
    return struct.pack(">HHIIBBHHH", source, target, seq, ack, 0x50, flags, 1000, 0, 0) + payload


def dns(answer, rcode, name):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">HHHHHH", 0x1234, (0x8180 if answer else 0x100) | rcode, 1, 0, 0, 0) \
        + labels + b"\0\0\1\0\1"


def capture(path, frames, magic=0xa1b23c4d, link=101):
    """frames: (nanoseconds, bytes)"""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHIIII", magic, 2, 4, 0, 0, 65535, link))
        for t, frame in frames:
            f.write(struct.pack("<IIII", t // 10**9, t % 10**9, len(frame), len(frame)) + frame)
    return path


SECOND = 10**9
BEGAN = 1_500_000_000 * SECOND


def some_traffic(path):
    ms = SECOND // 1000
    frames = [
        (BEGAN, ipv4(17, udp(4000, 53, dns(False, 0, "www.example.org")))),
        (BEGAN + 25 * ms, ipv4(17, udp(53, 4000, dns(True, 3, "www.example.org")), "10.0.0.2",
                               "10.0.0.1")),
        (BEGAN + 100 * ms, ipv4(6, tcp(5000, 80, 0x02, 99, 0))),
        (BEGAN + 108 * ms, ipv4(6, tcp(80, 5000, 0x12, 499, 100), "10.0.0.2", "10.0.0.1")),
        (BEGAN + 110 * ms, ipv4(6, tcp(5000, 80, 0x10, 100, 500))),
        (BEGAN + 111 * ms, ipv4(6, tcp(5000, 80, 0x18, 100, 500,
                                       b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"))),
        (BEGAN + 400 * ms, ipv4(6, tcp(5000, 80, 0x18, 100, 500,
                                       b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"))),
        (BEGAN + 500 * ms, ipv4(6, tcp(5000, 80, 0x11, 141, 500))),
    ]
    return capture(path, frames), frames


def rows(daemon, table):
    status, _, text = daemon.request(f"/api/v1/{table}?limit=10000")
    if status == 404:
        raise Skip(f"/api/v1/{table} is not there yet")
    equal(status, 200, text)
    answer = daemon.json(f"/api/v1/{table}?limit=10000")
    return [dict(zip(answer["columns"], row)) for row in answer["rows"]]


def refused(path, *words, environment=None):
    """The daemon does not start, and says why."""
    with Directory() as data:
        done = subprocess.run([BINARY, "--read", path, "--data-dir", data, "--listen",
                               f"127.0.0.1:{free_port()}"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=WAIT_S, check=False,
                              env={**os.environ, **(environment or {})})
        equal(done.returncode, 1, f"exit status ({done.stdout})")
        contains(done.stdout, *words)


# ---- files ---------------------------------------------------------------------------------------

def test_read():
    """--read shows a file's packets and bytes, and counts its lookups"""
    with Directory() as data:
        path, frames = some_traffic(os.path.join(data, "trace.pcap"))
        with Daemon(data, "--read", path) as d:
            until("all packets are counted", lambda: d.metric(RECEIVED) == len(frames))
            equal(d.metric(BYTES), sum(len(f) for _, f in frames), "bytes")
            equal(d.metric("netsonde_packet_flows"), 2, "flows")
            equal(d.metric("netsonde_packet_retransmits_total"), 1, "retransmissions")
            equal(d.metric('netsonde_dns_queries_total{rcode="NXDOMAIN"}'), 1, "lookups")
            equal(d.metric('netsonde_dns_lookup_seconds_bucket{le="0.01"}'), 0, "fast ones")
            equal(d.metric('netsonde_dns_lookup_seconds_bucket{le="0.025"}'), 1, "others")
            d.logged("read to its end")
            kernels = "netsonde_packet_drops_total"  # the ebpf engine's, once there is one
            with open(METRICS, encoding="utf-8") as f:
                named = set(re.findall(r"^\| `(netsonde_(?:packet|flow|dns)_\w+)", f.read(), re.M))
            equal(len(named) > 10, True, "documented names")
            shown = set(re.findall(r"^(netsonde_(?:packet|flow|dns)_\w+)", d.text("/metrics"), re.M))
            equal(sorted(shown - {kernels}), sorted(named - {kernels}), "what is shown and what is documented")


def test_tables():
    """the tables flows and dns have the capture's own times"""
    with Directory() as data:
        path, frames = some_traffic(os.path.join(data, "trace.pcap"))
        with Daemon(data, "--read", path) as d:
            until("all packets are counted", lambda: d.metric(RECEIVED) == len(frames))
            until("two flows are shown", lambda: len(rows(d, "flows")) == 2)
            flow = next(r for r in rows(d, "flows") if r["protocol"] == "tcp")
            sent = sum(len(f) for _, f in frames[2:]) - 40
            equal({k: flow[k] for k in ("client", "server", "tx_bytes", "rx_bytes", "packets",
                                        "rtt_ms", "retransmits", "opened")},
                  {"client": "10.0.0.1:5000", "server": "10.0.0.2:80", "tx_bytes": sent,
                   "rx_bytes": 40, "packets": 6, "rtt_ms": 10, "retransmits": 1,
                   "opened": BEGAN // 10**6 + 100}, "flow")
            if flow["application"]:  # with nDPI
                equal((flow["application"], flow["host"]), ("HTTP", "www.example.org"), "nDPI")
            lookup = rows(d, "dns")[0]
            del lookup["id"]
            equal(lookup, {"t": BEGAN // 10**6, "name": "www.example.org", "type": "A",
                           "rcode": "NXDOMAIN", "latency_ms": 25, "server": "10.0.0.2:53",
                           "process": None}, "lookup")


def test_filter():
    """packet.filter chooses, and one that is none is named"""
    with Directory() as data:
        path, _ = some_traffic(os.path.join(data, "trace.pcap"))
        with Daemon(data, "--read", path, environment={"NETSONDE_PACKET_FILTER": "udp"}) as d:
            until("both are counted", lambda: d.metric(RECEIVED) == 2)
            d.logged("read to its end")
            equal(d.metric(RECEIVED), 2, "packets")
        refused(path, "packet.filter", environment={"NETSONDE_PACKET_FILTER": "no such words"})


def test_bad_files():
    """a file that is none is refused with its reason; one that is cut off is read to there"""
    with Directory() as data:
        path = os.path.join(data, "trace.pcap")
        refused(os.path.join(data, "nothing.pcap"), "nothing.pcap", "No such file")
        with open(path, "wb") as f:
            f.write(b"this is no capture, whatever its name says")
        refused(path, "trace.pcap")
        capture(path, [], link=147)
        refused(path, "link layer")
        path, frames = some_traffic(path)
        os.truncate(path, os.path.getsize(path) - 5)
        with Daemon(data, "--read", path) as d:
            until("what is whole is counted", lambda: d.metric(RECEIVED) == len(frames) - 1)
            d.logged(f"ends within packet {len(frames)}")
            told = until("an event tells", lambda: [e for e in d.events("error")
                                                    if e.get("engine") == "packet"])
            contains(told[0]["reason"], "ends within packet")


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def block(kind, body, order="<"):
    body += b"\0" * (-len(body) % 4)
    total = len(body) + 12
    return struct.pack(order + "II", kind, total) + body + struct.pack(order + "I", total)


def mixed_capture(path, frames, links=(101, 113)):
    """The same in pcapng, packets in turn on two link layers: raw IP in nanoseconds and cooked in
    units of 2^-30 s, the second half in a section of the other byte order."""
    cooked = b"\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\0"
    out, half = b"", (len(frames) + 1) // 2
    for i, (t, frame) in enumerate(frames):
        order = "<" if i < half else ">"
        if i in (0, half):
            out += block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1), order)
            for link, resolution in zip(links, (9, 0x80 | 30)):
                out += block(1, struct.pack(order + "HHIHHB3xHH", link, 0, 0, 9, 1, resolution, 0, 0),
                             order)
        if i % 2:
            frame, t = cooked + frame, -(-t * 2**30 // 10**9)
        out += block(6, struct.pack(order + "IIIII", i % 2, t >> 32, t & 0xffffffff, len(frame),
                                    len(frame)) + frame, order)
    with open(path, "wb") as f:
        f.write(out)
    return sum(len(frame) for _, frame in frames) + len(cooked) * (len(frames) // 2)


def test_several_links():
    """a pcapng file of two link layers, two sections and two byte orders is one story"""
    with Directory() as data:
        path = os.path.join(data, "trace.pcapng")
        _, frames = some_traffic(os.path.join(data, "trace.pcap"))
        wire = mixed_capture(path, frames)
        with Daemon(data, "--read", path) as d:
            until("all packets are counted", lambda: d.metric(RECEIVED) == len(frames))
            d.logged("read to its end")
            equal(d.metric(BYTES), wire, "bytes")
            equal(d.metric("netsonde_packet_flows"), 2, "flows")
            equal(d.metric("netsonde_packet_retransmits_total"), 1, "retransmissions")
            equal(d.metric('netsonde_dns_queries_total{rcode="NXDOMAIN"}'), 1, "lookups")
            until("two flows are shown", lambda: len(rows(d, "flows")) == 2)
            flow = next(r for r in rows(d, "flows") if r["protocol"] == "tcp")
            equal({k: flow[k] for k in ("client", "server", "packets", "rtt_ms", "opened")},
                  {"client": "10.0.0.1:5000", "server": "10.0.0.2:80", "packets": 6, "rtt_ms": 10,
                   "opened": BEGAN // 10**6 + 100}, "flow")
        with Daemon(data, "--read", path, environment={"NETSONDE_PACKET_FILTER": "udp"}) as d:
            until("both are counted", lambda: d.metric(RECEIVED) == 2)
            d.logged("read to its end")
            equal(d.metric(RECEIVED), 2, "packets, one of each link layer")
        refused(path, "packet.filter", "link layer 101",
                environment={"NETSONDE_PACKET_FILTER": "ether host 02:00:00:00:00:01"})
        os.truncate(path, os.path.getsize(path) - 5)
        with Daemon(data, "--read", path) as d:
            until("what is whole is counted", lambda: d.metric(RECEIVED) == len(frames) - 1)
            d.logged(f"ends within block {len(frames) + 6}, behind packet {len(frames) - 1}")
            told = until("an event tells", lambda: [e for e in d.events("error")
                                                    if e.get("engine") == "packet"])
            contains(told[0]["reason"], "ends within block")
        mixed_capture(path, frames, links=(147, 113))
        with Daemon(data, "--read", path) as d:
            until("the others are counted, too", lambda: d.metric(RECEIVED) == len(frames))
            equal(d.metric('netsonde_packet_undecoded_total{reason="foreign"}'), len(frames) // 2,
                  "packets whose link layer is not known")
        mixed_capture(path, frames, links=(147, 148))
        refused(path, "trace.pcapng", "link layer 147")


def test_a_million_flows():
    """a million spoofed flows: memory is bounded, and what had to go is counted"""
    count = 1_000_000
    with Directory() as data:
        path = os.path.join(data, "flood.pcap")
        tail = tcp(5000, 80, 0x02, 99, 0)
        head = bytearray(ipv4(6, tail))
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
            for block in range(0, count, 10000):
                out = bytearray()
                for i in range(block, block + 10000):
                    struct.pack_into(">I", head, 12, 0x0b000000 + i)
                    out += struct.pack("<IIII", 1500000000, i % 1000000, len(head), len(head))
                    out += head
                f.write(out)
        with Daemon(data, "--read", path) as d:
            until("all packets are counted", lambda: d.metric(RECEIVED) == count, 4 * WAIT_S)
            d.logged("read to its end")
            until("the gauge has them", lambda: d.metric("netsonde_packet_flows") == FLOWS_MAX)
            equal(d.metric("netsonde_packet_flows_total"), count, "flows begun")
            equal(d.metric("netsonde_packet_flows_evicted_total"), count - FLOWS_MAX, "evicted")
            until("an event tells", lambda: [e for e in d.events("loss") if e["what"] == "flows"])
            resident = resident_bytes(d.pid)
            # 65,536 flows of half a kilobyte, as many of nDPI's, tables twice, and the daemon.
            if os.environ.get("SLOW", "1") == "1":
                equal(resident < 220 << 20, True, f"{resident >> 20} MiB")


# ---- devices -------------------------------------------------------------------------------------

def test_live():
    """every packet on a device is seen, by a thread without privileges"""
    with neighbour() as pid, Directory() as data:
        wire = Wire(pid)
        with Daemon(data, environment={"NETSONDE_PACKET_DEVICES": "va"}) as d:
            engine = d.engine("packet")
            if engine["state"] != "in use":
                raise Skip(engine["reason"])
            before = d.metric(RECEIVED)
            began = link_counters("va")["tx"]
            sent = wire.send(2000, 500)
            until("all are seen", lambda: d.metric(RECEIVED) - before == 2000)
            equal(link_counters("va")["tx"]["packets"] - began["packets"], 2000, "packets sent")
            equal(d.metric(BYTES), sent, "bytes")
            equal(d.metric('netsonde_packet_capture_drops_total{reason="kernel"}'), 0, "drops")
            ip("link", "set", "va", "down")
            ip("link", "set", "va", "up")
            settled("va")
            ip("neigh", "replace", wire.to, "lladdr", "02:00:00:00:00:99", "dev", "va", "nud",
               "permanent")
            seen = d.metric(RECEIVED)
            wire.send(100, 100)
            until("those after it was down are seen", lambda: d.metric(RECEIVED) >= seen + 100)
            threads = {}
            for task in glob.glob(f"/proc/{d.pid}/task/*"):
                with open(os.path.join(task, "comm"), encoding="ascii") as f:
                    name = f.read().strip()
                with open(os.path.join(task, "status"), encoding="ascii") as f:
                    threads[name] = [line.split()[1] for line in f if line.startswith("CapEff")]
            equal(threads["capture"], ["0" * 16], "capabilities of the capture thread")


def test_gone():
    """a device that goes away is told, also one that was down before, and the rest goes on"""
    for before in ((), (("link", "set", "vg", "down"),)):
        with neighbour() as pid, Directory() as data:
            Wire(pid, "vg", 98)
            with Daemon(data, environment={"NETSONDE_PACKET_DEVICES": "vg"}) as d:
                if d.engine("packet")["state"] != "in use":
                    raise Skip(d.engine("packet")["reason"])
                for step in before:
                    ip(*step)
                    d.ticks_pass(2)  # for which it is there and down
                    equal(d.engine("packet")["state"], "in use", "down is not gone")
                ip("link", "del", "vg")
                until("the loss is told", lambda: [e for e in d.events("error")
                                                   if e.get("engine") == "packet"])
                until("it is no more in use", lambda: d.engine("packet")["state"] == "lost")
                d.ticks_pass()


def test_no_privilege():
    """without CAP_NET_RAW the engine says what it lacks, and the others work"""
    if not shutil.which("setpriv"):
        raise Skip("setpriv (util-linux) is not installed")
    with Directory() as data:
        with Daemon(data, environment={"NETSONDE_PACKET_DEVICES": "lo"},
                    before=("setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw")) as d:
            engine = d.engine("packet")
            equal(engine["state"], "unavailable", engine)
            contains(engine["reason"], "refuses a packet socket")
            contains(engine["remedy"], "NET_RAW")
            d.ticks_pass()


def test_off():
    """nobody who does not ask for it has it"""
    with Directory() as data, Daemon(data) as d:
        equal(d.engine("packet")["state"], "off", "the engine")
        with open(f"/proc/{d.pid}/maps", encoding="ascii") as f:
            maps = f.read()
        equal([n for n in ("libpcap", "libndpi") if n in maps], [], "libraries")


if __name__ == "__main__":
    own_network()
    run([test_read, test_tables, test_filter, test_bad_files, test_several_links,
         test_a_million_flows, test_live, test_gone, test_no_privilege, test_off])
