#!/usr/bin/env python3
"""The figures of bench/RESULTS.md, measured in one run with the peer beside it.

  bench/run.py --netsonde build/netsonde --load build/release/bench/load [--seconds 60]

Netdata is the peer: its Debian package is unpacked under build/peers, never installed, and runs with
everything off but its kernel reading, so that both do about the same work. Everything talks to
127.0.0.1 and ends by process id. Prints Markdown.
"""
import argparse
import base64
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.join(ROOT, "build", "peers")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return answer.read().decode()


def wait_for(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
        except OSError:
            pass
        time.sleep(0.002)
    raise SystemExit(f"bench: waited {seconds} s in vain for {what}")


def cpu_seconds(pid):
    """Time on a CPU of all threads, by the scheduler's nanoseconds."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path) as f:
            total += int(f.read().split()[0])
    return total / 1e9


def thread_cpu_seconds(pid):
    """The same by name of the thread."""
    times = {}
    for path in glob.glob(f"/proc/{pid}/task/*"):
        with open(f"{path}/comm") as name, open(f"{path}/schedstat") as stat:
            times[name.read().strip()] = int(stat.read().split()[0]) / 1e9
    return times


def rss_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]


class Process:
    def __init__(self, command, **kwargs):
        self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, **kwargs)
        self.pid = self.popen.pid

    def stop(self):
        self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


def start_netsonde(args, interval):
    port = free_port()
    data = tempfile.mkdtemp(prefix="netsonde-bench-")
    process = Process([args.netsonde, "run", "--listen", f"127.0.0.1:{port}", "--data-dir", data,
                       "--interval", interval])
    process.port, process.data = port, data
    return process


def stop_netsonde(process):
    process.stop()
    shutil.rmtree(process.data, ignore_errors=True)


def fetch_netdata():
    """The peer's root directory, or None when its package cannot be had."""
    root = os.path.join(PEERS, "netdata")
    binary = os.path.join(root, "usr/sbin/netdata")
    if os.path.exists(binary):
        return root
    os.makedirs(root, exist_ok=True)
    try:
        subprocess.run(["apt-get", "download", "-q", "netdata-core"], cwd=PEERS, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        package = glob.glob(os.path.join(PEERS, "netdata-core_*.deb"))[0]
        subprocess.run(["dpkg", "-x", package, root], check=True)
    except (OSError, IndexError, subprocess.CalledProcessError):
        return None
    return root


NETDATA_CONF = """
[global]
    run as user = {user}
    update every = 1
[directories]
    config = {dir}/etc
    stock config = {dir}/etc
    cache = {dir}/cache
    lib = {dir}/lib
    log = {dir}/log
    lock = {dir}/lock
    web = {dir}/web
    plugins = {dir}/plugins
[db]
    mode = dbengine
[web]
    bind to = 127.0.0.1:{port}
[registry]
    enabled = no
[health]
    enabled = no
[ml]
    enabled = no
[statsd]
    enabled = no
[plugins]
    enable running new plugins = no
    proc = yes
    diskspace = no
    cgroups = no
    tc = no
    idlejitter = no
    timex = no
    profile = no
    netdata monitoring = no
"""

# Of the proc plugin only what netsonde reads as well.
NETDATA_PROC_OFF = ["/proc/stat", "/proc/uptime", "/proc/loadavg", "/proc/sys/kernel/random/entropy_avail",
                    "/proc/pressure", "/proc/interrupts", "/proc/softirqs", "/proc/vmstat", "/proc/meminfo",
                    "/sys/kernel/mm/ksm", "/sys/block/zram", "/sys/devices/system/edac/mc",
                    "/sys/devices/system/node", "/proc/mdstat", "/proc/net/rpc/nfsd", "/proc/net/rpc/nfs",
                    "/proc/spl/kstat/zfs/arcstats", "/sys/fs/btrfs", "ipc", "/sys/class/power_supply",
                    "/proc/diskstats", "/proc/net/wireless", "/sys/class/infiniband"]


def start_netdata(root):
    port = free_port()
    directory = tempfile.mkdtemp(prefix="netdata-bench-")
    for name in ("etc", "cache", "lib/cloud.d", "log", "lock", "web", "plugins"):
        os.makedirs(os.path.join(directory, name))
    conf = NETDATA_CONF.format(dir=directory, port=port, user="root")
    conf += "[plugin:proc]\n" + "".join(f"    {name} = no\n" for name in NETDATA_PROC_OFF)
    with open(f"{directory}/etc/netdata.conf", "w") as f:
        f.write(conf)
    with open(f"{directory}/lib/cloud.d/cloud.conf", "w") as f:
        f.write("[global]\n    enabled = no\n")
    open(f"{directory}/etc/.opt-out-from-anonymous-statistics", "w").close()
    process = Process([os.path.join(root, "usr/sbin/netdata"), "-D", "-c",
                       f"{directory}/etc/netdata.conf"], env={**os.environ, "DO_NOT_TRACK": "1"})
    process.port, process.data = port, directory
    try:
        wait_for(lambda: get(port, "/api/v1/info"), "netdata", 15)
    except SystemExit:
        process.stop()
        shutil.rmtree(directory, ignore_errors=True)
        return None
    return process


def netdata_series(port):
    charts = json.loads(get(port, "/api/v1/charts"))["charts"]
    return sum(len(chart["dimensions"]) for chart in charts.values())


def netsonde_series(port):
    return len(json.loads(get(port, "/api/v1/series")))


def load(args, port, clients, seconds):
    done = subprocess.run([args.load, "--port", str(port), "--clients", str(clients), "--seconds",
                           str(seconds)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def first_metrics_ms(args):
    """From exec to the first metrics message of a viewer that connects as soon as it can."""
    started = time.monotonic()
    process = start_netsonde(args, "1s")
    try:
        def connect():
            return socket.create_connection(("127.0.0.1", process.port), 5)
        sock = wait_for(connect, "the listener")
        key = base64.b64encode(os.urandom(16)).decode()
        sock.sendall((f"GET /api/v1/stream?subscribe=metrics HTTP/1.1\r\nHost: 127.0.0.1:{process.port}\r\n"
                      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      f"Sec-WebSocket-Key: {key}\r\n\r\n").encode())
        seen = b""
        while b'"type":"metrics"' not in seen:
            piece = sock.recv(65536)
            if not piece:
                raise SystemExit("bench: the server closed the stream")
            seen = seen[-32:] + piece
        return (time.monotonic() - started) * 1000
    finally:
        stop_netsonde(process)


def measure_idle(args, rows):
    """CPU and memory of both, beside each other, for the same minute."""
    ours = start_netsonde(args, "1s")
    root = fetch_netdata()
    peer = start_netdata(root) if root else None
    try:
        wait_for(lambda: get(ours.port, "/readyz"), "netsonde")
        time.sleep(5)  # both have seen every series by now
        pids = [ours.pid] + children(ours.pid)
        before = sum(cpu_seconds(p) for p in pids), cpu_seconds(peer.pid) if peer else 0
        time.sleep(args.seconds)
        after = sum(cpu_seconds(p) for p in pids), cpu_seconds(peer.pid) if peer else 0
        cpu = [(b - a) / args.seconds * 100 for a, b in zip(before, after)]
        series = netsonde_series(ours.port)
        rows.append(("CPU at 1 s, no viewer, main and keeper", "at most 0.3 % of a core",
                     f"{cpu[0]:.2f} % for {series} series"))
        if peer:
            theirs = netdata_series(peer.port)
            rows.append(("the same, Netdata", "peer", f"{cpu[1]:.2f} % for {theirs} series; "
                         f"netsonde / Netdata = {cpu[0] / cpu[1]:.2f}"))
            rows.append(("resident memory, Netdata", "peer", f"{rss_mb(peer.pid):.1f} MB"))
        else:
            rows.append(("the same, Netdata", "peer", "not measured: it could not be had or did not start"))
    finally:
        stop_netsonde(ours)
        if peer:
            peer.stop()
            shutil.rmtree(peer.data, ignore_errors=True)


def measure_viewers(args, rows):
    ours = start_netsonde(args, "1s")
    try:
        wait_for(lambda: get(ours.port, "/readyz"), "netsonde")
        crowd = load(args, ours.port, 100, max(20, args.seconds))
        series = netsonde_series(ours.port)
        rows.append((f"grid time to message received, 100 viewers of all {series} series",
                     "p99 under 10 ms, aim 2 ms",
                     f"p50 {crowd['p50_ms']:.2f} ms, p99 {crowd['p99_ms']:.2f} ms, max "
                     f"{crowd['max_ms']:.2f} ms"))
    finally:
        stop_netsonde(ours)
    ours = start_netsonde(args, "1s")
    viewers = None
    try:
        wait_for(lambda: get(ours.port, "/readyz"), "netsonde")
        viewers = Process([args.load, "--port", str(ours.port), "--clients", "10", "--seconds",
                           str(args.seconds)])
        time.sleep(args.seconds - 2)
        keeper = [rss_mb(p) for p in children(ours.pid)]
        rows.append(("resident memory of main, 10 viewers", "at most 16 MB",
                     f"{rss_mb(ours.pid):.1f} MB"))
        rows.append(("resident memory of the keeper", "at most 4 MB",
                     f"{keeper[0]:.1f} MB" if keeper else "not started: no privileges here"))
    finally:
        if viewers:
            viewers.stop()
        stop_netsonde(ours)


def metric(text, name):
    for line in text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    return 0.0


def measure_tick(args, rows):
    """What one tick costs with one viewer of everything, at 100 ms: CPU of the core and the store
    thread by the scheduler's clock, their waking and sleeping in it; beside it the stages alone by
    the program's own clock, and all of main, with the hub's sending and the survey."""
    ours = start_netsonde(args, "100ms")
    viewer = None
    try:
        wait_for(lambda: get(ours.port, "/readyz"), "netsonde")
        viewer = Process([args.load, "--port", str(ours.port), "--clients", "1", "--seconds", "40"])
        time.sleep(15)  # the ring of ticks is full: from here on no memory is new
        names = ["netsonde_ticks_total", "netsonde_collect_seconds_sum", "netsonde_tick_seconds_total",
                 "netsonde_store_write_seconds_total"]

        def look():
            text = get(ours.port, "/metrics")
            return [metric(text, name) for name in names], thread_cpu_seconds(ours.pid)
        before, cpu_before = look()
        time.sleep(20)
        after, cpu_after = look()
        ticks, collect, tick, store = [b - a for a, b in zip(before, after)]
        each = 1e6 / ticks / netsonde_series(ours.port)
        cpu = {name: (cpu_after[name] - cpu_before.get(name, 0)) * each for name in cpu_after}
        rows.append((f"one tick of {netsonde_series(ours.port)} series: CPU of the threads that collect, "
                     "seal, encode and store, per series", "at most 1 µs",
                     f"{cpu['core'] + cpu['store']:.2f} µs (core {cpu['core']:.2f}, store "
                     f"{cpu['store']:.2f})"))
        rows.append(("of it in the stages, by the program's own clock", "–",
                     f"{(tick + store) * each:.2f} µs (collect {collect * each:.2f}, seal, encode and "
                     f"hand on {(tick - collect) * each:.2f}, store {store * each:.2f})"))
        rows.append(("all CPU of main, sending included, per series", "–",
                     f"{sum(cpu.values()):.2f} µs (hub {cpu['hub']:.2f})"))
    finally:
        if viewer:
            viewer.stop()
        stop_netsonde(ours)


def measure_page(args, rows):
    script = os.path.join(ROOT, "bench", "page.mjs")
    ours = start_netsonde(args, "1s")
    try:
        wait_for(lambda: get(ours.port, "/readyz"), "netsonde")
        time.sleep(3)
        done = subprocess.run(["node", script, f"http://127.0.0.1:{ours.port}/"],
                              stdout=subprocess.PIPE, check=True, timeout=120)
        page = json.loads(done.stdout)
        rows.append(("page loaded to first chart painted, warm browser, loopback", "within 500 ms",
                     f"median {page['median_ms']:.0f} ms of {page['runs']} (first, cold: "
                     f"{page['cold_ms']:.0f} ms)"))
        rows.append(("initial JavaScript, gzip", "at most 120 KiB", f"{page['js_kib']:.1f} KiB"))
    finally:
        stop_netsonde(ours)


def machine():
    model = "?"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    uname = os.uname()
    return f"{os.cpu_count()} x {model}, Linux {uname.release}, {time.strftime('%Y-%m-%d')}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--netsonde", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    rows = []
    starts = sorted(first_metrics_ms(args) for _ in range(5))
    rows.append(("start to first `metrics` message", "at most 1,150 ms",
                 f"median {starts[2]:.0f} ms, worst of 5 {starts[-1]:.0f} ms"))
    measure_page(args, rows)
    measure_viewers(args, rows)
    measure_tick(args, rows)
    measure_idle(args, rows)
    print(f"Machine: {machine()}.\n")
    print("| what | asked | measured |\n| --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
