"""`netsonde bench fanout` with a few clients: what it prints, what it refuses, and that nothing of it
is left, however it ends. The figures themselves mean nothing here."""
import json
import os
import resource
import signal
import subprocess

from rig import BINARY, SLOW, WAIT_S, contains, die_with_parent, equal, own_network, run, until


def bench(*arguments, limit=None):
    def prepare():
        die_with_parent()
        if limit:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    return subprocess.Popen([BINARY, "bench", "fanout", *arguments], stdin=subprocess.DEVNULL,
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
          {"bench": "fanout", "mode": "plain", "sender": "auto", "size_bytes": 256, "stalled": 0},
          "head")
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
    contains(lines[0], "16384 bytes, plain, sender auto")
    equal([line.split()[0] for line in lines[-2:]], ["2", "5"], "levels")
    equal(err, "", "progress")


def test_as_fast_as_it_goes():
    """--rate max, and clients that never read: those who do get everything"""
    fast = measured("--levels", "10", "--rate", "max", "--seconds", "0.5")["levels"][0]
    equal((fast["outcome"], fast["rate_hz"], fast["lost"]), ("measured", None, 0), fast)
    slow = measured("--levels", "10", "--rate", "100", "--seconds", "0.5", "--stalled", "2",
                    "--size", "64KiB")["levels"][0]
    equal((slow["outcome"], slow["lost"]), ("measured", 0), slow)
    equal(slow["delivered"] > 0, True, slow)


def test_what_does_not_fit():
    """levels that this machine has no room for are named, the others measured"""
    levels = measured("--levels", "5,5000", "--seconds", "0.2", limit=500)["levels"]
    equal([level["outcome"] for level in levels], ["measured", "does_not_fit"], levels)
    contains(levels[1]["why"], "limit for open files is 500")
    levels = measured("--levels", "5", "--stalled", "5", "--seconds", "0.2")["levels"]
    equal(levels[0]["outcome"], "does_not_fit", levels)


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
    run([test_json, test_text, test_as_fast_as_it_goes, test_what_does_not_fit, test_signals,
         test_killed, test_children_die])
