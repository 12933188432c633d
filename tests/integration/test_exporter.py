"""The real prometheus-node-exporter beside netsonde, in one network namespace: every network family
that it has is here, with its names, labels, types and values, whichever engine reads them."""
import contextlib
import http.client
import re
import socket
import subprocess

import peers
from rig import (Daemon, Directory, Wire, die_with_parent, equal, free_port, ip, neighbour,
                 own_network, remove_links, run, settled, until)

# Both read all that they can. node_exporter's answer for a device without a speed is -125000 unless
# it is told otherwise (and will be absence from its version 2 on): here it is absence.
COLLECTORS = ("netdev", "netclass", "netstat", "sockstat", "softnet", "conntrack", "uname", "stat",
              "time")
OPTIONS = ["--collector.disable-defaults", *(f"--collector.{name}" for name in COLLECTORS),
           "--collector.netdev.device-exclude=^$", "--collector.netclass.ignore-invalid-speed",
           "--collector.netstat.fields=.*"]
NETWORK = re.compile(r"node_(network|netstat|sockstat|softnet|nf_conntrack)_"
                     r"|node_(uname_info|boot_time_seconds|time_seconds)$")
LATER_LABELS = {"adminstate"}  # of node_network_info since node_exporter 1.7

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?')


class Page:
    """A scrape in the format 0.0.4: {family: type} and {(name, labels): value}."""

    def __init__(self, text):
        self.types, self.helps, self.samples = {}, {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                equal(name in self.types, False, f"a second TYPE of {name}")
                self.types[name] = kind
            elif line.startswith("# HELP "):
                name, _, told = line[7:].partition(" ")
                self.helps[name] = told
            elif line and not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                if not NETWORK.match(name):
                    continue
                labels = frozenset(item for item in LABEL.findall(labels or "")
                                   if item[0] not in LATER_LABELS)
                equal((name, labels) in self.samples, False, f"a second {name} {labels}")
                self.samples[name, labels] = float(value)

    def family_types(self):
        return {name: kind for name, kind in self.types.items() if NETWORK.match(name)}


class Scraper:
    """One connection for all scrapes, so that the number of sockets stays the same."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __call__(self):
        self.connection.request("GET", "/metrics", headers={"Accept": "text/plain;version=0.0.4"})
        answer = self.connection.getresponse()
        text = answer.read().decode()
        equal(answer.status, 200, text)
        return Page(text)


@contextlib.contextmanager
def exporter():
    """The scraper of a node_exporter that runs."""
    binary, environment = peers.program(peers.NODE_EXPORTER[0])
    port = free_port()
    process = subprocess.Popen([binary, *OPTIONS, f"--web.listen-address=127.0.0.1:{port}"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=environment,
                               preexec_fn=die_with_parent)
    try:
        def answers():
            equal(process.poll(), None, "node_exporter's end")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return True
        until("node_exporter answers", answers)
        yield Scraper(port)
    finally:
        process.kill()
        process.wait()


def differences(before, ours, after):
    """What netsonde's page has otherwise than a node_exporter that was asked before and after it.
    A number that moves lies between the two; one that does not is the same."""
    found = []
    for key, low in before.samples.items():
        high, value = after.samples.get(key), ours.samples.get(key)
        name, labels = key
        told = f"{name} {dict(sorted(labels))}"
        if high is None:
            continue  # went between the two
        if value is None:
            found.append(f"{told} is missing, node_exporter has {low}")
        elif not min(low, high) <= value <= max(low, high):
            found.append(f"{told} is {value}, node_exporter has {low} and then {high}")
    for name, labels in ours.samples:
        # Of families that it has, and of devices.
        if (name, labels) not in before.samples and (name, labels) not in after.samples and \
                name in before.types:
            found.append(f"{name} {dict(sorted(labels))} is one too many")
    return found


def devices_of_all_kinds():
    """Not only such as have an address, a carrier or a speed."""
    ip("link", "add", "one", "type", "veth", "peer", "name", "two")
    ip("link", "set", "one", "up", "alias", 'a "port"\\ of the bridge')
    ip("link", "set", "two", "up")
    ip("link", "set", "one", "group", "7")
    ip("link", "add", "off", "mtu", "1234", "type", "veth", "peer", "name", "off-peer")
    for optional in ("link add bridge type bridge", "link set bridge up",
                     "link set one master bridge",
                     "link add link two name two.5 type vlan id 5",
                     "link set two.5 up address 02:00:00:00:00:55", "tuntap add tun mode tun",
                     "link add tunnel type sit local 127.0.0.1"):
        subprocess.run(["ip", *optional.split()], stderr=subprocess.DEVNULL, check=False)
    settled("one")
    settled("two")


def traffic(wire):
    """TCP and UDP, to where somebody listens and where nobody does."""
    wire.send(300)
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.bind((address, 0))
            listener.listen()
            for _ in range(20):
                with socket.create_connection(listener.getsockname()[:2]) as here, \
                        listener.accept()[0] as there:
                    here.sendall(b"x" * 10000)
                    equal(len(there.recv(10000, socket.MSG_WAITALL)), 10000, "bytes received")
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as s:
            s.connect((address, free_port()))
            for _ in range(20):
                with contextlib.suppress(ConnectionRefusedError):
                    s.send(b"nobody")


def compared(engines):
    """A round: node_exporter, a tick of netsonde's that began after that, node_exporter. Gauges may
    go up and down between two reads, so not every round is one in which nothing moved; there has to
    be one, and soon."""
    with neighbour() as pid, Directory() as data:
        wire = Wire(pid)
        devices_of_all_kinds()
        try:
            with Daemon(data, "--engine", engines) as d, exporter() as theirs:
                mine = Scraper(d.port)
                theirs()  # connections are made
                mine()
                traffic(wire)
                last = []

                def a_quiet_round():
                    before = theirs()
                    began = before.samples["node_time_seconds", frozenset()]

                    def tick_after():
                        page = mine()
                        time = page.samples["node_time_seconds", frozenset()]
                        return page if time > began else None
                    ours = until("a tick after that", tick_after)
                    after = theirs()
                    last[:] = differences(before, ours, after)
                    if last:
                        return None
                    return before, ours

                try:
                    before, ours = until("a round without a difference", a_quiet_round)
                except AssertionError as why:
                    raise AssertionError(f"{why}: {len(last)} differences:\n" +
                                         "\n".join(last[:60])) from None
                types = ours.family_types()
                for name, kind in before.family_types().items():
                    equal(types.get(name), kind, f"the type of {name}")
                    equal(bool(ours.helps.get(name)), True, f"{name} has a sentence")
                equal(len(before.samples) > 500, True, "numbers compared")
        finally:
            remove_links("va", "two", "bridge", "off", "tun", "tunnel")


def test_netlink():
    """the netlink engine gives what node_exporter gives"""
    compared("netlink,procfs")


def test_procfs():
    """the procfs engine gives what node_exporter gives"""
    compared("procfs")


if __name__ == "__main__":
    peers.fetch(*peers.NODE_EXPORTER)
    own_network()
    run([test_netlink, test_procfs])
