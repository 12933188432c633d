#!/usr/bin/env python3
"""Records what the tests of this folder replay, in a network namespace of its own (needs root):

    links.bin      RTM_GETLINK dump: loopback, veth, bridge, tun; ifb, VLAN, bond where there are some
    stats.bin      RTM_GETSTATS dump of the 64-bit counters, right after it
    addresses.bin  RTM_GETADDR dump
    notices.bin    what the kernel said while links, addresses and routes were changed

Each file is the received messages one after the other, as they came."""

import os
import pathlib
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
RTM_GETLINK, RTM_GETADDR, RTM_GETSTATS, NLMSG_DONE = 18, 22, 94, 3
GROUPS = 0x1 | 0x10 | 0x100 | 0x40 | 0x400  # link, IPv4 and IPv6 address, IPv4 and IPv6 route
HERE = pathlib.Path(__file__).parent


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def open_socket(groups=0):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind((0, groups))
    return sock


def dump(kind):
    sock = open_socket()
    body = {RTM_GETLINK: struct.pack("BxHiII", 0, 0, 0, 0, 0),
            RTM_GETSTATS: struct.pack("=BxHiI", 0, 0, 0, 1),  # IFLA_STATS_LINK_64
            RTM_GETADDR: struct.pack("8x")}[kind]
    sock.send(struct.pack("IHHII", 16 + len(body), kind, 0x301, 1, 0) + body)
    out = b""
    while True:
        part = sock.recv(32768)
        out += part
        at = 0
        while at < len(part):
            length, this = struct.unpack_from("IH", part, at)
            if this == NLMSG_DONE:
                return out
            at += (length + 3) & ~3


def notices(sock):
    sock.setblocking(False)
    out = b""
    while True:
        try:
            out += sock.recv(32768)
        except BlockingIOError:
            return out


def main():
    libc_unshare = getattr(os, "unshare", None)
    if libc_unshare:
        libc_unshare(CLONE_NEWNET)
    else:
        import ctypes
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
    ip("link", "set", "lo", "up")
    ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
    ip("link", "add", "br0", "type", "bridge")
    ip("link", "set", "veth1", "master", "br0")
    ip("tuntap", "add", "tun0", "mode", "tun")
    ip("link", "set", "tun0", "mtu", "1280")
    for name in ("veth0", "veth1", "br0", "tun0"):
        ip("link", "set", name, "up")
    ip("address", "add", "10.7.0.1/24", "dev", "veth0")
    ip("address", "add", "10.7.0.2/24", "dev", "veth0")
    ip("address", "add", "fd07::1/64", "dev", "br0", "nodad")
    ip("address", "add", "10.8.0.1", "peer", "10.8.0.2", "dev", "tun0")
    # Not every kernel has these.
    for words in (("link", "veth0", "name", "veth0.7", "type", "vlan", "id", "7"),
                  ("bond0", "type", "bond"), ("ifb0", "type", "ifb")):
        subprocess.run(["ip", "link", "add", *words], check=False)
    talker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for number in range(10):
        talker.sendto(b"x" * 100, ("10.7.0.1", 9))
    (HERE / "links.bin").write_bytes(dump(RTM_GETLINK))
    (HERE / "stats.bin").write_bytes(dump(RTM_GETSTATS))
    (HERE / "addresses.bin").write_bytes(dump(RTM_GETADDR))

    sock = open_socket(GROUPS)
    ip("link", "add", "veth9", "type", "veth", "peer", "name", "peer9")
    ip("link", "set", "peer9", "up")
    ip("link", "set", "veth9", "up")
    ip("address", "add", "10.9.0.1/24", "dev", "veth9")
    ip("route", "add", "10.10.0.0/16", "via", "10.9.0.2")
    ip("route", "add", "default", "via", "10.9.0.3", "metric", "50")
    ip("route", "add", "blackhole", "192.0.2.0/24")
    ip("-6", "route", "add", "fd0a::/48", "dev", "veth9")
    ip("route", "add", "10.11.0.0/16", "nexthop", "via", "10.9.0.4", "nexthop", "via", "10.9.0.5")
    ip("link", "set", "veth9", "mtu", "1280")
    ip("link", "set", "veth9", "down")
    ip("link", "set", "veth9", "name", "renamed9")
    ip("link", "set", "renamed9", "up")
    ip("link", "delete", "renamed9")
    (HERE / "notices.bin").write_bytes(notices(sock))


if __name__ == "__main__":
    main()
