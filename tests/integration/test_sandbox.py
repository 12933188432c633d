"""What holds the daemon in, as the kernel tells it in /proc and as its own info does; and who may
do what."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys

from rig import (BINARY, Daemon, Directory, contains, equal, ip, own_network, remove_links,
                 run, until)

NET_ADMIN = 1 << 12
DAC_READ_SEARCH, SYS_PTRACE = 1 << 2, 1 << 19
NOBODY, SOMEBODY = 65534, 65533
LISTEN, ESTABLISHED = 0x0A, 0x01


def status(pid, thread=None):
    path = f"/proc/{pid}/task/{thread}/status" if thread else f"/proc/{pid}/status"
    with open(path, encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def has_ended(pid):
    try:
        return status(pid)["State"].startswith("Z")
    except FileNotFoundError:
        return True


def children(pid, name):
    """The helpers of this name, also those that a nurse has."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        pids = [int(word) for word in f.read().split()]
    found = [child for child in pids if status(child)["Name"] == "netsonde-" + name]
    for nurse in [] if name == "nurse" else children(pid, "nurse"):
        found += children(nurse, name)
    return found


def holds_nothing(d):
    """No thread of main can do or gain anything. Sanitizers make system calls of their own: there
    is no filter in a build with them, and info says so."""
    sandbox = d.json("/api/v1/info")["sandbox"]
    filtered = "Sanitizer" not in sandbox["seccomp"]
    threads = os.listdir(f"/proc/{d.pid}/task")
    equal(len(threads) >= 5, True, f"{len(threads)} threads")
    for thread in threads:
        held = status(d.pid, thread)
        for part in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            equal(int(held[part], 16), 0, f"{part} of {held['Name']}")
        equal(held["NoNewPrivs"], "1", f"NoNewPrivs of {held['Name']}")
        if filtered:
            equal(held["Seccomp"], "2", f"Seccomp of {held['Name']}")
    equal((sandbox["capabilities"], sandbox["no_new_privs"]), ("none", True), "what info says")
    if filtered:
        contains(sandbox["seccomp"], "enforced")
    with open(f"/proc/{d.pid}/limits", encoding="utf-8") as f:
        equal(re.search(r"Max core file size +(\d+) +(\d+)", f.read()).groups(), ("0", "0"), "core")
    if "enforced" not in sandbox["landlock"]:
        contains(d.output(), "Landlock is ")  # what is missing is warned of
    return sandbox


def test_main():
    """main: no capabilities, no new privileges and seccomp in every thread, as info says"""
    with Directory() as data, Daemon(data) as d, d.stream("metrics") as s:
        s.wait_for("metrics")
        sandbox = holds_nothing(d)
        equal(int(status(d.pid)["CapBnd"], 16), 0, "bounding set")
        equal(re.fullmatch(r"enforced, \d+ system calls|off: \w+Sanitizer .*", sandbox["seccomp"])
              is not None, True, sandbox["seccomp"])


def test_keeper():
    """the keeper: CAP_NET_ADMIN and nothing else, seccomp, no files, ends with main"""
    with Directory() as data, Daemon(data) as d:
        [keeper] = children(d.pid, "keeper")
        [nurse] = children(d.pid, "nurse")
        equal(children(nurse, "keeper"), [keeper], "who starts it again")
        sandbox = d.json("/api/v1/info")["sandbox"]
        equal(sandbox["keeper"], f"running, pid {keeper}, keeps net_admin", "what info says")
        held = status(keeper)
        for part in ("CapPrm", "CapEff"):
            equal(int(held[part], 16), NET_ADMIN, part)
        for part in ("CapInh", "CapAmb", "CapBnd"):
            equal(int(held[part], 16), 0, part)
        equal(held["NoNewPrivs"], "1", "NoNewPrivs")
        if "Sanitizer" not in sandbox["seccomp"]:
            equal(held["Seccomp"], "2", "Seccomp")
            equal(int(held["VmRSS"].split()[0]) < 4096, True, f"{held['VmRSS']} resident")
        open_files = [os.readlink(f"/proc/{keeper}/fd/{fd}")
                      for fd in os.listdir(f"/proc/{keeper}/fd")]
        sockets = [name for name in open_files if name.startswith("socket:")]
        equal(len(sockets), 1, f"sockets among {open_files}")
        equal({name for name in open_files if name not in sockets} <=
              {"/dev/null", os.readlink(f"/proc/{d.pid}/fd/2")}, True, f"files: {open_files}")
        for part in ("CapPrm", "CapEff"):
            equal(int(status(nurse)[part], 16), NET_ADMIN, f"{part} of the nurse")
        d.kill()
        for pid in (keeper, nurse):
            until("it ends with main", lambda: has_ended(pid))


def test_finder():
    """the finder: two rights to look, seccomp, one socket, as info says; ends with main"""
    with Directory() as data, Daemon(data) as d:
        [finder] = children(d.pid, "finder")
        held = status(finder)
        equal(d.json("/api/v1/info")["sandbox"]["finder"],
              f"running, pid {finder}, keeps dac_read_search sys_ptrace", "what info says")
        for part in ("CapPrm", "CapEff"):
            equal(int(held[part], 16), DAC_READ_SEARCH | SYS_PTRACE, part)
        for part in ("CapInh", "CapAmb", "CapBnd"):
            equal(int(held[part], 16), 0, part)
        equal(held["NoNewPrivs"], "1", "NoNewPrivs")
        if "Sanitizer" not in d.json("/api/v1/info")["sandbox"]["seccomp"]:
            equal(held["Seccomp"], "2", "Seccomp")
            equal(int(held["VmRSS"].split()[0]) < 4096, True, f"{held['VmRSS']} resident")
        names = [os.readlink(f"/proc/{finder}/fd/{fd}") for fd in os.listdir(f"/proc/{finder}/fd")]
        equal(len([name for name in names if name.startswith("socket:")]), 1, f"among {names}")
        d.kill()
        until("it ends with main", lambda: has_ended(finder))


def test_finder_dies():
    """a finder that is killed: info, the log and an event say so, once, and the rest goes on"""
    with Directory() as data, Daemon(data) as d:
        [finder] = children(d.pid, "finder")
        os.kill(finder, signal.SIGKILL)
        end = "off: it was killed by signal 9"
        until("info says so", lambda: d.json("/api/v1/info")["sandbox"]["finder"] == end)
        until("an event says so", lambda: [e for e in d.events("error") if e["what"] == "finder"])
        d.logged(f"finder: {end}")
        equal(os.path.exists(f"/proc/{finder}"), False, "it is left as a zombie")
        d.ticks_pass(5)
        [event] = [e for e in d.events("error") if e["what"] == "finder"]
        equal(event["reason"], end, "reason")
        contains(d.json("/api/v1/info")["sandbox"]["keeper"], "running")


def sockets(pid):
    """The TCP sockets of a process: (state, local address and port, remote port)."""
    own = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            name = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue
        if name.startswith("socket:["):
            own.add(name[8:-1])
    found, bound = [], []
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet"):
        with open(f"/proc/{pid}/net/{kind}", encoding="ascii") as f:
            for line in f.read().splitlines()[1:]:
                words = line.split()
                if kind == "packet":
                    if words[-1] in own:
                        bound.append((kind, line))
                elif words[9] in own and kind.startswith("tcp"):
                    address, port = words[1].split(":")
                    found.append((int(words[3], 16), address, int(port, 16)))
                elif words[9] in own:
                    bound.append((kind, line))
    return found, bound


def test_sockets():
    """listeners on loopback, one a loop, and the connections accepted there; nothing goes out"""
    with Directory() as data:
        with Daemon(data, "--listen", "[::1]:0") as d, d.stream("metrics") as s:
            s.wait_for("metrics")
            d.ticks_pass(5)
            found, bound = sockets(d.pid)
            equal(bound, [], "sockets other than TCP")
            listening = [(address, port) for state, address, port in found if state == LISTEN]
            equal(sorted({address for address, _ in listening}),
                  ["00000000000000000000000001000000", "0100007F"], "listeners")
            ports = {port for _, port in listening}
            others = [entry for entry in found if entry[0] != LISTEN]
            equal([entry for entry in others if entry[2] not in ports], [], "not accepted ones")
            equal(any(entry[0] == ESTABLISHED for entry in others), True, "our own is among them")
            unix = [w.split() for w in open("/proc/net/unix", encoding="utf-8").read().splitlines()]
            own = set()
            for fd in os.listdir(f"/proc/{d.pid}/fd"):
                with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                    target = os.readlink(f"/proc/{d.pid}/fd/{fd}")
                    if target.startswith("socket:["):
                        own.add(target[8:-1])
            named = [words for words in unix if words[6] in own and len(words) > 7]
            equal(named, [], "unix sockets with a name")


# ---- users ---------------------------------------------------------------------------------------

def as_user(uid):
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]


def role_of(d, uid, *fields):
    """What the daemon takes a program of that user for; or the error's status."""
    ask = ("import sys, urllib.request, urllib.error\n"
           "fields = dict(f.split(': ') for f in sys.argv[2:])\n"
           "r = urllib.request.Request(sys.argv[1], headers=fields)\n"
           "try: print(urllib.request.urlopen(r).read().decode())\n"
           "except urllib.error.HTTPError as e: print('{\"role\": %d}' % e.code)\n")
    command = [*(as_user(uid) if uid != os.getuid() else []), sys.executable, "-c", ask,
               f"http://127.0.0.1:{d.port}/api/v1/info", *fields]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, cwd="/")
    return json.loads(done.stdout)["role"]


def test_roles():
    """root is admin, other users are viewers, and nobody behind a proxy is anything"""
    with Directory() as data, Daemon(data) as d:
        equal(role_of(d, 0), "admin", "root")
        equal(role_of(d, NOBODY), "viewer", "nobody")
        for field in ("X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "Via: 1.1 proxy",
                      "X-Forwarded-Proto: https"):
            equal(role_of(d, 0, field), 401, field)
    for key, value in (("TRUSTED_PROXIES", "127.0.0.1"), ("BASE_PATH", "/netsonde"),
                       ("ALLOWED_HOSTS", "monitor.example.net")):
        with Directory() as data, Daemon(data, environment={f"NETSONDE_SERVE_{key}": value},
                                         ready="/healthz" if key != "BASE_PATH" else
                                         "/netsonde/healthz") as d:
            base = "/netsonde" if key == "BASE_PATH" else ""
            equal(d.status(f"{base}/api/v1/info"), 401, f"loopback with serve.{key.lower()}")


def test_plain_user():
    """as a plain user: no keeper, the same numbers; its own user and root are admin"""
    with Directory() as directory:
        # Where that user may read it, wherever the build directory is.
        binary, data = os.path.join(directory, "netsonde"), os.path.join(directory, "data")
        shutil.copy(BINARY, binary)
        os.mkdir(data)
        os.chmod(directory, 0o755)
        os.chown(data, NOBODY, NOBODY)
        ip("link", "add", "vx", "type", "veth", "peer", "name", "vy")
        try:
            with Daemon(data, before=as_user(NOBODY), binary=binary) as d:
                sandbox = holds_nothing(d)
                equal(status(d.pid)["Uid"].split(), [str(NOBODY)] * 4, "user")
                equal(children(d.pid, "keeper"), [], "keepers")
                [finder] = children(d.pid, "finder")
                equal(int(status(finder)["CapEff"], 16), 0, "the finder's capabilities")
                equal(sandbox["finder"], f"running, pid {finder}, looks into processes of its own "
                      "user only", "what info says of it")
                contains(sandbox["keeper"], "off: there are no capabilities to keep")
                equal({role_of(d, 0), role_of(d, NOBODY)}, {"admin"}, "root and its own user")
                equal(role_of(d, SOMEBODY), "viewer", "another user")
                engines = {c["name"]: c["engine"] for c in d.json("/api/v1/info")["capabilities"]}
                equal((engines["interfaces"], engines["link_events"]), ("netlink", "netlink"),
                      "engines")
                equal(d.interface("vx")["kind"], "veth", "a device")
                ip("link", "set", "vx", "up")
                until("links are heard of", lambda: any(e["device"] == "vx"
                                                        for e in d.events("link")))
                equal(sorted(os.listdir(data))[:2], ["lock", "netsonde.db"], "its files")
                equal(os.stat(data + "/netsonde.db").st_mode & 0o777, 0o600, "mode of the database")
        finally:
            remove_links("vx")


own_network()
if os.getuid() != 0 or not shutil.which("setpriv"):
    print("needs root and setpriv (util-linux)")
    sys.exit(77)
run([test_main, test_keeper, test_finder, test_finder_dies, test_sockets, test_roles, test_plain_user])
