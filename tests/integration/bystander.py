"""A viewer who behaves, beside whatever a test does to the daemon: he must not notice it."""
import contextlib
import threading

from rig import WAIT_S, Daemon, Directory, equal, until


class Bystander(threading.Thread):
    """A viewer who subscribes to everything, reads all the time and must not miss a tick."""

    def __init__(self, d):
        super().__init__()
        self.stream = d.stream("metrics,events,interfaces")
        self.seqs, self.gaps, self.trouble, self.done = [], [], None, False
        self.start()

    def run(self):
        try:
            while not self.done:
                message = self.stream.receive()
                if message["type"] == "metrics":
                    self.seqs.append(message["seq"])
                elif message["type"] == "gap":
                    self.gaps.append(message)
        except Exception as why:  # told by check
            self.trouble = why

    def check(self):
        seen = len(self.seqs)
        until("the bystander gets ticks", lambda: len(self.seqs) > seen + 2 or self.trouble)
        self.done = True
        self.join(WAIT_S)
        self.stream.close()
        equal((self.trouble, self.gaps), (None, []), "the bystander's trouble and gaps")
        equal(self.seqs, list(range(self.seqs[0], self.seqs[-1] + 1)), "the bystander's ticks")


@contextlib.contextmanager
def undisturbed(**kwargs):
    with Directory() as data, Daemon(data, interval="50ms", **kwargs) as d:
        bystander = Bystander(d)
        try:
            yield d
        except BaseException:
            bystander.done = True
            raise
        bystander.check()
