"""Alerting in a hostile world: the real Alertmanager and a mail server, receivers that are dead, slow,
flapping and refusing, floods, kills, rules that go while they fire, names that want to be more.

Each test says what must be true of the whole, not how it comes about: nothing is told twice as new,
what is not told is counted, memory has a limit, and nobody else waits.
"""
import contextlib
import email
import email.policy
import json
import os
import re
import socket
import time

import peers
import rig
from receivers import Alertmanager, Mail, Web
from rig import Directory, contains, equal, ip, remove_links, until
from test_alerts import (Traffic, alert_of, alerts, channels, daemon, post, rule_named, told, traffic_rule,
                         wire)

# Times that a person would wait for, shorter; nothing of the environment says where notices go.
FAST = {"NETSONDE_ALERTING_COOLDOWN": "0", "NETSONDE_ALERTING_RATE": "100/1s", "no_proxy": "*"}


def channel(d, name):
    return next(c for c in d.json("/api/v1/channels")["channels"] if c["name"] == name)


def told_of(web, rule):
    """What this web server was told of a rule: states, in order."""
    return [a["status"] for _, _, body in list(web.got) for a in body["alerts"]
            if a["labels"]["alertname"] == rule]


def ends(status):
    """How notices to a channel came to an end; one that falls back is another channel's, too."""
    return status["sent"] + status["failed"] + status["merged"] + status["dropped"]


def peak_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmHWM:\s*(\d+)", f.read())[1])


# ---- receivers that work --------------------------------------------------------------------------

def test_alertmanager():
    """the real Alertmanager has an alert as long as it fires, by push and through its webhook form"""
    with Directory() as data, Directory() as place, wire() as w, Web() as theirs, Web() as own, \
            Alertmanager(place, theirs.url + "/am") as am:
        more = channels({"name": "am", "type": "alertmanager", "url": am.url},
                        {"name": "hook", "type": "webhook", "url": own.url})
        rules = [traffic_rule(channels=["am", "hook"])]
        with Traffic(w) as traffic:
            with daemon(data, rules, more, environment=FAST) as d:
                until("it is there", lambda: set(am.alerts()) == {("va", "warning")})
                first = am.alerts()[("va", "warning")]
                equal(first["labels"]["alertname"], "busy", "its name")
                equal(channel(d, "am")["failed"], 0, "failures")
            with daemon(data, rules, more, environment=FAST) as d:
                until("it goes on", lambda: alert_of(d, "busy"))
                d.ticks_pass(5)
                equal(am.alerts()[("va", "warning")]["fingerprint"], first["fingerprint"], "the same")
                equal(am.alerts()[("va", "warning")]["startsAt"], first["startsAt"], "since when")
                traffic.stop.set()
                until("it is over there", lambda: not am.alerts())
                until("its webhook tells so", lambda: told_of(theirs, "busy") == ["firing", "resolved"])
                until("so does ours", lambda: told_of(own, "busy") == ["firing", "resolved"])
        ours, their = (next(g[2] for g in web.got) for web in (own, theirs))
        equal(set(their) - set(ours), set(), "members of the webhook's body that are missing")
        for key in ("version", "status", "truncatedAlerts"):
            equal(ours[key], their[key], key)


# ---- names and templates ---------------------------------------------------------------------------

# A device's name may be nearly anything that has neither a blank nor a slash nor a colon.
DEVICE = "$(x)\"<b>'\\"
SUMMARY = "{device}\"'<script>alert(1)</script>%n%s`id`$(touch x)\\r\\nBcc: evil@example.net \u202e\u2028é☃💥{{.}}"


def read_mail(raw):
    for line in raw.split(b"\r\n"):
        equal((b"\r" in line, b"\n" in line, len(line) <= 998), (False, False, True), f"{line!r}")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    equal(message.defects, [], "mistakes")
    return message


def test_hostile_everywhere():
    """a device and a summary that want to be more are text to every channel"""
    with Directory() as data, wire(DEVICE) as w, Web() as web, Mail() as server, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(os.path.join(data, "syslog"))
        syslog.settimeout(rig.WAIT_S)
        out, log = os.path.join(data, "out"), os.path.join(data, "alerts.log")
        program = os.path.join(data, "page")
        with open(program, "w", encoding="ascii") as f:
            f.write(f'#!/bin/sh\ncat > {out}.json\nfor a; do printf "%s\\0" "$a"; done > {out}.args\n'
                    f'env -0 > {out}.new && mv {out}.new {out}.env\n')
        os.chmod(program, 0o755)
        arguments = ["$(id)", "a b;c", "{summary}", "%s`id`"]
        more = channels({"name": "hook", "type": "webhook", "url": web.url},
                        {"name": "mail", "type": "email", "url": server.url, "to": ["a@example.net"],
                         "from": "netsonde@example.net"},
                        {"name": "sys", "type": "syslog", "path": os.path.join(data, "syslog")},
                        {"name": "file", "type": "log", "path": log},
                        {"name": "run", "type": "exec", "command": [program, *arguments]})
        rule = traffic_rule("hostile", DEVICE.replace("\\", "?"), summary=SUMMARY,
                            channels=["hook", "mail", "sys", "file", "run", "log", "websocket"])
        with daemon(data, [], more, environment=FAST) as d, d.stream("alerts") as s, Traffic(w):
            equal(post(d, "/api/v1/rules", rule)[0], 201, "the rule")
            message, _ = told(s, "hostile", "firing")
            for name in ("hook", "mail", "sys", "file", "run"):
                until(f"{name} has it", lambda name=name: channel(d, name)["sent"] == 1)
            summary = message["summary"]
            contains(summary, DEVICE, "<script>", "$(touch x)", "é☃💥")
            check_texts(d, summary, web, server, syslog, log, out, arguments)
        equal([n for n in os.listdir(data) if n == "x"] + [n for n in os.listdir("/") if n == "x"], [],
              "nothing was run")


def check_texts(d, summary, web, server, syslog, log, out, arguments):
    body = web.got[0][2]["alerts"][0]
    equal((body["labels"]["device"], body["annotations"]["summary"]), (DEVICE, summary), "webhook")
    message = read_mail(server.got[0][2])
    equal((message["Bcc"], message.get_all("To"), server.got[0][1]),
          (None, ["a@example.net"], ["a@example.net"]), "headers of the mail")
    contains(message["Subject"], "<script>")
    contains(message.get_content(), DEVICE)
    line = syslog.recv(65536).decode()
    contains(line, "rule=hostile", "<script>")
    equal(re.search(r"[\x00-\x1f\x7f]", line), None, "control characters for syslog")
    with open(log, encoding="utf-8", newline="") as f:
        lines = f.read().split("\n")
    equal((len(lines), lines[1]), (2, ""), "one line of the file")
    contains(lines[0], "state=firing", "rule=hostile")
    # A quoted value ends where it ends: what is in it cannot begin another pair.
    pairs = re.findall(r'(?:^| )(\w+)=("(?:[^"\\]|\\.)*"|[^ "]*)', lines[0])
    equal(len({key for key, _ in pairs}), len(pairs), f"pairs of {lines[0]}")
    equal(" ".join(f"{k}={v}" for k, v in pairs) in lines[0], True, f"nothing between them: {lines[0]}")
    until("the program has ended", lambda: os.path.exists(out + ".env"))
    with open(out + ".args", encoding="utf-8") as f:
        equal(f.read().split("\0")[:-1], arguments, "arguments")
    with open(out + ".json", encoding="utf-8") as f:
        equal(json.load(f)["alerts"][0]["labels"]["device"], DEVICE, "what it read")
    with open(out + ".env", encoding="utf-8") as f:
        variables = dict(v.split("=", 1) for v in f.read().split("\0") if v)
    equal(variables["NETSONDE_SUMMARY"], summary, "a variable")
    contains(variables["NETSONDE_SERIES"], "$(x)")
    equal([v for v in variables.values() if re.search(r"[\x00-\x1f\x7f]", v)], [], "control characters")
    for text in d.output().splitlines():
        equal(text.startswith("Bcc"), False, "a line of the log")


# ---- rules that go ---------------------------------------------------------------------------------

def test_deleted():
    """a rule deleted while it fires, is silenced or waits for a slot leaves nothing behind"""
    slow = {**FAST, "NETSONDE_ALERTING_RATE": "1/3s"}
    with Directory() as data, wire() as w, Web() as web:
        more = channels({"name": "hook", "type": "webhook", "url": web.url})
        with daemon(data, [], more, environment=slow) as d, Traffic(w):
            def make(name):
                equal(post(d, "/api/v1/rules", traffic_rule(name, channels=["hook"]))[0], 201, name)

            def fires(name, state="firing"):
                until(f"{name} is {state}", lambda: (alert_of(d, name) or {}).get("state") == state)

            def delete(name):
                equal(d.status(f"/api/v1/rules/{name}", method="DELETE"), 204, name)
                until(f"{name} is over", lambda: not alert_of(d, name))
                until("history has it", lambda: alert_of(d, name, "resolved"))
                equal(rule_named(d, name), None, name)

            equal(post(d, "/api/v1/silences", {"rule": "quiet", "duration": "1h"})[0], 201, "a silence")
            make("first")
            until("it is told", lambda: told_of(web, "first") == ["firing"])
            make("waiting")  # the slot is taken for three seconds
            fires("waiting")
            delete("waiting")
            make("quiet")
            fires("quiet", "silenced")
            delete("quiet")
            delete("first")
            until("its end is told", lambda: told_of(web, "first") == ["firing", "resolved"])
            make("last")
            until("the next is told", lambda: told_of(web, "last") == ["firing"])
            equal((told_of(web, "waiting"), told_of(web, "quiet")), ([], []), "what was never told")
            equal(channel(d, "hook")["held_back"] >= 1, True, "it is counted")
            make("first")  # the same name is a rule of its own
            fires("first")
            equal(alert_of(d, "first")["id"] > alert_of(d, "last")["id"], True, "and has its own alerts")
            for gap in [b - a for a, b in zip(web.times, web.times[1:])]:
                equal(gap > 2.5, True, f"between two messages: {gap:.2f} s")


# ---- receivers that do not work --------------------------------------------------------------------

class Silent:
    """Takes connections and says nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def test_bad_receivers():
    """dead, slow, flapping and refusing receivers cost no tick, little memory, and nothing uncounted"""
    def flap(handler, number):
        handler.say(200 if number % 3 == 0 else 503)

    def refuse(handler, _):
        handler.say(400)

    rounds, rules = 6, 40
    names = ("dead", "slow", "flapping", "refusing")
    with Directory() as data, wire() as w, Web(flap) as flapping, Web(refuse) as refusing, \
            Silent() as slow, Web() as good:
        hurry = {"type": "webhook", "timeout": "500ms", "retries": 1, "queue": 2}
        more = channels({"name": "dead", "url": f"http://127.0.0.1:{rig.free_port()}/", **hurry},
                        {"name": "slow", "url": slow.url, **hurry},
                        {"name": "flapping", "url": flapping.url, **hurry},
                        {"name": "refusing", "url": refusing.url, **hurry, "fallback": "good"},
                        {"name": "good", "url": good.url, "type": "webhook"})
        watched = [traffic_rule(f"r{i}", channels=list(names)) for i in range(rules)]
        with daemon(data, watched, more, environment=FAST) as d:
            d.ticks_pass(10)
            missed, ticks = d.metric("netsonde_ticks_missed_total"), d.metric("netsonde_ticks_total")
            before = peak_kib(d.pid)
            for _ in range(rounds):
                with Traffic(w):
                    until("all fire", lambda: len(alerts(d, "firing")) == rules)
                until("all are over", lambda: not alerts(d))
            # One attempt of the slow one is five ticks: if it was waited for, many are missing.
            late = d.metric("netsonde_ticks_missed_total") - missed
            ticks = d.metric("netsonde_ticks_total") - ticks
            equal(late <= ticks * 0.1, True, f"{late} of {ticks} ticks late")
            until("all came to an end", lambda: all(channel(d, n)["queued"] == 0 for n in names + ("good",)))
            found = {n: channel(d, n) for n in names}
            equal(len({ends(c) for c in found.values()}), 1, f"as much to each: {found}")
            equal(ends(found["dead"]) >= 2 * rounds, True, f"{ends(found['dead'])} notices")
            for name in ("dead", "slow", "refusing"):
                equal((found[name]["sent"], found[name]["failed"] > 0), (0, True), name)
                equal(found[name]["last_error"] != "", True, f"{name} says why")
            for name in names:
                equal((found[name]["dropped"], found[name]["fell_back"]), (0, found[name]["failed"]), name)
            equal(channel(d, "good")["sent"] + channel(d, "good")["merged"], found["refusing"]["failed"],
                  "what was refused fell back")
            equal(len(good.got), channel(d, "good")["sent"], "to where it arrived")
            equal(sum(number % 3 == 0 for number in range(1, len(flapping.got) + 1)),
                  found["flapping"]["sent"], "what the flapping one took")
            log = d.output()
            for rule in watched:
                equal(told_of(good, rule["name"])[-1], "resolved", "the last that was told")
                last = [x for x in log.splitlines() if f"{rule['name']} resolved" in x]
                equal(last != [], True, f"the log has the end of {rule['name']} for the dead one")
            equal(peak_kib(d.pid) - before < 20000 * rig.SLOW, True,
                  f"memory: {before} KiB, then {peak_kib(d.pid)} KiB")


# ---- killed ----------------------------------------------------------------------------------------

def test_killed():
    """killed ten times in mid-alert: no number stands for two, none is told twice, none stays"""
    with Directory() as data, wire() as w:
        began, news = {}, []

        def look(d):
            for a in alerts(d, "all", rule="busy"):
                if a["started"] is not None:
                    equal(began.setdefault(a["id"], a["started"]), a["started"], f"alert {a['id']} began")
            return alert_of(d, "busy")

        for number in range(10):
            with contextlib.ExitStack() as life:
                if number % 2:
                    life.enter_context(Traffic(w))
                d = life.enter_context(daemon(data, [traffic_rule()], environment=FAST))
                s = life.enter_context(d.stream("alerts"))
                if not number % 2:  # which hears of it from the beginning
                    life.enter_context(Traffic(w))
                if number % 2:  # what the last run began, or a new one if the disk had not got it yet
                    one = until("it fires", lambda: look(d))
                    until("its state is told", lambda: one["id"] in [
                        a["id"] for a in s.wait_for("alert_state")["alerts"]])
                else:  # in the moment in which somebody hears of it
                    _, one = told(s, "busy", "firing")
                    equal(began.setdefault(one["id"], one["started"]), one["started"], "a new number")
                if number % 2:  # the disk has it, and the next run does not tell it again
                    d.ticks_pass(15)
                d.kill()  # the traffic ends while nobody looks
            news.append((number, one["id"]))
            if number % 2:
                with daemon(data, [traffic_rule()], environment=FAST) as d, \
                        d.stream("alerts,metrics") as s:
                    until("it is over", lambda: look(d) is None)
                    until("history has it by its number", lambda: one["id"] in [
                        a["id"] for a in alerts(d, "resolved", rule="busy")])
                    # The log has it all, the stream what came since somebody could listen.
                    heard = []
                    for _ in range(10):
                        s.wait_for("metrics", seen=heard)
                    equal(re.findall(r"alert: busy (\w+)", d.output()), ["resolved"], "what is told")
                    equal({m["state"] for m in heard if m["type"] == "alert"} <= {"resolved"}, True, "heard")
                    d.kill()
        with daemon(data, [traffic_rule()], environment=FAST) as d:
            equal(look(d), None, "nothing stays")
            past = until("history has them", lambda: alerts(d, "resolved", rule="busy"))
            equal(len({a["id"] for a in past}), len(past), "each once")
            equal({i for n, i in news if n % 2} <= {a["id"] for a in past}, True, f"{news}, {past}")


# ---- a full disk -----------------------------------------------------------------------------------

def test_disk_full():
    """with a full disk begin and end arrive at a webhook, and a restart finds the end, not the begin"""
    with Directory() as place, wire() as w, Web() as web:
        rig.mount("none", place, "tmpfs", options="size=24m")
        try:
            more = channels({"name": "hook", "type": "webhook", "url": web.url})
            rules = [traffic_rule(channels=["hook"])]
            with daemon(place, rules, more, environment=FAST) as d:
                with Traffic(w):
                    one = until("it fires", lambda: alert_of(d, "busy"))
                    d.ticks_pass(5)
                    ballast = rig.fill(place)
                    until("the disk refuses", lambda: d.metric("netsonde_store_ticks_lost_total") > 0)
                until("both are told", lambda: told_of(web, "busy") == ["firing", "resolved"])
                equal(alert_of(d, "busy"), None, "it is over")
                os.unlink(ballast)
                until("history has it", lambda: alert_of(d, "busy", "resolved"))
            with daemon(place, rules, more, environment=FAST) as d:
                equal((alert_of(d, "busy"), alert_of(d, "busy", "resolved")["id"]), (None, one["id"]),
                      "after a restart")
                d.ticks_pass(5)
                equal(told_of(web, "busy"), ["firing", "resolved"], "nothing is told again")
        finally:
            rig.unmount(place)


# ---- a flood ---------------------------------------------------------------------------------------

def test_flood():
    """tens of thousands that begin and end: bounded memory, the rate is kept, all counted, all answer"""
    count, watched, most = 100, 500, 10000
    names = [f"d{i}" for i in range(count)]
    rule = {"metric": "node_network_carrier", "match": {"device": "d*[0-9]"}, "when": "below", "critical": 1,
            "for": 0, "keep": 0, "channels": ["hook", "websocket"]}
    rules = [{"name": f"rule{i}", **rule} for i in range(watched)]
    with Directory() as data, contextlib.ExitStack() as life, Web() as web:
        life.callback(remove_links, *names)
        batch = {}
        for word, line in (("add", "link add {0} type veth peer name {0}p\nlink set {0} up\n"),
                           ("up", "link set {0}p up\n"), ("down", "link set {0}p down\n")):
            batch[word] = os.path.join(data, word)
            with open(batch[word], "w", encoding="ascii") as f:
                f.write("".join(line.format(name) for name in names))
        rig.no_ipv6()
        ip("-batch", batch["add"])
        ip("-batch", batch["up"])
        more = channels({"name": "hook", "type": "webhook", "url": web.url})
        slow = {**FAST, "NETSONDE_ALERTING_RATE": "4/2s"}
        d = life.enter_context(daemon(data, rules, more, environment=slow))
        s = life.enter_context(d.stream("alerts"))

        def total(state="active"):
            began = time.monotonic()
            answer = d.json(f"/api/v1/alerts?state={state}&limit=10")
            equal(time.monotonic() - began < 3 * rig.SLOW, True, "GET /alerts answers")
            return answer["total"]

        until("all are watched", lambda: rule_named(d, "rule0")["status"]["matched"] == count)
        until("all is well", lambda: total() == 0)
        for number in range(3):
            ip("-batch", batch["down"])
            until("as many as may be", lambda: total() == most)
            until("the others are counted", lambda least=(number + 1) * (count * watched - most):
                  d.metric("netsonde_alerts_refused_total") >= least)
            ip("-batch", batch["up"])
            d.ticks_pass(3)  # what there was no room for is over, too
            until("all are over", lambda: total() == 0)
        until("all are counted", lambda: d.metric("netsonde_alert_changes_total") >= 3 * 2 * most)
        equal(peak_kib(d.pid) < 150000 * rig.SLOW, True, f"{peak_kib(d.pid)} KiB")
        until("all is told", lambda: web.got and web.got[-1][2]["status"] == "resolved")
        # The viewer did not read so far; it is still there, and learns where things stand.
        equal(post(d, "/api/v1/channels/websocket/test", {})[0], 202, "a mark")
        seen, state, mark = [], None, False
        while not mark or state["total"]:
            message = s.wait_for("alert", "alert_state")
            if message["type"] == "alert_state":
                state = message
            elif message.get("test"):
                mark = True
            else:
                seen.append(message)
        # On the stream stands when it was let through, exactly. What the courier brings is seen when it
        # arrives: on a busy machine it may take a second more for one than for the next.
        for times, span in (([m["t"] / 1000 for m in seen], 2), (web.times, 1)):
            equal(len(times) >= 2, True, f"messages: {times}")
            for begin in times:
                equal(sum(begin <= t < begin + span for t in times) <= 4, True, f"the rate: {times}")


if __name__ == "__main__":
    peers.fetch("prometheus-alertmanager", "usr/bin/prometheus-alertmanager")
    rig.own_network()
    rig.run([v for k, v in list(globals().items()) if k.startswith("test_")])
