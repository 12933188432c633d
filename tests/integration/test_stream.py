"""The stream as a client sees it: operations, selections, pace, tables, events, and coming back
without a loss."""
import json

from rig import (Daemon, Directory, Wire, contains, equal, ip, neighbour, no_ipv6, own_network, remove_links,
                 run, until)

SENT, RECEIVED = "node_network_transmit_bytes_total", "node_network_receive_bytes_total"


def veth(name="vx"):
    ip("link", "add", name, "type", "veth", "peer", "name", name + "p")


# ---- operations ----------------------------------------------------------------------------------

def test_operations():
    """subscribe, unsubscribe, ping and ack are answered; a second subscription replaces one"""
    with Directory() as data, Daemon(data, interval="50ms") as d, d.stream() as s:
        hello = s.receive()
        info = d.json("/api/v1/info")
        equal((hello["type"], hello["version"], hello["host"]),
              ("hello", info["version"], info["host"]), "hello")
        equal(hello["channels"], ["metrics", "events", "interfaces", "connections", "processes",
                                  "flows", "dns", "performance", "alerts",
                                  "anomalies", "baseline", "benchmark"], "channels")
        equal(s.ask(op="ping", id=3), {"type": "pong", "id": 3}, "ping")
        s.send(op="ack", seq=5)

        s.send(op="subscribe", id=1, channel="metrics", metric="netsonde_ticks_total")
        order = [s.receive() for _ in range(5)]
        equal([m["type"] for m in order], ["ok", "series", "metrics", "metrics", "metrics"],
              "order")
        [series] = order[1]["series"]
        equal((series["name"], series["kind"], series["unit"]),
              ("netsonde_ticks_total", "counter", "ticks"), "series")
        equal([m["seq"] - order[2]["seq"] for m in order[2:]], [0, 1, 2], "numbers")
        equal([[i for i, _ in m["values"]] for m in order[2:]], [[series["id"]]] * 3, "values")

        s.send(op="subscribe", id=2, channel="metrics", metric=["netsonde_series"])
        seen = []
        s.wait_for("ok", seen=seen)
        equal({m["type"] for m in seen} <= {"metrics"}, True, "the first goes on until then")
        [other] = s.wait_for("series")["series"]
        equal([i for i, _ in s.wait_for("metrics")["values"]], [other["id"]], "the second alone")

        equal(s.ask(op="unsubscribe", id=4, channel="metrics"), {"type": "ok", "id": 4}, "answer")
        d.ticks_pass(5)
        s.send(op="ping", id=5)
        equal(s.receive(), {"type": "pong", "id": 5}, "nothing after unsubscribe")
        s.send(op="unsubscribe", channel="metrics")  # without an id: no answer
        s.send(op="ping")
        equal(s.receive(), {"type": "pong"}, "a ping without an id")


def test_selection():
    """metric and match select; series are announced before their first values, new ones alone"""
    with Directory() as data, Daemon(data, interval="50ms") as d, d.stream() as s:
        veth()
        try:
            until("the device is shown", lambda: d.interface("vx"))
            d.ticks_pass()
            s.send(op="subscribe", id=1, channel="metrics", metric=["node_network_*_bytes_total"],
                   match=["device=v[xy]*"])
            first = s.wait_for("series")["series"]
            equal({(x["name"], x["labels"]["device"]) for x in first},
                  {(name, device) for name in (SENT, RECEIVED) for device in ("vx", "vxp")},
                  "series")
            known = {x["id"] for x in first}
            equal({i for i, _ in s.wait_for("metrics")["values"]}, known, "values")
            veth("vy")
            before, first_values = [], {}
            while len(known) < 8:
                new = s.wait_for("series", seen=before)["series"]
                for message in before:
                    equal({i for i, _ in message["values"]} <= known, True, "announced before")
                equal({x["labels"]["device"] for x in new} <= {"vy", "vyp"}, True, "new ones alone")
                known |= {x["id"] for x in new}
                before = [s.wait_for("metrics")]
                for i, value in before[0]["values"]:
                    first_values.setdefault(i, value)
            equal({i for i in first_values}, known, "series with values")
            news = known - {x["id"] for x in first}
            equal({first_values[i] for i in news}, {None}, "first values of counters")
            equal({v for i, v in s.wait_for("metrics")["values"] if i in news}, {0}, "second ones")
            listed = d.json("/api/v1/series?metric=node_network_*_bytes_total&match=device=v[xy]*")
            equal({x["id"] for x in listed}, known, "/api/v1/series says the same")
            # What nothing matches is no mistake.
            s.send(op="subscribe", id=2, channel="metrics", metric="nothing_of_that_name")
            s.wait_for("ok")
            equal(s.wait_for("metrics")["values"], [], "values of nothing")
        finally:
            remove_links("vx", "vy")


def test_pace():
    """interval_ms: a message at its multiples; counters as mean rate, so nothing is lost between"""
    ticks = "netsonde_ticks_total"
    with neighbour() as pid, Directory() as data:
        wire = Wire(pid)
        try:
            with Daemon(data, interval="50ms") as d, d.stream() as s:
                until("the device is shown", lambda: d.interface("va"))
                d.ticks_pass()
                missed = d.metric("netsonde_ticks_missed_total")
                s.send(op="subscribe", id=1, channel="metrics", metric=[SENT, ticks],
                       interval_ms=400)
                names = {x["id"]: x["name"] for x in s.wait_for("series")["series"]
                         if x["labels"].get("device") != "lo"}
                s.wait_for("metrics")  # the last tick, whatever its place
                last = s.wait_for("metrics")
                sent = sum(wire.send(10) for _ in range(5))
                shown, times = 0, [last["t"]]
                while shown < sent:
                    message = s.wait_for("metrics")
                    rates = {names[i]: v for i, v in message["values"] if i in names}
                    # Ticks are counted one by one: rate by rate times ticks is what was sent.
                    shown += round(rates[SENT] / rates[ticks] * (message["seq"] - last["seq"]))
                    times.append(message["t"])
                    last = message
                equal(abs(shown - sent) <= 2, True, f"{shown} bytes of {sent}")
                steps = [b // 400 - a // 400 for a, b in zip(times, times[1:])]
                equal(min(steps, default=1) >= 1, True, f"steps {steps}")
                if d.metric("netsonde_ticks_missed_total") == missed:
                    equal([t % 400 for t in times], [0] * len(times), "places on the grid")
                    equal(set(steps), {1}, "steps")
        finally:
            remove_links("va")


# ---- tables and events --------------------------------------------------------------------------

class Rows:
    """A client's copy of the table."""

    def __init__(self, stream):
        self.stream, self.rows = stream, None

    def read(self):
        message = self.stream.wait_for("table")
        if self.rows is None:
            equal(message["full"], True, "the first one is full")
            self.rows, self.columns = {}, message["columns"]
        equal((message["full"] and len(self.rows) > 0, message["columns"]), (False, self.columns),
              "changes, of the same columns")
        for row in message["rows"]:
            equal(self.rows.get(row[0]) == row, False, f"a row that has not changed: {row}")
            self.rows[row[0]] = row
        for gone in message["removed"]:
            del self.rows[gone]
        return message

    def named(self, device):
        for row in self.rows.values():
            if row[1] == device:
                return dict(zip(self.columns, row))
        return None

    def until(self, condition):
        while not condition():
            self.read()


def test_table():
    """the table of interfaces: full, then what changed, equal to /api/v1/interfaces"""
    with neighbour() as pid, Directory() as data:
        wire = Wire(pid)
        veth()
        try:
            with Daemon(data, interval="50ms") as d, d.stream("interfaces") as s:
                table = Rows(s)
                table.read()
                equal(table.columns, ["id", "device", "kind", "state", "speed_bps", "mtu",
                                      "addresses",
                                      "rx_bytes", "tx_bytes", "rx_rate", "tx_rate", "rx_packets",
                                      "tx_packets", "errors", "drops", "container"], "columns")
                table.until(lambda: table.named("vx") and table.named("va"))
                equal((table.named("vx")["kind"], table.named("vx")["state"]), ("veth", "down"),
                      "vx")
                equal(table.named("va")["addresses"], ["10.99.0.1/24"], "addresses of va")
                ip("link", "set", "vx", "mtu", "1234")
                ip("addr", "add", "10.1.0.1/24", "dev", "vx")
                table.until(lambda: table.named("vx")["mtu"] == 1234 and
                            table.named("vx")["addresses"] == ["10.1.0.1/24"])
                ip("link", "set", "vx", "up")
                ip("link", "set", "vxp", "up")
                table.until(lambda: table.named("vx")["state"] == "up")
                total = table.named("va")["tx_bytes"] + wire.send(50)
                table.until(lambda: table.named("va")["tx_bytes"] == total)
                table.until(lambda: table.named("va")["tx_rate"] == 0)  # and it is quiet again
                for device in ("va", "vx", "vxp"):
                    until("HTTP says the same", lambda: d.interface(device) == table.named(device))
                identity = table.named("vx")["id"]
                ip("link", "set", "vx", "down")
                ip("link", "set", "vx", "name", "vz")
                table.until(lambda: table.named("vz") and not table.named("vx"))
                remove_links("vz")
                table.until(lambda: not table.named("vz") and not table.named("vxp"))
                equal(identity in table.rows, False, "the row is gone")
        finally:
            remove_links("va", "vx", "vz")


def test_table_view():
    """a table through a filter, in an order, a few rows of it: the stream and HTTP show the same"""
    def names(rows, columns):
        return [row[columns.index("device")] for row in rows]

    devices = [f"v{i}" for i in range(8)]
    with Directory() as data:
        for i in range(0, len(devices), 2):
            ip("link", "add", devices[i], "type", "veth", "peer", "name", devices[i + 1])
        for i, name in enumerate(devices):
            ip("link", "set", name, "mtu", str(1300 + i))
        try:
            with Daemon(data, interval="100ms") as d, d.stream() as s:
                until("all are seen", lambda: d.json("/api/v1/interfaces?filter=device:v")["total"]
                      == len(devices))
                s.send(op="subscribe", id=1, channel="interfaces", sort="-mtu",
                       filter="mtu>1300 -v7", limit=2)
                message = s.wait_for("table")
                page = d.json("/api/v1/interfaces?sort=-mtu&filter=mtu%3E1300+-v7&limit=2")
                equal((message["total"], sorted(names(message["rows"], message["columns"]))),
                      (page["total"], sorted(names(page["rows"], page["columns"]))), "both")
                rest = d.json("/api/v1/interfaces?sort=mtu&filter=device:v&limit=3&offset=6")
                equal(names(rest["rows"], rest["columns"]), ["v6", "v7"], "the second page")

                # v0 grows past the others and pushes one out of the first two; lo is the largest.
                ip("link", "set", "v0", "mtu", "9000")
                message = s.wait_for("table")
                while "v0" not in names(message["rows"], message["columns"]):
                    message = s.wait_for("table")
                equal((message["full"], len(message["removed"])), (False, 1), "a change")

                for table in ("connections", "processes", "flows", "dns"):
                    status, _, text = d.request(f"/api/v1/{table}")
                    if status != 200:  # by nobody here
                        contains(json.loads(text)["error"]["message"], "no engine", "doctor")
                        equal(status, 503, table)
        finally:
            remove_links(*devices[::2])


def test_events():
    """events of links, addresses and routes, in order and as /api/v1/events has them"""
    with Directory() as data, Daemon(data, interval="50ms") as d, d.stream() as s:
        try:
            d.ticks_pass()
            s.ask(op="subscribe", id=1, channel="events")
            veth()
            steps = [
                (("link", "set", "vxp", "up"), {"device": "vxp"}),
                (("link", "set", "vx", "up"),
                 {"kind": "link", "device": "vx", "change": "state", "state": "up"}),
                (("addr", "add", "10.1.0.1/24", "dev", "vx"),
                 {"kind": "address", "device": "vx", "change": "added", "address": "10.1.0.1/24",
                  "family": "ipv4"}),
                (("route", "add", "192.0.2.0/24", "via", "10.1.0.2"),
                 {"kind": "route", "change": "added", "destination": "192.0.2.0/24",
                  "gateway": "10.1.0.2", "device": "vx"}),
                (("route", "add", "default", "via", "10.1.0.3"),
                 {"kind": "route", "change": "added", "destination": "default"}),
                (("route", "del", "192.0.2.0/24"),
                 {"kind": "route", "change": "removed", "destination": "192.0.2.0/24"}),
                (("addr", "del", "10.1.0.1/24", "dev", "vx"),
                 {"kind": "address", "change": "removed", "address": "10.1.0.1/24"}),
                (("link", "set", "vx", "mtu", "1400"),
                 {"kind": "link", "device": "vx", "change": "mtu", "mtu": 1400,
                  "mtu_before": 1500}),
                (("link", "set", "vx", "down"),
                 {"kind": "link", "device": "vx", "change": "state", "state": "down",
                  "before": "up"}),
                (("link", "set", "vx", "name", "vz"),
                 {"kind": "link", "device": "vz", "change": "renamed", "before": "vx"}),
                (("link", "del", "vz"), {"kind": "link", "device": "vz", "change": "removed"}),
            ]
            heard = []
            for words, expected in steps:
                ip(*words)
                while True:
                    heard.append(s.wait_for("event"))
                    if expected.items() <= heard[-1].items():
                        break
            equal([e["seq"] for e in heard],
                  list(range(heard[0]["seq"], heard[0]["seq"] + len(heard))), "numbers")
            for event in heard:
                del event["type"]
            until("the last one is written", lambda: d.events()[-1]["seq"] >= heard[-1]["seq"])
            past = [e for e in d.events() if heard[0]["seq"] <= e["seq"] <= heard[-1]["seq"]]
            equal(past, heard, "/api/v1/events")
            only = d.json("/api/v1/events?kind=route&limit=2")
            equal((only["total"], [e["change"] for e in only["events"]][0], len(only["events"])),
                  (len([e for e in d.events() if e["kind"] == "route"]),
                   [e for e in d.events("route")][-1]["change"], 2), "routes alone")
        finally:
            remove_links("vx", "vz")


# ---- coming back ---------------------------------------------------------------------------------

CHANNELS = {"metrics": {"metric": ["node_network_*_total", "netsonde_ticks_total"]}, "events": {}}


class Client:
    """Collects the messages of both channels; may be dropped and come back where it was."""

    def __init__(self, d, interval_ms):
        self.d, self.interval_ms = d, interval_ms
        self.got, self.gaps = {"metrics": {}, "events": {}}, []
        self.last, self.answers = {}, 0
        self.connect()
        while self.answers < len(CHANNELS):
            self.take(self.stream.receive())

    def connect(self):
        self.stream = self.d.stream()
        for number, (channel, chosen) in enumerate(CHANNELS.items()):
            wish = dict(chosen)
            if channel == "metrics" and self.interval_ms:
                wish["interval_ms"] = self.interval_ms
            if channel in self.last:
                wish["since"] = self.last[channel]
            self.stream.send(op="subscribe", id=number, channel=channel, **wish)

    def take(self, message):
        self.answers += message["type"] == "ok"
        if message["type"] == "gap":
            self.gaps.append(message)
        channel = {"metrics": "metrics", "event": "events"}.get(message["type"])
        if channel:
            equal(message["seq"] > self.last.get(channel, 0), True, "nothing comes twice")
            self.last[channel] = message["seq"]
            self.got[channel][message["seq"]] = message

    def read(self, seq):
        """Up to that tick, or a later one."""
        while self.last.get("metrics", 0) < seq:
            self.take(self.stream.receive())


def compare_ticks(stayed, returned, interval_ms):
    """The same messages. At a slow pace who comes back gets the last tick in addition, whatever its
    place; then the next mean is that since this tick, and another one."""
    equal([n for n in stayed if n not in returned], [], "ticks missed by the one who came back")
    more = [n for n in returned if n not in stayed]
    equal(len(more) <= (6 if interval_ms else 0), True, f"ticks that come in addition: {more}")
    before = [dict(zip(sorted(got)[1:], sorted(got))) for got in (stayed, returned)]
    compared = 0
    for seq, message in stayed.items():
        if before[0].get(seq) == before[1].get(seq):
            equal(returned[seq], message, "what they say")
            compared += 1
    equal(compared > 10, True, f"{compared} messages compared")


def coming_back(interval_ms):
    with Directory() as data, Daemon(data, interval="50ms") as d:
        veth()
        try:
            until("the device is shown", lambda: d.interface("vx"))
            d.ticks_pass()
            stays, returns = Client(d, interval_ms), Client(d, interval_ms)
            ip("link", "set", "vx", "mtu", "1400")  # a first event for both to count from
            for client in (stays, returns):
                while len(client.last) < 2:
                    client.take(client.stream.receive())
            for number in range(6):
                returns.read(returns.last["metrics"] + 5)
                # Its events, too: connections make some all the time, and the ring has six seconds.
                newest = d.json("/api/v1/events?limit=1")["events"][0]["seq"]
                while returns.last["events"] < newest:
                    returns.take(returns.stream.receive())
                returns.stream.close()
                for _ in range(3):  # while it is away
                    ip("addr", "add", f"10.1.{number}.1/24", "dev", "vx")
                    ip("addr", "del", f"10.1.{number}.1/24", "dev", "vx")
                    d.ticks_pass(4)
                returns.connect()
                d.ticks_pass(1)
                stays.read(d.json("/api/v1/info")["seq"] - 8 * bool(interval_ms))
            # Both up to an event that is the last of all.
            ip("link", "set", "vx", "mtu", "1300")
            for client in (stays, returns):
                while not any(e.get("mtu") == 1300 for e in client.got["events"].values()):
                    client.take(client.stream.receive())
            equal((stays.gaps, returns.gaps), ([], []), "gaps")
            events = [c.got["events"] for c in (stays, returns)]
            equal(len(events[0]) >= 36, True, "many events")
            equal(events[1], events[0], "events of the one who came back")
            first = max(min(c.got["metrics"]) for c in (stays, returns)) + 1
            last = min(max(c.got["metrics"]) for c in (stays, returns))
            ticks = [{n: m for n, m in c.got["metrics"].items() if first <= n <= last}
                     for c in (stays, returns)]
            equal(len(ticks[0]) > 15, True, "many ticks")
            compare_ticks(*ticks, interval_ms)
        finally:
            remove_links("vx")


def test_since():
    """a client that comes back with `since` has every tick and event that one who stayed has"""
    coming_back(None)


def test_since_slow():
    """so has one with a slower pace"""
    coming_back(200)


def test_since_too_old():
    """what the ring does not hold any more is told by a gap; then every tick follows"""
    with Directory() as data, Daemon(data, interval="50ms") as d, d.stream() as s:
        d.ticks_pass()
        first = d.json("/api/v1/info")["seq"]
        until("the ring is full", lambda: d.json("/api/v1/info")["seq"] > first + 130)
        s.send(op="subscribe", id=1, channel="metrics", metric="netsonde_ticks_total",
               since=first - 1)
        gap = s.wait_for("gap", "metrics")
        equal((gap["type"], gap["from"], gap["reason"]), ("gap", first, "ring"), "gap")
        for seq in range(gap["to"] + 1, gap["to"] + 131):
            equal(s.wait_for("metrics")["seq"], seq, "what follows")
        s.send(op="subscribe", id=2, channel="metrics", metric="netsonde_ticks_total",
               since=1 << 40)
        s.wait_for("ok")
        newest = s.wait_for("metrics")["seq"]
        equal(newest > gap["to"] + 100, True, "a since of the future gives the present")


own_network()
no_ipv6()
run([test_operations, test_selection, test_pace, test_table, test_table_view, test_events,
     test_since,
     test_since_slow, test_since_too_old])
