"""What network cards count, on the devices that this machine has: netsonde's figures lie between those
that ethtool and ip show before and afterwards. Nothing is sent and nothing is changed; the devices
are the machine's own, because no driver that can be had in a namespace of one's own has counters
of this kind."""
import json
import os
import re
import shutil
import subprocess
import sys

import peers
import rig
from rig import Daemon, Directory, Skip, equal, ip, until

TABLES = {"NETSONDE_COLLECT_ENGINES": "netlink,procfs", "NETSONDE_COLLECT_TABLES_INTERVAL": "100ms"}

# By group, as the kernel calls them (net/ethtool/stats.c) -> netsonde_nic_*_total.
STANDARD = {
    "eth-phy": {"SymbolErrorDuringCarrier": "symbol_errors"},
    "eth-mac": {
        "FramesTransmittedOK": "transmit_frames",
        "SingleCollisionFrames": "single_collisions",
        "MultipleCollisionFrames": "multiple_collisions",
        "FramesReceivedOK": "receive_frames",
        "FrameCheckSequenceErrors": "receive_check_errors",
        "AlignmentErrors": "receive_alignment_errors",
        "OctetsTransmittedOK": "transmit_bytes",
        "FramesWithDeferredXmissions": "transmit_deferred",
        "LateCollisions": "late_collisions",
        "FramesAbortedDueToXSColls": "excess_collisions",
        "FramesLostDueToIntMACXmitError": "transmit_internal_errors",
        "CarrierSenseErrors": "carrier_errors",
        "OctetsReceivedOK": "receive_bytes",
        "FramesLostDueToIntMACRcvError": "receive_internal_errors",
        "MulticastFramesXmittedOK": "transmit_multicast_frames",
        "BroadcastFramesXmittedOK": "transmit_broadcast_frames",
        "FramesWithExcessiveDeferral": "transmit_excess_deferral",
        "MulticastFramesReceivedOK": "receive_multicast_frames",
        "BroadcastFramesReceivedOK": "receive_broadcast_frames",
        "InRangeLengthErrors": "receive_length_mismatches",
        "OutOfRangeLengthField": "receive_length_out_of_range",
        "FrameTooLongErrors": "receive_too_long",
    },
    "eth-ctrl": {
        "MACControlFramesTransmitted": "transmit_control_frames",
        "MACControlFramesReceived": "receive_control_frames",
        "UnsupportedOpcodesReceived": "receive_control_unsupported",
    },
    "rmon": {
        "etherStatsUndersizePkts": "undersize_frames",
        "etherStatsOversizePkts": "oversize_frames",
        "etherStatsFragments": "fragments",
        "etherStatsJabbers": "jabbers",
    },
}

# Keys of `ip -s -s link` that are added up -> node_network_*_total.
LINK = {
    "receive_bytes": ("rx", "bytes"),
    "receive_packets": ("rx", "packets"),
    "receive_errs": ("rx", "errors"),
    "receive_drop": ("rx", "dropped", "missed_errors"),
    "receive_fifo": ("rx", "fifo_errors"),
    "receive_frame": ("rx", "length_errors", "over_errors", "crc_errors", "frame_errors"),
    "receive_multicast": ("rx", "multicast"),
    "transmit_bytes": ("tx", "bytes"),
    "transmit_packets": ("tx", "packets"),
    "transmit_errs": ("tx", "errors"),
    "transmit_drop": ("tx", "dropped"),
    "transmit_fifo": ("tx", "fifo_errors"),
    "transmit_colls": ("tx", "collisions"),
    "transmit_carrier": ("tx", "carrier_errors", "aborted_errors", "window_errors",
                         "heartbeat_errors"),
}


def devices():
    return sorted(link["ifname"] for link in json.loads(ip("-j", "link", "show")))


def driver(device):
    link = f"/sys/class/net/{device}/device/driver"
    return os.path.basename(os.readlink(link)) if os.path.islink(link) else None


def standard(ethtool, device):
    """{netsonde's name: value} of what the driver counts of the standard groups."""
    binary, environment = ethtool
    done = subprocess.run([binary, "--json", "-S", device, "--groups", *STANDARD],
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode and device not in devices():
        return {}  # it has just gone
    if done.returncode:
        raise Skip(f"ethtool -S {device} --groups: {done.stderr.strip()}")
    return names_of(json.loads(done.stdout)[0])


def names_of(shown):
    """Counters that netsonde has no name for are an error; histograms of sizes it does not show."""
    found = {}
    for group, names in STANDARD.items():
        for name, value in shown.get(group, {}).items():
            if isinstance(value, int):
                found[names[name]] = value
    return found


def metrics(d, family):
    """{device: {name: value}} of the counters FAMILY_NAME_total{device="…"}."""
    found = {}
    for line in d.text("/metrics").splitlines():
        match = re.fullmatch(family + r'_(\w+)_total\{device="([^"]+)"\} (\S+)', line)
        if match:
            found.setdefault(match[2], {})[match[1]] = int(match[3])
    return found


def surveys_pass(d, count=2):
    done = d.metric("netsonde_surveys_total")
    until("surveys", lambda: d.metric("netsonde_surveys_total") >= done + count)
    d.ticks_pass(2)


def between(device, before, shown, after):
    """The same counters, none of which began anew meanwhile."""
    equal(sorted(shown), sorted(after), f"counters of {device}")
    for name, value in shown.items():
        if not before[name] <= value <= after[name]:
            raise AssertionError(f"{device}: {name} is {value}, not from {before[name]} to "
                                 f"{after[name]}")


def test_names():
    """ethtool's answer for a card: its counters under netsonde's names, histograms left out"""
    # As ethtool(8) prints it for a card with all groups.
    shown = json.loads("""[ {"ifname": "eth0", "eth-phy": {"SymbolErrorDuringCarrier": 3},
        "eth-mac": {"FramesTransmittedOK": 7, "OctetsReceivedOK": 18446744073709551615},
        "eth-ctrl": {}, "rmon": {"etherStatsJabbers": 0,
        "rx-pktsNtoM": [{"low": 0, "high": 64, "val": 5}]}} ]""")[0]
    equal(names_of(shown), {"symbol_errors": 3, "transmit_frames": 7, "receive_bytes": 2**64 - 1,
                            "jabbers": 0}, "names")


def test_standard_counters():
    """what drivers count by IEEE 802.3 and RMON is what ethtool -S shows, also where that is nothing"""
    ethtool = peers.program("ethtool")
    with Directory() as data, Daemon(data, environment=TABLES) as d:
        present = devices()
        before = {device: standard(ethtool, device) for device in present}
        surveys_pass(d)
        shown = metrics(d, "netsonde_nic")
        after = {device: standard(ethtool, device) for device in present}
        for device in present:
            between(device, before[device], shown.get(device, {}), after[device])
        any_counters = any(after.values())
        state = next(c for c in d.json("/api/v1/info")["capabilities"] if c["name"] == "nic")
        equal(state["state"], "in use" if any_counters else "off", state["reason"])
        if not any_counters:
            told = ", ".join(f"{x} ({driver(x) or 'no driver of a card'})" for x in present)
            raise Skip(f"no device here has counters of ethtool's standard groups: {told}")


def test_link_counters():
    """the counters of a card's link are those of ip -s -s link"""
    cards = [device for device in devices() if driver(device)]
    if not cards:
        raise Skip(f"no card among {', '.join(devices())}")

    def now(device):
        stats = rig.link_counters(device)
        return {name: sum(stats[way][key] for key in keys) for name, (way, *keys) in LINK.items()}

    with Directory() as data, Daemon(data, environment=TABLES) as d:
        before = {device: now(device) for device in cards}
        d.ticks_pass(2)
        shown = metrics(d, "node_network")
        after = {device: now(device) for device in cards}
        for device in cards:
            between(device, before[device], {k: v for k, v in shown[device].items() if k in LINK},
                    after[device])
            equal(d.interface(device)["kind"], "physical", device)
            equal(after[device]["receive_packets"] + after[device]["transmit_packets"] > 0 or
                  "LOWER_UP" not in ip("link", "show", "dev", device), True, f"{device} is in use")


if __name__ == "__main__":
    if not shutil.which("ip"):
        print("ip (iproute2) is not installed")
        sys.exit(77)
    peers.fetch("ethtool", "usr/sbin/ethtool", "sbin/ethtool")
    rig.run([test_names, test_standard_counters, test_link_counters])
