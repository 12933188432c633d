"""Connections as a whole: limits per address, handshakes that never end, heartbeats, no descriptors
left, what the log says about trouble, and what the server tells of its connections."""
import contextlib
import os
import resource
import select
import socket
import time

from bystander import undisturbed
from rig import (SLOW, WAIT_S, Daemon, Directory, Skip, contains, equal, ip, own_network, run,
                 until)
from websocket import PING, PONG, TEXT, frame

NOBODY = 65534
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def connect(d, source=None):
    return socket.create_connection(("127.0.0.1", d.port), WAIT_S,
                                    source_address=(source, 0) if source else None)


def ends(s):
    """Everything until the server's end of the connection."""
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := s.recv(65536):
            answer += piece
    return answer


def answer_of(s):
    s.sendall(REQUEST)
    return s.recv(65536)


# ---- limits --------------------------------------------------------------------------------------

def test_per_address():
    """serve.max_clients_per_address: the next one of that address is turned away, others are not"""
    for address in ("10.77.0.1", "10.77.0.2"):
        ip("addr", "add", f"{address}/32", "dev", "lo")
    with undisturbed(environment={"NETSONDE_SERVE_MAX_CLIENTS_PER_ADDRESS": "5"}) as d:
        crowd = [connect(d, "10.77.0.1") for _ in range(5)]
        for s in crowd:
            contains(answer_of(s).decode(), "HTTP/1.1 200 ")
        with connect(d, "10.77.0.1") as sixth:
            contains(ends(sixth).decode(), "HTTP/1.1 503 ", "Retry-After")
        with connect(d, "10.77.0.2") as other:
            contains(answer_of(other).decode(), "HTTP/1.1 200 ")
        loopback = [connect(d) for _ in range(20)]  # is exempt
        for s in loopback:
            contains(answer_of(s).decode(), "HTTP/1.1 200 ")
        crowd.pop().close()

        def room():
            with connect(d, "10.77.0.1") as s:
                return b" 200 " in answer_of(s)
        until("there is room again", room)
        until("it is counted", lambda: d.metric("netsonde_server_refused_total") >= 1)
        d.logged("turned connections away: serve.max_clients_per_address is reached")
        for s in crowd + loopback:
            s.close()


def test_unfinished():
    """thousands of connections that never finish their handshake are ended; nobody else notices"""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(10000 // SLOW, hard - 1000)
    if count < 100:
        raise Skip(f"only {hard} open files are allowed here")
    with undisturbed() as d:
        poll, open_ones, silent_end, answers = select.epoll(), {}, 0, []
        for i in range(count):
            s = connect(d)
            if i % 2:
                s.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: webs")
            s.setblocking(False)
            open_ones[s.fileno()] = s
            poll.register(s, select.EPOLLIN)
        equal(d.status("/healthz"), 200, "others are served meanwhile")
        end = time.monotonic() + 10 + WAIT_S
        while open_ones:
            equal(time.monotonic() < end, True, f"{len(open_ones)} are still open")
            for fd, _ in poll.poll(1):
                s = open_ones.pop(fd)
                s.setblocking(True)
                answer = ends(s)
                silent_end += not answer
                answers.append(answer)
                s.close()
        equal(silent_end, count - count // 2, "those that said nothing get nothing")
        equal(sum(b"HTTP/1.1 408 " in a for a in answers), count // 2, "half a request: 408")
        until("all are gone", lambda: d.metric("netsonde_server_clients") < 10)
        until("it is counted", lambda: d.metric("netsonde_server_timed_out_total") == count)
        equal(d.output().count("a request was not complete in time"), 1, "lines in the log")


def test_heartbeat():
    """a viewer who only answers pings stays; each is pinged once a serve.heartbeat"""
    limits = {"NETSONDE_SERVE_HEARTBEAT": "1s", "NETSONDE_SERVE_IDLE_TIMEOUT": "2s"}
    with undisturbed(environment=limits) as d, d.stream() as s:
        s.receive()  # hello
        began, pings = time.monotonic(), 0
        while time.monotonic() - began < 5:
            opcode, payload = s.frame()
            equal(opcode, PING, "nothing else was asked for")
            pings += 1
            s.send_frame(PONG, payload)
        equal(4 <= pings <= 12, True, f"{pings} pings in five seconds")
        equal(s.ask(op="ping", id=1)["type"], "pong", "it is still a viewer")
        until("its round trip is known", lambda:
              d.json("/api/v1/performance")["round_trip_ms"]["count"] > 0)


def test_rate():
    """who asks without end is told so, unread, and may go on when he has waited"""
    with undisturbed() as d, d.stream() as s:
        s.receive()  # hello
        burst = 400
        s.socket.sendall(b"".join(frame(TEXT, b'{"op":"ping","id":%d}' % i) for i in range(burst)))
        answers = [s.wait_for("pong", "error") for _ in range(burst)]
        refused = [a for a in answers if a["type"] == "error"]
        equal(len(refused) > 0 and burst - len(refused) >= 100, True, f"{len(refused)} refused")
        equal({(a["code"], a.get("id")) for a in refused}, {("rate_limited", None)}, "answers")
        until("it may ask again", lambda: s.ask(op="ping")["type"] == "pong")
        until("each is counted",
              lambda: d.metric("netsonde_server_rate_limited_total") >= len(refused))
        equal(d.output().count("too many messages"), 1, "lines in the log")


def test_descriptors_used_up():
    """no descriptor left: clients are turned away, the loop does not spin, and it passes"""
    with undisturbed() as d:
        here = connect(d)
        contains(answer_of(here).decode(), "HTTP/1.1 200 ")
        before = resource.prlimit(d.pid, resource.RLIMIT_NOFILE)
        used = max(int(fd) for fd in os.listdir(f"/proc/{d.pid}/fd")) + 1
        resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (used, before[1]))

        filling = []

        def turned_away():
            s = connect(d)
            s.settimeout(0.5 * SLOW)
            try:
                return b"HTTP/1.1 503 " in s.recv(65536)
            except TimeoutError:  # an engine had just closed a file: there was a descriptor
                filling.append(s)
            except ConnectionResetError:
                pass
            return False
        while len(filling) < 100:  # numbers below the highest may be free
            s = connect(d)
            s.settimeout(0.5 * SLOW)
            try:
                s.sendall(REQUEST)
                if b" 200 " not in s.recv(65536):
                    break
            except ConnectionError:
                break
            filling.append(s)
        equal(len(filling) < 100, True, "the limit is felt")
        until("503 although there is no descriptor", turned_away)
        waiting = [connect(d) for _ in range(50)]
        began = cpu_seconds(d.pid)
        time.sleep(1)  # what is measured: a second of nothing to do
        equal(cpu_seconds(d.pid) - began < 0.5 * SLOW, True, "the loop does not spin")
        contains(answer_of(here).decode(), "HTTP/1.1 200 ")
        resource.prlimit(d.pid, resource.RLIMIT_NOFILE, before)
        for s in filling + waiting:
            s.close()
        until("there is room again", d.ready)
        until("it is counted", lambda: d.metric("netsonde_server_refused_total") >= 2)
        d.logged("turned connections away: no descriptors are left")
        here.close()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


# ---- the log -------------------------------------------------------------------------------------

def test_logged_once():
    """a hundred of one mistake are one line, and another mistake is another line"""
    mistakes = {
        "http": [b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"],
        "hub": [frame(TEXT, b"{}", mask=None), frame(TEXT, b"\xff"), frame(PING, b"a" * 126)],
    }
    with Directory() as data, Daemon(data) as d:
        for _ in range(100):
            for request in mistakes["http"]:
                with connect(d) as s:
                    s.sendall(request)
                    ends(s)
            for data_sent in mistakes["hub"]:
                with d.stream() as s:
                    s.socket.sendall(data_sent)
                    s.goodbye()
        until("all are counted", lambda:
              d.metric("netsonde_server_protocol_errors_total") == 300 and
              d.metric("netsonde_server_malformed_total") == 200 and
              d.metric("netsonde_server_forbidden_total") == 100)
        warnings = [line for line in d.output().splitlines() if " warning " in line]
        equal(sum("127.0.0.1" in line for line in warnings), 6, "\n".join(warnings))
        equal(len(set(line.split(" warning ", 1)[1] for line in warnings)), len(warnings), "twice")
        equal(d.stop()[0], 0, "exit status")
        equal(d.output().count(": 99 more until the end"), 6, d.output())


# ---- performance ---------------------------------------------------------------------------------

@contextlib.contextmanager
def another_user():
    """Sockets made here belong to nobody, who is no admin."""
    if os.geteuid() != 0:
        raise Skip("needs root to be somebody else")
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def rows_of(message):
    clients = message["clients"]
    return [dict(zip(clients["columns"], row)) for row in clients["rows"]]


def test_performance():
    """performance: what was done is what it tells; rows for admins alone; the same by HTTP"""
    with undisturbed(environment={"NETSONDE_SERVE_PERFORMANCE_INTERVAL": "1s"}) as d:
        admin = d.stream("performance,metrics")
        with another_user():
            viewer = d.stream("performance,events")
        for s in (admin, viewer):
            equal(s.status, 101, "a stream")
        message = viewer.wait_for("performance")
        equal("clients" in message, False, "rows for a viewer")
        with another_user():
            equal("clients" in d.json("/api/v1/performance"), False, "rows by HTTP")

        acked, seen = 0, None
        while not seen:
            message = admin.wait_for("metrics", "performance")
            if message["type"] == "metrics":
                if time.monotonic() - acked >= 1:
                    admin.send(op="ack", seq=message["seq"])
                    acked = time.monotonic()
                continue
            mine = [row for row in rows_of(message)
                    if row["address"] == "%s:%d" % admin.socket.getsockname()]
            if mine and mine[0]["latency_ms"] and mine[0]["round_trip_ms"]:
                seen = message
        mine = mine[0]
        equal(mine["role"], "admin", "our role")
        equal(sorted(mine["subscriptions"]), ["metrics", "performance"], "ours")
        equal(0 < mine["latency_ms"] < 5000 * SLOW, True, f"{mine}")
        equal(0 < mine["round_trip_ms"] < 5000 * SLOW, True, f"{mine}")
        equal(abs(mine["connected"] - time.time() * 1000) < 600000, True, f"{mine}")
        equal((mine["dropped"], mine["conflated"]), (0, 0), f"{mine}")
        equal(seen["connections"], 3, "with the bystander")
        equal(seen["clients"]["total"], 3, "rows")
        other = next(row for row in rows_of(seen)
                     if row["address"] == "%s:%d" % viewer.socket.getsockname())
        equal((other["role"], other["latency_ms"]), ("viewer", None), "who never acknowledged")
        equal(list(seen["stages"]), ["collect", "seal", "store", "detect", "encode", "fan-out"], "stages")
        for name, stage in seen["stages"].items():
            equal(stage["count"] > 0 and 0 < stage["p50"] <= stage["p90"] <= stage["p99"] <=
                  stage["max"], True, f"{name}: {stage}")
        equal(seen["process"]["rss_bytes"] > 1 << 20, True, "memory")
        equal(0 <= seen["process"]["cpu_pct"] < 1000, True, "processor")

        by_http = d.json("/api/v1/performance")
        equal(by_http["seq"] >= seen["seq"], True, "the newest")
        equal(by_http["messages"] >= seen["messages"] > 0, True, "counts grow")
        equal(set(by_http), set(seen), "members")

        until("the delivery is in /metrics", lambda:
              d.metric("netsonde_server_delivery_seconds_count") >= 1)
        for stage in seen["stages"]:
            label = f'stage="{stage}"'
            buckets = [d.metric(f'netsonde_stage_seconds_bucket{{le="{le}",{label}}}')
                       for le in ("0.0001", "0.0005", "0.002", "0.01", "0.05", "+Inf")]
            equal(buckets, sorted(buckets), f"buckets of {stage}")
            equal(buckets[-1] > 0, True, f"{stage}: {buckets}")
        ticks = d.metric('netsonde_stage_seconds_count{stage="encode"}')
        equal(ticks > 10, True, "ticks that were encoded")
        viewer.close()
        admin.close()


def test_interval():
    """serve.performance_interval is kept, and seq grows across a restart"""
    limits = {"NETSONDE_SERVE_PERFORMANCE_INTERVAL": "1s"}
    last = 0
    with Directory() as data:
        for _ in range(2):
            with Daemon(data, environment=limits) as d, d.stream("performance") as s:
                times = []
                for _ in range(4):
                    message = s.wait_for("performance")
                    equal(message["seq"] > last, True, "seq")
                    last = message["seq"]
                    times.append(time.monotonic())
                # The first may have come from before the subscription.
                equal(1.5 < times[3] - times[1] < 2.5 + 2 * SLOW, True, f"{times}")


own_network()
run([test_per_address, test_unfinished, test_heartbeat, test_rate, test_descriptors_used_up,
     test_logged_once, test_performance, test_interval])
