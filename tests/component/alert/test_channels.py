"""The courier against receivers that work, and against those that do not: Alertmanager itself, mail
with and without TLS, web servers that are dead, slow, refusing and flapping, programs, logs."""
import email
import email.policy
import json
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
import time

from probe import Probe, alert, notice
import peers
import rig
from receivers import Alertmanager, Mail, Web, certificate
from rig import Directory, Skip, contains, equal, until

HOSTILE = 'x"\'<script>\r\nBcc: evil@example.net\r\n\r\n{{.}}$(id)`id`\\\u202e\ud7ff\u0085\x1b[31m é☃💥'


def webhook(server, name="hook", path="/in", **more):
    return {"name": name, "type": "webhook", "url": server.url + path, "timeout": "2s", **more}


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(re.findall(r"^(\w+):\s*(.*)$", f.read(), re.MULTILINE))


def is_alive(pid):
    try:
        return status_of(pid)["State"][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


# ---- web ----------------------------------------------------------------------------------------

def test_webhook():
    """a webhook gets what Alertmanager's would get, whatever stands in it"""
    with Web() as web, Probe(webhook(web, dashboard="https://d.example.net")) as p:
        p.send("hook", notice(alert(rule=HOSTILE, summary=HOSTILE, unit="b/s", by=HOSTILE,
                                    series='m{alertname="a\\"b",x="%s"}' % "y")))
        p.send("hook", notice(alert(state="resolved", started=1764000000000,
                                    resolved=1764000060000)))
        p.send("hook", notice(*[alert(rule=f"r{i % 3}") for i in range(60)], held_back=12))
        p.until("hook", sent=3, queued=0)
        (path, headers, first), (_, _, second), (_, _, third) = web.got
        equal(path, "/in")
        equal(headers["Content-Type"], "application/json")
        shown = first["alerts"][0]["labels"]["alertname"]
        equal([c for c in shown if ord(c) < 0x20 or 0x7f <= ord(c) < 0xa0], [], "control characters")
        contains(shown, "<script>", "é☃💥", "$(id)`id`")
        equal(first["alerts"][0]["labels"]["exported_alertname"], 'a"b')
        equal(second["status"], "resolved")
        equal(second["alerts"][0]["endsAt"], "2025-11-24T16:01:00.000Z")
        equal((len(third["alerts"]), third["truncatedAlerts"]), (50, 10))
        contains(third["commonAnnotations"]["summary"], "60 alerts", "12 more held back")


def test_bad_receivers():
    """dead, slow, refusing and redirecting ones hold up nobody, and their notices fall back"""
    def slow(handler, _):
        handler.server.leave.wait()

    def refuse(handler, _):
        handler.say(400)

    def redirect(handler, _):
        handler.say(302, Location=good.url + "/stolen")

    dead = rig.free_port()
    with Web() as good, Web(slow) as slow_web, Web(refuse) as refusing, Web(redirect) as moved, \
            Probe(webhook(good, "good"),
                  {"name": "dead", "type": "webhook", "url": f"http://127.0.0.1:{dead}/",
                   "retries": 1, "fallback": "good"},
                  webhook(slow_web, "slow", timeout="1s", retries=1, fallback="refusing"),
                  webhook(refusing, "refusing"), webhook(moved, "moved")) as p:
        for name in ("slow", "dead", "refusing", "moved"):
            p.send(name, notice(alert(rule=name)))
        began = time.monotonic()
        p.send("good", notice(alert(rule="good")))
        p.until("good", sent=1)
        if time.monotonic() - began > 0.8 * rig.SLOW:
            raise AssertionError("the good one waited for the slow one")
        # dead -> good; slow -> refusing -> log; refusing -> log; moved -> log
        p.until("good", sent=2)
        until("everything came to an end", lambda: len(p.lost) == 3)
        for name, failed, retried, why in (("dead", 1, 1, "connect"), ("slow", 1, 1, "timed out"),
                                           ("refusing", 2, 0, "answers 400"),
                                           ("moved", 1, 0, "redirects are not followed")):
            s = p.channel(name)
            equal((s["failed"], s["fell_back"], s["retried"], s["queued"]),
                  (failed, failed, retried, 0), name)
            contains(s["last_error"].lower().replace("timeout was reached", "timed out"), why)
        equal([g[2]["alerts"][0]["labels"]["alertname"] for g in good.got], ["good", "dead"])
        equal(sorted(p.names[e["channel"]] for e in p.lost), ["moved", "refusing", "slow"])


def test_flapping():
    """what fails at first is tried again, in order"""
    def flap(handler, number):
        handler.say(500 if number < 3 else 200)

    with Web(flap) as web, Probe(webhook(web)) as p:
        for rule in ("a", "b", "c"):
            p.send("hook", notice(alert(rule=rule)))
        p.until("hook", sent=3, retried=2, failed=0, last_error="")
        equal([g[2]["alerts"][0]["labels"]["alertname"] for g in web.got],
              ["a", "a", "a", "b", "c"])
        gaps = [b - a for a, b in zip(web.times, web.times[1:])]
        if not (0.7 < gaps[0] and 1.4 < gaps[1]):
            raise AssertionError(f"pauses of {gaps[:2]}")


def test_failing_is_tried_once():
    """while a channel fails, what comes is tried once, and retries begin again with a success"""
    def answer(handler, number):
        handler.say(200 if number > 3 else 503)

    with Web(answer) as web, Probe(webhook(web, retries=1)) as p:
        for _ in range(3):
            p.send("hook")
        p.until("hook", failed=2, sent=1)
        equal(len(web.got), 4)  # two attempts, one, and the one that succeeds


def test_retry_after():
    """a receiver that names a time is left in peace until then, unless that is long"""
    def busy(handler, number):
        handler.say(429 if number == 1 else 200, **({"Retry_After": "3"} if number == 1 else {}))

    def very_busy(handler, _):
        handler.say(503, Retry_After="86400")

    with Web(busy) as web, Web(very_busy) as other, \
            Probe(webhook(web), webhook(other, "other")) as p:
        p.send("hook")
        p.send("other")
        p.until("other", failed=1, retried=0)
        contains(p.lost[0]["why"], "answers 503 and wants 86400 s")
        p.until("hook", sent=1, retried=1)
        if web.times[1] - web.times[0] < 2.9:
            raise AssertionError(f"{web.times[1] - web.times[0]:.2f} s of peace")


def test_endless_answers():
    """an answer without end, in its body or its headers, costs neither memory nor time"""
    def endless(handler, _):
        handler.send_response(200 if handler.path == "/ok" else 500)
        handler.end_headers()
        try:
            while not handler.server.leave.is_set():
                handler.wfile.write(b"x" * 65536)
        except OSError:
            pass

    def headers(handler, _):
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not handler.server.leave.is_set():
                handler.wfile.write(b"X-More: " + b"x" * 8000 + b"\r\n")
        except OSError:
            pass

    def trickle(handler, _):
        handler.send_response(200)
        handler.end_headers()
        try:
            while not handler.server.leave.wait(0.1):
                handler.wfile.write(b"x")
        except OSError:
            pass

    with Web(endless) as web, Web(headers) as heads, Web(trickle) as slow, \
            Probe(webhook(web, "ok", "/ok", retries=0), webhook(web, "no", "/no", retries=0),
                  webhook(heads, "heads", retries=0), webhook(slow, "slow", retries=0)) as p:
        for name in p.names:
            p.send(name)
        p.until("ok", sent=1)
        p.until("no", failed=1)
        p.until("slow", sent=1)  # it has said 200
        until("the headers came to an end", lambda: p.channel("heads")["queued"] == 0)
        pid = p.status()["pid"]
        if rig.SLOW == 1 and int(status_of(pid)["VmHWM"].split()[0]) > 40000:
            raise AssertionError(f"the courier grew to {status_of(pid)['VmHWM']}")


def test_secrets():
    """secrets come from files that others cannot read, anew for each attempt, and are never said"""
    with Directory() as d, Web() as web:
        token, password, open_file = (os.path.join(d, n) for n in ("token", "password", "open"))
        for path, text, mode in ((token, "tok-geheim\nrest", 0o600), (password, "pw-geheim", 0o640),
                                 (open_file, "open-geheim", 0o644)):
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
            os.chmod(path, mode)
        with Probe(webhook(web, "token", secret_file=token),
                   webhook(web, "user", user="me", secret_file=password),
                   webhook(web, "open", secret_file=open_file),
                   webhook(web, "none", secret_file=os.path.join(d, "nothing"))) as p:
            p.send("token")
            p.until("token", sent=1)
            equal(web.got[-1][1]["Authorization"], "Bearer tok-geheim")
            with open(token, "w", encoding="ascii") as f:
                f.write("new-geheim\n")
            p.send("token")
            p.until("token", sent=2)
            equal(web.got[-1][1]["Authorization"], "Bearer new-geheim")
            p.send("user")
            p.until("user", sent=1)
            equal(web.got[-1][1]["Authorization"], "Basic bWU6cHctZ2VoZWlt")
            p.send("open")
            p.send("none")
            contains(p.until("open", failed=1, retried=0)["last_error"], "everybody may open it")
            contains(p.until("none", failed=1)["last_error"], "No such file")
            said = json.dumps(p.status()) + json.dumps(p.lost) + p.output()
            if "geheim" in said:
                raise AssertionError("a secret was said: " + said)


def test_https():
    """certificates are verified, and ca_file says which are trusted"""
    with Directory() as d, certificate(d) as (context, cert), Web(context=context) as web, \
            Probe(webhook(web, "trusting", ca_file=cert), webhook(web, "strict")) as p:
        p.send("trusting")
        p.send("strict")
        p.until("trusting", sent=1)
        contains(p.until("strict", failed=1, retried=0)["last_error"].lower(), "certificate")
        equal(len(web.got), 1)


def test_only_ends_told():
    """with `resolved: off` only what is not over is told"""
    with Web() as web, Probe(webhook(web, resolved="off")) as p:
        p.send("hook", notice(alert(state="resolved")))
        p.send("hook", notice(alert(rule="a", state="resolved"), alert(rule="b")))
        p.until("hook", sent=1, queued=0)
        equal([a["labels"]["alertname"] for a in web.got[0][2]["alerts"]], ["b"])


# ---- mail ---------------------------------------------------------------------------------------

def mail(server, name="mail", **more):
    return {"name": name, "type": "email", "url": server.url, "to": ["a@example.net", "b@example.net"],
            "from": "netsonde@example.net", "timeout": "5s", **more}


def read_mail(raw):
    for line in raw.split(b"\r\n"):
        if b"\r" in line or b"\n" in line or len(line) > 998 or any(c > 126 for c in line):
            raise AssertionError(f"a line of mail: {line!r}")
    return email.message_from_bytes(raw, policy=email.policy.default)


def test_mail():
    """mail arrives as it was meant, and no text becomes a header"""
    with Mail() as server, Probe(mail(server)) as p:
        p.send("mail", notice(alert(id=7)))
        p.send("mail", notice(alert(summary=HOSTILE * 20, rule=HOSTILE, series=HOSTILE)))
        p.send("mail", notice(alert(state="resolved", id=7), held_back=3, test=True))
        p.until("mail", sent=3)
        sender, recipients, raw, _ = server.got[0]
        equal((sender, recipients), ("netsonde@example.net", ["a@example.net", "b@example.net"]))
        plain, hostile, test = (read_mail(g[2]) for g in server.got)
        equal(plain["Subject"], f"{socket.gethostname()} CRITICAL: link_down of eth0")
        equal(plain["To"], "a@example.net, b@example.net")
        equal(plain["Auto-Submitted"], "auto-generated")
        equal(plain.defects, [])
        equal(abs(plain["Date"].datetime.timestamp() - time.time()) < 60 * rig.SLOW, True, "date")
        contains(plain.get_content(), "Firing (critical): link_down of eth0", "rule       link_down",
                 "threshold  1")
        equal(len({m["Message-ID"] for m in (plain, hostile, test)}), 3, "ids")
        equal((hostile["Bcc"], hostile.get_all("To"), hostile.defects),
              (None, ["a@example.net, b@example.net"], []))
        contains(hostile["Subject"], "<script>  Bcc: evil@example.net", "é☃💥")
        contains(hostile.get_content(), "é☃💥")
        contains(test["Subject"], "Test: ", "3 more held back")
        contains(test.get_content(), "nothing is wrong", "Resolved (critical)")


def test_mail_tls():
    """STARTTLS and TLS from the start, with a name and password, and never without them"""
    with Directory() as d, certificate(d) as (context, cert):
        secret = os.path.join(d, "secret")
        with open(secret, "w", encoding="ascii") as f:
            f.write("pw")
        os.chmod(secret, 0o600)
        login = {"user": "me", "secret_file": secret, "ca_file": cert}
        with Mail(context, login=["me", "pw"]) as start, \
                Mail(context, wrapped=True, login=["me", "pw"]) as wrapped, \
                Mail(login=["me", "pw"]) as bare, Mail(context, login=["me", "other"]) as closed, \
                Probe(mail(start, "start", **login), mail(wrapped, "wrapped", **login),
                      mail(bare, "bare", **login), mail(closed, "closed", **login),
                      mail(wrapped, "strict", user="me", secret_file=secret)) as p:
            for name in p.names:
                p.send(name)
            for name, server in (("start", start), ("wrapped", wrapped)):
                p.until(name, sent=1)
                equal(server.got[0][3], True, f"{name} by TLS")
            p.until("bare", failed=1, retried=0)  # no TLS there: the password stays here
            p.until("closed", failed=1, retried=0)
            contains(p.until("strict", failed=1, retried=0)["last_error"].lower(), "certificate")
            equal((bare.got, closed.got), ([], []))


def test_mail_refused():
    """a recipient that is refused for good is not tried again, one that is later is"""
    with Mail(refuse="550 no such user") as no, Mail(refuse="451 later") as later, \
            Probe(mail(no, "no"), mail(later, "later", retries=1)) as p:
        p.send("no")
        p.send("later")
        p.until("no", failed=1, retried=0)
        p.until("later", failed=1, retried=1)


# ---- Alertmanager -------------------------------------------------------------------------------

def shape(value):
    """What keys and types a JSON value has."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()
                if k not in ("labels", "annotations") and not k.startswith(("group", "common"))}
    return [shape(value[0])] if isinstance(value, list) else type(value)


def test_alertmanager():
    """Alertmanager takes what is pushed; severities move, ends arrive, what lasts is told again"""
    with Directory() as d, Web() as web, Alertmanager(d, web.url + "/am") as am, \
            Probe({"name": "am", "type": "alertmanager", "url": am.url + "/"},
                  webhook(web, path="/own")) as p:
        lasting = {"id": 7, "started": rig.now_ms() - 5000}
        p.send("am", notice(alert(severity="warning", seq=1, **lasting),
                            alert(id=8, series='m{device="eth1"}', rule=HOSTILE)))
        until("both are there", lambda: set(am.alerts()) == {("eth0", "warning"), ("eth1", "critical")})
        first = am.alerts()[("eth0", "warning")]
        equal(first["labels"], {"alertname": "link_down", "device": "eth0", "severity": "warning",
                                "instance": socket.gethostname(), "metric": "node_network_up"})
        p.send("am", notice(alert(severity="critical", seq=2, **lasting)))
        until("the severity moved", lambda: set(am.alerts()) == {("eth0", "critical"),
                                                                  ("eth1", "critical")})
        p.until("am", told=2)
        # A minute passes: what lasts holds longer, what has ended untold is ended there.
        before = am.alerts()[("eth0", "critical")]["endsAt"]
        p.tell(op="active", ids=[7])
        p.tell(op="renew")
        until("one is left", lambda: set(am.alerts()) == {("eth0", "critical")})
        until("it holds longer", lambda: am.alerts()[("eth0", "critical")]["endsAt"] > before)
        # Over, and it had been worse than what was told last.
        p.send("am", notice(alert(severity="warning", state="resolved", seq=3,
                                  resolved=rig.now_ms(), **lasting)))
        until("nothing is left", lambda: not am.alerts())
        p.until("am", sent=3, failed=0, told=0, last_error="")
        # An earlier run told of it.
        p.tell(op="recall", channel=0, alert=alert(**lasting))
        p.tell(op="renew")
        until("it is there", lambda: set(am.alerts()) == {("eth0", "critical")})
        # Its own webhook and ours have the same form.
        p.send("hook", notice(alert(state="resolved", resolved=rig.now_ms())))
        p.until("hook", sent=1)
        theirs = until("its webhook", lambda: next(
            (g[2] for g in web.got if g[0] == "/am"), None))
        ours = next(g[2] for g in web.got if g[0] == "/own")
        equal(shape(ours), shape(theirs), "form of the webhook")
        for key in ("version", "truncatedAlerts"):
            equal(ours[key], theirs[key], key)


def test_alertmanager_refuses():
    """what Alertmanager itself refuses is not tried again"""
    def refuse(handler, _):
        handler.say(400)

    with Web(refuse) as web, Probe({"name": "am", "type": "alertmanager", "url": web.url}) as p:
        p.send("am")
        p.until("am", failed=1, retried=0, told=0)
        equal(web.got[0][0], "/api/v2/alerts")


# ---- programs -----------------------------------------------------------------------------------

def script(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def test_exec():
    """a program gets its arguments as they are, the notice as JSON and in variables, nothing else"""
    with Directory() as d:
        out = os.path.join(d, "out")
        path = script(d, "page", f'cat > {out}.json\nenv -0 > {out}.env\n'
                                 f'for a; do printf "%s\\0" "$a"; done > {out}.args\n'
                                 f'ls /proc/self/fd > {out}.fds\n')
        arguments = ["$(id)", "a b;c", "", HOSTILE.replace("\r", "").replace("\n", "")]
        with Probe({"name": "run", "type": "exec", "command": [path, *arguments]}) as p:
            p.send("run", notice(*[alert(rule=HOSTILE, summary=HOSTILE * 10) for _ in range(50)]))
            p.until("run", sent=1)
            with open(out + ".json", encoding="utf-8") as f:
                equal(len(json.load(f)["alerts"]), 50)
            with open(out + ".args", encoding="utf-8") as f:
                equal(f.read().split("\0")[:-1], arguments)
            with open(out + ".env", encoding="utf-8") as f:
                variables = dict(v.split("=", 1) for v in f.read().split("\0") if v)
            with open(out + ".fds", encoding="ascii") as f:
                equal(set(f.read().split()) - {"3"}, {"0", "1", "2"}, "descriptors")
            contains(variables["NETSONDE_RULE"], "<script>", "$(id)")
            equal(variables["NETSONDE_COUNT"], "50")
            equal([v for v in variables.values() if re.search(r"[\x00-\x1f\x7f]", v)], [])
            equal({k for k in variables if not k.startswith("NETSONDE_")} - {"PWD", "_", "SHLVL", "OLDPWD"},
                  {"PATH", "HOME", "LANG"})


def test_exec_fails():
    """a program that hangs is killed with its children, one that fails says why, all bounded"""
    with Directory() as d:
        pids = os.path.join(d, "pids")
        hang = script(d, "hang", f"sleep 1000 & echo $! >> {pids}; echo $$ >> {pids}; wait\n")
        loud = script(d, "loud", "trap '' PIPE; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxx; done\n")
        fail = script(d, "fail", "echo 'no way' >&2; echo more; exit 3\n")
        stray = script(d, "stray", f"sleep 1000 & echo $! > {pids}.stray\n")
        base = {"type": "exec", "timeout": "500ms", "retries": 0}
        with Probe({"name": "hang", "command": hang, **base}, {"name": "loud", "command": loud, **base},
                   {"name": "fail", "command": fail, **base, "timeout": "10s", "retries": 1},
                   {"name": "none", "command": d + "/none", **base},
                   {"name": "dir", "command": d, **base},
                   {"name": "stray", "command": stray, **base, "timeout": "10s"}) as p:
            for name in p.names:
                p.send(name)
            for name, why in (("hang", "longer than 500 ms"), ("loud", "longer than 500 ms"),
                              ("fail", "exit status 3: no way"), ("none", "No such file"),
                              ("dir", "could not be run")):
                contains(p.until(name, failed=1)["last_error"], why)
            p.until("stray", sent=1)
            until("nobody is left", lambda: not any(
                is_alive(int(pid)) for f in (pids, pids + ".stray")
                for pid in open(f, encoding="ascii").read().split()))
            equal(p.channel("fail")["retried"], 1)


# ---- logs ---------------------------------------------------------------------------------------

def log_file(path, **more):
    return {"name": "file", "type": "log", "path": path, **more}


def test_file():
    """a log has a line for each alert, is not readable for all, and is found again after rotation"""
    with Directory() as d:
        path = os.path.join(d, "alerts.log")
        with Probe(log_file(path)) as p:
            p.send("file", notice(alert(summary=HOSTILE), alert(rule="b"), held_back=2))
            p.until("file", sent=1)
            with open(path, encoding="utf-8", newline="") as f:
                lines = f.read().split("\n")
            equal((len(lines), lines[3]), (4, ""))
            contains(lines[1] + lines[0], "rule=link_down", "rule=b", 'summary="x\\"')
            contains(lines[2], "held_back=2")
            equal(stat.S_IMODE(os.stat(path).st_mode), 0o640 & ~os.umask(os.umask(0)))
            os.rename(path, path + ".1")
            p.send("file")
            p.until("file", sent=2)
            with open(path, encoding="utf-8") as f:
                equal(len(f.readlines()), 1)
            os.unlink(path)
            p.send("file")
            p.until("file", sent=3)
            with open(path, encoding="utf-8") as f:
                equal(len(f.readlines()), 1)


def test_disk_full():
    """a full disk is counted, leaves no half lines, and is no reason to lose anything"""
    with Directory() as d, Web() as web:
        path = os.path.join(d, "limited.log")

        def limit():  # what can be written ends in the middle of the second notice
            resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))

        with Probe(log_file(path, retries=1, fallback="hook"), webhook(web),
                   {"name": "full", "type": "log", "path": "/dev/full", "retries": 0},
                   {"name": "gone", "type": "log", "path": d + "/none/x.log", "retries": 0},
                   prepare=limit) as p:
            p.send("file")
            p.send("file", notice(alert(summary="second")))
            p.send("full")
            p.send("gone")
            contains(p.until("file", failed=1, sent=1, retried=1)["last_error"], "limited.log")
            contains(p.until("full", failed=1)["last_error"], "No space left")
            contains(p.until("gone", failed=1)["last_error"], "No such file")
            p.until("hook", sent=1)
            with open(path, encoding="utf-8") as f:
                lines = f.read()
            equal((lines.count("\n"), lines[-1]), (1, "\n"))
            equal(len(p.lost), 2)


def test_sockets():
    """syslog and journald get datagrams of their form, and a reader that was away gets them later"""
    with Directory() as d:
        log, journal = os.path.join(d, "log"), os.path.join(d, "journal")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as a, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as b:
            a.bind(log)
            b.bind(journal)
            for s in (a, b):
                s.settimeout(rig.WAIT_S)
            with Probe({"name": "syslog", "type": "syslog", "path": log},
                       log_file(journal, name="journal"),
                       {"name": "later", "type": "syslog", "path": log + "2"}) as p:
                p.send("syslog", notice(alert(summary=HOSTILE)))
                said = a.recv(65536).decode()
                contains(said, "state=firing", "rule=link_down", "<script>")
                equal(bool(re.match(r"<26>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d netsonde\[\d+\]: state=",
                                    said)), True, said)
                p.send("journal", notice(alert(summary=HOSTILE), alert(state="resolved")))
                entries = [b.recv(65536).decode() for _ in range(2)]
                fields = [dict(line.split("=", 1) for line in e.splitlines()) for e in
                          (e.replace("\u2028", " ") for e in entries)]
                equal([f["PRIORITY"] for f in fields], ["2", "5"])
                equal(fields[0]["NETSONDE_RULE"], "link_down")
                contains(fields[0]["MESSAGE"], "é☃💥", "Bcc")
                p.send("later")
                p.until("later", retried=1)
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as c:
                    c.bind(log + "2")
                    c.settimeout(rig.WAIT_S)
                    contains(c.recv(65536).decode(), "rule=link_down")
                    p.until("later", sent=1)


# ---- the process --------------------------------------------------------------------------------

def test_confined():
    """the courier holds nothing, can gain nothing, and ends with main"""
    with Directory() as d, \
            Probe(log_file(os.path.join(d, "log"))) as p:
        p.send("file")
        p.until("file", sent=1)
        s = p.status()
        for pid in (s["pid"], s["nurse"]):
            known = status_of(pid)
            equal([known[k].strip("0") for k in ("CapInh", "CapPrm", "CapEff", "CapAmb")], [""] * 4)
            equal(known["NoNewPrivs"], "1")
        equal((status_of(s["pid"])["Name"], status_of(s["nurse"])["Name"]),
              ("netsonde-courie", "netsonde-nurse"))
        if "confined: files" in s["text"]:
            with Directory() as outside:  # a name that leads out of where logs may be
                os.unlink(os.path.join(d, "log"))
                os.symlink(os.path.join(outside, "log"), os.path.join(d, "log"))
                p.send("file")
                contains(p.until("file", retried=1)["last_error"], "Permission denied")
        if "system calls" in s["text"]:
            equal((status_of(s["nurse"])["Seccomp"], status_of(s["pid"])["Seccomp_filters"] >
                   status_of(s["nurse"])["Seccomp_filters"]), ("2", True))
        p.process.kill()
        p.process.wait()
        until("they end", lambda: not is_alive(s["pid"]) and not is_alive(s["nurse"]))


def test_killed():
    """a courier that is killed loses nothing; what kills three of them is not tried again"""
    def answer(handler, number):
        if number <= kills:
            handler.server.leave.wait()
        else:
            handler.say(200)

    kills = 1
    with Web(answer) as web, Web() as other, \
            Probe(webhook(web, timeout="1m"), webhook(other, "other")) as p:
        for i in range(5):
            p.send("hook", notice(alert(rule=f"r{i}")))
        until("the first is under way", lambda: len(web.got) == 1)
        os.kill(p.status()["pid"], signal.SIGKILL)
        p.until("hook", sent=5, failed=0, queued=0, retried=1)
        equal([g[2]["alerts"][0]["labels"]["alertname"] for g in web.got],
              ["r0", "r0", "r1", "r2", "r3", "r4"])
        equal(p.status()["restarts"], 1)
        kills = 100
        p.send("hook", notice(alert(rule="poison")))
        for i in range(3):
            until("it is under way", lambda: len(web.got) == 7 + i)
            os.kill(p.status()["pid"], signal.SIGKILL)
        p.until("hook", failed=1, queued=0)
        contains(p.lost[0]["why"], "killed three times")
        p.send("other")
        p.until("other", sent=1)


def test_nurse_killed():
    """without its nurse the courier is over: every notice comes back to main"""
    def never(handler, _):
        handler.server.leave.wait()

    with Web(never) as web, Probe(webhook(web, timeout="1m")) as p:
        for _ in range(4):
            p.send("hook")
        until("the first is under way", lambda: len(web.got) == 1)
        os.kill(p.status()["nurse"], signal.SIGKILL)
        until("they come back", lambda: len(p.lost) == 4)
        p.send("hook")
        until("and whatever follows", lambda: len(p.lost) == 5)
        until("it is known how", lambda: p.status()["text"] == "off: it was killed by signal 9")
        s = p.status()
        equal((s["alive"], os.path.exists(f"/proc/{s['nurse']}")), (False, False))
        equal((s["channels"][0]["failed"], s["channels"][0]["queued"]), (5, 0))


def test_stuck():
    """a file system that does not answer holds up its own channel only, and that for its time limit"""
    if os.geteuid() != 0:
        raise Skip("only root mounts what does not answer")
    with Directory() as d, Web() as web:
        stuck = os.path.join(d, "stuck")
        os.mkdir(stuck)
        hear, say = os.pipe()

        def prepare():  # whoever looks into it waits for a daemon that never reads what it is asked
            rig.unshare(rig.CLONE_NEWNS)
            rig.mount("none", "/", None, rig.MS_REC | rig.MS_PRIVATE)
            rig.mount("nobody", stuck, "autofs", 0,
                      f"fd={say},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct")
            os.setpgid(0, 0)  # its own group would not wait

        try:
            p = Probe(log_file(os.path.join(stuck, "log"), fallback="hook",
                               timeout="500ms", retries=1), webhook(web),
                      prepare=prepare)
        except subprocess.SubprocessError:
            raise Skip("no autofs here") from None
        with p:
            p.send("file")
            p.send("hook")
            p.until("hook", sent=1)
            contains(p.until("file", failed=1, retried=1)["last_error"], "an earlier attempt still")
            p.until("hook", sent=2)
            p.send("file")  # it still waits; this one is tried once
            p.until("file", failed=2, retried=1)
            equal(p.status()["restarts"], 0)
        os.close(hear)
        os.close(say)


def test_absent():
    """when the courier is killed again and again, notices go to the log instead of waiting"""
    with Web() as web, Probe(webhook(web)) as p:
        p.send("hook")
        p.until("hook", sent=1)
        for _ in range(6):  # the nurse then waits for 16 s, and more with the next
            pid = until("there is one", lambda: p.status()["pid"], limit_s=60)
            os.kill(pid, signal.SIGKILL)
            until("it has gone", lambda: p.status()["pid"] != pid)
        pid = until("there is one", lambda: p.status()["pid"], limit_s=60)
        os.kill(pid, signal.SIGKILL)
        p.send("hook")
        until("it comes back", lambda: p.lost, limit_s=60)
        contains(p.lost[0]["why"], "no courier has been there for 30 s")
        equal(p.status()["alive"], False)


def test_burst():
    """10,000 notices at once: bounded memory, each is told or part of one that is"""
    def slow(handler, _):
        time.sleep(0.02)
        handler.say(200)

    with Web(slow) as web, Probe(webhook(web, queue=20)) as p:
        p.send("hook", count=10000)
        s = p.until("hook", queued=0, limit_s=60 * rig.SLOW)
        equal((s["sent"] + s["merged"], s["failed"], s["dropped"]), (10000, 0, 0))
        equal(len(web.got), s["sent"])
        equal(sum(len(g[2]["alerts"]) + g[2]["truncatedAlerts"] for g in web.got), 10000)
        if rig.SLOW == 1 and int(status_of(p.process.pid)["VmHWM"].split()[0]) > 40000:
            raise AssertionError(f"main grew to {status_of(p.process.pid)['VmHWM']}")


def test_merged():
    """a full queue has the newest state of each alert once; a test makes room for what is real"""
    def never(handler, number):
        handler.server.leave.wait() if number == 1 else handler.say(200)

    with Web(never) as web, Probe(webhook(web, queue=1, timeout="1s", retries=0)) as p:
        p.send("hook", notice(alert(rule="first")))
        until("the first is under way", lambda: len(web.got) == 1)
        p.send("hook", notice(alert(rule="t"), test=True))
        p.send("hook", notice(alert(rule="a", id=1, seq=1)))
        p.send("hook", notice(alert(rule="b", id=2, seq=2)))
        p.send("hook", notice(alert(rule="a", id=1, seq=3, state="resolved"), held_back=4))
        p.send("hook", notice(alert(rule="t"), test=True))
        p.until("hook", failed=1, sent=1, merged=2, dropped=2, queued=0)
        told = web.got[1][2]
        equal({a["labels"]["alertname"]: a["status"] for a in told["alerts"]},
              {"a": "resolved", "b": "firing"})
        contains(told["commonAnnotations"]["summary"], "4 more held back")


def test_stopping():
    """the end waits for nobody longer than half a second, and says what was not delivered"""
    def never(handler, _):
        handler.server.leave.wait()

    with Web(never) as web, Web() as good, \
            Probe(webhook(web, timeout="1m"), webhook(good, "good")) as p:
        for _ in range(3):
            p.send("hook")
        until("the first is under way", lambda: len(web.got) == 1)
        p.send("good")
        if p.stop() > 1.5 * rig.SLOW:
            raise AssertionError("it took long")
        equal(len(good.got), 1)
        contains(p.output(), "3 notices were not delivered before the end")


def test_no_library():
    """without libcurl a channel says so at once, and what needs none works"""
    if not os.path.exists("/etc/debian_version"):
        raise Skip("where libcurl lies is known of Debian and Ubuntu")

    def hide():
        rig.unshare(rig.CLONE_NEWNS)
        rig.mount("none", "/", None, rig.MS_REC | rig.MS_PRIVATE)
        for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"):
            for name in ("libcurl.so.4", "libcurl-gnutls.so.4"):
                if os.path.exists(os.path.join(folder, name)):
                    rig.mount("/dev/null", os.path.join(folder, name), None, rig.MS_BIND)

    if os.geteuid() != 0:
        raise Skip("only root hides a library")
    with Directory() as d, Web() as web, \
            Probe(webhook(web, fallback="file"), log_file(os.path.join(d, "log")),
                  prepare=hide) as p:
        p.send("hook")
        contains(p.until("hook", failed=1, retried=0)["last_error"], "libcurl is not installed")
        p.until("file", sent=1)


def test_refused_configuration():
    """what makes no sense together is no start"""
    with Web() as web:
        p = Probe(webhook(web, "a", fallback="b"), webhook(web, "b", fallback="a"))
        equal(p.events.get(timeout=rig.WAIT_S)["why"], "Invalid argument")
        equal(p.process.wait(rig.WAIT_S), 2)


if __name__ == "__main__":
    peers.fetch("prometheus-alertmanager", "usr/bin/prometheus-alertmanager")
    rig.run([v for k, v in list(globals().items()) if k.startswith("test_")])
