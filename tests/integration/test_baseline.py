"""Baselines: named statistics of a made history, what later hours are against them, on the command
line and over HTTP."""
import json
import os
import random
import shutil
import subprocess

from rig import Daemon, Directory, command, contains, equal, new_token, now_ms, run

MAKE_HISTORY = os.environ["MAKE_HISTORY"]
HOUR = 3_600_000
STEP_S = 10

SERIES = """\
series counter node_network_receive_bytes_total bytes device=eth0
series counter node_network_receive_errs_total packets device=eth0
series counter netsonde_tcp_retransmits_total segments
series gauge netsonde_self_resident_bytes bytes
series counter netsonde_tcp_rtt_seconds_bucket measurements le=0.001
series counter netsonde_tcp_rtt_seconds_bucket measurements le=0.01
series counter netsonde_tcp_rtt_seconds_bucket measurements le=+Inf
series gauge node_network_carrier - device=tun0
"""


class Made:
    """Hours that are alike, and one in which retransmissions and round trips are worse, traffic is
    more and memory less."""

    def __init__(self, data, from_ms, hours):
        self.noise = random.Random(5)
        self.totals = [0, 0, 0]
        self.buckets = [0, 0, 0]
        lines = [SERIES]
        for index, worse in enumerate(hours):
            for second in range(0, 3600, STEP_S):
                lines.append(self.tick(from_ms + index * HOUR + second * 1000, worse,
                                       tunnel=index == 0 and second < 600))
        self.begin_ms, self.end_ms = from_ms, from_ms + len(hours) * HOUR
        subprocess.run([MAKE_HISTORY, data], input="".join(lines), text=True, check=True,
                       timeout=300)

    def tick(self, t_ms, worse, tunnel):
        gauss = self.noise.gauss
        self.totals[0] += max(0, int(100_000 * (1.6 if worse else 1) + gauss(0, 15_000)))
        self.totals[2] += max(0, int(50 * (1.4 if worse else 1) + gauss(0, 8)))
        for _ in range(20):
            rtt = 0.0005 * self.noise.lognormvariate(0, 0.3) * (6 if worse else 1)
            for i, bound in enumerate((0.001, 0.01, 1e9)):
                self.buckets[i] += rtt <= bound
        memory = 20e6 * (0.7 if worse else 1) + gauss(0, 2e5)
        return (f"tick {t_ms} {self.totals[0]} 0 {self.totals[2]} {memory} "
                f"{' '.join(map(str, self.buckets))} {1 if tunnel else '-'}\n")


def made(directory):
    """Three hours that ended some minutes ago: two alike, a worse one."""
    now = now_ms()
    return Made(directory, now - now % 60_000 - 4 * HOUR, [False, False, True])


def baseline(data, *arguments, **kwargs):
    return command("baseline", *arguments, "--data-dir", data, **kwargs)


def hour(history, index):
    return ("--from", str(history.begin_ms + index * HOUR),
            "--to", str(history.begin_ms + (index + 1) * HOUR))


def verdicts(comparison):
    return {m["name"] + m["labels"].get("quantile", ""): m["verdict"]
            for m in comparison["metrics"]}


WORSE = {
    "node_network_receive_bytes_total": "changed",
    "node_network_receive_errs_total": "unchanged",
    "netsonde_tcp_retransmits_total": "regressed",
    "netsonde_self_resident_bytes": "improved",
    "netsonde_tcp_rtt_seconds0.5": "regressed",
    "netsonde_tcp_rtt_seconds0.99": "regressed",
    "node_network_carrier": "not_enough_data",
}


def check_comparison(c, history):
    equal(verdicts(c), WORSE, "verdicts")
    equal((c["baseline"], c["reason"], c["verdict"]), ("before", "asked", "regressed"), "head")
    equal((c["from_ms"], c["to_ms"]), (history.begin_ms + 2 * HOUR, history.end_ms), "window")
    equal(c["counts"], {"regressed": 3, "improved": 1, "changed": 1, "unchanged": 1,
                        "not_enough_data": 1}, "counts")
    order = ["regressed", "improved", "changed", "unchanged", "not_enough_data"]
    places = [order.index(m["verdict"]) for m in c["metrics"]]
    equal(places, sorted(places), "order")
    by_name = {m["name"]: m for m in c["metrics"]}
    traffic = by_name["node_network_receive_bytes_total"]
    equal((traffic["direction"], traffic["unit"], traffic["kind"], traffic["labels"]),
          ("neither", "bytes", "counter", {"device": "eth0"}), "traffic")
    equal(55 < traffic["change_pct"] < 65, True, traffic)
    equal(traffic["effect"], 1, "effect")
    equal(traffic["q"] < 0.01, True, traffic)
    equal(59 <= traffic["before"]["n"] <= 60 and traffic["after"]["n"] == 60, True, traffic)
    equal(9_700 < traffic["before"]["mean"] < 10_300, True, traffic)
    gone = by_name["node_network_carrier"]
    equal((gone["before"]["n"], gone["after"], gone["q"]), (10, None, None), "gone")


def test_command():
    """Saved, listed, shown; the same hour is unchanged, a worse one exits 3."""
    with Directory() as data:
        history = made(data)
        done = baseline(data, "save", "before", *hour(history, 0), "--comment", "as it should be")
        equal(done.returncode, 0, done.stderr)
        contains(done.stdout, "before: 7 series")
        contains(baseline(data, "list").stdout, "before ", "as it should be", "auto ")

        shown = json.loads(baseline(data, "show", "before", "--json").stdout)
        equal(shown["series_count"], len(shown["series"]), "series")
        errors = [s for s in shown["series"] if "errs" in s["name"]][0]
        equal((errors["mean"], errors["sigma"], errors["sketch"]), (0, 0, [0]), "a constant")
        traffic = [s for s in shown["series"] if "bytes_total" in s["name"]][0]
        equal(traffic["sketch"], sorted(traffic["sketch"]), "sketch")
        equal(len(traffic["sketch"]), traffic["n"], "up to 101 blocks all of them")
        contains(baseline(data, "show", "before").stdout, 'netsonde_tcp_rtt_seconds{quantile="0.99"}',
                 "  mean         sigma           p50           p90           p99  series",
                 *(f"{traffic[key]:.6g} " for key in ("mean", "sigma", "p50", "p90", "p99")))

        same = baseline(data, "compare", "before", *hour(history, 1))
        equal(same.returncode, 0, same.stdout + same.stderr)
        contains(same.stdout, "unchanged against before", "0 worse")
        worse = baseline(data, "compare", "before", *hour(history, 2))
        equal(worse.returncode, 3, worse.stderr)
        contains(worse.stdout, "worse ", "netsonde_tcp_retransmits_total", "regressed against before")
        check_comparison(json.loads(baseline(data, "compare", "before", *hour(history, 2),
                                             "--json").stdout), history)


def test_selection():
    """Of some series only, when saving and when comparing."""
    with Directory() as data:
        history = made(data)
        equal(baseline(data, "save", "memory", *hour(history, 0), "--metric",
                       "netsonde_self_*").returncode, 0, "save")
        better = baseline(data, "compare", "memory", *hour(history, 2), "--json")
        equal(better.returncode, 0, "only what it was made of is compared")
        equal(verdicts(json.loads(better.stdout)), {"netsonde_self_resident_bytes": "improved"},
              "verdicts")
        baseline(data, "save", "all", *hour(history, 0))
        eth0 = baseline(data, "compare", "all", *hour(history, 2), "--match", "device=eth*", "--json")
        equal(set(verdicts(json.loads(eth0.stdout))), {"node_network_receive_bytes_total",
                                                       "node_network_receive_errs_total"}, "eth0")


def test_little_data():
    """Too little for a verdict, and nothing at all."""
    with Directory() as data:
        history = made(data)
        short = ("--from", str(history.begin_ms), "--to", str(history.begin_ms + 20 * 60_000))
        done = baseline(data, "save", "short", *short)
        equal(done.returncode, 0, done.stderr)
        contains(done.stderr, "at least 30 minutes")
        done = baseline(data, "compare", "short", *hour(history, 2))
        equal(done.returncode, 1, "neither the same nor better is known: " + done.stdout)
        contains(done.stderr, "not enough data")
        done = baseline(data, "compare", "short", "--from", "now-20m", "--to", "now-10m")
        equal(done.returncode, 1, done.stdout)
        contains(done.stderr, "nothing could be compared")
        done = baseline(data, "save", "none", "--from", "now-20m", "--to", "now-10m")
        equal(done.returncode, 1, done.stdout)
        contains(done.stderr, "no whole minute")
        done = baseline(data, "compare", "auto", *hour(history, 2))
        equal(done.returncode, 1, "no weeks before")


def test_usage():
    """What makes no sense exits 2 and changes nothing."""
    with Directory() as data:
        history = made(data)
        for arguments in ((), ("keep", "a"), ("save",), ("list", "a"), ("save", "auto"),
                          ("save", "../a"), ("save", ".a"), ("delete", "auto"),
                          ("save", "a", "--from", "soon"), ("save", "a", "--to", "soon"),
                          ("save", "a", "--from", "now", "--to", "now-1h"),
                          ("show", "a", "--from", "now-1h"), ("compare", "a", "--replace"),
                          ("list", "--metric", "x"), ("save", "a", "--match", "x"),
                          ("save", "a", "--comment", "x" * 300), ("save", "a", "--interval", "1s")):
            equal(baseline(data, *arguments).returncode, 2, arguments)
        equal(baseline(data, "show", "missing").returncode, 1, "show")
        equal(baseline(data, "compare", "missing").returncode, 1, "compare")
        equal(baseline(data, "delete", "missing").returncode, 1, "delete")
        equal(baseline(data, "save", "a", *hour(history, 0)).returncode, 0, "save")
        again = baseline(data, "save", "a", *hour(history, 1))
        equal(again.returncode, 1, "there is one")
        contains(again.stderr, "--replace")
        equal(baseline(data, "save", "a", *hour(history, 1), "--replace").returncode, 0, "replace")
        equal(baseline(data, "delete", "a").returncode, 0, "delete")
        equal([b["name"] for b in json.loads(baseline(data, "list", "--json").stdout)["baselines"]],
              ["auto"], "list")


def test_edited_document():
    """People edit files; other programs format them."""
    with Directory() as data:
        history = made(data)
        baseline(data, "save", "before", *hour(history, 0))
        path = os.path.join(data, "baselines", "before.json")
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**document, "comment": "a\x1b[2Jb", "mine": [1]}, file, indent=2)
        equal(baseline(data, "compare", "before", *hour(history, 2)).returncode, 3, "formatted")
        contains(baseline(data, "list").stdout, "a?[2Jb")
        document["series"][1]["sketch"] = [3, 2]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        broken = baseline(data, "compare", "before", *hour(history, 2))
        equal(broken.returncode, 1, broken.stdout)
        contains(broken.stderr, 'series 2: "sketch" must be')


def post(d, body, **headers):
    status, _, text = d.request("/api/v1/baselines", method="POST",
                                headers={"Content-Type": "application/json", **headers},
                                body=json.dumps(body).encode())
    return status, json.loads(text)


def test_http():
    """The same over HTTP, with roles."""
    with Directory() as data:
        history = made(data)
        window = {"from": history.begin_ms, "to": history.begin_ms + HOUR}
        with Daemon(data, interval="1s") as d:
            status, entry = post(d, {"name": "before", "comment": "good", **window})
            equal((status, entry["name"], entry["comment"], entry["kind"], entry["from_ms"]),
                  (201, "before", "good", "saved", history.begin_ms), entry)
            equal(entry["blocks"] in (59, 60), True, entry)
            equal(post(d, {"name": "before", **window})[0], 409, "again")
            equal(post(d, {"name": "before", "replace": True, **window})[0], 201, "replace")
            for body, field in (({"name": "auto"}, "name"), ({"name": "a/b"}, "name"), ({}, "name"),
                                ({"name": "x", "from": "soon"}, "from"),
                                ({"name": "x", "from": "now", "to": "now-1h"}, "from"),
                                ({"name": "x", "replace": 1}, "replace"),
                                ({"name": "x", "metric": "a"}, "metric"),
                                ({"name": "x", "match": ["a"]}, "match"),
                                ({"name": "x", "other": 1}, "other")):
                status, answer = post(d, body)
                equal((status, answer["error"].get("field")), (400, field), body)

            listed = d.json("/api/v1/baselines")["baselines"]
            equal([(b["name"], b["kind"]) for b in listed],
                  [("before", "saved"), ("auto", "automatic")], "list")
            document = d.json("/api/v1/baselines/before")
            equal(len(document["series"]), entry["series_count"], "document")
            equal(d.json("/api/v1/baselines/auto")["series"], [], "auto")

            query = f"from={history.begin_ms + 2 * HOUR}&to={history.end_ms}"
            compared = d.json(f"/api/v1/baselines/before/comparison?{query}")
            check_comparison(compared, history)
            compared = d.json(f"/api/v1/baselines/before/comparison?{query}&metric=*retransmits*")
            equal(verdicts(compared), {"netsonde_tcp_retransmits_total": "regressed"}, "one")
            equal(d.json(f"/api/v1/baselines/auto/comparison?{query}")["verdict"],
                  "not_enough_data", "auto")
            for path in ("/api/v1/baselines/none", "/api/v1/baselines/none/comparison",
                         "/api/v1/baselines/.hidden"):
                equal(d.status(path), 404, path)
            equal(d.status("/api/v1/baselines/before/comparison?from=soon"), 400, "bad time")

            # A damaged document says nothing about the history, which would be set aside for that.
            with open(os.path.join(data, "baselines", "odd.json"), "w", encoding="utf-8") as file:
                file.write('{"name": "odd", "series"')
            for path in ("/api/v1/baselines/odd", f"/api/v1/baselines/odd/comparison?{query}"):
                status, _, text = d.request(path)
                equal((status, json.loads(text)["error"]["code"]), (500, "damaged"), path)
            d.ticks_pass()
            equal([n for n in os.listdir(data) if "corrupt" in n], [], "set aside")
            equal(d.status("/api/v1/baselines/odd", method="DELETE"), 204, "odd")
            equal(d.status("/api/v1/baselines/before", method="DELETE"), 204, "delete")
            equal(d.status("/api/v1/baselines/before", method="DELETE"), 404, "deleted")


def test_roles():
    """A viewer may look and compare; saving and deleting take an admin; nobody does nothing."""
    with Directory() as data:
        history = made(data)
        window = {"from": history.begin_ms, "to": history.begin_ms + HOUR}
        viewer = {"Authorization": f"Bearer {new_token(data)[1]}"}
        admin = {"Authorization": f"Bearer {new_token(data, '--role', 'admin')[1]}"}
        one = "/api/v1/baselines/before"
        with Daemon(data, interval="1s", environment={"NETSONDE_AUTH_MODE": "token"}) as d:
            for headers, expected in (({}, 401), (viewer, 403), (admin, 201)):
                equal(post(d, {"name": "before", **window}, **headers)[0], expected, "save")
            for headers, expected in (({}, 401), (viewer, 200)):
                for path in ("/api/v1/baselines", one, f"{one}/comparison", "/api/v1/comparisons"):
                    equal(d.status(path, headers=headers), expected, path)
            for headers, expected in (({}, 401), (viewer, 403), (admin, 204)):
                equal(d.status(one, method="DELETE", headers=headers), expected, "delete")


def test_trend():
    """What the daemon has compared: the newest first; what is no entry is passed over."""
    with Directory() as data:
        os.mkdir(os.path.join(data, "comparisons"), 0o700)
        entries = [{"baseline": "auto", "t": t, "verdict": "unchanged"} for t in range(20, 0, -1)]
        text = json.dumps({"comparisons": [*entries[:3], 7, *entries[3:]]})
        with open(os.path.join(data, "comparisons", "kept.json"), "w", encoding="utf-8") as file:
            file.write(text)
        with Daemon(data, interval="1s") as d:
            equal(d.json("/api/v1/comparisons")["comparisons"], entries, "all")
            equal(d.json("/api/v1/comparisons?limit=3")["comparisons"], entries[:3], "limit")
            equal(d.status("/api/v1/comparisons?limit=1001"), 400, "limit")
            shutil.rmtree(os.path.join(data, "comparisons"))
            equal(d.json("/api/v1/comparisons"), {"comparisons": []}, "none")
            with d.stream("baseline") as s:
                s.send(op="ping", id=1)
                equal(s.wait_for("pong")["id"], 1, "the channel is known")


run([test_command, test_selection, test_little_data, test_usage, test_edited_document, test_http,
     test_roles, test_trend])
