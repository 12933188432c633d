"""RFC 6455 and 7692, the client's side, as much as the tests need; also frames that no client may
send."""
import base64
import json
import os
import socket
import struct
import time
import zlib

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
COMPRESSED = 4  # `reserved` of a compressed message's first frame
DEFLATE = ["Sec-WebSocket-Extensions: permessage-deflate"]


def deflated(data, level=9):
    """What stands in a compressed message, without context takeover."""
    pack = zlib.compressobj(level, wbits=-15)
    return (pack.compress(data) + pack.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflated(data):
    return zlib.decompressobj(-15).decompress(data + b"\0\0\xff\xff")


def frame(opcode, payload=b"", fin=True, reserved=0, mask=b"\1\2\3\4", length=None):
    """A frame's bytes; length: announced instead of the payload's own."""
    size = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    bit = 0x80 if mask else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", size)
    if not mask:
        return head + payload
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


class Stream:
    """A connection to /api/v1/stream. `status` is 101, or why it is none."""

    def __init__(self, port, path, limit_s, headers=(), receive_bytes=None, host=None, tls=None,
                 source=None):
        """host: the name in Host, with its port. tls: an SSLContext. source: our own address."""
        self.socket = socket.socket()
        self.socket.settimeout(limit_s)
        # Messages keep coming whether or not the one that a test waits for is among them.
        self.deadline = time.monotonic() + 4 * limit_s
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host.split(":")[0])
        key = base64.b64encode(os.urandom(16)).decode()
        head = [f"GET {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{port}'}", "Connection: Upgrade",
                "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
                *headers, "", ""]
        self.socket.sendall("\r\n".join(head).encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        answer, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.head = answer.decode()
        self.status = int(answer.split()[1])
        self.close_code = None
        self.compressed = 0  # messages that came so

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def close(self):
        self.socket.close()

    def _more(self):
        if time.monotonic() > self.deadline:
            raise AssertionError("what was waited for does not come")
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError("the server closed the connection")
        self.buffer += piece

    def _take(self, size):
        while len(self.buffer) < size:
            self._more()
        piece, self.buffer = self.buffer[:size], self.buffer[size:]
        return piece

    def send_frame(self, opcode, payload=b"", **kwargs):
        self.socket.sendall(frame(opcode, payload, **kwargs))

    def send(self, **message):
        self.send_frame(TEXT, json.dumps(message).encode())

    def frame(self):
        head = self._take(2)
        size = head[1] & 0x7f
        if size == 126:
            size = struct.unpack(">H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self._take(8))[0]
        payload = self._take(size)
        if head[0] & 0x40:
            if "permessage-deflate" not in self.head or head[0] & 0xf not in (TEXT, BINARY):
                raise AssertionError("a reserved bit that was not agreed on")
            payload = inflated(payload)
            self.compressed += 1
        return head[0] & 0xf, payload

    def receive(self):
        """The next message, parsed; None when the server said goodbye (then see close_code)."""
        while True:
            opcode, payload = self.frame()
            if opcode == TEXT:
                return json.loads(payload)
            if opcode == CLOSE:
                self.close_code = struct.unpack(">H", payload[:2])[0] if payload else 1005
                return None
            if opcode == PING:
                self.send_frame(PONG, payload)

    def wait_for(self, *kinds, seen=None, most=100000):
        """The next message of one of these types; those before it are added to `seen`."""
        for _ in range(most):
            message = self.receive()
            if message is None:
                raise AssertionError(f"closed with {self.close_code} while waiting for {kinds}")
            if message["type"] in kinds:
                return message
            if seen is not None:
                seen.append(message)
        raise AssertionError(f"no {kinds} among {most} messages")

    def ask(self, **message):
        """Sends an operation; its answer (other messages before it are passed over)."""
        self.send(**message)
        while True:
            answer = self.wait_for("ok", "pong", "error")
            if answer.get("id") == message.get("id"):
                return answer

    def goodbye(self):
        """Reads until the server closes; the close code."""
        while self.receive() is not None:
            pass
        return self.close_code
