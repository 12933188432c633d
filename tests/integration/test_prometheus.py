"""/metrics as Prometheus' own programs read it: promtool, the OpenMetrics parser of its Python
library, and a prometheus that scrapes the daemon and is then asked what it has got."""
import contextlib
import http.server
import json
import math
import os
import re
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

import peers
from exporter import exporter
from rig import (WAIT_S, Daemon, Directory, Wire, contains, die_with_parent, equal, free_port,
                 ip, neighbour, now_ms, own_network, remove_links, run, until)

OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}
TEXT = {"Accept": "text/plain;version=0.0.4"}


# ---- formats -------------------------------------------------------------------------------------

def sample_set(families):
    """(name, labels) of all samples; each once."""
    keys = [(s.name, tuple(sorted(s.labels.items()))) for f in families for s in f.samples]
    equal(len(keys), len(set(keys)), "no sample twice")
    return set(keys)


def histograms(families):
    """That each histogram is one; how many there are."""
    count = 0
    for family in families:
        if family.type != "histogram":
            continue
        parts = {}
        for s in family.samples:
            labels = tuple(sorted((k, v) for k, v in s.labels.items() if k != "le"))
            part = parts.setdefault(labels, {"le": []})
            if s.name == family.name + "_bucket":
                part["le"].append((float(s.labels["le"]), s.value))
            else:
                part[s.name[len(family.name):]] = s.value
        for labels, part in parts.items():
            told = f"{family.name} {labels}"
            equal(sorted(part), ["_count", "_sum", "le"], told)
            equal(part["le"], sorted(part["le"]), f"{told}: buckets in order")
            values = [v for _, v in part["le"]]
            equal(values, sorted(values), f"{told}: each bucket has those before it")
            equal(part["le"][-1], (math.inf, part["_count"]), f"{told}: the last bucket")
            count += 1
    return count


def test_openmetrics():
    """both formats can be read by Prometheus' own library: the same samples, whole histograms"""
    sys.path.insert(0, peers.prometheus_client())
    from prometheus_client.openmetrics import parser as strict
    from prometheus_client import parser
    with Directory() as data, Daemon(data, "--engine", "netlink,procfs") as d:
        d.ticks_pass()

        def both():
            """Of one tick; between two answers there may be the next one."""
            _, head, text = d.request("/metrics", headers=TEXT)
            contains(head["Content-Type"], "text/plain; version=0.0.4")
            _, head, opened = d.request("/metrics", headers=OPENMETRICS)
            contains(head["Content-Type"], "application/openmetrics-text; version=1.0.0")
            old = list(parser.text_string_to_metric_families(text))
            new = list(strict.text_string_to_metric_families(opened))  # raises where it is not one
            return (old, new) if sample_set(old) == sample_set(new) else None
        old, new = until("the same series in both formats", both)
        for families in (old, new):
            equal(histograms(families) >= 3, True, "histograms")
            for family in families:
                equal(bool(family.documentation), True, f"{family.name} has a sentence")
        types = {f.name: f.type for f in new}
        equal(types["node_netstat_Tcp_InSegs"], "unknown", "type")
        equal(types["node_network_receive_bytes"], "counter", "type")
        equal(types["netsonde_collect_seconds"], "histogram", "type")
        # Whatever has no TYPE would be unknown, too.
        equal({n for n, t in types.items() if t == "unknown" and not n.startswith("node_netstat_")},
              set(), "of unknown type")


def complaints(text):
    promtool, environment = peers.beside("prometheus", "promtool")
    done = subprocess.run([promtool, "check", "metrics"], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=environment, timeout=WAIT_S,
                          check=False)
    said = set(done.stdout.split("\n")) - {""}
    equal(done.returncode, 3 if said else 0, f"promtool's status: {done.stdout[:2000]}")
    return said


def test_promtool():
    """promtool finds no fault but with names that node_exporter owns"""
    with Directory() as data, Daemon(data, "--engine", "netlink,procfs") as d, \
            exporter() as theirs:
        d.ticks_pass()
        owned = complaints(theirs.text())
        equal(bool(owned), True, "promtool complains about node_exporter's names")
        for line in owned:
            equal(bool(re.match(r"node_netstat_\w+ metric names should be written in 'snake_case'",
                                line)), True, line)
        equal(complaints(d.text("/metrics", headers=TEXT)) - owned, set(),
              "what promtool finds here and not there")


def test_others():
    """what a page has no room for is in a series of the name other, to the byte"""
    sys.path.insert(0, peers.prometheus_client())
    from prometheus_client.openmetrics import parser as strict
    count, limit, name = 40, 1200, "node_network_transmit_bytes_total"
    with Directory() as data, neighbour() as pid:
        wire = Wire(pid)
        try:
            for i in range(count):
                ip("link", "add", f"m{i}", "type", "veth", "peer", "name", f"n{i}")
            with Daemon(data, "--engine", "netlink,procfs", environment={
                    "NETSONDE_EXPORT_METRICS_SERIES_LIMIT": str(limit)}) as d:
                wire.send(20)
                until("the bytes are there",
                      lambda: d.interface("va")["tx_bytes"] >= 20 * (1000 + wire.HEAD))
                _, head, text = d.request("/metrics", headers=OPENMETRICS)
                equal(int(head["Netsonde-Folded"]) > 1000, True, "samples folded")
                equal(head["Netsonde-Left-Out"], None, "samples left out")
                families = list(strict.text_string_to_metric_families(text))
                equal(len(sample_set(families)) <= limit, True, "samples of the page")
                shown = {s.labels["device"]: s.value for f in families for s in f.samples
                         if s.name == name}
                equal("other" in shown and "va" in shown, True, f"the others: {shown}")
                equal(len(shown) < 2 * count, True, "devices of the page")
                quiet = {device: value for device, value in shown.items() if device != "lo"}
                table = d.json("/api/v1/interfaces?limit=1000")
                rows = [dict(zip(table["columns"], row)) for row in table["rows"]]
                equal(sum(quiet.values()),
                      sum(row["tx_bytes"] for row in rows if row["device"] != "lo"),
                      "the sum of the page and of all interfaces")
                for line in complaints(d.text("/metrics", headers=TEXT)):
                    contains(line, "node_netstat_")
        finally:
            remove_links("va", *(f"m{i}" for i in range(count)))


# ---- a prometheus --------------------------------------------------------------------------------

class Old(http.server.BaseHTTPRequestHandler):
    """Asks the daemon on behalf of a prometheus that always prefers OpenMetrics, for the text."""

    def do_GET(self):
        ask = urllib.request.Request(f"http://127.0.0.1:{self.server.daemon_port}{self.path}",
                                     headers=TEXT)
        with urllib.request.urlopen(ask, timeout=WAIT_S) as answer:
            body = answer.read()
            self.send_response(200)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        self.server.asked += 1

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def old_scraper(daemon_port):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Old)
    server.daemon_port, server.asked = daemon_port, 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: netsonde
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Prometheus:
    """One that scrapes 127.0.0.1:port every second, with its storage in `folder`."""

    def __init__(self, folder, port):
        self.port = free_port()
        binary, environment = peers.program("prometheus")
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(port=port))
        with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [binary, f"--config.file={config}", f"--storage.tsdb.path={folder}/tsdb",
                 f"--web.listen-address=127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=folder,
                preexec_fn=die_with_parent)
        self.folder = folder

    def __enter__(self):
        try:
            until("prometheus is ready", self.ready, WAIT_S * 2)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def ready(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
                raise AssertionError("prometheus ended: " + log.read()[-2000:])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5):
                return True
        except OSError:
            return False

    def api(self, path, **parameters):
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(address, timeout=WAIT_S) as answer:
            said = json.load(answer)
        equal(said["status"], "success", path)
        return said["data"]

    def samples(self, selector, span):
        """{labels: [(seconds, value)]} of what was scraped in the last `span`."""
        found = self.api("query", query=f"{selector}[{span}]")["result"]
        return {frozenset(r["metric"].items()): [(t, float(v)) for t, v in r["values"]]
                for r in found}

    def scrapes(self):
        return sum(len(v) for v in self.samples("up", "10m").values())


def of_netsonde(labels):
    return {k: v for k, v in labels if k not in ("instance", "job", "__name__")}


def same_as_history(d, prometheus, from_ms):
    """Every series of the device: its sum or its value, there and here."""
    compared = 0
    for labels, samples in prometheus.samples('{__name__=~"node_network_.+",device="va"}',
                                              "10m").items():
        name, own = dict(labels)["__name__"], of_netsonde(labels)
        kind = "sum" if name.endswith("_total") else "last"
        match = "".join("&match=" + urllib.parse.quote(f"{k}={v}") for k, v in own.items() if v)
        answer = d.json(f"/api/v1/query?metric={name}{match}&agg={kind}&from={from_ms}&points=100")
        equal(len(answer["series"]), 1, f"{name} {own}")
        points = [v for _, v in answer["series"][0]["points"] if v is not None]
        theirs = samples[-1][1] - samples[0][1] if kind == "sum" else samples[-1][1]
        ours = sum(points) if kind == "sum" else points[-1]
        equal(math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9), True,
              f"{name} {own}: {theirs} in prometheus, {ours} here")
        compared += 1
    equal(compared >= 30, True, f"{compared} series compared")


def scraped(through):
    """through: (context of something that has the port to be scraped) of the daemon's port."""
    with neighbour() as pid, Directory() as data, Directory() as folder:
        wire = Wire(pid)
        try:
            with Daemon(data, "--engine", "netlink,procfs") as d, through(d.port) as port, \
                    Prometheus(folder, port) as prometheus:
                until("three scrapes", lambda: prometheus.scrapes() >= 3)
                from_ms = now_ms() - 300  # nothing moved since the scrape
                sent = wire.send(500)
                before = prometheus.scrapes()
                until("two scrapes more", lambda: prometheus.scrapes() >= before + 3)
                key = 'node_network_transmit_bytes_total{device="va"}'
                [counted] = prometheus.samples(key, "10m").values()
                equal(counted[-1][1] - counted[0][1], sent, "bytes in prometheus")
                same_as_history(d, prometheus, from_ms)

                [up] = prometheus.samples("up", "10m").values()
                equal({v for _, v in up}, {1.0}, "up")
                [target] = prometheus.api("targets")["activeTargets"]
                equal((target["health"], target["lastError"]), ("up", ""), "the target")
                [count] = prometheus.samples("scrape_samples_scraped", "10m").values()
                page = d.text("/metrics").splitlines()
                samples = sum(not line.startswith("#") for line in page)
                equal(abs(count[-1][1] - samples) <= 20, True,
                      f"{count[-1][1]} samples scraped, {samples} in a page")
                # Whole histograms, and types as they are meant.
                [buckets] = prometheus.api("query", query="histogram_quantile(1, "
                                           "netsonde_collect_seconds_bucket)")["result"]
                equal(float(buckets["value"][1]) > 0, True, "a quantile")
                told = prometheus.api("metadata")
                for name, kinds in (("node_network_mtu_bytes", {"gauge"}),
                                    ("netsonde_collect_seconds", {"histogram"}),
                                    ("node_netstat_Tcp_InSegs", {"unknown", "untyped"})):
                    equal(told[name][0]["type"] in kinds, True, f"the type of {name}: {told[name]}")
                    equal(bool(told[name][0]["help"]), True, f"{name} has a sentence")
        finally:
            remove_links("va")


def test_scraped_openmetrics():
    """a prometheus that scrapes OpenMetrics has what the history has, and no errors"""
    scraped(lambda port: contextlib.nullcontext(port))


def test_scraped_text():
    """a prometheus that scrapes the text format has what the history has, and no errors"""
    servers = []

    @contextlib.contextmanager
    def through(port):
        with old_scraper(port) as server:
            servers.append(server)
            yield server.server_address[1]
    scraped(through)
    equal(servers[0].asked >= 5, True, "scrapes of the text")


if __name__ == "__main__":
    for peer in (peers.PROMETHEUS, peers.NODE_EXPORTER, peers.PROMETHEUS_CLIENT):
        peers.fetch(*peer)
    own_network()
    run([test_openmetrics, test_promtool, test_others, test_scraped_openmetrics, test_scraped_text])
