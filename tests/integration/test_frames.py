"""Frames and messages that break the rules, viewers who are slow, many or gone without a word: each
gets the right close code or answer, and a viewer who behaves misses nothing meanwhile."""
import http.client
import json
import os
import random
import re
import resource
import socket
import struct
import subprocess

from bystander import undisturbed
from rig import (WAIT_S, Daemon, Directory, contains, equal, ip, own_network, remove_links, run,
                 until)
from websocket import BINARY, CLOSE, COMPRESSED, DEFLATE, PING, PONG, TEXT, deflated, frame


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


# ---- permessage-deflate --------------------------------------------------------------------------

HELLO = deflated(b'{"op":"ping"}')
NOISE = random.Random(1).randbytes(65536).hex().encode()


def packed(payload, **kwargs):
    return frame(TEXT, payload, reserved=COMPRESSED, **kwargs)


BROKEN_COMPRESSED = [
    (1002, "another reserved bit", frame(TEXT, HELLO, reserved=6)),
    (1002, "the last reserved bit", frame(TEXT, HELLO, reserved=5)),
    (1002, "a compressed ping", frame(PING, b"a", reserved=COMPRESSED)),
    (1002, "a compressed pong", frame(PONG, reserved=COMPRESSED)),
    (1002, "a compressed close", frame(CLOSE, b"\x03\xe8", reserved=COMPRESSED)),
    (1002, "a compressed continuation",
     packed(HELLO[:3], fin=False) + frame(0, HELLO[3:], reserved=COMPRESSED)),
    (1002, "unmasked", packed(HELLO, mask=None)),
    (1007, "no deflated data", packed(b"\xff\xff")),
    (1007, "cut off", packed(HELLO[:5])),
    (1007, "cut off in fragments", packed(HELLO[:3], fin=False) + frame(0, HELLO[3:5])),
    (1007, "text that is not UTF-8", packed(deflated(b"\xff{}"))),
    (1007, "half a character at the end", packed(deflated('"€'.encode()[:-1]))),
    (1009, "64 KiB + 1", packed(deflated(NOISE[:65537]))),
    (1009, "64 KiB + 1 in fragments", b"".join(
        frame(0 if i else TEXT, piece, fin=i == 32768, reserved=0 if i else COMPRESSED)
        for data in [deflated(NOISE[:65537])]
        for i, piece in ((i, data[i:i + 32768] if i < 32768 else data[i:]) for i in (0, 32768)))),
    (1009, "an announcement of 2^40 bytes", packed(b"", length=1 << 40)),
    (1009, "a bomb of 64 MiB", packed(deflated(bytes(64 << 20)))),
    (1009, "a bomb that would fit the limit", packed(deflated(b" " * 65536))),
    (1009, "a bomb in fragments",
     packed(deflated(bytes(1 << 20))[:500], fin=False) + frame(0, deflated(bytes(1 << 20))[500:])),
]


def test_compressed():
    """broken compressed messages and bombs: the close code; good ones: their answer"""
    # AddressSanitizer keeps what is freed, up to 256 MB: more than the bound on memory below.
    quarantine = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"}
    with undisturbed(environment=quarantine) as d:
        resident = d.metric("netsonde_self_resident_bytes")
        for code, what, data in BROKEN_COMPRESSED:
            with d.stream(headers=DEFLATE) as s:
                s.wait_for("hello")
                try:
                    s.socket.sendall(data)
                except OSError:
                    pass  # refused before all of it was sent
                equal(s.goodbye(), code, what)
        until("each is counted", lambda: d.metric("netsonde_server_protocol_errors_total") ==
              len(BROKEN_COMPRESSED))
        with d.stream("metrics", headers=DEFLATE) as s:
            s.wait_for("metrics")
            s.socket.sendall(packed(HELLO))
            equal(s.wait_for("pong"), {"type": "pong"}, "a compressed message")
            s.socket.sendall(packed(HELLO[:4], fin=False) + frame(PING, b"x") + frame(0, HELLO[4:]))
            equal(s.wait_for("pong"), {"type": "pong"}, "one in fragments")
            s.socket.sendall(packed(deflated(NOISE[:65536])))
            equal(s.wait_for("error")["code"], "bad_request", "64 KiB are read")
            s.socket.sendall(text(b'{"op":"ping"}'))
            equal(s.wait_for("pong"), {"type": "pong"}, "a plain one")
            equal(s.compressed > 1, True, "what is sent is compressed")
            until("that is counted", lambda: d.metric("netsonde_server_compressed_total") > 1)
        now = d.metric("netsonde_self_resident_bytes")
        equal(now - resident < 32 << 20, True, f"memory: {resident} before, {now} now")


def test_compression_off():
    """serve.compression: off declines it, and gzip"""
    with undisturbed(environment={"NETSONDE_SERVE_COMPRESSION": "off"}) as d:
        with d.stream("metrics", headers=DEFLATE) as s:
            equal("permessage-deflate" in s.head, False, "the offer")
            s.wait_for("metrics")
            s.socket.sendall(packed(HELLO))
            equal(s.goodbye(), 1002, "a compressed message all the same")
            equal(s.compressed, 0, "compressed messages")
        _, headers, _ = d.request("/metrics", {"Accept-Encoding": "gzip"})
        equal(headers.get("Content-Encoding"), None, "gzip")


# ---- strangers -----------------------------------------------------------------------------------

def nonsense(rng):
    """A frame that is right, nearly right or neither."""
    payload = rng.choice([HELLO, b'{"op":"ping"}', b"{}", rng.randbytes(rng.randrange(200)),
                          b"", b"\x03\xe8", rng.randbytes(2)])
    data = frame(rng.choice([TEXT, TEXT, TEXT, 0, BINARY, PING, PONG, CLOSE, rng.randrange(16)]),
                 payload, fin=rng.random() < 0.8,
                 reserved=rng.choice([0, 0, COMPRESSED, rng.randrange(8)]),
                 mask=rng.choice([b"\1\2\3\4", rng.randbytes(4), b"\0\0\0\0", None]),
                 length=rng.choice([None] * 9 + [rng.randrange(1 << rng.randrange(63))]))
    if rng.random() < 0.3:
        data = bytearray(data)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def reset(s):
    s.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def test_nonsense():
    """random frames on 400 connections: a close code of the RFC or none; nobody else notices"""
    seed = random.randrange(1 << 32)
    print(f"# seed {seed}")
    rng = random.Random(seed)
    codes = {}
    with undisturbed() as d:
        for i in range(400):
            with d.stream(headers=DEFLATE if i % 2 else ()) as s:
                try:
                    for _ in range(rng.randrange(1, 20)):
                        s.socket.sendall(nonsense(rng))
                    s.socket.shutdown(socket.SHUT_WR)
                    code = s.goodbye()
                except (EOFError, ConnectionError):
                    code = None  # half a frame and an end: nothing to be said
                codes[code] = codes.get(code, 0) + 1
        print(f"# {codes}")
        equal(set(codes) <= {None, 1000, 1002, 1005, 1007, 1009} | set(range(1001, 1015)) |
              set(range(3000, 5000)), True, f"{codes}")
        equal(codes[1002] > 50, True, "most of it breaks the protocol")
        until("all are gone", lambda: d.metric("netsonde_server_viewers") == 1)


def test_resets():
    """resets in the middle of frames and messages leave nothing behind"""
    whole = [text(b"x" * 60000), packed(deflated(NOISE[:60000])),
             text(b"x" * 30000, fin=False) + frame(0, b"y" * 20000), frame(PING, b"p" * 100)]
    with undisturbed() as d:
        files = len(os.listdir(f"/proc/{d.pid}/fd"))
        for i in range(200):
            data = whole[i % len(whole)]
            s = d.stream("metrics" if i % 3 else None, headers=DEFLATE)
            s.socket.sendall(data[:1 + i * len(data) // 201])
            reset(s)
        until("all are gone", lambda: d.metric("netsonde_server_viewers") == 1)
        until("their descriptors, too", lambda: len(os.listdir(f"/proc/{d.pid}/fd")) <= files + 1)
        equal(d.metric("netsonde_server_protocol_errors_total"), 0, "protocol errors")


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
        descriptors = len(os.listdir(f"/proc/{d.pid}/fd"))
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
        until("descriptors, too", lambda: len(os.listdir(f"/proc/{d.pid}/fd")) < descriptors + 10)
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
run([test_broken_frames, test_bad_messages, test_compressed, test_compression_off, test_nonsense,
     test_resets, test_slow_reader, test_slow_listener, test_many, test_descriptors])
