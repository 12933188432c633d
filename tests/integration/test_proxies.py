"""nginx, HAProxy and Caddy in front of the daemon, configured by the very blocks of
docs/PROXIES.md: the page, the API, the login, the stream and its end."""
import functools
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import http.client

import peers
from rig import (WAIT_S, Daemon, Directory, Skip, command, contains, die_with_parent, equal,
                 free_port, new_token, own_network, run, until)
from websocket import TEXT, Stream

NAME = "monitor.example.net"
# The client asks from here, so that it is told from the proxy, which is 127.0.0.1.
CLIENT, OTHER = "127.0.0.2", "127.0.0.3"
JSON = {"Content-Type": "application/json"}


# ---- the blocks of the document ------------------------------------------------------------------

def block(language):
    """The block of docs/PROXIES.md that is marked so."""
    path = os.path.join(peers.ROOT, "docs", "PROXIES.md")
    with open(path, encoding="utf-8") as f:
        found = re.findall(rf"^```{language}\n(.*?)^```$", f.read(), re.MULTILINE | re.DOTALL)
    equal(len(found), 1, f"blocks of {language}")
    return found[0]


def replaced(text, *pairs):
    """Each of the first must be there: a block that changes must not escape its test."""
    for old, new in pairs:
        if old not in text:
            raise AssertionError(f"no {old!r} in the block:\n{text}")
        text = text.replace(old, new)
    return text


def without_lines(text, *words):
    for word in words:
        contains(text, word)
    return "".join(line for line in text.splitlines(keepends=True)
                   if not any(word in line for word in words))


def certificate(directory):
    """monitor.pem (with the key, as HAProxy wants it) and monitor.key; a context that trusts it."""
    pem, key = os.path.join(directory, "monitor.pem"), os.path.join(directory, "monitor.key")
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
                    "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", key, "-out", pem],
                   check=True, stderr=subprocess.DEVNULL)
    context = ssl.create_default_context(cafile=pem)
    with open(key, encoding="ascii") as k, open(pem, "a", encoding="ascii") as p:
        p.write(k.read())
    return context


# ---- the proxies ---------------------------------------------------------------------------------

def nginx(directory, port, backend, tls, base):
    binary, environment = peers.program("nginx")
    text = replaced(block("nginx proxy"), ("127.0.0.1:7477", f"127.0.0.1:{backend}"),
                    ("listen 443 ssl;", f"listen 127.0.0.1:{port}{' ssl' if tls else ''};"),
                    ("/etc/ssl/", directory + "/"), ("location / {", f"location {base or '/'} {{"))
    if not tls:
        text = without_lines(text, "ssl_certificate ", "ssl_certificate_key ")
    config = os.path.join(directory, "nginx.conf")
    folders = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in
                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"daemon off; master_process off; pid {directory}/nginx.pid;\n"
                f"error_log stderr warn;\nevents {{}}\nhttp {{\naccess_log off;\n{folders}\n"
                f"{text}}}\n")
    return [binary, "-e", "stderr", "-p", directory, "-c", config], environment


def haproxy(directory, port, backend, tls, base):
    binary, environment = peers.program("haproxy")
    secure = " ssl crt /etc/ssl/monitor.pem alpn h2,http/1.1"
    text = replaced(block("haproxy proxy"), ("127.0.0.1:7477", f"127.0.0.1:{backend}"),
                    (f"bind :443{secure}", f"bind 127.0.0.1:{port}{secure if tls else ''}"),
                    ("path_beg /", f"path_beg {base or '/'}")).replace("/etc/ssl/", directory + "/")
    config = os.path.join(directory, "haproxy.cfg")
    with open(config, "w", encoding="utf-8") as f:
        f.write("global\n    nbthread 1\n    maxconn 200\n\n" + text)
    return [binary, "-f", config, "-db"], environment


def caddy(directory, port, backend, tls, base):
    binary, environment = peers.program("caddy")
    scheme = "https" if tls else "http"
    text = replaced(block("caddy proxy"), ("127.0.0.1:7477", f"127.0.0.1:{backend}"),
                    (f"https://{NAME}", f"{scheme}://{NAME}:{port}"), ("/etc/ssl/", directory + "/"),
                    ("reverse_proxy /*", f"reverse_proxy {base}{'*' if base else '/*'}"))
    if not tls:
        text = without_lines(text, "    tls ")
    config = os.path.join(directory, "Caddyfile")
    with open(config, "w", encoding="utf-8") as f:
        f.write("{\n    admin off\n    auto_https disable_redirects\n"
                f"    http_port {free_port()}\n    default_bind 127.0.0.1\n}}\n{text}")
    return ([binary, "run", "--config", config, "--adapter", "caddyfile"],
            {**environment, "HOME": directory, "XDG_DATA_HOME": directory,
             "XDG_CONFIG_HOME": directory})


class Proxy:
    """The proxy in front of a daemon of its own, and a client that asks it from CLIENT."""

    def __init__(self, make, directory, tls, base):
        self.directory, self.base = directory, base
        self.tls = certificate(directory) if tls else None
        self.port, backend = free_port(), free_port()
        words, environment = make(directory, self.port, backend, tls, base)
        self.host = f"{NAME}:{self.port}"
        self.origin = f"{'https' if tls else 'http'}://{self.host}"
        data = os.path.join(directory, "data")
        self.name, self.token = new_token(data)
        config = os.path.join(directory, "netsonde.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(replaced(block("yaml netsonde"), ("base_path: / ", f"base_path: {base or '/'} ")))
        self.daemon = Daemon(data, "--config", config, port=backend, ready=f"{base}/readyz")
        self.log = open(os.path.join(directory, "proxy.log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(words, env=environment, cwd=directory, stdout=self.log,
                                        stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                        preexec_fn=die_with_parent)

    def __enter__(self):
        try:
            self.daemon.__enter__()
            until("the proxy is ready", self.ready)
        except BaseException:
            self.end(True)
            raise
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the proxy ended with {self.process.returncode}")
        try:
            return self.ask("/readyz")[0] == 200
        except OSError:
            return False

    def end(self, failed):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if failed:
            self.log.seek(0)
            print("# " + self.log.read()[-4000:].replace("\n", "\n# "))
        self.log.close()

    def __exit__(self, kind, *rest):
        self.end(kind)
        self.daemon.__exit__(kind, *rest)

    def ask(self, path, method="GET", body=None, headers=None, source=CLIENT, outside=False):
        """(status, headers, text) of base + path, as a browser of that name's page would ask."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        c.sock = socket.create_connection(("127.0.0.1", self.port), WAIT_S, (source, 0))
        if self.tls:
            c.sock = self.tls.wrap_socket(c.sock, server_hostname=NAME)
        try:
            c.request(method, ("" if outside else self.base) + path, body, {"Host": self.host, **(headers or {})})
            answer = c.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            c.close()

    def log_in(self, secret, headers=None, source=CLIENT):
        return self.ask("/api/v1/login", "POST", json.dumps({"token": secret}),
                        {**JSON, "Origin": self.origin, "Sec-Fetch-Site": "same-origin",
                         **(headers or {})}, source)

    def stream(self, **headers):
        """As a browser opens it: with the page's origin."""
        fields = {"Origin": self.origin, **headers}
        return Stream(self.port, self.base + "/api/v1/stream?subscribe=metrics", WAIT_S,
                      headers=[f"{k}: {v}" for k, v in fields.items()], host=self.host,
                      tls=self.tls, source=CLIENT)


# ---- what must work ------------------------------------------------------------------------------

def page(p):
    status, headers, text = p.ask("/")
    equal(status, 200, "the page")
    contains(headers["Content-Security-Policy"], "default-src 'none'")
    scripts = re.findall(r'src="\./(assets/[^"]+\.js)"', text)
    equal(len(scripts) >= 2, True, f"scripts: {scripts}")
    for script in scripts:
        status, headers, _ = p.ask("/" + script)
        equal((status, headers["Content-Type"]), (200, "text/javascript; charset=utf-8"), script)


def api(p):
    equal(p.ask("/api/v1/info")[0], 401, "without a token")
    status, _, text = p.ask("/api/v1/info", headers={"Authorization": f"Bearer {p.token}"})
    equal((status, json.loads(text)["role"]), (200, "viewer"), "with one")
    # Caddy answers for names and places that it does not know itself, with nothing.
    _, _, text = p.ask("/api/v1/info", headers={"Host": "evil.example",
                                                "Authorization": f"Bearer {p.token}"})
    equal('"role"' in text, False, f"another name: {text}")
    status, _, text = p.ask("/healthz", outside=True)
    equal((status, text) == (200, "ok\n"), not p.base, f"outside of the base path: {status}")


def login(p):
    """Returns the cookie."""
    status, headers, text = p.log_in(p.token)
    equal(status, 200, text)
    cookie = headers["Set-Cookie"]
    contains(cookie, f"; Path={p.base or '/'}; ", "; HttpOnly; SameSite=Strict")
    equal("; Secure" in cookie, p.tls is not None, cookie)
    p.daemon.logged(f"token {p.name} logged in as viewer from {CLIENT}\n")
    cookie = cookie.split(";")[0]
    equal(p.ask("/metrics", headers={"Cookie": cookie})[0], 200, "the session")
    status, _, _ = p.log_in(p.token, {"Origin": "https://evil.example",
                                      "Sec-Fetch-Site": "cross-site"})
    equal(status, 403, "a login from another page")
    return cookie


def addresses(p):
    """What a client says about itself does not count; what the proxy says does."""
    lies = [{"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"},
            {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9;proto=http"},
            {"X-Forwarded-For": OTHER}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "x,"}]
    for lie in lies:
        equal(p.log_in("nst_" + "D" * 43, lie)[0] in (401, 429), True, lie)
    status, headers, text = p.log_in(p.token)
    equal(status, 429, f"after {len(lies)} wrong ones of one address: {text}")
    equal(int(headers["Retry-After"]) >= 1, True, "Retry-After")
    equal(p.log_in("nst_" + "D" * 43, source=OTHER)[0], 401, "another address")
    p.daemon.logged(f"refused a token that is not good ({CLIENT})\n")
    p.log_in("x" * 100000)  # the answer is the proxy's: some of them end it themselves
    p.daemon.logged(f"The body is larger than this server takes. ({CLIENT})\n")


def stream(p, cookie):
    equal(p.stream().status, 401, "without a cookie")
    equal(p.stream(Cookie=cookie, Origin="https://evil.example").status, 403, "of another page")
    with p.stream(Cookie=cookie) as s:
        equal(s.status, 101, s.head)
        s.wait_for("hello")
        for _ in range(3):
            s.wait_for("metrics")
        equal(s.ask(op="ping", id=7)["type"], "pong", "there and back")
        s.send_frame(TEXT, b"no JSON")
        p.daemon.logged(f"a viewer's message is not JSON ({CLIENT})\n")
        done = command("token", "revoke", p.name, "--data-dir", p.daemon.data)
        equal(done.returncode, 0, done.stderr)
        equal(s.goodbye(), 1008, "close code when the token is revoked")
    equal(p.ask("/metrics", headers={"Cookie": cookie})[0], 401, "the session after that")


def check(make, tls, base):
    with Directory() as directory, Proxy(make, directory, tls, base) as p:
        page(p)
        api(p)
        cookie = login(p)
        addresses(p)
        stream(p, cookie)


def browse(make, protocol):
    script = os.path.join(peers.ROOT, "tests", "browser", "behind_proxy.mjs")
    if not shutil.which("node"):
        raise Skip("node is not installed")
    with Directory() as directory, Proxy(make, directory, True, "/netsonde") as p:
        done = subprocess.run(["node", script, p.origin + p.base, p.token, protocol],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=4 * WAIT_S, check=False)
        if done.returncode == 77:
            raise Skip(done.stdout.strip())
        equal(done.returncode, 0, done.stdout)


def cases():
    for make in (nginx, haproxy, caddy):
        for tls in (False, True):
            for base in ("", "/netsonde"):
                case = functools.partial(check, make, tls, base)
                where = f"below {base}" if base else "at /"
                case.__doc__ = f"{make.__name__}{', TLS' if tls else ''}, {where}: all of it"
                case.__name__ = f"{make.__name__}_{'tls' if tls else 'plain'}{base.replace('/', '_')}"
                yield case
    for make, protocol in ((nginx, "http/1.1"), (haproxy, "h2"), (caddy, "h2")):
        case = functools.partial(browse, make, protocol)
        case.__doc__ = f"{make.__name__}, TLS, below /netsonde: the dashboard in Chromium, {protocol}"
        case.__name__ = f"{make.__name__}_browser"
        yield case


if __name__ == "__main__":
    peers.fetch("nginx", "usr/sbin/nginx")
    peers.fetch("haproxy", "usr/sbin/haproxy")
    peers.fetch("caddy", "usr/bin/caddy")
    own_network()
    run(list(cases()))
