#!/usr/bin/env python3
"""History beside Prometheus and VictoriaMetrics: what the same samples need on disk, and how long the
same questions take.

  bench/storage.py --netsonde build/netsonde --programs build/release/bench [--database DIR]
                   [--tile HOURS] [--keep FOLDER] [--only recorded|made]
                   [--rounds 20] [--day-series 111] [--month-series 4] [--month-days 30]

With --database, a data directory that the daemon has recorded: a copy of it is what is measured on
disk. --tile makes a day (or so) of it, in real seconds that come to and fro. What nobody recorded is made by make_history: a day of many series at one second, and a month of
few, of which the default times leave two days of seconds, minutes for the rest. Peers get the very
same samples: of the recorded database as netsonde gives them out, of the made ones from their maker.
They are the distribution's packages, unpacked below build/peers. Everything talks to 127.0.0.1 and is
ended by its process id. Prints Markdown.
"""
import argparse
import array
import bisect
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "bench"), os.path.join(ROOT, "tests", "integration")]
import peers  # noqa: E402
from run import Process, free_port, machine, wait_for  # noqa: E402

DAY_S = 86400


# ---- samples -------------------------------------------------------------------------------------

def copy_database(data, to):
    """As it is now, daemon or not; without a WAL."""
    os.makedirs(to)
    source = sqlite3.connect(f"file:{data}/netsonde.db?mode=ro", uri=True)
    target = sqlite3.connect(f"{to}/netsonde.db")
    source.backup(target)
    target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    target.close()
    source.close()


def database_parts(data):
    """{table or index: bytes}; None where SQLite cannot tell."""
    database = sqlite3.connect(f"file:{data}/netsonde.db?mode=ro", uri=True)
    try:
        return dict(database.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
    except sqlite3.Error:
        return None
    finally:
        database.close()


def of_samples(parts):
    """What holds samples; the rest are events, tables and alerts, which the peers do not keep."""
    others = re.compile(r"event|snapshot|alert|silence|rule|document")
    return sum(size for name, size in parts.items() if not others.match(name))


class Series:
    def __init__(self, name, labels):
        self.name, self.labels = name, labels
        self.gauge, self.scale = 0, 1  # of recorded ones: learn_kinds
        self.times, self.values = array.array("q"), array.array("d")  # ms


LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+) (\S+)$")
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


def read_openmetrics(path):
    """{key: Series}; a key is name{labels} as it stands there."""
    found, key, series = {}, None, None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            now, value, t = line.rsplit(" ", 2)
            if now != key:
                key = now
                series = found.get(key)
                if not series:
                    name, labels, _, _ = LINE.match(line).groups()
                    series = found[key] = Series(name, {
                        k: json.loads(f'"{v}"') for k, v in LABEL.findall(labels or "")})
            series.values.append(float(value))
            series.times.append(round(float(t) * 1000))
    return found


def learn_kinds(data, series):
    """What the database knows of each beside its samples."""
    database = sqlite3.connect(f"file:{data}/netsonde.db?mode=ro", uri=True)
    for key, gauge, scale in database.execute("SELECT key, kind, scale FROM series ORDER BY id"):
        if key in series:
            series[key].gauge, series[key].scale = gauge, scale
    database.close()


def export(args, data, path):
    """All stored samples of the finest tier as OpenMetrics."""
    database = sqlite3.connect(f"file:{data}/netsonde.db?mode=ro", uri=True)
    columns = [row[1] for row in database.execute("PRAGMA table_info(span)")]
    raw = "WHERE tier = 0" if "tier" in columns else ""
    [[sealed]] = database.execute(f"SELECT min(min_ms) FROM span {raw}")
    [[logged]] = database.execute("SELECT min(t_ms) FROM tick")
    database.close()
    subprocess.run([args.netsonde, "export", "--format", "openmetrics", "--data-dir", data,
                    "--metric", "*", "--from", str(min(t for t in (sealed, logged) if t)),
                    "--to", "now", "-o", path], check=True, stderr=subprocess.DEVNULL)


def counts(one):
    """What turns a counter's value into the number counted: the nearest double of each comes back."""
    parts = round(1 / one.scale) if one.scale < 1 else 0
    if parts and abs(parts * one.scale - 1) < 1e-9:
        return lambda value: round(value * parts), lambda number: number / parts
    return lambda value: round(value / one.scale), lambda number: number * one.scale


def tile(series, interval_ms, seconds, end_ms):
    """What was recorded, end to end until there are so many seconds of it, every other time
    backwards: the same increments in the other order. So nothing comes again in the same hour, or
    in the same block of a peer (8,192 samples), when the recording is as long as half of that. Where
    hours and blocks begin has nothing to do with where the recording does. Counters go on counting.
    Of a series that came or went meanwhile there is nothing at those times each time."""
    first_ms = min(one.times[0] for one in series.values())
    last_ms = max(one.times[-1] for one in series.values())
    ticks = (last_ms - first_ms) // interval_ms  # the first sample has nothing before it
    wanted = seconds * 1000 // interval_ms
    begin_ms = end_ms - end_ms % interval_ms - wanted * interval_ms
    all_times = array.array("q", range(begin_ms, begin_ms + wanted * interval_ms, interval_ms))
    laps = -(-wanted // ticks)
    for one in series.values():
        number, value = counts(one)
        step = [None] * ticks
        for i in range(1, len(one.times)):
            step[(one.times[i] - first_ms) // interval_ms - 1] = one.values[i] if one.gauge else \
                number(one.values[i]) - number(one.values[i - 1])
        steps = itertools.islice(
            itertools.chain.from_iterable((step, step[::-1])[lap % 2] for lap in range(laps)), wanted)
        if None in step:
            there = [(t, grown) for t, grown in zip(all_times, steps) if grown is not None]
            one.times = array.array("q", [t for t, _ in there])
            steps = (grown for _, grown in there)
        else:
            one.times = all_times
        one.values = array.array("d", steps if one.gauge
                                 else map(value, itertools.accumulate(steps)))


def replay(args, series, to):
    """The same samples written anew, by this version's store and with nothing else beside."""
    def text(words):
        return struct.pack("=q", len(words.encode())) + words.encode()
    path = to + ".samples"
    with open(path, "wb") as out:
        out.write(struct.pack("=qq", args.interval_ms, len(series)))
        for one in series.values():
            out.write(struct.pack("=qqqd", one.gauge, len(one.labels), len(one.times), one.scale))
            out.write(text(one.name))
            for name, value in one.labels.items():
                out.write(text(name) + text(value))
            one.times.tofile(out)
            one.values.tofile(out)
    done = subprocess.run([os.path.join(args.programs, "replay_history"), to, path], check=True,
                          stdout=subprocess.PIPE, text=True)
    os.unlink(path)
    return int(done.stdout)


def make(args, to, first_s, seconds, series):
    """A database and the same as OpenMetrics; both paths."""
    program = os.path.join(args.programs, "make_history")
    numbers = [str(first_s), str(seconds), str(series)]
    os.makedirs(to)
    data, text = os.path.join(to, "netsonde"), os.path.join(to, "openmetrics")
    subprocess.run([program, data, *numbers], check=True)
    with open(text, "wb") as out:
        subprocess.run([program, "-", *numbers], stdout=out, check=True)
    return data, text


# ---- peers ---------------------------------------------------------------------------------------

def size_of(directory):
    return sum(os.path.getsize(os.path.join(folder, name))
               for folder, _, names in os.walk(directory) for name in names)


class Http:
    program = None  # bench/ask.c

    def __init__(self, port):
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self.asking = None  # bench/ask.c with another connection, for what is timed

    def ask(self, path, body=None):
        self.connection.request("POST" if body is not None else "GET", path, body)
        answer = self.connection.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"bench: {path}: {answer.status} {said[:500]!r}")
        return said

    def timed_ms(self, path):
        """From the question to the last byte of the answer. By a program in C: this one would add a
        tenth of what is measured."""
        if not self.asking:
            self.asking = subprocess.Popen([Http.program, str(self.port)], text=True, bufsize=1,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.asking.stdin.write(path + "\n")
        took_ns = self.asking.stdout.readline()
        if not took_ns:
            raise SystemExit(f"bench: {path}: no answer")
        return int(took_ns) / 1e6

    def end(self):
        """Of what is timed: servers close what is idle for a minute."""
        if self.asking:
            self.asking.stdin.close()
            self.asking.wait(10)
            self.asking.stdout.close()
            self.asking = None


def processor_ns(pid):
    """What all threads of a process have had of the processors."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
        except OSError:
            pass  # it has ended
    return total


def answers(port, path):
    def look():
        try:
            return Http(port).ask(path) is not None
        except (SystemExit, OSError, http.client.HTTPException):
            return False
    return look


class Server:
    """A process with its HTTP port; ended at the end of a with block."""

    def __init__(self, command, environment, ready):
        self.command, self.port = command, free_port()
        self.process = Process([word.replace("PORT", str(self.port)) for word in command],
                               env=environment)
        try:
            wait_for(answers(self.port, ready), command[0], 300)
        except BaseException:
            self.process.stop()
            raise
        self.http = Http(self.port)
        self.pid = self.process.popen.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.end()
        self.http.connection.close()
        self.process.popen.terminate()
        try:
            self.process.popen.wait(120)  # what it has in memory goes to the disk
        finally:
            self.process.stop()
        if self.process.popen.returncode:
            raise SystemExit(f"bench: {self.command[0]} ended with {self.process.popen.returncode}")


def block_hours(series):
    """18 = 2 * 3 * 3: as long as Prometheus makes them itself of those of two hours; of very many
    samples those two, as promtool keeps a block in memory."""
    return 2 if len(series) > 200 else 18


def block_slices(series, path):
    """The samples of one block after the other in a file at `path`: promtool reads the whole of its
    input once for every block that it makes of it."""
    at = {key: 0 for key in series}
    width_ms = block_hours(series) * 3_600_000
    blocks = sorted({t // width_ms for one in series.values()
                     for t in (*one.times[::3600], one.times[-1])})
    for block in blocks:
        with open(path, "w", encoding="utf-8") as out:
            name = None
            for key, one in series.items():
                if one.name != name:
                    name = one.name
                    out.write(f"# TYPE {name} unknown\n")
                end = bisect.bisect_left(one.times, (block + 1) * width_ms, at[key])
                out.writelines(f"{key} {one.values[i]!r} {one.times[i] / 1000}\n"
                               for i in range(at[key], end))
                at[key] = end
            out.write("# EOF\n")
        yield path
    os.unlink(path)


def prometheus_blocks(series, to):
    promtool, environment = peers.beside("prometheus", "promtool")
    os.makedirs(to)
    for text in block_slices(series, to + ".openmetrics"):
        subprocess.run([promtool, "tsdb", "create-blocks-from", "--quiet",
                        f"--max-block-duration={block_hours(series)}h", "openmetrics", text, to],
                       env=environment, check=True, stdout=subprocess.DEVNULL)
    listed = subprocess.run([promtool, "tsdb", "list", to], env=environment, check=True,
                            stdout=subprocess.PIPE, text=True).stdout.splitlines()
    column = listed[0].split("  ")
    at = [word.strip() for word in column if word.strip()].index("NUM SAMPLES")
    return sum(int(line.split()[at]) for line in listed[1:])


class Prometheus(Server):
    def __init__(self, blocks, work):
        config = os.path.join(work, "prometheus.yml")
        with open(config, "w", encoding="ascii") as f:
            f.write("scrape_configs: []\n")
        binary, environment = peers.program("prometheus")
        super().__init__([binary, f"--config.file={config}", f"--storage.tsdb.path={blocks}",
                          "--storage.tsdb.retention.time=100y",
                          "--web.listen-address=127.0.0.1:PORT"], environment, "/-/ready")


class VictoriaMetrics(Server):
    def __init__(self, data):
        binary, environment = peers.program("victoria-metrics")
        super().__init__([binary, f"-storageDataPath={data}", "-httpListenAddr=127.0.0.1:PORT",
                          "-retentionPeriod=100y", "-search.disableCache",
                          "-search.maxPointsPerTimeseries=1000000"], environment, "/health")

    def load(self, series):
        lines, size = [], 0

        def send():
            if lines:
                self.http.ask("/api/v1/import", "\n".join(lines).encode())
            lines.clear()
        for one in series.values():
            for at in range(0, len(one.times), 10000):
                lines.append(json.dumps({"metric": {"__name__": one.name, **one.labels},
                                         "values": one.values[at:at + 10000].tolist(),
                                         "timestamps": one.times[at:at + 10000].tolist()}))
                size += len(lines[-1])
                if size > 1 << 23:
                    send()
                    size = 0
        send()
        self.settle(len({time.strftime("%Y-%m", time.gmtime(t / 1000)) for one in series.values()
                         for t in (*one.times[::3600], one.times[-1])}))

    def settle(self, months):
        """Everything on disk, and merged as far as it ever will be: one part a month. The merge runs
        on after the answer, and must not be cut short: what it holds would be lost."""
        for _ in range(20):  # what is flushed while a merge runs is left for the next one
            self.http.ask("/internal/force_flush")
            self.http.ask("/internal/force_merge")
            idle = 0
            while idle < 5:
                time.sleep(0.2)
                page = self.http.ask("/metrics").decode()
                busy = re.search(r"^vm_active_merges\{.*\} [1-9]", page, re.MULTILINE)
                idle = 0 if busy else idle + 1
            parts = re.findall(r'^vm_parts\{type="storage/[^"]*"\} (\S+)', page, re.MULTILINE)
            if sum(map(int, parts)) <= months:
                return
        raise SystemExit(f"bench: VictoriaMetrics still has {parts} parts of {months} months")

    def rows(self):
        page = self.http.ask("/metrics").decode()
        return sum(int(float(n)) for n in
                   re.findall(r'^vm_rows\{type="storage/[^"]*"\} (\S+)', page, re.MULTILINE))


# ---- disk ----------------------------------------------------------------------------------------

def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


def row_parts(data, samples):
    """Where the bytes of a file are."""
    database = sqlite3.connect(f"file:{data}/netsonde.db?mode=ro", uri=True)
    parts = database_parts(data)
    if parts:
        used = sum(parts.values())
        for told, size in (("chunks, with what SQLite writes around them", parts.pop("chunk")),
                           ("spans: times of all rows, indexes", sum(
                               parts.pop(n) for n in ("span", "span_time", "span_order"))),
                           ("names and last values of series", sum(
                               parts.pop(n) for n in ("series", "last", "last_seq"))),
                           ("the log", parts.pop("tick")), ("all else", sum(parts.values())),
                           ("free pages and the like",
                            os.path.getsize(f"{data}/netsonde.db") - used)):
            row(f"of it {told}", "–", f"{size / samples:.4f} ({size:,} bytes)")
    for tier, folded, rows, size in database.execute(
            "SELECT tier, folded, sum(ticks), sum(bytes) FROM span GROUP BY tier, folded"):
        name = ("seconds", "minutes", "hours", "replaced")[tier]
        row(f"`span.bytes`: {name}, {'folded' if folded else 'not folded yet'}, {rows:,} rows", "–",
            f"{size / samples:.4f} ({size:,} bytes)")
    database.close()


def measure_disk(args, work, told, data, series, again):
    """Rows of what each needs for these samples. again: written anew for that."""
    samples = sum(len(one.times) for one in series.values())
    row(f"{told}: samples", "–", f"{samples:,} of {len(series):,} series")
    own = os.path.getsize(os.path.join(data, "netsonde.db"))
    if not (again and args.tile):
        row("bytes per sample, the whole file", "at most 0.5 of a real day at the raw tier",
            f"{own / samples:.3f} ({own:,} bytes)")
        parts = database_parts(data)
        if parts:
            part = of_samples(parts)
            row("of it for samples, the rest are events, tables and alerts", "–",
                f"{part / samples:.3f} ({part:,} bytes)")
    if again:
        to = os.path.join(args.keep or work, "replayed")
        if replay(args, series, to) != samples:
            raise SystemExit("bench: not all samples were written anew")
        own = size_of(to)
        row("a file that has these samples alone", "at most 0.5 of a real day",
            f"{own / samples:.4f} ({own:,} bytes)")
        row_parts(to, samples)
    if again and args.keep:
        return None
    blocks, other = os.path.join(work, "prometheus"), os.path.join(work, "victoria")
    have = prometheus_blocks(series, blocks)
    with VictoriaMetrics(other) as victoria:
        victoria.load(series)
        rows = victoria.rows()
    if (have, rows) != (samples, samples):
        raise SystemExit(f"bench: of {samples} samples Prometheus has {have}, VictoriaMetrics {rows}")
    shutil.rmtree(os.path.join(other, "cache"), ignore_errors=True)  # made anew when it is missing
    for name, size, most in (("VictoriaMetrics", size_of(other), 0.7),
                             ("Prometheus", size_of(blocks), 0.4)):
        row(f"the same samples in {name}", f"netsonde at most {most} of it",
            f"{size / samples:.4f} ({size:,} bytes); netsonde / {name} = {own / size:.3f}")
    return blocks, other


# ---- questions -----------------------------------------------------------------------------------

class Question:
    def __init__(self, told, asked, match, first_s, seconds):
        self.told, self.asked, self.match = told, asked, match
        self.first_s, self.seconds = first_s, seconds
        self.step_s = None  # as netsonde lays them for 1,000 points

    def netsonde(self):
        match = f"&match=device={self.match}" if self.match else ""
        return (f"/api/v1/query?metric=bench_bytes_total{match}&points=1000"
                f"&from={self.first_s * 1000}&to={(self.first_s + self.seconds - 1) * 1000}")

    def prometheus(self, function):
        selector = "bench_bytes_total" + (f'{{device="{self.match}"}}' if self.match else "")
        if function:
            selector = f"{function}({selector}[{self.step_s}s])"
        return "/api/v1/query_range?" + urllib.parse.urlencode(
            {"query": selector, "start": self.first_s + self.step_s,
             "end": self.first_s + self.seconds - 1, "step": self.step_s})


def check_same(question, netsonde, prometheus):
    """That both speak of the same: what each series grew by, to the byte."""
    said = json.loads(netsonde.ask(question.netsonde() + "&agg=sum"))
    ours = {s["labels"]["device"]: sum(v for _, v in s["points"] if v is not None)
            for s in said["series"]}
    last = question.first_s + question.seconds - 1
    grown = {}
    for t, sign in ((last, 1), (question.first_s, -1)):
        path = "/api/v1/query?" + urllib.parse.urlencode(
            {"query": re.sub(r"\[.*", "", "bench_bytes_total" + (
                f'{{device="{question.match}"}}' if question.match else "")), "time": t})
        for one in json.loads(prometheus.ask(path))["data"]["result"]:
            device = one["metric"]["device"]
            grown[device] = grown.get(device, 0) + sign * float(one["value"][1])
    off = [d for d in grown if abs(ours.get(d, 0) - grown[d]) > 1e-9 * grown[d] + 0.5]
    if off or not grown:
        raise SystemExit(f"bench: {question.told}: netsonde and Prometheus differ in {off[:5]}: "
                         f"{[(ours.get(d), grown[d]) for d in off[:5]]}")
    points = max(len(s["points"]) for s in said["series"])
    question.step_s = said["step_ms"] // 1000
    return len(grown), points


def new_series(question, day_series):
    """The same about one counter after the other of which nobody has asked anything yet; each has
    rows of its own in all databases."""
    for i in range(1, day_series, 5):  # every tenth, from 9 on, is a gauge
        question.match = f"dev{i}"
        yield


def measure_question(args, question, netsonde, prometheus, victoria, others):
    series, points = check_same(question, netsonde.http, prometheus.http)
    asked = {"netsonde": (netsonde, Question.netsonde),
             "Prometheus": (prometheus, lambda q: q.prometheus("rate")),
             "Prometheus, without rate()": (prometheus, lambda q: q.prometheus(None)),
             "VictoriaMetrics": (victoria, lambda q: q.prometheus("rate"))}
    took, spent_ms = {name: [] for name in asked}, {name: [] for name in asked}
    for server, _ in asked.values():
        server.http.end()
    # In turns, so that what disturbs the machine disturbs all.
    for _ in zip(range(args.rounds), others):
        for name, (server, path_of) in asked.items():
            before = processor_ns(server.pid)
            took[name].append(server.http.timed_ms(path_of(question)))
            spent_ms[name].append((processor_ns(server.pid) - before) / 1e6)
    rounds = len(took["netsonde"])
    median = {name: statistics.median(values) for name, values in took.items()}
    row(f"{question.told}: {series} series, {points} points each", question.asked,
        f"median {median['netsonde']:.2f} ms of {rounds}, worst {max(took['netsonde']):.2f} ms")
    row("the same, Prometheus, rate() over each step", "netsonde at most 0.1 of it",
        f"{median['Prometheus']:.2f} ms; netsonde / Prometheus = "
        f"{median['netsonde'] / median['Prometheus']:.3f}")
    spent = {name: statistics.median(values) for name, values in spent_ms.items()}
    row("the same, time on the processor, all threads of the server", "–",
        f"{spent['netsonde']:.2f} ms; Prometheus {spent['Prometheus']:.2f} ms, netsonde / it = "
        f"{spent['netsonde'] / spent['Prometheus']:.3f}")
    for name in ("Prometheus, without rate()", "VictoriaMetrics"):
        row(f"the same, {name}", "–", f"{median[name]:.2f} ms; netsonde / it = "
            f"{median['netsonde'] / median[name]:.3f}")


def measure_questions(args, work, data, blocks, other, questions):
    netsonde = [os.path.abspath(args.netsonde), "run", "--listen", "127.0.0.1:PORT", "--data-dir",
                data, "--interval", "60s", "--engine", "procfs"]
    with Server(netsonde, {**os.environ, "NETSONDE_STORE_MAX_SIZE": "100GiB"}, "/readyz") as own, \
            Prometheus(blocks, work) as prometheus, VictoriaMetrics(other) as victoria:
        for question, others in questions:
            measure_question(args, question, own, prometheus, victoria, others)


# ---- main ----------------------------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--netsonde", required=True)
    parser.add_argument("--programs", required=True, help="the folder of make_history and ask")
    parser.add_argument("--database", help="a data directory that a daemon has recorded")
    parser.add_argument("--interval-ms", type=int, default=1000, help="of the recorded one")
    parser.add_argument("--tile", type=int, metavar="HOURS",
                        help="the recorded samples again and again, for so long; see tile()")
    parser.add_argument("--keep", help="no peers: the file of these samples is left there")
    parser.add_argument("--only", choices=["recorded", "made"], help="one part alone")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--day-series", type=int, default=111, help="nine of ten are counters")
    parser.add_argument("--month-series", type=int, default=4)
    parser.add_argument("--month-days", type=int, default=30)
    parser.add_argument("--day-seconds", type=int, default=DAY_S)
    args = parser.parse_args()
    Http.program = os.path.join(args.programs, "ask")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends what was started, removes the rest
    for peer in () if args.keep else (peers.PROMETHEUS, peers.VICTORIA_METRICS):
        peers.fetch(*peer)
        try:
            peers.program(peer[0])
        except peers.Skip as why:
            print(f"storage: skipped, {why}")
            return
    work = tempfile.mkdtemp(prefix="netsonde-storage-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    now_s = int(time.time()) - 10
    print(f"\n## History\n\nMachine: {machine()}.\n")
    row("what", "asked", "measured")
    row("---", "---", "---")
    try:
        if args.database and args.only != "made":
            place = os.path.join(work, "recorded")
            data = os.path.join(place, "netsonde")
            copy_database(args.database, data)
            text = os.path.join(place, "openmetrics")
            export(args, data, text)
            series = read_openmetrics(text)
            os.unlink(text)
            learn_kinds(data, series)
            told = "recorded"
            if args.tile:
                seconds = max(one.times[-1] for one in series.values()) // 1000 - \
                    min(one.times[0] for one in series.values()) // 1000
                tile(series, args.interval_ms, args.tile * 3600, now_s * 1000)
                told = f"{seconds:,} recorded seconds, to and fro for {args.tile} hours"
            measure_disk(args, place, told, data, series, True)
            shutil.rmtree(place)
        if args.only == "recorded":
            return
        day, month = args.day_seconds, args.month_days * DAY_S
        for name, told, seconds, series in (
                ("day", "made, every series moves: a day at 1 s", day, args.day_series),
                ("month", f"made: {args.month_days} days at 1 s, of which two days are kept in "
                 "seconds", month, args.month_series)):
            first_s, place = now_s - seconds, os.path.join(work, name)
            data, text = make(args, place, first_s, seconds, series)
            blocks, other = measure_disk(args, place, told, data, read_openmetrics(text), False)
            os.unlink(text)
            one = Question(f"one series, {'a day at 1 s' if name == 'day' else told[6:]}",
                           "under 3 ms", "dev0", first_s, seconds)
            many = Question("all counters at once, a day at 1 s", "100 series: under 100 ms", None,
                            first_s, seconds)
            again = itertools.repeat(None)
            questions = [(one, again)]
            if name == "day" and args.day_series > 1:
                new = Question("one series that nobody asked for before, a day at 1 s",
                               "under 3 ms", "dev0", first_s, seconds)
                questions.append((new, new_series(new, args.day_series)))
            if name == "day":
                questions.append((many, again))
            measure_questions(args, place, data, blocks, other, questions)
            shutil.rmtree(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
