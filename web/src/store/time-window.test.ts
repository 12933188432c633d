/*
 * The join of history and stream against a model of the server: whatever the order in which answers
 * and ticks arrive, the window must hold what a naive array says.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fail, ok, type Result } from "../base/result";
import type { Metrics } from "../proto/stream";
import type { Selection } from "./selection";
import { TimeWindow } from "./time-window";

const T0 = 1_764_000_000_000;
const INTERVAL = 1000;
const SELECTION: Selection = { key: "k", groups: [["a"], ["b"]], match: [] };
const NAMES: Record<string, number> = { a: 1, b: 2 };

/* One tick a second; series 1 counts the second, series 2 is its negative; some ticks are gaps. */
class Server {
    now = 0; // ticks so far
    readonly gaps = new Set<number>();
    readonly asked: string[] = [];
    #waiting: { run: () => void }[] = [];
    broken = false;
    empty = false; // of the range it knows no series

    value(id: number, tick: number): number {
        if (this.gaps.has(tick)) return NaN;
        return id === 1 ? tick : -tick;
    }

    getJson = (address: string, signal?: AbortSignal): Promise<Result<unknown>> =>
        new Promise((resolve) => {
            this.asked.push(address);
            this.#waiting.push({
                run: () =>
                    resolve(
                        signal?.aborted || this.broken ? fail("broken") : ok(this.#answer(address)),
                    ),
            });
        });

    get open(): number {
        return this.#waiting.length;
    }

    /* Lets the i-th waiting question be answered, as of now. */
    async answer(i = 0): Promise<void> {
        this.#waiting.splice(i, 1)[0]!.run();
        await new Promise((r) => setImmediate(r));
    }

    async answerAll(): Promise<void> {
        while (this.open) await this.answer();
    }

    #answer(address: string): unknown {
        const q = new URLSearchParams(address.split("?")[1]);
        const nowMs = T0 + this.now * INTERVAL + 7; // nobody asks at the very moment of a tick
        const time = (text: string) =>
            text.startsWith("now")
                ? nowMs - Number(text.slice(4).replace("s", "") || 0) * 1000
                : Number(text);
        let from = time(
            q
                .get("from")!
                .replace(/(\d+)m$/, (_, m) => `${Number(m) * 60}s`)
                .replace(/(\d+)h$/, (_, h) => `${Number(h) * 3600}s`)
                .replace(/(\d+)d$/, (_, d) => `${Number(d) * 86_400}s`),
        );
        let to = time(q.get("to")!);
        // The server's rule: of one step too many the one of which least is asked for goes.
        const most = Number(q.get("points"));
        const step = Math.ceil((to - from) / most / INTERVAL || 1) * INTERVAL;
        const lastIsMoment = to % step === 0;
        from -= from % step;
        to -= to % step;
        if ((to - from) / step + 1 > most) {
            if (lastIsMoment) to -= step;
            else from += step;
        }
        const series = (this.empty ? [] : q.getAll("metric")).map((name) => {
            const points: [number, number | null][] = [];
            for (let t = from; t <= to; t += step) {
                const inside: number[] = [];
                for (let x = t; x < t + step; x += INTERVAL) {
                    const tick = (x - T0) / INTERVAL;
                    if (tick < 0 || tick > this.now) continue;
                    const v = this.value(NAMES[name]!, tick);
                    if (!Number.isNaN(v)) inside.push(v);
                }
                points.push([
                    t,
                    inside.length ? inside.reduce((a, b) => a + b) / inside.length : null,
                ]);
            }
            return { id: NAMES[name], name, labels: {}, kind: "gauge", points };
        });
        return { from, to, step_ms: step, tier: "raw", series };
    }

    metrics(): Metrics {
        const ids = Int32Array.of(1, 2);
        const values = Float64Array.of(this.value(1, this.now), this.value(2, this.now));
        return { type: "metrics", seq: this.now, t: T0 + this.now * INTERVAL, ids, values };
    }
}

function assertModel(server: Server, window: TimeWindow): void {
    const grid = window.grid!;
    const perStep = grid.stepMs / INTERVAL;
    for (const id of [1, 2])
        for (let k = grid.oldest; k <= grid.head; k++) {
            const first = (grid.timeOf(k) - T0) / INTERVAL;
            const inside: number[] = [];
            for (let i = first; i < first + perStep; i++)
                if (i >= 0 && i <= server.now && !Number.isNaN(server.value(id, i)))
                    inside.push(server.value(id, i));
            const mean = inside.length ? inside.reduce((a, b) => a + b) / inside.length : NaN;
            const got = grid.at(id, k);
            assert.ok(
                Number.isNaN(mean)
                    ? Number.isNaN(got)
                    : Math.abs(got - mean) < 1e-6 * Math.max(1, Math.abs(mean)),
                `series ${id}, step ${k} (ticks ${first}+${perStep}): ${got} instead of ${mean}`,
            );
        }
}

function open(server: Server) {
    const troubles: (string | undefined)[] = [];
    const window = new TimeWindow(server.getJson, {
        changed: () => undefined,
        trouble: (why) => troubles.push(why),
    });
    window.intervalMs = INTERVAL;
    window.describe(
        [1, 2].map((id) => ({
            id,
            name: id === 1 ? "a" : "b",
            labels: {},
            unit: "",
            kind: "gauge",
            method: "test",
        })),
    );
    return { window, troubles };
}

for (const minutes of [1, 15, 60, 360])
    test(`history and stream make one line, window of ${minutes} min, any order`, async () => {
        let seed = minutes;
        const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
        for (let round = 0; round < 6; round++) {
            const server = new Server();
            server.now = 30_000 + Math.floor(random() * 500);
            for (let i = 0; i < 400; i++) server.gaps.add(29_000 + Math.floor(random() * 2000));
            const { window } = open(server);
            window.load(SELECTION, { kind: "last", spanMs: minutes * 60_000 });
            window.describe(
                [1, 2].map((id) => ({
                    id,
                    name: id === 1 ? "a" : "b",
                    labels: {},
                    unit: "",
                    kind: "gauge",
                    method: "test",
                })),
            );
            for (let i = 0; i < 40 || server.open; i++) {
                if (random() < 0.7) {
                    server.now++;
                    window.tick(server.metrics());
                } else if (server.open) await server.answer(Math.floor(random() * server.open));
            }
            for (let i = 0; i < 150; i++) {
                server.now++;
                window.tick(server.metrics());
            }
            assert.equal(window.loading, false);
            assertModel(server, window);
        }
    });

test("a reload keeps the old picture until the new one is whole", async () => {
    const server = new Server();
    server.now = 5000;
    const { window } = open(server);
    const range = { kind: "last", spanMs: 60_000 } as const;
    window.load(SELECTION, range);
    await server.answerAll();
    const before = window.grid;
    server.now += 30; // unseen: the tab was hidden
    window.load(SELECTION, range);
    await server.answer();
    assert.equal(window.grid, before);
    server.now++;
    window.tick(server.metrics());
    await server.answerAll();
    assert.notEqual(window.grid, before);
    assertModel(server, window);
});

test("the newest question wins; older answers are thrown away", async () => {
    const server = new Server();
    server.now = 5000;
    const { window } = open(server);
    window.load(SELECTION, { kind: "last", spanMs: 3_600_000 });
    window.load(SELECTION, { kind: "last", spanMs: 60_000 });
    await server.answerAll();
    assert.equal(window.grid!.stepMs, 1000);
    assertModel(server, window);
});

test("a fixed range stands still", async () => {
    const server = new Server();
    server.now = 5000;
    const { window } = open(server);
    window.load(SELECTION, { kind: "fixed", fromMs: T0 + 100_000, toMs: T0 + 160_000 });
    await server.answerAll();
    const head = window.grid!.head;
    server.now++;
    window.tick(server.metrics());
    assert.equal(window.grid!.head, head);
    assert.deepEqual(window.bounds, { kind: "fixed", fromMs: T0 + 100_000, toMs: T0 + 160_000 });
    assertModel(server, window);
});

test("a fixed range of which nothing was recorded is a gap as long as it is", async () => {
    const server = new Server();
    server.now = 5000;
    server.empty = true;
    const { window } = open(server);
    const range = { kind: "fixed", fromMs: T0 + 100_000, toMs: T0 + 160_000 } as const;
    window.load(SELECTION, range);
    assert.equal(window.reading, true);
    assert.notEqual(window.range, range);
    await server.answerAll();
    assert.equal(window.reading, false);
    assert.equal(window.range, range);
    window.load(SELECTION, range);
    assert.equal(window.reading, true);
    assert.equal(window.range, range, "the same is read anew");
    await server.answerAll();
    const [gap, ...more] = window.grid!.gaps(1);
    assert.equal(more.length, 0);
    assert.ok(gap!.fromMs <= range.fromMs && gap!.toMs >= range.toMs);
});

test("without history the window fills from the stream and the trouble is told", async () => {
    const server = new Server();
    server.now = 5000;
    server.broken = true;
    const { window, troubles } = open(server);
    window.load(SELECTION, { kind: "last", spanMs: 60_000 });
    window.describe(
        [1, 2].map((id) => ({ id, name: "a", labels: {}, unit: "", kind: "gauge", method: "" })),
    );
    window.tick(server.metrics());
    await server.answerAll();
    server.now++;
    window.tick(server.metrics());
    assert.deepEqual(troubles, ["broken", "broken"]);
    assert.equal(window.grid!.at(1, window.grid!.head), 5001);
    assert.equal(window.grid!.at(1, window.grid!.head - 1), 5000);
    server.broken = false;
    window.load(SELECTION, { kind: "last", spanMs: 60_000 });
    await server.answerAll();
    assert.equal(troubles[troubles.length - 1], undefined);
    assertModel(server, window);
});

test("an answer with absurdly many steps is refused", async () => {
    const troubles: (string | undefined)[] = [];
    const window = new TimeWindow(
        () => Promise.resolve(ok({ from: 0, to: 9e15, step_ms: 1, series: [] })),
        { changed: () => undefined, trouble: (why) => troubles.push(why) },
    );
    window.load(SELECTION, { kind: "fixed", fromMs: 1, toMs: 2 });
    await new Promise((r) => setImmediate(r));
    assert.equal(window.unread, true);
    assert.ok(window.grid!.capacity < 10);
    assert.equal(troubles[0], "the answer has too many steps");
});

test("values of series that nobody described are left out", async () => {
    const server = new Server();
    server.now = 100;
    const { window } = open(server);
    window.load({ ...SELECTION, key: "other" }, { kind: "last", spanMs: 60_000 });
    await server.answerAll();
    server.now++;
    const m = server.metrics();
    window.tick({ ...m, ids: Int32Array.of(1, 77), values: Float64Array.of(5, 6) });
    assert.equal(window.grid!.has(77), false);
});

test("a stretch that cannot be read is not told by the window before", async () => {
    const server = new Server();
    server.now = 5000;
    const { window, troubles } = open(server);
    window.load(SELECTION, { kind: "last", spanMs: 60_000 });
    await server.answerAll();
    assert.equal(window.unread, false);
    server.broken = true;
    const range = { kind: "fixed", fromMs: T0 + 100_000, toMs: T0 + 160_000 } as const;
    window.load(SELECTION, range);
    await server.answerAll();
    assert.match(troubles.at(-1)!, /broken/);
    assert.equal(window.unread, true);
    assert.equal(window.loading, false);
    assert.deepEqual(window.bounds, range);
    for (let k = window.grid!.oldest; k <= window.grid!.head; k++)
        assert.ok(Number.isNaN(window.grid!.at(1, k)));
    server.broken = false;
    window.load(SELECTION, range);
    await server.answerAll();
    assert.equal(window.unread, false);
    assert.equal(window.grid!.at(1, window.grid!.stepOf(T0 + 120_000)), 120);
});

test("series that come and go do not pile up", async () => {
    const server = new Server();
    server.now = 5000;
    const { window } = open(server);
    window.load(SELECTION, { kind: "last", spanMs: 60_000 });
    await server.answerAll();
    const info = (id: number) => ({
        id,
        name: "a",
        labels: { device: `veth${id}` },
        unit: "",
        kind: "gauge" as const,
        method: "test",
    });
    const LIVES = 5;
    for (let i = 0; i < 2000; i++) {
        server.now++;
        window.describe([info(100 + i)]);
        const m = server.metrics();
        const there = [1, 2, 3];
        if (i === 0) window.describe([info(3)]); // is listed, but silent
        for (let k = Math.max(0, i - LIVES); k <= i; k++) there.push(100 + k);
        window.tick({
            ...m,
            ids: Int32Array.from(there),
            values: Float64Array.from(there, (id) => (id === 3 ? NaN : 1)),
        });
    }
    assert.ok(window.series.size < 200, `${window.series.size} series are kept`);
    assert.ok([...window.grid!.ids].length < 200);
    assert.ok(window.series.has(3));
    assert.ok(window.series.has(2099));
    assert.equal(window.grid!.at(2050, window.grid!.stepOf(T0 + (5000 + 1951) * INTERVAL)), 1);
});

test("ticks that waited for another window do not move a fixed one", async () => {
    const server = new Server();
    server.now = 5000;
    const { window } = open(server);
    window.load(SELECTION, { kind: "last", spanMs: 60_000 });
    server.now++;
    window.tick(server.metrics());
    window.load(SELECTION, { kind: "fixed", fromMs: T0 + 100_000, toMs: T0 + 160_000 });
    await server.answerAll();
    const grid = window.grid!;
    assert.equal(grid.head, grid.stepOf(T0 + 160_000));
    assert.equal(grid.at(1, grid.stepOf(T0 + 120_000)), 120);
});

test("in a window of weeks the open step is taken apart into a few means, and ticks go on in it", async () => {
    const server = new Server();
    server.now = 9_000;
    const { window } = open(server);
    window.intervalMs = INTERVAL;
    window.load(SELECTION, { kind: "last", spanMs: 30 * 86_400_000 });
    await server.answerAll();
    const fine = server.asked.filter((a) => a.includes("points=400"));
    assert.ok(fine.length >= 1, server.asked.join("\n"));
    const grid = window.grid!;
    assert.equal(grid.capacity, 900);
    const share = () => {
        const first = (grid.timeOf(grid.head) - T0) / INTERVAL;
        return grid.at(1, grid.head) / ((Math.max(0, first) + server.now) / 2);
    };
    assert.ok(Math.abs(share() - 1) < 0.01, String(share()));
    for (let i = 0; i < 500; i++) {
        server.now++;
        window.tick(server.metrics());
    }
    assert.ok(Math.abs(share() - 1) < 0.01, String(share()));
});
