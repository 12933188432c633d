"""The command line: what each command prints and how it ends (0 fine, 1 failure, 2 usage)."""
import json
import os
import re
import shutil
import socket
import subprocess

from rig import (BINARY, WAIT_S, Daemon, Directory, command, contains, equal, now_ms, own_network,
                 run, until)

COMMANDS = ["run", "doctor", "query", "detect", "bench", "check-config", "dump-config", "version", "help"]


def prints(status, *arguments, **kwargs):
    """What it writes to standard output (when it succeeds) or to standard error."""
    done = command(*arguments, **kwargs)
    equal((done.returncode, done.stderr if status == 0 else done.stdout),
          (status, ""), f"netsonde {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout if status == 0 else done.stderr


def test_version():
    """version, -V and help"""
    equal(bool(re.fullmatch(r"netsonde \d+\.\d+\.\d+\S*\n", prints(0, "version"))), True, "version")
    equal(prints(0, "-V"), prints(0, "version"), "-V")
    equal("netsonde " + json.loads(prints(0, "version", "--json"))["version"] + "\n",
          prints(0, "version"), "version in JSON")
    everything = prints(0, "help")
    equal(prints(0, "--help"), everything, "--help")
    for name in COMMANDS:
        contains(everything, f"\n  {name} ")
        contains(prints(0, "help", name), f"netsonde {name}: ", "usage: ")
        equal(prints(0, name, "-h"), prints(0, "help", name), f"{name} -h")


def test_usage():
    """wrong usage: exit 2, one line on standard error that names it"""
    everything = ["query", "--metric", "*"]
    for arguments, word in ((["nonsense"], "nonsense"), (["--nonsense"], "--nonsense"),
                            (["-x"], "-x"), (["run", "--listen"], "--listen"),
                            (["run", "--interval", "1ms"], "50ms"),
                            (["run", "--listen", "nowhere"], "nowhere"),
                            (["run", "--engine", "magic"], "magic"),
                            (["run", "--log-level", "loud"], "loud"), (["run", "--json"], "json"),
                            (["run", "word"], "word"), (["help", "nonsense"], "nonsense"),
                            (["version", "word"], "word"), (["check-config", "a", "b"], "b"),
                            (["query"], "metric"), ([*everything, "--agg", "mean"], "mean"),
                            ([*everything, "--points", "0"], "0"),
                            ([*everything, "--points", "x"], "x"),
                            ([*everything, "--from", "then"], "then"),
                            ([*everything, "--to", "now+1"], "now+1"),
                            ([*everything, "--from", "-5", "--to", "-10"], "later"),
                            (["query", "--match", "device"], "LABEL=PATTERN"),
                            (["dump-config", "--documentation", "html"], "html"),
                            (["doctor", "word"], "word"), (["doctor", "--engine", "magic"], "magic"),
                            (["detect", "--sigma", "0"], "0.5 to 100"),
                            (["detect", "--window", "5"], "--window"),
                            (["detect", "--learning", "soon"], "--learning"),
                            (["detect", "--min-samples", "4"], "--min-samples"),
                            (["detect", "--confirm", "4/3"], "--confirm"),
                            (["detect", "--false-alarms", "1"], "COUNT/DURATION"),
                            (["detect", "--false-alarms", "1/fortnight"], "1/fortnight"),
                            (["detect", "--metric", "a", "--to", "1960-01-01T00:00:00Z"], "1960"),
                            (["detect", "a", "b"], "b"), (["detect", "--json", "x", "y"], "y"),
                            (["bench"], "fanout"), (["bench", "nonsense"], "nonsense"),
                            (["bench", "fanout", "x"], "x"), (["bench", "packets"], "FILE"),
                            (["bench", "store", "x"], "x"), (["bench", "query", "--ticks", "0"], "0"),
                            (["bench", "store", "--series", "100001"], "100001"),
                            (["bench", "query", "--mode", "tls"], "--mode"),
                            (["bench", "fanout", "--ticks", "5"], "--ticks"),
                            (["bench", "packets", "x", "--levels", "5"], "--levels"),
                            (["bench", "packets", "x", "--seconds", "0.1"], "0.1"),
                            (["bench", "collect", "--levels", "10001"], "10001"),
                            (["bench", "collect", "--size", "64"], "--size"),
                            *((["bench", "store", *words], words[-1].split("=", 1)[-1]) for words in (
                                ["--save-baseline", "a/b"], ["--compare", ".a"],
                                ["--compare", "a", "--threshold", "duration=0"],
                                ["--compare", "a", "--threshold", "weight=5"],
                                ["--publish=ftp://127.0.0.1"], ["--publish=http://a b"],
                                ["--publish=http://127.0.0.1?x=1"])),
                            *((["bench", "store", *words], what) for words, what in (
                                (["--threshold", "cpu=5"], "go with --compare"),
                                (["--force"], "go with --compare"),
                                (["--token-file", "x"], "goes with --publish"),
                                (["--no-keep", "--data-dir", "x"], "--data-dir go with"))),
                            *((["bench", "fanout", *words], words[-1]) for words in (
                                ["--levels", "0"], ["--levels", "10,x"], ["--levels", ","],
                                ["--levels", "100001"], ["--size", "63"], ["--size", "65KiB"],
                                ["--rate", "0"], ["--rate", "1001"], ["--rate", "fast"],
                                ["--seconds", "0.1"], ["--seconds", "601"], ["--seconds", "x"],
                                ["--stalled", "-1"], ["--mode", "quic"], ["--send", "pigeon"]))):
        said = prints(2, *arguments)
        contains(said, word)
        equal(said.count("\n"), 1, f"lines of {said!r}")


# ---- configuration -------------------------------------------------------------------------------

def dumped(*arguments, **kwargs):
    """key: (value, default, from)."""
    rows = json.loads(prints(0, "dump-config", "--json", *arguments, **kwargs))["config"]
    return {row["key"]: (row["value"], row["default"], row["from"]) for row in rows}


def test_configuration():
    """check-config and dump-config: flag over variable over conf.d over file over default"""
    with Directory() as etc:
        path = os.path.join(etc, "netsonde.yaml")
        os.mkdir(os.path.join(etc, "conf.d"))
        for name, text in (("netsonde.yaml", "collect:\n  interval: 5s\n  engines: [procfs]\n"
                                             "store: {raw: 1h, events: 2h}\n"),
                           ("conf.d/10.yaml", "store:\n  raw: 2h\n"),
                           ("conf.d/20.yaml", "store:\n  raw: 3h\n"),
                           ("conf.d/ignored.txt", "nonsense: [\n")):
            with open(os.path.join(etc, name), "w", encoding="utf-8") as f:
                f.write(text)
        equal(prints(0, "check-config", path), "the configuration is good\n", "check-config")
        equal(prints(0, "check-config", "--config", path), "the configuration is good\n", "with -c")

        variables = {**os.environ, "NETSONDE_STORE_EVENTS": "9h", "NETSONDE_COLLECT_INTERVAL": "7s"}
        config = dumped("--config", path, "--interval", "250ms", env=variables)
        equal(config["store.raw"], ("3h", "48h", f"{etc}/conf.d/20.yaml:2:8"), "conf.d")
        equal(config["collect.engines"], (["procfs"], ["auto"], f"{path}:3:12"), "the file")
        equal(config["store.events"], ("9h", "7d", "env NETSONDE_STORE_EVENTS"), "a variable")
        equal(config["collect.interval"], ("250ms", "1s", "flag --interval"), "a flag")
        equal(config["serve.max_clients"], (20000, 20000, "default"), "a default")

        # What is dumped is a configuration file again, and means the same.
        text = prints(0, "dump-config", "--config", path, "--interval", "250ms", env=variables)
        again = os.path.join(etc, "again.yaml")
        os.rename(os.path.join(etc, "conf.d"), os.path.join(etc, "old"))
        with open(again, "w", encoding="utf-8") as f:
            f.write(text)
        equal({k: v[0] for k, v in dumped("--config", again).items()},
              {k: v[0] for k, v in config.items()}, "read again")

        with open(path, "w", encoding="utf-8") as f:
            f.write("collect:\n  interval: soon\n")
        contains(prints(1, "check-config", path), f"{path}:2:13: ")
        contains(prints(1, "dump-config", "--config", path), f"{path}:2:13: ")
        contains(prints(1, "check-config", etc + "/missing"), "missing")


def test_alerts_and_channels():
    """the lists of several files add up, are dumped, and each mistake has its place"""
    here = os.path.dirname(os.path.abspath(__file__))
    example = os.path.join(here, "../../packaging/alerts.yaml")
    equal(prints(0, "check-config", example), "the configuration is good\n", "the example")
    with Directory() as etc:
        path = os.path.join(etc, "netsonde.yaml")
        os.mkdir(os.path.join(etc, "conf.d"))
        for name, text in (("netsonde.yaml", "alerts:\n  - {name: a, metric: m, warning: 1}\n"),
                           ("conf.d/10.yaml", "channels: [{name: c, type: log, path: /x}]\n"
                                              "alerts:\n  - {name: b, metric: m, absent: 5m, "
                                              "channels: [c]}\n")):
            with open(os.path.join(etc, name), "w", encoding="utf-8") as f:
                f.write(text)
        dump = json.loads(prints(0, "dump-config", "--json", "--config", path))
        equal([(item["keys"]["name"], item["from"]) for item in dump["alerts"]],
              [("a", f"{path}:2:5"), ("b", f"{etc}/conf.d/10.yaml:3:5")], "rules of both files")
        equal([item["keys"] for item in dump["channels"]],
              [{"name": "c", "type": "log", "path": "/x"}], "channels")
        equal(dump["alerts"][1]["keys"]["channels"], ["c"], "a list")

        with open(path, "a", encoding="utf-8") as f:
            f.write("  - {name: b, metric: m, warning: 1}\n")
        contains(prints(1, "check-config", path), f"{etc}/conf.d/10.yaml:3:12: alerts.name: the rule b"
                                                  f" is there twice (first in {path}:3:12)")


def test_documentation():
    """docs/CONFIG.md is what the program says of its configuration"""
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../../docs/CONFIG.md"), encoding="utf-8") as f:
        equal(prints(0, "dump-config", "--documentation", "markdown") == f.read(), True,
              "docs/CONFIG.md is as it would be written now")
    contains(prints(0, "dump-config", "--documentation", "man"), ".TH ")


# ---- run and query -------------------------------------------------------------------------------

def test_run():
    """without a command and without a file it runs, on both loopback addresses, where it says"""
    with Directory() as directory:
        state = os.path.join(directory, "state")
        log = os.path.join(directory, "log")
        with open(log, "w", encoding="utf-8") as f:
            process = subprocess.Popen([BINARY], stdin=subprocess.DEVNULL, stdout=f, stderr=f,
                                       env={**os.environ, "STATE_DIRECTORY": state})
        try:
            def told():
                equal(process.poll(), None, "exit status")
                with open(log, encoding="utf-8") as f:
                    return re.findall(r"http://\S+", f.read())
            addresses = until("both addresses are told", lambda: len(told()) == 2 and told())
            equal(addresses, ["http://127.0.0.1:7477/", "http://[::1]:7477/"], "addresses")
            equal(sorted(os.listdir(state))[:2], ["lock", "netsonde.db"], "files")
            equal(os.stat(state).st_mode & 0o777, 0o700, "mode of the directory")
            with open(os.path.join(state, "lock"), encoding="utf-8") as f:
                equal(f.read(), f"{process.pid}\n", "the pid in the lock")
        finally:
            process.terminate()
            equal(process.wait(WAIT_S), 0, "exit status")



def test_query():
    """query: text and JSON, every way to give times, and what it cannot read"""
    with Directory() as data:
        with Daemon(data) as d:
            begin = now_ms()
            d.ticks_pass(12)
        ask = ["query", "--data-dir", data, "--metric", "netsonde_ticks_*"]
        answer = json.loads(prints(0, *ask, "--json"))
        names = [s["name"] for s in answer["series"]]
        equal(sorted(names), ["netsonde_ticks_failed_total", "netsonde_ticks_missed_total",
                              "netsonde_ticks_total"], "series")
        equal(set(answer["series"][0]), {"id", "name", "labels", "unit", "kind", "points"},
              "members")
        iso = subprocess.run(["date", "-u", "-d", f"@{begin / 1000}", "+%Y-%m-%dT%H:%M:%SZ"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        for since in (str(begin // 1000 * 1000), iso, "-3600", "now-1h", "now-60m"):
            answer = json.loads(prints(0, *ask, "--json", "--from", since, "--agg", "sum",
                                       "--match", "device=", "--points", "20000"))
            series = next(s for s in answer["series"] if s["name"] == "netsonde_ticks_total")
            equal(sum(v for _, v in series["points"] if v) >= 12, True, f"ticks from {since}")
        for nothing in ([*ask, "--from", "now-3h", "--to", "now-2h"],
                        ["query", "--data-dir", data, "--metric", "none"]):
            equal(json.loads(prints(0, *nothing, "--json"))["series"], [], f"{nothing}")

        text = prints(0, *ask, "--agg", "sum", "--points", "20000")
        blocks = text.strip().split("\n\n")
        equal(len(blocks), 3, "blocks of text")
        block = next(b for b in blocks if b.startswith("netsonde_ticks_total  [ticks, sum per "))
        for line in block.splitlines()[1:]:
            equal(bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z  \d+", line)), True,
                  line)
        contains(prints(0, *ask), "[ticks per second, avg per ")
        one = prints(0, "query", "--data-dir", data, "--match", "device=lo", "--metric",
                     "node_network_mtu_bytes")
        contains(one, 'node_network_mtu_bytes{device="lo"}  [bytes, avg per ', "  65536\n")

        with open("/dev/full", "w", encoding="utf-8") as full:
            for arguments in (ask, [*ask, "--json"], ["check-config"], ["dump-config"],
                              ["dump-config", "--json"], ["doctor"], ["doctor", "--json"], ["help"], ["version"]):
                done = subprocess.run([BINARY, *arguments], stdout=full, stderr=subprocess.PIPE,
                                      timeout=WAIT_S, check=False)
                equal(done.returncode, 1, f"{arguments[0]}: what it says cannot be written")
                equal(done.stderr, b"netsonde: the answer cannot be written: "
                      b"No space left on device\n", f"{arguments[0]} says so")

        contains(prints(1, "query", "--data-dir", data + "/none", "--metric", "*"),
                 "no history there")
        with open(data + "/netsonde.db", "r+b") as f:
            f.write(b"no database at all")
        contains(prints(1, *ask), "damaged")


def test_query_table():
    """query --table: connections and processes as they were, without a daemon, as at= says with one"""
    with Directory() as data:
        ask = ["query", "--data-dir", data, "--table"]
        contains(prints(1, *ask, "connections"), "no history there")
        with socket.create_server(("127.0.0.1", 0)) as server, Daemon(data) as d:
            port = server.getsockname()[1]
            path = f"/api/v1/connections?at=now&filter=local:127.0.0.1:{port}"
            stored = until("it is stored", lambda: (
                lambda answer: answer[0] == 200 and json.loads(answer[2]))(d.request(path)))
            equal((stored["total"], stored["columns"][:3]), (1, ["id", "protocol", "local"]),
                  "the server's socket")
            now = d.json(path.replace("at=now&", ""))
            equal(now["rows"][0][:5], stored["rows"][0][:5], "now and then")
            begin = stored["t"]
            said = json.loads(prints(0, *ask, "connections", "--json", "--at", str(begin),
                                     "--filter", f"local:127.0.0.1:{port}"))
            equal(said, stored, "beside a daemon")
            until("there is a newer one", lambda: d.json("/api/v1/connections?limit=0")["t"] > begin)
        # At its end the daemon stores them once more.
        last = json.loads(prints(0, *ask, "connections", "--json", "--sort", "-id", "--limit", "1"))
        equal((last["t"] > begin, len(last["rows"])), (True, 1), "at the end")
        text = prints(0, *ask, "connections", "--filter", f"{port}")
        contains(text, "remote", f"127.0.0.1:{port}", "listen")
        equal(bool(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z  \d+ of \d+ rows", text)), True,
              text)
        contains(prints(0, *ask, "processes"), "process")
        contains(prints(1, *ask, "connections", "--at", str(begin - 3600000)), "no connections")
        for words, part in ((["interfaces"], "interfaces"), (["nonsense"], "nonsense"),
                            (["connections", "--sort", "speed"], "speed"),
                            (["connections", "--filter", "speed>5"], "speed"),
                            (["connections", "--limit", "x"], "--limit"),
                            (["connections", "--at", "then"], "then"),
                            (["connections", "--metric", "a"], "--table")):
            contains(prints(2, *ask, *words), part)
        contains(prints(2, "query", "--metric", "a", "--at", "now"), "--table")


def test_query_table_without_names():
    """store.record_names: off: what is stored names no program"""
    with Directory() as data:
        with Daemon(data, environment={**os.environ, "NETSONDE_STORE_RECORD_NAMES": "off"}) as d:
            until("processes are there", lambda: d.status("/api/v1/processes") == 200)
            until("they are stored", lambda: d.status("/api/v1/processes?at=now") == 200)
        for table in ("connections", "processes"):
            said = json.loads(prints(0, "query", "--data-dir", data, "--table", table, "--json",
                                     "--limit", "10000"))
            place = said["columns"].index("process")
            equal({row[place] for row in said["rows"]} <= {None}, True, f"names in {table}")


# ---- what can be measured ------------------------------------------------------------------------

def examined(status, *arguments, **kwargs):
    """What doctor says in JSON: {capability: row}, and everything."""
    said = json.loads(prints(status, "doctor", "--json", *arguments, **kwargs))
    return {row["name"]: row for row in said["capabilities"]}, said


def noise(count):
    """The same whole numbers from 0 to 9 each time."""
    state = 1
    for _ in range(count):
        state = state * 1103515245 + 12345 & 0x7fffffff
        yield state >> 16 & 7


def test_detect():
    """a back-test of a CSV: scores, the alarm of a step, the summary, JSON, bad input"""
    start = 1735689600
    lines = ["timestamp,value"]
    for i, x in enumerate(noise(1400)):
        lines.append(f"{start + i},{x + (40 if 1000 <= i < 1030 else 0)}")
    lines[500] = f"{start + 499},"
    with Directory() as directory:
        file = os.path.join(directory, "step.csv")
        with open(file, "w", encoding="utf-8") as f:
            f.write("\n".join(lines))
        done = command("detect", file)
        equal(done.returncode, 0, done.stderr)
        rows = [line.split(",") for line in done.stdout.splitlines()]
        equal(rows[0], ["timestamp", "value", "score", "mean", "sigma", "alarm"], "header")
        equal(len(rows), 1401, "rows")
        equal(rows[500][1:], ["", "", "", "", "0"], "a missing sample")
        alarms = [int(row[0]) - start for row in rows[1:] if row[5] != "0"]
        equal((1001 <= alarms[0] <= 1004, 1030 <= alarms[-1] <= 1045, len(set(alarms))),
              (True, True, alarms[-1] - alarms[0] + 1), f"alarm: {alarms}")
        equal(float(rows[1001][2]) > 0.99, True, "score of the step's first sample")
        contains(done.stderr, "would have fired 1 time in 1400 samples, one every 1s:", "  up ")
        with open(file, encoding="utf-8") as f:
            again = subprocess.run([BINARY, "detect", "-"], stdin=f, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, timeout=WAIT_S, check=True)
        equal(again.stdout, done.stdout, "standard input")
        answer = json.loads(prints(0, "detect", "--json", file))
        equal((answer["fired"], answer["rows"], answer["interval_ms"], len(answer["points"])),
              (1, 1400, 1000, 1400), "JSON")
        equal(answer["points"][499], [(start + 499) * 1000, None, None, None, None, 0], "null")
        equal(answer["alarms"][0]["direction"], "up", "JSON: direction")
        equal(answer["alarms"][0]["from"], (start + alarms[0]) * 1000, "JSON: from")
        answer = json.loads(prints(0, "detect", "--json", "--sigma", "20", "--false-alarms", "1/week",
                                   "--confirm", "2/2", "--window", "2m", "--learning", "3m",
                                   "--min-samples", "100", file))
        equal(answer["settings"],
              {"sigma": 20, "window_ms": 120000, "min_samples": 100, "confirm": "2/2",
               "learning_ms": 180000, "false_alarms_per_day": round(1 / 7, 6)}, "settings")
        for text, line, word in (("t,value\n1,2\nx,3\n", 3, "no time"), ("1,2\n2,x\n", 2, "no number"),
                                 ("", 0, "no sample"), ("1,2\n" + "9" * 100000 + "\n", 2, "longer")):
            with open(file, "w", encoding="utf-8") as f:
                f.write(text)
            done = command("detect", file)
            equal(done.returncode, 1, f"{text[:20]!r}: status")
            contains(done.stderr, f"{file}:{line}: ", word)
        contains(prints(1, "detect", os.path.join(directory, "none")), "none: ")


def test_doctor():
    """doctor: the table as text and in JSON, what is missing, what was not chosen; info has the same"""
    with Directory() as data:
        where = ("--data-dir", data)
        status = command("doctor", *where).returncode
        equal(status in (0, 3), True, f"doctor ends with {status}")
        rows, said = examined(status, *where)
        states = {e["state"] for row in rows.values() for e in row["engines"]}
        equal(said["missing"] > 0, status == 3, "missing and the exit status")
        equal(bool(states & {"missing", "limited"}), status == 3, f"states {states}")
        equal(rows["interfaces"]["state"], "in use", "interfaces")
        text = prints(status, "doctor", *where)
        for row in rows.values():
            contains(text, row["name"])
            for engine in row["engines"]:
                contains(text, f"{engine['engine']:10} {engine['state']}", engine["remedy"])
        contains(text, "\nfinder        running, pid ")
        contains(said["sandbox"]["finder"], "running, pid ")
        equal(os.listdir(data), [], "what it leaves behind")

        # A daemon says the same of itself, and is not disturbed.
        with Daemon(data) as d:
            info = {c["name"]: c for c in d.json("/api/v1/info")["capabilities"]}
            equal(info, examined(status, *where)[0], "info")
            methods = {s["method"] for s in d.json("/api/v1/series")}
            equal("procfs" in methods and "" not in methods, True, f"methods {methods}")

        # Only what is named collects; the rest is off, which is not missing.
        rows, said = examined(0, *where, "--engine", "procfs")
        equal((rows["interfaces"]["engine"], rows["link_events"]["state"]), ("procfs", "off"),
              "procfs alone")
        contains(rows["link_events"]["remedy"], "--engine netlink,procfs")
        equal({e["name"]: e["state"] for e in said["engines"]}["netlink"], "off", "netlink")

        # A user without privileges is told which command would give them.
        if os.getuid() == 0 and shutil.which("setpriv"):
            nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BINARY]
            done = subprocess.run([*nobody, "doctor", "--json", *where], capture_output=True,
                                  text=True, timeout=WAIT_S, check=False)
            if done.returncode in (0, 3):  # the binary may lie where others cannot go
                rows = {row["name"]: row for row in json.loads(done.stdout)["capabilities"]}
                equal((done.returncode, rows["connections"]["state"]), (3, "limited"), "nobody")
                contains(rows["connections"]["remedy"], "sudo setcap cap_", "cap_sys_ptrace",
                         os.path.realpath(BINARY))

        # Without /proc the files are missing, and links are read all the same.
        blind = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"',
                 BINARY]
        done = subprocess.run([*blind, "doctor", "--json", *where], capture_output=True, text=True,
                              timeout=WAIT_S, check=False)
        # A build with LeakSanitizer ends with that one's status: it cannot look, nor read its options.
        if "LeakSanitizer has encountered a fatal error" not in done.stderr:
            equal(done.returncode, 3, done.stderr)
        rows = {row["name"]: row for row in json.loads(done.stdout)["capabilities"]}
        equal([rows[n]["state"] for n in ("interfaces", "protocols", "sockets", "conntrack")],
              ["in use", "missing", "missing", "off"], "without /proc")
        contains(rows["protocols"]["reason"], "/proc/net/snmp")
        contains(rows["conntrack"]["remedy"], "modprobe nf_conntrack")


def test_engine_in_vain():
    """an engine that is named and can give nothing is missing, and doctor says why"""
    few = ["sh", "-c", 'ulimit -n 4 && exec "$0" "$@"', BINARY]
    with Directory() as data:
        done = subprocess.run([*few, "doctor", "--engine", "netlink", "--data-dir", data],
                              capture_output=True, text=True, timeout=WAIT_S, check=False)
        equal(done.returncode, 3, done.stderr)
        contains(done.stdout, "interfaces           netlink    missing", "Too many open files")


own_network()
run([test_version, test_usage, test_configuration, test_alerts_and_channels, test_documentation, test_run,
     test_query, test_query_table, test_query_table_without_names, test_detect, test_doctor,
     test_engine_in_vain])
