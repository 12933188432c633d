"""Requests of people who do not mean well, or do not know better: each gets the right status, and a
viewer who behaves misses nothing meanwhile."""
import contextlib
import gzip
import json
import re
import select
import socket
import threading
import time

from bystander import undisturbed
from rig import SLOW, WAIT_S, Daemon, Directory, contains, equal, own_network, run, until
from websocket import PING, PONG

SEPARATOR = b"\r\n\r\n"


# ---- HTTP ----------------------------------------------------------------------------------------

def exchange(d, request):
    """Everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", d.port), WAIT_S) as s:
        s.sendall(request)
        answer = b""
        try:
            while piece := s.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass  # it did not read to the end what it refused
        return answer


def get(path="/healthz", *fields, host="127.0.0.1", method="GET", version="HTTP/1.1"):
    head = [f"{method} {path} {version}", *([f"Host: {host}"] if host else []), *fields]
    return "\r\n".join(head).encode("latin-1") + SEPARATOR


def answers(d, expected, request):
    """Exactly one answer, of that status, after which the connection is closed."""
    answer = exchange(d, request)
    found = [int(m) for m in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
    equal(found, [expected], f"status of {request[:120]!r}")
    body = answer.split(SEPARATOR, 1)[1]
    error = json.loads(body)["error"]
    equal(bool(error["code"] and error["message"]), True, "code and message")
    contains(answer.decode("latin-1"), "\r\nConnection: close\r\n")
    return error


MALFORMED = [
    (400, b"NONSENSE" + SEPARATOR),
    (400, b"GET /" + SEPARATOR),
    (400, b"GET  /healthz HTTP/1.1\r\nHost: 127.0.0.1" + SEPARATOR),
    (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 32 + SEPARATOR),  # TLS
    (400, get("/healthz", "X: a", " folded")),
    (400, get("/healthz", "X : a")),
    (400, get("/healthz", ": a")),
    (400, get("/healthz", "no colon")),
    (400, get("/healthz", "Host: localhost")),
    (400, get(host=None)),
    (400, get(host="127.0.0.1/x")),
    (400, get("/healthz", "X: a\x00b")),
    (400, get("/healthz", "X: a\rb: c")),
    (400, b"GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n"),
    (400, get("/%00")),
    (400, get("/%zz")),
    (400, get("/../etc/passwd")),
    (400, get("/%2e%2e/etc/passwd")),
    (400, get("/a%2fb")),
    (400, get("/\xff")),
    (400, get("/%ff")),
    (400, get("healthz")),
    (431, get("/healthz", "X: " + "a" * 17000)),
    (431, get("/healthz", *["X: a"] * 200)),
    (414, get("/" + "a" * 9000)),
    (501, get(method="BREW")),
    (505, get(version="HTTP/2.0")),
    (505, get(version="HTTP/1.2")),
    (400, get(version="HTTP/1")),
    (417, get("/healthz", "Expect: the unexpected")),
    (413, get("/healthz", "Content-Type: application/json", "Content-Length: 99999999",
              method="POST")),
]

SMUGGLED = get("/metrics")
LENGTHS = [
    (400, ["Content-Length: abc"], b""),
    (400, ["Content-Length: -1"], b""),
    (400, ["Content-Length: +5"], b"hello"),
    (400, ["Content-Length: 5, 5"], b"hello"),
    (400, ["Content-Length: 99999999999999999999999"], b""),
    (400, ["Content-Length: 5", "Content-Length: 5"], b"hello"),
    (400, ["Content-Length: 5", "Content-Length: 6"], b"hello"),
    (400, ["Content-Length: 4", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    (400, ["Transfer-Encoding: chunked", "Content-Length: 4"], b"0\r\n\r\n"),
    (400, ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n"),
    (501, ["Transfer-Encoding: gzip, chunked"], b"0\r\n\r\n"),
    (501, ["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
    (400, ["Transfer-Encoding : chunked"], b"0\r\n\r\n"),
    (400, ["Transfer-Encoding: chunked"], b"x\r\n\r\n"),
    (400, ["Transfer-Encoding: chunked"], b"-1\r\n\r\n"),
    (413, ["Transfer-Encoding: chunked"], b"fffffffffffffffff\r\n"),
    (400, ["Transfer-Encoding: chunked"], b"5\nhello\n0\n\n"),
    (400, ["Transfer-Encoding: chunked"], b"5\r\nhelloX\r\n0\r\n\r\n"),
    (413, ["Transfer-Encoding: chunked"], b"fffffff\r\n"),
]


def test_malformed():
    """malformed requests: the right status, then the connection is closed"""
    with undisturbed() as d:
        before = d.metric("netsonde_server_malformed_total")
        for status, request in MALFORMED:
            answers(d, status, request)
        until("each is counted", lambda: d.metric("netsonde_server_malformed_total")
              == before + len(MALFORMED))


def test_lengths():
    """unclear lengths of a body: refused, and what is smuggled behind is not answered"""
    with undisturbed() as d:
        for status, fields, body in LENGTHS:
            head = get("/api/v1/info", "Content-Type: application/json", *fields, method="POST")
            answers(d, status, head + body + SMUGGLED)
        # The body of HTTP/1.0 cannot be in chunks.
        answers(d, 400, get("/", "Transfer-Encoding: chunked", method="POST", version="HTTP/1.0")
                + b"0\r\n\r\n" + SMUGGLED)


def test_pipelined():
    """requests sent ahead, in pieces of any size, are answered in order"""
    with undisturbed() as d:
        text = get() + get("/nothing") + get("/readyz") + get("/", "Connection: close")
        whole = exchange(d, text)
        equal(re.findall(rb"HTTP/1\.1 (\d{3}) ", whole), [b"200", b"404", b"200", b"200"],
              "statuses")
        with socket.create_connection(("127.0.0.1", d.port), WAIT_S) as s:
            for i in range(len(text)):
                s.sendall(text[i:i + 1])
            pieces = b""
            while piece := s.recv(65536):
                pieces += piece
        dated = re.compile(rb"Date: [^\r]*")
        equal(dated.sub(b"", pieces) == dated.sub(b"", whole), True,
              "the same answers byte by byte")


def flooded(d, request, count):
    """How many of so many requests ahead were answered when another connection had its answer."""
    with socket.socket() as flood, \
         socket.create_connection(("127.0.0.1", d.port), WAIT_S) as other:
        flood.settimeout(WAIT_S)
        flood.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)  # all answers fit
        flood.connect(("127.0.0.1", d.port))
        other.sendall(get())
        other.recv(65536)
        flood.sendall(request * count)
        # By then the server is at it: it has answered at least one.
        flood.recv(1)
        other.sendall(get())
        contains(other.recv(65536), b"200 OK")
        flood.setblocking(False)
        answered = b""
        with contextlib.suppress(BlockingIOError):
            while piece := flood.recv(1 << 20):
                answered += piece
        before = answered.count(b"HTTP/1.1 200 OK")
        flood.setblocking(True)
        while answered.count(b"\r\n\r\n") < count:
            answered += flood.recv(1 << 20)
        return before


def test_pipelined_flood():
    """who sends a thousand requests ahead does not make others wait for all of them"""
    # Both on one loop: on another one it would be no wonder, and nothing to compare.
    with undisturbed(environment={"NETSONDE_SERVE_THREADS": "1"}) as d:
        request = get("/metrics", method="HEAD")
        count = 60000 // len(request)
        before = d.metric("netsonde_server_requests_total")
        # All at once would be all of them before the other one's, each time. This program may be
        # late itself, on a busy machine: not each time.
        rounds = 0
        while flooded(d, request, count) >= count // 2:
            rounds += 1
            equal(rounds < 5, True, "the other one's turn")
        until("all are counted", lambda: d.metric("netsonde_server_requests_total") >=
              before + (rounds + 1) * count)


slow = {}  # the client that sends a byte now and then; begun first, asked last


def test_slow_begins():
    """a client that sends its header byte by byte does not hold anybody up"""
    slow["directory"] = Directory()
    d = slow["daemon"] = Daemon(slow["directory"].__enter__())
    d.__enter__()

    def dribble():
        with socket.create_connection(("127.0.0.1", d.port), WAIT_S) as s:
            began = time.monotonic()
            s.settimeout(0.5)
            text = get("/healthz", "X: " + "a" * 10000)
            for i in range(len(text)):
                s.sendall(text[i:i + 1])
                try:
                    slow["answer"] = s.recv(65536)
                    slow["seconds"] = time.monotonic() - began
                    return
                except TimeoutError:
                    continue

    slow["thread"] = threading.Thread(target=dribble)
    slow["thread"].start()
    equal(d.status("/readyz"), 200, "others are served")


def test_slow_ends():
    """it gets 408 after ten seconds"""
    d = slow["daemon"]
    slow["thread"].join(10 + WAIT_S)
    contains(slow["answer"].decode(), "HTTP/1.1 408 ")
    equal(9 < slow["seconds"] < 10 + 5 * SLOW, True, f"{slow['seconds']} s")
    d.__exit__(None)
    slow["directory"].__exit__()


# ---- access and answers -------------------------------------------------------------------------

JSON = ["Content-Type: application/json", "Content-Length: 2"]


def status_of(d, request):
    return int(exchange(d, request).split()[1])


def test_access():
    """Host 421, Origin and Sec-Fetch-Site 403, content type 415, 404, 405"""
    with undisturbed() as d:
        own = f"127.0.0.1:{d.port}"
        close = "Connection: close"
        for host in (own, "127.0.0.1", "localhost", f"LOCALHOST:{d.port}", "localhost.", "[::1]",
                     f"{socket.gethostname()}:1"):
            equal(status_of(d, get("/", close, host=host)), 200, f"Host {host}")
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                     "192.0.2.1",
                     "[2001:db8::1]", "127.0.0.1x", f"evil.example:{d.port}"):
            for path in ("/", "/metrics", "/api/v1/info", "/nothing"):
                equal(status_of(d, get(path, close, host=host)), 421, f"Host {host}")

        foreign = ["Origin: http://evil.example", "Origin: null",
                   f"Origin: https://{own}.evil.example",
                   "Origin: http://127.0.0.1:1", "Sec-Fetch-Site: cross-site",
                   "Sec-Fetch-Site: same-site", "Sec-Fetch-Site: none"]
        for field in foreign:
            equal(status_of(d, get("/api/v1/info", field, close, host=own)), 200, f"GET, {field}")
            equal(status_of(d, get("/api/v1/info", field, close, *JSON, host=own, method="POST")
                            + b"{}"), 403, f"POST, {field}")
            with d.stream(headers=[field]) as s:
                equal(s.status, 403, f"stream, {field}")
        for fields in ([], [f"Origin: http://{own}"], ["Sec-Fetch-Site: same-origin"]):
            equal(status_of(d, get("/api/v1/info", close, *fields, *JSON, host=own, method="POST")
                            + b"{}"), 405, f"POST, {fields}")
            with d.stream(headers=fields) as s:
                equal(s.status, 101, f"stream, {fields}")

        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", None):
            fields = ([f"Content-Type: {kind}"] if kind else []) + ["Content-Length: 2"]
            equal(status_of(d, get("/api/v1/info", close, *fields, method="POST") + b"{}"), 415,
                  f"body of {kind}")

        for path in ("/nothing", "/api/v1/", "/api/v2/info", "/index.html/", "/api/v1/infos"):
            equal(status_of(d, get(path, close)), 404, path)
        for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"):
            path = own if method == "CONNECT" else "/api/v1/info"
            answer = exchange(d, get(path, close, method=method))
            equal(int(answer.split()[1]) in (400, 405) if method == "CONNECT" else
                  int(answer.split()[1]) == 405, True, f"{method}: {answer[:40]}")
            if method != "CONNECT":
                contains(answer.decode(), "Allow: OPTIONS, GET, HEAD\r\n")
        for parameter, field in (("points=0", "points"), ("points=x", "points"),
                                 ("agg=mean", "agg"), ("from=yesterday", "from"), ("match=device",
                                                                                   "match")):
            status, _, text = d.request(f"/api/v1/query?metric=*&{parameter}")
            equal((status, json.loads(text)["error"]["field"]), (400, field), parameter)


def test_answers():
    """HEAD, ETag and 304, gzip, security headers and CSP"""
    with undisturbed() as d:
        _, page, text = d.request("/")
        for path in ("/", "/interfaces", "/metrics", "/api/v1/info", "/api/v1/series", "/nothing"):
            status, headers, body = d.request(path)
            expected = 404 if path == "/nothing" else 200
            head_status, head, nothing = d.request(path, method="HEAD")
            equal((status, head_status, nothing), (expected, expected, ""), f"HEAD {path}")
            equal(head["Content-Type"], headers["Content-Type"], "its type")
            if path in ("/", "/interfaces"):
                equal(head["Content-Length"], str(len(body.encode())), "its length")
            for name, value in (("X-Content-Type-Options", "nosniff"),
                                ("Referrer-Policy", "no-referrer"),
                                ("Cross-Origin-Opener-Policy", "same-origin"),
                                ("Cross-Origin-Resource-Policy", "same-origin")):
                equal(headers[name], value, f"{name} of {path}")
            equal("Access-Control-Allow-Origin" in headers, False, "CORS")
            equal("Server" in headers, False, "Server")
        policy = page["Content-Security-Policy"]
        contains(policy, "default-src 'none'", "script-src 'self'", "frame-ancestors 'none'",
                 "base-uri 'none'")
        equal("unsafe" in policy or "*" in policy or "http:" in policy, False, policy)

        script = "/" + re.search(r'src="\.?/?([^"]+\.js)"', text)[1]
        for path in ("/", script):
            _, headers, body = d.request(path)
            tag = headers["ETag"]
            for known in (tag, f'"other", {tag}', "*"):
                status, headers, nothing = d.request(path, headers={"If-None-Match": known})
                equal((status, nothing, headers["ETag"]), (304, "", tag), f"If-None-Match: {known}")
            equal(d.status(path, headers={"If-None-Match": '"other"'}), 200, "another tag")

        for path in ("/", script, "/api/v1/series"):
            def unpacks(path=path):
                plain = exchange(d, get(path, "Connection: close"))
                packed = exchange(d, get(path, "Connection: close", "Accept-Encoding: br, gzip"))
                contains(packed.decode("latin-1"), "Content-Encoding: gzip", "Vary: Accept-Encoding")
                return (gzip.decompress(packed.split(SEPARATOR, 1)[1]) ==
                        plain.split(SEPARATOR, 1)[1])
            # A process that came between the two has brought series.
            until(f"what {path} unpacks to is the plain answer", unpacks)
            refused = exchange(d, get(path, "Connection: close", "Accept-Encoding: gzip;q=0"))
            equal(b"Content-Encoding" in refused, False, "gzip that is not wanted")


def test_handshake():
    """handshakes that are none: 400 or 426"""
    with undisturbed() as d:
        upgrade = ["Connection: Upgrade, close", "Upgrade: websocket"]
        key = "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA=="
        version = "Sec-WebSocket-Version: 13"
        for status, fields in ((426, ["Connection: close"]), (400, upgrade + [version]),
                               (400, upgrade + [version, "Sec-WebSocket-Key: short"]),
                               (426, upgrade + [key, "Sec-WebSocket-Version: 8"])):
            answer = exchange(d, get("/api/v1/stream", *fields))
            equal(int(answer.split()[1]), status, f"{fields}")
        contains(answer.decode(), "Sec-WebSocket-Version: 13")
        with d.stream(headers=["Sec-WebSocket-Protocol: other, netsonde.v1",
                               "Sec-WebSocket-Extensions: permessage-deflate"]) as s:
            contains(s.head, "Sec-WebSocket-Protocol: netsonde.v1")
            contains(s.head, "Sec-WebSocket-Extensions: permessage-deflate; "
                             "server_no_context_takeover; client_no_context_takeover")
        for offer in "permessage-deflate; server_max_window_bits=9", "x-webkit-deflate-frame":
            with d.stream(headers=[f"Sec-WebSocket-Extensions: {offer}"]) as s:
                equal((s.status, "Extensions" in s.head), (101, False), offer)
        bad = exchange(d, get("/api/v1/stream", *upgrade, key, version,
                              "Sec-WebSocket-Extensions: permessage-deflate; =1"))
        equal(int(bad.split()[1]), 400, "an offer that breaks the grammar")
        with d.stream(headers=["Sec-WebSocket-Protocol: other"]) as s:
            equal((s.status, "Sec-WebSocket-Protocol" in s.head), (101, False), "another protocol")


def test_idle():
    """serve.idle_timeout ends who says nothing: viewers that answer no ping, and idle HTTP"""
    limits = {"NETSONDE_SERVE_HEARTBEAT": "1s", "NETSONDE_SERVE_IDLE_TIMEOUT": "2s"}
    with undisturbed(environment=limits) as d, \
         socket.create_connection(("127.0.0.1", d.port), WAIT_S) as s, d.stream() as viewer:
        s.sendall(get())
        while s.recv(65536):  # its answer, then the end
            pass
        while viewer.socket.recv(65536):  # hello and pings
            pass
        until("it is counted", lambda: d.metric("netsonde_server_closed_idle_total") >= 1)


def test_heartbeat():
    """who answers is not closed for silence, whenever it came: it is asked within serve.heartbeat"""
    limits = {"NETSONDE_SERVE_HEARTBEAT": "6s", "NETSONDE_SERVE_IDLE_TIMEOUT": "6900ms"}
    with undisturbed(environment=limits) as d, d.stream("metrics") as ticks, \
         contextlib.ExitStack() as stack:
        viewers = []
        for _ in range(12):  # spread over the time between two looks at who is silent
            for _ in range(3):
                ticks.wait_for("metrics")
            viewers.append(stack.enter_context(d.stream()))
            viewers[-1].wait_for("hello")
        ticks.close()
        waiting = {v.socket: v for v in viewers}
        while waiting:
            ready = select.select(list(waiting), [], [], WAIT_S)[0]
            equal(bool(ready), True, "a ping comes")
            for s in ready:
                opcode, payload = waiting[s].frame()  # EOFError: it was closed unasked
                if opcode == PING:
                    waiting.pop(s).send_frame(PONG, payload)


own_network()
run([test_slow_begins, test_malformed, test_lengths, test_pipelined, test_pipelined_flood,
     test_access, test_answers, test_handshake, test_idle, test_heartbeat, test_slow_ends])
