"""`netsonde bench fanout` with a few clients, `packets` with a small file and `collect` with a few
connections: what they print, what they refuse, and that nothing is left, however it ends. The figures themselves mean nothing here."""
import ctypes
import json
import os
import resource
import signal
import struct
import subprocess

from rig import (BINARY, SLOW, WAIT_S, Directory, contains, die_with_parent, equal, own_network, run,
                 until)


IO_URING_SETUP = 425 # everywhere


def has_io_uring():
    """Whether a ring can be made here."""
    fd = ctypes.CDLL(None).syscall(IO_URING_SETUP, 1, ctypes.create_string_buffer(120))
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def forbid_io_uring():
    """For this process, with EPERM, as many containers do."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in (
        (0x20, 0, 0, 0), # load the number
        (0x15, 0, 1, IO_URING_SETUP), # another one: skip the next
        (0x06, 0, 0, 0x00050001), # SECCOMP_RET_ERRNO
        (0x06, 0, 0, 0x7fff0000)))) # SECCOMP_RET_ALLOW
    program = struct.pack("HxxxxxxP", 4, ctypes.addressof(code))
    libc, zero = ctypes.CDLL(None), ctypes.c_ulong(0)
    if libc.prctl(38, ctypes.c_ulong(1), zero, zero, zero) or \
            libc.prctl(22, ctypes.c_ulong(2), program): # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP
        raise OSError("no filter")


def bench(*arguments, limit=None, ring=True):
    def prepare():
        die_with_parent()
        if not ring:
            forbid_io_uring()
        if limit:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    return subprocess.Popen([BINARY, "bench", "fanout", "--no-keep", *arguments], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            preexec_fn=prepare)


def finish(process, status):
    out, err = process.communicate(timeout=WAIT_S)
    equal(process.returncode, status, f"status; {out}{err}")
    return out, err


def measured(*arguments, status=0, **kwargs):
    out, err = finish(bench(*arguments, "--json", **kwargs), status)
    equal(err, "", "standard error")
    return json.loads(out)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(word) for word in f.read().split()]


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_json():
    """every level, with its figures"""
    said = measured("--levels", "3,20", "--size", "256", "--rate", "20", "--seconds", "0.5")
    equal({key: said[key] for key in ("bench", "mode", "sender", "size_bytes", "stalled")},
          {"bench": "fanout", "mode": "plain", "sender": "io_uring" if has_io_uring() else "send",
           "size_bytes": 256, "stalled": 0}, "head")
    equal([level["clients"] for level in said["levels"]], [3, 20], "levels")
    for level in said["levels"]:
        equal([level[key] for key in ("outcome", "rate_hz", "lost", "dropped")],
              ["measured", 20, 0, 0], level)
        # As many as messages times clients, unless they overlap: this machine may be busy.
        equal(level["messages"] >= 1 and level["delivered"] >= level["clients"], True, level)
        equal(level["payload_bytes"], level["delivered"] * 256, "bytes")
        equal(level["wire_bytes"], level["delivered"] * (256 + 4), "bytes of frames")
        for name in ("first", "last", "all"):
            times = level[name]
            equal(0 <= times["p50_ms"] <= times["p99_ms"] <= times["max_ms"], True, f"{name} {times}")
        equal(level["first"]["p50_ms"] <= level["last"]["p50_ms"], True, level)
        equal(level["delivered_per_s"] > 0 and level["cpu_us_per_message"] > 0, True, level)


def test_text():
    """a line for each level, and nothing else where there is no terminal"""
    out, err = finish(bench("--levels", "2,5", "--seconds", "0.2", "--size", "16KiB"), 0)
    lines = out.splitlines()
    contains(lines[0], "16384 bytes, plain, sender " + ("io_uring" if has_io_uring() else "send"))
    equal([line.split()[0] for line in lines[-2:]], ["2", "5"], "levels")
    equal(err, "", "progress")


def test_modes():
    """TLS, compression and both: what arrives is whole, and compression makes less of it"""
    for mode in ("tls", "deflate", "tls-deflate"):
        said = measured("--levels", "10", "--mode", mode, "--size", "4KiB", "--seconds", "0.3")
        level = said["levels"][0]
        equal([said["mode"], level["outcome"], level["lost"]], [mode, "measured", 0], said)
        equal(level["payload_bytes"], level["delivered"] * 4096, "bytes")
        plain = level["delivered"] * (4096 + 4)
        if "deflate" in mode:
            equal(0.1 < level["wire_bytes"] / plain < 0.4, True, level)
        else:
            equal(level["wire_bytes"], plain, level)
        if "tls" in mode:
            equal(said["sender"], "send", "sender")


def test_senders():
    """what is asked for is what sends, and is named; io_uring that is not to be had ends it"""
    few = ["--levels", "10", "--seconds", "0.2"]
    equal(measured(*few, "--send", "send")["sender"], "send", "sender")
    if has_io_uring():
        for mode in ("plain", "deflate"):
            said = measured(*few, "--send", "io_uring", "--mode", mode)
            equal([said["sender"], said["levels"][0]["outcome"], said["levels"][0]["lost"]],
                  ["io_uring", "measured", 0], said)
    out, err = finish(bench(*few, "--send", "io_uring", ring=False), 1)
    equal(out, "", "standard output")
    contains(err, "io_uring cannot be used here: Operation not permitted")
    out, err = finish(bench(*few, ring=False), 0)
    contains(out, "sender send")
    contains(out, "no io_uring: Operation not permitted")
    equal(err, "", "standard error")
    _, err = finish(bench(*few, "--send", "io_uring", "--mode", "tls"), 1)
    contains(err, "TLS encrypts for each client apart")


def test_as_fast_as_it_goes():
    """--rate max, and clients that never read: those who do get everything"""
    fast = measured("--levels", "10", "--rate", "max", "--seconds", "0.5")["levels"][0]
    equal((fast["outcome"], fast["rate_hz"], fast["lost"]), ("measured", None, 0), fast)
    slow = measured("--levels", "10", "--rate", "100", "--seconds", "0.5", "--stalled", "2",
                    "--size", "64KiB")["levels"][0]
    equal((slow["outcome"], slow["lost"]), ("measured", 0), slow)
    equal(slow["delivered"] > 0, True, slow)
    # The one who never reads would be waited for.
    _, err = finish(bench("--levels", "10", "--rate", "max", "--stalled", "1"), 2)
    contains(err, "--stalled goes with a rate")


def test_what_does_not_fit():
    """levels that this machine has no room for are named, the others measured"""
    levels = measured("--levels", "5,5000", "--seconds", "0.2", limit=500)["levels"]
    equal([level["outcome"] for level in levels], ["measured", "does_not_fit"], levels)
    contains(levels[1]["why"], "limit for open files is 500")


def test_nothing_measured():
    """when no level could be measured it fails, as text and as JSON, and says why"""
    whole = ["--levels", "5000,6000", "--seconds", "0.2"]
    out, err = finish(bench(*whole, limit=500), 1)
    contains(out, "not measured")
    equal(len(err.splitlines()), 1, err)
    contains(err, "no level could be measured; 5000 clients: ", "limit for open files is 500")
    for arguments, limit, why in ((whole, 500, "limit for open files is 500"),
                                  (["--levels", "5", "--stalled", "5", "--seconds", "0.2"], None,
                                   "5 clients: ")):
        out, err = finish(bench(*arguments, "--json", limit=limit), 1)
        equal({level["outcome"] for level in json.loads(out)["levels"]}, {"does_not_fit"}, out)
        contains(err, "no level could be measured; ", why)


def ethernet_frame(port, payload):
    """One UDP packet over IPv4."""
    udp = struct.pack("!HHHH", port, 9, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                     bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)))
    return bytes(12) + b"\x08\x00" + ip + udp


def write_capture(path, packets, flows, cut=0):
    """Packets of 142 bytes; the file ends `cut` bytes before its end. Returns the bytes of frames."""
    data, total = [struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)], 0
    for i in range(packets):
        frame = ethernet_frame(20000 + i % flows, b"x" * 100)
        data.append(struct.pack("<IIII", 1_500_000_000, i, len(frame), len(frame)) + frame)
        total += len(frame)
    whole = b"".join(data)
    with open(path, "wb") as f:
        f.write(whole[:len(whole) - cut])
    return total


def run_bench(*arguments, env=None):
    done = subprocess.run([BINARY, "bench", *arguments, "--no-keep"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env,
                          timeout=WAIT_S, preexec_fn=die_with_parent)
    return done.returncode, done.stdout, done.stderr


def test_packets():
    """packets: every packet, byte and flow of the file, without nDPI and with it where there is one"""
    with Directory() as directory:
        path = os.path.join(directory, "some.pcap")
        total = write_capture(path, 5000, 40)
        code, out, err = run_bench("packets", path, "--seconds", "0.2", "--json")
        equal((code, err), (0, ""), "status and standard error")
        said = json.loads(out)
        equal((said["bench"], said["file"]), ("packets", path), "head")
        equal([row["ndpi"] for row in said["results"]], [False, True], "rows")
        for row in said["results"]:
            if row["ndpi"] and row["outcome"] == "failed":
                contains(row["why"], "nDPI")
                continue
            equal([row[key] for key in ("outcome", "packets", "bytes", "flows")],
                  ["measured", 5000, total, 40], row)
            equal(row["rounds"] >= 1 and 0 < row["median_per_s"] <= row["best_per_s"], True, row)
        code, out, err = run_bench("packets", path, "--seconds", "0.2")
        equal((code, err), (0, ""), "status and standard error")
        equal([line.split()[0] for line in out.splitlines()[-2:]], ["off", "on"], out)


def test_packets_bad_files():
    """packets: a file that is none, is cut off or has no packets is no measurement, and is named"""
    with Directory() as directory:
        paths = {name: os.path.join(directory, name) for name in ("missing", "text", "cut", "none")}
        with open(paths["text"], "w", encoding="ascii") as f:
            f.write("this is no capture, though it is long enough for the head of one\n")
        write_capture(paths["cut"], 50, 5, cut=7)
        write_capture(paths["none"], 0, 1)
        for name, path in paths.items():
            for words in ([], ["--json"]):
                code, out, err = run_bench("packets", path, "--seconds", "0.2", *words)
                equal((code, err.count("\n")), (1, 1), f"{name}: {out}{err}")
                contains(err, name)
                if words:
                    equal(out, "", name)


def test_collect():
    """collect: each engine that can be used, with its series and the connections that were made"""
    code, out, err = run_bench("collect", "--levels", "0,150", "--seconds", "0.2", "--json")
    equal((code, err), (0, ""), "status and standard error")
    said = json.loads(out)
    equal(said["bench"], "collect", "head")
    rows = {}
    for row in said["results"]:
        rows.setdefault(row["engine"], []).append(row)
        if row["outcome"] == "unavailable":
            equal(row["why"] != "", True, row)
            continue
        equal(row["outcome"], "measured", row)
        equal(0 < row["tick"]["p50_ms"] <= row["tick"]["p99_ms"] <= row["tick"]["max_ms"], True, row)
        equal(row["rounds"] >= 1 and row["series"] > 0 and row["tick_ns_per_series"] > 0, True, row)
    for engine in ("netlink", "procfs"):  # they need no privilege
        few, many = rows[engine]
        equal((few["connections"], many["connections"]), (0, 150), "levels")
        equal(many["sockets"] >= 300 > few["sockets"], True, f"{engine}: sockets")
        equal(0 < many["survey"]["p50_ms"] <= many["survey"]["max_ms"], True, many)
    code, out, err = run_bench("collect", "--levels", "0", "--seconds", "0.2")
    equal((code, err), (0, ""), "status and standard error")
    for engine in rows:
        contains(out, engine)
    for words in (["--levels", "10001"], ["--levels", "x"], ["--rate", "5"], ["--ticks", "5"], ["more"]):
        code, out, err = run_bench("collect", *words)
        equal((code, out, err.count("\n")), (2, "", 1), err)


def test_collect_signal():
    """collect: SIGTERM ends it with what it has so far, and no helper stays behind"""
    process = subprocess.Popen([BINARY, "bench", "collect", "--no-keep", "--levels", "20", "--seconds", "600",
                                "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    pids = until("its helpers", lambda: children(process.pid))
    until("connections", lambda: len(os.listdir(f"/proc/{process.pid}/fd")) > 40)
    process.terminate()
    out, _ = process.communicate(timeout=SLOW)
    equal(process.returncode, 1, "status")
    equal(json.loads(out)["results"][-1]["outcome"], "interrupted", out)
    until("the helpers end", lambda: not any(is_alive(pid) for pid in pids))


def test_store():
    """store and query: everything is written, questions are answered in full, nothing is left"""
    with Directory() as directory:
        env = {**os.environ, "TMPDIR": directory}
        few = ("--series", "100", "--ticks", "1500", "--seconds", "0.2")
        for subject in ("store", "query"):
            code, out, err = run_bench(subject, *few, "--json", env=env)
            equal((code, err), (0, ""), "status and standard error")
            said = json.loads(out)
            equal([said[key] for key in ("bench", "series", "ticks", "samples")],
                  [subject, 100, 1500, 150000], said)
            equal(said["ticks_per_s"] > 0 and said["disk_bytes"] > 4096, True, said)
            equal(abs(said["bytes_per_sample"] - said["disk_bytes"] / 150000) < 0.01, True, said)
            rows = said.get("queries", [])
            equal([(row["question"], row["series"]) for row in rows],
                  [("one_recent", 1), ("one_all", 1), ("many_recent", 100)]
                  if subject == "query" else [], "questions")
            for row in [*rows, said["write"]]:
                equal(0 < row["p50_ms"] <= row["p99_ms"] <= row["max_ms"], True, row)
            equal(os.listdir(directory), [], "left behind")
        code, out, err = run_bench("store", *few, env=env)
        equal((code, err), (0, ""), "status and standard error")
        contains(out, "100 series, 1500 ticks", "bytes a sample")
        code, out, err = run_bench("store", *few,
                                   env={**os.environ, "TMPDIR": os.path.join(directory, "none")})
        equal((code, out, err.count("\n")), (1, "", 1), err)


def test_store_signal():
    """store: SIGTERM ends it, and its history goes"""
    with Directory() as directory:
        process = subprocess.Popen([BINARY, "bench", "store", "--no-keep", "--ticks", "1000000"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent,
                                   env={**os.environ, "TMPDIR": directory})
        until("it writes", lambda: os.listdir(directory))
        process.terminate()
        finish(process, 1)
        equal(os.listdir(directory), [], "left behind")


def test_signals():
    """SIGINT and SIGTERM end it and its two processes, within a second, with what it has so far"""
    for sig in (signal.SIGINT, signal.SIGTERM):
        process = bench("--levels", "5,10", "--seconds", "60", "--json")
        pids = until("server and crowd", lambda: len(children(process.pid)) == 2 and
                     children(process.pid))
        process.send_signal(sig)
        out, _ = process.communicate(timeout=SLOW)
        equal(process.returncode, 1, "status")
        equal([level["outcome"] for level in json.loads(out)["levels"]], ["interrupted"], out)
        equal([is_alive(pid) for pid in pids], [False, False], "children")


def test_killed():
    """its processes do not outlive it even when it is killed"""
    process = bench("--levels", "5", "--seconds", "60")
    pids = until("server and crowd", lambda: len(children(process.pid)) == 2 and
                 children(process.pid))
    process.kill()
    process.communicate(timeout=WAIT_S)
    until("the children are gone", lambda: not any(is_alive(pid) for pid in pids))


def test_children_die():
    """the end of either process is told, and ends the other"""
    for index, words in ((0, "server"), (1, "crowd")):
        process = bench("--levels", "5", "--seconds", "60", "--json")
        pids = sorted(until("server and crowd", lambda: len(children(process.pid)) == 2 and
                            children(process.pid)))
        os.kill(pids[index], signal.SIGKILL)
        out, _ = finish(process, 1)
        level = json.loads(out)["levels"][0]
        equal(level["outcome"], "failed", out)
        contains(level["why"], words)
        equal([is_alive(pid) for pid in pids], [False, False], "children")


if __name__ == "__main__":
    own_network()
    run([test_json, test_text, test_modes, test_senders, test_as_fast_as_it_goes, test_what_does_not_fit,
         test_nothing_measured, test_packets, test_packets_bad_files, test_collect,
         test_collect_signal, test_store, test_store_signal, test_signals, test_killed, test_children_die])
