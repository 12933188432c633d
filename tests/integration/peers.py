"""Servers that tests need as peers: packages of the distribution, unpacked below build/peers and
never installed. Why one cannot be had is told, so that its tests are skipped with that."""
import fcntl
import fnmatch
import glob
import os
import re
import subprocess

from rig import Skip

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.path.join(ROOT, "build", "peers")
FETCH_S = 120

# The library that a program wants, as fnmatch has it -> the package that has it, where the base
# system does not.
LIBRARIES = {
    "libbind9-9.*.so": "bind9-libs",
    "libbrotlicommon.so.1": "libbrotli1",
    "libbrotlidec.so.1": "libbrotli1",
    "libcurl.so.4": "libcurl4",
    "libdbus-1.so.3": "libdbus-1-3",
    "libdns-9.*.so": "bind9-libs",
    "libfstrm.so.0": "libfstrm0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libiperf.so.0": "libiperf0",
    "libirs-9.*.so": "bind9-libs",
    "libisc-9.*.so": "bind9-libs",
    "libisccfg-9.*.so": "bind9-libs",
    "libjemalloc.so.2": "libjemalloc2",
    "libjson-c.so.5": "libjson-c5",
    "libk5crypto.so.3": "libk5crypto3",
    "libkeyutils.so.1": "libkeyutils1",
    "libkrb5.so.3": "libkrb5-3",
    "libkrb5support.so.0": "libkrb5support0",
    "liblber-2.5.so.0": "libldap-2.5-0",
    "libldap-2.5.so.0": "libldap-2.5-0",
    "liblmdb.so.0": "liblmdb0",
    "liblua5.3.so.0": "liblua5.3-0",
    "liblua5.4.so.0": "liblua5.4-0",
    "libmaxminddb.so.0": "libmaxminddb0",
    "libnetfilter_conntrack.so.3": "libnetfilter-conntrack3",
    "libnfnetlink.so.0": "libnfnetlink0",
    "libnftables.so.1": "libnftables1",
    "libnftnl.so.11": "libnftnl11",
    "libnghttp2.so.14": "libnghttp2-14",
    "libopentracing-c-wrapper.so.0": "libopentracing-c-wrapper0",
    "libopentracing.so.1": "libopentracing1",
    "libpcre2-8.so.0": "libpcre2-8-0",
    "libpcre2-posix.so.3": "libpcre2-posix3",
    "libprotobuf-c.so.1": "libprotobuf-c1",
    "libpsl.so.5": "libpsl5",
    "librtmp.so.1": "librtmp1",
    "libsasl2.so.2": "libsasl2-2",
    "libsctp.so.1": "libsctp1",
    "libssh2.so.1": "libssh2-1",
    "libxtables.so.12": "libxtables12",
}


def unpack(package):
    """The directory that the package is unpacked into; fetched when it is not there yet."""
    root = os.path.join(PEERS, package)
    done = os.path.join(root, ".unpacked")
    if os.path.exists(done):
        return root
    try:
        subprocess.run(["apt-get", "download", "-q", package], cwd=PEERS, check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       timeout=FETCH_S)
        file = max(glob.glob(os.path.join(PEERS, f"{package}_*.deb")), key=os.path.getmtime)
        subprocess.run(["dpkg", "-x", file, root], check=True)
    except FileNotFoundError as why:
        raise Skip(f"{package} cannot be fetched: {why}") from None
    except (ValueError, subprocess.SubprocessError) as why:
        said = (getattr(why, "output", None) or str(why)).strip().splitlines()
        raise Skip(f"{package} cannot be fetched: {said[-1] if said else why}") from None
    with open(done, "w", encoding="ascii"):
        pass
    return root


_found = {}  # package -> what program() says of it, or the Skip


def fetch(package, *paths):
    """To be called while there is a network; program() then tells what became of it. The paths are
    those that the program has in one release or another."""
    try:
        _found[package] = _fetch(package, paths)
    except Skip as why:
        _found[package] = why


def program(package):
    """(the program's path, the environment that it runs in)."""
    if isinstance(_found[package], Skip):
        raise _found[package]
    return _found[package]


def beside(package, name):
    """(path, environment) of another program of the same package, in the same folder."""
    binary, environment = program(package)
    path = os.path.join(os.path.dirname(binary), name)
    if not os.path.exists(path):
        raise Skip(f"{package} has no {name}")
    return path, environment


# What the tests and benches of history and /metrics need.
PROMETHEUS = ("prometheus", "usr/bin/prometheus")
NODE_EXPORTER = ("prometheus-node-exporter", "usr/bin/prometheus-node-exporter")
VICTORIA_METRICS = ("victoria-metrics", "usr/bin/victoria-metrics")
PROMETHEUS_CLIENT = ("python3-prometheus-client",
                     "usr/lib/python3/dist-packages/prometheus_client/__init__.py")


def prometheus_client():
    """The folder from which Python imports prometheus_client."""
    return os.path.dirname(os.path.dirname(program(PROMETHEUS_CLIENT[0])[0]))


def _fetch(package, paths):
    os.makedirs(PEERS, exist_ok=True)
    with open(os.path.join(PEERS, ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # programs of tests run at the same time
        root = unpack(package)
        binary = next((b for b in (os.path.join(root, p) for p in paths) if os.path.exists(b)), None)
        if not binary:
            raise Skip(f"{package} has no {' or '.join(paths)}")
        folders = []
        for _ in range(6):
            environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(folders)}
            said = subprocess.run(["ldd", binary], stdout=subprocess.PIPE, env=environment,
                                  stderr=subprocess.DEVNULL, text=True, check=False).stdout
            missing = set(re.findall(r"^\s*(\S+) => not found", said, re.MULTILINE))
            if not missing:
                return binary, environment
            for name in missing:
                holders = [p for like, p in LIBRARIES.items() if fnmatch.fnmatch(name, like)]
                if not holders:
                    raise Skip(f"{package} needs {name}, which is not installed")
                root = unpack(holders[0])
                folders += [os.path.dirname(f) for f in
                            glob.glob(os.path.join(root, "**", name), recursive=True)]
        raise Skip(f"{package} needs {', '.join(sorted(missing))}")
