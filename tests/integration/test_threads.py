"""Several loops that serve: each viewer is on one of them and must not be able to tell."""
import resource
import select
import socket

import rig
from rig import Daemon, Directory, equal, until

THREADS = 4


def hubs(d):
    """The threads that serve."""
    tasks = f"/proc/{d.pid}/task"
    names = []
    for task in rig.os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="ascii") as file:
            names.append(file.read().strip())
    return names.count("hub")


def test_same_for_all():
    """Viewers of four loops get the same messages, and so do viewers that are slow to come"""
    with Directory() as data, Daemon(data, environment={"NETSONDE_SERVE_THREADS": str(THREADS)}) as d:
        equal(hubs(d), THREADS, "threads")
        streams = [d.stream("metrics") for _ in range(24)]
        seen = []
        for stream in streams:
            first = stream.wait_for("metrics")
            seen.append({first["seq"]: first["values"]})
        last = max(min(one) for one in seen) + 5
        for stream, one in zip(streams, seen):
            while max(one) < last:
                message = stream.wait_for("metrics")
                one[message["seq"]] = message["values"]
        for one in seen:
            equal(one[last], seen[0][last], f"tick {last}")
            equal(sorted(one), list(range(min(one), max(one) + 1)), "ticks")
        until("all viewers to be counted",
              lambda: d.metric("netsonde_server_viewers") == len(streams))
        for stream in streams:
            stream.close()
        until("no viewer to be counted", lambda: d.metric("netsonde_server_viewers") == 0)


def test_limit():
    """max_clients holds for all loops together"""
    environment = {"NETSONDE_SERVE_THREADS": str(THREADS), "NETSONDE_SERVE_MAX_CLIENTS": "10"}
    with Directory() as data, Daemon(data, environment=environment) as d:
        until("it is ready, and there is no client", lambda: d.status("/readyz") == 200)
        clients = [socket.create_connection(("127.0.0.1", d.port)) for _ in range(24)]
        poller = select.poll()
        for client in clients:
            poller.register(client, select.POLLIN)
        # Those beyond the limit are told, and the others wait for somebody to speak.
        told = set()
        until("14 clients are turned away",
              lambda: told.update(fd for fd, _ in poller.poll(100)) or len(told) >= 14)
        for client in clients:
            if client.fileno() in told:
                rig.contains(client.recv(1000).decode(), " 503 ")
        # The connection that asked whether it is ready may have been still there.
        equal(len(told) in (14, 15), True, f"{len(told)} turned away")
        for client in clients:
            client.close()
        until("them to be counted",
              lambda: (d.metric("netsonde_server_refused_total") or 0) >= 14)


def test_port_in_use():
    """A second daemon on the same port is told so, although both would share it among their loops"""
    environment = {"NETSONDE_SERVE_THREADS": str(THREADS)}
    with Directory() as data, Directory() as other, Daemon(data, environment=environment) as d:
        code, output = rig.refused(other, port=d.port, environment=environment)
        equal(code, 1, "exit status")
        rig.contains(output, "another program is using it")


def test_goodbye():
    """At the end every viewer of every loop hears 1001"""
    environment = {"NETSONDE_SERVE_THREADS": str(THREADS)}
    with Directory() as data, Daemon(data, environment=environment) as d:
        streams = [d.stream("metrics") for _ in range(12)]
        for stream in streams:
            stream.wait_for("metrics")
        d.stop()
        for stream in streams:
            equal(stream.goodbye(), 1001, "close code")


def test_descriptors():
    """As many loops as there can be, and few descriptors: a crowd does not take those of the daemon"""
    most = 1024
    low = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Directory() as data, \
            Daemon(data, environment={"NETSONDE_SERVE_THREADS": "64"}, prepare=low) as d:
        clients = [socket.create_connection(("127.0.0.1", d.port)) for _ in range(700)]
        d.logged("turned connections away: serve.max_clients is reached")
        used = len(rig.os.listdir(f"/proc/{d.pid}/fd"))
        equal(used < most, True, f"{used} descriptors of {most} are used")
        for client in clients:
            client.close()
        until("there is room again", d.ready)
        equal("no descriptors are left" in d.output(), False, d.output())


if __name__ == "__main__":
    rig.run([test_same_for_all, test_limit, test_port_in_use, test_goodbye, test_descriptors])
