"""Who may do what: tokens, logins, sessions, and what becomes of them. With the real binary, and
`netsonde token` beside it."""
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

from rig import (BINARY, SLOW, WAIT_S, Daemon, Directory, command, contains, equal, fill, in_memory,
                 inside, ip, mount, neighbour, new_login, new_token, own_network, refused,
                 remove_links, run, settled, unmount, until)
from websocket import TEXT

TOKEN_MODE = {"NETSONDE_AUTH_MODE": "token"}
NOBODY = 65534
JSON = {"Content-Type": "application/json"}
SOON_S = 1 * SLOW  # docs/SECURITY.md: a second

# Of every route: who may have it.
OPEN = ["/healthz", "/readyz", "/", "/interfaces", "/alerts", "/baselines", "/performance", "/login"]
VIEWER = ["/metrics", "/api/v1/info", "/api/v1/series", "/api/v1/query?metric=node_time_seconds",
          "/api/v1/events", "/api/v1/interfaces"]


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def log_in(d, secret, headers=None, base=""):
    """(status, body, the cookie to send, the Set-Cookie header)"""
    status, head, text = d.request(f"{base}/api/v1/login", headers={**JSON, **(headers or {})},
                                   method="POST", body=json.dumps({"token": secret}).encode())
    cookie = head.get("Set-Cookie")
    return status, json.loads(text), {"Cookie": cookie.split(";")[0]} if cookie else {}, cookie


def revoke(data, name):
    done = command("token", "revoke", name, "--data-dir", data)
    equal(done.returncode, 0, done.stderr)


def listed(data):
    return {t["id"]: t for t in
            json.loads(command("token", "list", "--json", "--data-dir", data).stdout)}


def stream(d, headers):
    return d.stream(headers=[f"{k}: {v}" for k, v in headers.items()])


def closes_with_1008(s):
    began = time.monotonic()
    equal(s.goodbye(), 1008, "close code")
    took = time.monotonic() - began
    equal(took < SOON_S, True, f"closed within {SOON_S} s ({took:.1f})")


# ---- the command and its file --------------------------------------------------------------------

def test_token_command():
    """token new, list and revoke: the token is shown once, and its digest alone is kept"""
    with Directory() as parent:
        data = os.path.join(parent, "made", "for it")
        viewer, token = new_token(data, "--note", "wall display")
        admin, _ = new_token(data, "--role", "admin", "--expires", "90d")
        equal(re.fullmatch(r"nst_[A-Za-z0-9_-]{43}", token) is not None, True, token)
        path = os.path.join(data, "tokens")
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode of tokens")
        equal(stat.S_IMODE(os.stat(data).st_mode), 0o700, "mode of the directory")
        kept = open(path, encoding="utf-8").read()
        equal(token in kept or token[4:] in kept, False, "the token is in the file")
        rows = listed(data)
        equal(set(rows), {viewer, admin}, "ids")
        equal((rows[viewer]["role"], rows[viewer]["expires"], rows[viewer]["note"]),
              ("viewer", None, "wall display"), "the first")
        equal((rows[admin]["role"], rows[admin]["expires"] - rows[admin]["created"]),
              ("admin", 90 * 86400 * 1000), "the second")
        contains(command("token", "list", "--data-dir", data).stdout, viewer, "wall display")
        revoke(data, viewer)
        equal(set(listed(data)), {admin}, "after revoking")
        equal(command("token", "revoke", viewer, "--data-dir", data).returncode, 1, "again")
        equal(sorted(os.listdir(data)), ["tokens"], "files")


def test_root_for_a_user():
    """root makes tokens for a daemon of another user, who can read them and is told"""
    with Directory() as parent:
        binary, data = os.path.join(parent, "netsonde"), os.path.join(parent, "data")
        shutil.copy(BINARY, binary)  # where that user may read it
        os.mkdir(data, 0o700)
        os.chmod(parent, 0o755)
        os.chown(data, NOBODY, NOBODY)
        first, token = new_token(data)
        owner = os.stat(os.path.join(data, "tokens"))
        equal((owner.st_uid, owner.st_gid), (NOBODY, NOBODY), "owner")
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        with Daemon(data, before=user, binary=binary, environment=TOKEN_MODE) as d:
            equal(d.status("/metrics", headers=bearer(token)), 200, "made before")
            _, other = new_token(data)
            until("made meanwhile", lambda: d.status("/metrics", headers=bearer(other)) == 200)
            revoke(data, first)
            until("revoked", lambda: d.status("/metrics", headers=bearer(token)) == 401)
            # The daemon's own change: the file stays readable for it and for root.
            name, _, secret = new_login(data)
            until("it is let in", lambda: log_in(d, secret)[0] == 200)
            until("the file has the session", lambda: listed(data)[name]["kind"] == "session")
            equal(os.stat(os.path.join(data, "tokens")).st_uid, NOBODY, "owner")
            # A trap: root must not write where a link of that user leads.
            target = os.path.join(parent, "target")
            os.symlink(target, os.path.join(data, "tokens.new"))
            new_token(data)
            equal(os.path.exists(target), False, "written through a link")


def test_token_usage():
    """token: wrong usage is exit 2, and a login does not go into a pipe"""
    with Directory() as data:
        for words in ([], ["make"], ["new", "x"], ["revoke"], ["revoke", "a", "b"],
                      ["list", "--role", "admin"], ["new", "--role", "root"], ["new", "--json"],
                      ["new", "--expires", "soon"], ["new", "--expires", "0"],
                      ["new", "--note", "two\nlines"], ["new", "--login", "--expires", "1h"]):
            done = command("token", *words, "--data-dir", data)
            equal(done.returncode, 2, f"{words}: {done.stderr}")
        done = command("token", "new", "--login", "--data-dir", data)
        equal((done.returncode, done.stdout), (1, ""), "into a pipe")
        contains(done.stderr, "to a terminal only")
        equal(os.listdir(data), [], "files")


def test_bad_file():
    """a bad file of tokens: its line and what is wrong; no start, and at a reload nobody new"""
    with Directory() as data:
        path = os.path.join(data, "tokens")

        def write(text, mode=0o600):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(path, mode)

        write("netsonde-tokens 1\n12345678 key admin 1 - abc\n")
        code, said = refused(data)
        equal(code, 1, "exit status")
        contains(said, f"{path}:2: the digest must be", "nobody is let in")
        write("netsonde-tokens 1\n", 0o644)
        contains(refused(data)[1], f"{path}: others than its owner may open it (mode 644)")
        equal(command("token", "list", "--data-dir", data).returncode, 1, "list")

        os.unlink(path)
        first, token = new_token(data)
        with Daemon(data, environment=TOKEN_MODE) as d:
            good = open(path, encoding="utf-8").read()
            write(good + good.splitlines()[-1].replace(first, "99999999") + "\n")
            d.process.send_signal(signal.SIGHUP)
            d.logged(f"{path}:4: this digest is there twice")
            equal(d.status("/metrics", headers=bearer(token)), 200, "the set of before")
            os.unlink(path)  # nobody any more
            d.process.send_signal(signal.SIGHUP)
            until("the token is gone", lambda: d.status("/metrics", headers=bearer(token)) == 401)
            # Tokens are no key of the configuration: what waits for the next start is not they.
            d.logged("of its keys collect.interval, the rules of alerts and the certificates apply now")


# ---- roles on every route ------------------------------------------------------------------------

def test_routes():
    """mode token: every route asks for its role, loopback or not"""
    with Directory() as data:
        _, viewer = new_token(data)
        _, admin = new_token(data, "--role", "admin")
        with Daemon(data, environment=TOKEN_MODE) as d:
            for path in OPEN:
                equal(d.status(path), 200, path)
            for path in VIEWER:
                status, headers, text = d.request(path)
                equal(status, 401, path)
                contains(headers["WWW-Authenticate"], "Bearer")
                contains(json.loads(text)["error"]["message"], "token")
                for token in (viewer, admin):
                    equal(d.status(path, headers=bearer(token)), 200, path)
                equal(d.status(path, headers=bearer(viewer[:-1] + "!")), 401, path)
            equal(d.stream().status, 401, "stream")
            with stream(d, bearer(viewer)) as s:
                equal(s.status, 101, "stream")
                s.wait_for("hello")
            for role, token in (("viewer", viewer), ("admin", admin)):
                _, _, text = d.request("/api/v1/info", headers=bearer(token))
                equal(json.loads(text)["role"], role, "role")
            # No secret is taken from an address.
            for path in (f"/metrics?token={viewer}", f"/metrics?access_token={viewer}"):
                equal(d.status(path), 401, path)


def test_configuration():
    """/api/v1/config: for admins, what is in force and from where, tokens by name, no secret in it"""
    with Directory() as data:
        with open(os.path.join(data, "n.yaml"), "w") as f:
            f.write("collect: {series_limit: 4321}\n"
                    "channels:\n"
                    "  - {name: hook, type: webhook, url: \"http://127.0.0.1:9/hooks/TOPSECRET\"}\n")
        name, viewer = new_token(data)
        _, admin = new_token(data, "--role", "admin", "--note", "of the test")
        with Daemon(data, "--config", os.path.join(data, "n.yaml"), environment=TOKEN_MODE) as d:
            equal(d.status("/api/v1/config"), 401, "nobody")
            equal(d.status("/api/v1/config", headers=bearer(viewer)), 403, "a viewer")
            _, _, text = d.request("/api/v1/config", headers=bearer(admin))
            for secret in ("TOPSECRET", viewer, admin):
                equal(secret in text, False, "a secret is shown")
            answer = json.loads(text)
            rows = {r["key"]: r for r in answer["config"]}
            equal(rows["collect.series_limit"]["value"], 4321, "value")
            equal(rows["collect.series_limit"]["default"], 20000, "default")
            contains(rows["collect.series_limit"]["from"], "n.yaml:1:")
            equal(rows["auth.mode"]["from"], "env NETSONDE_AUTH_MODE", "from")
            equal(rows["data_dir"]["value"], data, "directory")
            equal([c["keys"]["url"] for c in answer["channels"]], ["http://127.0.0.1:9/…"], "channels")
            tokens = {t["id"]: t for t in answer["tokens"]}
            equal(len(tokens), 2, "tokens")
            equal((tokens[name]["role"], tokens[name]["kind"], tokens[name]["expired"]),
                  ("viewer", "key", False), "the viewer's")
            equal(sorted(t["note"] for t in answer["tokens"]), ["", "of the test"], "notes")
            revoke(data, name)
            until("the list without the revoked one", lambda: len(json.loads(
                d.request("/api/v1/config", headers=bearer(admin))[2])["tokens"]) == 1)


def test_requests_that_are_none():
    """requests to log in that are none: 400, 405, 415; and 403 from pages elsewhere"""
    with Directory() as data, Daemon(data, environment=TOKEN_MODE) as d:
        equal(d.status("/api/v1/none"), 404, "no such route")
        equal(d.status("/api/v1/login"), 405, "GET of login")
        equal(d.status("/api/v1/login", method="POST", body=b"{}", headers=JSON), 400, "nothing")
        equal(d.status("/api/v1/login", method="POST", body=b"{", headers=JSON), 400, "no JSON")
        equal(d.status("/api/v1/login", method="POST", body=b"{\"token\":5}", headers=JSON), 400,
              "a number")
        equal(d.status("/api/v1/login", method="POST", body=b"token=x",
                       headers={"Content-Type": "application/x-www-form-urlencoded"}), 415, "a form")
        equal(d.status("/api/v1/login", method="POST", body=b"{}",
                       headers={**JSON, "Origin": "http://evil.example"}), 403, "from elsewhere")


def test_loopback():
    """mode auto: loopback looks without a token; a wrong one is wrong all the same"""
    with Directory() as data:
        _, admin = new_token(data, "--role", "admin")
        with Daemon(data) as d:
            equal(d.status("/metrics"), 200, "without")
            equal(d.status("/metrics", headers=bearer("nst_" + "A" * 43)), 401, "wrong")
            equal(d.status("/metrics", headers={"Authorization": "Basic eDp5"}), 200, "not for us")
            equal(d.status("/metrics", headers={"Cookie": "netsonde-00000000=x"}), 200, "old cookie")
            for sign in ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via"):
                equal(d.status("/metrics", headers={sign: "192.0.2.1"}), 401, sign)
                equal(d.status("/metrics", headers={sign: "192.0.2.1", **bearer(admin)}), 200, sign)


def test_mode_none():
    """mode none: said loudly at each start, and everybody is admin"""
    with Directory() as data, Daemon(data, environment={"NETSONDE_AUTH_MODE": "none"}) as d:
        contains(d.output(), "warning access: auth.mode is none: WHOEVER CAN REACH THIS DAEMON")
        _, _, text = d.request("/api/v1/info", headers={"X-Forwarded-For": "192.0.2.1"})
        equal(json.loads(text)["role"], "admin", "role")


# ---- logins --------------------------------------------------------------------------------------

def test_login():
    """a token logs in: a session cookie that scripts cannot read, until it is logged out"""
    with Directory() as data:
        name, token = new_token(data)
        with Daemon(data, environment=TOKEN_MODE) as d:
            status, answer, cookie, header = log_in(d, token)
            equal((status, answer["role"]), (200, "viewer"), "login")
            contains(header, "; Path=/; ", "; HttpOnly", "; SameSite=Strict")
            equal("Secure" in header or token in header, False, header)
            contains(log_in(d, token, {"X-Forwarded-Proto": "https"})[3], "; Secure")
            contains(log_in(d, token, {"Origin": f"https://127.0.0.1:{d.port}",
                                       "Sec-Fetch-Site": "same-origin"})[3], "; Secure")
            _, _, text = d.request("/api/v1/info", headers=cookie)
            equal([json.loads(text)[k] for k in ("role", "session")], ["viewer", True], "info")
            with stream(d, cookie) as s:
                s.wait_for("hello")
                status, headers, _ = d.request("/api/v1/logout", method="POST", headers=cookie)
                equal(status, 204, "logout")
                contains(headers["Set-Cookie"], "=; ", "Max-Age=0")
                closes_with_1008(s)
            equal(d.status("/metrics", headers=cookie), 401, "after it")
            equal(d.status("/metrics", headers=bearer(token)), 200, "the token is good still")
            _, _, cookie, _ = log_in(d, token)
            revoke(data, name)
            until("the session is gone", lambda: d.status("/metrics", headers=cookie) == 401)
            equal(log_in(d, token)[0], 401, "login with it")
            for secret in (token, cookie["Cookie"].split("=")[1]):
                equal(secret in d.output(), False, "a secret in the log")


def test_base_path():
    """below a base path: the login is there, and its cookie goes nowhere else"""
    with Directory() as data:
        _, token = new_token(data)
        environment = {"NETSONDE_SERVE_BASE_PATH": "/net/sonde/"}
        with Daemon(data, environment=environment, ready="/net/sonde/readyz") as d:
            equal(d.status("/net/sonde/metrics"), 401, "loopback without a token")
            equal(d.status("/api/v1/login", method="POST", body=b"{}", headers=JSON), 404, "outside")
            status, _, cookie, header = log_in(d, token, base="/net/sonde")
            equal(status, 200, "login")
            contains(header, "; Path=/net/sonde; ")
            equal(d.status("/net/sonde/metrics", headers=cookie), 200, "with the cookie")


def test_one_time_login():
    """a one-time login: works once, is listed and revoked like a token, outlives a restart"""
    with Directory() as data:
        path = os.path.join(data, "tokens")
        with Daemon(data, environment=TOKEN_MODE) as d:
            name, address, secret = new_login(data, "--role", "admin", "--listen",
                                              f"127.0.0.1:{d.port}")
            equal(address, f"http://127.0.0.1:{d.port}/login", "address")
            equal(listed(data)[name]["expires"] - listed(data)[name]["created"], 600000, "minutes")
            equal(secret in open(path, encoding="utf-8").read(), False, "in the file")
            equal(d.status("/metrics", headers=bearer(secret)), 401, "as a token")
            status, answer, cookie, _ = until("it is let in", lambda: (
                lambda a: a if a[0] == 200 else None)(log_in(d, secret)))
            equal(answer["role"], "admin", "role")
            equal(log_in(d, secret)[0], 401, "a second time")
            until("the file has the session", lambda: listed(data)[name]["kind"] == "session")
            equal(d.status("/metrics", headers=cookie), 200, "the session")
            equal(cookie["Cookie"].split("=")[1] in open(path, encoding="utf-8").read(), False,
                  "the cookie is in the file")
            equal(secret in d.output(), False, "in the log")
        with Daemon(data, environment=TOKEN_MODE) as d:
            equal(d.status("/metrics", headers=cookie), 200, "the session after a restart")
            equal(log_in(d, secret)[0], 401, "the secret after a restart")
            with stream(d, cookie) as s:
                s.wait_for("hello")
                revoke(data, name)
                closes_with_1008(s)
            equal(d.status("/metrics", headers=cookie), 401, "revoked")
            name, _, secret = new_login(data)
            _, _, cookie, _ = until("it is let in", lambda: (
                lambda a: a if a[0] == 200 else None)(log_in(d, secret)))
            equal(d.status("/api/v1/logout", method="POST", headers=cookie), 204, "logout")
            equal(d.status("/metrics", headers=cookie), 401, "after it")
            until("the file has lost it", lambda: name not in listed(data))


def test_full_disk():
    """a full disk: nothing is half written, a one-time login still works, and only once"""
    with Directory() as data:
        mount("tmpfs", data, "tmpfs", options="size=2m")
        try:
            _, token = new_token(data)
            with Daemon(data, environment=TOKEN_MODE) as d:
                old, _, secret = new_login(data)
                _, _, logged_out, _ = until("it is let in", lambda: (
                    lambda a: a if a[0] == 200 else None)(log_in(d, secret)))
                until("its session is kept", lambda: listed(data)[old]["kind"] == "session")
                unwritten, _, secret = new_login(data)
                before = open(os.path.join(data, "tokens"), encoding="utf-8").read()
                ballast = fill(data)
                done = command("token", "new", "--data-dir", data)
                equal((done.returncode, done.stdout), (1, ""), "token new")
                contains(done.stderr, f"{data}/tokens: No space left on device")
                status, _, cookie, _ = until("it is let in", lambda: (
                    lambda a: a if a[0] == 200 else None)(log_in(d, secret)))
                equal(d.status("/metrics", headers=cookie), 200, "the session")
                d.logged("No space left on device; the session ends with this run of the daemon")
                equal(log_in(d, secret)[0], 401, "a second time")
                equal(open(os.path.join(data, "tokens"), encoding="utf-8").read(), before, "file")
                equal("tokens.new" in os.listdir(data), False, "a rest")
                equal(d.status("/metrics", headers=bearer(token)), 200, "tokens")
                equal(d.request("/api/v1/logout", method="POST", headers=logged_out)[0], 204, "out")
                d.logged(f"No space left on device; the session {old} that was logged out is good "
                         f"again after a restart, until: netsonde token revoke {old}")
                equal(d.status("/metrics", headers=logged_out), 401, "after logging out")
                # The file has never had the other session, but its one-time login still.
                equal(d.request("/api/v1/logout", method="POST", headers=cookie)[0], 204, "out")
                d.logged(f"No space left on device; the one-time login {unwritten} that was used is "
                         f"good again after a restart, until: netsonde token revoke {unwritten}")
            os.unlink(ballast)
            with Daemon(data, environment=TOKEN_MODE) as d:
                equal(d.status("/metrics", headers=logged_out), 200, "as it was said")
                revoke(data, old)
                until("it is gone", lambda: d.status("/metrics", headers=logged_out) == 401)
        finally:
            unmount(data)


def test_address_of_login():
    """the address of a login names the public host and the base path, when there are any"""
    with Directory() as data:
        config = os.path.join(data, "n.yaml")
        for text, expected in (
                ("serve: {allowed_hosts: [monitor.example.net], base_path: /net/}",
                 "https://monitor.example.net/net/login"),
                ("serve: {listen: [\"[::1]:80\"], base_path: /}", "http://[::1]:80/login"),
                ("serve: {listen: [\"0.0.0.0:7000\"]}",
                 f"http://{socket.gethostname()}:7000/login")):
            with open(config, "w", encoding="utf-8") as f:
                f.write(text)
            equal(new_login(data, "--config", config)[1], expected, text)


def test_restart():
    """tokens outlive a restart; the sessions of a token do not"""
    with Directory() as data:
        _, token = new_token(data)
        with Daemon(data, environment=TOKEN_MODE) as d:
            _, _, cookie, _ = log_in(d, token)
            equal(d.status("/metrics", headers=cookie), 200, "before")
        with Daemon(data, environment=TOKEN_MODE) as d:
            equal(d.status("/metrics", headers=bearer(token)), 200, "the token")
            equal(d.status("/metrics", headers=cookie), 401, "its session")


def test_two_daemons():
    """two daemons on one host do not take each other's cookies away"""
    with Directory() as one, Directory() as two:
        cookies = []
        for data in (one, two):
            _, token = new_token(data)
            with Daemon(data, environment=TOKEN_MODE) as d:
                cookies.append(log_in(d, token)[2]["Cookie"].split("=")[0])
        equal(cookies[0] != cookies[1], True, "names of the cookies")


def test_memory():
    """tokens leave nothing behind: not in memory, not in a core file, not for the same user"""
    with Directory() as data:
        _, token = new_token(data)
        wrong = "nst_" + "E" * 43
        with Daemon(data, environment=TOKEN_MODE) as d:
            for _ in range(3):
                equal(d.status("/metrics", headers=bearer(token)), 200, "with a token")
                equal(d.status("/metrics", headers=bearer(wrong)), 401, "with a wrong one")
                equal(log_in(d, token)[0], 200, "login")
                equal(log_in(d, wrong)[0], 401, "wrong login")
            name, _, secret = new_login(data)
            until("it is let in", lambda: log_in(d, secret)[0] == 200)
            until("the file has the session", lambda: listed(data)[name]["kind"] == "session")
            d.status("/healthz")
            # The directory is there, and shows that the search finds something.
            equal(in_memory(d.pid, token, wrong, secret, data), {data}, "secrets in memory")
            # Not dumpable: its files in /proc belong to root, whoever the process is.
            equal(os.stat(f"/proc/{d.pid}/mem").st_uid, 0, "owner of its memory")
            d.process.send_signal(signal.SIGABRT)
            d.wait()
            equal([f for f in os.listdir(data) if "core" in f], [], "core files")
            equal(d.process.returncode, -signal.SIGABRT, "it died of it")


# ---- losing it -----------------------------------------------------------------------------------

def test_revoked():
    """revoking a token closes its streams with 1008, and no others"""
    with Directory() as data:
        first, token = new_token(data)
        _, other = new_token(data)
        with Daemon(data, environment=TOKEN_MODE) as d:
            _, _, cookie, _ = log_in(d, token)
            with stream(d, bearer(token)) as s, stream(d, cookie) as t, \
                    stream(d, bearer(other)) as u:
                for one in (s, t, u):
                    one.wait_for("hello")
                revoke(data, first)
                closes_with_1008(s)
                closes_with_1008(t)
                equal(u.ask(op="ping", id=5)["type"], "pong", "the other one")
                equal(d.status("/metrics", headers=bearer(token)), 401, "revoked")


def test_threads():
    """several loops: a session is good on each of them, and a revoked token on none"""
    with Directory() as data:
        first, token = new_token(data)
        _, _, secret = new_login(data)
        with Daemon(data, environment={"NETSONDE_SERVE_THREADS": "3", **TOKEN_MODE}) as d:
            # Each request comes by a connection of its own: to a loop that the kernel chooses.
            let_in = [log_in(d, secret)[0] for _ in range(12)]
            equal(sorted(let_in), [200] + [401] * 11, "a one-time login on all loops")
            cookie = log_in(d, token)[2]
            equal({d.status("/metrics", headers=cookie) for _ in range(20)}, {200}, "session")
            held = [stream(d, cookie if i % 2 else bearer(token)) for i in range(20)]
            for s in held:
                s.wait_for("hello")
            revoke(data, first)
            for s in held:
                closes_with_1008(s)
                s.close()
            equal({d.status("/metrics", headers=cookie) for _ in range(20)}, {401}, "after that")


def test_expired():
    """a token that expires ends its streams at that moment"""
    with Directory() as data:
        _, token = new_token(data, "--expires", f"{2 * SLOW}s")
        with Daemon(data, environment=TOKEN_MODE) as d:
            with stream(d, bearer(token)) as s:
                equal(s.status, 101, "before")
                s.wait_for("hello")
                until("it expires", lambda: d.status("/metrics", headers=bearer(token)) == 401)
                closes_with_1008(s)
            equal(log_in(d, token)[0], 401, "login")


# ---- guessing ------------------------------------------------------------------------------------

def attempt(d, source, headers=None, secret="nst_" + "B" * 43):
    """A wrong login from an address of 127/8 by way of a proxy that is trusted: its status."""
    return log_in(d, secret, {"X-Forwarded-For": source, **(headers or {})})


def test_attempts():
    """logins: five wrong ones of an address, then it has to wait; others need not"""
    environment = {"NETSONDE_SERVE_TRUSTED_PROXIES": "127.0.0.1", **TOKEN_MODE}
    with Directory() as data:
        _, token = new_token(data)
        with Daemon(data, environment=environment) as d:
            for _ in range(5):
                equal(attempt(d, "192.0.2.1")[0], 401, "wrong")
            status, headers, text = d.request(
                "/api/v1/login", method="POST", body=json.dumps({"token": token}).encode(),
                headers={**JSON, "X-Forwarded-For": "192.0.2.1"})
            equal(status, 429, f"even with the right one: {text}")
            equal(1 <= int(headers["Retry-After"]) <= 2, True, headers["Retry-After"])
            equal(attempt(d, "192.0.2.2")[0], 401, "another address")
            # What the client itself writes to the left of the proxy's word changes nothing.
            equal(attempt(d, "203.0.113.7, 192.0.2.1")[0], 429, "a forged list")
            equal(d.status("/metrics", headers={"X-Forwarded-For": "192.0.2.1", **bearer(token)}),
                  200, "a token in the header is looked at")
            until("the wait is over", lambda: attempt(d, "192.0.2.1", secret=token)[0] == 200)
            until("counted", lambda: [
                line for line in d.text("/metrics", headers=bearer(token)).splitlines()
                if line.startswith("netsonde_server_wrong_tokens_total ") and
                float(line.split()[1]) >= 8])
            for cause in ("refused a token that is not good",
                          "refused a token unseen: there were too many wrong ones"):
                equal(d.output().count(f"warning http: {cause} (192.0.2.1)"), 1, d.output())
                equal(d.output().count(cause), 1, "lines of one cause")


def test_attempts_in_all():
    """logins of all addresses together: limited too, and sessions work on meanwhile"""
    environment = {"NETSONDE_SERVE_TRUSTED_PROXIES": "127.0.0.1", **TOKEN_MODE}
    with Directory() as data:
        _, token = new_token(data)
        with Daemon(data, environment=environment) as d:
            cookie = log_in(d, token)[2]
            answers = [attempt(d, f"198.51.{i % 250}.1")[0] for i in range(200)]
            equal(set(answers), {401, 429}, "answers")
            equal(answers.count(401) >= 99, True, f"{answers.count(401)} were looked at")
            equal(d.status("/metrics", headers=cookie), 200, "a session")
            equal(d.status("/metrics", headers=bearer(token)), 200, "a token")


def test_forwarded_streams():
    """streams of a proxy's client count for the client, not for the proxy"""
    environment = {"NETSONDE_SERVE_TRUSTED_PROXIES": "127.0.0.1",
                   "NETSONDE_SERVE_MAX_CLIENTS_PER_ADDRESS": "2", **TOKEN_MODE}
    with Directory() as data:
        _, token = new_token(data)

        def of(address):
            return stream(d, {**bearer(token), "X-Forwarded-For": address})

        with Daemon(data, environment=environment) as d:
            held = [of("192.0.2.1") for _ in range(3)] + [of("192.0.2.2"), of("2001:db8::1"),
                                                          of("2001:db8::2"), of("2001:db8::3")]
            equal([s.status for s in held], [101, 101, 503, 101, 101, 101, 503], "statuses")
            with stream(d, {**bearer(token), "X-Forwarded-For": "192.0.2.9",
                            "Forwarded": "for=192.0.2.8"}) as unclear:
                equal(unclear.status, 400, "two different clients")
            d.logged("refused a stream whose client a proxy leaves unclear (127.0.0.1)")
            held[0].close()
            again = until("there is room again", lambda: (
                lambda s: s if s.status == 101 else s.close())(of("192.0.2.1")))
            for s in (*held, again):
                s.close()


def test_forwarded_names():
    """a proxy's client is who the log names, and the table of connections"""
    environment = {"NETSONDE_SERVE_TRUSTED_PROXIES": "127.0.0.1",
                   "NETSONDE_SERVE_PERFORMANCE_INTERVAL": "1s", **TOKEN_MODE}
    with Directory() as data:
        _, token = new_token(data, "--role", "admin")
        with Daemon(data, environment=environment) as d:
            with socket.create_connection(("127.0.0.1", d.port), WAIT_S) as late:
                late.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\n"
                             b"X-Forwarded-For: 192.0.2.1\r\n"
                             b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
                contains(late.recv(4096).decode(), " 400 ")
            d.logged("A chunk's size is not a hexadecimal number. (192.0.2.1)\n")
            def of(address):
                return d.stream("performance", headers=[f"Authorization: Bearer {token}",
                                                        f"X-Forwarded-For: {address}"])

            def rows(message):
                column = message["clients"]["columns"].index("address")
                return {row[column] for row in message["clients"]["rows"]}

            with of("192.0.2.2") as s, of("2001:db8::2") as other:
                equal((s.status, other.status), (101, 101), "streams")
                until("the table has both", lambda: rows(s.wait_for("performance")) ==
                      {"192.0.2.2", "2001:db8::2"})
                s.send_frame(TEXT, b"no JSON")
                d.logged("a viewer's message is not JSON (192.0.2.2)\n")


# ---- beyond loopback -----------------------------------------------------------------------------

def test_beyond_loopback():
    """an address beyond loopback: refused without a token, and from there a token is needed"""
    with Directory() as data, neighbour() as pid:
        ip("link", "add", "vn", "type", "veth", "peer", "name", "vm")
        ip("link", "set", "vm", "netns", str(pid))
        inside(pid, "ip", "link", "set", "lo", "up")
        inside(pid, "ip", "addr", "add", "10.77.0.2/24", "dev", "vm")
        inside(pid, "ip", "link", "set", "vm", "up")
        ip("addr", "add", "10.77.0.1/24", "dev", "vn")
        ip("link", "set", "vn", "up")
        settled("vn")
        try:
            code, said = refused(data, "--listen", "10.77.0.1:7477")
            equal(code, 1, "exit status")
            contains(said, f"`netsonde token new --data-dir {data}`")
            command("token", "new", "--expires", "1ms", "--data-dir", data)
            equal(refused(data, "--listen", "0.0.0.0:7477")[0], 1, "with one that has expired")
            _, token = new_token(data)
            with Daemon(data, "--listen", "10.77.0.1:7477") as d:
                def ask(path, *fields):
                    script = ("import sys, http.client as h\n"
                              "c = h.HTTPConnection('10.77.0.1', 7477, timeout=float(sys.argv[1]))\n"
                              "fields = dict(f.split(': ') for f in sys.argv[3:])\n"
                              "c.request('GET', sys.argv[2], headers=fields)\n"
                              "print(c.getresponse().status)\n")
                    done = subprocess.run(
                        ["nsenter", "-t", str(pid), "-n", sys.executable, "-c", script, str(WAIT_S),
                         path, *fields], stdout=subprocess.PIPE, text=True, check=True)
                    return int(done.stdout)

                d.logged("what is sent to an address beyond loopback is not encrypted")
                equal(ask("/healthz"), 200, "open to all")
                equal(ask("/api/v1/info"), 401, "from there")
                equal(ask("/api/v1/info", f"Authorization: Bearer {token}"), 200, "with a token")
                equal(ask("/healthz", "Host: evil.example"), 421, "another name")
                equal(d.status("/api/v1/info"), 200, "from here")
                until("it is ready", lambda: ask("/readyz") == 200)
        finally:
            remove_links("vn")


def test_no_way_out():
    """no connection but those that were accepted, whatever happens; and no name is looked up"""
    with Directory() as data:
        _, token = new_token(data)
        with Daemon(data, environment=TOKEN_MODE) as d:
            def sockets(pid):
                own = set()
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    try:
                        name = os.readlink(f"/proc/{pid}/fd/{fd}")
                    except FileNotFoundError:
                        continue
                    if name.startswith("socket:["):
                        own.add(name[8:-1])
                found = []
                for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
                    with open(f"/proc/{pid}/net/{kind}", encoding="ascii") as f:
                        found += [(kind, *line.split()[1:4]) for line in f.read().splitlines()[1:]
                                  if line.split()[9] in own]
                return found

            children = [int(c) for c in
                        open(f"/proc/{d.pid}/task/{d.pid}/children", encoding="ascii").read().split()]
            port = f"{d.port:04X}"
            for step in range(20):
                log_in(d, token if step % 2 else "nst_" + "C" * 43)
                d.request("/api/v1/info", headers=bearer(token))
                if step == 10:
                    d.process.send_signal(signal.SIGHUP)
                for pid in (d.pid, *children):
                    odd = [s for s in sockets(pid) if s[0] != "tcp" or
                           s[1].split(":")[1] != port]
                    equal(odd, [], f"sockets of {pid}")
            equal(any(s[3] == "0A" for s in sockets(d.pid)), True, "it listens")


if __name__ == "__main__":
    own_network()
    run([test_token_command, test_root_for_a_user, test_token_usage, test_bad_file, test_routes, test_configuration, test_requests_that_are_none,
         test_loopback, test_mode_none, test_login, test_base_path, test_one_time_login,
         test_full_disk, test_address_of_login, test_restart, test_two_daemons, test_memory, test_revoked, test_threads, test_expired,
         test_attempts, test_attempts_in_all, test_forwarded_streams, test_forwarded_names,
         test_beyond_loopback,
         test_no_way_out])
