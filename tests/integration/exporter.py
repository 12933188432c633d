"""The real prometheus-node-exporter as a peer, and pages of metrics in the format 0.0.4."""
import contextlib
import http.client
import re
import socket
import subprocess

import peers
from rig import die_with_parent, equal, free_port, until

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

    def text(self):
        self.connection.request("GET", "/metrics", headers={"Accept": "text/plain;version=0.0.4"})
        answer = self.connection.getresponse()
        text = answer.read().decode()
        equal(answer.status, 200, text)
        return text

    def __call__(self):
        return Page(self.text())


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
