"""What outlives the process: ids, numbers and history across restarts and kill -9; how it stops,
reads its configuration again, and talks to a service manager."""
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import time

from rig import (SLOW, WAIT_S, Daemon, Directory, Wire, check_output, command, contains, equal,
                 fill, mount, neighbour, no_ipv6, now_ms, own_network, refused, remove_links, run,
                 unmount, until)

BYTES = "node_network_transmit_bytes_total"
KILLS = int(os.environ.get("INTEGRATION_KILLS", "25"))  # make check-long asks for more


def ids(d):
    """Not of processes: ebpf has those of other tests, too, and these come and go."""
    return {(s["name"], tuple(sorted(s["labels"].items()))): s["id"]
            for s in d.json("/api/v1/series") if not s["name"].startswith("netsonde_process_")}


def ids_again(d, known):
    """The same once all series of before are back: some come with the first survey."""
    until("all series are back", lambda: known.keys() <= ids(d).keys())
    return ids(d)


def stops(d, clients, sig):
    """Ends it by that signal as CONTRACT wants it."""
    code, seconds = d.stop(sig)
    equal(code, 0, f"exit status after {sig.name}")
    equal(seconds < 2 * SLOW, True, f"{seconds:.2f} s to stop")
    for client in clients:
        equal(client.goodbye(), 1001, "close code")
        client.close()


# ---- a clean restart -----------------------------------------------------------------------------

def pause_is_a_gap(d, down_ms, up_ms):
    """Between the two times the chart is empty, and after them it shows no spike."""
    points = [p for p in d.query(BYTES, "va") if p[0] > down_ms + 200]
    within = [v for t, v in points if t < up_ms - 200]
    equal(len(within) >= 3, True, "steps within the pause")
    equal(set(within), {None}, "values within the pause")
    equal({v for _, v in points} - {None, 0}, set(), "rates after the pause")


def since_across(d, last):
    """A client that saw `last` before the restart and comes back to the new process."""
    with d.stream() as s:
        s.send(op="subscribe", id=1, channel="metrics", since=last - 3,
               metric="netsonde_ticks_total")
        gap = s.wait_for("gap")
        equal((gap["channel"], gap["from"], gap["reason"]), ("metrics", last - 2, "restart"), "gap")
        equal(s.wait_for("metrics")["seq"], gap["to"] + 1, "the first tick of this run")
        return gap["to"] + 1


def test_restart():
    """a restart keeps ids, numbers and history; what was sent meanwhile counts and draws a gap"""
    with neighbour() as pid, Directory() as data:
        wire = Wire(pid)
        try:
            with Daemon(data) as d:
                until("the device is shown", lambda: d.interface("va"))
                d.ticks_pass()
                from_ms = now_ms() - 1000
                sent = wire.send(100)
                until("the bytes are stored", lambda: d.total(BYTES, "va") == sent)
                before, old = ids(d), d.stream("metrics")
                session = old.wait_for("hello")["session"]
                last = old.wait_for("metrics")["seq"]
                d.ticks_pass(5)
                down_ms = now_ms()
                d.process.terminate()
                while (message := old.receive()) is not None:
                    last = message.get("seq", last)
                equal(old.close_code, 1001, "close code")
                equal(d.wait(), 0, "exit status")

            sent += wire.send(70)
            until("a second has passed", lambda: now_ms() - down_ms > 1000)
            with Daemon(data) as d:
                equal(d.total(BYTES, "va", from_ms), sent, "bytes with those of the pause")
                sent += wire.send(3)
                until("the bytes go on", lambda: d.total(BYTES, "va", from_ms) == sent)
                d.ticks_pass(3)
                after = ids_again(d, before)
                equal({k: after.get(k) for k in before}, before, "ids")
                equal(since_across(d, last), last + 1, "the number after the last one")
                with d.stream() as s:
                    equal(s.wait_for("hello")["session"] != session, True, "another session")

            with Daemon(data) as d:
                d.ticks_pass(3)
                equal(d.total(BYTES, "va", from_ms), sent, "bytes after one more restart")
                equal([e["seq"] for e in d.events()], sorted({e["seq"] for e in d.events()}),
                      "numbers of events")
        finally:
            remove_links("va")


def test_other_namespace():
    """in another network namespace nothing is added up from where the first one stopped"""
    with neighbour() as pid, Directory() as data:
        def stored():
            done = command("query", "--data-dir", data, "--metric", "node_netstat_Udp_OutDatagrams",
                           "--agg", "sum", "--json")
            return done.returncode == 0 and json.loads(done.stdout)["series"]

        first = Daemon(data, before=["nsenter", "-t", str(pid), "-n"])
        try:
            until("the first one's numbers are stored", stored)
        finally:
            code, _ = first.stop()
        equal(code, 0, "exit status")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for _ in range(500):
                s.sendto(b"x", ("127.0.0.1", 9))
        with Daemon(data) as d:
            d.ticks_pass(5)
            equal(d.total("node_netstat_Udp_OutDatagrams"), 0, "datagrams sent while it ran")


def test_pause():
    """a pause is drawn as a gap without a spike behind it"""
    with neighbour() as pid, Directory() as data:
        wire = Wire(pid)
        try:
            with Daemon(data) as d:
                until("the device is shown", lambda: d.interface("va"))
                d.ticks_pass(5)
                equal(d.stop()[0], 0, "exit status")
            down_ms = now_ms()
            wire.send(200)
            until("a second has passed", lambda: now_ms() - down_ms > 1000)
            up_ms = now_ms()
            with Daemon(data) as d:
                d.ticks_pass(5)
                pause_is_a_gap(d, down_ms, up_ms)
        finally:
            remove_links("va")


def test_signals():
    """SIGTERM and SIGINT: exit 0 within 2 s, clients get 1001 after what was queued"""
    with Directory() as data:
        for sig in (signal.SIGTERM, signal.SIGINT):
            with Daemon(data) as d:
                clients = [d.stream("metrics,events,interfaces") for _ in range(20)]
                for client in clients:
                    client.wait_for("table")
                stops(d, clients, sig)
                contains(d.output(), f"stopping on {sig.name}")
            equal(sorted(os.listdir(data)), ["lock", "netsonde.db"], "files after a clean stop")


def test_stopping_is_not_held_up():
    """clients that do not read, and a full disk, do not hold up the end"""
    with Directory() as data:
        with Daemon(data, interval="50ms") as d:
            deaf = [d.stream("metrics", receive_bytes=4096) for _ in range(5)]
            half = socket.create_connection(("127.0.0.1", d.port), WAIT_S)
            half.sendall(b"GET / HTTP/1.1\r\nHost:")
            until("their messages pile up",
                  lambda: d.metric("netsonde_server_conflated_total") > 20)
            stops(d, [], signal.SIGTERM)
            for client in deaf:
                client.close()
            half.close()
        mount("tmpfs", data, "tmpfs", options="size=4m")
        try:
            with Daemon(data, interval="50ms") as d:
                fill(data)
                until("ticks are lost", lambda: d.metric("netsonde_store_ticks_lost_total") > 3)
                stops(d, [], signal.SIGTERM)
        finally:
            unmount(data)


def test_stopping_early():
    """a signal at any instant of the start ends it cleanly"""
    with Directory() as data:
        for number in range(20):
            d = Daemon(data)
            time.sleep(number * 0.005 * SLOW)  # the instant is what is being varied
            d.process.terminate()
            # Before it can say otherwise, the signal's own effect.
            equal(d.wait() in (0, -signal.SIGTERM), True, f"exit status {d.process.returncode}")
            check_output(d.output())
        with Daemon(data) as d:
            d.ticks_pass()


# ---- kill -9 -------------------------------------------------------------------------------------

def last_of(stream):
    """The number of the last tick that the client got before the connection broke."""
    seq = 0
    try:
        while (message := stream.receive()) is not None:
            seq = message["seq"] if message["type"] == "metrics" else seq
    except OSError:
        pass
    except EOFError:
        pass
    return seq


def stored_ticks(data):
    """First and last number in the database, which must be intact."""
    db = sqlite3.connect(f"file:{data}/netsonde.db?mode=ro", uri=True)
    try:
        equal(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "integrity")
        return db.execute("SELECT min(a), max(b) FROM (SELECT min(first_seq) AS a, max(last_seq)"
                          " AS b FROM span UNION ALL SELECT min(seq), max(seq) FROM tick)"
                          ).fetchone()
    finally:
        db.close()


def crowd(count):
    """So many pairs of devices more, each with some twenty series."""
    batch = "".join(f"link add crowd{n} type veth peer name crowd{n}-peer\nlink set crowd{n} up\n"
                    for n in range(count))
    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)
    return [f"crowd{n}" for n in range(count)]


def test_kill():
    """kill -9 at any instant: the database is intact and lacks at most the last tick"""
    # Every second round under load: a thousand series every 50 ms. What is shown but not stored yet
    # may then be some ticks, as many as make 200 ms. Another interval has the spans before it sealed.
    seed = random.randrange(1 << 32)
    print(f"# seed {seed}, {KILLS} kills")
    chance = random.Random(seed)
    with neighbour() as pid, Directory() as data:
        wire, devices = Wire(pid), crowd(25)
        try:
            with Daemon(data) as d:
                until("the device is shown", lambda: d.interface("va"))
                d.ticks_pass()
                known, newest = ids(d), d.json("/api/v1/info")["seq"]
                from_ms, sent = now_ms() - 1000, 0
                equal(len(known) > 1000, True, f"{len(known)} series")
            for number in range(KILLS):
                interval_ms = 50 if number % 2 else 200
                d = Daemon(data, interval=f"{interval_ms}ms")
                try:
                    until("it is ready", d.ready)
                    stream = d.stream("metrics")
                    first = stream.wait_for("metrics")["seq"]
                    equal(first > newest, True, "numbers are used once")
                    sent += wire.send(chance.randrange(1, 50))
                    time.sleep(chance.uniform(0, 0.8))  # the instant is what is being varied
                    sent += wire.send(1)
                finally:
                    d.kill()
                newest = max(last_of(stream), first)
                stream.close()
                oldest, last = stored_ticks(data)
                equal(newest - last <= SLOW * 200 // interval_ms, True,
                      f"stored up to {last}, seen {newest}")
                equal([n for n in os.listdir(data) if "corrupt" in n], [], "set aside")
                equal("error" in d.output(), False, d.output())
            with Daemon(data) as d:
                d.ticks_pass()
                equal(d.total(BYTES, "va", from_ms), sent, "bytes of all rounds")
                after = ids_again(d, known)
                equal({k: after.get(k) for k in known}, known, "ids")
                equal(stored_ticks(data)[0], oldest, "the oldest tick is still there")
                since_across(d, newest)
        finally:
            remove_links("va", *devices)


# ---- configuration and service manager ----------------------------------------------------------

def pace(d, interval_ms):
    """The stream has settled at that interval."""
    with d.stream("metrics") as s:
        times = [s.wait_for("metrics")["t"] for _ in range(4)]
    return all(b - a == interval_ms for a, b in zip(times, times[1:]))


class Manager:
    """A service manager's end of NOTIFY_SOCKET."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0"))
        self.socket.settimeout(20 * SLOW)

    def hears(self, pattern):
        text = self.socket.recv(4096).decode()
        equal(bool(re.fullmatch(pattern, text)), True, f"{text!r} for {pattern!r}")


def reload(notify_name):
    with Directory() as data, Directory() as etc:
        path = os.path.join(etc, "netsonde.yaml")
        manager = Manager(notify_name.format(data))

        def write(text):
            with open(path, "w") as f:
                f.write(text)

        write("collect:\n  interval: 200ms\n")
        with Daemon(data, "--config", path, interval=None,
                    environment={"NOTIFY_SOCKET": notify_name.format(data)}) as d:
            manager.hears("READY=1")
            until("200 ms between ticks", lambda: pace(d, 200))
            write("collect:\n  interval: 100ms\n")
            d.process.send_signal(signal.SIGHUP)
            manager.hears(r"RELOADING=1\nMONOTONIC_USEC=\d+")
            manager.hears("READY=1")
            until("100 ms between ticks", lambda: pace(d, 100))

            write("collect:\n  interval: 50ms\n  enginess: auto\n")
            d.process.send_signal(signal.SIGHUP)
            manager.hears(r"RELOADING=1\nMONOTONIC_USEC=\d+")
            manager.hears("READY=1")
            d.logged(f"{path}:3:3: ")
            contains(d.output(), "the old one stays in force")
            until("the old interval stays", lambda: pace(d, 100))

            write("collect:\n  interval: 200ms\n")
            d.process.send_signal(signal.SIGHUP)
            manager.hears(r"RELOADING=1\nMONOTONIC_USEC=\d+")
            manager.hears("READY=1")
            until("200 ms again, as at the start", lambda: pace(d, 200))
            equal(d.stop()[0], 0, "exit status")
            manager.hears("STOPPING=1")
        manager.socket.close()


def test_reload():
    """SIGHUP takes a good file and keeps the old one at a bad one, saying file:line:column"""
    reload("{}/notify")


def test_reload_abstract():
    """the service manager hears of it on an abstract socket, too"""
    reload("@netsonde-test{}")


# ---- the data directory -------------------------------------------------------------------------

def test_second():
    """a second daemon on the same data directory is refused, naming the first one's pid"""
    with Directory() as data, Daemon(data) as d:
        code, said = refused(data)
        equal(code, 1, "exit status")
        contains(said, data, f"pid {d.pid}", "--data-dir")
        d.ticks_pass()


def test_query():
    """netsonde query, beside the daemon and without it, equals /api/v1/query"""
    with Directory() as data:
        def ask_command(agg, begin, end, points):
            done = command("query", "--data-dir", data, "--metric", "n*_total", "--json",
                           "--agg", agg, "--from", str(begin), "--to", str(end), "--points",
                           str(points))
            equal((done.returncode, done.stderr), (0, ""), "netsonde query")
            return json.loads(done.stdout)

        with Daemon(data) as d:
            begin = now_ms()
            d.ticks_pass(20)
            end = now_ms() - 300
            d.ticks_pass(8)  # those up to the end are on disk then
            questions = [(agg, begin, end, points) for agg in ("avg", "min", "max", "last", "sum")
                         for points in (5, 100)]
            answers = {}
            for agg, begin, end, points in questions:
                key = (agg, begin, end, points)
                answers[key] = d.json(f"/api/v1/query?metric=n*_total&agg={agg}&from={begin}"
                                      f"&to={end}&points={points}")
                equal(len(answers[key]["series"]) > 50, True, "many series")
                equal(ask_command(*key), answers[key], "beside the daemon")
        for key in questions:
            equal(ask_command(*key), answers[key], "without a daemon")


own_network()
no_ipv6()
run([test_restart, test_other_namespace, test_pause, test_signals, test_stopping_is_not_held_up,
     test_stopping_early, test_kill, test_reload, test_reload_abstract, test_second, test_query])
