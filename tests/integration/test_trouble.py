"""When something is wrong: nothing crashes, nothing is touched that must not be, what still works
goes on, and it is said what happened."""
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess

from rig import (CLONE_NEWNS, MS_BIND, MS_REC, WAIT_S, Daemon, Directory, Skip, command, contains,
                 equal, fill, mount, own_network, refused, run, unmount, unshare, until)

# Engines are probed again once a minute. The daemon that waits for that runs beside all the others.
PROBE_S = 60


# ---- it does not start ---------------------------------------------------------------------------

def test_port():
    """a port in use: exit 1, naming it"""
    with socket.socket() as s, Directory() as data:
        s.bind(("127.0.0.1", 0))
        s.listen()
        code, said = refused(data, port=s.getsockname()[1])
        equal(code, 1, "exit status")
        contains(said, f"127.0.0.1:{s.getsockname()[1]}", "another program is using it")


def test_beyond_loopback():
    """a listener beyond loopback is refused without a token to protect it"""
    with Directory() as data:
        code, said = refused(data, "--listen", "0.0.0.0:0")
        equal(code, 1, "exit status")
        contains(said, "beyond loopback")


def test_unwritable():
    """an unwritable data directory: exit 1, naming it and what to do"""
    with Directory() as data:
        mount("tmpfs", data, "tmpfs", options="size=1m")
        mount("tmpfs", data, "tmpfs", flags=0x20 | 1, options="size=1m")  # remount, read-only
        try:
            for directory in (data, data + "/deeper"):
                code, said = refused(directory)
                equal(code, 1, "exit status")
                contains(said, directory, "Read-only file system", "--data-dir")
        finally:
            unmount(data)
        with open(data + "/file", "w", encoding="utf-8"):
            pass
        code, said = refused(data + "/file")
        equal(code, 1, "exit status")
        contains(said, data + "/file")


def bad_configuration(text, *expected, name="netsonde.yaml"):
    with Directory() as etc:
        path = os.path.join(etc, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        code, said = refused(os.path.join(etc, "data"), "--config", path)
        checked = command("check-config", path)
        equal((code, checked.returncode), (1, 1), "exit status of run and check-config")
        for where, what in expected:
            contains(said, f"{path}:{where}: ", what)
            contains(checked.stdout + checked.stderr, f"{path}:{where}: ", what)
        equal(os.path.exists(os.path.join(etc, "data")), False, "nothing was started")


def test_configuration():
    """a broken configuration: exit 1 with file, line, column and what was expected"""
    bad_configuration("collect:\n  interval: 10ms\n", ("2:13", "50ms to 60s"))
    bad_configuration("collect:\n  intervall: 1s\n", ("2:3", "intervall"))
    bad_configuration("serve:\n  listen: [\"127.0.0.1:80\", \"nonsense\"]\n", ("2:11", "nonsense"))
    bad_configuration("collect: {interval: 1s\nserve:\n", ("2:6", "flow mapping"))
    bad_configuration("store:\n  raw: 1h\n  raw: 2h\n", ("3:3", "raw"))
    # Every mistake is told, not only the first.
    bad_configuration("store:\n  raw: fast\n  events: 1\nother: 1\n",
                      ("2:8", "duration"), ("3:11", "duration"), ("4:1", "other"))
    with Directory() as data:
        code, said = refused(data, "--config", data + "/missing.yaml")
        equal(code, 1, "exit status")
        contains(said, "missing.yaml")
        code, said = refused(data, environment={"NETSONDE_STORE_RAW": "x"})
        equal(code, 1, "exit status")
        contains(said, "NETSONDE_STORE_RAW")
        code, said = refused(data, "--interval", "1ms")
        equal(code, 2, "exit status for a bad flag")
        contains(said, "--interval")


# ---- the database --------------------------------------------------------------------------------

def set_aside(data):
    return [n for n in os.listdir(data) if re.fullmatch(r"netsonde\.db\.corrupt-\d+T\d+Z(-\d+)?",
                                                        n)]


def fingerprint(path):
    """The bytes and the time of a database. Looking at one in WAL mode makes an empty WAL."""
    found = []
    for name in (path, path + "-wal"):
        if os.path.exists(name) and os.path.getsize(name):
            with open(name, "rb") as f:
                found.append((f.read(), os.stat(name).st_mtime_ns))
    return found


def is_left_alone(data, *expected):
    path = os.path.join(data, "netsonde.db")
    before = fingerprint(path)
    code, said = refused(data)
    equal(code, 1, "exit status")
    contains(said, path, *expected)
    equal(fingerprint(path) == before, True, "not a byte changed")
    equal(set_aside(data), [], "set aside")


def test_newer():
    """a database of a newer version, or of another program, is refused and left as it is"""
    with Directory() as data:
        with Daemon(data) as d:
            d.ticks_pass()
        path = os.path.join(data, "netsonde.db")
        db = sqlite3.connect(path)
        db.execute("PRAGMA user_version = 99")
        db.close()
        is_left_alone(data, "newer", "99")
    for statements in (["PRAGMA application_id = 252006673"], ["CREATE TABLE note(text)"],
                       ["PRAGMA journal_mode = WAL", "CREATE TABLE note(text)"]):
        with Directory() as data:
            db = sqlite3.connect(os.path.join(data, "netsonde.db"))
            for statement in statements:
                db.execute(statement)
            db.execute("CREATE TABLE other(text)")
            db.commit()
            db.close()
            is_left_alone(data, "another program")


def test_corrupt():
    """a damaged database is set aside, said, and a new one begun"""
    for damage in ("nonsense", "header", "truncated"):
        with Directory() as data:
            path = os.path.join(data, "netsonde.db")
            with Daemon(data) as d:
                d.ticks_pass(5)
                last = d.json("/api/v1/info")["seq"]
            with open(path, "r+b") as f:
                if damage == "nonsense":
                    f.truncate(0)
                    f.write(b"This was never a database. " * 1000)
                elif damage == "header":
                    f.seek(100)
                    f.write(b"\xff" * 4000)
                else:
                    f.truncate(os.path.getsize(path) // 4096 // 2 * 4096)
            with open(path, "rb") as f:
                damaged = f.read()
            with Daemon(data) as d:
                aside = until("it is set aside", lambda: set_aside(data))
                equal(len(aside), 1, "databases set aside")
                with open(os.path.join(data, aside[0]), "rb") as f:
                    equal(f.read() == damaged, True, "the damaged one is kept as it was")
                d.logged(f"{aside[0]}; a new one begins")
                until("an event tells", lambda: any(aside[0] in e.get("reason", "")
                                                    for e in d.events("error")))
                until("ticks are recorded", lambda: len(
                    [v for _, v in d.query("netsonde_ticks_total") if v is not None]) > 3)
                equal(d.json("/api/v1/info")["seq"] > last, True, "numbers go on")


def test_corrupt_running():
    """a database that is damaged while the daemon runs is set aside, and it goes on"""
    with Directory() as data, Daemon(data, interval="50ms") as d:
        d.ticks_pass(5)
        # The log's page of the main file is read again when rows are sealed or asked for; the
        # quickest way to it is a query after the checkpoint of a second writer.
        db = sqlite3.connect(os.path.join(data, "netsonde.db"), timeout=10)
        db.execute("DROP TABLE event")
        db.commit()
        db.close()
        with d.stream("events") as s:
            # A change to a link is an event that has to be written.
            os.system("ip link add vx type veth peer name vy && ip link del vx")
            while True:
                event = s.wait_for("event")
                if event["kind"] == "error" and "set aside" in event.get("reason", ""):
                    break
        equal(len(set_aside(data)), 1, "databases set aside")
        until("ticks are recorded", lambda: len(
            [v for _, v in d.query("netsonde_ticks_total") if v is not None]) > 3)


def test_corrupt_piece():
    """a damaged piece of the history is set aside while the daemon runs, told once, and all else stays"""
    with Directory() as data:
        with Daemon(data, interval="50ms") as d:
            d.ticks_pass(20)
        path = os.path.join(data, "netsonde.db")
        # Ticks of another interval begin: those of before are sealed.
        with Daemon(data, interval="100ms") as d:
            db = sqlite3.connect(path, timeout=10, isolation_level=None)
            until("they are sealed", lambda: db.execute("SELECT count(*) FROM span").fetchone()[0])
            begin = db.execute("SELECT min_ms, max_ms FROM span").fetchone()
            # Chunks lie in groups, each under the number of its last series.
            row, chunk = db.execute("SELECT id, data FROM chunk WHERE id >= (SELECT p.id << 32 | s.id"
                                    " FROM span p, series s WHERE s.key = 'netsonde_ticks_total')"
                                    " ORDER BY id").fetchone()
            chunks = db.execute("SELECT count(*) FROM chunk").fetchone()[0]
            ask = f"/api/v1/query?from={begin[0]}&to={begin[1]}&metric="
            d.ticks_pass(10)
            newest = d.json("/api/v1/info")["t"] - 200
            others = f"/api/v1/query?from={begin[1] + 500}&to={newest}&metric=netsonde_*"
            other = d.json(others)["series"]
            equal(len(other) > 100, True, "other series")
            # By another process: a reader of the daemon would keep what it has read while it is good.
            said = command("query", "--data-dir", data, "--metric", "netsonde_ticks_total", "--json",
                           "--from", str(begin[0]), "--to", str(begin[1]))
            equal(len(json.loads(said.stdout)["series"]), 1, "series before")
            wrong = chunk[:-1] + bytes([chunk[-1] ^ 1])
            db.execute("UPDATE chunk SET data = ? WHERE id = ?", (wrong, row))
            with d.stream("events") as s:
                d.json(ask + "netsonde_ticks_total")
                while True:
                    event = s.wait_for("event")
                    if "set aside" in event.get("reason", ""):
                        break
            contains(event["reason"], "netsonde_ticks_total", "damaged")
            equal(db.execute("SELECT chunk, data FROM damaged").fetchall(), [(row, wrong)],
                  "what was set aside")
            equal(db.execute("SELECT count(*) FROM chunk").fetchone()[0], chunks - 1, "chunks")
            equal(d.json(ask + "netsonde_ticks_total")["series"], [], "series after")
            equal(d.json(others)["series"] == other, True, "others as before")
            d.ticks_pass()
            equal(len([e for e in d.events() if "set aside" in e.get("reason", "")]), 1, "events")
            equal(set_aside(data), [], "databases set aside")
            db.close()


def event_about(stream, what):
    while True:
        event = stream.wait_for("event")
        if event.get("what") == what:
            return event


# ---- the disk ------------------------------------------------------------------------------------

def test_full():
    """a full disk: live goes on, it is said in log, event and metrics, recording resumes"""
    with Directory() as data:
        mount("tmpfs", data, "tmpfs", options="size=4m")
        try:
            with Daemon(data, interval="50ms") as d, d.stream("metrics,events") as s:
                d.ticks_pass(5)
                lost = "netsonde_store_ticks_lost_total"
                equal(d.metric(lost), 0, "lost")
                ballast = fill(data)
                contains(event_about(s, "history")["reason"], "space")
                until("lost ticks are counted", lambda: d.metric(lost) > 5)
                d.logged("space")
                d.ticks_pass(10)  # live goes on
                equal(d.status("/readyz"), 200, "ready")
                equal(d.output().count("[store]") + d.output().count("store:") < 20, True,
                      "it is not said with each tick: " + d.output())

                os.unlink(ballast)
                contains(event_about(s, "history")["reason"], "again")
                written = d.metric("netsonde_store_ticks_written_total")
                lost_then = d.metric(lost)
                until("ticks are written again", lambda:
                      d.metric("netsonde_store_ticks_written_total") > written + 5)
                equal(d.metric(lost), lost_then, "none is lost any more")
                points = d.query("netsonde_ticks_total", agg="avg")
                equal(None in [v for _, v in points], True, "a gap in the history")
        finally:
            unmount(data)


def test_full_at_start():
    """a disk that is full already at the start: it starts, says so, and records when it can"""
    with Directory() as data:
        mount("tmpfs", data, "tmpfs", options="size=4m")
        try:
            ballast = fill(data)
            with Daemon(data, interval="50ms") as d:
                d.ticks_pass(5)
                d.logged("no space left")
                os.unlink(ballast)
                until("ticks are written", lambda:
                      d.metric("netsonde_store_ticks_written_total") > 5)
        finally:
            unmount(data)


def small_disk(image, directory):
    """A disk of its own that turns read-only at the first error; the file that makes it have one."""
    for tool in ("mkfs.ext4", "e2fsck", "losetup"):
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed")
    with open(image, "wb") as f:
        f.truncate(24 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    done = subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, directory],
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Skip(f"no disk in a file here: {done.stderr.strip()}")
    with open("/proc/self/mounts", encoding="utf-8") as f:
        device = next(line.split()[0] for line in f if line.split()[1] == directory)
    return f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error"


def test_turned_read_only():
    """a disk that turns read-only: live goes on, it is said, and what was recorded is there later"""
    with Directory() as place:
        image, data = os.path.join(place, "image"), os.path.join(place, "data")
        os.mkdir(data)
        trigger = small_disk(image, data)
        try:
            if not os.path.exists(trigger):
                raise Skip("this kernel's ext4 has no errors to order")
            with Daemon(data, interval="50ms", environment={
                    "NETSONDE_STORE_DURABILITY": "full"}) as d, d.stream("metrics,events") as s:
                d.ticks_pass(5)
                lost, key = "netsonde_store_ticks_lost_total", "netsonde_ticks_total"
                until("ticks are recorded", lambda: len(d.query(key)) > 3)
                equal(d.metric(lost), 0, "lost")
                with open(trigger, "w", encoding="ascii") as f:
                    try:
                        f.write("1")
                        f.flush()
                    except OSError:
                        pass  # it did what it was told, and says that the disk is read-only
                # Who waits for the disk at that moment is only told that it failed.
                reason = event_about(s, "history")["reason"]
                equal([w for w in ("Read-only file system", "Input/output error") if w in reason] != [],
                      True, reason)
                until("lost ticks are counted", lambda: d.metric(lost) > 5)
                d.ticks_pass(10)  # live goes on
                d.logged("history cannot be written")
                equal(d.output().count("history cannot be written") < 5, True,
                      "it is not said with each tick: " + d.output())
                written = d.metric("netsonde_store_ticks_written_total")
                equal(d.stop()[0], 0, "exit status")
        finally:
            subprocess.run(["umount", data], check=True)
        subprocess.run(["e2fsck", "-fy", image], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        subprocess.run(["mount", "-o", "loop", image, data], check=True)
        try:
            with Daemon(data, interval="50ms") as d:
                d.ticks_pass(5)
                equal(set_aside(data), [], "databases set aside")
                values = [v for _, v in d.query(key) if v is not None]
                equal(len(values) >= written - 2, True, f"{len(values)} of {written}")
            db = sqlite3.connect(os.path.join(data, "netsonde.db"))
            equal(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "integrity")
            db.close()
        finally:
            subprocess.run(["umount", data], check=True)


# ---- what cannot be read ------------------------------------------------------------------------

class OwnProc:
    """A /proc of the daemon's own, with the kernel's files in it, but for some of /proc/net: those
    of `missing` are not there, those of `unreadable` cannot be opened. (Nothing can be put over a
    file of the real /proc/net: the kernel takes that away again with the next look.)"""

    def __init__(self, directory, missing=(), unreadable=()):
        self.real, self.mine = os.path.join(directory, "real"), os.path.join(directory, "mine")
        self.missing, self.unreadable = missing, unreadable
        for name in (self.real, self.mine):
            os.mkdir(name)
        mount("proc", self.real, "proc")

    def put(self, source, target):
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        mount(source, target, None, flags=MS_BIND)

    def enter(self):
        """In the child, before the binary: the process id stays."""
        unshare(CLONE_NEWNS)
        mount("tmpfs", self.mine, "tmpfs")
        net = os.path.join(self.real, "self/net")
        os.mkdir(os.path.join(self.mine, "net"))
        for name, source in (("sys", "sys"), ("self", str(os.getpid())), (str(os.getpid()),) * 2):
            os.mkdir(os.path.join(self.mine, name))
            mount(os.path.join(self.real, source), os.path.join(self.mine, name), None,
                  flags=MS_BIND)
        for name in ("stat", "uptime", "cpuinfo", "meminfo"):
            self.put(os.path.join(self.real, name), os.path.join(self.mine, name))
        for name in os.listdir(net):
            source, target = os.path.join(net, name), os.path.join(self.mine, "net", name)
            if os.path.isfile(source) and name not in (*self.missing, *self.unreadable):
                self.put(source, target)
        for name in self.unreadable:
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(os.path.join(self.mine, "net", name))
        mount(self.mine, "/proc", None, flags=MS_BIND | MS_REC)

    def mend(self, pid):
        """Everything is there again."""
        for name in (*self.missing, *self.unreadable):
            subprocess.run(
                ["nsenter", "-t", str(pid), "-m", "-r", "sh", "-c",
                 f"cd /proc/net && rm -f {name} && touch {name} && "
                 f"mount --bind {self.real}/{pid}/net/{name} {name}"], check=True)


def provider(d, capability):
    return next(c["engine"] for c in d.json("/api/v1/info")["capabilities"]
                if c["name"] == capability)


patient = {}  # the daemon that waits for the next probing, and when it began


def test_missing_proc():
    """files of /proc that cannot be read: that part is off with its reason, the rest goes on"""
    patient["directory"] = Directory()
    directory = patient["directory"].__enter__()
    proc = patient["proc"] = OwnProc(directory, missing=["snmp6"], unreadable=["softnet_stat"])
    d = patient["daemon"] = Daemon(os.path.join(directory, "data"), prepare=proc.enter)
    d.__enter__()
    d.ticks_pass()
    procfs = d.engine("procfs")
    contains(procfs["reason"], "/proc/net/softnet_stat: No such device",
             "/proc/net/snmp6: IPv6 is off")
    equal("softnet" in procfs["provides"], False, "softnet is provided")
    equal("protocols" in procfs["provides"], True, "the rest of the protocols is provided")
    equal(provider(d, "softnet"), None, "who provides softnet")
    text = d.text("/metrics")
    equal("node_softnet_" in text, False, "series of softnet")
    contains(text, "node_netstat_Tcp_InSegs ", "node_network_receive_bytes_total{")
    equal("node_netstat_Udp6_" in text, False, "series of snmp6")


def test_missing_conntrack():
    """a module that is not loaded is named, with the command that loads it"""
    with Directory() as data, Daemon(data) as d:
        if os.path.exists("/proc/sys/net/netfilter/nf_conntrack_count"):
            equal("conntrack" in d.engine("procfs")["provides"], True, "conntrack is provided")
        else:
            contains(d.engine("procfs")["reason"], "nf_conntrack is not loaded")
            equal(d.engine("procfs")["remedy"], "modprobe nf_conntrack", "remedy")


def test_missing_sys():
    """an empty /sys/class/net: speed and the like are missing and come back, counters go on"""
    with Directory() as data, Daemon(data, "--engine", "procfs") as d:
        speed = 'node_network_mtu_bytes{device="lo"}'
        until("the mtu is shown", lambda: d.metric(speed))
        mount("tmpfs", "/sys/class/net", "tmpfs")
        try:
            until("the mtu is gone", lambda: d.metric(speed) is None)
            key = 'node_network_receive_bytes_total{device="lo"}'
            before = d.metric(key)
            until("counters go on", lambda: d.metric(key) > before)
        finally:
            unmount("/sys/class/net")
        until("the mtu is back", lambda: d.metric(speed))


def test_missing_comes_back():
    """files of /proc that can be read again are read again"""
    d = patient["daemon"]
    try:
        patient["proc"].mend(d.pid)
        until("softnet is provided", lambda: provider(d, "softnet") == "procfs", PROBE_S + WAIT_S)
        equal("softnet_stat" in d.engine("procfs")["reason"], False, "the reason is gone")
        until("its series are there", lambda: "node_softnet_processed_total{" in d.text("/metrics"))
        until("an event tells", lambda: any(e.get("capability") == "softnet"
                                            for e in d.events("error")))
    except BaseException as why:
        d.__exit__(type(why))
        raise
    else:
        d.__exit__(None)
    finally:
        unmount(patient["proc"].real)
        patient["directory"].__exit__()


# ---- the keeper ----------------------------------------------------------------------------------

def keepers(pid):
    """Those that answer: children of the nurse, who is a child of main."""
    found = []
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        for child in f.read().split():
            try:
                with open(f"/proc/{child}/comm", encoding="utf-8") as comm:
                    name = comm.read().strip()
            except FileNotFoundError:
                continue
            found += [int(child)] if name == "netsonde-keeper" else []
            found += keepers(child) if name == "netsonde-nurse" else []
    return found


def test_keeper():
    """the keeper killed with -9: info, log and an event say so, another one comes, all goes on"""
    keeper_killed()


def test_keeper_sigchld_ignored():
    """the same where SIGCHLD came ignored from whoever started it"""
    keeper_killed("env", "--ignore-signal=CHLD")


def keeper_killed(*before):
    with Directory() as data, Daemon(data, before=before) as d:
        d.ticks_pass()
        [keeper] = keepers(d.pid)
        contains(d.json("/api/v1/info")["sandbox"]["keeper"], f"running, pid {keeper}")
        os.kill(keeper, signal.SIGKILL)
        until("info says so", lambda: "killed by signal 9" in
              d.json("/api/v1/info")["sandbox"]["keeper"])
        d.logged("killed by signal 9")
        until("an event tells", lambda: any(e.get("what") == "keeper" for e in d.events("error")))
        until("another one is there", lambda: keepers(d.pid) not in ([], [keeper]))
        d.ticks_pass(5)
        os.system("ip link add vx type veth peer name vy")
        until("links are still heard of", lambda: any(e.get("device") == "vx"
                                                      for e in d.events("link")))
        os.system("ip link del vx")


own_network()
run([test_missing_proc, test_port, test_beyond_loopback, test_unwritable, test_configuration,
     test_newer, test_corrupt, test_corrupt_running, test_corrupt_piece, test_full,
     test_turned_read_only, test_full_at_start, test_missing_conntrack, test_missing_sys, test_keeper, test_keeper_sigchld_ignored,
     test_missing_comes_back])
