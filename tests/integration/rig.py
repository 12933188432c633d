"""What the integration tests share: a network namespace of one's own, the real binary in it, and a
runner that speaks TAP.

Every wait is for a condition and has a limit; whatever is started is ended by its process id. Each
daemon's output is kept: a sanitizer's report in it fails the test, as does an end that the test did
not ask for.
"""
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

from websocket import Stream

BINARY = os.environ.get("NETSONDE", "build/netsonde")
# Builds with sanitizers are slower; limits that a person would notice are multiplied by this.
SLOW = int(os.environ.get("SLOW", "1"))
WAIT_S = 30 * SLOW
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000


# ---- running ------------------------------------------------------------------------------------

class Skip(Exception):
    pass


def run(cases):
    """cases: functions; the first line of each one's text names it. Exits 0 or 1."""
    chosen = sys.argv[1:]
    cases = [case for case in cases if not chosen or case.__name__ in chosen]
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    for number, case in enumerate(cases, 1):
        name, began = case.__doc__.splitlines()[0], time.monotonic()
        try:
            case()
            print(f"ok {number} - {name}", flush=True)
            print(f"# {time.monotonic() - began:.1f} s", flush=True)
        except Skip as why:
            print(f"ok {number} - {name} # SKIP {why}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
    sys.exit(1 if failed else 0)


def equal(measured, expected, what=""):
    if measured != expected:
        raise AssertionError(f"{what}: {measured!r} instead of {expected!r}")


def contains(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f"no {part!r} in {text!r}")


def until(what, condition, limit_s=None):
    """Polls until the condition yields something true, and returns that. Ever less often: asking
    costs whoever is asked."""
    limit_s = limit_s or WAIT_S
    end = time.monotonic() + limit_s
    pause = 0.01
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit_s} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def now_ms():
    return int(time.time() * 1000)


# ---- namespaces ---------------------------------------------------------------------------------

def unshare(flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def own_network():
    """From here on this process and its children have a network, and mounts, of their own. Exits 77
    when that is not permitted here."""
    if not shutil.which("ip"):
        print("ip (iproute2) is not installed")
        sys.exit(77)
    try:
        unshare(CLONE_NEWNET | CLONE_NEWNS)
        mount("none", "/", None, MS_REC | MS_PRIVATE)
        mount("sysfs", "/sys", "sysfs")
    except OSError as why:
        print(f"no namespaces of our own here: {why}")
        sys.exit(77)
    ip("link", "set", "lo", "up")


def mount(source, target, kind, flags=0, options=None):
    libc = ctypes.CDLL(None, use_errno=True)
    encoded = [text.encode() if text else None for text in (source, target, kind)]
    if libc.mount(*encoded, ctypes.c_ulong(flags), options.encode() if options else None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}: {os.strerror(ctypes.get_errno())}")


def unmount(target):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.umount2(target.encode(), 2) != 0:  # MNT_DETACH: whoever still reads goes on
        raise OSError(ctypes.get_errno(), f"unmount {target}: {os.strerror(ctypes.get_errno())}")


def fill(directory):
    """Not a byte left; returns the file that takes the room."""
    path = os.path.join(directory, "ballast")
    with open(path, "wb", buffering=0) as f:
        for size in (65536, 4096):
            try:
                while True:
                    f.write(b"\0" * size)
            except OSError:
                pass
    return path


def ip(*words):
    done = subprocess.run(["ip", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise AssertionError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def settled(device, state="UP"):
    """The kernel has made the carrier the device's state; before that it throws frames away."""
    until(f"{device} is {state}", lambda:
          json.loads(ip("-j", "link", "show", "dev", device))[0]["operstate"] == state)


def no_ipv6(device="default", pid=None):
    """The kernel sends nothing unasked on such a device (or on those that come, `default`)."""
    words = ["sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{device}/disable_ipv6"]
    subprocess.run((["nsenter", "-t", str(pid), "-n"] if pid else []) + words, check=True)


def link_counters(device):
    """The kernel's numbers as `ip -s -s link` shows them: {"rx": {...}, "tx": {...}}."""
    return json.loads(ip("-j", "-s", "-s", "link", "show", "dev", device))[0]["stats64"]


@contextlib.contextmanager
def neighbour():
    """The process id of a process in a second network namespace."""
    process = subprocess.Popen(["unshare", "--net", "sleep", "3600"], preexec_fn=die_with_parent)
    try:
        mine = os.readlink("/proc/self/ns/net")
        until("the second namespace",
              lambda: os.readlink(f"/proc/{process.pid}/ns/net") != mine)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def inside(pid, *command):
    subprocess.run(["nsenter", "-t", str(pid), "-n", *command], check=True)


# ---- traffic ------------------------------------------------------------------------------------

class Wire:
    """A device `name` on which only the test speaks, and from which datagrams get lost in a second
    namespace. The tool is a UDP socket; a frame has HEAD bytes more than its payload."""
    HEAD = 8 + 20 + 14  # UDP, IPv4, Ethernet

    def __init__(self, pid, name="va", net=99):
        self.name, self.peer, self.to = name, name + "-peer", f"10.{net}.0.2"
        no_ipv6()
        no_ipv6(pid=pid)
        ip("link", "add", name, "type", "veth", "peer", "name", self.peer)
        ip("link", "set", self.peer, "netns", str(pid))
        inside(pid, "ip", "link", "set", self.peer, "up")
        ip("addr", "add", f"10.{net}.0.1/24", "dev", name)
        ip("link", "set", name, "up")
        settled(name)
        ip("neigh", "add", self.to, "lladdr", "02:00:00:00:00:99", "dev", name, "nud", "permanent")

    def send(self, count, payload=1000):
        """The bytes that this many datagrams are on the wire; checked against the kernel."""
        before = link_counters(self.name)["tx"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for _ in range(count):
                s.sendto(b"x" * payload, (self.to, 9))
        sent = count * (payload + self.HEAD)
        after = link_counters(self.name)["tx"]
        equal(after["packets"] - before["packets"], count, "packets that left")
        equal(after["bytes"] - before["bytes"], sent, "bytes that left")
        return sent


def remove_links(*names):
    for name in names:
        subprocess.run(["ip", "link", "del", name], stderr=subprocess.DEVNULL)


# ---- the daemon ---------------------------------------------------------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Directory:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="netsonde-test-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def check_output(text):
    if re.search(r"(ERROR|WARNING|SUMMARY): \w+Sanitizer|runtime error:|netsonde: bug:", text):
        raise AssertionError("the program complained:\n" + text)


def die_with_parent():
    """In a child: whoever ends the test, on its time limit say, ends the child, too."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Daemon:
    """The real binary on a port of its own. `with Daemon(dir) as d:` waits until it is ready; at
    the end it is stopped, if the test did not do so, and must then end well."""

    def __init__(self, data, *arguments, interval="100ms", environment=None, port=None, before=(),
                 prepare=None, binary=BINARY, ready="/readyz"):
        """before: a command that runs the binary. prepare: called in the child before that."""
        self.ready_path = ready
        self.data, self.port = data, port or free_port()
        self.log = tempfile.TemporaryFile("w+", errors="replace")
        self.ended = False  # by the test
        self.process = subprocess.Popen(
            [*before, binary, "run", "--listen", f"127.0.0.1:{self.port}", "--data-dir", data,
             *(["--interval", interval] if interval else []), *arguments],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            preexec_fn=lambda: (die_with_parent(), prepare and prepare()),
            env={**os.environ, **(environment or {})})
        self.pid = self.process.pid

    def __enter__(self):
        try:
            until("the daemon is ready", self.ready)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind:  # the test has failed already
            if self.process.poll() is None:
                self.kill()
            print("# " + self.output().replace("\n", "\n# "))
            return
        if not self.ended:
            equal(self.stop()[0], 0, "exit status")
        check_output(self.output())

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended with {self.process.returncode}: {self.output()}")
        try:
            return self.status(self.ready_path) == 200
        except OSError:
            return False

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def logged(self, text):
        return until(f"the log has {text!r}", lambda: text in self.output())

    def wait(self):
        self.ended = True
        return self.process.wait(WAIT_S)

    def kill(self):
        """Like a power cut, as far as the process is concerned."""
        self.process.kill()
        self.wait()

    def stop(self, sig=signal.SIGTERM):
        """Sends the signal; the exit status and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(sig)
        code = self.wait()
        return code, time.monotonic() - began

    def request(self, path, headers=None, method="GET", body=None):
        """(status, headers, text); an error status is an answer like any other."""
        return self.ask(f"http://127.0.0.1:{self.port}{path}", headers, method, body)

    @staticmethod
    def ask(address, headers, method, body, context=None):
        ask = urllib.request.Request(address, data=body, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(ask, timeout=WAIT_S, context=context) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read().decode()

    def status(self, path, **kwargs):
        return self.request(path, **kwargs)[0]

    def text(self, path, **kwargs):
        status, _, text = self.request(path, **kwargs)
        equal(status, 200, f"{path}: {text}")
        return text

    def json(self, path):
        return json.loads(self.text(path))

    def metric(self, key):
        """A sample of /metrics by its name and labels; None when it is not there."""
        for line in self.text("/metrics").splitlines():
            if line.startswith(key + " "):
                return float(line.rsplit(" ", 1)[1])
        return None

    def interface(self, device):
        table = self.json("/api/v1/interfaces?limit=10000")
        for row in table["rows"]:
            named = dict(zip(table["columns"], row))
            if named["device"] == device:
                return named
        return None

    def events(self, kind=None):
        """All of the past, oldest first."""
        chosen = f"&kind={kind}" if kind else ""
        return self.json(f"/api/v1/events?limit=10000{chosen}")["events"][::-1]

    def engine(self, name):
        return next(e for e in self.json("/api/v1/info")["engines"] if e["name"] == name)

    def query(self, metric, device=None, agg="avg", from_ms=None, points=20000):
        """[t, value] of every step of the one series that is asked for."""
        match = f"&match=device={device}" if device else ""
        begin = f"&from={from_ms}" if from_ms else ""
        answer = self.json(f"/api/v1/query?metric={metric}{match}&agg={agg}{begin}&points={points}")
        equal(len(answer["series"]) <= 1, True, "one series at most")
        return answer["series"][0]["points"] if answer["series"] else []

    def total(self, metric, device=None, from_ms=None):
        """What the history says that a counter has grown by."""
        return sum(v for _, v in self.query(metric, device, "sum", from_ms) if v is not None)

    def ticks_pass(self, count=3):
        ticks = self.metric("netsonde_ticks_total")
        until(f"{count} ticks more", lambda: self.metric("netsonde_ticks_total") >= ticks + count)

    def stream(self, subscribe=None, **kwargs):
        chosen = f"?subscribe={subscribe}" if subscribe else ""
        return Stream(self.port, "/api/v1/stream" + chosen, WAIT_S, **kwargs)


def in_memory(pid, *secrets):
    """Those of the texts that the process has somewhere in its writable memory."""
    found = set()
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, mode = line.split()[:2]
            if not mode.startswith("rw") or "[v" in line:
                continue
            begin, end = (int(x, 16) for x in span.split("-"))
            if end - begin > 1 << 30:
                continue  # what a sanitizer keeps about memory
            memory.seek(begin)
            try:
                data = memory.read(end - begin)
            except OSError:
                continue
            found |= {s for s in secrets if s.encode() in data}
    return found


def new_token(data, *arguments):
    """(id, token) of a new one."""
    done = command("token", "new", "--data-dir", data, *arguments)
    equal(done.returncode, 0, done.stderr)
    return re.search(r"Token ([0-9a-f]{8})", done.stderr)[1], done.stdout.strip()


def new_login(data, *arguments, env=None):
    """What a terminal shows after `token new --login`: (id, address, secret)."""
    main, inner = os.openpty()
    try:
        done = subprocess.run([BINARY, "token", "new", "--login", "--data-dir", data, *arguments],
                              stdin=subprocess.DEVNULL, stdout=inner, stderr=subprocess.PIPE,
                              text=True, timeout=WAIT_S, check=False, env=env)
        equal(done.returncode, 0, done.stderr)
        shown = os.read(main, 4096).decode()
    finally:
        os.close(inner)
        os.close(main)
    address, secret = shown.strip().split("#")
    return re.search(r"Login ([0-9a-f]{8})", done.stderr)[1], address, secret


def rows(d, table, **where):
    """The rows of a table as dictionaries, those that have these cells."""
    path = f"/api/v1/{table}?limit=10000"
    if d.status(path) == 503:  # not made yet
        return []
    answer = d.json(path)
    found = [dict(zip(answer["columns"], row)) for row in answer["rows"]]
    return [row for row in found if all(row[key] == value for key, value in where.items())]


def refused(data, *arguments, **kwargs):
    """A daemon that does not start: (exit status, what it said)."""
    # It ends where it is, without giving back what the end of the process gives back.
    environment = {**kwargs.pop("environment", {}),
                   "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    d = Daemon(data, *arguments, environment=environment, **kwargs)
    try:
        code = d.wait()
    except subprocess.TimeoutExpired:
        d.kill()
        raise AssertionError("it did not end: " + d.output()) from None
    check_output(d.output())
    return code, d.output()


def command(*arguments, **kwargs):
    """Runs the binary to its end; the finished process with its texts."""
    done = subprocess.run([BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=WAIT_S, **kwargs)
    check_output(done.stderr)
    return done
