"""Who talks to whom: the sockets of known processes, compared with `ss`, with their owners, directions
and events, from behind the sandbox and without privileges."""
import os
import shutil
import subprocess
import sys

from rig import (Daemon, Directory, contains, die_with_parent, equal, free_port, own_network, rows, run,
                 until)

NOBODY = 65534
COUNT = 12
STATES = {"ESTAB": "established", "TIME-WAIT": "time_wait", "LISTEN": "listen", "UNCONN": "close",
          "FIN-WAIT-1": "fin_wait1", "FIN-WAIT-2": "fin_wait2", "CLOSE-WAIT": "close_wait",
          "SYN-SENT": "syn_sent", "LAST-ACK": "last_ack", "CLOSING": "closing"}

TALKER = r"""
import ctypes, os, socket, sys
name, uid, role, port = sys.argv[1:]
if int(uid):
    os.setgroups([])
    os.setgid(int(uid))
    os.setuid(int(uid))
ctypes.CDLL(None).prctl(15, name.encode())  # PR_SET_NAME
ctypes.CDLL(None).prctl(4, 1)  # PR_SET_DUMPABLE, which setuid has taken away
if role == "server":
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=100)
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.bind(("::1", int(port)))
    print("ready", flush=True)
    held = [listener.accept()[0] for _ in range(int(sys.stdin.readline()))]
    for s in held:
        s.recv(1000, socket.MSG_WAITALL)  # what is not read makes the end a reset
else:
    held = []
    for _ in range(int(sys.stdin.readline())):
        held.append(socket.create_connection(("127.0.0.1", int(port))))
        held[-1].sendall(b"x" * 1000)
print("talking", flush=True)
for line in sys.stdin:
    if line == "close\n":
        for s in held:
            s.close()
        print("closed", flush=True)
"""


class Talker:
    def __init__(self, name, role, port, uid=0):
        self.name = name
        self.process = subprocess.Popen([sys.executable, "-c", TALKER, name, str(uid), role,
                                         str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, preexec_fn=die_with_parent)
        self.pid = self.process.pid

    def say(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hear(self, line):
        equal(self.process.stdout.readline(), line + "\n", f"{self.name} says")

    def end(self):
        self.process.kill()
        self.process.wait()


def shown_by_ss(port, kind):
    """Sockets with this port at either end: {(state, local, remote)}."""
    found = set()
    text = subprocess.run(["ss", "-Hna" + kind], stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in text.splitlines():
        state, _, _, local, remote = line.split()[:5]
        if f":{port}" in (local[local.rindex(":"):], remote[remote.rindex(":"):]):
            remote = None if remote.endswith(":*") else remote
            found.add((STATES[state], local, remote))
    return found


def shown_by_us(d, port, protocol):
    return {(row["state"], row["local"], row["remote"])
            for row in rows(d, "connections", protocol=protocol)
            if row["local"].endswith(f":{port}") or (row["remote"] or "").endswith(f":{port}")}


def daemon(data, *arguments, **kwargs):
    return Daemon(data, *arguments, environment={"NETSONDE_COLLECT_TABLES_INTERVAL": "100ms"},
                  **kwargs)


def events_of(d, kind, pid):
    return [e for e in d.events(kind) if e.get("pid") == pid]


def payload(counted, sent):
    """Is it what was sent? tcp_info counts SYN and FIN as one byte each (tcp_ack, net/ipv4)."""
    return counted is not None and sent <= counted <= sent + (2 * sent // 1000 or 2)


def counted(d, server, client):
    """Bytes, where an engine has them: on the sockets, the processes and the series."""
    method = rows(d, "connections", pid=client.pid)[0]["method"]
    if method == "procfs":
        equal({row["tx_bytes"] for row in rows(d, "connections")}, {None}, "bytes")
        equal(rows(d, "processes", pid=client.pid)[0]["rx_bytes"], None, "bytes of a process")
        return
    for talker, way, other in ((client, "tx", "rx"), (server, "rx", "tx")):
        until(f"bytes of the sockets of {talker.name}", lambda: COUNT == len(
            [row for row in rows(d, "connections", pid=talker.pid, state="established")
             if payload(row[way + "_bytes"], 1000) and payload(row[other + "_bytes"], 0)]))
        process = until("bytes of the process", lambda: [
            row for row in rows(d, "processes", pid=talker.pid)
            if payload(row[way + "_bytes"], 1000 * COUNT)])[0]
        equal(process["local_bytes"], process["rx_bytes"] + process["tx_bytes"], "local bytes")
        name = {"tx": "transmit", "rx": "receive"}[way]
        label = talker.name.replace("\\", "\\\\").replace('"', '\\"')
        unit = process["unit"] or ""
        until("bytes of the series", lambda: process[way + "_bytes"] == d.metric(
            f'netsonde_process_{name}_bytes_total{{process="{label}",unit="{unit}"}}'))
    until("round trips", lambda: d.metric("netsonde_tcp_rtt_seconds_count") > 0)


def talk(engine):
    port = free_port()
    server, client = Talker('ser"v\\er', "server", port), Talker("cli ent", "client", port)
    try:
        with Directory() as data, daemon(data, "--engine", engine) as d:
            server.hear("ready")
            until("the listener is shown", lambda: shown_by_us(d, port, "tcp"))
            before = {row["id"] for row in rows(d, "connections")}
            server.say(COUNT)
            client.say(COUNT)
            client.hear("talking")
            server.hear("talking")

            equal(len(shown_by_ss(port, "t")), 2 * COUNT + 1, "sockets by ss")
            until("TCP as ss shows it",
                  lambda: shown_by_us(d, port, "tcp") == shown_by_ss(port, "t"))
            until("UDP as ss shows it",
                  lambda: shown_by_us(d, port, "udp") == shown_by_ss(port, "u") != set())
            for talker, direction, more in ((client, "out", 0), (server, "in", 2)):
                own = until("owners are found", lambda: [
                    row for row in [rows(d, "connections", pid=talker.pid)]
                    if len(row) == COUNT + more])[0]
                for row in own:
                    equal(row["process"], talker.name, "process")
                    if row["state"] == "established":
                        equal(row["direction"], direction, "direction")
                        equal(row["id"] in before, False, "an id of its own")
                        equal(row["opened"] > 0, True, "opened")
                [process] = until("the process is shown",
                                  lambda: rows(d, "processes", pid=talker.pid))
                equal((process["process"], process["user"], process["state"],
                       process["connections"]), (talker.name, "root", "running", COUNT + more),
                      "the process")
                opened = until("openings are told", lambda: [
                    e for e in [events_of(d, "connection_opened", talker.pid)] if len(e) == COUNT])[0]
                for e in opened:
                    equal((e["process"], e["direction"], e["protocol"]),
                          (talker.name, direction, "tcp"), "an event")
                    contains(e["remote" if direction == "out" else "local"], f"127.0.0.1:{port}")
            counted(d, server, client)
            key = 'netsonde_tcp_connections{state="established"}'
            until("TCP by state", lambda: d.metric(key) >= 2 * COUNT)

            # The client closes and then the server: the client's ends wait, and the rows stay.
            ids = {row["id"] for row in rows(d, "connections", pid=client.pid)}
            client.say("close")
            client.hear("closed")
            server.say("close")
            server.hear("closed")
            until("all ends are told", lambda: len(events_of(d, "connection_closed", client.pid))
                  == len(events_of(d, "connection_closed", server.pid)) == COUNT)
            for e in events_of(d, "connection_closed", client.pid):
                equal(e["duration_ms"] >= 0, True, "duration")
            waiting = until("time-wait is shown", lambda: [
                w for w in [rows(d, "connections", state="time_wait", process=client.name)]
                if len(w) == COUNT])[0]
            equal({row["id"] for row in waiting}, ids, "ids of those that wait")
            client.end()
            until("the process has ended", lambda: [
                row for row in rows(d, "processes", pid=client.pid) if row["state"] == "ended"])
            equal(d.metric("netsonde_census_lost_total"), 0, "lost")
    finally:
        server.end()
        client.end()


def test_procfs():
    """by /proc: sockets as ss shows them, with process, direction, events, time-wait and the end"""
    talk("procfs")


def test_auto():
    """the same with whatever engines work here"""
    talk("auto")


def test_plain_user():
    """without privileges: the owners of one's own sockets, and null for those of others"""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        raise AssertionError("needs root and setpriv")
    as_nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    own, other = free_port(), free_port()
    with Directory() as directory:
        binary, data = os.path.join(directory, "netsonde"), os.path.join(directory, "data")
        shutil.copy(os.environ["NETSONDE"], binary)
        os.mkdir(data)
        os.chmod(directory, 0o755)
        os.chown(data, NOBODY, NOBODY)
        mine, theirs = Talker("mine", "server", own, NOBODY), Talker("theirs", "server", other)
        try:
            with daemon(data, "--engine", "procfs", before=as_nobody, binary=binary) as d:
                mine.hear("ready")
                theirs.hear("ready")
                row = until("the own socket has its owner", lambda: [
                    r for r in rows(d, "connections", local=f"127.0.0.1:{own}", pid=mine.pid)])[0]
                equal(row["process"], "mine", "process")
                [row] = until("the other is shown", lambda: rows(
                    d, "connections", local=f"127.0.0.1:{other}"))
                equal((row["pid"], row["process"], row["state"]), (None, None, "listen"), "hidden")
                until("it is said that some are hidden",
                      lambda: d.metric("netsonde_census_unreadable_processes") > 0)
        finally:
            mine.end()
            theirs.end()


own_network()
if not shutil.which("ss"):
    print("ss (iproute2) is not installed")
    sys.exit(77)
run([test_procfs, test_auto] + ([test_plain_user] if os.getuid() == 0 and shutil.which("setpriv")
                                else []))
