#!/usr/bin/env python3
"""What it costs to look at every TCP socket, beside ss (iproute2).

  bench/sockets.py --program build/release/bench/bench_sockets [--sockets 18000] [--rounds 9]

Makes the sockets in a network namespace of its own (pairs over loopback, data on all of them) and
lets `ss -tinH` and a survey look at them by turns. Times are user and system together; the medians
of the rounds count. Needs root. Prints a Markdown row with both times and their ratio, and fails
when the ratio is above --limit.
"""
import argparse
import ctypes
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000


def own_network():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise SystemExit(f"bench: no network namespace of our own: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def make_sockets(count):
    """`count` connected sockets, and the listeners they came through."""
    wanted = count + 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    made = [listener]
    for _ in range(count // 2):
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        client.sendall(b"x" * 100)
        server.sendall(b"y" * 50)
        made += [client, server]
    return made


def run_ss():
    """(CPU seconds, wall seconds, sockets shown)"""
    began = time.monotonic()
    process = subprocess.Popen(["ss", "-tinH"], stdout=subprocess.PIPE)
    lines = sum(chunk.count(b"\nESTAB") for chunk in iter(lambda: process.stdout.read(1 << 20), b""))
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode:
        raise SystemExit("bench: ss failed")
    return used.ru_utime + used.ru_stime, wall, lines + 1


def run_survey(process):
    process.stdin.write("\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    if answer["error"]:
        raise SystemExit(f"bench: the survey failed: {os.strerror(-answer['error'])}")
    return answer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--sockets", type=int, default=18000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--limit", type=float, default=0.25)
    args = parser.parse_args()
    if not shutil.which("ss") or os.geteuid() != 0:
        print("| (sockets: needs root and ss) | | | |")
        return
    own_network()
    kept = make_sockets(args.sockets)
    process = subprocess.Popen([args.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        run_survey(process)  # finds the owners; later ones know them
        run_ss()
        peer, own = [], []
        for _ in range(args.rounds):
            peer.append(run_ss())
            own.append(run_survey(process))
        shown, told = {row[2] for row in peer}, {row["sockets"] for row in own}
        if min(shown) < args.sockets or min(told) < args.sockets:
            raise SystemExit(f"bench: not all sockets were seen: ss {shown}, netsonde {told}")
    finally:
        process.stdin.close()
        process.wait()
        del kept
    ss_cpu = statistics.median(row[0] for row in peer) * 1e3
    ss_wall = statistics.median(row[1] for row in peer) * 1e3
    rows = [("tcp_info of %d sockets, read and understood" % args.sockets, "read"),
            ("the same with owners, tables and series of all", "all")]
    print("| what | netsonde CPU (wall) ms | `ss -tinH` CPU (wall) ms | ratio of CPU |")
    print("| --- | --- | --- | --- |")
    ratios = []
    for what, key in rows:
        cpu = statistics.median(row[f"{key}_cpu_ns"] for row in own) / 1e6
        wall = statistics.median(row[f"{key}_wall_ns"] for row in own) / 1e6
        ratios.append(cpu / ss_cpu)
        print(f"| {what} | {cpu:.1f} ({wall:.1f}) | {ss_cpu:.1f} ({ss_wall:.1f}) | {cpu / ss_cpu:.3f} |")
    if ratios[0] > args.limit:
        sys.exit(f"bench: {ratios[0]:.3f} of the time of ss is more than {args.limit}")


if __name__ == "__main__":
    main()
