"""In which container the other end of a veth is: with the real kernel's numbers of network namespaces,
and processes in cgroups that are named as container engines name theirs."""
import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import threading

import rig
from rig import BINARY, Daemon, Directory, Skip, die_with_parent, equal, ip, until

NOBODY = 65534
ENGINES = {"NETSONDE_COLLECT_ENGINES": "netlink,procfs", "NETSONDE_COLLECT_TABLES_INTERVAL": "100ms"}


def identity(letter):
    """(what the engine calls the cgroup, what netsonde calls the container)"""
    return f"docker-{letter * 12}{'0' * 52}.scope", f"docker:{letter * 12}"


@contextlib.contextmanager
def cgroups():
    """Makes cgroups: a function from a name to the directory. All are removed at the end."""
    with Directory() as place:
        try:
            rig.mount("none", place, "cgroup2")
        except OSError as why:
            raise Skip(f"no cgroup2 here: {why}") from None
        parent, made = os.path.join(place, f"netsonde-test-{os.getpid()}"), []

        def make(name):
            path = os.path.join(parent, name)
            for one in (parent, path):
                if not os.path.isdir(one):
                    try:
                        os.mkdir(one)
                    except OSError as why:
                        raise Skip(f"no cgroup can be made: {why}") from None
                    made.append(one)
            return path

        try:
            yield make
        finally:
            for path in reversed(made):
                until(f"{path} is empty", lambda path=path: removed(path))
            rig.unmount(place)


def removed(path):
    try:
        os.rmdir(path)
        return True
    except OSError:  # a process that was killed is still going
        return False


@contextlib.contextmanager
def resident(cgroup, namespace=None):
    """The pid of a process in this cgroup, in a network namespace of its own or in that of the open
    file `namespace`."""
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare():
        die_with_parent()
        with open(os.path.join(cgroup, "cgroup.procs"), "w", encoding="ascii") as f:
            f.write(str(os.getpid()))
        if namespace is None:
            rig.unshare(rig.CLONE_NEWNET)
        elif libc.setns(namespace, rig.CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    process = subprocess.Popen(["sleep", "3600"], preexec_fn=prepare)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def pair(name, pid):
    """A veth with its other end where the process is."""
    ip("link", "add", name, "type", "veth", "peer", "name", name + "-far")
    ip("link", "set", name + "-far", "netns", str(pid))


def container(d, device):
    row = d.interface(device)
    return row["container"] if row else "no row"


def shows(d, device, name):
    until(f"{device} ends in {name}", lambda: container(d, device) == name)


def test_names():
    """the container at the other end, while it is there; nothing where there is none"""
    scope, name = identity("a")
    other_scope, other_name = identity("b")
    with cgroups() as cgroup, Directory() as data, resident(cgroup("plain.service")) as plain, \
            Daemon(data, environment=ENGINES) as d:
        with contextlib.ExitStack() as life:
            pid = life.enter_context(resident(cgroup(scope)))
            space = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            life.callback(os.close, space)
            pair("vc", pid)
            pair("vd", pid)
            pair("vp", plain)
            ip("link", "add", "vh", "type", "veth", "peer", "name", "vi")
            shows(d, "vc", name)
            shows(d, "vd", name)
            for device in ("vp", "vh", "vi", "lo"):
                until(f"{device} has a row", lambda device=device: d.interface(device))
                equal(container(d, device), None, device)
            with d.stream("interfaces") as s:
                table = s.wait_for("table")
                equal(table["full"], True, "the first one is full")
                [row] = [r for r in table["rows"] if r[table["columns"].index("device")] == "vc"]
                equal(row[table["columns"].index("container")], name, "on the stream")
            # The namespace stays, held by its open file; who was in it goes, and another comes.
            os.kill(pid, 9)
            shows(d, "vc", None)
            with resident(cgroup(other_scope), space):
                shows(d, "vc", other_name)
                # Somebody of another container who comes in later changes nothing.
                with resident(cgroup(scope), space):
                    d.ticks_pass(10)
                    equal(container(d, "vc"), other_name, "who was there first")
            shows(d, "vc", None)
        # The namespace is gone now, and its ends with it.
        until("the ends are gone", lambda: not d.interface("vc") and not d.interface("vd"))
        rig.remove_links("vp", "vh")


def nsid_of(device):
    words = ip("link", "show", "dev", device).split()
    return words[words.index("link-netnsid") + 1]


def test_numbers_given_away_again():
    """a namespace that gets the number of one that is gone is never taken for that one"""
    rounds, wrong, shown, numbers = 12, set(), set(), []
    with cgroups() as cgroup, Directory() as data, \
            Daemon(data, interval="50ms", environment=ENGINES) as d:
        done = threading.Event()

        def watch():
            while not done.is_set():
                table = d.json("/api/v1/interfaces?limit=10000")
                at = [table["columns"].index(c) for c in ("device", "container")]
                for device, name in ([row[i] for i in at] for row in table["rows"]):
                    if name and name != expected.get(device):
                        wrong.add((device, name))
                    elif name:
                        shown.add(device)

        expected = {f"vr{i}": identity("0123456789ab"[i])[1] for i in range(rounds)}
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            for i in range(rounds):
                device = f"vr{i}"
                with resident(cgroup(identity("0123456789ab"[i])[0])) as pid:
                    pair(device, pid)
                    numbers.append(nsid_of(device))
                    if i % 3 != 1:  # others are gone before anybody has looked for them
                        shows(d, device, expected[device])
                if i % 2:  # else the next one comes while this one goes
                    until(f"{device} is gone", lambda name=device: name not in ip("link", "show"))
        finally:
            done.set()
            watcher.join()
    equal(sorted(wrong), [], "names that are another's")
    equal(len(set(numbers)) < rounds, True, f"numbers were given away again: {numbers}")
    equal(len(shown) >= rounds * 2 // 3, True, f"shown: {shown}")


def test_plain_user():
    """it takes no rights"""
    if not shutil.which("setpriv"):
        raise Skip("needs setpriv (util-linux)")
    scope, name = identity("a")
    with cgroups() as cgroup, Directory() as directory, resident(cgroup(scope)) as pid:
        binary, data = os.path.join(directory, "netsonde"), os.path.join(directory, "data")
        shutil.copy(BINARY, binary)
        os.mkdir(data)
        os.chmod(directory, 0o755)
        os.chown(data, NOBODY, NOBODY)
        as_nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        with Daemon(data, before=as_nobody, binary=binary, environment=ENGINES) as d:
            pair("vu", pid)
            shows(d, "vu", name)
        rig.remove_links("vu")


if __name__ == "__main__":
    rig.own_network()
    if os.getuid() != 0:
        print("needs root")
        sys.exit(77)
    rig.run([test_names, test_numbers_given_away_again, test_plain_user])
