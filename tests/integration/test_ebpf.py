#!/usr/bin/env python3
"""The real daemon with the ebpf engine: what processes send is theirs to the byte, what lives for
milliseconds is told, and what is missing is said. In namespaces of its own; skips where no
programs can be loaded."""

import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading

from rig import (Daemon, Directory, Skip, contains, equal, mount, now_ms, own_network, run, unmount,
                 until)

TOTAL = 100_000_000
ENGINES = ("--engine", "ebpf,netlink,procfs")

# What a process of its own does: [name, code]. `connect(port)` and `name(text)` are there.
PRELUDE = """
import ctypes, os, socket, sys
def name(text):
    ctypes.CDLL(None).prctl(15, text.encode())
def connect(port, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_INET, kind)
    s.connect(("127.0.0.1", port))
    return s
"""


def process(code, *arguments, before=()):
    done = subprocess.run([*before, sys.executable, "-c", PRELUDE + code, *map(str, arguments)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout


class Sink:
    """Reads whatever comes, in this process. TCP and UDP on one port."""

    def __enter__(self):
        self.tcp, self.udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp.bind(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.tcp.listen(4096)
        self.udp.bind(("127.0.0.1", self.port))
        self.threads = [threading.Thread(target=work, daemon=True)
                        for work in (self.accept, self.receive)]
        for thread in self.threads:
            thread.start()
        return self

    def accept(self):
        while True:
            try:
                peer = self.tcp.accept()[0]
                while peer.recv(1 << 20):
                    pass
                peer.close()
            except OSError:
                return

    def receive(self):
        while self.udp.recv(1 << 16):
            pass

    def __exit__(self, *_):
        self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", self.port))
        for thread in self.threads:
            thread.join()
        self.udp.close()


def started(data, *arguments, **kwargs):
    """The daemon, or a skip when its ebpf engine cannot work here."""
    d = Daemon(data, *(arguments or ENGINES), **kwargs)
    d.__enter__()
    engine = d.engine("ebpf")
    if engine["state"] != "in use":
        d.stop()
        raise Skip(engine["reason"])
    return d


def bytes_of(d, name, direction="transmit"):
    pattern = rf'^netsonde_process_{direction}_bytes_total{{process="{re.escape(name)}".*}} (\S+)$'
    return sum(float(v) for v in re.findall(pattern, d.text("/metrics"), re.MULTILINE))


def resident_kb(d):
    status = open(f"/proc/{d.pid}/status", encoding="ascii").read()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def small(d, limit_kb=24 * 1024, samples=1):
    """At its least: in between a new table lies beside the old one."""
    resident = []
    for _ in range(samples):
        d.ticks_pass(15)
        resident.append(resident_kb(d))
    print(f"# main: {min(resident)} kB resident, {max(resident)} at most")
    if "Sanitizer" not in d.json("/api/v1/info")["sandbox"]["seccomp"]:
        equal(min(resident) <= limit_kb, True, f"{resident} kB resident")


def exactly(d, name, expected):
    until(f"{name} has sent {expected}", lambda: bytes_of(d, name) >= expected)
    d.ticks_pass(15)  # and no more comes
    equal(bytes_of(d, name), expected, f"bytes that {name} sent")


def test_bytes():
    """100 million bytes by TCP, by UDP, and by 2,000 processes of milliseconds: to the byte"""
    with Directory() as data, Sink() as sink:
        d = started(data)
        with d:
            small(d)
            process("""
name("tcp-writer")
s = connect(int(sys.argv[1]))
s.sendall(b"x" * int(sys.argv[2]))
""", sink.port, TOTAL)
            process("""
name("udp-writer")
s = connect(int(sys.argv[1]), socket.SOCK_DGRAM)
for _ in range(int(sys.argv[2]) // 50000):
    s.send(b"x" * 50000)
""", sink.port, TOTAL)
            process("""
data = b"x" * (int(sys.argv[2]) // 2000)
for _ in range(2000):
    pid = os.fork()
    if pid == 0:
        name("short-life")
        connect(int(sys.argv[1])).sendall(data)
        os._exit(0)
    os.waitpid(pid, 0)
""", sink.port, TOTAL)
            exactly(d, "tcp-writer", TOTAL)
            exactly(d, "udp-writer", TOTAL)
            exactly(d, "short-life", TOTAL)
            # Records may be lost to what others do here meanwhile; bytes may not.
            equal(d.metric('netsonde_ebpf_lost_total{what="processes"}'), 0, "lost")
            # None unknown: every connection that was closed has its process.
            closed = [e for e in d.events("connection_closed")
                      if e.get("remote") == f"127.0.0.1:{sink.port}"]
            equal(len(closed) > 100, True, f"{len(closed)} closed")
            equal([e for e in closed if not e.get("pid")], [], "without a process")


def test_memory():
    """5,000 sockets and 2,000 processes of milliseconds at ten ticks a second: 27 MB at most"""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 6000:
        raise Skip(f"no more than {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 6000), hard))
    with Directory() as data, Sink() as sink, socket.create_server(("127.0.0.1", 0)) as listener:
        held = []
        d = started(data, *ENGINES, "--interval", "100ms")
        with d:
            for _ in range(2500):
                held.append(socket.create_connection(listener.getsockname()))
                held.append(listener.accept()[0])
            process("""
for _ in range(2000):
    pid = os.fork()
    if pid == 0:
        name("short-life")
        connect(int(sys.argv[1])).sendall(b"x" * 100)
        os._exit(0)
    os.waitpid(pid, 0)
""", sink.port)
            exactly(d, "short-life", 200_000)
            d.ticks_pass(30)
            counted = d.json("/api/v1/connections?limit=1")["total"]
            equal(counted >= 5000, True, f"{counted} connections in the table")
            print(f"# {counted} connections")
            # Whatever else lived on this host in the last minute is in the tables, too.
            small(d, 27 * 1024 + max(0, counted - 10_000), samples=5)
        for s in held:
            s.close()


def test_connection():
    """a connection of milliseconds: opened and closed, with process, bytes, duration"""
    with Directory() as data, Sink() as sink:
        d = started(data)
        with d:
            began = now_ms()
            pid = int(process("""
name("blink")
s = connect(int(sys.argv[1]))
s.sendall(b"x" * 4321)
print(os.getpid())
""", sink.port))

            def told(kind):
                return [e for e in d.events(kind) if e.get("pid") == pid]
            [closed] = until("it is told", lambda: told("connection_closed"))
            [opened] = told("connection_opened")
            for event in (opened, closed):
                equal((event["process"], event["direction"], event["protocol"], event["method"]),
                      ("blink", "out", "tcp", "ebpf"), "who and what")
                equal(event["remote"], f"127.0.0.1:{sink.port}", "where to")
                equal(began <= event["t"] <= now_ms(), True, f"when: {event}")
            equal((closed["tx_bytes"], closed["rx_bytes"]), (4321, 0), "bytes")
            equal(0 <= closed["duration_ms"] < 5000, True, f"{closed}")
            equal(0 < closed["rtt_ms"] < 5000 and closed["retransmits"] == 0, True, f"{closed}")
            equal(0 < opened["connect_ms"] == closed["connect_ms"] < 5000, True, f"{opened}")
            until("the time to connect counts",
                  lambda: (d.metric("netsonde_tcp_connect_seconds_count") or 0) >= 1)


def test_pid_namespace():
    """in a PID namespace, as in a container: pids as /proc there has them, or none"""
    code = """
name(sys.argv[2])
connect(int(sys.argv[1])).sendall(b"x" * 54321)
print(os.getpid())
"""
    with Directory() as data, Sink() as sink:
        d = started(data, before=("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"))
        with d:
            with open(f"/proc/{d.pid}/task/{d.pid}/children", encoding="ascii") as f:
                inner = f.read().split()[0]
            pid = int(process(code, sink.port, "inmate", before=(
                "nsenter", "--pid", "--mount", "--target", inner)))
            process(code, sink.port, "stranger")
            exactly(d, "inmate", 54321)
            exactly(d, "stranger", 54321)
            table = d.json("/api/v1/processes?limit=1000")
            shown = {row["process"]: row for row in
                     (dict(zip(table["columns"], cells)) for cells in table["rows"])}
            equal((shown["inmate"]["pid"], shown["stranger"]["pid"]), (pid, None), "pids")
            for name, number in (("inmate", pid), ("stranger", None)):
                closed = until("it is told", lambda: [
                    e for e in d.events("connection_closed") if e.get("process") == name])[0]
                equal((closed.get("pid"), closed["tx_bytes"]), (number, 54321), name)
            until("both have ended", lambda: not [
                row for name in ("inmate", "stranger")
                for row in d.json(f"/api/v1/processes?filter={name}")["rows"] if "running" in row])
            os.kill(int(inner), signal.SIGTERM)  # who runs it would not hand that on
            equal(d.wait(), 0, "exit status")


def test_keeper_dies():
    """the keeper is killed: it is said, it is started again, and every byte counts on"""
    with Directory() as data, Sink() as sink:
        d = started(data)
        with d:
            keeper = int(re.search(r"pid (\d+)", d.json("/api/v1/info")["sandbox"]["keeper"])[1])
            os.kill(keeper, signal.SIGKILL)
            def again(times):
                text = d.json("/api/v1/info")["sandbox"]["keeper"]
                return f"started again {times} times" in text and int(re.search(r"pid (\d+)", text)[1])
            second = until("it is back", lambda: again(1))
            d.logged("started again 1 times, the last one was killed by signal 9")
            os.kill(second, signal.SIGKILL)  # so soon afterwards it takes a pause
            until("it is said that nobody is there", lambda: "off: it was killed by signal 9; it is "
                  "started again within" in d.json("/api/v1/info")["sandbox"]["keeper"])
            d.logged("engines go on with what they have")
            until("it is an event", lambda: [e for e in d.events("error")
                                             if e.get("what") == "keeper"])
            process("""
name("orphan")
connect(int(sys.argv[1])).sendall(b"x" * 1234567)
""", sink.port)
            exactly(d, "orphan", 1234567)
            equal(d.engine("ebpf")["state"], "in use", "the engine")
            third = until("it is back again", lambda: again(2))
            equal(len({keeper, second, third}), 3, "three processes")
            until("it is counted", lambda: d.metric("netsonde_keeper_restarts_total") == 2)
            # When who starts it is killed, too, nobody is left to do so: that is said.
            with open(f"/proc/{third}/stat", encoding="ascii") as f:
                nurse = int(f.read().rpartition(")")[2].split()[1])
            os.kill(nurse, signal.SIGKILL)
            d.logged("nothing new is opened for them until a restart")
            exactly(d, "orphan", 1234567)


def test_dns():
    """a question and its answer: name, rcode, latency, and who asked"""
    answer_flags, question = b"\x81\x83", b"\x05query\x04test\x00\x00\x01\x00\x01"
    with Directory() as data, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        d = started(data)
        with d:
            server.bind(("127.0.0.1", 53))

            def serve():
                message, peer = server.recvfrom(512)
                server.sendto(message[:2] + answer_flags + message[4:], peer)
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            pid = int(process("""
name("resolver")
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(bytes.fromhex(sys.argv[1]), ("127.0.0.1", 53))
s.recv(512)
print(os.getpid())
""", (struct.pack(">6H", 4711, 0x100, 1, 0, 0, 0) + question).hex()))
            thread.join()
            [event] = until("it is told", lambda: [e for e in d.events("dns")
                                                   if e.get("pid") == pid])
            equal((event["name"], event["type"], event["rcode"], event["server"]),
                  ("query.test", "A", "NXDOMAIN", "127.0.0.1:53"), "what")
            equal((event["pid"], event["process"]), (pid, "resolver"), "who")
            equal(0 < event["latency_ms"] < 10000, True, f"{event}")
            row = until("it is in the table", lambda: [
                dict(zip(table["columns"], row)) for table in [d.json("/api/v1/dns?limit=1000")]
                for row in table["rows"] if "query.test" in row])[0]
            equal({**row, "id": 0, "t": 0, "latency_ms": 0},
                  {"id": 0, "t": 0, "name": "query.test", "type": "A", "rcode": "NXDOMAIN",
                   "latency_ms": 0, "server": "127.0.0.1:53", "process": "resolver"}, "a row")
            equal(abs(row["latency_ms"] - event["latency_ms"]) < 1e-3, True, f"{row}")
            equal(d.metric('netsonde_dns_queries_total{rcode="NXDOMAIN"}') >= 1, True, "counted")
            count = d.metric("netsonde_dns_lookup_seconds_count")
            equal(count >= 1, True, "time to answer")


def test_drops():
    """packets to a port where nobody listens: counted under the kernel's reason"""
    key = 'netsonde_packet_drops_total{reason="no_socket"}'
    service = 'netsonde_service_packet_drops_total{port="9",protocol="udp",reason="no_socket"}'
    with Directory() as data:
        d = started(data)
        with d, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            if "drops" not in d.engine("ebpf")["provides"]:
                raise Skip(d.engine("ebpf")["reason"])
            for _ in range(23):
                s.sendto(b"x", ("127.0.0.1", 9))
            until("they are counted", lambda: (d.metric(service) or 0) >= 23)
            equal(d.metric(service), 23, service)
            equal(d.metric(key) >= 23, True, key)


def test_no_btf():
    """a kernel without BTF: said with reason and remedy, and the others do the work"""
    if not os.path.isdir("/sys/kernel/btf"):
        raise Skip("there is none here either")
    mount("none", "/sys/kernel/btf", "tmpfs")
    try:
        with Directory() as data, Daemon(data) as d:
            engine = d.engine("ebpf")
            equal((engine["state"], engine["provides"]), ("unavailable", []), "ebpf")
            contains(engine["reason"], "/sys/kernel/btf/vmlinux cannot be read: No such file")
            contains(engine["remedy"], "CONFIG_DEBUG_INFO_BTF=y")
            equal(d.engine("netlink")["state"], "in use", "netlink")
    finally:
        unmount("/sys/kernel/btf")


def test_plain_user():
    """without the rights: said which ones it takes"""
    with Directory() as directory:
        # Where this tree lies nobody else may be able to look.
        binary, data = os.path.join(directory, "netsonde"), os.path.join(directory, "data")
        shutil.copy(os.environ["NETSONDE"], binary)
        os.mkdir(data)
        os.chmod(directory, 0o755)
        os.chown(data, 65534, 65534)

        def become_nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        with Daemon(data, prepare=become_nobody, binary=binary) as d:
            engine = d.engine("ebpf")
            equal(engine["state"], "unavailable", "ebpf")
            contains(engine["reason"], "CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN")
            contains(engine["remedy"], "cap_bpf", "cap_perfmon", "cap_net_admin")


own_network()
run([test_bytes, test_memory, test_connection, test_pid_namespace, test_keeper_dies, test_dns,
     test_drops, test_no_btf, test_plain_user])
