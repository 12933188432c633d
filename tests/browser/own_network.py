"""Runs a command in a network namespace of its own, where that is permitted: the traffic that fires
an alert is then the test's alone. own_network.py COMMAND [ARGUMENT...]"""
import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
import rig

try:
    rig.unshare(rig.CLONE_NEWNET)
    rig.ip("link", "set", "lo", "up")
    os.environ["OWN_NETWORK"] = "1"
except OSError as why:
    print(f"# in the host's network: {why}", flush=True)
os.execvp(sys.argv[1], sys.argv[1:])
