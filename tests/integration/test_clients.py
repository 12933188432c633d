"""Clients that others have written: node `ws`, Python's `websockets` and `autobahn`. Each with and
without permessage-deflate, with fragmented and long messages, and goodbyes from either side."""
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys

from rig import WAIT_S, Daemon, Directory, Skip, equal, die_with_parent, own_network, run

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENTS = os.path.join(HERE, "clients")
MODES = ["plain", "deflate", "no_takeover", "small_window"]  # clients/common.py
DEFLATE = {"plain": False, "deflate": True, "no_takeover": True, "small_window": False}


def python_with(module):
    """Debian's packages are for the system's Python, which need not be the one that runs this."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run(
                [python, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode == 0:
            return [python, os.path.join(CLIENTS, f"client_{module}.py")]
    raise Skip(f"python3-{module} is not installed")


def node_ws():
    ws = os.path.join(HERE, "../../web/node_modules/ws")
    if not os.path.isdir(ws) or not shutil.which("node"):
        raise Skip("no node, or no web/node_modules/ws")
    return ["node", os.path.join(CLIENTS, "client_ws.mjs")]


def line_of(client):
    ready = select.select([client.stdout], [], [], WAIT_S)[0]
    line = client.stdout.readline() if ready else ""
    if not line:
        client.kill()
        raise AssertionError(f"no report: {client.communicate()[1]}")
    return json.loads(line)


@contextlib.contextmanager
def started(command, port, modes):
    client = subprocess.Popen([*command, str(port), *modes], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    try:
        yield client
    finally:
        client.kill()
        client.communicate()


def check_viewer(viewer, library):
    what = f"{library}, {viewer['mode']}"
    equal(viewer["deflate"], DEFLATE[viewer["mode"]], f"{what}: compression")
    equal(viewer["protocol"], "netsonde.v1", f"{what}: the protocol")
    seqs = sorted(int(seq) for seq in viewer["metrics"])
    equal(seqs, list(range(seqs[0], seqs[0] + len(seqs))), f"{what}: ticks")


def check_library(command):
    with Directory() as data, Daemon(data) as d, started(command, d.port, MODES) as client:
        report = line_of(client)
        print(f"# {report['library']}")
        for viewer in report["viewers"]:
            check_viewer(viewer, report["library"])
        equal([v.get("closed") for v in report["viewers"]], [1000, 1000, None, None],
              "their own goodbyes, answered")
        equal(d.metric("netsonde_server_protocol_errors_total"), 0, "protocol errors")
        d.stop()
        equal([line_of(client) for _ in range(2)], [1001, 1001], "the server's goodbyes")
        equal(client.wait(WAIT_S), 0, "how the client ended")


def test_websockets():
    """Python's websockets: compression, fragments, goodbyes"""
    check_library(python_with("websockets"))


def test_autobahn():
    """Python's autobahn: compression, fragments, goodbyes"""
    check_library(python_with("autobahn"))


def test_ws():
    """node's ws: compression, fragments, goodbyes"""
    check_library(node_ws())


def test_mixed():
    """16 viewers of all kinds with and without compression get equal messages"""
    kinds = []
    for find in (node_ws, lambda: python_with("websockets"), lambda: python_with("autobahn")):
        try:
            kinds.append(find())
        except Skip as why:
            print(f"# without one kind: {why}")
    if not kinds:
        raise Skip("none of the clients is here")
    modes = [(MODES * 4)[i::len(kinds)] for i in range(len(kinds))]
    seen, reports = {}, 0
    with Directory() as data, Daemon(data) as d, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(started(kind, d.port, mine))
                   for kind, mine in zip(kinds, modes)]
        for client in clients:
            report = line_of(client)
            for viewer in report["viewers"]:
                check_viewer(viewer, report["library"])
                reports += 1
                for seq, digest in viewer["metrics"].items():
                    seen.setdefault(seq, []).append(digest)
    equal(reports, 16, "viewers")
    shared = [digests for digests in seen.values() if len(digests) > 1]
    equal(len(shared) > 5, True, "messages that several got")
    equal(max(map(len, shared)) > 8, True, "messages that more than half of them got")
    equal([len(set(digests)) for digests in shared], [1] * len(shared), "different messages")


own_network()
run([test_websockets, test_autobahn, test_ws, test_mixed])
