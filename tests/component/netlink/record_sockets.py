#!/usr/bin/env python3
"""Records what test_recorded_sockets.c replays, in a network namespace of its own (needs root):

    tcp4.bin tcp6.bin udp4.bin udp6.bin mptcp4.bin mptcp6.bin   dumps of NETLINK_SOCK_DIAG, with INFO,
                 MEMINFO, SKMEMINFO, CONG and the class of sockets that this script made
    closes.bin   what the groups SKNLGRP_*_DESTROY said while some of them were closed

and beside them, as sockets.txt, what `ss` showed of the same sockets at the same time. Each .bin file
is the received messages one after the other, as they came."""

import ctypes
import os
import pathlib
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLMSG_DONE, NLMSG_ERROR = 4, 20, 3, 2
MPTCP = 262
# MEMINFO 1, INFO 2, CONG 4, TCLASS 6, SKMEMINFO 7: bits from 0.
ASK = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6
HERE = pathlib.Path(__file__).parent


def dump(family, protocol):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG)
    body = struct.pack("=BBBxI48x", family, protocol if protocol < 256 else 255, ASK, 0xffffffff)
    if protocol > 255:
        body += struct.pack("=HHI", 8, 3, protocol)
    sock.send(struct.pack("=IHHII", 16 + len(body), SOCK_DIAG_BY_FAMILY, 0x301, 1, 0) + body)
    out = b""
    while True:
        part = sock.recv(32768)
        out += part
        at = 0
        while at < len(part):
            length, this = struct.unpack_from("=IH", part, at)
            if this in (NLMSG_DONE, NLMSG_ERROR):
                return out
            at += (length + 3) & ~3


def pair(family, address, listener=None, port=0, protocol=0):
    server = listener or socket.socket(family, socket.SOCK_STREAM, protocol)
    if not listener:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        server.listen(4)
    client = socket.socket(family, socket.SOCK_STREAM, protocol)
    client.connect(server.getsockname()[:2])
    other, _ = server.accept()
    return server, client, other


def main():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    kept = []
    _, client, other = kept4 = pair(socket.AF_INET, "127.0.0.1", port=4001)
    client.sendall(b"x" * 5000)
    other.recv(5000, socket.MSG_WAITALL)
    other.sendall(b"y" * 700)
    client.recv(700, socket.MSG_WAITALL)
    other.sendall(b"z" * 33)  # stays in the client's queue
    kept.append(kept4)
    kept.append(pair(socket.AF_INET6, "::1", port=4002))
    kept[-1][1].sendall(b"six" * 100)
    kept.append(pair(socket.AF_INET, "127.0.0.1", port=4003, protocol=MPTCP))
    kept[-1][1].sendall(b"m" * 1234)
    kept[-1][2].recv(1234, socket.MSG_WAITALL)
    kept.append(pair(socket.AF_INET6, "::1", port=4004, protocol=MPTCP))
    for family, address, port in ((socket.AF_INET, "127.0.0.1", 4005), (socket.AF_INET6, "::1", 4006)):
        u = socket.socket(family, socket.SOCK_DGRAM)
        u.bind((address, port))
        v = socket.socket(family, socket.SOCK_DGRAM)
        v.connect((address, port))
        v.send(b"datagram")
        kept.append((u, v))
    mapped = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    mapped.connect(("::ffff:127.0.0.1", 4001))
    kept.append(mapped)
    # A connection that waits its time out, and one that nobody has accepted.
    server, client, other = pair(socket.AF_INET, "127.0.0.1", port=4007)
    client.close()
    other.close()
    kept.append(server)
    waiting = socket.create_connection(("127.0.0.1", 4007))
    kept.append(waiting)
    for name, family, protocol in (("tcp4", 2, 6), ("tcp6", 10, 6), ("udp4", 2, 17), ("udp6", 10, 17),
                                   ("mptcp4", 2, MPTCP), ("mptcp6", 10, MPTCP)):
        (HERE / f"{name}.bin").write_bytes(dump(family, protocol))
    shown = subprocess.run(["ss", "-tuanieHM"], stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line.rstrip() for line in shown.replace("\n\t", " ").splitlines()]
    (HERE / "sockets.txt").write_text("".join(line + "\n" for line in lines))

    heard = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG)
    heard.bind((0, 0xf))
    server, client, other = pair(socket.AF_INET, "127.0.0.1", port=4008)
    client.sendall(b"last words")
    other.recv(100)
    client.close()
    other.close()
    server.close()
    kept.clear()
    del kept4, mapped, waiting
    heard.settimeout(2)
    out = b""
    try:
        while True:
            out += heard.recv(65536)
    except socket.timeout:
        (HERE / "closes.bin").write_bytes(out)


if __name__ == "__main__":
    main()
