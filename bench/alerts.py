#!/usr/bin/env python3
"""How long an alert takes to the viewers, for bench/RESULTS.md.

  bench/alerts.py --netsonde build/netsonde [--viewers 100] [--alerts 60]

A rule with `for: 0` watches a device in a network namespace of our own; bursts of datagrams cross its
threshold. Each viewer has the streams `metrics` and `alerts`, as a page does. Told is the time from
the grid point of the tick (its `t`, when reading the kernel begins at the earliest) to the arrival of
the alert's last byte, of all viewers and alerts; beside it the same of the `metrics` of these ticks,
which is the peer here. The viewers are one program on a processor of its own, where there are two.
Needs root. Prints Markdown.
"""
import argparse
import json
import os
import re
import selectors
import socket
import statistics
import sys
import tempfile
import time

from run import ROOT

sys.path.append(os.path.join(ROOT, "tests", "integration"))
import rig # noqa: E402, the same namespaces and daemon as the tests have

INTERVAL_MS = 200
PROCESSORS = sorted(os.sched_getaffinity(0))
RULE = {"name": "busy", "metric": "node_network_transmit_packets_total", "match": {"device": "va"},
        "when": "above", "warning": 50, "for": 0, "keep": 0}


class Viewer:
    """Notes when which message was complete; what is in it is read afterwards."""

    def __init__(self, d):
        self.stream = d.stream("metrics,alerts")
        self.socket = self.stream.socket
        self.socket.setblocking(False)
        self.data, self.messages = bytearray(self.stream.buffer), []

    def read(self):
        try:
            piece = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        now = time.time()
        if not piece:
            raise SystemExit("bench: the daemon closed a connection")
        self.data += piece
        while True:
            size, begin = self.frame()
            if begin is None:
                return
            self.messages.append((now, bytes(self.data[begin:begin + size])))
            del self.data[:begin + size]

    def frame(self):
        """(length, where the payload begins) of the first whole frame; (0, None): there is none."""
        if len(self.data) < 2:
            return 0, None
        size, begin = self.data[1] & 0x7f, 2
        if size > 125:
            width = 2 if size == 126 else 8
            begin += width
            if len(self.data) < begin:
                return 0, None
            size = int.from_bytes(self.data[2:begin], "big")
        return (size, begin) if len(self.data) >= begin + size else (0, None)


def collect(viewers, wire, seconds):
    chosen = selectors.DefaultSelector()
    for viewer in viewers:
        chosen.register(viewer.socket, selectors.EVENT_READ, viewer)
    end, burst = time.monotonic() + seconds, 0.0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        while (now := time.monotonic()) < end:
            if now >= burst: # every third tick is a busy one
                burst = now + 3 * INTERVAL_MS / 1000
                for _ in range(60):
                    s.sendto(b"x", (wire.to, 9))
            for key, _ in chosen.select(0.02):
                key.data.read()


def arrivals(viewers, kind):
    """(t, ms from t to the arrival) of every message of this type."""
    head = b'{"type":"' + kind + b'"'
    for viewer in viewers:
        for now, text in viewer.messages:
            if text.startswith(head):
                t = int(re.search(rb'"t":(\d+)', text)[1])
                yield t, now * 1000 - t


def latencies(viewers):
    """(of alerts, of the metrics of the same ticks), ms."""
    alerts = list(arrivals(viewers, b"alert"))
    ticks = {t for t, _ in alerts}
    return [ms for _, ms in alerts], [ms for t, ms in arrivals(viewers, b"metrics") if t in ticks]


def quantiles(values):
    values = sorted(values)
    return {"p50": statistics.median(values), "p99": values[min(len(values) - 1, int(len(values) * 0.99))],
            "max": values[-1]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--netsonde", required=True)
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--alerts", type=int, default=60)
    args = parser.parse_args()
    binary = os.path.abspath(args.netsonde)
    rig.own_network()
    settings = {"NETSONDE_ALERTING_RATE": "100/1s", "NETSONDE_ALERTING_COOLDOWN": "0"}
    with tempfile.TemporaryDirectory(prefix="netsonde-bench-") as data, rig.neighbour() as pid:
        wire = rig.Wire(pid)
        path = os.path.join(data, "netsonde.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"alerts:\n  - {json.dumps(RULE)}\n")
        prepare = (lambda: os.sched_setaffinity(0, {PROCESSORS[0]})) if len(PROCESSORS) > 1 else None
        with rig.Daemon(data, "-c", path, interval=f"{INTERVAL_MS}ms", environment=settings,
                        prepare=prepare, binary=binary) as d:
            if prepare:
                os.sched_setaffinity(0, {PROCESSORS[1]})
            viewers = [Viewer(d) for _ in range(args.viewers)]
            # A burst fires and resolves: two alerts in three ticks.
            collect(viewers, wire, args.alerts / 2 * 3 * INTERVAL_MS / 1000)
            for viewer in viewers:
                viewer.stream.close()
    alerts, metrics = latencies(viewers)
    if len(alerts) < args.viewers * args.alerts / 2 or not metrics:
        raise SystemExit(f"bench: only {len(alerts)} alerts and {len(metrics)} metrics came")
    ours, peer = quantiles(alerts), quantiles(metrics)
    print("| what | asked | measured |\n| --- | --- | --- |")
    print(f"| grid time of the sample to the alert in {args.viewers} viewers, {len(alerts)} arrivals | p99 under "
          f"10 ms | p50 {ours['p50']:.2f} ms, p99 {ours['p99']:.2f} ms, max {ours['max']:.2f} ms |")
    print(f"| the same, `metrics` of these ticks | peer | p50 {peer['p50']:.2f} ms, p99 {peer['p99']:.2f} ms; "
          f"alert / metrics = {ours['p50'] / peer['p50']:.2f} at p50, {ours['p99'] / peer['p99']:.2f} at p99 |")


if __name__ == "__main__":
    main()
