"""What becomes of the results of `netsonde bench`: kept by a name, compared with what was kept,
published to a daemon that tells its viewers. The figures themselves mean nothing here: where they matter they are
written into the document that was kept."""
import ctypes
import json
import os
import signal
import socket
import stat
import subprocess
import threading

from rig import (BINARY, SLOW, WAIT_S, Daemon, Directory, Skip, check_output, contains,
                 die_with_parent, equal, free_port, new_token, own_network, run, until)

SMALL = ("--series", "50", "--ticks", "400")
NOBODY = 65534


def bench(*arguments, env=None, no_keep=True, **kwargs):
    done = subprocess.run([BINARY, "bench", *arguments, *["--no-keep"][:no_keep]], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, **(env or {})}, timeout=WAIT_S,
                          preexec_fn=die_with_parent, **kwargs)
    check_output(done.stderr)
    return done


def expect(status, *arguments, **kwargs):
    done = bench(*arguments, **kwargs)
    equal(done.returncode, status, f"status of {arguments}: {done.stdout}{done.stderr}")
    return done


def kept(data, name):
    with open(os.path.join(data, "benchmarks", name + ".json"), encoding="utf-8") as f:
        return json.load(f)


def keep(data, name, document):
    with open(os.path.join(data, "benchmarks", name + ".json"), "w", encoding="utf-8") as f:
        json.dump(document, f)


def scaled(document, factor):
    """As a machine would have measured that is so many times slower."""
    document = json.loads(json.dumps(document))
    for result in document["results"]:
        slower = factor if result["better"] == "lower" else 1 / factor
        result["value"] = result["value"] and result["value"] * slower
    return document


def values(document):
    return {(r["name"], *r["labels"].values()): r["value"] for r in document["results"]}


# ---- kept and compared --------------------------------------------------------------------------

def test_save():
    """--save-baseline: one document, whole, with machine and settings, for its owner alone"""
    with Directory() as top:
        data = os.path.join(top, "made")
        done = expect(0, "store", *SMALL, "--save-baseline", "before", "--data-dir", data, "--json")
        contains(done.stderr, "kept as before")
        path = os.path.join(data, "benchmarks", "before.json")
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode")
        document, printed = kept(data, "before"), json.loads(done.stdout)
        equal(document, printed["document"], "what is printed")
        equal([document[key] for key in ("subject", "state", "progress", "baseline", "version")],
              ["store", "done", 1, "before", printed["version"]], "document")
        equal(document["settings"], {"series": 50, "ticks": 400}, "settings")
        equal(document["machine"]["kernel"], os.uname().release, "kernel")
        equal(document["machine"]["cores"] >= 1, True, document["machine"])
        found = values(document)
        equal(found[("samples_per_s",)] > 0 and found[("run_peak_memory_bytes",)] > 1 << 20, True, found)
        equal(abs(found[("bytes_per_sample",)] - printed["bytes_per_sample"]) < 1e-3, True, found)
        # The same name again is replaced; another directory is another.
        expect(0, "store", "--series", "60", "--ticks", "300", "--save-baseline", "before", "--data-dir", data)
        equal(kept(data, "before")["settings"], {"series": 60, "ticks": 300}, "replaced")
        equal(os.listdir(os.path.join(data, "benchmarks")), ["before.json"], "files")
        # By the configuration, too.
        config = os.path.join(top, "netsonde.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write("{}\n")
        expect(0, "store", *SMALL, "--save-baseline", "c", "-c", config,
               env={"STATE_DIRECTORY": os.path.join(top, "state")})
        kept(os.path.join(top, "state"), "c")


def test_every_run():
    """each run that was measured whole stays under its id, the daemon shows it; 500 do; not with --no-keep"""
    with Directory() as data:
        folder = os.path.join(data, "benchmarks")
        at = ("--data-dir", data)
        out = json.loads(expect(0, "store", *SMALL, *at, "--json", no_keep=False).stdout)
        equal(os.listdir(folder), [out["document"]["id"] + ".json"], "files")
        equal(kept(data, out["document"]["id"]), out["document"], "document")
        expect(0, "store", *SMALL, "--save-baseline", "other", *at)
        equal(sorted(os.listdir(folder)), sorted([out["document"]["id"] + ".json", "other.json"]), "not kept")
        with Daemon(data) as d:
            equal([b["id"] for b in benchmarks(d)][-1], out["document"]["id"], "shown")
        for i in range(499):
            path = os.path.join(folder, f"query-20200101T{i:06}Z.json")
            with open(path, "w", encoding="utf-8") as f:
                f.write("{}")
            os.utime(path, (1577836800 + i, 1577836800 + i))
        last = json.loads(expect(0, "store", *SMALL, *at, "--json", no_keep=False).stdout)["document"]["id"]
        names = os.listdir(folder)
        equal((len(names), "query-20200101T000000Z.json" in names, "query-20200101T000001Z.json" in names),
              (501, last == out["document"]["id"], True), "the first goes, the baseline stays")
        # Where nothing can be kept that is said, and the figures are good.
        file = os.path.join(data, "file")
        with open(file, "w", encoding="utf-8") as f:
            f.write("x")
        done = expect(0, "store", *SMALL, "--data-dir", os.path.join(file, "x"), no_keep=False)
        contains(done.stdout, "samples a second")
        contains(done.stderr, "not kept: ")
        expect(1, "store", "--ticks", "1000000", *at, no_keep=False, env={"TMPDIR": os.path.join(data, "none")})
        equal(len(os.listdir(folder)), 501, "what failed is not kept")


def test_compare():
    """--compare: 0 when nothing is worse, 3 when something is, a table and JSON that say what"""
    with Directory() as data:
        run_it = ("store", *SMALL, "--data-dir", data, "--compare", "before")
        expect(0, "store", *SMALL, "--data-dir", data, "--save-baseline", "before")
        real = kept(data, "before")
        keep(data, "before", scaled(real, 1000))
        out = expect(0, *run_it).stdout
        contains(out, "compared with before", "samples_per_s", "better", "improved: 0 worse")
        keep(data, "before", scaled(real, 1 / 1000))
        out = expect(3, *run_it).stdout
        contains(out, "WORSE", "regressed: ", "not judged")
        said = json.loads(expect(3, *run_it, "--json").stdout)["comparison"]
        equal((said["baseline"], said["verdict"]), ("before", "regressed"), said)
        rows = {row["name"]: row for row in said["rows"]}
        equal(rows["samples_per_s"]["verdict"], "worse", rows)
        equal(rows["samples_per_s"]["change_pct"] < -90, True, rows)
        equal(rows["write_max_ms"]["verdict"], "not_judged", "chance")
        equal(rows["bytes_per_sample"]["verdict"], "not_judged", "no limit is given")
        # A kind of which a limit is given; limits so wide that all is well.
        keep(data, "before", real)
        wide = [w for kind in ("duration", "memory", "cpu", "throughput") for w in ("--threshold", kind + "=10000")]
        expect(0, *run_it, *wide)
        smaller = scaled(real, 1)
        for result in smaller["results"]:
            if result["kind"] == "size":
                result["value"] /= 2
        keep(data, "before", smaller)
        expect(0, *run_it, *wide)
        out = expect(3, *run_it, *wide, "--threshold", "size=50").stdout
        equal([line.split()[0] for line in out.splitlines() if "WORSE" in line], ["bytes_per_sample"], out)
        # It is compared with the old one, and kept in its place, even when it is worse.
        keep(data, "before", scaled(real, 1 / 1000))
        expect(3, *run_it, "--save-baseline", "before")
        equal(kept(data, "before")["id"] != real["id"] or values(kept(data, "before")) != values(real), True, "kept")


def test_compare_refused():
    """what cannot be compared is said before anything is measured; another machine is warned of"""
    with Directory() as data:
        at = ("--data-dir", data, "--compare", "before")
        out = expect(1, "store", *SMALL, *at)
        equal((out.stdout, out.stderr.count("\n")), ("", 1), out.stderr)
        contains(out.stderr, "there is no before in ")
        expect(0, "store", *SMALL, "--data-dir", data, "--save-baseline", "before")
        real = scaled(kept(data, "before"), 1000)
        keep(data, "before", real)
        out = expect(2, "store", "--series", "51", "--ticks", "400", *at)
        equal((out.stdout, out.stderr.count("\n")), ("", 1), out.stderr)
        contains(out.stderr, "other settings: series;", "--force")
        out = expect(0, "store", "--series", "51", "--ticks", "400", *at, "--force")
        contains(out.stderr, "other settings: series\n")
        contains(out.stdout, "improved")
        contains(expect(2, "collect", *at).stderr, "is of store, this is collect")
        keep(data, "before", {**real, "machine": {**real["machine"], "cpu": "an abacus"}})
        contains(expect(0, "store", *SMALL, *at).stderr, "on another machine: cpu\n")
        keep(data, "before", {**real, "state": "failed"})
        contains(expect(1, "store", *SMALL, *at).stderr, "not measured whole (failed)")
        for bad in ("{", "[]", "{}", json.dumps({**real, "results": [1]})):
            with open(os.path.join(data, "benchmarks", "before.json"), "w", encoding="utf-8") as f:
                f.write(bad)
            contains(expect(1, "store", *SMALL, *at).stderr, "is no result of a benchmark")
        keep(data, "before", {**real, "results": []})
        contains(expect(1, "store", *SMALL, *at).stderr, "no figure could be compared")


def test_levels():
    """levels that both runs have are compared, others named; every subject has figures"""
    with Directory() as data:
        few = ("--seconds", "0.2", "--data-dir", data)
        expect(0, "fanout", "--levels", "3,5", *few, "--save-baseline", "f")
        keep(data, "f", scaled(kept(data, "f"), 1000))
        said = json.loads(expect(0, "fanout", "--levels", "5,7", *few, "--compare", "f", "--json").stdout)
        verdicts = {}
        for row in said["comparison"]["rows"]:
            if row["name"] == "last_p50_ms":
                verdicts[row["labels"]] = row["verdict"]
        equal(verdicts, {"clients=3": "only_before", "clients=5": "better", "clients=7": "only_now"}, "levels")
        equal({r["labels"].get("clients") for r in said["document"]["results"]}, {"5", "7", None}, "labels")
        expect(0, "collect", "--levels", "0", *few, "--save-baseline", "c")
        equal({r["labels"]["engine"] for r in kept(data, "c")["results"] if r["labels"]} >= {"procfs", "netlink"},
              True, "engines")
        expect(0, "query", *SMALL, *few, "--save-baseline", "q")
        equal({r["labels"]["question"] for r in kept(data, "q")["results"] if r["labels"]},
              {"one_recent", "one_all", "many_recent"}, "questions")


def test_not_kept():
    """what was interrupted is not kept; where nothing can be written the status is 1"""
    with Directory() as data:
        process = subprocess.Popen([BINARY, "bench", "store", "--no-keep", "--ticks", "1000000", "--data-dir", data,
                                    "--save-baseline", "x"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=die_with_parent, env={**os.environ, "TMPDIR": data})
        until("it writes", lambda: os.listdir(data))
        process.terminate()
        process.communicate(timeout=WAIT_S)
        equal((process.returncode, os.listdir(data)), (1, []), "status and files")
        with open(os.path.join(data, "benchmarks"), "w", encoding="utf-8"):
            pass  # in the folder's place
        done = expect(1, "store", *SMALL, "--data-dir", data, "--save-baseline", "x")
        contains(done.stderr, data + "/benchmarks/x.json: cannot open this folder")
        contains(done.stdout, "written")


# ---- published ----------------------------------------------------------------------------------

def needs_curl():
    for name in ("libcurl.so.4", "libcurl-gnutls.so.4"):
        try:
            ctypes.CDLL(name)
            return
        except OSError:
            pass
    raise Skip("libcurl is not installed")


def benchmarks(d, query=""):
    return d.json("/api/v1/benchmarks" + query)["benchmarks"]


def test_publish():
    """--publish: viewers see progress and result; it is listed, also after a restart"""
    needs_curl()
    with Directory() as data:
        with Daemon(data) as d, d.stream("benchmark") as s:
            equal(s.receive()["type"], "hello", "first")
            config = os.path.join(data, "netsonde.yaml")
            with open(config, "w", encoding="utf-8") as f:
                f.write(f"serve: {{listen: ['0.0.0.0:{d.port}']}}\n")
            done = expect(0, "fanout", "--levels", "2,3,4", "--seconds", "1.2", "--publish", "-c", config, "--json")
            equal(done.stderr, "", "standard error")
            document = json.loads(done.stdout)["document"]
            seen, seqs = [], []
            while not seen or seen[-1]["state"] == "running":
                message = s.wait_for("benchmark")
                seqs.append(message["seq"])
                seen.append(message["benchmark"])
            equal(seen[-1], document, "the last one")
            equal(seqs == sorted(set(seqs)), True, seqs)
            equal({b["id"] for b in seen}, {document["id"]}, "ids")
            parts = [b["progress"] for b in seen]
            equal(len(parts) >= 3 and parts[0] == 0 and parts == sorted(parts), True, parts)
            equal(any(0 < len(b["results"]) < len(document["results"]) for b in seen[:-1]), True,
                  "figures of the levels so far")
            with d.stream("benchmark") as late:  # the newest is what one begins with
                equal(late.wait_for("benchmark")["benchmark"], document, "who comes late")
            equal(benchmarks(d), [document], "list")
            equal(benchmarks(d, "?subject=store"), [], "of another subject")
            # Kept by a name by the command line and published: once.
            expect(0, "store", *SMALL, f"--publish=http://127.0.0.1:{d.port}/", "--save-baseline",
                   "named", "--data-dir", data)
            both = benchmarks(d)
            equal([b["subject"] for b in both], ["store", "fanout"], "newest first")
            equal(both[0]["baseline"], "named", "its name")
            until("it is told", lambda: s.wait_for("benchmark")["benchmark"] == both[0])
        with Daemon(data) as d:
            equal(benchmarks(d), both, "after a restart")
            with d.stream() as s:
                answer = s.ask(op="subscribe", id=1, channel="benchmark", since=seqs[-1])
                equal(answer["type"], "ok", answer)
                gap = s.wait_for("gap")
                equal((gap["channel"], gap["reason"], gap["from"]), ("benchmark", "restart", seqs[-1] + 1), gap)


def test_failures_published():
    """a run that ends before its end is told as failed, with the reason"""
    needs_curl()
    with Directory() as data, Daemon(data) as d, d.stream("benchmark") as s:
        process = subprocess.Popen([BINARY, "bench", "fanout", "--no-keep", "--levels", "2", "--seconds", "600",
                                    f"--publish=http://127.0.0.1:{d.port}"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=die_with_parent)
        equal(s.wait_for("benchmark")["benchmark"]["state"], "running", "first")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SLOW * WAIT_S)
        equal((process.returncode, err), (1, ""), "status and standard error")
        last = s.wait_for("benchmark")["benchmark"]
        equal((last["state"], last["progress"] < 1, last["why"] != ""), ("failed", True, True), last)
        equal([b["state"] for b in benchmarks(d)], ["failed"], "kept")
        # Of one that is killed no process stays, and it does not look as if it ran for ever.
        process = subprocess.Popen([BINARY, "bench", "store", "--no-keep", "--ticks", "1000000",
                                    f"--publish=http://127.0.0.1:{d.port}"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=die_with_parent, env={**os.environ, "TMPDIR": data})
        equal(s.wait_for("benchmark")["benchmark"]["subject"], "store", "it publishes")
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as f:
            [sender] = f.read().split()
        process.kill()
        process.communicate(timeout=WAIT_S)
        until("its sender ends", lambda: not os.path.exists(f"/proc/{sender}/exe"))
        while last["subject"] != "store" or last["state"] == "running":
            last = s.wait_for("benchmark")["benchmark"]
        equal((last["state"], last["why"]), ("failed", "the run was killed"), last)
        equal([b["state"] for b in benchmarks(d)], ["failed", "failed"], "kept")


def test_roles():
    """a viewer may look and not publish; an admin's token may, from variable or file"""
    needs_curl()
    with Directory() as data:
        _, viewer = new_token(data)
        _, admin = new_token(data, "--role", "admin")
        token_file = os.path.join(data, "token-of-admin")
        with open(token_file, "w", encoding="utf-8") as f:
            f.write(admin + "\n")
        with Daemon(data, environment={"NETSONDE_AUTH_MODE": "token"}) as d:
            to = ("store", *SMALL, f"--publish=http://127.0.0.1:{d.port}")
            for env, status in (({}, 401), ({"NETSONDE_TOKEN": viewer}, 403)):
                done = expect(0, *to, env=env)  # the figures are good
                contains(done.stdout, "samples a second")
                equal(done.stderr.count("\n"), 1, done.stderr)
                contains(done.stderr, f"not published: http://127.0.0.1:{d.port}/api/v1/benchmarks answers {status}: ")
            header = {"Authorization": f"Bearer {viewer}"}
            status, _, text = d.request("/api/v1/benchmarks", headers=header)
            equal((status, json.loads(text)["benchmarks"]), (200, []), "a viewer's list")
            equal(expect(0, *to, env={"NETSONDE_TOKEN": admin}).stderr, "", "by variable")
            equal(expect(0, *to, "--token-file", token_file, env={"NETSONDE_TOKEN": viewer}).stderr, "", "by file")
            listed = json.loads(d.request("/api/v1/benchmarks", headers=header)[2])["benchmarks"]
            equal({b["subject"] for b in listed}, {"store"}, "kept")
            out = expect(1, *to, "--token-file", token_file + ".none")
            equal((out.stdout, out.stderr.count("\n")), ("", 1), out.stderr)
        out = expect(2, "store", *SMALL, "--publish=http://192.0.2.1", env={"NETSONDE_TOKEN": admin})
        contains(out.stderr, "only sent by https")


def test_nobody_is_no_admin():
    """on loopback without tokens root publishes, another user does not"""
    if os.geteuid() != 0:
        raise Skip("needs root to be somebody else")
    needs_curl()
    with Directory() as data, Directory() as other, Daemon(data) as d:
        os.chown(other, NOBODY, NOBODY)
        to = ("store", *SMALL, f"--publish=http://127.0.0.1:{d.port}")
        done = expect(0, *to, env={"TMPDIR": other}, user=NOBODY, group=NOBODY, extra_groups=[])
        contains(done.stderr, "not published", "403")
        equal(benchmarks(d), [], "nothing")
        equal(expect(0, *to).stderr, "", "as root")
        equal(len(benchmarks(d)), 1, "one")


def test_no_daemon():
    """nobody there, or somebody who never answers: a warning, and the status is the figures'"""
    needs_curl()
    done = expect(0, "store", *SMALL, f"--publish=http://127.0.0.1:{free_port()}")
    equal(done.stderr.count("\n"), 1, done.stderr)
    contains(done.stderr, "not published: ")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(16)
        done = expect(0, "store", *SMALL, f"--publish=http://127.0.0.1:{deaf.getsockname()[1]}")
        contains(done.stderr, "not published: ")
    # One that talks nonsense, and more of it than anybody wants to hear.
    with socket.socket() as odd:
        odd.bind(("127.0.0.1", 0))
        odd.listen(16)

        def answer():
            while True:
                try:
                    client, _ = odd.accept()
                except OSError:
                    return
                with client:
                    client.settimeout(WAIT_S)
                    try:
                        client.recv(65536)
                        client.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                                       b"Content-Length: 100000\r\n\r\n" + b"x" * 100000)
                    except OSError:
                        pass
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        done = expect(0, "store", *SMALL, f"--publish=http://127.0.0.1:{odd.getsockname()[1]}")
        contains(done.stderr, "answers 302")
        odd.shutdown(socket.SHUT_RDWR)
        thread.join(WAIT_S)


if __name__ == "__main__":
    own_network()
    run([test_save, test_every_run, test_compare, test_compare_refused, test_levels, test_not_kept, test_publish,
         test_failures_published, test_roles, test_nobody_is_no_admin, test_no_daemon])
