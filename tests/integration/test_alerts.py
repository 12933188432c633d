"""Alerts as people meet them: rules from a file, real traffic in a namespace of our own, the stream,
the routes, what is told and what is held back, and what a restart leaves."""
import contextlib
import http.server
import json
import os
import re
import signal
import socket
import threading

import rig
from rig import (Daemon, Directory, Wire, command, contains, equal, ip, neighbour, new_token, now_ms,
                 remove_links, settled, until)

# What a person would wait for is shorter here.
ENGINES = {"NETSONDE_COLLECT_ENGINES": "netlink,procfs", "NETSONDE_ALERTING_COOLDOWN": "1s",
           "NETSONDE_ALERTING_RATE": "50/10s"}
JSON = {"Content-Type": "application/json"}


@contextlib.contextmanager
def daemon(data, rules, more="", environment=None, **kwargs):
    """With these items of `alerts:`, and further sections."""
    path = os.path.join(data, "netsonde.yaml")
    write_config(path, rules, more)
    with Daemon(data, "-c", path, environment={**ENGINES, **(environment or {})}, **kwargs) as d:
        d.config = path
        yield d


def write_config(path, rules, more=""):
    with open(path, "w", encoding="utf-8") as f:
        f.write("alerts:\n" + "".join(f"  - {json.dumps(rule)}\n" for rule in rules) + more)


def traffic_rule(name="busy", device="va", **more):
    return {"name": name, "metric": "node_network_transmit_bytes_total", "match": {"device": device},
            "when": "above", "warning": "20kB", "for": 0, "keep": 0, **more}


class Traffic:
    """Datagrams on the wire until it is left."""

    def __init__(self, wire, per_s=200):
        self.to, self.pause, self.stop = wire.to, 1 / per_s, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            while not self.stop.wait(self.pause):
                with contextlib.suppress(OSError):  # the link is down
                    s.sendto(b"x" * 1000, (self.to, 9))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


@contextlib.contextmanager
def wire(name="va", net=99):
    with neighbour() as pid:
        try:
            yield Wire(pid, name, net)
        finally:
            remove_links(name)


def alerts(d, state="active", **where):
    found = d.json(f"/api/v1/alerts?state={state}&limit=1000")["alerts"]
    return [a for a in found if all(a[key] == value for key, value in where.items())]


def alert_of(d, rule, state="active"):
    found = alerts(d, state, rule=rule)
    return found[0] if found else None


def post(d, path, body, method="POST", headers=None):
    status, _, text = d.request(path, {**JSON, **(headers or {})}, method, json.dumps(body).encode())
    return status, json.loads(text) if text else None


def told(s, rule, state):
    """The next message about this rule in this state."""
    while True:
        message = s.wait_for("alert")
        for one in message.get("group", [message]):
            if one["rule"] == rule and one["state"] == state:
                return message, one


def rule_named(d, name):
    found = [r for r in d.json("/api/v1/rules")["rules"] if r["name"] == name]
    return found[0] if found else None


# ---- one alert ----------------------------------------------------------------------------------

def test_life():
    """real traffic fires it, it is seen, acknowledged and resolved, and history has it"""
    with Directory() as data, wire() as w, \
            daemon(data, [traffic_rule(summary="{device} sends {value}")]) as d, d.stream("alerts") as s:
        equal(s.wait_for("alert_state")["total"], len(alerts(d)), "what is active at first")
        with Traffic(w):
            message, one = told(s, "busy", "firing")
            equal(message["severity"], "warning", "severity")
            equal(message["threshold"], 20000, "threshold")
            equal(message["value"] > 20000, True, f"value {message['value']}")
            contains(message["summary"], "va sends ")
            equal(message["series"], 'node_network_transmit_bytes_total{device="va"}', "series")
            state = s.wait_for("alert_state")
            equal([a["state"] for a in state["alerts"] if a["rule"] == "busy"], ["firing"], "state")
            equal(alert_of(d, "busy")["id"], one["id"], "by HTTP")
            status, _ = post(d, f"/api/v1/alerts/{one['id']}/ack", {"by": "somebody"})
            equal(status, 200, "acknowledged")
            until("it shows", lambda: alert_of(d, "busy")["state"] == "acknowledged")
            equal(alert_of(d, "busy")["by"], "somebody", "who")
            equal(post(d, f"/api/v1/alerts/{one['id']}/ack", {})[0], 409, "again")
            equal(post(d, "/api/v1/alerts/999999/ack", {})[0], 404, "another")
        until("it is over", lambda: not alert_of(d, "busy"))
        told(s, "busy", "resolved")
        past = until("history has it", lambda: alert_of(d, "busy", "resolved"))
        equal(past["id"], one["id"], "the same one")
        equal(past["started"] <= past["resolved"], True, "times")
        d.logged("busy")


def test_roles():
    """who may look may not change anything"""
    with Directory() as data:
        _, token = new_token(data, "--role", "viewer")
        with daemon(data, [], environment={"NETSONDE_AUTH_MODE": "token"}) as d:
            bearer = {"Authorization": f"Bearer {token}"}
            for path in ("alerts", "rules", "silences", "channels"):
                equal(d.status(f"/api/v1/{path}", headers=bearer), 200, path)
            rule = {"name": "x", "metric": "node_load1", "warning": 1}
            for path, body in (("/api/v1/rules", rule), ("/api/v1/silences", {"rule": "*", "duration": "1h"}),
                               ("/api/v1/alerts/1/ack", {}), ("/api/v1/channels/log/test", {})):
                equal(post(d, path, body, headers=bearer)[0], 403, path)
            equal(post(d, "/api/v1/rules/test", {"rule": rule}, headers=bearer)[0], 200, "back-test")


def test_defaults():
    """at most ten rules without a file; one that cannot work here says so"""
    with Directory() as data, Daemon(data, environment=ENGINES) as d:
        d.ticks_pass(5)
        rules = d.json("/api/v1/rules")["rules"]
        equal(0 < len(rules) <= 10, True, f"{len(rules)} rules")
        equal({r["source"] for r in rules}, {"default"}, "source")
        for rule in rules:
            equal(rule["status"]["matched"] > 0 or rule["status"]["note"] != "", True,
                  f"{rule['name']} says why it sleeps")
        equal(alerts(d), [], "a quiet namespace")
        equal(d.status("/api/v1/rules/link_down", method="DELETE"), 409, "a default cannot be deleted")


# ---- what a restart and a reload leave ----------------------------------------------------------

def test_restart():
    """killed in mid-alert: the same one goes on, is not told again, and resolves"""
    with Directory() as data, wire() as w, Traffic(w) as traffic:
        with daemon(data, [traffic_rule()]) as d:
            first = until("it fires", lambda: alert_of(d, "busy"))
            silence = post(d, "/api/v1/silences", {"rule": "other", "series": "*", "duration": "1h"})
            equal(silence[0], 201, "a silence")
            equal(post(d, "/api/v1/rules", traffic_rule("mine", warning=1e12))[0], 201, "a rule")
            until("the disk has it", lambda: command(
                "query", "--data-dir", data, "--metric", "netsonde_ticks_total").returncode == 0)
            d.ticks_pass(5)
            d.kill()
        with daemon(data, [traffic_rule()]) as d, d.stream("alerts") as s:
            again = until("it goes on", lambda: alert_of(d, "busy"))
            equal((again["id"], again["started"]), (first["id"], first["started"]), "the same alert")
            equal([x["rule"] for x in d.json("/api/v1/silences")["silences"]], ["other"], "silences")
            equal(rule_named(d, "mine")["source"], "api", "rules")
            d.ticks_pass(10)
            traffic.stop.set()
            message = s.wait_for("alert")
            equal((message["rule"], message["state"], message["id"]), ("busy", "resolved", first["id"]),
                  "the first that is told")


def test_reload():
    """a rule that is deleted while it fires resolves its alert; a bad file changes nothing"""
    with Directory() as data, wire() as w, Traffic(w):
        with daemon(data, [traffic_rule()]) as d:
            until("it fires", lambda: alert_of(d, "busy"))
            write_config(d.config, [{**traffic_rule(), "warning": "lots"}])
            d.process.send_signal(signal.SIGHUP)
            d.logged("the old one stays in force")
            equal(alert_of(d, "busy")["state"], "firing", "still")
            write_config(d.config, [traffic_rule("other", warning="1GB")])
            d.process.send_signal(signal.SIGHUP)
            until("it is over", lambda: not alert_of(d, "busy"))
            until("history has it", lambda: alert_of(d, "busy", "resolved"))
            equal(rule_named(d, "busy"), None, "the rule is gone")
            equal(rule_named(d, "other")["source"], "file", "the other one is there")


def test_rules():
    """made, changed, refused and deleted over HTTP; the file's are read-only"""
    with Directory() as data, wire() as w, Traffic(w):
        with daemon(data, [traffic_rule("of_file", warning="1GB")]) as d:
            rule = traffic_rule("mine", warning=1e12)
            equal(post(d, "/api/v1/rules", rule)[0], 201, "made")
            equal(post(d, "/api/v1/rules", rule)[0], 409, "again")
            status, answer = post(d, "/api/v1/rules", {**rule, "name": "other", "warnin": 1})
            equal((status, answer["error"]["field"]), (400, "warnin"), "a key that does not exist")
            status, answer = post(d, "/api/v1/rules", {**rule, "name": "other", "warning": "lots"})
            equal((status, answer["error"]["field"]), (400, "warning"), "a value that is none")
            for method, body in (("PUT", rule), ("DELETE", {})):
                equal(post(d, "/api/v1/rules/of_file", {**body, **({"name": "of_file"} if body else {})},
                           method)[0], 409, method)
            equal(post(d, "/api/v1/rules/mine", {**rule, "warning": "20kB"}, "PUT")[0], 200, "changed")
            until("it fires", lambda: alert_of(d, "mine"))
            equal(d.status("/api/v1/rules/mine", method="DELETE"), 204, "deleted")
            until("it is over", lambda: not alert_of(d, "mine"))
            equal(d.status("/api/v1/rules/mine", method="DELETE"), 404, "again")


# ---- what is told and what is not ---------------------------------------------------------------

def test_silence():
    """a silenced alert is in the list and told to nobody; when the silence ends it is told"""
    with Directory() as data, wire() as w:
        with daemon(data, [traffic_rule()]) as d, d.stream("alerts") as s:
            status, made = post(d, "/api/v1/silences", {"rule": "bus*", "series": "*", "duration": "1h"})
            equal(status, 201, "a silence")
            with Traffic(w):
                until("it is silenced", lambda: (alert_of(d, "busy") or {}).get("state") == "silenced")
                equal(alert_of(d, "busy")["silence"], made["id"], "by which one")
                d.ticks_pass(10)
                equal(d.status(f"/api/v1/silences/{made['id']}", method="DELETE"), 204, "ended")
                seen = []
                s.wait_for("alert", seen=seen)
                equal({m["type"] for m in seen}, {"hello", "alert_state"}, "nothing was told before")
                until("it fires", lambda: alert_of(d, "busy")["state"] == "firing")


def test_digest():
    """fifty that fail together are one message, and never more than the rate allows"""
    names = [f"d{i}" for i in range(50)]
    rule = {"name": "gone", "metric": "node_network_up", "match": {"device": "d*[0-9]"}, "when": "below",
            "critical": 1, "for": 0, "keep": 0}
    with Directory() as data, contextlib.ExitStack() as life:
        life.callback(remove_links, *names)
        for name in names:
            ip("link", "add", name, "type", "veth", "peer", "name", name + "p")
            ip("link", "set", name, "up")
            ip("link", "set", name + "p", "up")
        for name in names:
            settled(name)
        batch = os.path.join(data, "batch")
        with open(batch, "w", encoding="ascii") as f:
            f.write("".join(f"link set {name}p down\n" for name in names))
        d = life.enter_context(daemon(data, [rule], interval="1s"))
        s = life.enter_context(d.stream("alerts"))
        d.ticks_pass(2)
        equal((rule_named(d, "gone")["status"]["matched"], alerts(d, rule="gone")), (50, []), "all watched")
        ip("-batch", batch)
        messages, listed = [], set()
        while len(listed) < 50:
            messages.append(s.wait_for("alert"))
            listed |= {a["series"] for a in messages[-1].get("group", messages[-1:])}
        equal(len(messages) <= 2, True, f"{len(messages)} messages")
        equal(d.json("/api/v1/alerts?state=firing")["total"], 50, "all are in the list")


def test_flapping():
    """what comes and goes is held back and counted, and its last state is told"""
    rate = {"NETSONDE_ALERTING_RATE": "3/10s", "NETSONDE_ALERTING_COOLDOWN": "2s"}
    with Directory() as data, wire() as w:
        with daemon(data, [traffic_rule(f"r{i}") for i in range(6)], environment=rate) as d, \
                d.stream("alerts") as s:
            for _ in range(6):
                with Traffic(w):
                    until("all fire", lambda: len(alerts(d, "firing")) == 6)
                until("all are over", lambda: not alerts(d))
            messages, last = [], {}
            while len(last) < 6 or set(last.values()) != {"resolved"}:
                message = s.wait_for("alert")
                messages.append(message)
                for one in message.get("group", [message]):
                    last[one["rule"]] = one["state"]
            times = [m["t"] for m in messages]
            for begin in times:
                equal(sum(begin <= t < begin + 10000 for t in times) <= 3, True, f"the rate: {times}")
            equal(sum(m["suppressed"] for m in messages) > 0, True, "what was held back is told")


def test_held_back_without_resolved():
    """who does not want to hear of what is over hears of what was held back with the next alert"""
    quick = {"NETSONDE_COLLECT_INTERVAL": "100ms", "NETSONDE_ALERTING_COOLDOWN": "4s"}
    quiet = channels({"name": "log", "type": "log", "resolved": "off"})
    with Directory() as data, wire() as w, \
            daemon(data, [traffic_rule()], quiet, environment=quick) as d:
        def held_back():
            return next(c["held_back"] for c in d.json("/api/v1/channels")["channels"] if c["name"] == "log")

        def told_of():
            return sum(int(count) for count in re.findall(r" (\d+) more held back", d.output()))

        for _ in range(20):  # until it was within the cooldown, and the last of it is no news
            with Traffic(w):
                until("it fires", lambda: alerts(d, "firing", rule="busy"))
            until("it is over", lambda: not alert_of(d, "busy"))
            if held_back():
                break
        until("what nobody was told of is counted", held_back)
        with Traffic(w):
            until("it was told of later", lambda: told_of() == held_back())


def test_inhibition():
    """a link that is down mutes what depends on it"""
    rules = [{"name": "link_down", "metric": "node_network_up", "match": {"device": "va"},
              "when": "below", "critical": 1, "for": 0, "keep": 0, "mutes": "device"},
             {"name": "idle", "metric": "node_network_transmit_bytes_total", "match": {"device": "va"},
              "when": "below", "warning": "20kB", "for": "300ms", "keep": 0}]
    with Directory() as data, wire() as w, Traffic(w):
        with daemon(data, rules) as d, d.stream("alerts") as s:
            d.ticks_pass(10)
            equal(alerts(d), [], "all is well")
            ip("link", "set", "va", "down")
            until("both fire", lambda: len(alerts(d, "firing")) == 2)
            equal(alert_of(d, "idle")["inhibited_by"], alert_of(d, "link_down")["id"], "why it is muted")
            told(s, "link_down", "firing")
            d.ticks_pass(10)
            ip("link", "set", "va", "up")
            settled("va")
            ip("neigh", "replace", w.to, "lladdr", "02:00:00:00:00:99", "dev", "va", "nud", "permanent")
            until("all is well", lambda: not alerts(d))
            seen = []
            while True:
                message = s.wait_for("alert")
                seen += message.get("group", [message])
                if any((a["rule"], a["state"]) == ("link_down", "resolved") for a in seen):
                    break
            equal([a["rule"] for a in seen if a["rule"] == "idle" and a["state"] == "firing"], [],
                  "nothing was told of the other")


# ---- channels -----------------------------------------------------------------------------------

class Webhook:
    """Collects what is posted; answers with `status`."""

    def __init__(self):
        outer = self
        self.bodies, self.status = [], 200

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.bodies.append(json.loads(body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def channels(*items):
    return "channels:\n" + "".join(f"  - {json.dumps(item)}\n" for item in items)


def test_webhook():
    """a webhook gets the alert and its end; the test button reaches it; its counts are shown"""
    with Directory() as data, wire() as w, Webhook() as hook:
        more = channels({"name": "hook", "type": "webhook", "url": hook.url})
        with daemon(data, [traffic_rule(channels=["hook"])], more) as d:
            equal(post(d, "/api/v1/channels/hook/test", {})[0], 202, "the button")
            until("it arrives", lambda: hook.bodies)
            equal(post(d, "/api/v1/channels/none/test", {})[0], 404, "no such channel")
            with Traffic(w):
                until("it is told", lambda: len(hook.bodies) == 2)
            until("its end, too", lambda: len(hook.bodies) == 3)
            firing, resolved = hook.bodies[1:]
            equal((firing["version"], firing["status"], resolved["status"]), ("4", "firing", "resolved"), "")
            equal(firing["alerts"][0]["labels"]["alertname"], "busy", "its name")
            equal(firing["alerts"][0]["fingerprint"], resolved["alerts"][0]["fingerprint"], "the same one")
            shown = until("it is counted", lambda: [
                c for c in d.json("/api/v1/channels")["channels"] if c["name"] == "hook" and c["sent"] == 3])
            equal(shown[0]["last_error"], "", "no error")


def test_fallback():
    """what refuses is tried again, then the fallback is told, and at last the log has it"""
    with Directory() as data, wire() as w, Webhook() as hook, Webhook() as second:
        hook.status = 503
        more = channels({"name": "hook", "type": "webhook", "url": hook.url, "fallback": "second",
                         "retries": 1},
                        {"name": "second", "type": "webhook", "url": second.url},
                        {"name": "dead", "type": "webhook", "url": "http://127.0.0.1:1/", "retries": 0})
        with daemon(data, [traffic_rule(channels=["hook"]), traffic_rule("lost", channels=["dead"])],
                    more) as d:
            with Traffic(w):
                until("the fallback has it", lambda: second.bodies)
                equal(len(hook.bodies) >= 2, True, "tried twice")
                d.logged("lost")
            failed = until("it is counted", lambda: [
                c for c in d.json("/api/v1/channels")["channels"] if c["name"] == "dead" and c["failed"]])
            contains(failed[0]["last_error"], "")
            equal(failed[0]["last_error"] != "", True, "and why")


def test_stop_with_notices():
    """what no channel has got when it is stopped stands in the log"""
    with Directory() as data, wire() as w, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()  # and never answers
        more = channels({"name": "hook", "type": "webhook", "url": f"http://127.0.0.1:{deaf.getsockname()[1]}/"})
        with daemon(data, [traffic_rule(channels=["hook"])], more) as d, Traffic(w):
            with deaf.accept()[0] as caller:
                caller.recv(1)
                code, took_s = d.stop()
            equal((code, took_s < 2), (0, True), f"it ends, after {took_s} s")
            contains(d.output(), "busy firing (warning): ", "channel hook: ", "1 notices were not delivered")


def test_courier_killed():
    """the process that carries notices is killed: it comes back, and the next alert arrives"""
    with Directory() as data, wire() as w, Webhook() as hook:
        more = channels({"name": "hook", "type": "webhook", "url": hook.url})
        with daemon(data, [traffic_rule(channels=["hook"])], more,
                    environment={"NETSONDE_ALERTING_COOLDOWN": "1s"}) as d:
            with Traffic(w):
                until("it is told", lambda: hook.bodies)
            until("its end, too", lambda: len(hook.bodies) == 2)
            worker = children(d.pid, "cour")[0]
            os.kill(worker, signal.SIGKILL)
            until("another one", lambda: children(d.pid, "cour")[:1] not in ([], [worker]))
            with Traffic(w):
                until("it is told", lambda: len(hook.bodies) == 3)


def children(pid, name):
    """The processes below this one whose name has that word, the deepest first."""
    found = []
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        for child in map(int, f.read().split()):
            found += children(child, name)
            with open(f"/proc/{child}/comm", encoding="ascii") as comm:
                if name in comm.read():
                    found.append(child)
    return found


# ---- the past -----------------------------------------------------------------------------------

def test_backtest():
    """a rule over the past fires where the real one did"""
    with Directory() as data, wire() as w:
        with daemon(data, [traffic_rule()]) as d:
            begin = now_ms()
            for _ in range(3):
                with Traffic(w):
                    until("it fires", lambda: alert_of(d, "busy"))
                until("it is over", lambda: not alert_of(d, "busy"))
            past = until("history has them", lambda: (
                lambda found: found if len(found) == 3 else None)(alerts(d, "resolved", rule="busy")))
            status, answer = post(d, "/api/v1/rules/test", {"rule": traffic_rule("what_if"), "from": begin,
                                                            "to": now_ms(), "points": 2000})
            equal(status, 200, answer)
            equal(answer["fired"], 3, "as often")
            real = sorted((a["started"], a["resolved"]) for a in past)
            tested = sorted((a["started"], a["resolved"]) for a in answer["alerts"])
            for (a, b), (c, e) in zip(real, tested):
                equal(abs(a - c) <= 200 and abs(b - e) <= 200, True, f"where: {real}, {tested}")
            status, answer = post(d, "/api/v1/rules/test", {"rule": traffic_rule(warning="1GB"), "from": begin})
            equal((status, answer["fired"]), (200, 0), "a higher threshold")
            d.stop()
            done = command("detect", "-c", d.config, "--data-dir", data, "--rule", "busy", "--from",
                           str(begin), "--json")
            equal(done.returncode, 0, done.stderr)
            answer = json.loads(done.stdout)
            equal((answer["fired"], len(answer["series"])), (3, 1), "on the command line")
            done = command("detect", "-c", d.config, "--data-dir", data, "--rule", "busy", "--from",
                           str(begin))
            contains(done.stderr, "rule busy would have fired 3 times for 1 series")
            equal(done.stdout.splitlines()[0], "time,series,value,score,mean,sigma", "CSV")


# ---- trouble ------------------------------------------------------------------------------------

def test_killed_often():
    """killed again and again in mid-alert: one alert stays one, and ends when its cause does"""
    ids = set()
    with Directory() as data, wire() as w:
        with Traffic(w):
            for _ in range(6):
                with daemon(data, [traffic_rule()]) as d, d.stream("alerts") as s:
                    one = until("it fires", lambda: alert_of(d, "busy"))
                    while not (state := s.wait_for("alert_state"))["alerts"]:
                        pass  # from before it fired
                    equal([a["id"] for a in state["alerts"]], [one["id"]], "one alert")
                    ids.add(one["id"])
                    d.ticks_pass(5)
                    d.kill()
        with daemon(data, [traffic_rule()]) as d:
            until("it is over", lambda: not alert_of(d, "busy"))
            past = until("history has it", lambda: alerts(d, "resolved", rule="busy"))
            # A kill may take what the disk had not got yet: the same trouble is a new alert then.
            equal(len(past) <= len(ids) <= 2, True, f"{ids}, {past}")
            equal({a["id"] for a in past} <= ids, True, "no others")


def test_disk_full():
    """alerts are told with a full disk, and what became of them is stored when there is room"""
    with Directory() as place, wire() as w:
        rig.mount("none", place, "tmpfs", options="size=24m")
        try:
            with daemon(place, [traffic_rule()]) as d, d.stream("alerts") as s:
                d.ticks_pass(5)
                ballast = rig.fill(place)
                with Traffic(w):
                    until("the disk refuses", lambda: d.metric("netsonde_store_ticks_lost_total") > 0)
                    _, one = told(s, "busy", "firing")
                    equal(alert_of(d, "busy")["id"], one["id"], "it is in the list")
                told(s, "busy", "resolved")
                equal(alert_of(d, "busy"), None, "it is over")
                os.unlink(ballast)
                past = until("history has it", lambda: alert_of(d, "busy", "resolved"))
                equal(past["id"], one["id"], "the same one")
        finally:
            rig.unmount(place)


# ---- hostile ------------------------------------------------------------------------------------

def test_hostile_texts():
    """names and templates that want to be HTML, JSON, headers or lines stay text"""
    summary = '<script>alert(1)</script>"}<b>{nothing}%n%s{device}\\u001b[31m${{x}}`id`$(id)'
    with Directory() as data, wire() as w, Webhook() as hook:
        more = channels({"name": "hook", "type": "webhook", "url": hook.url})
        with daemon(data, [], more) as d, d.stream("alerts") as s:
            for bad in ("a b", "<b>", "x" * 65, "", "a\nb", "../x"):
                equal(post(d, "/api/v1/rules", traffic_rule(bad))[0], 400, repr(bad))
            for bad in ("a\r\nBcc: x", "a\x1b[31mb", "x" * 5000):
                equal(post(d, "/api/v1/rules", traffic_rule("r", summary=bad))[0], 400, repr(bad[:9]))
            rule = traffic_rule("hostile", summary=summary, channels=["hook", "log", "websocket"])
            equal(post(d, "/api/v1/rules", rule)[0], 201, "the template")
            with Traffic(w):
                message, _ = told(s, "hostile", "firing")
                equal(re.search(r"[\x00-\x1f\x7f]", message["summary"]), None, "no control characters")
                contains(message["summary"], "<script>alert(1)</script>", "%n%s")
                until("the webhook has it", lambda: hook.bodies)
            d.logged("hostile")
            for line in d.output().splitlines():
                equal(line.startswith("Bcc"), False, "one line of the log")


if __name__ == "__main__":
    rig.own_network()
    rig.run([test_life, test_roles, test_defaults, test_restart, test_reload, test_rules, test_silence,
             test_digest, test_flapping, test_held_back_without_resolved, test_inhibition, test_webhook,
             test_fallback, test_stop_with_notices, test_courier_killed, test_backtest, test_killed_often,
             test_disk_full, test_hostile_texts])
