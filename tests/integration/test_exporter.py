"""The real prometheus-node-exporter beside netsonde, in one network namespace: every network family
that it has is here, with its names, labels, types and values, whichever engine reads them."""
import contextlib
import socket
import subprocess

import peers
from exporter import Scraper, exporter
from rig import (Daemon, Directory, Wire, equal, free_port, ip, neighbour, own_network,
                 remove_links, run, settled, until)

def differences(before, ours, after):
    """What netsonde's page has otherwise than a node_exporter that was asked before and after it.
    A number that moves lies between the two; one that does not is the same."""
    found = []
    for key, low in before.samples.items():
        high, value = after.samples.get(key), ours.samples.get(key)
        name, labels = key
        told = f"{name} {dict(sorted(labels))}"
        if high is None:
            continue  # went between the two
        if value is None:
            found.append(f"{told} is missing, node_exporter has {low}")
        elif not min(low, high) <= value <= max(low, high):
            found.append(f"{told} is {value}, node_exporter has {low} and then {high}")
    for name, labels in ours.samples:
        # Of families that it has, and of devices.
        if (name, labels) not in before.samples and (name, labels) not in after.samples and \
                name in before.types:
            found.append(f"{name} {dict(sorted(labels))} is one too many")
    return found


def devices_of_all_kinds():
    """Not only such as have an address, a carrier or a speed."""
    ip("link", "add", "one", "type", "veth", "peer", "name", "two")
    ip("link", "set", "one", "up", "alias", 'a "port"\\ of the bridge')
    ip("link", "set", "two", "up")
    ip("link", "set", "one", "group", "7")
    ip("link", "add", "off", "mtu", "1234", "type", "veth", "peer", "name", "off-peer")
    for optional in ("link add bridge type bridge", "link set bridge up",
                     "link set one master bridge",
                     "link add link two name two.5 type vlan id 5",
                     "link set two.5 up address 02:00:00:00:00:55", "tuntap add tun mode tun",
                     "link add tunnel type sit local 127.0.0.1"):
        subprocess.run(["ip", *optional.split()], stderr=subprocess.DEVNULL, check=False)
    settled("one")
    settled("two")


def traffic(wire):
    """TCP and UDP, to where somebody listens and where nobody does."""
    wire.send(300)
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.bind((address, 0))
            listener.listen()
            for _ in range(20):
                with socket.create_connection(listener.getsockname()[:2]) as here, \
                        listener.accept()[0] as there:
                    here.sendall(b"x" * 10000)
                    equal(len(there.recv(10000, socket.MSG_WAITALL)), 10000, "bytes received")
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as s:
            s.connect((address, free_port()))
            for _ in range(20):
                with contextlib.suppress(ConnectionRefusedError):
                    s.send(b"nobody")


def compared(engines):
    """A round: node_exporter, a tick of netsonde's that began after that, node_exporter. Gauges may
    go up and down between two reads, so not every round is one in which nothing moved; there has to
    be one, and soon."""
    with neighbour() as pid, Directory() as data:
        wire = Wire(pid)
        devices_of_all_kinds()
        try:
            with Daemon(data, "--engine", engines) as d, exporter() as theirs:
                mine = Scraper(d.port)
                theirs()  # connections are made
                mine()
                traffic(wire)
                last = []

                def a_quiet_round():
                    before = theirs()
                    began = before.samples["node_time_seconds", frozenset()]

                    def tick_after():
                        page = mine()
                        time = page.samples["node_time_seconds", frozenset()]
                        return page if time > began else None
                    ours = until("a tick after that", tick_after)
                    after = theirs()
                    last[:] = differences(before, ours, after)
                    if last:
                        return None
                    return before, ours

                try:
                    before, ours = until("a round without a difference", a_quiet_round)
                except AssertionError as why:
                    raise AssertionError(f"{why}: {len(last)} differences:\n" +
                                         "\n".join(last[:60])) from None
                types = ours.family_types()
                for name, kind in before.family_types().items():
                    equal(types.get(name), kind, f"the type of {name}")
                    equal(bool(ours.helps.get(name)), True, f"{name} has a sentence")
                equal(len(before.samples) > 500, True, "numbers compared")
        finally:
            remove_links("va", "two", "bridge", "off", "tun", "tunnel")


def test_netlink():
    """the netlink engine gives what node_exporter gives"""
    compared("netlink,procfs")


def test_procfs():
    """the procfs engine gives what node_exporter gives"""
    compared("procfs")


if __name__ == "__main__":
    peers.fetch(*peers.NODE_EXPORTER)
    own_network()
    run([test_netlink, test_procfs])
