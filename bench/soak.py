#!/usr/bin/env python3
"""Lets the daemon work for a long time and looks at what grows.

  bench/soak.py --netsonde build/netsonde --load build/release/bench/load [--seconds 1800]

The real binary at --interval 100ms; fifty viewers that come and go, five more that read too slowly;
every route asked in turn, /metrics scraped, history queried over HTTP and by `netsonde query`, bad
requests, SIGHUP; and, where a network namespace of its own is permitted, interfaces that come and go.
Every two seconds memory, descriptors, threads, mapped regions and the size of the history are noted.

Prints a table and exits with 1 when something grew (trend.py says what that means, LIMITS how much is
too much), a counter of losses is not zero, an answer or a connection was not as it must be, or the
daemon did not live and end well. build/soak/samples.csv has every sample, build/soak/log what the
daemon said. What is started is ended by process id; everything talks to 127.0.0.1.
"""
import argparse
import csv
import gzip
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import trend

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.path.join(ROOT, "build", "soak")
VIEWERS = 50
SLOW_VIEWERS = 5
RAW_SECONDS = 600  # the least that store.raw may be
SEAL_SECONDS = 300  # a sample is at most this much older than store.raw when it goes
EVERY_SECONDS = 2
JUDGED_SECONDS = RAW_SECONDS * 2  # a shorter run has not warmed up: history and caches still fill

# What may be at most: growth an hour and, below it, noise that is never growth. Memory: 1 MiB an hour
# is 30 bytes a tick at ten ticks a second; the allocator and SQLite's cache breathe by less than the
# noise. Descriptors do not count viewers' connections: one that stays behind is one too many. A
# leaked mapping or thread would come with whatever leaks it.
#
# Each answer from the history takes some MiB for an instant, and the allocator returns them when it
# likes. What a leak leaves behind lies below that: memory is judged by the least of FLOOR samples.
FLOOR = 15
LIMITS = {
    # column: (what it is called, unit, most growth an hour, noise)
    "rss_anon": ("main: memory of its own, at its least", "KiB", 1024, 256),
    "rss": ("main: resident memory, at its least", "KiB", 1536, 512),
    "keeper_rss": ("keeper: resident memory", "KiB", 256, 64),
    "fds": ("main: descriptors but viewers'", "", 1, 0.9),
    "keeper_fds": ("keeper: descriptors", "", 1, 0.9),
    "threads": ("main: threads", "", 1, 0.9),
    "maps": ("main: mapped regions", "", 12, 4),
}

# Counters that have no reason to move, whatever the viewers do.
ZERO = [
    "netsonde_core_lost_total", "netsonde_ticks_failed_total", "netsonde_series_refused_total",
    "netsonde_server_refused_total", "netsonde_server_closed_slow_total",
    "netsonde_server_closed_idle_total", "netsonde_server_protocol_errors_total",
    "netsonde_server_deliveries_lost_total", "netsonde_store_ticks_lost_total",
    "netsonde_store_ticks_dropped_total", "netsonde_netlink_overruns_total",
]


def in_own_namespace():
    """Starts this program again in namespaces of its own; returns when that is not permitted."""
    for more in ([], ["--user", "--map-root-user"]):
        command = ["unshare", *more, "--net", "--mount"]
        try:
            tried = subprocess.run([*command, "sh", "-c", "mount -t sysfs none /sys && ip link set lo up"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        except OSError:
            return
        if tried.returncode == 0:
            inside = "mount -t sysfs none /sys && ip link set lo up && exec \"$@\""
            os.execvp("unshare", [*command, "sh", "-c", inside, "sh", sys.executable,
                                  os.path.abspath(__file__), *sys.argv[1:], "--inside"])


# -- the daemon and what /proc says about it ---------------------------------------------------------


class Daemon:
    def __init__(self, binary, interval, directory):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        config = os.path.join(directory, "netsonde.yaml")
        with open(config, "w") as f:
            f.write(f"store:\n  raw: {RAW_SECONDS}s\n  events: {RAW_SECONDS}s\n")
        self.data = os.path.join(directory, "data")
        self.command = [binary, "run", "--config", config, "--data-dir", self.data, "--interval",
                        interval, "--listen", f"127.0.0.1:{self.port}"]
        self.log = open(os.path.join(OUT, "log"), "w")
        self.popen = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=self.log)
        self.pid = self.popen.pid
        self.keeper = None

    def ask(self, path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(headers.pop("method", "GET"), path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.getheader("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            return answer.status, body
        finally:
            connection.close()

    def wait_ready(self):
        end = time.monotonic() + 30
        while time.monotonic() < end and self.popen.poll() is None:
            try:
                if self.ask("/readyz")[0] == 200:
                    with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
                        self.keeper = next(iter(map(int, f.read().split())), None)
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise SystemExit("soak: the daemon did not become ready; see build/soak/log")

    def stop(self):
        """Returns the exit code and how long it took."""
        started = time.monotonic()
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            code = self.popen.wait(20)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            code = self.popen.wait()
        self.log.close()
        return code, time.monotonic() - started


def status_of(pid):
    with open(f"/proc/{pid}/status") as f:
        fields = dict(line.split(":", 1) for line in f if ":" in line)
    return {name: int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon", "VmData", "Threads")}


def established(port):
    """Inodes of the sockets that are a viewer's or client's connection at this moment."""
    with open("/proc/net/tcp") as f:
        next(f)
        rows = [line.split() for line in f]
    return {row[9] for row in rows if int(row[1].split(":")[1], 16) == port and row[3] == "01"}


def descriptors(pid, but=()):
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        count += target.removeprefix("socket:[").removesuffix("]") not in but
    return count


def waited_seconds(pid, name):
    """How long a thread was ready to run and had no processor; None without permission."""
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/comm") as f:
                if f.read().strip() != name:
                    continue
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                return int(f.read().split()[1]) / 1e9
        except OSError:
            pass
    return None


def size_of(path):
    try:
        return os.stat(path).st_size // 1024
    except FileNotFoundError:
        return 0


def sample(daemon, t):
    main = status_of(daemon.pid)
    row = {"t": round(t, 1), "rss": main["VmRSS"], "rss_anon": main["RssAnon"], "data": main["VmData"],
           "threads": main["Threads"], "database": size_of(f"{daemon.data}/netsonde.db"),
           "wal": size_of(f"{daemon.data}/netsonde.db-wal")}
    try:
        # Those that are gone between the two readings were nobody's leak: counted before, so that
        # a connection that ends now is not taken for one of the daemon's own.
        row["fds"] = descriptors(daemon.pid, established(daemon.port))
        with open(f"/proc/{daemon.pid}/maps") as f:
            row["maps"] = sum(1 for _ in f)
    except PermissionError:
        pass  # the daemon hides them from its own user; only root may look
    if daemon.keeper:
        row["keeper_rss"] = status_of(daemon.keeper)["VmRSS"]
        try:
            row["keeper_fds"] = descriptors(daemon.keeper)
        except PermissionError:
            pass
    return row


# -- the work ---------------------------------------------------------------------------------------


class Trouble:
    """What must not happen, counted by kind; the first of each kind is kept in words."""

    def __init__(self):
        self.kinds = {}
        self.lock = threading.Lock()

    def note(self, kind, text):
        with self.lock:
            count, first = self.kinds.get(kind, (0, text))
            self.kinds[kind] = (count + 1, first)


class Worker(threading.Thread):
    """One kind of work, again and again until told to stop."""

    def __init__(self, trouble, pause, *steps):
        super().__init__(daemon=True)
        self.trouble, self.pause, self.steps = trouble, pause, steps
        self.over = threading.Event()
        self.done = 0

    def run(self):
        while not self.over.wait(self.pause):
            try:
                self.steps[self.done % len(self.steps)]()
            except Exception as e:  # whatever it is belongs into the report
                self.trouble.note("request", f"{type(e).__name__}: {e}")
            self.done += 1


class Questions:
    """Every route, right and wrong."""

    def __init__(self, daemon):
        self.daemon = daemon

    def expect(self, path, status=200, holds=b"", **headers):
        got, body = self.daemon.ask(path, **headers)
        if got != status or holds not in body:
            raise AssertionError(f"{path}: status {got}, {body[:120]!r}")
        return body

    def steps(self):
        history = "/api/v1/query?metric=node_network_*&from=-{}&points={}&agg={}"
        plain = [
            ("/", {}), ("/interfaces", {}), ("/healthz", {}), ("/readyz", {}), ("/metrics", {}),
            ("/metrics", {"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"}),
            ("/api/v1/info", {}), ("/api/v1/series", {"Accept-Encoding": "gzip"}),
            ("/api/v1/series?metric=node_netstat_*", {}),
            (history.format(60, 60, "avg"), {}), (history.format(900, 300, "max"), {}),
            (history.format(3600, 2000, "sum"), {"Accept-Encoding": "gzip"}),
            (history.format(300, 20, "last"), {}),
            ("/api/v1/query?metric=netsonde_collect_seconds&agg=p99", {}),
            ("/api/v1/events?limit=1000&from=-3600", {}), ("/api/v1/interfaces?filter=soak", {}),
            ("/api/v1/interfaces?sort=-rx_bytes&limit=2", {}), ("/", {"method": "HEAD"}),
        ]
        wrong = [("/nothing", 404, {}), ("/api/v1/query?from=never", 400, {}),
                 ("/api/v1/query?metric=x&agg=no", 400, {}), ("/", 421, {"Host": "elsewhere.example"}),
                 ("/healthz", 405, {"method": "DELETE"}), ("/api/v1/stream", 426, {})]
        return ([lambda p=path, h=headers: self.expect(p, **h) for path, headers in plain] +
                [lambda p=path, s=status, h=headers: self.expect(p, s, **h)
                 for path, status, headers in wrong] +
                [self.assets, self.malformed, self.bad_stream, self.command])

    def assets(self):
        page = self.expect("/").decode()
        for piece in page.split('"'):
            if piece.startswith("/assets/"):
                self.expect(piece, **{"Accept-Encoding": "gzip"})

    def raw(self, data, want):
        with socket.create_connection(("127.0.0.1", self.daemon.port), 10) as s:
            s.sendall(data)
            got = b""
            while piece := s.recv(65536):
                got += piece
        if want not in got:
            raise AssertionError(f"{data[:40]!r} was answered with {got[:120]!r}")

    def malformed(self):
        self.raw(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b" 400 ")

    def bad_stream(self):
        """A message that is no JSON gets an error and the stream goes on; then just hang up."""
        with socket.create_connection(("127.0.0.1", self.daemon.port), 10) as s:
            s.sendall(f"GET /api/v1/stream?subscribe=metrics,events,interfaces HTTP/1.1\r\nHost: "
                      f"127.0.0.1:{self.daemon.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                      .encode())
            s.sendall(b"\x81\x83\0\0\0\0no!")
            got = b""
            while b"bad_request" not in got or b'"metrics"' not in got:
                piece = s.recv(65536)
                if not piece:
                    raise AssertionError("the stream ended after a bad message")
                got += piece

    def command(self):
        done = subprocess.run([self.daemon.command[0], "query", "--data-dir", self.daemon.data, "--metric",
                               "netsonde_ticks_total", "--from", "-300", "--json"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
        if done.returncode != 0 or b"netsonde_ticks_total" not in done.stdout:
            raise AssertionError(f"netsonde query ended with {done.returncode}: {done.stderr[:200]!r}")


class Interfaces:
    """Veth pairs and bridges from a small pool of names: every name has been seen after a while,
    so the series are the same ones again."""

    def __init__(self):
        self.step = 0

    def ip(self, *words):
        done = subprocess.run(["ip", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"ip {' '.join(words)}: {done.stderr.strip()}")

    def change(self):
        name = f"soak{self.step // 2 % 6}"
        if self.step % 2 == 0:
            kind = ("bridge",) if self.step % 4 else ("veth", "peer", "name", name + "p")
            self.ip("link", "add", name, "type", *kind)
            self.ip("address", "add", f"10.77.{self.step % 200}.1/24", "dev", name)
            self.ip("link", "set", name, "up")
        else:
            self.ip("link", "del", name)
        self.step += 1


# -- verdicts ---------------------------------------------------------------------------------------


class Report:
    def __init__(self):
        self.failures = []

    def fail(self, text):
        self.failures.append(text)

    def trends(self, rows, seconds):
        print("| what | least | most | an hour | at most | |\n| --- | --- | --- | --- | --- | --- |")
        for column, (name, unit, per_hour, floor) in LIMITS.items():
            points = [(r["t"], r[column]) for r in rows if column in r]
            if not points:
                print(f"| {name} | | | | | not seen: no permission, or no keeper |")
                continue
            fills = column in ("rss", "rss_anon")
            if fills and seconds < JUDGED_SECONDS:
                values = [v for _, v in points]
                print(f"| {name} | {min(values)} | {max(values)} | | | not judged: shorter than "
                      f"{JUDGED_SECONDS} s |")
                continue
            t = trend.Trend(trend.floors(points, FLOOR) if fills else points)
            grows = t.grows(per_hour, floor)
            print(f"| {name} | {t.least} | {t.most} | {t.per_hour:+.1f} {unit} | {per_hour} {unit} | "
                  f"{'GROWS' if grows else 'fine'} |")
            if grows:
                self.fail(f"{name} grows by {t.per_hour:.0f} {unit} an hour")

    def history(self, rows, seconds, oldest_age):
        """The database grows until samples reach store.raw; from then on it must not."""
        steady = RAW_SECONDS + SEAL_SECONDS
        late = [r for r in rows if r["t"] >= steady]
        print(f"| history: database and WAL | {min(r['database'] + r['wal'] for r in rows)} | "
              f"{max(r['database'] + r['wal'] for r in rows)} | | | ", end="")
        if seconds < JUDGED_SECONDS:
            print(f"not judged: shorter than {JUDGED_SECONDS} s |")
            return
        middle = trend.fifth([(r["t"], r["database"]) for r in late], 0)
        end = trend.fifth([(r["t"], r["database"]) for r in late], 4)
        # The file gives space back when a quarter is free: it breathes by that much.
        grows = end > 1.25 * middle
        print(f"{'GROWS' if grows else 'fine'}: {middle:.0f}, then {end:.0f} KiB |")
        if grows:
            self.fail(f"the database went on growing: {middle:.0f} KiB, then {end:.0f} KiB")
        if oldest_age > steady + 60:
            self.fail(f"samples of {oldest_age:.0f} s ago are still there; store.raw is {RAW_SECONDS} s")

    def wal(self, rows):
        # SQLite begins anew at about 4 MB; a reader may delay that, but not for long.
        most = max(r["wal"] for r in rows)
        if most > 16 * 1024:
            self.fail(f"the WAL grew to {most} KiB: checkpoints do not get through")

    def counters(self, text, ticks_wanted, interval_s, waited_s):
        values = {}
        for line in text.splitlines():
            if line and line[0] != "#":
                key, _, value = line.rpartition(" ")
                values[key] = float(value)
        for name in [*ZERO, "netsonde_ticks_missed_total"]:
            if name not in values:
                self.fail(f"/metrics has no {name}")
            elif values[name] and name in ZERO:
                self.fail(f"{name} is {values[name]:.0f}, not 0")
        for key, value in values.items():
            if key.startswith("netsonde_collect_errors_total{") and value:
                self.fail(f"{key} is {value:.0f}, not 0")
        ticks, missed = (values.get(f"netsonde_ticks_{what}", -1) for what in ("total", "missed_total"))
        if ticks + missed < 0.99 * ticks_wanted - 2:
            self.fail(f"{ticks:.0f} ticks and {missed:.0f} missed where {ticks_wanted:.0f} were due")
        # A tick is missed when the thread is late by a whole interval. As long as it stood in line
        # for a processor for longer than that, the machine was too busy, not the daemon too slow.
        if missed > 0 and (waited_s is None or missed * interval_s > waited_s):
            self.fail(f"{missed:.0f} ticks were missed, and the core waited for a processor for "
                      f"{'an unknown time' if waited_s is None else f'{waited_s:.1f} s only'}")
        elif missed > 0:
            print(f"\n{missed:.0f} ticks were missed because the machine was busy: the core waited "
                  f"for a processor for {waited_s:.1f} s")
        return values

    def load(self, load, what):
        try:
            told = json.loads(load.communicate(timeout=20)[0])
        except (ValueError, subprocess.TimeoutExpired):
            load.kill()
            self.fail(f"{what}: no report")
            return {}
        if told["failed"]:
            self.fail(f"{what}: {told['failed']} connections failed of {told['opened']}; see build/soak/load.log")
        return told


def oldest_sample_age(daemon):
    body = daemon.ask("/api/v1/query?metric=netsonde_series&from=-7200&points=7200")[1]
    points = [p for s in json.loads(body)["series"] for p in s["points"] if p[1] is not None]
    return time.time() - points[0][0] / 1000 if points else float("inf")


def settles(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def soak(args, directory):
    report, trouble, rows = Report(), Trouble(), []
    daemon = Daemon(args.netsonde, args.interval, directory)
    load_log = open(os.path.join(OUT, "load.log"), "w")
    loads = []
    try:
        daemon.wait_ready()
        started = time.monotonic()
        quiet = sample(daemon, 0).get("fds")
        for count, slow in ((VIEWERS, 0), (SLOW_VIEWERS, SLOW_VIEWERS)):
            loads.append(subprocess.Popen(
                [args.load, "--port", str(daemon.port), "--clients", str(count), "--slow", str(slow),
                 "--seconds", str(args.seconds + 60), "--churn", "3000" if not slow else "20000"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=load_log))
        workers = [Worker(trouble, 0.05, *Questions(daemon).steps()),
                   Worker(trouble, 15, lambda: daemon.popen.send_signal(signal.SIGHUP))]
        if args.inside:
            workers.append(Worker(trouble, 0.7, Interfaces().change))
        for worker in workers:
            worker.start()

        with open(os.path.join(OUT, "samples.csv"), "w", newline="") as f:
            table = None
            while (t := time.monotonic() - started) < args.seconds and daemon.popen.poll() is None:
                rows.append(sample(daemon, t))
                table = table or csv.DictWriter(f, rows[0].keys())
                table.writerow(rows[-1]) if f.tell() else (table.writeheader(), table.writerow(rows[-1]))
                f.flush()
                time.sleep(EVERY_SECONDS - (time.monotonic() - started) % EVERY_SECONDS)

        for worker in workers:
            worker.over.set()
        for worker in workers:
            worker.join(30)
        for load in loads:
            load.terminate()
        told = [report.load(load, what) for load, what in zip(loads, ("viewers", "slow viewers"))]
        alive = daemon.popen.poll() is None
        if alive:
            seconds = time.monotonic() - started
            text = daemon.ask("/metrics")[1].decode()
            interval_s = json.loads(daemon.ask("/api/v1/info")[1])["interval_ms"] / 1000
            waited_s = waited_seconds(daemon.pid, "core")
            age = oldest_sample_age(daemon)
            if quiet is not None and not settles(lambda: descriptors(daemon.pid) <= quiet + 8):
                report.fail(f"{descriptors(daemon.pid)} descriptors are open after all viewers left; {quiet} were "
                            "before they came, and 8 more may stay for readers of the history")
    finally:
        for load in loads:
            if load.poll() is None:
                load.kill()
        code, took = daemon.stop()
        load_log.close()

    warm = [r for r in rows if r["t"] >= args.seconds / 3]
    print(f"{len(rows)} samples in {args.seconds} s; the first third is warm-up. KiB where nothing is said.\n")
    report.trends(warm, args.seconds)
    report.wal(rows)
    if alive:
        report.history(rows, args.seconds, age)
        values = report.counters(text, seconds / interval_s, interval_s, waited_s)
        asked = workers[0].done
        print(f"\n{values['netsonde_ticks_total']:.0f} ticks, {values['netsonde_series']:.0f} series, {asked} "
              f"requests, {sum(t.get('opened', 0) for t in told)} stream connections, "
              f"{sum(t.get('messages', 0) for t in told)} messages, "
              f"{values['netsonde_server_conflated_total']:.0f} left out for slow viewers, "
              f"{workers[2].done if args.inside else 'no'} changes of interfaces; ended in {took:.1f} s")
        if told[0].get("gaps"):
            report.fail(f"{told[0]['gaps']} gaps at viewers that read at once")
        if not told[1].get("slow_gaps"):
            report.fail("no slow viewer was told of a gap: they were not slow, or nobody told them")
        if not asked:
            report.fail("no request was made")
    if code != 0:
        report.fail(f"the daemon ended with {code} ({'when told to' if alive else 'by itself'}); see build/soak/log")
    if took > 2:
        report.fail(f"the daemon took {took:.1f} s to stop, not 2 at most")
    for kind, (count, first) in trouble.kinds.items():
        report.fail(f"{kind}: {count} times, first {first}")
    with open(os.path.join(OUT, "log")) as f:
        errors = [line.rstrip() for line in f if " error " in line or "ERROR:" in line or "runtime error" in line]
    if errors:
        report.fail(f"the daemon said: {errors[0]} (and {len(errors) - 1} more)")
    return report.failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--netsonde", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--interval", default="100ms")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.seconds < 60:
        parser.error("--seconds: a minute at least, or there is nothing to see")
    args.netsonde, args.load = os.path.abspath(args.netsonde), os.path.abspath(args.load)
    if not args.inside:
        in_own_namespace()
        print("soak: no network namespace is permitted here: interfaces do not come and go")
    os.makedirs(OUT, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended, too
    with tempfile.TemporaryDirectory(prefix="netsonde-soak-") as directory:
        failures = soak(args, directory)
    print()
    for text in failures:
        print(f"soak: FAILED: {text}")
    if not failures:
        print("soak: nothing grows, nothing was lost")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
