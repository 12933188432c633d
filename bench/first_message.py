#!/usr/bin/env python3
"""What a large history costs at the start, and what the history writes, for bench/RESULTS.md.

  bench/first_message.py --netsonde build/netsonde --programs build/release/bench [--gib 2] [--minutes 3]

A day of 111 series is made by make_history and multiplied in the file until that is as large as asked:
its spans and chunks once more for each day before, under numbers of their own. Told is the time from
the start of the program to the first live message `metrics` on the stream, beside the same with an
empty directory; and what the daemon writes by the kernel's count (write_bytes of /proc/PID/io) while
it records by itself for some minutes. Everything talks to 127.0.0.1. Prints Markdown.
"""
import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

from run import ROOT, Process, free_port, machine

sys.path.append(os.path.join(ROOT, "tests", "integration"))
import websocket  # noqa: E402, the same client as the tests have

DAY_S = 86400
SERIES = 111


def make(args, data):
    first = int(time.time()) // 60 * 60 - DAY_S
    subprocess.run([os.path.join(args.programs, "make_history"), data, str(first), str(DAY_S), str(SERIES)],
                   check=True)
    path = os.path.join(data, "netsonde.db")
    database = sqlite3.connect(path, isolation_level=None)
    spans = database.execute("SELECT max(id) FROM span").fetchone()[0] + 1
    day = 0
    while os.path.getsize(path) < args.gib * (1 << 30):
        day += 1
        shift = {"ids": day * spans, "row": (day * spans) << 32, "ms": day * DAY_S * 1000}
        database.execute("BEGIN")
        database.execute("INSERT INTO chunk SELECT id + :row, data FROM chunk WHERE id < :first",
                         {"row": shift["row"], "first": spans << 32})
        database.execute("INSERT INTO span SELECT id + :ids, first_seq, last_seq, min_ms - :ms, max_ms - :ms,"
                         " interval_ms, ticks, times, tier, folded, bytes FROM span WHERE id < :first",
                         {"ids": shift["ids"], "ms": shift["ms"], "first": spans})
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return os.path.getsize(path)


def start(args, data, port, config):
    return Process([args.netsonde, "run", "-c", config, "--data-dir", data, "--listen", f"127.0.0.1:{port}"])


def first_message_ms(args, data, config):
    port = free_port()
    began = time.monotonic()
    process = start(args, data, port, config)
    try:
        while True:
            try:
                stream = websocket.Stream(port, "/api/v1/stream?subscribe=metrics", 30)
                break
            except OSError:
                if time.monotonic() - began > 60:
                    raise SystemExit("bench: the daemon does not listen")
                time.sleep(0.002)
        with stream:
            while stream.receive()["type"] != "metrics":
                pass
            return (time.monotonic() - began) * 1000
    finally:
        process.stop()


def written(args, config):
    """Bytes a second of a daemon by itself, and the series that it has."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as data:
        port = free_port()
        process = start(args, data, port, config)
        try:
            wait(port)
            with websocket.Stream(port, "/api/v1/stream?subscribe=metrics", 30) as stream:
                series, seen = 0, 0
                while seen < 5:
                    message = stream.receive()
                    series += len(message.get("series", []))
                    seen += message["type"] == "metrics"
            before, began = io_bytes(process.pid), time.monotonic()
            time.sleep(args.minutes * 60)
            return (io_bytes(process.pid) - before) / (time.monotonic() - began), series
        finally:
            process.stop()


def wait(port):
    for _ in range(2000):
        try:
            websocket.Stream(port, "/api/v1/stream", 5).close()
            return True
        except OSError:
            time.sleep(0.01)
    raise SystemExit("bench: the daemon does not listen")


def io_bytes(pid):
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        return int(dict(line.split(": ") for line in file.read().splitlines())["write_bytes"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--netsonde", required=True)
    parser.add_argument("--programs", required=True, help="the folder of make_history")
    parser.add_argument("--gib", type=float, default=2)
    parser.add_argument("--minutes", type=float, default=11, help="of recording; sealing and checkpoints are in it")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print(f"Machine: {machine()}.\n\n| what | asked | measured |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        large, empty = os.path.join(folder, "large"), os.path.join(folder, "empty")
        config = os.path.join(folder, "netsonde.yaml")
        with open(config, "w", encoding="ascii") as file:
            file.write("store:\n  raw: 1y\n  max_size: 64GiB\n")
        size = make(args, large)
        results = {large: [], empty: []}
        for _ in range(args.rounds):
            for data in results:
                if data == empty:
                    shutil.rmtree(empty, ignore_errors=True)
                results[data].append(first_message_ms(args, data, config))
        for name, data in (("no history", empty), (f"a history of {size / (1 << 30):.2f} GiB", large)):
            print(f"| first live message, {name} | at most 1,150 ms | median {statistics.median(results[data]):.0f} ms, "
                  f"worst {max(results[data]):.0f} of {args.rounds} |", flush=True)
        rate, series = written(args, config)
        print(f"| written while recording {series} series at 1 s, over {args.minutes:g} minutes | "
              f"at most 20 KB/s for 500 | {rate / 1000:.1f} KB/s |")


if __name__ == "__main__":
    main()
