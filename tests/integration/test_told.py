"""What is told of alerts and of anomalies to who comes, comes back, looks at the past; and changes of
many people at once, on several loops."""
import json
import threading

import rig
from rig import Daemon, Directory, equal, until

ENGINES = {"NETSONDE_COLLECT_ENGINES": "netlink,procfs"}
JSON = {"Content-Type": "application/json"}


def post(d, path, body, method="POST"):
    status, _, text = d.request(path, JSON, method, json.dumps(body).encode())
    return status, json.loads(text) if text else None


def try_out(d, count=1):
    """Messages that no rule is needed for."""
    for _ in range(count):
        equal(post(d, "/api/v1/channels/websocket/test", {})[0], 202, "a test of the channel")


def come_back(d, since):
    """What who has seen `since` is told, up to the state."""
    with d.stream() as s:
        s.send(op="subscribe", id=1, channel="alerts", since=since)
        s.wait_for("ok")
        seen = []
        state = s.wait_for("alert_state", seen=seen)
        return [m for m in seen if m["type"] != "hello"], state


def test_come_back():
    """since repeats what was told meanwhile; numbers grow across a restart, which is told"""
    with Directory() as data:
        with Daemon(data, environment=ENGINES) as d:
            with d.stream("alerts") as s:
                equal(s.wait_for("alert_state")["alerts"], [], "nothing is active")
                try_out(d, 3)
                first = [s.wait_for("alert") for _ in range(3)]
            equal([(m["test"], m["rule"]) for m in first], [(True, "test")] * 3, "tests")
            numbers = [m["seq"] for m in first]
            equal(sorted(set(numbers)), numbers, "they grow")
            try_out(d, 2)
            missed, _ = come_back(d, numbers[-1])
            equal([m["type"] for m in missed], ["alert", "alert"], "what was missed")
            all_of_them, state = come_back(d, 0)
            equal([m["seq"] for m in all_of_them], numbers + [m["seq"] for m in missed], "all")
            last = all_of_them[-1]["seq"]
            equal(come_back(d, last)[0], [], "nothing is missing")
            equal(state["seq"] >= last, True, "the state is not older")
        with Daemon(data, environment=ENGINES) as d:
            until("the state is known", lambda: d.json("/api/v1/info")["seq"])
            try_out(d)
            again, _ = come_back(d, last)
            equal(again[-1]["type"], "alert", "of this run")
            equal(again[-1]["seq"] > last, True, "it has a larger number")
            older, _ = come_back(d, numbers[0])
            equal((older[0]["type"], older[0]["reason"], older[0]["from"], older[0]["channel"]),
                  ("gap", "restart", numbers[0] + 1, "alerts"), "what cannot be repeated")
            equal(older[0]["to"] < again[-1]["seq"], True, "up to where it can")


def test_anomalies():
    """bands and scores of the newest ticks, and the same of the past, once the detector has learnt"""
    learning = {"NETSONDE_DETECT_LEARNING": "2s", "NETSONDE_DETECT_WINDOW": "10s",
                "NETSONDE_DETECT_MIN_SAMPLES": "20"}
    with Directory() as data, Daemon(data, interval="50ms", environment={**ENGINES, **learning}) as d:
        with d.stream() as s:
            s.send(op="subscribe", id=1, channel="anomalies", metric="netsonde_ticks_total")
            s.wait_for("ok")
            [series] = s.wait_for("series")["series"]
            equal(series["name"], "netsonde_ticks_total", "series")

            def learnt():
                message = s.wait_for("anomalies")
                return message if message["values"] else None
            message = until("it has learnt", learnt)
            [[number, score, mean, sigma]] = message["values"]
            equal(number, series["id"], "whose")
            equal(0 <= score <= 1, True, f"score {score}")
            equal(15 < mean < 25, True, f"20 ticks a second, not {mean}")
            equal(sigma > 0, True, f"sigma {sigma}")
            equal(s.wait_for("anomalies")["seq"], message["seq"] + 1, "every tick")

        def band():
            answer = d.json("/api/v1/anomalies?metric=netsonde_ticks_total&from=-4&points=20")
            [one] = answer["series"]
            return (answer, one) if one["points"][-2] else None
        answer, one = until("the past is known", band)
        equal(one["name"], "netsonde_ticks_total", "series")
        equal(2 <= len(one["points"]) <= 20, True, "so many points")
        t, score, mean, sigma = one["points"][-2]
        equal(t, answer["from"] + (len(one["points"]) - 2) * answer["step_ms"], "time")
        equal((0 <= score <= 1, 15 < mean < 25, sigma > 0), (True, True, True), "the same band")


def test_crowd():
    """changes of many people at once are all made and all answered, whichever loop they came to"""
    people, each = 8, 25
    made, wrong = [], []
    with Directory() as data, Daemon(data, environment={**ENGINES, "NETSONDE_SERVE_THREADS": "3"}) as d:
        def work(who):
            for i in range(each):
                status, answer = post(d, "/api/v1/silences",
                                      {"rule": f"rule{who}", "comment": str(i), "duration": "1h"})
                made.append(answer["id"]) if status == 201 else wrong.append((status, answer))
        threads = [threading.Thread(target=work, args=(i,)) for i in range(people)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(wrong, [], "refused")
        equal(len(set(made)), people * each, "ids")
        there = d.json("/api/v1/silences")["silences"]
        equal({s["id"] for s in there if s["active"]}, set(made), "all of them are there at once")
        for number in made[:10]:
            equal(d.status(f"/api/v1/silences/{number}", method="DELETE"), 204, "ended")
        active = {s["id"] for s in d.json("/api/v1/silences")["silences"] if s["active"]}
        equal(active, set(made[10:]), "the others go on")


if __name__ == "__main__":
    rig.own_network()
    rig.run([test_come_back, test_anomalies, test_crowd])
