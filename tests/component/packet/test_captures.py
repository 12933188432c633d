"""Real captures of others through the packet engine: packets, bytes, conversations and DNS answers
are those of tshark, applications those of ndpiReader of the same release.

The captures are not part of this repository: CAPTURES names their folder, or they lie in
../shared/pcap beside it. tshark and ndpiReader are those of the system, or their packages unpacked
below build/peers.

Where this and tshark may differ, and why, is written where it is allowed for: in layers_of (headers
that ICMP quotes are no packets), in fragments (tshark shows ports in the first one only), and in the
table MAY_DIFFER."""
import collections
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "integration"))
import peers  # noqa: E402
from rig import Skip, equal, run  # noqa: E402

DUMP = os.environ["PACKET_DUMP"]
FOLDER = os.environ.get("CAPTURES", os.path.join(peers.ROOT, "..", "shared", "pcap"))
LIMIT_S = 120

# What is broken on purpose, and what may differ there.
MAY_DIFFER = {
    # tshark stops at the first thing it dislikes, this reads a message's question whatever follows,
    # or shows nothing of a message whose question is broken; so there are answers that only one has.
    "dns": {"badpackets.pcap", "fuzz-2006-06-26-2594.pcap"},
    # Fuzzed headers: tshark reads ports of packets whose lengths make no sense.
    # Bytes that were seen before come again after "packet too big": sent again, as the capture
    # shows, which tshark takes for out of order because they come soon.
    "order": {"6in4tunnel.pcap"},
    # Ethernet says IPv4 and the header IPv6: tshark believes the header, hosts (and this) neither.
    "version": {"fuzz-2006-06-26-2594.pcap": 1},
    "ports": {"fuzz-2006-06-26-2594.pcap", "badpackets.pcap"},
    # QUIC version 2 (RFC 9369) is newer than nDPI 4.2.
    "alpn": {"quic-v2.pcapng"},
    # ndpiReader gives up on packets with broken lengths before it looks for their flow.
    "ndpi": {"fuzz-2006-06-26-2594.pcap", "badpackets.pcap", "ip_fragmented_garbage.pcap"},
}


# Made below of the captures: pcapng with several link layers, and with several sections beside.
MADE = ("links.pcapng", "sections.pcapng")
MAY_DIFFER["ndpi"].update(MADE)  # ndpiReader reads by libpcap, which refuses them
MAY_DIFFER["order"].update(MADE)  # 6in4tunnel.pcap is in them


# ---- what is there -------------------------------------------------------------------------------

def captures():
    if not os.path.isdir(FOLDER):
        raise Skip(f"no captures: {FOLDER} is not there (CAPTURES names their folder)")
    names = sorted(n for n in os.listdir(FOLDER) if re.search(r"\.pcap(ng)?$", n))
    if not names:
        raise Skip(f"no captures in {FOLDER}")
    return names + made()


def path_of(name):
    return os.path.join(WORK.name if name in MADE else FOLDER, name)


def tool(name, package):
    found = shutil.which(name)
    if found:
        return found, os.environ
    if os.environ.get("NO_INSTALL"):
        raise Skip(f"{name} is not installed")
    peers.fetch(package, f"usr/bin/{name}")
    return peers.program(package)


def ask(name, package, *words):
    """What a tool of others says. Starting tshark takes most of a second, and what it says of a file
    has nothing to do with this project's builds: it is kept for the next of them."""
    path, environment = tool(name, package)
    of_tool = os.stat(path)
    key = hashlib.sha256(f"{of_tool.st_size} {of_tool.st_mtime_ns} ".encode())
    for word in (path, *words):
        if os.path.isfile(word):
            with open(word, "rb") as f:
                word = hashlib.sha256(f.read()).hexdigest()
        key.update(word.encode() + b"\0")
    said = os.path.join(peers.PEERS, "said", key.hexdigest())
    if os.path.exists(said):
        with open(said, encoding="utf-8") as f:
            return f.read()
    done = subprocess.run([path, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, env=environment, timeout=LIMIT_S, check=False)
    if done.returncode:  # also of a capture that was cut; not kept, for it may be anything else
        return done.stdout
    os.makedirs(os.path.dirname(said), exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(said), encoding="utf-8",
                                     delete=False) as f:
        f.write(done.stdout)
    os.rename(f.name, said)
    return done.stdout


# ---- captures with several link layers -----------------------------------------------------------

WORK = tempfile.TemporaryDirectory(prefix="netsonde-captures-")
NULL, ETHERNET, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 0, 1, 101, 108, 113, 228, 229, 276
# Each of other conversations: which link layer is to be theirs.
MIXTURE = (("http_ipv6.pcap", IPV6), ("ftp.pcap", SLL), ("ssh.pcap", SLL2), ("smtp.pcap", NULL),
           ("dns.pcap", LOOP), ("sip.pcap", IPV4), ("6in4tunnel.pcap", RAW),
           ("dns_dot.pcap", ETHERNET))
BEGAN_NS = 1_500_000_000 * 10**9


def wireshark(name, *words):
    path, environment = tool(name, "wireshark-common")
    subprocess.run([path, *words], env=environment, timeout=LIMIT_S, check=True)


def records(name):
    """nanoseconds, bytes of each packet of a capture"""
    path = os.path.join(WORK.name, "classic.pcap")
    wireshark("editcap", "-F", "nsecpcap", os.path.join(FOLDER, name), path)
    with open(path, "rb") as f:
        data = f.read()
    equal(data[:4], struct.pack("=I", 0xa1b23c4d), "a classic file of nanoseconds")
    at = 24
    while at < len(data):
        seconds, part, captured, wire = struct.unpack_from("=IIII", data, at)
        equal(captured, wire, f"{name}: whole packets")
        yield seconds * 10**9 + part, data[at + 16:at + 16 + captured]
        at += 16 + captured


def on_link(frame, link):
    """An Ethernet frame with IP as one of that link layer; None: it has no IP."""
    kind = frame[12:14]
    if kind not in (b"\x08\0", b"\x86\xdd"):
        return None
    six = kind == b"\x86\xdd"
    head = {ETHERNET: frame[:14], RAW: b"", IPV4: b"", IPV6: b"",
            NULL: struct.pack("=I", 24 if six else 2), LOOP: struct.pack(">I", 24 if six else 2),
            SLL: b"\0\0\0\1\0\6" + frame[6:12] + b"\0\0" + kind,
            SLL2: kind + b"\0\0\0\0\0\1\0\1\0\6" + frame[6:12] + b"\0\0"}[link]
    return None if six and link == IPV4 else head + frame[14:]


def made():
    """Captures of others on several link layers, their packets mixed: made once, by mergecap."""
    if os.path.exists(os.path.join(WORK.name, MADE[-1])):
        return list(MADE)
    parts = []
    for number, (name, link) in enumerate(MIXTURE):
        if not os.path.exists(os.path.join(FOLDER, name)):
            continue
        parts.append(os.path.join(WORK.name, f"{number}.pcap"))
        first = None
        with open(parts[-1], "wb") as f:
            f.write(struct.pack("=IHHIIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, link))
            for t, frame in records(name):
                first = first or t
                t, frame = t - first + BEGAN_NS + number, on_link(frame, link)
                if frame:
                    f.write(struct.pack("=IIII", t // 10**9, t % 10**9, len(frame), len(frame)))
                    f.write(frame)
    mixed = os.path.join(WORK.name, MADE[0])
    wireshark("mergecap", "-w", mixed, *parts)
    with open(os.path.join(WORK.name, MADE[1]), "wb") as f:
        for one in (os.path.join(FOLDER, "http.pcapng"), mixed):
            if os.path.exists(one):
                with open(one, "rb") as part:
                    f.write(part.read())
    return list(MADE)


class Found:
    """What the engine says of a capture."""

    def __init__(self, name, *words):
        out = subprocess.run([DUMP, path_of(name), *words], stdout=subprocess.PIPE,
                             text=True, timeout=LIMIT_S, check=True).stdout
        self.flows, self.dns, self.counts, self.applications = [], [], {}, {}
        self.file = self.ndpi = None
        for line in out.splitlines():
            word, *cells = line.split("\t")
            if word == "flow":
                self.flows.append(dict(zip(
                    ("protocol", "client", "server", "application", "host", "rx", "tx", "packets",
                     "rtt", "retransmits", "opened", "alpn"), cells)))
            elif word == "dns":
                self.dns.append(dict(zip(
                    ("t", "name", "type", "rcode", "latency", "server", "process"), cells)))
            elif word == "count":
                self.counts[cells[0]] = int(cells[1])
            elif word == "application":
                self.applications[cells[0]] = int(cells[1])
            else:
                setattr(self, word, cells[0])


FIELDS = ("frame.len", "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.stream",
          "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "ip.id", "ip.frag_offset",
          "ip.flags.mf", "ip.proto", "tcp.analysis.retransmission", "tcp.analysis.out_of_order",
          "tcp.analysis.initial_rtt", "tcp.analysis.keep_alive")
UNASSEMBLED = ("-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE")


def frames(name):
    words = [w for f in FIELDS for w in ("-e", f)]
    out = ask("tshark", "tshark", "-r", path_of(name), *UNASSEMBLED,
              "-T", "fields", "-E", "separator=/t", *words)
    return [dict(zip(FIELDS, line.split("\t"))) for line in out.splitlines()]


def layers_of(frame):
    """(family, one end, other end) of each IP header that is a packet: up to ICMP, which quotes
    those it complains about."""
    words = re.split(r":icmp(?:v6)?(?::|$)", frame["frame.protocols"])[0].split(":")
    left = {"ip": list(zip(frame["ip.src"].split(","), frame["ip.dst"].split(","))),
            "ipv6": list(zip(frame["ipv6.src"].split(","), frame["ipv6.dst"].split(",")))}
    result = []
    for word in words:
        if word in left and left[word] and left[word][0][0]:
            result.append((word, *left[word].pop(0)))
    return result


def pair(one, other):
    return tuple(sorted((one, other)))


def split(endpoint, has_port):
    """address, port"""
    if endpoint.startswith("["):
        address, port = endpoint[1:].rsplit("]:", 1)
        return address, int(port)
    if has_port and "." in endpoint and ":" in endpoint:
        address, port = endpoint.rsplit(":", 1)
        return address, int(port)
    return endpoint, 0


# ---- cases ---------------------------------------------------------------------------------------

def each(check):
    """Every capture, all that is wrong in one message."""
    wrong = []
    for name in captures():
        try:
            check(name)
        except AssertionError as why:
            wrong.append(f"{name}: {why}")
    if wrong:
        raise AssertionError("\n".join(wrong))


def test_packets():
    """packets, bytes and pairs of addresses are tshark's"""
    def check(name):
        found, expected = Found(name, "no-ndpi"), frames(name)
        equal(found.file, "done", "the file")
        equal(found.counts["packets"], len(expected), "packets")
        equal(found.counts["bytes"], sum(int(f["frame.len"]) for f in expected), "bytes")
        pairs = collections.defaultdict(lambda: [0, 0])
        for frame in expected:
            for family, one, other in layers_of(frame):
                pairs[family, pair(one, other)][0] += 1
                pairs[family, pair(one, other)][1] += int(frame["frame.len"])
        shown = collections.defaultdict(lambda: [0, 0])
        for flow in found.flows:
            one, other = split(flow["client"], True)[0], split(flow["server"], True)[0]
            key = "ipv6" if ":" in one else "ip", pair(one, other)
            shown[key][0] += int(flow["packets"])
            shown[key][1] += int(flow["rx"]) + int(flow["tx"])
        differ = {k for k in {*shown, *pairs} if shown.get(k) != pairs.get(k)}
        if sum(pairs[k][0] for k in differ) != MAY_DIFFER["version"].get(name, 0):
            equal({k: shown.get(k) for k in differ}, {k: pairs.get(k) for k in differ},
                  "conversations of addresses")
        equal(found.counts["flows_evicted"], 0, "evicted flows")
    each(check)


def test_conversations():
    """conversations of TCP and UDP have tshark's packets, bytes and number"""
    def check(name):
        if name in MAY_DIFFER["ports"]:
            return
        expected, streams = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(set)
        first = {}  # fragments: the ports are in the first one only
        for frame in frames(name):
            layers = layers_of(frame)
            if not layers or "icmp" in frame["frame.protocols"]:
                continue
            _, one, other = layers[-1]
            for protocol in ("tcp", "udp"):
                ports = [frame[f"{protocol}.{w}port"].split(",")[-1] for w in ("src", "dst")]
                identity = (one, other, frame["ip.id"], frame["ip.proto"])
                if not ports[0] and frame["ip.frag_offset"] not in ("", "0"):
                    protocol, ports = first.get(identity, (protocol, ports))
                if not ports[0]:
                    continue
                if frame["ip.flags.mf"] in ("1", "True") and frame["ip.frag_offset"] in ("", "0"):
                    first[identity] = protocol, ports
                key = protocol, pair((one, int(ports[0])), (other, int(ports[1])))
                expected[key][0] += 1
                expected[key][1] += int(frame["frame.len"])
                if protocol == "tcp" and frame["tcp.stream"]:
                    streams[key].add(frame["tcp.stream"])
                break
        shown, flows = collections.defaultdict(lambda: [0, 0]), collections.Counter()
        for flow in found_flows(name, ("tcp", "udp")):
            ends = split(flow["client"], True), split(flow["server"], True)
            if not ends[0][1] and not ends[1][1]:
                continue  # a fragment whose first one was not seen
            key = flow["protocol"], pair(*ends)
            shown[key][0] += int(flow["packets"])
            shown[key][1] += int(flow["rx"]) + int(flow["tx"])
            flows[key] += flow["protocol"] == "tcp"
        equal(dict(shown), dict(expected), "conversations")
        equal({k: n for k, n in flows.items() if n}, {k: len(s) for k, s in streams.items()},
              "connections between the same ends")
    each(check)


def found_flows(name, protocols):
    return [f for f in Found(name, "no-ndpi").flows if f["protocol"] in protocols]


def test_tcp():
    """retransmissions and round trips of handshakes are tshark's"""
    def check(name):
        if name in MAY_DIFFER["ports"]:
            return
        seen = frames(name)
        again = sum(1 for f in seen if f["tcp.analysis.retransmission"])
        disorder = sum(1 for f in seen if f["tcp.analysis.out_of_order"])
        found = Found(name, "no-ndpi")
        counts = found.counts["retransmits"], found.counts["out_of_order"]
        if name in MAY_DIFFER["order"]:
            equal(sum(counts), again + disorder, "retransmissions and out of order")
        else:
            equal(counts, (again, disorder), "retransmissions, out of order")
        rtts = sorted({(f["tcp.stream"], f"{float(f['tcp.analysis.initial_rtt']) * 1000:.6f}")
                       for f in seen if f["tcp.analysis.initial_rtt"]})
        equal(sorted(f["rtt"] for f in found.flows if f["rtt"]), sorted(r for _, r in rtts),
              "round trips")
    each(check)


RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


def test_dns():
    """DNS answers are tshark's: name, code and time"""
    def check(name):
        if name in MAY_DIFFER["dns"]:
            return
        fields = ("dns.qry.name", "dns.qry.type", "dns.flags.rcode", "dns.time")
        words = [w for f in fields for w in ("-e", f)]
        out = ask("tshark", "tshark", "-r", path_of(name), "-T", "fields",
                  "-Y", "dns.flags.response == 1 && (udp.port == 53 || tcp.port == 53) && !icmp",
                  "-E", "separator=/t", *words)
        expected = []
        for line in out.splitlines():
            query, kind, rcode, latency = line.split("\t")
            query, kind = query.split(",")[0], kind.split(",")[0]  # the first question
            expected.append((query.lower() if query != "<Root>" else ".", int(kind or 0),
                             RCODES.get(int(rcode), f"RCODE{rcode}"),
                             f"{float(latency) * 1000:.3f}" if latency else ""))
        types = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28,
                 "SRV": 33, "NAPTR": 35, "HTTPS": 65, "ANY": 255}
        types[""] = 0
        shown = [(row["name"].lower(), types.get(row["type"], row["type"]), row["rcode"],
                  f"{float(row['latency']):.3f}" if row["latency"] else "")
                 for row in Found(name, "no-ndpi").dns if row["rcode"]]
        equal(sorted(shown), sorted(expected), "answers")
    each(check)


def test_filters():
    """packet.filter takes of several link layers what tshark's read filter takes of them"""
    captures()
    for words, same in (("tcp port 21", "tcp.port == 21"), ("udp", "udp && !icmp && !(ip && ipv6)"),
                        ("ip6", "ipv6 && !ip"), ("greater 1000", "frame.len >= 1000")):
        found = Found(MADE[0], "no-ndpi", words)
        out = ask("tshark", "tshark", "-r", path_of(MADE[0]), *UNASSEMBLED, "-Y", same,
                  "-T", "fields", "-e", "frame.len")
        lengths = [int(line) for line in out.split()]
        equal(len(lengths) > 10, True, f"{words}: some packets")
        equal((found.counts["packets"], found.counts["bytes"]), (len(lengths), sum(lengths)), words)


def test_broken():
    """what is broken on purpose is counted as such, and read to its end"""
    captures()
    for name in ("badpackets.pcap", "fuzz-2006-06-26-2594.pcap", "ip_fragmented_garbage.pcap"):
        if not os.path.exists(path_of(name)):
            continue
        found = Found(name)
        equal(found.file, "done", name)
        equal(found.counts["broken"] > 0, True, f"{name}: broken packets")


def test_applications():
    """applications have ndpiReader's packets and flows"""
    ask("ndpiReader", "libndpi-bin", "-h")

    def check(name):
        if name in MAY_DIFFER["ndpi"]:
            return
        found = Found(name)
        if found.ndpi:
            raise Skip(found.ndpi)
        out = ask("ndpiReader", "libndpi-bin", "-i", path_of(name))
        listed = re.split(r"Detected protocols:\n", out, maxsplit=1)[1].split("\n\n")[0]
        expected = {p: (int(n), int(f)) for p, n, f in re.findall(
            r"^\s*(\S+)\s+packets:\s*(\d+)\s+bytes:\s*\d+\s+flows:\s*(\d+)", listed,
            re.MULTILINE)}
        shown = collections.defaultdict(lambda: (0, 0))
        for flow in found.flows:
            if flow["protocol"] in ("6in4", "4in6", "4in4", "6in6", "gre", "vxlan"):
                continue  # ndpiReader looks at what goes through
            application = flow["application"] or "Unknown"
            packets, flows = shown[application]
            shown[application] = packets + int(flow["packets"]), flows + 1
        equal(dict(shown), expected, "packets and flows")
        total = sum(int(f["rx"]) + int(f["tx"]) for f in found.flows
                    if f["protocol"] not in ("6in4", "4in6", "4in4", "6in6", "gre", "vxlan"))
        equal(sum(found.applications.values()), total, "bytes of all applications")
    each(check)


def test_alpn():
    """of each TLS and QUIC conversation the protocols that tshark says the client offered"""
    names = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
             "udp.srcport", "udp.dstport", "tls.handshake.extensions_alpn_str")
    agreed = []

    def check(name):
        found = Found(name)
        if found.ndpi:
            raise Skip(found.ndpi)
        words = [w for f in names for w in ("-e", f)]
        out = ask("tshark", "tshark", "-r", path_of(name), "-Y",
                  "tls.handshake.type == 1 && tls.handshake.extensions_alpn_str",
                  "-T", "fields", "-E", "separator=/t", *words)
        offered = {}
        for line in out.splitlines():
            frame = dict(zip(names, line.split("\t")))
            family = "ipv6" if frame["ipv6.src"] else "ip"
            ends = []
            for side, port in (("src", "srcport"), ("dst", "dstport")):
                address = frame[f"{family}.{side}"].split(",")[-1]
                number = frame[f"tcp.{port}"] or frame[f"udp.{port}"].split(",")[-1]
                ends.append(f"[{address}]:{number}" if family == "ipv6" else f"{address}:{number}")
            offered.setdefault(tuple(ends), frame["tls.handshake.extensions_alpn_str"])
        for flow in found.flows:
            ends = flow["client"], flow["server"]
            if flow["alpn"] or (ends in offered and name not in MAY_DIFFER["alpn"]):
                equal(flow["alpn"], offered.get(ends), f"{ends}")
                agreed.append(name)
    each(check)
    equal(len(agreed) > 0, True, "conversations with ALPN")


if __name__ == "__main__":
    run([test_packets, test_conversations, test_tcp, test_dns, test_filters, test_broken, test_applications,
         test_alpn])
