#!/usr/bin/env python3
"""History as a file: from the command line and by HTTP, in every format, whole or not at all."""
import base64
import csv
import gzip
import hashlib
import io
import json
import os
import pty
import re
import resource
import select
import signal
import socket
import subprocess
import time
import zlib

import peers
from rig import (BINARY, SLOW, WAIT_S, Daemon, Directory, Skip, check_output, command, contains,
                 equal, now_ms, own_network, run, until)

HISTORY = os.environ.get("HISTORY", "")
ENVIRONMENT = {"NETSONDE_COLLECT_ENGINES": "procfs", "NETSONDE_STORE_RAW": "60d"}
HOSTILE = ["=cmd()", "+1,2", 'a "b"\nc', "@x\\", "-1", "x"]


# ---- what a history holds: see history.c -----------------------------------------------------------

class Past:
    """`ticks` ticks of `series` series, the last one at `last_ms`."""

    def __init__(self, data, ticks, series, interval_ms=1000, ago_ms=60000):
        if not HISTORY or not os.path.exists(HISTORY):
            raise Skip("the program that makes a history was not built")
        self.ticks, self.series, self.interval_ms = ticks, series, interval_ms
        self.last_ms = (now_ms() - ago_ms) // interval_ms * interval_ms
        self.first_ms = self.last_ms - (ticks - 1) * interval_ms
        subprocess.run([HISTORY, data, str(ticks), str(series), str(interval_ms),
                        str(self.last_ms)], check=True, timeout=WAIT_S * 4)

    def range(self):
        return {"from": str(self.first_ms), "to": str(self.last_ms)}

    def device(self, s):
        return f"{HOSTILE[s // 6 % 6]}{s // 6}"

    def name(self, s):
        return ["history_bytes_total", "history_level", "history_wait_seconds_total",
                "history_rtt_seconds_bucket", "history_rtt_seconds_bucket",
                "history_rtt_seconds_count"][s % 6]

    def labels(self, s):
        labels = {"device": self.device(s)}
        return {**labels, "le": "+Inf" if s % 6 == 4 else "0.5"} if s % 6 in (3, 4) else labels

    def value(self, s, i):
        if s % 6 == 1:
            return (i * 7 + s) % 1000 / 8
        counted = 0 if i == 0 else s + 1
        return counted / 1e9 if s % 6 == 2 else float(counted)

    def points(self):
        """(name, labels as a sorted tuple) -> [(t, value), …]"""
        return {(self.name(s), tuple(sorted(self.labels(s).items()))):
                [(self.first_ms + i * self.interval_ms, self.value(s, i))
                 for i in range(self.ticks)] for s in range(self.series)}


def plain(cell):
    """A cell without the ' that keeps it from being a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in "=+-@\t\r\n" else cell


def epoch_ms(text):
    seconds, ms = re.fullmatch(r"(.*)\.(\d{3})Z", text).groups()
    return int(time.strftime("%s", time.strptime(seconds, "%Y-%m-%dT%H:%M:%S"))) * 1000 + int(ms)


def unescape(text):
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text)


def parse_labels(text):
    return {name: unescape(value)
            for name, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', text)}


def read_csv(text):
    rows = list(csv.reader(io.StringIO(text, newline="")))
    equal(rows[0], ["time", "name", "labels", "unit", "value"], "header")
    found = {}
    for when, name, labels, _, value in rows[1:]:
        key = (plain(name), tuple(sorted(parse_labels(plain(labels)).items())))
        found.setdefault(key, []).append((epoch_ms(when), float(value)))
    return found


def read_wide(text):
    rows = list(csv.reader(io.StringIO(text, newline="")))
    keys = []
    for cell in rows[0][1:]:
        name, labels = re.fullmatch(r"(\w+)(?:\{(.*)\})?", plain(cell), re.DOTALL).groups()
        keys.append((name, tuple(sorted(parse_labels(labels or "").items()))))
    found = {key: [] for key in keys}
    for row in rows[1:]:
        equal(len(row), len(keys) + 1, "cells of a row")
        for key, cell in zip(keys, row[1:]):
            if cell:
                found[key].append((epoch_ms(row[0]), float(cell)))
    return found


def read_json(text):
    answer = json.loads(text)
    found = {(s["name"], tuple(sorted(s["labels"].items()))): [tuple(p) for p in s["points"]]
             for s in answer["series"]}
    equal(answer["metadata"]["rows"], sum(map(len, found.values())), "rows in the metadata")
    return found


def read_ndjson(text):
    found = {}
    for line in text.splitlines():
        row = json.loads(line)
        key = (row["name"], tuple(sorted(row["labels"].items())))
        found.setdefault(key, []).append((row["t"], row["value"]))
    return found


def read_openmetrics(text):
    """Of counters the increments, as the other formats have them. Holds the text to the standard's
    rules: families and metrics are not mixed, times grow, the end is marked."""
    found, totals, types, families, metrics, family = {}, {}, {}, set(), set(), None
    lines = text.split("\n")
    equal(lines[-2:], ["# EOF", ""], "the end")
    metric = newest = None
    for line in lines[:-2]:
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            equal(family in families, False, f"{family} comes twice")
            families.add(family)
            types[family], metric = kind, None
            continue
        if line.startswith("# "):
            equal(line.split(" ")[2], family, "the family of " + line)
            continue
        name, labels, value, seconds = re.fullmatch(
            r"(\w+)(?:\{((?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*)\})? (\S+) (\S+)", line).groups()
        labels = parse_labels(labels or "")
        t_ms = round(float(seconds) * 1000)
        kind = types[family]
        suffix = {"counter": ["_total"], "gauge": [""], "unknown": [""],
                  "histogram": ["_bucket", "_count", "_sum"]}[kind]
        equal(name in [family + end for end in suffix], True, f"{name} in {kind} {family}")
        this = (family, tuple(sorted((k, v) for k, v in labels.items()
                                     if kind != "histogram" or k != "le")))
        if this != metric:
            equal(this in metrics, False, f"{this} comes twice")
            metrics.add(this)
            metric, newest = this, None
        equal(newest is None or t_ms >= newest, True, "times grow")
        newest = t_ms
        key = (name, tuple(sorted(labels.items())))
        number = float(value)
        if kind != "gauge":
            before = totals.get(key, 0.0)
            equal(number >= before, True, "a counter grows")
            totals[key], number = number, number - before
        found.setdefault(key, []).append((t_ms, number))
    return found


FORMATS = {
    "csv": (["--format", "csv"], "format=csv", read_csv),
    "wide": (["--format", "csv", "--layout", "wide"], "format=csv&layout=wide", read_wide),
    "json": (["--format", "json"], "format=json", read_json),
    "ndjson": (["--format", "ndjson"], "format=ndjson", read_ndjson),
    "openmetrics": (["--format", "openmetrics"], "format=openmetrics", read_openmetrics),
}


def same_points(found, expected, what, exact=True):
    equal(sorted(found), sorted(expected), what + ": series")
    for key, points in expected.items():
        equal([t for t, _ in found[key]], [t for t, _ in points], f"{what}: times of {key}")
        for (_, a), (_, b) in zip(found[key], points):
            close = a == b if exact else abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-9)
            equal(close, True, f"{what}: {a} and {b} of {key}")


# ---- HTTP, byte by byte ------------------------------------------------------------------------------

class Answer:
    """GET of a path on a connection of its own, read as far as one likes."""

    def __init__(self, d, path, *headers, method="GET", version="1.1", receive=None):
        self.socket = socket.socket()
        if receive:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(("127.0.0.1", d.port))
        lines = [f"{method} {path} HTTP/{version}", f"Host: 127.0.0.1:{d.port}", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self.buffer = b""
        head = self.until(b"\r\n\r\n").decode().split("\r\n")
        self.status = int(head[0].split(" ")[1])
        self.headers = self.fields(head[1:])
        self.trailers, self.whole = {}, False

    @staticmethod
    def fields(lines):
        return {name.lower(): value for name, value in
                (line.split(": ", 1) for line in lines if line)}

    def more(self):
        data = self.socket.recv(1 << 16)
        self.buffer += data
        return data

    def take(self, length):
        while len(self.buffer) < length and self.more():
            pass
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def until(self, mark):
        while mark not in self.buffer and self.more():
            pass
        data, _, self.buffer = self.buffer.partition(mark)
        return data

    def chunks(self):
        """The body, chunk by chunk; `whole` tells whether it came to its end."""
        if self.headers.get("transfer-encoding") != "chunked":
            if "content-length" in self.headers:
                yield self.take(int(self.headers["content-length"]))
            else:
                while self.buffer or self.more():
                    yield self.take(len(self.buffer))
            self.whole = True
            return
        while True:
            try:
                size = self.until(b"\r\n")
                if not size:
                    return
                data = self.take(int(size, 16))
                if len(data) < int(size, 16):
                    return
                if not data:
                    break
                equal(self.take(2), b"\r\n", "the end of a chunk")
            except ConnectionError:
                return
            yield data
        rest = self.until(b"\r\n") if self.peek() == b"\r\n" else self.until(b"\r\n\r\n")
        self.trailers = self.fields(rest.decode().split("\r\n"))
        self.whole = True

    def peek(self):
        while len(self.buffer) < 2 and self.more():
            pass
        return self.buffer[:2]

    def body(self):
        return b"".join(self.chunks())

    def close(self):
        self.socket.close()


def get(d, path, *headers, **kwargs):
    answer = Answer(d, "/api/v1/export?" + path, *headers, **kwargs)
    body = answer.body()
    answer.close()
    equal(answer.status, 200, body[:300])
    equal(answer.whole, True, "the answer is whole")
    return answer, body


def digest_of(trailers):
    return base64.b64decode(re.fullmatch(r"sha-256=:(.*):", trailers["repr-digest"])[1])


def export(data, *arguments, code=0):
    done = subprocess.run([BINARY, "export", "--data-dir", data, *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=WAIT_S * 2, check=False)
    check_output(done.stderr.decode(errors="replace"))
    equal(done.returncode, code, done.stderr)
    return done


# ---- cases -------------------------------------------------------------------------------------------

def test_files():
    """every format has every sample, exactly; the meta file knows the file"""
    with Directory() as data, Directory() as out:
        past = Past(data, 1500, 24)
        expected = past.points()
        for name, (arguments, _, read) in FORMATS.items():
            path = os.path.join(out, name)
            export(data, *arguments, "--metric", "history_*", "--from", past.range()["from"],
                   "--to", past.range()["to"], "-o", path)
            with open(path, "rb") as f:
                content = f.read()
            same_points(read(content.decode()), expected, name, exact=name != "openmetrics")
            with open(path + ".meta.json", encoding="utf-8") as f:
                meta = json.load(f)
            equal(meta["sha256"], hashlib.sha256(content).hexdigest(), "digest")
            equal(meta["bytes"], len(content), "bytes")
            equal((meta["from"], meta["to"]), (past.first_ms, past.last_ms), "range")
            equal((meta["series"], meta["tier"], meta["interval_ms"]), (24, "raw", 1000), name)
            equal(meta["engines"], ["history"], "engines")
            rows = {"wide": 1500, "openmetrics": 16 * 1500}.get(name, 24 * 1500)
            equal(meta["rows"], rows, "rows of " + name)
            equal(export(data, *arguments, "--from", past.range()["from"], "--to",
                         past.range()["to"]).stdout, content, "standard output")
        equal(sorted(os.listdir(out)),
              sorted([n for f in FORMATS for n in (f, f + ".meta.json")]), "files")


def test_http():
    """by HTTP the same bytes as from the command line, with headers, digests, gzip, HEAD, HTTP/1.0"""
    with Directory() as data:
        past = Past(data, 900, 24)
        chosen = "&".join(f"{k}={v}" for k, v in past.range().items()) + "&metric=history_*"
        fixed = ["--metric", "history_*", "--from", past.range()["from"], "--to",
                 past.range()["to"]]
        with Daemon(data, environment=ENVIRONMENT) as d:
            cases = [(name, arguments, path) for name, (arguments, path, _) in FORMATS.items()]
            cases += [("points", ["--format", "csv", "--points", "100"], "format=csv&points=100"),
                      ("rates", ["--format", "ndjson", "--agg", "avg"], "format=ndjson&agg=avg"),
                      ("quantiles", ["--format", "json", "--agg", "p90"], "format=json&agg=p90")]
            for name, arguments, path in cases:
                expected = export(data, *arguments, *fixed).stdout
                answer, body = get(d, f"{path}&{chosen}")
                equal(body == expected, True, f"{name}: the same bytes")
                equal(len(body) > 1000, True, f"{name}: there is something")
                equal(digest_of(answer.trailers), hashlib.sha256(body).digest(), "digest")
                equal(answer.trailers["netsonde-sha256"], hashlib.sha256(body).hexdigest(), "hex")
                equal(answer.trailers["netsonde-damaged"], "0", "damage")
                equal(int(answer.headers["netsonde-from"]), past.first_ms, "from")
                equal(int(answer.headers["netsonde-to"]), past.last_ms, "to")
                contains(answer.headers["content-disposition"], "attachment; filename=\"netsonde-")
                packed, content = get(d, f"{path}&{chosen}", "Accept-Encoding: gzip")
                equal(packed.headers["content-encoding"], "gzip", "packed")
                equal(gzip.decompress(content) == expected, True, f"{name}: unpacked the same")
                equal(digest_of(packed.trailers), hashlib.sha256(content).digest(), "of the gzip")
                equal(packed.trailers["netsonde-sha256"], answer.trailers["netsonde-sha256"],
                      "of what is in it")
                old, content = get(d, f"{path}&{chosen}", version="1.0")
                equal("transfer-encoding" in old.headers, False, "no chunks in HTTP/1.0")
                equal(content == expected, True, f"{name}: HTTP/1.0")
                head = Answer(d, f"/api/v1/export?{path}&{chosen}", "Connection: close",
                              method="HEAD")
                equal((head.status, head.take(1)), (200, b""), "a head and no more")
                equal(head.headers["content-type"], answer.headers["content-type"], "of HEAD")
                head.close()
            answer, body = get(d, f"format=csv&{chosen}")
            equal(answer.trailers["netsonde-rows"], str(24 * 900), "rows")
            equal(answer.headers["content-type"], "text/csv; charset=utf-8; header=present", "type")
            equal((answer.headers["netsonde-tier"], answer.headers["netsonde-series"],
                   answer.headers["netsonde-engines"], answer.headers["netsonde-interval-ms"]),
                  ("raw", "24", "history", "1000"), "headers")
            # The connection goes on: the next request is answered behind the trailers.
            both = Answer(d, f"/api/v1/export?format=csv&{chosen}")
            both.socket.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{d.port}\r\n"
                                "Connection: close\r\n\r\n".encode())
            equal(both.body() == body, True, "the first answer")
            equal(both.until(b"\r\n").split(b" ")[1], b"200", "the second answer")
            both.close()


def test_curl():
    """curl takes it, whole and compressed"""
    curl, environment = peers.program("curl")
    with Directory() as data:
        past = Past(data, 600, 10)
        with Daemon(data, environment=ENVIRONMENT) as d:
            address = (f"http://127.0.0.1:{d.port}/api/v1/export?format=csv&metric=history_*&"
                       f"from={past.first_ms}&to={past.last_ms}")
            expected = get(d, address.split("?", 1)[1])[1]
            for flags in ([], ["--compressed"], ["--http1.0"]):
                done = subprocess.run([curl, "-sSf", *flags, address], env=environment,
                                      stdout=subprocess.PIPE, timeout=WAIT_S, check=True)
                equal(done.stdout == expected, True, f"curl {flags}")


def test_refusals():
    """what cannot be is refused, with the reason"""
    with Directory() as data:
        Past(data, 30, 5)
        with Daemon(data, environment=ENVIRONMENT) as d:
            for query, field in (("format=xml", "format"), ("layout=wide", "layout"),
                                 ("format=csv&layout=x", "layout"), ("points=0", "points"),
                                 ("points=20001", "points"), ("agg=x", "agg"),
                                 ("from=now&to=-60", "from"), ("from=x", "from"),
                                 ("match=x", "match"), ("table=x", "table"),
                                 ("table=connections&format=openmetrics", "format"),
                                 ("table=connections&metric=x", "metric"),
                                 ("table=interfaces&at=-5", "at"), ("filter=x", "filter"),
                                 ("table=connections&filter=x>y", "filter"),
                                 ("table=connections&sort=x", "sort")):
                status, headers, text = d.request("/api/v1/export?" + query)
                equal(status, 400, f"{query}: {text}")
                equal(json.loads(text)["error"]["field"], field, query)
                equal("Transfer-Encoding" in headers, False, "a plain error")
            equal(d.status("/api/v1/export?table=connections&at=1000"), 404, "no such table then")
            equal(d.status("/api/v1/export", method="POST"), 405, "POST")
        for arguments in (["--format", "xml"], ["--layout", "wide", "--format", "json"],
                          ["--points", "0"], ["--agg", "x"], ["--from", "x"],
                          ["--from", "now", "--to", "-60"], ["--match", "x"],
                          ["--table", "interfaces"], ["--at", "-5"], ["--json"], ["x"],
                          ["--table", "connections", "--format", "openmetrics"]):
            export(data, *arguments, code=2)
        export(data + "/none", code=1)
        contains(export(data, "--from", "0", "-o", data + "/none/file", code=1).stderr.decode(),
                 "No such file or directory")
        nothing = export(data, "--metric", "nothing", "--format", "csv")
        equal(nothing.stdout, b"time,name,labels,unit,value\r\n", "nothing")
        contains(nothing.stderr.decode(), "nothing of the kind")


def test_hostile_names():
    """no cell of a CSV is a formula, and every name comes back as it was"""
    with Directory() as data:
        past = Past(data, 3, 60)
        for layout in ("long", "wide"):
            text = export(data, "--layout", layout, "--from", "0").stdout.decode()
            rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
            for row in rows:
                for cell in row:
                    if cell[:1] in "=+-@\t\r\n" and cell:
                        float(cell)  # a number is none
            found = read_csv(text) if layout == "long" else read_wide(text)
            equal(sorted(found), sorted(past.points()), "names")


def test_tables():
    """tables as files: the present by HTTP, the past from both"""
    with Directory() as data:
        with Daemon(data, environment=ENVIRONMENT) as d:
            until("a table", lambda: d.status("/api/v1/interfaces") == 200)
            until("connections", lambda: d.status("/api/v1/connections") == 200)
            shown = d.json("/api/v1/interfaces?limit=10000")
            answer, body = get(d, "table=interfaces&format=json")
            told = json.loads(body)
            equal(told["columns"], shown["columns"], "columns")
            equal(len(told["rows"]), shown["total"], "rows")
            equal(told["metadata"]["rows"], shown["total"], "metadata")
            answer, body = get(d, "table=interfaces&format=csv")
            rows = list(csv.reader(io.StringIO(body.decode(), newline="")))
            equal((rows[0], len(rows) - 1), (shown["columns"], shown["total"]), "as CSV")
            equal(answer.trailers["netsonde-rows"], str(shown["total"]), "rows")
            lines = get(d, "table=interfaces&format=ndjson&filter=device:lo")[1].splitlines()
            equal(json.loads(lines[0])["device"], "lo", "a line")
        path = os.path.join(data, "file")
        export(data, "--table", "connections", "--format", "csv", "-o", path)
        with open(path, "rb") as f:
            expected = f.read()
        with open(path + ".meta.json", encoding="utf-8") as f:
            stored_ms = json.load(f)["t"]
        equal(expected.startswith(b"id,protocol,local,remote"), True, "header")
        equal(len(expected.splitlines()) > 1, True, "rows")
        with Daemon(data, environment=ENVIRONMENT) as d:
            _, body = get(d, f"table=connections&format=csv&at={stored_ms}")
            equal(body == expected, True, "the table that was stored")


def memory_kib(pid, what="VmHWM"):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(what + r":\s+(\d+)", f.read())[1])


def test_memory():
    """a million rows take the command no more memory than a thousand"""
    peak = {}
    with Directory() as data:
        Past(data, 20000, 50)
        for name, arguments in (("small", ["--to", "-19000"]), ("csv", []),
                                ("wide", ["--layout", "wide"]), ("json", ["--format", "json"]),
                                ("openmetrics", ["--format", "openmetrics"])):
            process = subprocess.Popen([BINARY, "export", "--data-dir", data, "--from", "0",
                                        *arguments, "-o", "/dev/null"])
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            equal(process.returncode, 0, name)
            peak[name] = usage.ru_maxrss
    for name, kib in peak.items():
        equal(kib < peak["small"] + 24 * 1024 * SLOW, True, f"{name}: {peak}")


def test_slow_reader():
    """a reader who stops costs the daemon a piece, not the file; then gets all of it"""
    with Directory() as data:
        past = Past(data, 20000, 50)
        chosen = f"format=csv&metric=history_*&from={past.first_ms}&to={past.last_ms}"
        expected = hashlib.sha256(export(data, "--metric", "history_*", "--from",
                                         str(past.first_ms), "--to", str(past.last_ms)).stdout)
        with Daemon(data, environment=ENVIRONMENT, interval="1s") as d:
            before = memory_kib(d.pid)
            answer = Answer(d, "/api/v1/export?" + chosen, receive=65536)
            chunks, digest, size = answer.chunks(), hashlib.sha256(), 0
            while size < 4 << 20:
                chunk = next(chunks)
                digest.update(chunk)
                size += len(chunk)
            ticks = d.metric("netsonde_ticks_total")
            until("the queue is there", lambda: d.metric("netsonde_server_queued_bytes") > 0)
            until("two ticks more", lambda: d.metric("netsonde_ticks_total") >= ticks + 2)
            grown = memory_kib(d.pid) - before
            equal(grown < 32 * 1024 * SLOW, True, f"grown by {grown} KiB while it waits")
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
            equal(answer.whole, True, "it is whole")
            equal(digest.digest(), expected.digest(), "and the same")
            equal(size > 64 << 20, True, "it was large")
            answer.close()
            grown = memory_kib(d.pid) - before
            equal(grown < 32 * 1024 * SLOW, True, f"grown by {grown} KiB in all")


def test_many_and_leaving():
    """four at once, no fifth; who leaves makes room; the daemon ends in time whatever is under way"""
    with Directory() as data:
        past = Past(data, 5000, 50)
        chosen = f"/api/v1/export?format=csv&from={past.first_ms}&to={past.last_ms}"
        with Daemon(data, environment=ENVIRONMENT, interval="1s") as d:
            under_way = [Answer(d, chosen, receive=4096) for _ in range(4)]
            equal([a.status for a in under_way], [200] * 4, "four")
            status, headers, text = d.request(chosen)
            equal((status, json.loads(text)["error"]["code"]), (503, "busy"), "the fifth")
            equal(int(headers["Retry-After"]) > 0, True, "when to come back")
            under_way.pop().close()
            answer = until("room again", lambda: (lambda a: a if a.status == 200 else a.close())(
                Answer(d, chosen, receive=4096)))
            under_way.append(answer)
            # Questions of others are answered meanwhile.
            equal(d.status(f"/api/v1/query?metric=history_level&from={past.first_ms}"), 200, "query")
            code, seconds = d.stop()
            equal(code, 0, "exit status")
            equal(seconds < 2 * SLOW, True, f"{seconds:.1f} s to stop")
            for answer in under_way:
                for _ in answer.chunks():
                    pass
                equal(answer.whole, False, "who was not at the end can tell")
                answer.close()


def test_cut():
    """a history that is taken away in the middle cuts the answer, which shows and is counted"""
    with Directory() as data:
        past = Past(data, 5000, 50)
        with Daemon(data, environment=ENVIRONMENT, interval="1s") as d:
            answer = Answer(d, f"/api/v1/export?format=csv&from={past.first_ms}&"
                            f"to={past.last_ms}", receive=4096)
            for name in ("netsonde.db", "netsonde.db-wal", "netsonde.db-shm"):
                os.rename(os.path.join(data, name), os.path.join(data, name + ".away"))
            size = sum(len(chunk) for chunk in answer.chunks())
            equal(answer.whole, False, f"after {size} bytes")
            answer.close()
            until("it is counted", lambda: d.metric("netsonde_server_answers_cut_total") == 1)


def test_month():
    """a month of minutes, from both ways"""
    with Directory() as data:
        past = Past(data, 31 * 24 * 60, 5, interval_ms=60000)
        expected = export(data, "--format", "ndjson", "--metric", "history_*", "--from", "now-31d",
                          "--to", str(past.last_ms)).stdout
        found = read_ndjson(expected.decode())
        for key, points in past.points().items():
            equal(len(points) - len(found[key]) <= 2, True, "rows")
            equal(found[key], points[-len(found[key]):], f"all of {key}")
        with Daemon(data, environment=ENVIRONMENT, interval="1s") as d:
            answer, body = get(d, f"format=ndjson&metric=history_*&from={past.first_ms}&"
                               f"to={past.last_ms}")
            equal(answer.trailers["netsonde-rows"], str(5 * past.ticks), "rows")
            equal(read_ndjson(body.decode()) == past.points(), True, "all of it")


def test_interrupted():
    """interrupted it leaves nothing, and says so"""
    def interrupt():  # it waits for the program, which looks at it after its first piece
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        os.kill(os.getpid(), signal.SIGINT)

    with Directory() as data, Directory() as out:
        Past(data, 3000, 20)
        path = os.path.join(out, "file")
        with open(path, "w", encoding="ascii") as f:
            f.write("as it was")
        done = subprocess.run([BINARY, "export", "--data-dir", data, "--from", "0", "-o", path],
                              preexec_fn=interrupt, stderr=subprocess.PIPE, timeout=WAIT_S,
                              check=False)
        equal(done.returncode, 1, done.stderr)
        contains(done.stderr.decode(), "interrupted")
        equal(os.listdir(out), ["file"], "nothing else is there")
        with open(path, encoding="ascii") as f:
            equal(f.read(), "as it was", "the file")
        # A full disk is no end, either.
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        done = subprocess.run([BINARY, "export", "--data-dir", data, "--from", "0", "-o", path],
                              preexec_fn=limit, stderr=subprocess.PIPE, timeout=WAIT_S, check=False)
        equal((done.returncode, os.listdir(out)), (1, ["file"]), done.stderr)


def test_progress():
    """a terminal is shown how far it is"""
    with Directory() as data, Directory() as out:
        Past(data, 3000, 20)
        main, inner = pty.openpty()
        process = subprocess.Popen([BINARY, "export", "--data-dir", data, "--from", "0", "-o",
                                    os.path.join(out, "file")], stderr=inner)
        os.close(inner)
        shown = b""
        while select.select([main], [], [], WAIT_S)[0]:
            try:
                shown += os.read(main, 65536)
            except OSError:
                break
        os.close(main)
        equal(process.wait(WAIT_S), 0, shown)
        text = shown.decode()
        contains(text, "\r[", "100 %", "60000 rows", "MiB/s", "[########################]")
        done = export(data, "--from", "0", "-o", os.path.join(out, "file"))
        equal(done.stderr, b"", "no terminal, no bar")


def test_promtool():
    """Prometheus makes blocks of the OpenMetrics file"""
    promtool, environment = peers.program("prometheus")
    with Directory() as data, Directory() as out:
        past = Past(data, 900, 24)
        path = os.path.join(out, "file")
        export(data, "--format", "openmetrics", "--metric", "history_*", "--from",
               str(past.first_ms), "--to", str(past.last_ms), "-o", path)
        done = subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", path,
                               os.path.join(out, "blocks")], env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=WAIT_S * 4, check=False)
        equal(done.returncode, 0, done.stdout)
        samples = sum(json.load(open(os.path.join(out, "blocks", block, "meta.json"),
                                     encoding="utf-8"))["stats"]["numSamples"]
                      for block in os.listdir(os.path.join(out, "blocks")))
        equal(samples, 24 * 900, "samples in the blocks")


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    peers.fetch("curl", "usr/bin/curl")
    peers.fetch("prometheus", "usr/bin/promtool")
    own_network()
    run([test_files, test_http, test_curl, test_refusals, test_hostile_names, test_tables,
         test_memory, test_slow_reader, test_many_and_leaving, test_cut, test_month,
         test_interrupted, test_progress, test_promtool])
