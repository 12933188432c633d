"""courier_probe as an object, and receivers of our own: a web server and a mail server that do what a
test wants. Each wait is for a condition and has a limit."""
import base64
import contextlib
import http.server
import json
import os
import queue
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "integration"))
import rig  # noqa: E402
from rig import die_with_parent, until  # noqa: E402

PROBE = os.environ["COURIER_PROBE"]
# Nothing of the environment decides where things go.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


def alert(rule="link_down", **members):
    return {"rule": rule, "series": 'node_network_up{device="eth0"}', "summary": f"{rule} of eth0",
            "severity": "critical", "value": 0, "threshold": 1, **members}


def notice(*alerts, **members):
    return {"alerts": list(alerts) or [alert()], **members}


class Probe:
    """channels: dicts of keys; a list gives a key several times."""

    def __init__(self, *channels, prepare=None, before=()):
        words = []
        for channel in channels:
            words += ["--"] if words else []
            for key, value in channel.items():
                words += [f"{key}={v}" for v in (value if isinstance(value, list) else [value])]
        self.errors = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(
            [*before, PROBE, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, env=ENVIRONMENT, text=True, bufsize=1,
            preexec_fn=lambda: (die_with_parent(), prepare and prepare()))
        self.names = [c["name"] for c in channels]
        self.events, self.lost = queue.Queue(), []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "lost":
                self.lost.append(event)
            else:
                self.events.put(event)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.kill() if kind else self.stop()
        self.process.wait()
        if kind:
            print("# " + self.output().replace("\n", "\n# "))
        rig.check_output(self.output())

    def output(self):
        self.errors.seek(0)
        return self.errors.read()

    def tell(self, **op):
        self.process.stdin.write(json.dumps(op) + "\n")
        self.process.stdin.flush()

    def send(self, channel, what=None, **more):
        self.tell(op="send", channel=self.names.index(channel), notice=what or notice(), **more)

    def status(self):
        self.tell(op="status")
        return self.events.get(timeout=rig.WAIT_S)

    def channel(self, name):
        return self.status()["channels"][self.names.index(name)]

    def until(self, name, limit_s=None, **members):
        """The channel's status once these members have these values."""
        return until(f"{name} has {members}", limit_s=limit_s, condition=lambda: next(
            (s for s in [self.channel(name)] if all(s[k] == v for k, v in members.items())), None))

    def stop(self):
        """Seconds that the end took."""
        began = time.monotonic()
        self.process.stdin.close()
        rig.equal(self.events.get(timeout=rig.WAIT_S), {"event": "stopped"})
        rig.equal(self.process.wait(rig.WAIT_S), 0, "exit status")
        return time.monotonic() - began


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
