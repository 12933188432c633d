#!/usr/bin/env python3
"""The figures of the packet engine for bench/RESULTS.md: offline beside ndpiReader, live on a pair of
veth devices.

  bench/packets.py --programs build/release/bench --netsonde build/netsonde --captures DIR
                   [--rounds 5] [--copies 100] [--seconds 5] [--json FILE] [PART...]

Offline: all captures of DIR with one link layer are merged (mergecap of Wireshark), and repeated
with time going on until a run takes long enough to be measured; once as they are, so that most flows
are known already, and once with other addresses in each copy, so that every flow is new. `ndpiReader
-q` tells nothing, so its time is its process's, less that of the same program for a capture of one
packet; this engine's is taken around reading. Both read the file from the page cache, in turn, on one
processor; ratios are made within a round and their median is told.

Live: in a network namespace of its own, `packet_load` sends small frames into one end of a veth
pair from one processor, netsonde captures at the other end with another; then two of them send,
one of which shares netsonde's processor. What was sent, seen and dropped is told. On veth the receiving end is served by the sender's processor, so the generator's
limit is the kernel's for both. Prints Markdown. Parts: offline live.
"""
import argparse
import json
import os
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

from run import free_port, machine

PROCESSORS = sorted(os.sched_getaffinity(0))


def on(processor):
    return lambda: os.sched_setaffinity(0, {PROCESSORS[processor % len(PROCESSORS)]})


# ---- the capture ---------------------------------------------------------------------------------

def ethernet(path):
    out = subprocess.run(["capinfos", "-TrE", path], stdout=subprocess.PIPE, text=True,
                         stderr=subprocess.DEVNULL, check=False).stdout
    return out.split("\t")[-1].strip() == "ether"


def records(path):
    with open(path, "rb") as f:
        data = f.read()
    at, found = 24, []
    while at < len(data):
        captured, wire = struct.unpack("<8xII", data[at:at + 16])
        found.append((captured, wire, data[at + 16:at + 16 + captured]))
        at += 16 + captured
    return data[:24], found


def renumbered(frame, copy):
    """The same frame between other hosts: both addresses of its first IP header are changed."""
    at, frame = 12, bytearray(frame)
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    kind, first = bytes(frame[at:at + 2]), None
    if kind == b"\x08\x00" and len(frame) >= at + 22:
        first = [at + 14 + 1, at + 18 + 1]
    elif kind == b"\x86\xdd" and len(frame) >= at + 42:
        first = [at + 10 + 4, at + 26 + 4]
    for place in first or []:
        frame[place] ^= copy >> 8 & 0xff
        frame[place + 1] ^= copy & 0xff
    return bytes(frame)


def repeat(merged, path, copies, renumber):
    head, found = records(merged)
    micros = 1_500_000_000 * 1_000_000
    with open(path, "wb") as f:
        f.write(head)
        for copy in range(copies):
            out = []
            for captured, wire, frame in found:
                micros += 10
                if renumber and copy:
                    frame = renumbered(frame, copy)
                out.append(struct.pack("<IIII", micros // 1_000_000, micros % 1_000_000, captured,
                                       wire) + frame)
            f.write(b"".join(out))
    return len(found) * copies


# ---- offline -------------------------------------------------------------------------------------

def process_seconds(command):
    began = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
                   preexec_fn=on(0))
    return time.monotonic() - began


def own(netsonde, path):
    """Packets a second with nDPI on and off."""
    out = subprocess.run([netsonde, "bench", "packets", path, "--seconds", "0.2", "--json", "--no-keep"],
                         stdout=subprocess.PIPE, text=True, check=True, preexec_fn=on(0)).stdout
    rates = {row["ndpi"]: row for row in json.loads(out)["results"]}
    if rates[True]["outcome"] != "measured":
        sys.exit(rates[True]["why"])
    return rates[True]["median_per_s"], rates[False]["median_per_s"]


def offline(options, folder):
    names = [os.path.join(options.captures, n) for n in sorted(os.listdir(options.captures))
             if re.search(r"\.pcap(ng)?$", n)]
    names = [n for n in names if ethernet(n)]
    merged, empty = os.path.join(folder, "merged.pcap"), os.path.join(folder, "one.pcap")
    subprocess.run(["mergecap", "-F", "pcap", "-w", merged, *names], check=True)
    head, found = records(merged)
    with open(empty, "wb") as f:
        f.write(head + struct.pack("<IIII", 1, 0, found[0][0], found[0][1]) + found[0][2])
    results = {}
    for name, renumber, copies in (("repeated", False, options.copies),
                                   ("renumbered", True, max(options.copies // 5, 1))):
        path = os.path.join(folder, f"{name}.pcap")
        packets = repeat(merged, path, copies, renumber)
        rounds = []
        for _ in range(options.rounds):
            start = process_seconds(["ndpiReader", "-q", "-i", empty])
            peer = packets / (process_seconds(["ndpiReader", "-q", "-i", path]) - start)
            rounds.append((peer, *own(options.netsonde, path)))
        os.unlink(path)
        results[name] = {
            "packets": packets,
            "ndpiReader": statistics.median(r[0] for r in rounds),
            "ndpi_on": statistics.median(r[1] for r in rounds),
            "ndpi_off": statistics.median(r[2] for r in rounds),
            "on_ratio": statistics.median(r[1] / r[0] for r in rounds),
            "off_ratio": statistics.median(r[2] / r[0] for r in rounds),
        }
    print("| merged capture | packets | ndpiReader -q | netsonde, nDPI on | netsonde, nDPI off |")
    print("| --- | --- | --- | --- | --- |")
    for name, r in results.items():
        print(f"| {name} | {r['packets']:,} | {r['ndpiReader'] / 1e6:.2f} M/s | "
              f"{r['ndpi_on'] / 1e6:.2f} M/s ({r['on_ratio']:.2f} x) | "
              f"{r['ndpi_off'] / 1e6:.2f} M/s ({r['off_ratio']:.2f} x) |")
    return results


# ---- live ----------------------------------------------------------------------------------------

def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {k: float(v) for k, v in re.findall(r"^(netsonde_packet_\S+) (\S+)$", text, re.M)}


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(what, condition, limit_s=30):
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"not within {limit_s} s: {what}")
        time.sleep(0.05)


def live(options, folder):
    """Runs again in a network namespace of its own."""
    command = ["unshare", "--net", sys.executable, os.path.abspath(__file__), "--inside",
               "--netsonde", options.netsonde, "--programs", options.programs, "--seconds",
               str(options.seconds), "--captures", options.captures, "live"]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if out.returncode:
        print(f"live: not measured ({out.returncode})")
        return None
    results = json.loads(out.stdout)
    print("| frames | conversations | senders | sent | seen | dropped | CPU of netsonde |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for r in results:
        print(f"| {r['bytes']} bytes | {r['flows']:,} | {r['senders']} | "
              f"{r['per_second']:,.0f}/s | {r['seen']:,.0f} of {r['sent']:,} | {r['dropped']:,.0f} | "
              f"{r['cpu'] * 100:.0f} % |")
    return results


def inside(options, folder):
    def ip(*words):
        subprocess.run(["ip", *words], check=True)
    ip("link", "set", "lo", "up")
    ip("link", "add", "va", "type", "veth", "peer", "name", "vb")
    for device in ("va", "vb"):
        with open(f"/proc/sys/net/ipv6/conf/{device}/disable_ipv6", "w", encoding="ascii") as f:
            f.write("1")  # nobody else speaks there
        ip("link", "set", device, "up")
    port = free_port()
    daemon = subprocess.Popen(
        [options.netsonde, "--data-dir", folder, "--listen", f"127.0.0.1:{port}"],
        env={**os.environ, "NETSONDE_PACKET_DEVICES": "vb"}, preexec_fn=on(0),
        stdout=subprocess.DEVNULL)
    results = []
    try:
        def ready():
            try:
                return metrics(port)
            except OSError:
                return False
        wait_for("netsonde answers", ready)
        for senders, size, flows in ((1, 60, 1), (1, 60, 1000), (1, 200, 60000), (2, 60, 1000)):
            before, cpu = metrics(port), cpu_seconds(daemon.pid)
            running = [subprocess.Popen(
                [os.path.join(options.programs, "packet_load"), "va", str(options.seconds), "0",
                 str(size), str(flows)], stdout=subprocess.PIPE, text=True,
                preexec_fn=on(1 - i)) for i in range(senders)]
            told = [json.loads(r.communicate()[0]) for r in running]
            cpu = cpu_seconds(daemon.pid) - cpu
            sent = {key: sum(t[key] for t in told) for key in ("sent", "per_second")}

            def seen(key):
                return metrics(port)[key] - before[key]
            total, dropped = "netsonde_packet_received_total", \
                'netsonde_packet_capture_drops_total{reason="kernel"}'
            wait_for("every packet is seen or dropped",
                     lambda: seen(total) + seen(dropped) >= sent["sent"])
            results.append({"bytes": size, "flows": flows, "senders": senders, "sent": sent["sent"],
                            "per_second": sent["per_second"], "seen": seen(total),
                            "dropped": seen(dropped), "cpu": cpu / options.seconds})
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
    print(json.dumps(results))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=[])
    parser.add_argument("--netsonde", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--captures", default=os.environ.get("CAPTURES", ""))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--json")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="netsonde-packets-") as folder:
        if options.inside:
            inside(options, folder)
            return
        parts, results = options.parts or ["offline", "live"], {}
        print(machine() + "\n")
        if "offline" in parts:
            missing = [t for t in ("ndpiReader", "mergecap", "capinfos") if not shutil.which(t)]
            if missing or not os.path.isdir(options.captures):
                print(f"offline: not measured; missing: {', '.join(missing) or 'captures'}")
            else:
                results["offline"] = offline(options, folder)
                print()
        if "live" in parts:
            results["live"] = live(options, folder)
        if options.json:
            with open(options.json, "w", encoding="utf-8") as f:
                json.dump(results, f, indent=1)


if __name__ == "__main__":
    main()
