#!/usr/bin/env python3
"""RFC 6455 and RFC 7692, case by case, over a real socket.

    test_conformance.py ECHO [--only PREFIX] [--summary]

ECHO is the echo server of this folder. The cases are those of the Autobahn test suite (sections
1-7, 9, 10, 12 and 13) under its numbers, written anew; `table()` is the one place where they stand.
Each is judged strictly: what came must be exactly what is expected, in order, the close code must
be the right one (Autobahn also takes none), and the server must be the one who ends the connection.
Sections 9.7, 9.8, 12 and 13 send fewer messages than there (CONFORMANCE_MESSAGES=1000 sends as
many). Prints TAP; a run of all cases holds the table in docs/CONFORMANCE.md to its own result,
--summary prints it."""

import argparse
import base64
import dataclasses
import hashlib
import os
import pathlib
import random
import select
import socket
import struct
import subprocess
import sys
import time
import zlib

WAIT_S = 30           # for whatever has to come; never reached when all is well
QUIET_S = 0.05        # how long nothing must come, where that is what is tested
MESSAGES = int(os.environ.get("CONFORMANCE_MESSAGES", "0"))
BYTES_A_CASE = 1 << 20
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/CONFORMANCE.md"

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KiB, MiB = 1 << 10, 1 << 20


# ---- frames --------------------------------------------------------------------------------------

def masked(payload, mask):
    size = len(payload)
    if not size:
        return b""
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\x9a\x3c\x55\xe1"):
    size = len(payload)
    head = bytes([fin << 7 | rsv << 4 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += struct.pack(">BH", 0xfe, size)
    else:
        head += struct.pack(">BQ", 0xff, size)
    return head + mask + masked(payload, mask)


def close(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


def fragmented(opcode, payload, size, rsv=0):
    """The frames of a message, `size` bytes each."""
    pieces = [payload[i:i + size] for i in range(0, len(payload), size)] or [b""]
    return [frame(opcode if i == 0 else CONTINUATION, piece, fin=i == len(pieces) - 1,
                  rsv=rsv if i == 0 else 0) for i, piece in enumerate(pieces)]


# ---- a connection --------------------------------------------------------------------------------

class Peer:
    def __init__(self, port, offer=None):
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.ended = False
        self.gathered = None
        key = base64.b64encode(os.urandom(16)).decode()
        head = ["GET / HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: Upgrade",
                "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
        if offer:
            head.append(f"Sec-WebSocket-Extensions: {offer}")
        self.socket.sendall("\r\n".join(head + ["", ""]).encode())
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                raise AssertionError("no answer to the handshake")
        answer, rest = bytes(self.buffer).split(b"\r\n\r\n", 1)
        self.buffer = bytearray(rest)
        lines = answer.decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, value in
                  (line.split(":", 1) for line in lines[1:])}
        proof = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        if not lines[0].startswith("HTTP/1.1 101 ") or \
           fields.get("sec-websocket-accept") != base64.b64encode(proof).decode():
            raise AssertionError(f"the handshake was answered with {lines}")
        self.extensions = fields.get("sec-websocket-extensions")

    def _more(self):
        try:
            piece = self.socket.recv(1 << 18)
        except ConnectionError:
            piece = b""
        if not piece:
            self.ended = True
        self.buffer += piece
        return bool(piece)

    def send(self, data, chop=None):
        """chop: bytes in one system call."""
        try:
            if not chop:
                self.socket.sendall(data)
            else:
                for i in range(0, len(data), chop):
                    self.socket.sendall(data[i:i + chop])
        except ConnectionError:
            pass  # the server has closed meanwhile; what it said is still to be read

    def is_quiet(self):
        return not self.buffer and not select.select([self.socket], [], [], QUIET_S)[0]

    def _take(self, size):
        while len(self.buffer) < size:
            if not self._more():
                return None
        piece = bytes(self.buffer[:size])
        del self.buffer[:size]
        return piece

    def event(self):
        """The next message, pong, ping or close; None at the end of the stream."""
        while True:
            head = self._take(2)
            if head is None:
                return None
            fin, rsv, opcode, size = head[0] >> 7, head[0] >> 4 & 7, head[0] & 15, head[1]
            if size & 0x80:
                raise AssertionError("a server's frame is masked")
            if size == 126:
                size = struct.unpack(">H", self._take(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self._take(8))[0]
            payload = self._take(size)
            if payload is None:
                raise AssertionError("the stream ends inside a frame")
            if opcode in (PING, PONG, CLOSE) and (not fin or rsv or size > 125):
                raise AssertionError("a control frame that is none")
            if opcode == PING:
                return ("ping", payload)
            if opcode == PONG:
                return ("pong", payload)
            if opcode == CLOSE:
                code = struct.unpack(">H", payload[:2])[0] if payload else None
                payload[2:].decode()  # the reason must be UTF-8
                return ("close", code)
            if rsv and (rsv != 4 or not self.extensions or opcode == CONTINUATION):
                raise AssertionError(f"reserved bits {rsv}")
            if (opcode == CONTINUATION) != (self.gathered is not None):
                raise AssertionError("fragments out of order")
            if opcode != CONTINUATION:
                self.gathered = [opcode, rsv, b""]
            self.gathered[2] += payload
            if fin:
                opcode, rsv, payload = self.gathered
                self.gathered = None
                if rsv:  # without context takeover: each for itself
                    payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
                return ("message", payload, opcode == BINARY)


# ---- cases ---------------------------------------------------------------------------------------

@dataclasses.dataclass
class Case:
    number: str
    what: str
    send: list = dataclasses.field(default_factory=list)  # frames
    expect: list = dataclasses.field(default_factory=list)  # events, in this order
    code: object = 1000     # of the server's close frame
    fails: bool = False     # the server ends the connection; else we say goodbye with 1000
    chop: object = None     # bytes in a system call; "frames": one frame
    closes: bool = False    # the frames have the goodbye among them
    play: object = None     # plays the case instead: play(port, case)
    offer: object = None
    declined: bool = False  # permessage-deflate is declined, as documented


def text(payload):
    return ("message", payload, False)


def binary(payload):
    return ("message", payload, True)


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"expected {shorten(wanted)}, got {shorten(got)}")


def shorten(thing):
    words = repr(thing)
    return words if len(words) < 300 else f"{words[:300]}… ({len(words)} characters)"


def play(port, case):
    """The usual way: sends, reads what is expected, says goodbye, reads to the end."""
    peer = Peer(port)
    if case.chop == "frames":
        for one in case.send:
            peer.send(one)
    else:
        peer.send(b"".join(case.send), case.chop)
    if not case.fails and not case.closes:
        equal([peer.event() for _ in case.expect], case.expect)
        peer.send(close(1000))
        equal(read_to_end(peer), [("close", 1000)])
    else:
        equal(read_to_end(peer), case.expect + [("close", case.code)])


def read_to_end(peer):
    """All events until the server ends the connection."""
    events = []
    while (event := peer.event()) is not None:
        events.append(event)
    peer.socket.close()
    return events


def goodbye(peer):
    peer.send(close(1000))
    equal(read_to_end(peer), [("close", 1000)])


def play_parts(port, case):
    """A part, nothing happens; the next part, and the connection fails without waiting for more."""
    peer = Peer(port)
    peer.send(case.send[0])
    if not peer.is_quiet():
        raise AssertionError("failed before anything was wrong")
    peer.send(case.send[1])
    equal(read_to_end(peer), [("close", case.code)])


def play_interleaved(port, case):
    """5.19: the second part is sent when the first one's pong is there."""
    peer = Peer(port)
    for part, expected in zip(case.send, case.expect):
        if case.chop == "frames":
            for one in part:
                peer.send(one)
        else:
            peer.send(b"".join(part))
        equal([peer.event() for _ in expected], expected)
    goodbye(peer)


def how_many(size):
    return MESSAGES or max(4, min(100, BYTES_A_CASE // max(size, 1)))


def play_round_trips(port, case):
    opcode, payload = case.send
    peer = Peer(port)
    message = frame(opcode, payload)
    for _ in range(how_many(len(payload))):
        peer.send(message)
        equal(peer.event(), ("message", payload, opcode == BINARY))
    goodbye(peer)


ANSWER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def play_compressed(port, case):
    source, size, fragment, window = case.send
    peer = Peer(port, case.offer)
    equal(peer.extensions, None if case.declined else ANSWER + window)
    is_text = isinstance(source, str)
    opcode = TEXT if is_text else BINARY
    at = 0
    for _ in range(how_many(size)):
        end = (at + size) % len(source)
        piece = source[at:end] if end > at else source[at:] + source[:end]
        at = end
        payload = piece.encode() if is_text else piece
        if case.declined:
            packed, rsv = payload, 0
        else:
            pack = zlib.compressobj(1, wbits=-15)
            packed, rsv = (pack.compress(payload) + pack.flush(zlib.Z_SYNC_FLUSH))[:-4], 4
        peer.send(b"".join(fragmented(opcode, packed, fragment or max(len(packed), 1), rsv)))
        equal(peer.event(), ("message", payload, not is_text))
    goodbye(peer)


# ---- the table -----------------------------------------------------------------------------------

def framing():
    """1"""
    for sub, opcode, fill, word in ((1, TEXT, b"*", "text"), (2, BINARY, b"\xfe", "binary")):
        sizes = [(0, None), (125, None), (126, None), (127, None), (128, None), (65535, None),
                 (65536, None), (65536, 997)]
        for i, (size, chop) in enumerate(sizes, 1):
            payload = fill * size
            what = f"a {word} message of {size} bytes" + (f" in chops of {chop}" if chop else "")
            yield Case(f"1.{sub}.{i}", what, [frame(opcode, payload)],
                       [("message", payload, opcode == BINARY)], chop=chop)


def pings():
    """2"""
    def ping(number, what, payload, **more):
        return Case(number, what, [frame(PING, payload)], [("pong", payload)], **more)
    ten = [f"payload-{i}".encode() for i in range(10)]
    pong = frame(PONG, b"unsolicited pong payload")
    yield ping("2.1", "a ping without payload", b"")
    yield ping("2.2", "a ping with text", b"Hello, world!")
    yield ping("2.3", "a ping with bytes that are no text", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff")
    yield ping("2.4", "a ping of 125 bytes", b"\xfe" * 125)
    yield Case("2.5", "a ping of 126 bytes", [frame(PING, b"\xfe" * 126)], code=1002, fails=True)
    yield ping("2.6", "a ping of 125 bytes, byte by byte", b"\xfe" * 125, chop=1)
    yield Case("2.7", "a pong that nobody asked for", [frame(PONG)])
    yield Case("2.8", "the same with payload", [pong])
    yield Case("2.9", "such a pong, then a ping", [pong, frame(PING, b"ping payload")],
               [("pong", b"ping payload")])
    for number, chop in (("2.10", None), ("2.11", 1)):
        yield Case(number, "ten pings" + (", byte by byte" if chop else ""),
                   [frame(PING, p) for p in ten], [("pong", p) for p in ten], chop=chop)


HELLO = b"Hello, world!"


def reserved_bits():
    """3"""
    def bits(number, what, broken, first, chop=None):
        return Case(number, what, ([frame(TEXT, HELLO)] if first else []) + broken +
                    ([frame(PING)] if first else []), [text(HELLO)] if first else [],
                    code=1002, fails=True, chop=chop)
    noise = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
    yield bits("3.1", "a text with reserved bits 1", [frame(TEXT, HELLO, rsv=1)], False)
    yield bits("3.2", "a text, one with bits 2, a ping", [frame(TEXT, HELLO, rsv=2)], True)
    yield bits("3.3", "a text, one with bits 3, a ping, frame by frame",
               [frame(TEXT, HELLO, rsv=3)], True, "frames")
    yield bits("3.4", "a text, one with bits 4, a ping, byte by byte",
               [frame(TEXT, HELLO, rsv=4)], True, 1)
    yield bits("3.5", "a binary with bits 5", [frame(BINARY, noise, rsv=5)], False)
    yield bits("3.6", "a binary with bits 6", [frame(BINARY, HELLO, rsv=6)], False)
    yield bits("3.7", "a close with bits 7", [frame(CLOSE, rsv=7)], False)


def opcodes():
    """4"""
    for sub, first in ((1, 3), (2, 11)):
        alone = b"reserved opcode payload"
        rows = [([frame(first)], False, None), ([frame(first + 1, alone)], False, None),
                ([frame(first + 2)], True, None), ([frame(first + 3, HELLO)], True, None),
                ([frame(first + 4, HELLO)], True, 1)]
        for i, (broken, behind, chop) in enumerate(rows, 1):
            yield Case(f"4.{sub}.{i}", f"opcode {first + i - 1}" +
                       (" behind a text, then a ping" if behind else "") +
                       (", byte by byte" if chop else ""),
                       ([frame(TEXT, HELLO)] if behind else []) + broken +
                       ([frame(PING)] if behind else []), [text(HELLO)] if behind else [],
                       code=1002, fails=True, chop=chop)


def fragmentation():
    """5"""
    def fails(number, what, frames, expect=(), chop=None):
        return Case(number, what, frames, list(expect), code=1002, fails=True, chop=chop)
    one, two = b"fragment1", b"fragment2"
    halves = [frame(TEXT, one, fin=False), frame(CONTINUATION, two)]
    ping = b"ping payload"
    lost = b"non-continuation payload"
    chops = [(None, ""), ("frames", ", frame by frame"), (1, ", byte by byte")]
    yield fails("5.1", "a ping in two fragments",
                [frame(PING, one, fin=False), frame(CONTINUATION, two)])
    yield fails("5.2", "a pong in two fragments",
                [frame(PONG, one, fin=False), frame(CONTINUATION, two)])
    for i, (chop, how) in enumerate(chops):
        yield Case(f"5.{3 + i}", "a text in two fragments" + how, halves, [text(one + two)],
                   chop=chop)
    for i, (chop, how) in enumerate(chops):
        yield Case(f"5.{6 + i}", "a ping between two fragments" + how,
                   [halves[0], frame(PING, ping), halves[1]], [("pong", ping), text(one + two)],
                   chop=chop)
    for base, fin in ((9, True), (12, False)):
        for i, (chop, how) in enumerate(chops):
            yield fails(f"5.{base + i}",
                        f"a continuation (fin={int(fin)}) of nothing, a text" + how,
                        [frame(CONTINUATION, lost, fin=fin), frame(TEXT, HELLO)], chop=chop)
    yield fails("5.15", "a text in two fragments, a continuation of nothing, a text",
                halves + [frame(CONTINUATION, b"fragment3", fin=False), frame(TEXT, b"fragment4")],
                [text(one + two)])
    for number, fin in (("5.16", False), ("5.17", True)):
        yield fails(number, f"a continuation (fin={int(fin)}) of nothing, a fragmented text, twice",
                    [frame(CONTINUATION, one, fin=fin), frame(TEXT, two, fin=False),
                     frame(CONTINUATION, b"fragment3")] * 2)
    yield fails("5.18", "two fragments that both say text",
                [frame(TEXT, one, fin=False), frame(TEXT, two)])
    parts = [b"fragment%d" % i for i in range(1, 6)]
    for number, chop in (("5.19", None), ("5.20", "frames")):
        yield Case(number,
                   "five fragments, two pings, a pause" + (", frame by frame" if chop else ""),
                   [[frame(TEXT, parts[0], fin=False), frame(CONTINUATION, parts[1], fin=False),
                     frame(PING, b"pongme 1!")],
                    [frame(CONTINUATION, parts[2], fin=False),
                     frame(CONTINUATION, parts[3], fin=False), frame(PING, b"pongme 2!"),
                     frame(CONTINUATION, parts[4])]],
                   [[("pong", b"pongme 1!")], [("pong", b"pongme 2!"), text(b"".join(parts))]],
                   chop=chop, play=play_interleaved)


KOSME = "\u03ba\u1f79\u03c3\u03bc\u03b5".encode()  # the word of Markus Kuhn's test text
EDITED = b"edited"


def utf8_sequences():
    """6.5 and on: Markus Kuhn's UTF-8 decoder test, as Autobahn groups it."""
    cut = [b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xfc\x80\x80\x80\x80",
           b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfb\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf"]
    lonely = [(0xc0, 0xdf), (0xe0, 0xef), (0xf0, 0xf7), (0xf8, 0xfb), (0xfc, 0xfd)]
    planes = [bytes([z1, z2, 0xbf, z3]) for z1 in range(0xf0, 0xf5)
              for z2 in (0x8f, 0x9f, 0xaf, 0xbf) for z3 in (0xbe, 0xbf)
              if not (z1 == 0xf4 and z2 != 0x8f) and not (z1 == 0xf0 and z2 == 0x8f)]
    groups = [
        ("valid text", [b"hello$world", "hello¢world".encode(), "hello€world".encode(),
                        "hello\U00024b62world".encode(), KOSME]),
        ("a prefix of a text", [KOSME[:i] for i in range(1, len(KOSME) + 1)]),
        ("the first of its length", [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
        ("the first of 5 or 6 bytes", [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
        ("the last of its length", [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]),
        ("the last of 4, 5 or 6 bytes", [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf",
                                        b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
        ("a boundary", [b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf",
                        b"\xf4\x90\x80\x80"]),
        ("unexpected continuation bytes",
         [b"\x80", b"\xbf"] + [(b"\x80\xbf" * 3)[:i] for i in range(2, 7)] +
         [bytes(range(0x80, 0xbf))]),
        ("lonely start bytes", [b"".join(bytes([i, 0x20]) for i in range(a, b))
                                for a, b in lonely]),
        ("the last byte is missing", cut),
        ("incomplete sequences in a row", [b"".join(cut)]),
        ("impossible bytes", [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
        ("an overlong slash", [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf",
                               b"\xf8\x80\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf"]),
        ("the largest overlong", [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf",
                                  b"\xf8\x87\xbf\xbf\xbf", b"\xfc\x83\xbf\xbf\xbf\xbf"]),
        ("an overlong NUL", [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80",
                             b"\xf8\x80\x80\x80\x80", b"\xfc\x80\x80\x80\x80\x80"]),
        ("a lone surrogate", [b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf",
                              b"\xed\xb0\x80", b"\xed\xbe\x80", b"\xed\xbf\xbf"]),
        ("a pair of surrogates", [a + b for a in (b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80",
                                                  b"\xed\xaf\xbf")
                                  for b in (b"\xed\xb0\x80", b"\xed\xbf\xbf")]),
        ("a noncharacter", [b"\xef\xbf\xbe", b"\xef\xbf\xbf"] + planes),
        ("a special", [b"\xef\xbf" + bytes([i]) for i in range(0xb9, 0xc0)]),
    ]
    for i, (what, sequences) in enumerate(groups, 5):
        for j, sequence in enumerate(sequences, 1):
            yield f"6.{i}.{j}", what, sequence


def is_utf8(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False


def utf8():
    """6"""
    words = "Hello-µ@ßöäüàá-UTF-8!!"
    start, rest = "Hello-µ@ßöä".encode(), "üàá-UTF-8!!".encode()
    middle = b"middle frame payload"
    wrong = KOSME + b"\xed\xa0\x80" + EDITED
    beyond = KOSME + b"\xf4\x90\x80\x80" + EDITED  # wrong from its byte 13 on
    yield Case("6.1.1", "a text of no bytes", [frame(TEXT)], [text(b"")])
    yield Case("6.1.2", "three empty fragments",
               [frame(TEXT, fin=False), frame(CONTINUATION, fin=False), frame(CONTINUATION)],
               [text(b"")])
    yield Case("6.1.3", "an empty, a filled and an empty fragment",
               [frame(TEXT, fin=False), frame(CONTINUATION, middle, fin=False),
                frame(CONTINUATION)], [text(middle)])
    yield Case("6.2.1", "valid text", [frame(TEXT, words.encode())], [text(words.encode())])
    yield Case("6.2.2", "cut between characters",
               [frame(TEXT, start, fin=False), frame(CONTINUATION, rest)], [text(start + rest)])
    yield Case("6.2.3", "cut after every byte", fragmented(TEXT, words.encode(), 1),
               [text(words.encode())])
    yield Case("6.2.4", "the same with Greek", fragmented(TEXT, KOSME, 1), [text(KOSME)])
    yield Case("6.3.1", "a surrogate inside", [frame(TEXT, wrong)], code=1007, fails=True)
    yield Case("6.3.2", "a surrogate, cut after every byte", fragmented(TEXT, wrong, 1), code=1007,
               fails=True)
    whole = frame(TEXT, beyond)
    head = len(whole) - len(beyond)
    yield Case("6.4.1", "fails at the second of three fragments",
               [frame(TEXT, KOSME, fin=False), frame(CONTINUATION, beyond[11:15], fin=False)],
               code=1007, play=play_parts)
    yield Case("6.4.2", "fails at the wrong byte, a fragment of its own",
               [frame(TEXT, beyond[:12], fin=False), frame(CONTINUATION, beyond[12:13], fin=False)],
               code=1007, play=play_parts)
    yield Case("6.4.3", "fails in the middle of a frame",
               [whole[:head + 11], whole[head + 11:head + 15]], code=1007, play=play_parts)
    yield Case("6.4.4", "fails at the wrong byte of a frame",
               [whole[:head + 12], whole[head + 12:head + 13]], code=1007, play=play_parts)
    for number, what, sequence in utf8_sequences():
        if is_utf8(sequence):
            yield Case(number, what, [frame(TEXT, sequence)], [text(sequence)])
        else:
            yield Case(number, what, [frame(TEXT, sequence)], code=1007, fails=True)


def closing():
    """7"""
    hello = b"Hello World!"
    large = (b"BAsd7&jh23" * 26215)[:256 * KiB]
    yield Case("7.1.1", "a text, then a close", [frame(TEXT, hello)], [text(hello)])
    yield Case("7.1.2", "two close frames", [close(1000), frame(CLOSE)], closes=True)
    yield Case("7.1.3", "a ping behind the close", [close(1000), frame(PING)], closes=True)
    yield Case("7.1.4", "a text behind the close", [close(1000), frame(TEXT, hello)], closes=True)
    yield Case("7.1.5", "a close between fragments",
               [frame(TEXT, b"fragment1", fin=False), close(1000),
                frame(CONTINUATION, b"fragment2")], closes=True)
    yield Case("7.1.6", "256 KiB, a text, a close, a ping",
               [frame(TEXT, large), frame(TEXT, hello), close(1000), frame(PING)],
               [text(large), text(hello)], closes=True)
    yield Case("7.3.1", "a close without code", [close()], code=None, closes=True)
    yield Case("7.3.2", "a close of one byte", [frame(CLOSE, b"a")], code=1002, closes=True)
    yield Case("7.3.3", "a close with a code", [close(1000)], closes=True)
    yield Case("7.3.4", "a close with a reason", [close(1000, hello)], closes=True)
    yield Case("7.3.5", "a reason of 123 bytes", [close(1000, b"*" * 123)], closes=True)
    yield Case("7.3.6", "a reason of 124 bytes", [close(1000, b"*" * 124)], code=1002, closes=True)
    yield Case("7.5.1", "a reason that is not UTF-8",
               [close(1000, KOSME + b"\xed\xa0\x80" + EDITED)], code=1007, closes=True)
    for sub, codes, answer in (
            (7, (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999),
             None),
            (9, (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1002),
            (13, (5000, 65535), 1002)):
        for i, code in enumerate(codes, 1):
            yield Case(f"7.{sub}.{i}", f"a close with {code}", [close(code)], code=answer or code,
                       closes=True)


def limits():
    """9 and 10"""
    sizes = (64 * KiB, 256 * KiB, MiB, 4 * MiB, 8 * MiB, 16 * MiB)
    fragments = (64, 256, KiB, 4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB, MiB, 4 * MiB)
    for sub, opcode, word in ((0, TEXT, "text"), (1, BINARY, "binary")):
        def echoed(payload, opcode=opcode):
            return [("message", payload, opcode == BINARY)]

        def lazy(number, what, make, chop=None):
            """Frames of megabytes are made when the case is played."""
            def run(port, case):
                frames, expect = make()
                play(port, dataclasses.replace(case, send=frames, expect=expect))
            return Case(number, what, chop=chop, play=run)
        pattern = b"BAsd7&jh23" if opcode == TEXT else b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
        for i, size in enumerate(sizes, 1):
            def make(size=size):
                payload = (pattern * (size // len(pattern) + 1))[:size]
                return [frame(opcode, payload)], echoed(payload)
            yield lazy(f"9.{1 + sub}.{i}", f"a {word} message of {size >> 10} KiB", make)
        for i, size in enumerate(fragments, 1):
            def make(size=size):
                piece, count = b"*" * size, 4 * MiB // size
                if count == 1:
                    return [frame(opcode, piece)], echoed(piece)
                frames = [frame(opcode, piece, fin=False)]
                frames += [frame(CONTINUATION, piece, fin=False)] * (count - 2)
                return frames + [frame(CONTINUATION, piece)], echoed(piece * count)
            yield lazy(f"9.{3 + sub}.{i}", f"4 MiB of {word} in fragments of {size} bytes", make)
        for i, chop in enumerate((64, 128, 256, 512, KiB, 2 * KiB), 1):
            def make():
                payload = (pattern * (MiB // len(pattern) + 1))[:MiB]
                return [frame(opcode, payload)], echoed(payload)
            yield lazy(f"9.{5 + sub}.{i}", f"1 MiB of {word} in chops of {chop} bytes", make, chop)
        for i, size in enumerate((0, 16, 64, 256, KiB, 4 * KiB), 1):
            fill = b"*" if opcode == TEXT else b"\xfe"
            yield Case(f"9.{7 + sub}.{i}", f"round trips of {word} messages of {size} bytes",
                       [opcode, fill * size], play=play_round_trips)
    auto = b"*" * 65536
    yield Case("10.1.1", "64 KiB, fragmented automatically by 1,300 bytes",
               fragmented(TEXT, auto, 1300), [text(auto)])


def sources():
    """What is compressed: of the kinds that Autobahn takes, made here."""
    rng = random.Random(7692)
    names = ["rx_bytes", "tx_bytes", "drops", "größe", "errors"]
    json = ",".join(f'{{"id":{i},"name":"{rng.choice(names)}","value":{rng.randrange(10 ** 6)}}}'
                    for i in range(6000))
    picture = bytes((128 + x // 5 - y // 7 + rng.randrange(6)) & 0xff
                    for y in range(400) for x in range(400))
    syllables = ["ha", "be", "nun", "ach", "phi", "lo", "so", "und", "leider", "auch", "durch"]
    book = " ".join("".join(rng.choices(syllables, k=rng.randrange(1, 4))) for _ in range(30000))
    html = "".join(f'<tr class="row"><td>{i}</td><td>{rng.random():.6f}</td><td>ü</td></tr>\n'
                   for i in range(4000))
    noise = rng.randbytes(200000)
    return [("JSON", json), ("a picture", picture), ("prose", book.encode()), ("HTML", html),
            ("what is compressed already", noise)]


def compression():
    """12 and 13"""
    sizes = [(16, 0), (64, 0), (256, 0), (KiB, 0), (4 * KiB, 0), (8 * KiB, 0), (16 * KiB, 0),
             (32 * KiB, 0), (64 * KiB, 0), (128 * KiB, 0), (8 * KiB, 256), (16 * KiB, 256),
             (32 * KiB, 256), (64 * KiB, 256), (128 * KiB, 256), (128 * KiB, KiB),
             (128 * KiB, 4 * KiB), (128 * KiB, 32 * KiB)]
    asked = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
    no_takeover, nine, fifteen = ("; server_no_context_takeover", "; server_max_window_bits=9",
                                  "; server_max_window_bits=15")
    parameters = [  # offer, what the answer has more, declined
        (asked, "", False),
        (asked + no_takeover, "", False),
        (asked + nine, "", True),
        (asked + fifteen, fifteen, False),
        (asked + no_takeover + nine, "", True),
        (asked + no_takeover + fifteen, fifteen, False),
        (", ".join([asked + no_takeover + nine, asked + no_takeover, asked]), "", False),
    ]
    kinds = sources()

    def rows(section, sub, source, what, offer, more, declined):
        for i, (size, fragment) in enumerate(sizes, 1):
            yield Case(f"{section}.{sub}.{i}", f"{what}, {size} bytes" +
                       (f" by {fragment}" if fragment else ""), [source, size, fragment, more],
                       play=play_compressed, offer=offer, declined=declined)
    for sub, (what, source) in enumerate(kinds, 1):
        yield from rows(12, sub, source, what, asked, "", False)
    for sub, (offer, more, declined) in enumerate(parameters, 1):
        yield from rows(13, sub, kinds[0][1], "declined" if declined else "parameters", offer, more,
                        declined)


def table():
    for section in (framing, pings, reserved_bits, opcodes, fragmentation, utf8, closing, limits,
                    compression):
        yield from section()


SECTIONS = {"1": "Framing", "2": "Pings and pongs", "3": "Reserved bits", "4": "Opcodes",
            "5": "Fragmentation", "6": "UTF-8", "7": "Closing", "9": "Limits and performance",
            "10": "Automatic fragmentation", "12": "Compression: kinds of content",
            "13": "Compression: parameters"}


# ---- running -------------------------------------------------------------------------------------

def main():
    options = argparse.ArgumentParser()
    options.add_argument("echo")
    options.add_argument("--only", default="", help="cases whose number begins so")
    options.add_argument("--port", type=int, help="of a server that runs already")
    options.add_argument("--summary", action="store_true")
    options = options.parse_args()
    cases = [case for case in table() if case.number.startswith(options.only)]
    if len({case.number for case in cases}) != len(cases):
        sys.exit("a number stands twice in the table")
    print(f"1..{len(cases) + (not options.only)}", flush=True)
    tally = {name: [0, 0, 0] for name in SECTIONS}  # cases, passed, declined
    start = time.monotonic()
    with subprocess.Popen([options.echo], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as echo:
        port = options.port or int(echo.stdout.readline())
        for i, case in enumerate(cases, 1):
            counts = tally[case.number.split(".")[0]]
            counts[0] += 1
            try:
                (case.play or play)(port, case)
                counts[1] += 1
                counts[2] += case.declined
                print(f"ok {i} - {case.number} {case.what}")
            except (AssertionError, OSError, zlib.error, UnicodeDecodeError) as why:
                print(f"not ok {i} - {case.number} {case.what}\n# {why!r}", flush=True)
        echo.stdin.close()
        status = echo.wait(WAIT_S)
    if status:
        print(f"# the echo server ended with {status}")
    passed = sum(counts[1] for counts in tally.values())
    declined = sum(counts[2] for counts in tally.values())
    table_text = "\n".join(
        ["| section | cases | pass | strict |", "| --- | --- | --- | --- |"] +
        [f"| {name} {SECTIONS[name]} | {counts[0]} | {counts[1]} | {counts[1]} |"
         for name, counts in tally.items()] +
        [f"| all | {len(cases)} | {passed} | {passed} |"])
    if options.summary:
        print(f"\n{table_text}\n")
    told = bool(options.only) or table_text in DOCUMENT.read_text()
    if not options.only:
        print(f"{'ok' if told else 'not ok'} {len(cases) + 1} - docs/CONFORMANCE.md says the same")
    print(f"# {len(cases)} cases, {passed} pass, all of them strict; "
          f"{declined} with a declined offer; {time.monotonic() - start:.1f} s")
    sys.exit(0 if passed == len(cases) and told and not status else 1)


if __name__ == "__main__":
    main()
