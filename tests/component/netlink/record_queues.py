#!/usr/bin/env python3
"""Records what test_recorded_queues.c replays, in a network namespace of its own (needs root):

    qdiscs.bin   RTM_GETQDISC dump: loopback, veth with a tbf that has dropped and a child below it
    family.bin   CTRL_CMD_GETFAMILY of generic netlink's "ethtool"
    cards.bin    ETHTOOL_MSG_STATS_GET dump; these devices have the groups, empty

Prints the figures of `tc -s`, which the test has in its text. Each file is the received messages one
after the other, as they came."""

import ctypes
import os
import pathlib
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
NETLINK_ROUTE, NETLINK_GENERIC, NLMSG_DONE, NLMSG_ERROR = 0, 16, 3, 2
RTM_GETQDISC, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, STATS_GET = 38, 16, 3, 32
HERE = pathlib.Path(__file__).parent


def attribute(kind, data):
    packed = struct.pack("=HH", 4 + len(data), kind) + data
    return packed + b"\0" * (-len(packed) % 4)


def ask(protocol, kind, flags, body):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    sock.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
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


def main():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for words in ("ip link set lo up", "ip link add v0 type veth peer name v1",
                  "ip link set v0 up", "ip link set v1 up", "ip address add 10.7.0.1/24 dev v0",
                  "ip neigh add 10.7.0.2 lladdr 02:00:00:00:00:99 dev v0",
                  "tc qdisc add dev v0 root handle 5: tbf rate 400kbit burst 3000 limit 6000",
                  "tc qdisc add dev v0 parent 5:1 handle 6: pfifo limit 4"):
        subprocess.run(words.split(), check=True)
    talker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(20):
        try:
            talker.sendto(b"x" * 1000, ("10.7.0.2", 9))
        except OSError:
            pass
    (HERE / "qdiscs.bin").write_bytes(ask(NETLINK_ROUTE, RTM_GETQDISC, 0x301, b"\0" * 20))
    family = ask(NETLINK_GENERIC, GENL_ID_CTRL, 0x5,
                 struct.pack("=BBH", CTRL_CMD_GETFAMILY, 1, 0) + attribute(2, b"ethtool\0"))
    (HERE / "family.bin").write_bytes(family)
    number = struct.unpack_from("=H", family, family.index(struct.pack("=HH", 6, 1)) + 4)[0]
    wanted = attribute(1, b"") + attribute(2, struct.pack("=I", 4)) + attribute(4, struct.pack("=I", 15))
    (HERE / "cards.bin").write_bytes(
        ask(NETLINK_GENERIC, number, 0x301, struct.pack("=BBH", STATS_GET, 1, 0) +
            attribute(0x8002, b"") + attribute(0x8003, wanted)))
    subprocess.run(["tc", "-s", "qdisc"], check=True)
    print("family", number)


if __name__ == "__main__":
    main()
