"""Who is told of alerts: a web server and a mail server of our own that do what a test wants, and the
real Alertmanager. Each wait is for a condition and has a limit."""
import base64
import contextlib
import http.server
import json
import os
import socketserver
import ssl
import subprocess
import threading
import time
import urllib.request

import peers
import rig
from rig import Skip, until


# ---- web ----------------------------------------------------------------------------------------

class Web(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Keeps what is posted; `answer(handler, number)` does the rest, by default 200."""
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer=None, context=None):
        self.answer, self.got, self.times = answer, [], []
        self.leave = threading.Event()
        super().__init__(("127.0.0.1", 0), WebHandler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.scheme = "https" if context else "http"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave.set()
        self.shutdown()
        self.server_close()


class WebHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.times.append(time.monotonic())
        self.server.got.append((self.path, self.headers, json.loads(body)))
        if self.server.answer:
            self.server.answer(self, len(self.server.got))
        else:
            self.say(200)

    def say(self, status, **headers):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *_):
        pass


# ---- mail ---------------------------------------------------------------------------------------

class Mail(socketserver.ThreadingTCPServer):
    """A mail server: context makes it offer STARTTLS (or speak TLS from the start), login wants that
    name and password. refuse: what it says to each RCPT TO instead of taking it."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, context=None, wrapped=False, login=None, refuse=None):
        self.context, self.wrapped, self.login, self.refuse = context, wrapped, login, refuse
        self.got = []  # (sender, recipients, message, whether by TLS)
        super().__init__(("127.0.0.1", 0), MailHandler)
        self.url = f"smtp{'s' if wrapped else ''}://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class MailHandler(socketserver.BaseRequestHandler):
    def begin_tls(self):
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.file, self.tls = self.request.makefile("rwb"), True

    def say(self, *lines):
        for i, line in enumerate(lines):
            mark = "-" if i + 1 < len(lines) else " "
            self.file.write(f"{line[:3]}{mark}{line[4:]}\r\n".encode())
        self.file.flush()

    def handle(self):
        self.file, self.tls = self.request.makefile("rwb"), False
        if self.server.wrapped:
            self.begin_tls()
        sender, recipients, known = None, [], not self.server.login
        self.say("220 sink")
        while line := self.file.readline().decode().rstrip("\r\n"):
            word = line.split()[0].upper()
            if word in ("EHLO", "HELO"):
                tls = ["250 STARTTLS"] if self.server.context and not self.tls else []
                auth = ["250 AUTH PLAIN"] if self.server.login else []
                self.say("250 sink", *tls, *auth, "250 8BITMIME")
            elif word == "STARTTLS":
                self.say("220 go on")
                self.begin_tls()
            elif word == "AUTH":
                parts = line.split()
                if len(parts) == 2:
                    self.say("334 ")
                    parts.append(self.file.readline().decode().strip())
                known = base64.b64decode(parts[2]).decode().split("\0")[1:] == self.server.login
                self.say("235 welcome" if known else "535 who are you")
            elif word == "MAIL":
                sender, recipients = line[len("MAIL FROM:"):].split()[0].strip("<>"), []
                self.say("250 ok" if known else "530 log in first")
            elif word == "RCPT":
                recipients.append(line[len("RCPT TO:"):].strip("<>"))
                self.say(self.server.refuse or "250 ok")
            elif word == "DATA":
                self.say("354 go on")
                text = b""
                while (part := self.file.readline()) != b".\r\n":
                    text += part[1:] if part.startswith(b".") else part
                self.server.got.append((sender, recipients, text, self.tls))
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


@contextlib.contextmanager
def certificate(directory):
    """(server context, the file to trust)."""
    cert, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=sink",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    yield context, cert


# ---- Alertmanager -------------------------------------------------------------------------------

class Alertmanager:
    CONFIG = """
route: {{receiver: hook, group_by: [alertname], group_wait: 100ms, group_interval: 100ms}}
receivers: [{{name: hook, webhook_configs: [{{url: "{url}", send_resolved: true}}]}}]
"""

    def __init__(self, directory, hook):
        binary, environment = peers.program("prometheus-alertmanager")
        if os.geteuid() != 0:
            raise Skip("only root gives Alertmanager its files where it looks for them")
        files = os.path.join(peers.PEERS, "prometheus-alertmanager", "usr", "share")

        def prepare():  # Debian's has its templates in /usr/share/prometheus
            rig.die_with_parent()
            rig.unshare(rig.CLONE_NEWNS)
            rig.mount("none", "/", None, rig.MS_REC | rig.MS_PRIVATE)
            rig.mount(files, "/usr/share", None, rig.MS_BIND)

        self.port = rig.free_port()
        config = os.path.join(directory, "am.yml")
        with open(config, "w", encoding="ascii") as f:
            f.write(self.CONFIG.format(url=hook))
        environment = {k: v for k, v in environment.items() if not k.lower().endswith("_proxy")}
        self.process = subprocess.Popen(
            [binary, f"--config.file={config}", f"--storage.path={directory}/am",
             f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, preexec_fn=prepare)
        self.url = f"http://127.0.0.1:{self.port}"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __enter__(self):
        def ready():
            try:
                return self.opener.open(self.url + "/-/ready", timeout=5).status == 200
            except OSError:
                return False
        until("Alertmanager is ready", ready)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def alerts(self):
        """{(device, severity): alert} of what it holds for active."""
        answer = self.opener.open(self.url + "/api/v2/alerts", timeout=10).read()
        return {(a["labels"].get("device"), a["labels"]["severity"]): a for a in json.loads(answer)}
