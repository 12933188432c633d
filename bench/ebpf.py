#!/usr/bin/env python3
"""What the ebpf engine costs the traffic that it counts, for bench/RESULTS.md.

  bench/ebpf.py --netsonde build/netsonde --load build/release/bench/ebpf_load [--rounds 9] [--seconds 2]

The same load on loopback with the daemon running, once with the engines netlink and procfs and once
with ebpf as well, in turns; a ratio is made within a round, and the median is told with the least
and the most. Both ends of the load share one processor and the daemon has another: the rate is then
what a processor does, and does not depend on who is woken where. The loads are the worst that there
is: one byte to and fro, where the kernel's part is all, and iperf3 (its Debian package, unpacked
under build/peers, never installed). A request of a web server is told beside them: the daemon's own
/healthz over one connection. Then each program's run time per event, by kernel.bpf_stats_enabled (with bpftool); reading the clock twice is in it,
which an empty program shows as well. Needs root. Everything talks to 127.0.0.1.
"""
import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from run import ROOT, free_port, get, machine, rss_mb, wait_for

sys.path.append(os.path.join(ROOT, "tests", "integration"))
import peers # noqa: E402, where the tests unpack them, too

PROCESSORS = sorted(os.sched_getaffinity(0))
STATS = "/proc/sys/kernel/bpf_stats_enabled"


def on_processor(which):
    return lambda: os.sched_setaffinity(0, {PROCESSORS[which]})


class Daemon:
    def __init__(self, binary, engines):
        self.port, self.data = free_port(), tempfile.mkdtemp(prefix="netsonde-bench-")
        self.process = subprocess.Popen(
            [binary, "run", "--listen", f"127.0.0.1:{self.port}", "--data-dir", self.data,
             "--engine", engines], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=on_processor(0))

    def __enter__(self):
        wait_for(lambda: get(self.port, "/readyz"), "the daemon")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)

    def has_ebpf(self):
        engines = json.loads(get(self.port, "/api/v1/info"))["engines"]
        return next(e for e in engines if e["name"] == "ebpf")


# ---- loads: each returns (done in a second, processor's µs for each or None) -----------------------

def own_load(args, mode):
    out = subprocess.run([args.load, mode, str(args.seconds)], stdout=subprocess.PIPE, check=True,
                         preexec_fn=on_processor(-1))
    told = json.loads(out.stdout)
    return told["per_second"], told["cpu_us"]


def fetch_iperf():
    """(The binary, its environment), or None when the packages cannot be had."""
    peers.fetch("iperf3", "usr/bin/iperf3")
    try:
        return peers.program("iperf3")
    except peers.Skip as why:
        print(f"\niperf3: {why}.")
        return None


def iperf_load(args, iperf, kind):
    binary, environment = iperf
    port = free_port()
    server = subprocess.Popen([binary, "-s", "-1", "--forceflush", "-B", "127.0.0.1", "-p", str(port)],
                              env=environment, stdout=subprocess.PIPE, preexec_fn=on_processor(-1))
    try:
        server.stdout.readline()  # dashes, when it listens
        out = subprocess.run([binary, "-c", "127.0.0.1", "-p", str(port), "-J",
                              "-t", str(args.seconds), *(["-u", "-b", "0"] if kind == "udp" else [])],
                             env=environment, stdout=subprocess.PIPE, timeout=60,
                             preexec_fn=on_processor(-1))
        end = json.loads(out.stdout)["end"]
        return (end["sum"] if kind == "udp" else end["sum_received"])["bits_per_second"] / 8, None
    finally:
        server.kill()
        server.wait()


def http_load(args, daemon):
    """Requests of one connection to the daemon, whose own traffic is counted like any other."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port)
    begin, count = time.monotonic(), 0
    while time.monotonic() - begin < args.seconds:
        for _ in range(50):
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            count += 1
    return count / (time.monotonic() - begin), None


# ---- measuring -------------------------------------------------------------------------------------

def compare(args, name, load):
    rates, costs, base = [], [], []
    for number in range(args.rounds):
        told = {}
        for on in (True, False) if number % 2 else (False, True):
            with Daemon(args.netsonde, "ebpf,netlink,procfs" if on else "netlink,procfs") as daemon:
                told[on] = load(daemon)
        rates.append(told[True][0] / told[False][0])
        base.append(told[False][0])
        if told[True][1]:
            costs.append(told[True][1] / told[False][1])
    cost = f"{statistics.median(costs):.3f}" if costs else ""
    print(f"| {name} | {statistics.median(base):.4g} | {statistics.median(rates):.3f} "
          f"| {min(rates):.3f} – {max(rates):.3f} | {cost} |", flush=True)
    return {"name": name, "rates": rates, "costs": costs}


def run_times(args):
    if not shutil.which("bpftool"):
        print("\nNo bpftool: run times are not told.")
        return
    with open(STATS) as f:
        before = f.read()
    try:
        with Daemon(args.netsonde, "ebpf,netlink,procfs"):
            with open(STATS, "w") as f:
                f.write("1")
            for mode in ("rr", "udp", "stream", "connect"):
                own_load(args, mode)
            shown = subprocess.run(["bpftool", "-j", "prog", "show"], stdout=subprocess.PIPE, check=True)
    finally:
        with open(STATS, "w") as f:
            f.write(before)
    print("\n| program | events | ns an event |\n|---|---|---|")
    for program in json.loads(shown.stdout):
        if program.get("type") == "tracing" and program.get("run_cnt"):
            print(f"| {program['name']} | {program['run_cnt']} "
                  f"| {program['run_time_ns'] / program['run_cnt']:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--netsonde", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--json")
    args = parser.parse_args()
    args.netsonde, args.load = os.path.abspath(args.netsonde), os.path.abspath(args.load)
    with Daemon(args.netsonde, "ebpf,netlink,procfs") as daemon:
        engine = daemon.has_ebpf()
        if engine["state"] != "in use":
            sys.exit(f"the ebpf engine cannot work here: {engine['reason']}")
        print(f"{machine()}; main with ebpf, netlink and procfs: "
              f"{rss_mb(daemon.process.pid):.1f} MB resident\n")
    print("| load on loopback | in a second without | with ebpf | least – most | processor's time |")
    print("|---|---|---|---|---|")
    results = [compare(args, f"ebpf_load {mode}", lambda _, mode=mode: own_load(args, mode))
               for mode in ("rr", "udp", "stream", "connect")]
    results.append(compare(args, "GET /healthz", lambda daemon: http_load(args, daemon)))
    iperf = fetch_iperf()
    for kind in ("tcp", "udp") if iperf else ():
        results.append(compare(args, f"iperf3 {kind}, bytes",
                               lambda _, kind=kind: iperf_load(args, iperf, kind)))
    run_times(args)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(results, f)


if __name__ == "__main__":
    main()
