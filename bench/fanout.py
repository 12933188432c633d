#!/usr/bin/env python3
"""The figures of the fan-out for bench/RESULTS.md: netsonde with io_uring and with send() beside
libwebsockets, node's ws and a bare epoll and send() loop, and the daemon itself.

  bench/fanout.py --netsonde build/netsonde --programs build/release/bench [--rounds 5] [--seconds 5]
                  [--json FILE] [PART...]

All servers do the same work for the same crowd (bench/fan_load), one after the other, round after
round; ratios are made within a round, and their median is told with the least and the most. Where
there are two processors, servers have the first and the crowd the second; where it may have a
network namespace of its own, the kernel receives on the second one, too (receive packet steering), as
it would on another machine: otherwise loopback lets the sender pay for both sides. libwebsockets (its Debian
packages, unpacked) and ws (npm) lie under build/peers and are never installed. Everything talks to
127.0.0.1 and ends by process id. Prints Markdown. Parts: peers sizes modes latency stalled many idle
daemon.
"""
import argparse
import ctypes
import glob
import json
import math
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile

from run import PEERS, ROOT, free_port, machine, wait_for

PROCESSORS = sorted(os.sched_getaffinity(0))


class Failure(Exception):
    """One measurement that could not be made; the others go on."""


# ---- processes -------------------------------------------------------------------------------------

def on_processor(number):
    def prepare():
        if len(PROCESSORS) > 1:
            os.sched_setaffinity(0, {PROCESSORS[number]})
    return prepare


class Server:
    """`with Server(command) as s`: s.pid, s.port. The port is its first line, or the caller's."""

    def __init__(self, command, port=None, environment=None):
        self.command, self.port, self.environment = command, port, environment

    def __enter__(self):
        output = subprocess.DEVNULL if self.port else subprocess.PIPE
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output,
                                        stderr=subprocess.DEVNULL, preexec_fn=on_processor(0),
                                        env={**os.environ, **(self.environment or {})})
        self.pid = self.process.pid
        if not self.port:
            line = self.process.stdout.readline()
            if not line.strip().isdigit():
                self.__exit__()
                raise Failure(f"{os.path.basename(self.command[0])} did not start")
            self.port = int(line)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


class Daemon(Server):
    """The real one, with a database of its own and one loop, as the figures are asked for."""

    def __init__(self, args, interval, tls=False):
        port = free_port()
        self.data = tempfile.mkdtemp(prefix="netsonde-bench-")
        super().__init__([args.netsonde, "run", "--listen", f"127.0.0.1:{port}", "--data-dir", self.data,
                          "--interval", interval], port,
                         {"NETSONDE_SERVE_THREADS": "1", **(self.certificate() if tls else {})})

    def kind(self):
        """Words for the table: its threads, and what sends; while it runs."""
        rings = 0
        for fd in glob.glob(f"/proc/{self.pid}/fd/*"):
            try:
                rings += os.readlink(fd) == "anon_inode:[io_uring]"
            except OSError: # closed meanwhile
                pass
        threads = len(os.listdir(f"/proc/{self.pid}/task"))
        return f"serve.threads=1, {threads} threads in all, {'io_uring' if rings else 'send()'}"

    def certificate(self):
        key, cert = f"{self.data}/key.pem", f"{self.data}/cert.pem"
        quietly(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=127.0.0.1"])
        return {"NETSONDE_SERVE_TLS_KEY": key, "NETSONDE_SERVE_TLS_CERT": cert}

    def __enter__(self):
        super().__enter__()
        try:
            wait_for(lambda: socket.create_connection(("127.0.0.1", self.port), 5), "netsonde").close()
        except SystemExit as why:
            self.__exit__()
            raise Failure(str(why)) from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.data, ignore_errors=True)


def crowd(args, server, clients, seconds, *more):
    done = subprocess.run([f"{args.programs}/fan_load", "--port", str(server.port), "--pid", str(server.pid),
                           "--clients", str(clients), "--seconds", str(seconds), *more],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=on_processor(1), check=False)
    if done.returncode:
        raise Failure(done.stderr.strip().removeprefix("fan_load: "))
    result = json.loads(done.stdout)
    result["wire_bytes_per_message"] = result["wire_bytes"] / result["delivered"] if result["delivered"] else None
    return result


def own_network():
    """Sentence about who receives, for the table's head."""
    if len(PROCESSORS) < 2:
        return "Server and crowd share one processor, and the sender receives, too."
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000 | 0x00020000) != 0: # CLONE_NEWNET, CLONE_NEWNS
        return "The sender's CPU includes loopback's receiving: no network namespace of its own here."
    libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None) # MS_REC, MS_PRIVATE
    libc.mount(b"sysfs", b"/sys", b"sysfs", 0, None)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if not steer(1):
        return "The sender's CPU includes loopback's receiving: this kernel does not steer packets."
    return "Servers on one processor; the crowd, and the kernel's receiving for it, on another, unless a row says otherwise."


def steer(to):
    """Who receives what is sent on loopback: PROCESSORS[to], or the sender itself (None). True: it is so."""
    if len(PROCESSORS) < 2:
        return to is None
    try:
        with open("/sys/class/net/lo/queues/rx-0/rps_cpus", "w") as f:
            f.write("0" if to is None else f"{1 << PROCESSORS[to]:x}")
    except OSError:
        return to is None
    return True


def resent():
    """TCP segments sent again in this network namespace so far."""
    with open("/proc/net/snmp") as f:
        names, values = (line.split() for line in f if line.startswith("Tcp:"))
    return int(values[names.index("RetransSegs")])


# ---- peers -----------------------------------------------------------------------------------------

def quietly(command, **kwargs):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, **kwargs)


def fetch_libwebsockets():
    """The command of the server built with it, or None when it cannot be had."""
    root, program = os.path.join(PEERS, "libwebsockets"), os.path.join(PEERS, "fan_lws")
    source = os.path.join(ROOT, "bench", "fan_lws.c")
    if os.path.exists(program) and os.path.getmtime(program) > os.path.getmtime(source):
        return [program]
    os.makedirs(PEERS, exist_ok=True)
    try:
        if not os.path.exists(root):
            needs = subprocess.run(["apt-cache", "depends", "libwebsockets-dev"], stdout=subprocess.PIPE,
                                   text=True, check=True).stdout
            library = re.search(r"Depends: (libwebsockets\d\S*)", needs)[1]
            quietly(["apt-get", "download", "libwebsockets-dev", library, "libcap-dev"], cwd=PEERS)
            for package in glob.glob(f"{PEERS}/libwebsockets*.deb") + glob.glob(f"{PEERS}/libcap-dev*.deb"):
                quietly(["dpkg", "-x", package, root])
        shared = os.path.dirname(glob.glob(f"{root}/usr/lib/*/libwebsockets.so.*")[0])
        quietly(["cc", "-O2", "-o", program, source, f"-I{root}/usr/include", f"-L{shared}", "-lwebsockets",
                 f"-Wl,-rpath,{shared}", "-I" + os.path.join(root, "usr/include", os.path.basename(shared))])
    except (OSError, IndexError, TypeError, subprocess.CalledProcessError):
        return None
    return [program]


def fetch_ws():
    root = os.path.join(PEERS, "ws")
    os.makedirs(root, exist_ok=True)
    try:
        if not os.path.exists(f"{root}/node_modules/ws"):
            quietly(["npm", "install", "--no-audit", "--no-fund", "--prefix", root, "ws@8"], cwd=root)
        shutil.copy(os.path.join(ROOT, "bench", "fan_ws.mjs"), root) # node looks for modules beside it
    except (OSError, subprocess.CalledProcessError):
        return None
    return ["node", os.path.join(root, "fan_ws.mjs")]


SEND, RING, BARE = "netsonde with send()", "netsonde with io_uring", "bare loop"


def why_no_ring(args):
    """Why io_uring cannot be used here; None: it can."""
    done = subprocess.run([args.netsonde, "bench", "fanout", "--levels", "2", "--seconds", "0.2", "--send",
                           "io_uring", "--json", "--no-keep"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          check=False)
    return done.stderr.strip().removeprefix("netsonde bench: ") if done.returncode else None


def own_servers(args):
    """Name -> command, of netsonde with every sender that there is here."""
    own = f"{args.programs}/fan_own"
    return {SEND: [own], **({} if args.no_ring else {RING: [own, "io_uring"]})}


def best(args):
    """The name among them which the daemon would use."""
    return SEND if args.no_ring else RING


def servers(args):
    """Name -> command; a peer that is not to be had has None."""
    return {**own_servers(args), BARE: [f"{args.programs}/fan_bare"], **args.peers}


def own_and_bare(args):
    return {**own_servers(args), BARE: servers(args)[BARE]}


# ---- figures ---------------------------------------------------------------------------------------

def rounds(args, commands, clients, rate, size, seconds=None, more=None, count=None):
    """Name -> list of results, one a round; the servers take turns. `more`: name -> options of the
    crowd."""
    results = {name: [] for name, command in commands.items() if command}
    for _ in range(count or args.rounds):
        for name in results:
            with Server([*commands[name], "--size", str(size), "--rate", str(rate), "--clients",
                         str(clients)]) as server:
                results[name].append(crowd(args, server, clients, seconds or args.seconds, "--size",
                                           str(size), *(more or {}).get(name, [])))
            note(args, f"{name}: {clients} clients, {rate} Hz, {size} bytes", results[name][-1])
    return results


def note(args, what, result):
    args.log.append({"what": what, **result})
    if sys.stderr.isatty():
        print(f"{what}: {result['cpu_us_per_message']} us", file=sys.stderr)


def middle(results, *path):
    values = [value for value in (dig(result, path) for result in results) if value is not None]
    return statistics.median(values) if values else math.nan


def dig(result, path):
    for key in path:
        result = result[key]
    return result


class Ratio:
    """Of two series of results, pair by pair."""

    def __init__(self, ours, theirs, *path):
        pairs = [dig(a, path) / dig(b, path) for a, b in zip(ours, theirs) if dig(b, path)]
        self.middle, self.least, self.most = statistics.median(pairs), min(pairs), max(pairs)

    def __str__(self):
        return f"{self.middle:.2f} ({self.least:.2f} to {self.most:.2f})"


def lost(results):
    return sum(result["lost"] for result in results)


# ---- what is asked ---------------------------------------------------------------------------------

CPU, WIRE = ("cpu_us_per_message",), ("wire_bytes_per_message",)


def measure_peers(args, rows):
    """CPU of a delivery and what an idle client takes, all servers in turns."""
    results = rounds(args, servers(args), 1000, 10, 1024)
    bare = results[BARE]
    what = "server CPU for a delivered 1 KiB message, 1,000 clients: "
    for name, asked in ((SEND, "at most 1.05"), (RING, "at most 0.95")):
        rows.append((f"{what}{name} / bare epoll and send() loop", asked,
                     f"{Ratio(results[name], bare, *CPU)}; {middle(results[name], *CPU):.2f} and "
                     f"{middle(bare, *CPU):.2f} µs" if name in results else f"not measured: {args.no_ring}"))
    if RING in results:
        rows.append((f"the same, {RING} / with send()", "–", str(Ratio(results[RING], results[SEND], *CPU))))
    for peer, asked in (("libwebsockets", "at most 0.7"), ("ws", "peer")):
        for name in own_servers(args):
            rows.append((f"the same, {name} / {peer}", asked,
                         f"{Ratio(results[name], results[peer], *CPU)}; {peer} {middle(results[peer], *CPU):.2f} µs, "
                         f"/ bare {Ratio(results[peer], bare, *CPU)}" if peer in results
                         else "not measured: it could not be had"))
    rows.append(("memory of a connection that idles, server of the bench", "–", ", ".join(
        f"{name} {middle(some, 'memory_bytes_per_client'):,.0f} B" for name, some in results.items())))
    rows.append(("last client of 1,000 served, p50", "–", ", ".join(
        f"{name} {middle(some, 'last', 'p50_ms'):.1f} ms" for name, some in results.items())))
    missing = {name: lost(some) for name, some in results.items() if lost(some)}
    rows.append(("messages lost, all of them", "none", str(missing) if missing else "none"))


def measure_sizes(args, rows):
    for size in (256, 16384):
        results = rounds(args, own_and_bare(args), 1000, 10, size)
        for name in own_servers(args):
            rows.append((f"CPU of a delivery of {size:,} bytes, 1,000 clients: {name} / bare", "–",
                         f"{Ratio(results[name], results[BARE], *CPU)}; {middle(results[name], *CPU):.2f} µs"))


def measure_modes(args, rows):
    """The server of the bench under TLS and compressing: what they add to a delivery and a client."""
    own = f"{args.programs}/fan_own"
    ring = [] if args.no_ring else ["io_uring"]
    commands = {"plain": [own, *ring], "send": [own], "tls": [own, "tls"], "deflate": [own, "deflate", *ring]}
    more = {"tls": ["--tls"], "deflate": ["--deflate"]}
    sender = best(args).removeprefix("netsonde ")
    for size in (1024, 6144):
        results = rounds(args, commands, 1000, 10, size, more=more)
        what = f"server of the bench, 1,000 clients, {size:,} bytes"
        rows.append((f"{what}: CPU under TLS / plain with send()", "–",
                     f"{Ratio(results['tls'], results['send'], *CPU)}; {middle(results['tls'], *CPU):.2f} µs"))
        rows.append((f"{what} like `metrics`: bytes compressed / plain", "0.35 of the daemon's",
                     str(Ratio(results["deflate"], results["plain"], *WIRE))))
        rows.append((f"{what}: CPU compressed / plain, {sender}", "1.2 of the daemon's",
                     f"{Ratio(results['deflate'], results['plain'], *CPU)}; {middle(results['deflate'], *CPU):.2f} µs"))
        rows.append((f"{what}: memory of a connection that idles", "–", ", ".join(
            f"{name} {middle(results[name], 'memory_bytes_per_client'):,.0f} B"
            for name in ("plain", "tls", "deflate"))))


def measure_latency(args, rows):
    results = rounds(args, own_servers(args), 100, 10, 1024)
    for name, some in results.items():
        rows.append((f"100 clients at 10 Hz, {name}: delivery, p99 (median of the rounds)", "under 2 ms",
                     f"{middle(some, 'all', 'p99_ms'):.2f} ms; p50 {middle(some, 'all', 'p50_ms'):.2f} ms, last "
                     f"client p99 {middle(some, 'last', 'p99_ms'):.2f} ms"))


def measure_stalled(args, rows):
    name = best(args)
    own = own_servers(args)[name]
    commands, more = {"none": own, "one": own}, {"one": ["--stalled", "1"]}
    for size in (1024, 16384):
        results = rounds(args, commands, 1000, 10, size, more=more)
        rows.append((f"one stalled client among 1,000, {size:,} bytes, {name}: p99 of the others with / without it",
                     "under 1.1",
                     f"{Ratio(results['one'], results['none'], 'all', 'p99_ms')}; "
                     f"{middle(results['one'], 'all', 'p99_ms'):.1f} ms, lost {lost(results['one'])}"))


def measure_many(args, rows):
    """The whole crowd at once. On plain loopback the server's one processor receives for the crowd, too.
    Steered to the crowd's processor, packets wait there in a queue of net.core.netdev_max_backlog (1,000):
    what 10,000 sends in a row drop there comes 200 ms later, with TCP's retransmission, from any server."""
    try:
        for to, where in ((None, "which receives for the crowd, too"), (1, "receiving steered to the crowd's")):
            if not steer(to):
                rows.append((f"10,000 clients at 1 Hz, server on one core, {where}", "–", "not measured: no steering"))
                continue
            before = resent()
            results = rounds(args, own_and_bare(args), 10000, 1, 1024, seconds=max(10, args.seconds), count=2)
            again = resent() - before
            bare = results[BARE]
            for name in own_servers(args):
                own = results[name]
                rows.append((f"10,000 clients at 1 Hz, {name} on one core, {where}: last client served after the tick",
                             "within 150 ms" if to is None else "–",
                             f"median {middle(own, 'last', 'p50_ms'):.0f} ms, worst {worst(own):.0f} ms; bare loop median "
                             f"{middle(bare, 'last', 'p50_ms'):.0f} ms, worst {worst(bare):.0f} ms"))
                rows.append(("the same: messages lost", "none", str(lost(own) or "none")))
            rows.append(("TCP segments sent again meanwhile, all of these servers", "–", f"{again:,}"))
            if to is None:
                many_of_daemon(args, rows)
    finally:
        steer(1)


def many_of_daemon(args, rows):
    """In turns with the bare loop sending as many bytes: what the machine needs for that alone."""
    daemon, bare = [], []
    for _ in range(3):
        with Daemon(args, "1s") as server:
            daemon.append(crowd(args, server, 10000, max(10, args.seconds), *STREAM))
            how = server.kind()
        note(args, "daemon: 10,000 viewers", daemon[-1])
        size = round(dig(daemon[-1], WIRE))
        bare += rounds(args, {BARE: servers(args)[BARE]}, 10000, 1, size, seconds=max(10, args.seconds), count=1)[BARE]
    rows.append(("10,000 viewers of the daemon's `metrics` at 1 Hz, all its threads on that core: last viewer "
                 "served after the grid time", "within 150 ms",
                 f"median {middle(daemon, 'last', 'p50_ms'):.0f} ms, worst {worst(daemon):.0f} ms, lost "
                 f"{lost(daemon) or 'none'}; {middle(daemon, *WIRE):,.0f} bytes a message; {how}"))
    rows.append(("the same, bare loop with as many bytes, in turns", "–",
                 f"median {middle(bare, 'last', 'p50_ms'):.0f} ms, worst {worst(bare):.0f} ms"))


def worst(results):
    return max(result["last"]["max_ms"] for result in results)


STREAM = ["--path", "/api/v1/stream?subscribe=metrics", "--metrics"]


def measure_idle(args, rows):
    """Of the daemon, with viewers that have a subscription; nothing else grows: its tick is a minute."""
    has_tls = b"tls_cert" in subprocess.run([args.netsonde, "dump-config"], stdout=subprocess.PIPE,
                                            check=True).stdout
    for clients, tls in ((1000, False), (5000, False), (1000, True)):
        kind, asked = ("under TLS", "at most 20,480 B") if tls else ("plain", "at most 1,024 B")
        what = f"memory of an idle viewer of the daemon, {clients:,} of them, {kind}"
        if tls and not has_tls:
            rows.append((what, asked, "not measured: this version has no TLS"))
            continue
        results = []
        for _ in range(3):
            with Daemon(args, "60s", tls) as server:
                results.append(crowd(args, server, clients, 0, *STREAM, *(["--tls"] if tls else [])))
                how = server.kind()
            note(args, f"daemon: {clients} idle viewers, {kind}", results[-1])
        rows.append((what, asked, f"{middle(results, 'memory_bytes_per_client'):,.0f} B; {how}"))


def measure_daemon(args, rows):
    """Real `metrics` messages at 10 Hz to 1,000 viewers: compressed or not, one stalled or none."""
    kinds = {"plain": [], "deflate": ["--deflate"], "stalled": ["--stalled", "1"]}
    results = {kind: [] for kind in kinds}
    failures = {}
    for _ in range(args.rounds):
        for kind, more in kinds.items():
            if kind in failures:
                continue
            try:
                with Daemon(args, "100ms") as server:
                    results[kind].append(crowd(args, server, 1000, args.seconds, *STREAM, *more))
                    how = server.kind()
            except Failure as why:
                failures[kind] = why
                continue
            note(args, f"daemon: {kind}", results[kind][-1])
    plain = results["plain"]
    if "plain" in failures:
        raise Failure(str(failures["plain"]))
    size = middle(plain, *WIRE)
    rows.append(("the daemon itself, 1,000 viewers of `metrics` at 10 Hz", "–",
                 f"{size:,.0f} bytes a message, {middle(plain, *CPU):.2f} µs of all its CPU for a delivery, "
                 f"p99 {middle(plain, 'all', 'p99_ms'):.1f} ms after the grid time; {how}"))
    if "stalled" in failures:
        rows.append(("the same with one stalled viewer: p99 of the others", "ratio under 1.1",
                     f"failed: {failures['stalled']}"))
    else:
        rows.append(("the same with one stalled viewer: p99 of the others", "ratio under 1.1",
                     str(Ratio(results["stalled"], plain, "all", "p99_ms"))))
    if "deflate" in failures:
        rows.append(("the same compressed", "bytes 0.35, CPU 1.2 of plain", f"not measured: {failures['deflate']}"))
        return
    packed = results["deflate"]
    rows.append(("the same compressed: bytes on the wire / plain", "at most 0.35",
                 f"{Ratio(packed, plain, *WIRE)}; {middle(packed, *WIRE):,.0f} and {size:,.0f} bytes a message"))
    rows.append(("the same compressed: CPU of a delivery / plain", "at most 1.2",
                 f"{Ratio(packed, plain, *CPU)}; {middle(packed, *CPU):.2f} and {middle(plain, *CPU):.2f} µs"))


PARTS = {name[len("measure_"):]: part for name, part in list(globals().items()) if name.startswith("measure_")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--netsonde", required=True)
    parser.add_argument("--programs", required=True, help="directory of fan_own, fan_bare and fan_load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--json", help="every single measurement into this file")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    args = parser.parse_args()
    args.log = []
    args.peers = {"libwebsockets": fetch_libwebsockets(), "ws": fetch_ws()}
    args.no_ring = why_no_ring(args)
    where = own_network()
    rows = []
    for name in args.parts or PARTS:
        try:
            PARTS[name](args, rows)
        except Failure as why:
            rows.append((f"part {name}", "–", f"failed: {why}"))
    print(f"Machine: {machine()}. {args.rounds} rounds of {args.seconds:g} s. {where}\n")
    print("| what | asked | measured |\n| --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    if args.json:
        with open(args.json, "w") as f:
            json.dump(args.log, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
