"""courier_probe as an object. Each wait is for a condition and has a limit."""
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "integration"))
import rig  # noqa: E402
from rig import die_with_parent, until  # noqa: E402

PROBE = os.environ["COURIER_PROBE"]
# Nothing of the environment decides where things go.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


def alert(rule="link_down", **members):
    return {"rule": rule, "series": 'node_network_up{device="eth0"}', "summary": f"{rule} of eth0",
            "severity": "critical", "value": 0, "threshold": 1, **members}


def notice(*alerts, **members):
    return {"alerts": list(alerts) or [alert()], **members}


class Probe:
    """channels: dicts of keys; a list gives a key several times."""

    def __init__(self, *channels, prepare=None, before=()):
        words = []
        for channel in channels:
            words += ["--"] if words else []
            for key, value in channel.items():
                words += [f"{key}={v}" for v in (value if isinstance(value, list) else [value])]
        self.errors = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(
            [*before, PROBE, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, env=ENVIRONMENT, text=True, bufsize=1,
            preexec_fn=lambda: (die_with_parent(), prepare and prepare()))
        self.names = [c["name"] for c in channels]
        self.events, self.lost = queue.Queue(), []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "lost":
                self.lost.append(event)
            else:
                self.events.put(event)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.kill() if kind else self.stop()
        self.process.wait()
        if kind:
            print("# " + self.output().replace("\n", "\n# "))
        rig.check_output(self.output())

    def output(self):
        self.errors.seek(0)
        return self.errors.read()

    def tell(self, **op):
        self.process.stdin.write(json.dumps(op) + "\n")
        self.process.stdin.flush()

    def send(self, channel, what=None, **more):
        self.tell(op="send", channel=self.names.index(channel), notice=what or notice(), **more)

    def status(self):
        self.tell(op="status")
        return self.events.get(timeout=rig.WAIT_S)

    def channel(self, name):
        return self.status()["channels"][self.names.index(name)]

    def until(self, name, limit_s=None, **members):
        """The channel's status once these members have these values."""
        return until(f"{name} has {members}", limit_s=limit_s, condition=lambda: next(
            (s for s in [self.channel(name)] if all(s[k] == v for k, v in members.items())), None))

    def stop(self):
        """Seconds that the end took."""
        began = time.monotonic()
        self.process.stdin.close()
        rig.equal(self.events.get(timeout=rig.WAIT_S), {"event": "stopped"})
        rig.equal(self.process.wait(rig.WAIT_S), 0, "exit status")
        return time.monotonic() - began
