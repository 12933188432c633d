"""Frames and messages that break the rules, viewers who are slow, many or gone without a word: each
gets the right close code or answer, and a viewer who behaves misses nothing meanwhile."""
import http.client
import json
import os
import re
import resource
import socket
import struct
import subprocess

from bystander import undisturbed
from rig import (WAIT_S, Daemon, Directory, contains, equal, ip, own_network, remove_links, run,
                 until)
from websocket import BINARY, CLOSE, PING, PONG, TEXT, frame


# ---- WebSocket -----------------------------------------------------------------------------------

def text(payload, **kwargs):
    return frame(TEXT, payload, **kwargs)


BROKEN = [
    (1002, "unmasked", text(b"{}", mask=None)),
    (1002, "a reserved bit", text(b"{}", reserved=4)),
    (1002, "another reserved bit", text(b"{}", reserved=1)),
    (1002, "opcode 3", frame(3, b"")),
    (1002, "opcode 11", frame(11, b"")),
    (1002, "a ping of 126 bytes", frame(PING, b"a" * 126)),
    (1002, "a close of 126 bytes", frame(CLOSE, b"\x03\xe8" + b"a" * 124)),
    (1002, "a fragmented ping", frame(PING, b"a", fin=False)),
    (1002, "a continuation of nothing", frame(0, b"a")),
    (1002, "a message in a message", text(b"{", fin=False) + text(b"}")),
    (1002, "a length in too many bytes", b"\x81\xfe\x00\x02" + b"\1\2\3\4" + b"zy"),
    (1002, "a length of 2^63", b"\x81\xff" + struct.pack(">Q", 1 << 63) + b"\1\2\3\4"),
    (1007, "text that is not UTF-8", text(b"\xff{}")),
    (1007, "a surrogate", text(b'"\xed\xa0\x80"')),
    (1007, "half a character", text(b'"\xc3')),
    (1007, "half a character, then another", text(b'"\xe2\x82', fin=False) + frame(0, b'"')),
    (1009, "64 KiB + 1", text(b" " * 65537)),
    (1009, "an announcement of 2^40 bytes", text(b"", length=1 << 40)),
    (1009, "64 KiB + 1 in fragments", text(b" " * 65536, fin=False) + frame(0, b" ")),
    (1002, "half a close code", frame(CLOSE, b"\x03")),
    (1007, "a close reason that is not UTF-8", frame(CLOSE, b"\x03\xe8\xff")),
    *[(1002, f"close code {code}", frame(CLOSE, struct.pack(">H", code)))
      for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)],
    *[(code, f"a good close with {code}", frame(CLOSE, struct.pack(">H", code) + b"bye"))
      for code in (1000, 1001, 1011, 3000, 4999)],
    (1005, "a close without a code", frame(CLOSE)),
]


def test_broken_frames():
    """broken frames: the close code of RFC 6455"""
    with undisturbed() as d:
        broken = 0
        for code, what, data in BROKEN:
            for piece in (len(data), 1) if len(data) < 200 else (len(data),):
                broken += "good" not in what and "without" not in what
                with d.stream() as s:
                    try:
                        for i in range(0, len(data), piece):
                            s.socket.sendall(data[i:i + piece])
                    except OSError:
                        pass  # refused before all of it was sent
                    equal(s.goodbye(), code, what)
        until("each is counted",
              lambda: d.metric("netsonde_server_protocol_errors_total") == broken)


def test_bad_messages():
    """bad messages: an error each, and the connection goes on"""
    with undisturbed() as d, d.stream() as s:
        for payload, code in ((b"nonsense", "bad_request"), (b"[]", "bad_request"), (b"",
                                                                                     "bad_request"),
                              (b"{}", "unknown_op"), (b'{"op":"shutdown"}', "unknown_op"),
                              (b'{"op":5}', "unknown_op"), (b'{"op":"ping","id":"x"}',
                                                            "bad_request"),
                              (b'{"op":"subscribe"}', "bad_request"),
                              (b'{"op":"subscribe","channel":"secrets"}', "unknown_channel"),
                              (b'{"op":"subscribe","channel":"metrics","metric":5}', "bad_request"),
                              (b'{"op":"subscribe","channel":"metrics","interval_ms":-1}',
                               "bad_request"),
                              (b'{"op":"subscribe","channel":"metrics","since":1.5}',
                               "bad_request"),
                              (b'{"op":"subscribe","channel":"events","metric":"*"}',
                               "bad_request"),
                              (b'{"op":"ack","seq":"x"}', "bad_request"),
                              (b"[" * 60000, "bad_request"), (b'{"op":' * 9000, "bad_request"),
                              (b"x" * 65536, "bad_request")):
            s.send_frame(TEXT, payload)
            answer = s.wait_for("error")
            equal(answer["code"], code, f"{payload[:60]!r}")
        s.send_frame(BINARY, b"{}")
        equal(s.wait_for("error")["code"], "bad_request", "a binary message")
        many = json.dumps({"op": "subscribe", "id": 9, "channel": "metrics", "metric": ["a"] * 65})
        s.send_frame(TEXT, many.encode())
        equal(s.wait_for("error")["id"], 9, "the id of 65 patterns")
        # In fragments with a ping in between.
        s.send_frame(TEXT, b'{"op":"pi', fin=False)
        s.send_frame(PING, b"still there?")
        s.send_frame(0, b'ng","id":7}')
        equal(s.frame(), (PONG, b"still there?"), "the ping's answer")
        equal(s.receive(), {"type": "pong", "id": 7}, "the message's answer")


# ---- load ----------------------------------------------------------------------------------------

def test_slow_reader():
    """a slow reader gets the newest and a gap for the rest; nobody else notices"""
    with undisturbed() as d, d.stream("metrics", receive_bytes=4096) as s:
        seen = s.wait_for("metrics")["seq"]
        until("something is left out", lambda: d.metric("netsonde_server_conflated_total") > 10)
        s.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        gaps, message = 0, None
        while not gaps or message["type"] == "gap":
            message = s.wait_for("metrics", "gap")
            if message["type"] == "gap":
                equal((message["from"], message["reason"]), (seen + 1, "conflated"), "gap")
                seen, gaps = message["to"], gaps + 1
            else:
                equal(message["seq"], seen + 1, "the next one")
                seen = message["seq"]
        equal(s.ask(op="ping", id=1)["type"], "pong", "it is still a viewer")


def test_slow_listener():
    """who does not read what must not be left out is closed; others get every event"""
    with undisturbed(environment={"NETSONDE_SERVE_CLIENT_QUEUE": "64KiB"}) as d:
        ip("link", "add", "vx", "type", "veth", "peer", "name", "vy")
        adding = "".join(f"addr add 10.9.0.{i}/32 dev vx\n" for i in range(1, 101))
        removing = adding.replace("addr add", "addr del")
        with d.stream("events", receive_bytes=4096) as s:
            def closed():
                for batch in (adding, removing):
                    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)
                    d.ticks_pass(1)
                return d.metric("netsonde_server_closed_slow_total") == 1
            until("it is closed", closed)
            equal(s.goodbye(), 1013, "the close code, after what was queued")
        remove_links("vx")


def test_many():
    """many connections at once, well-behaved and not; a limit turns the next one away"""
    with undisturbed() as d:
        viewers = [d.stream("metrics,events,interfaces") for _ in range(200)]
        idle = [socket.create_connection(("127.0.0.1", d.port), WAIT_S) for _ in range(200)]
        for viewer in viewers:
            first = viewer.wait_for("metrics")["seq"]
            equal(viewer.wait_for("metrics")["seq"], first + 1, "the next tick")
        until("all are counted", lambda: d.metric("netsonde_server_viewers") == 201 and
              d.metric("netsonde_server_clients") >= 401)
        for s in [v.socket for v in viewers] + idle:
            # Closed without a word, by a reset.
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        until("all are gone", lambda: d.metric("netsonde_server_viewers") == 1)
        until("descriptors, too", lambda: len(os.listdir(f"/proc/{d.pid}/fd")) < 60)
    with undisturbed(environment={"NETSONDE_SERVE_MAX_CLIENTS": "10"}) as d:
        viewers = []
        while len(viewers) < 20:
            s = d.stream("metrics")
            if s.status == 503:
                contains(s.head, "Retry-After")
                break
            viewers.append(s)
        equal(len(viewers), 9, "viewers beside the bystander")
        for viewer in viewers:
            viewer.close()
        until("there is room again", lambda: d.status("/healthz") == 200)
        until("it is counted", lambda: d.metric("netsonde_server_refused_total") >= 1)


def test_descriptors():
    """a crowd does not take the descriptors that engines and history need"""
    def open_files(soft, hard):
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    one = {"NETSONDE_SERVE_THREADS": "1"}
    with Directory() as data, Daemon(data, prepare=open_files(100, 4096), environment=one) as d:
        equal(resource.prlimit(d.pid, resource.RLIMIT_NOFILE), (4096, 4096), "the limit is raised")
        contains(d.output(), "no more than 3968 connections")
    with Directory() as data, Daemon(data, prepare=open_files(256, 256)) as d:
        here = http.client.HTTPConnection("127.0.0.1", d.port, timeout=WAIT_S)
        first = d.metric("netsonde_ticks_total")

        def ask(path):
            here.request("GET", path)
            answer = here.getresponse()
            return answer.status, answer.read().decode()
        equal(ask("/healthz"), (200, "ok\n"), "the first one")
        crowd = [socket.create_connection(("127.0.0.1", d.port), WAIT_S) for _ in range(300)]
        until("some are turned away", lambda: re.search(
            r"^netsonde_server_refused_total [1-9]", ask("/metrics")[1], re.M))
        status, text = ask("/api/v1/query?metric=netsonde_ticks_total&agg=last&from=-60")
        equal(status, 200, text)
        equal(len(os.listdir(f"/proc/{d.pid}/fd")) < 200, True, "descriptors are left")
        for s in crowd:
            s.close()
        until("there is room again", d.ready)
        until("ticks go on", lambda: d.metric("netsonde_ticks_total") > first)
        equal(d.events("error"), [], "trouble meanwhile")


own_network()
run([test_broken_frames, test_bad_messages, test_slow_reader, test_slow_listener,
     test_many, test_descriptors])
