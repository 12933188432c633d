/* What a session asks of the server, and what it says about itself, at each turn of events. */
import assert from "node:assert/strict";
import { signal } from "@preact/signals";
import { test } from "node:test";
import { FakeClock } from "../base/clock";
import { fail, ok, type Result } from "../base/result";
import type { Range } from "../domain/range";
import type { Socket } from "../link/stream-client";
import { Session } from "./session";

class FakeSocket implements Socket {
    onopen: Socket["onopen"] = null;
    onmessage: Socket["onmessage"] = null;
    onclose: Socket["onclose"] = null;
    sent: Record<string, unknown>[] = [];

    send(text: string): void {
        this.sent.push(JSON.parse(text) as Record<string, unknown>);
    }

    close(): void {}

    say(message: unknown): void {
        this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent);
    }

    wishes(channel: string): Record<string, unknown>[] {
        return this.sent.filter((m) => m["op"] === "subscribe" && m["channel"] === channel);
    }
}

const T0 = 1_764_000_000_000;
const SELECTION = { key: "p", groups: [["m"]], match: [] };

function bench(interfaces: object = {}) {
    const clock = new FakeClock();
    const sockets: FakeSocket[] = [];
    const asked: string[] = [];
    const frames: (() => void)[] = [];
    const range = signal<Range>({ kind: "last", spanMs: 60_000 });
    const world = { history: true, intervalMs: 1000, nowMs: undefined as number | undefined };
    const session = new Session(
        () => {
            const socket = new FakeSocket();
            sockets.push(socket);
            return socket;
        },
        (address): Promise<Result<unknown>> => {
            asked.push(address);
            if (!world.history) return Promise.resolve(fail("disk on fire"));
            if (address === "api/v1/info")
                return Promise.resolve(ok({ version: "1", interval_ms: world.intervalMs, t: world.nowMs }));
            if (address.startsWith("api/v1/interfaces")) return Promise.resolve(ok(interfaces));
            return Promise.resolve(ok({ from: T0, to: T0, step_ms: 1000, series: [], events: [] }));
        },
        clock,
        range,
        (run) => frames.push(run),
    );
    const last = () => sockets[sockets.length - 1]!;
    const greet = (channels: string[] = []) => {
        last().onopen?.({} as Event);
        last().say({ type: "hello", version: "1", host: "h", interval_ms: 1000, channels });
        last().say({ type: "series", series: [{ id: 1, name: "m", labels: {} }] });
    };
    const tick = (seq: number) =>
        last().say({ type: "metrics", seq, t: T0 + seq * 1000, values: [[1, seq]] });
    const paint = () => {
        while (frames.length) frames.shift()!();
    };
    const queries = () => asked.filter((a) => a.startsWith("api/v1/query") && !a.includes("netsonde_store")).length;
    session.show(SELECTION);
    session.start();
    return { clock, session, sockets, asked, range, world, last, greet, tick, paint, queries };
}

const settled = () => new Promise((r) => setImmediate(r));

test("live, stale, live again; connecting before the first tick", () => {
    const b = bench();
    assert.equal(b.session.liveness.value, "connecting");
    b.greet();
    b.tick(1);
    assert.equal(b.session.liveness.value, "live");
    b.clock.advance(2000);
    assert.equal(b.session.liveness.value, "stale");
    b.tick(2);
    assert.equal(b.session.liveness.value, "live");
});

test("one subscription a channel; the next connection asks for what came since", () => {
    const b = bench();
    b.greet();
    assert.equal(b.last().wishes("metrics").length, 1);
    assert.deepEqual(b.last().wishes("metrics")[0]!["metric"], ["m"]);
    b.tick(41);
    b.last().onclose?.({ code: 1001, reason: "" } as CloseEvent);
    assert.equal(b.session.liveness.value, "stale");
    b.clock.advance(1000);
    b.greet();
    assert.equal(b.last().wishes("metrics")[0]!["since"], 41);
    assert.equal(b.session.liveness.value, "stale"); // a connection alone is not data
    b.tick(42);
    assert.equal(b.session.liveness.value, "live");
});

test("ticks that are missing are read from history, not more often than every ten seconds", async () => {
    const b = bench();
    b.greet();
    await settled();
    const before = b.queries();
    b.tick(1);
    b.tick(2);
    assert.equal(b.queries(), before);
    b.tick(9);
    assert.equal(b.queries(), before + 1);
    b.tick(20);
    assert.equal(b.queries(), before + 1);
    b.clock.advance(10_000);
    b.last().say({ type: "gap", channel: "metrics", from: 21, to: 30, reason: "conflated" });
    assert.equal(b.queries(), before + 2);
});

test("interfaces are there before the stream is, and the stream's are newer", async () => {
    const columns = ["id", "device"];
    const b = bench({ columns, rows: [[1, "old"], [2, "eth0"]] });
    const devices = () => b.session.interfaces.value.map((i) => i.device);
    await settled();
    b.paint();
    assert.deepEqual(devices(), ["old", "eth0"]);
    b.greet();
    b.last().say({ type: "table", channel: "interfaces", full: true, columns, rows: [[2, "eth0"]] });
    b.paint();
    assert.deepEqual(devices(), ["eth0"]);

    const late = bench({ columns, rows: [[1, "old"]] });
    late.greet();
    late.last().say({ type: "table", channel: "interfaces", full: true, columns, rows: [] });
    await settled();
    late.paint();
    assert.deepEqual(late.session.interfaces.value, []);
});

test("a hidden tab hears of alerts alone and catches up from history when it is seen again", async () => {
    const b = bench();
    b.greet(["alerts", "connections", "stats"]);
    b.session.follow({ channel: "connections", filter: "", sort: "", limit: 10 }, () => undefined);
    b.session.listen("stats", () => undefined);
    await settled();
    b.tick(1);
    const beats = b.session.beats.value;
    const asked = () => b.asked.length;
    const newest = () => new Map(b.last().sent.map((m) => [m["channel"], m["op"]]));
    const others = ["metrics", "interfaces", "connections", "stats", "events"];
    for (const channel of others) assert.equal(newest().get(channel), "subscribe", channel);

    b.session.setVisible(false);
    for (const channel of others) assert.equal(newest().get(channel), "unsubscribe", channel);
    assert.equal(newest().get("alerts"), "subscribe");
    b.tick(2); // it was on its way
    const before = asked();
    b.clock.advance(25_000);
    await settled();
    assert.equal(asked(), before);
    assert.equal(b.session.liveness.value, "live"); // nobody waits for a tick
    assert.equal(b.session.beats.value, beats); // nothing is rendered that nobody sees
    const queries = b.queries();

    b.session.setVisible(true);
    assert.equal(b.session.liveness.value, "stale"); // what is shown is old
    for (const channel of others) assert.equal(newest().get(channel), "subscribe", channel);
    assert.equal(b.queries(), queries + 1);
    b.tick(3);
    assert.equal(b.session.liveness.value, "live");
    b.clock.advance(5000);
    assert.equal(b.session.liveness.value, "stale");
});

test("a hidden tab whose connection comes back says so and stays quiet", async () => {
    const b = bench();
    b.greet(["alerts"]);
    b.tick(1);
    b.clock.advance(1000);
    b.session.setVisible(false);
    b.last().onclose?.({ code: 1006, reason: "" } as CloseEvent);
    assert.equal(b.session.liveness.value, "stale");
    b.clock.advance(500); // the longest before it tries again
    b.greet(["alerts"]);
    await settled();
    assert.equal(b.session.liveness.value, "live");
    const channels = b.last().sent.filter((m) => m["op"] === "subscribe").map((m) => m["channel"]);
    assert.deepEqual(channels, ["alerts"]);
    b.clock.advance(5_000);
    b.session.setVisible(true);
    assert.equal(b.session.liveness.value, "stale");
});

test("a stalled server stays stale when the page is hidden", async () => {
    const b = bench();
    b.greet();
    b.tick(1);
    b.clock.advance(3000);
    assert.equal(b.session.liveness.value, "stale");
    b.session.setVisible(false);
    await settled();
    assert.equal(b.session.liveness.value, "stale");
});

test("what is chosen while nobody looks is asked for when somebody does", async () => {
    const b = bench();
    b.greet(["alerts", "stats"]);
    b.tick(1);
    await settled();
    b.session.setVisible(false);
    const queries = b.queries();
    b.range.value = { kind: "fixed", fromMs: T0, toMs: T0 + 60_000 };
    b.session.show({ key: "q", groups: [["n"]], match: [] });
    b.session.listen("stats", () => undefined);
    await settled();
    assert.equal(b.queries(), queries);
    assert.equal(b.last().wishes("stats").length, 0);
    b.session.setVisible(true);
    assert.equal(b.queries(), queries + 1);
    assert.equal(b.last().wishes("stats").length, 1);
    assert.deepEqual(b.last().wishes("metrics").pop()!["metric"], ["n"]);
});

test("a clock is wrong when it was so neither when it was asked nor when the answer came", async () => {
    const skewOf = async (aheadMs: number) => {
        const b = bench();
        b.session.stop();
        b.world.nowMs = b.clock.wall() + aheadMs;
        b.session.start(b.clock.wall() - 60_000); // asked a minute ago
        await settled();
        return b.session.skewMs.value;
    };
    assert.equal(await skewOf(-30_000), 0);
    assert.equal(await skewOf(5_000), 5_000);
    assert.equal(await skewOf(-65_000), -5_000);
});

test("paused stands still, still knows that ticks arrive, and goes on from history", async () => {
    const b = bench();
    b.greet();
    b.tick(1);
    await settled();
    b.session.hold(true);
    assert.equal(b.session.liveness.value, "paused");
    const newest = b.session.window.grid!.newestMs;
    const beats = b.session.beats.value;
    b.tick(2);
    assert.equal(b.session.window.grid!.newestMs, newest);
    assert.equal(b.session.beats.value, beats + 1);
    const before = b.queries();
    b.session.hold(false);
    assert.equal(b.queries(), before + 1);
    assert.equal(b.session.liveness.value, "live");
});

test("a fixed range is paused by nature; another range is another question", async () => {
    const b = bench();
    b.greet();
    b.tick(1);
    await settled();
    const before = b.queries();
    b.range.value = { kind: "fixed", fromMs: T0, toMs: T0 + 60_000 };
    assert.equal(b.queries(), before + 1);
    assert.equal(b.session.liveness.value, "paused");
    b.range.value = { kind: "last", spanMs: 300_000 };
    assert.equal(b.session.liveness.value, "live");
});

test("of windows that follow each other at once only the first and the last are asked for", async () => {
    const b = bench();
    b.greet();
    await settled();
    b.clock.advance(1000);
    const before = b.queries();
    for (let i = 1; i <= 12; i++)
        b.range.value = { kind: "fixed", fromMs: T0, toMs: T0 + i * 60_000 };
    assert.equal(b.queries(), before + 1);
    b.clock.advance(300);
    assert.equal(b.queries(), before + 2);
    assert.ok(b.asked.some((a) => a.includes(`to=${T0 + 12 * 60_000}`)));
    b.clock.advance(1000);
    assert.equal(b.queries(), before + 2);
});

test("tables: whole at first, then changes and removals; seen only in a frame", () => {
    const b = bench();
    b.greet();
    const columns = ["id", "device", "kind", "state"];
    const table = (rows: unknown[], removed: number[] = []) =>
        b
            .last()
            .say({ type: "table", channel: "interfaces", seq: 1, t: T0, columns, rows, removed });
    table([
        [1, "lo", "loopback", "up"],
        [2, "eth0", "physical", "up"],
    ]);
    assert.equal(b.session.interfaces.value.length, 0);
    b.paint();
    assert.deepEqual(
        b.session.interfaces.value.map((i) => i.device),
        ["lo", "eth0"],
    );
    table(
        [
            [2, "eth0", "physical", "down"],
            [3, "eth1", "physical", "up"],
        ],
        [1],
    );
    b.paint();
    assert.deepEqual(
        b.session.interfaces.value.map((i) => i.device + i.state),
        ["eth0down", "eth1up"],
    );
    b.last().onclose?.({ code: 1006, reason: "" } as CloseEvent);
    b.clock.advance(1000);
    b.greet();
    table([[9, "eth9", "physical", "up"]]);
    b.paint();
    assert.deepEqual(
        b.session.interfaces.value.map((i) => i.device),
        ["eth9"],
    );
});

test("troubles are told in words and go when they are over", async () => {
    const b = bench();
    b.world.history = false;
    b.range.value = { kind: "last", spanMs: 300_000 };
    await settled();
    assert.match(b.session.problems.value[0]!.text, /History could not be read: disk on fire/);
    b.world.history = true;
    b.session.retry();
    await settled();
    assert.equal(b.session.problems.value.length, 0);
    b.greet();
    b.last().onmessage?.({ data: "?" } as MessageEvent);
    assert.match(b.session.problems.value[0]!.text, /does not understand/);
    b.session.dismiss("protocol");
    b.last().say({ type: "error", id: 1, code: "unknown_channel", message: "no such channel" });
    assert.match(b.session.problems.value[0]!.text, /no such channel/);
});

test("a hole that comes soon after another one is filled, too, a little later", async () => {
    const b = bench();
    b.greet();
    await settled();
    b.tick(1);
    b.tick(9);
    const before = b.queries();
    b.clock.advance(1000);
    b.tick(20);
    assert.equal(b.queries(), before);
    for (let seq = 21; seq < 40; seq++) {
        b.clock.advance(1000);
        b.tick(seq);
    }
    assert.equal(b.queries(), before + 1);
});

test("another interval while the page is open is not taken for silence", async () => {
    const b = bench();
    b.greet();
    for (let seq = 1; seq <= 15; seq++) {
        b.clock.advance(1000);
        b.tick(seq);
    }
    await settled();
    const before = b.queries();
    b.world.intervalMs = 5000; // the configuration was loaded anew: only /api/v1/info says so
    b.clock.advance(3000);
    await settled();
    assert.equal(b.session.liveness.value, "live", "it was asked when a tick was missed");
    assert.equal(b.session.intervalMs, 5000);
    const slow = (n: number) => {
        b.clock.advance(2000);
        b.last().say({ type: "metrics", seq: 15 + n, t: T0 + 15_000 + n * 5000, values: [[1, n]] });
        b.clock.advance(3000);
        return b.session.liveness.value;
    };
    assert.equal(slow(1), "live");
    await settled();
    assert.equal(b.queries(), before + 1, "in steps of the new length");
    const asked = b.asked.filter((a) => a === "api/v1/info").length;
    for (let n = 2; n < 6; n++) assert.equal(slow(n), "live");
    await settled();
    assert.equal(b.asked.filter((a) => a === "api/v1/info").length, asked);
    b.clock.advance(11_000);
    assert.equal(b.session.liveness.value, "stale");
});

test("soon after it was asked, it is asked again as soon as it may be", async () => {
    const b = bench();
    b.greet();
    b.tick(1);
    b.tick(2);
    await settled();
    b.world.intervalMs = 60_000;
    b.clock.advance(5000);
    await settled();
    assert.equal(b.session.liveness.value, "stale");
    b.clock.advance(6000);
    await settled();
    assert.equal(b.session.liveness.value, "live");
    assert.equal(b.session.intervalMs, 60_000);
});

test("a page that is stale asks until it has an answer, also when it was not looked at meanwhile", async () => {
    const b = bench();
    b.greet();
    b.tick(1);
    b.clock.advance(500);
    b.tick(2);
    await settled();
    b.clock.advance(20_000);
    b.tick(3);
    await settled();
    const asked = () => b.asked.filter((a) => a === "api/v1/info").length;
    b.world.intervalMs = 60_000;
    b.world.history = false; // nothing is answered
    const before = asked();
    b.clock.advance(2_000);
    await settled();
    assert.equal(b.session.liveness.value, "stale");
    const pass = async (seconds: number) => {
        for (let i = 0; i < seconds; i++) {
            b.clock.advance(1_000);
            b.last().say({ type: "pong", id: 0 });
            await settled();
        }
    };
    await pass(25);
    assert.ok(asked() - before >= 2 && asked() - before <= 4, `${asked() - before} questions`);
    b.session.setVisible(false);
    await pass(12); // its next one would have been due
    b.world.history = true;
    b.session.setVisible(true);
    await settled();
    assert.equal(b.session.intervalMs, 60_000);
    assert.equal(b.session.liveness.value, "live");
});

test("a connection that was gone for less than an interval leaves nothing stale", async () => {
    const b = bench();
    const greet = () => {
        b.last().onopen?.({} as Event);
        b.last().say({ type: "hello", version: "1", host: "h", interval_ms: 60_000, channels: [] });
    };
    await settled();
    greet();
    b.tick(1);
    b.clock.advance(3_000);
    b.last().onclose?.({ code: 1006, reason: "" } as CloseEvent);
    assert.equal(b.session.liveness.value, "stale");
    b.clock.advance(500);
    greet();
    assert.equal(b.session.liveness.value, "live");
});

test("whether the window has all that the server has", async () => {
    const b = bench();
    const has = () => b.session.hasAll(b.range.value);
    assert.equal(has(), false); // on its way
    b.greet();
    await settled();
    b.tick(1);
    assert.equal(has(), true);
    b.tick(5); // read at once
    assert.equal(has(), false);
    await settled();
    assert.equal(has(), true);
    b.clock.advance(1_000);
    b.tick(9); // too soon after that one
    assert.equal(has(), false);
    b.clock.advance(10_000);
    await settled();
    assert.equal(has(), true);
    b.range.value = { kind: "last", spanMs: 300_000 };
    b.range.value = { kind: "last", spanMs: 900_000 }; // waits for its turn
    await settled();
    assert.equal(has(), false);
    b.clock.advance(1_000);
    await settled();
    assert.equal(has(), true);
    b.world.history = false;
    b.session.hold(true);
    b.session.hold(false);
    await settled();
    assert.equal(has(), false); // it could not be read
});

test("a held window stays where it is when the interval changes", async () => {
    const b = bench();
    b.greet();
    b.tick(1);
    b.tick(2);
    await settled();
    b.session.hold(true);
    const before = b.queries();
    b.world.intervalMs = 5000;
    for (let n = 1; n <= 3; n++) {
        b.clock.advance(5000);
        b.last().say({ type: "metrics", seq: 2 + n, t: T0 + n * 5000, values: [[1, n]] });
        await settled();
    }
    assert.equal(b.session.intervalMs, 5000);
    assert.equal(b.queries(), before);
    b.session.hold(false);
    assert.equal(b.queries(), before + 1);
});

test("a subscription that the server had no room for is asked for again", () => {
    const b = bench();
    b.greet();
    const wish = () => b.last().wishes("metrics").pop()!;
    const refuse = (id: unknown) =>
        b.last().say({ type: "error", id, code: "busy", message: "too many; try again" });
    const aMinute = () => {
        for (let i = 0; i < 60; i++) {
            b.clock.advance(1000);
            b.last().say({ type: "pong", id: 0 });
        }
    };
    const first = wish();
    refuse(first["id"]);
    assert.match(b.session.problems.value[0]!.text, /try again/);
    aMinute();
    const second = wish();
    assert.notEqual(second["id"], first["id"]);
    assert.deepEqual(second["metric"], ["m"]);
    refuse(second["id"]);
    refuse(first["id"]); // of a wish that is none any more
    aMinute();
    assert.equal(b.last().wishes("metrics").length, 3);
    b.last().say({ type: "ok", id: wish()["id"] });
    assert.equal(b.session.problems.value.length, 0);
    aMinute();
    assert.equal(b.last().wishes("metrics").length, 3);
    assert.equal(b.last().wishes("events").length, 1);
});

test("alerts are asked for where the server has them, and go on where they ended", async () => {
    const b = bench();
    b.greet();
    assert.equal(b.last().wishes("alerts").length, 0);
    assert.ok(!b.asked.some((a) => a.startsWith("api/v1/alerts")));
    b.last().onclose?.({ code: 1001, reason: "" } as CloseEvent);
    b.clock.advance(1000);
    b.greet(["alerts", "anomalies"]); // another version in its place
    assert.equal(b.last().wishes("alerts").length, 1);
    assert.ok(b.asked.some((a) => a.startsWith("api/v1/alerts?state=all")));
    assert.equal(b.last().wishes("anomalies").length, 0); // nobody wants bands yet
    b.last().say({ type: "alert", t: 1, seq: 9, id: 1, state: "firing" });
    b.last().say({ type: "alert_state", t: 1, seq: 8, total: 0, alerts: [] });
    b.last().onclose?.({ code: 1001, reason: "" } as CloseEvent);
    b.clock.advance(1000);
    b.greet(["alerts", "anomalies"]);
    assert.deepEqual(
        b
            .last()
            .wishes("alerts")
            .map((w) => w["since"]),
        [9],
    );
    b.session.show({ ...SELECTION, key: "q", bands: { metrics: ["m"], match: ["device=lo"] } });
    assert.deepEqual(b.last().wishes("anomalies")[0]!["match"], ["device=lo"]);
    await settled();
    assert.ok(b.asked.some((a) => a.startsWith("api/v1/anomalies?metric=m&match=device%3Dlo")));
    b.session.show({ ...SELECTION, key: "r" });
    assert.ok(b.last().sent.some((m) => m["op"] === "unsubscribe" && m["channel"] === "anomalies"));
});

test("alerts are shown in the next frame, and at once while the page is hidden", () => {
    const b = bench();
    b.greet(["alerts"]);
    const state = (seq: number, ...alerts: unknown[]) =>
        b.last().say({ type: "alert_state", t: 1, seq, total: alerts.length, alerts });
    state(1, { id: 1, state: "firing" });
    assert.equal(b.session.alerts.known.value, false);
    b.paint();
    assert.equal(b.session.alerts.active.value.length, 1);
    b.session.setVisible(false);
    state(2);
    assert.equal(b.session.alerts.active.value.length, 0);
});
