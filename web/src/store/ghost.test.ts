import assert from "node:assert/strict";
import { test } from "node:test";
import { fail, ok, type Result } from "../base/result";
import { compareText, parseCompare } from "../domain/compare";
import { Ghost } from "./ghost";
import type { Selection } from "./selection";

const SELECTION: Selection = { key: "k", groups: [["a"], ["b"]], match: ["device=lo"] };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T0 = 1_764_000_000_000;
const turn = () => new Promise((r) => setImmediate(r));

function history(fromMs: number, points: (number | null)[]) {
    return {
        from: fromMs,
        to: fromMs + (points.length - 1) * 1000,
        step_ms: 1000,
        series: [
            {
                id: 7,
                name: "a",
                labels: { device: "lo" },
                kind: "gauge",
                points: points.map((v, i) => [fromMs + i * 1000, v]),
            },
        ],
    };
}

function ghost(answer: (address: string) => Result<unknown>) {
    const asked: URLSearchParams[] = [];
    let changes = 0;
    const g = new Ghost(
        (address) => {
            asked.push(new URLSearchParams(address.split("?")[1] ?? ""));
            return Promise.resolve(answer(address));
        },
        () => changes++,
    );
    return { g, asked, changes: () => changes };
}

test("what is compared with is in the address: a shift, or a baseline's name", () => {
    assert.deepEqual(parseCompare("7d"), { kind: "before", text: "7d", shiftMs: 7 * DAY });
    assert.deepEqual(parseCompare("before-v2"), { kind: "baseline", text: "before-v2" });
    for (const s of [null, "", "<b>", "a b"]) assert.equal(parseCompare(s), undefined);
    assert.equal(compareText(parseCompare("1d")!), "a day before");
    assert.equal(compareText(parseCompare("36h")!), "36h before");
});

test("a window that follows the present asks for its past and a stretch ahead, and again when that is used up", async () => {
    const { g, asked } = ghost(() => ok(history(T0, [1, null, 3])));
    g.load(SELECTION, { kind: "last", spanMs: HOUR }, parseCompare("1d"));
    assert.equal(g.words, "a day before: being read");
    await turn();
    assert.equal(asked[0]!.get("from"), `now-${(DAY + HOUR) / 1000}s`);
    assert.equal(asked[0]!.get("to"), `now-${(DAY - HOUR / 4) / 1000}s`);
    assert.deepEqual(asked[0]!.getAll("metric"), ["a", "b"]);
    assert.equal(g.shiftMs, DAY);
    assert.equal(g.words, "a day before");
    assert.equal(g.grid!.at(7, g.grid!.stepOf(T0 + 2000)), 3);
    assert.ok(Number.isNaN(g.grid!.at(7, g.grid!.stepOf(T0 + 1000))));
    g.reached(T0 + DAY + 2999);
    assert.equal(asked.length, 1, "what is there is enough: the last step is a second long");
    g.reached(T0 + DAY + 3000);
    g.reached(T0 + DAY + 3001);
    await turn();
    assert.equal(asked.length, 2, "once");
});

test("a fixed window asks for exactly that stretch; nothing there is told", async () => {
    const { g, asked } = ghost(() => ok({ from: 0, to: 0, step_ms: 1000, series: [] }));
    g.load(SELECTION, { kind: "fixed", fromMs: T0, toMs: T0 + HOUR }, parseCompare("7d"));
    await turn();
    assert.equal(asked[0]!.get("from"), String(T0 - 7 * DAY));
    assert.equal(asked[0]!.get("to"), String(T0 + HOUR - 7 * DAY));
    assert.equal(g.words, "a week before: history has nothing of that time");
});

test("a baseline is read where it was made and has no times of its own", async () => {
    const list = { baselines: [{ name: "calm", kind: "saved", from_ms: T0, to_ms: T0 + HOUR, series_count: 1, blocks: 60 }] };
    const { g, asked } = ghost((a) => ok(a.includes("baselines") ? list : history(T0, [2, 4])));
    g.load(SELECTION, { kind: "last", spanMs: HOUR }, parseCompare("calm"));
    await turn();
    await turn();
    assert.equal(asked[1]?.get("from"), String(T0));
    assert.equal(g.shiftMs, undefined);
    assert.equal(g.words, "baseline calm, mean");
    g.load(SELECTION, { kind: "last", spanMs: HOUR }, parseCompare("gone"));
    await turn();
    assert.equal(g.words, "baseline gone, mean: there is no such baseline");
    assert.equal(g.grid, undefined);
});

test("an answer that comes after another choice is not shown; trouble is told", async () => {
    const { g } = ghost(() => ok(history(T0, [1])));
    g.load(SELECTION, { kind: "last", spanMs: HOUR }, parseCompare("1d"));
    g.load(SELECTION, { kind: "last", spanMs: HOUR }, undefined);
    await turn();
    assert.equal(g.grid, undefined);
    assert.equal(g.words, "");
    const broken = ghost(() => fail("no answer"));
    broken.g.load(SELECTION, { kind: "last", spanMs: HOUR }, parseCompare("1d"));
    await turn();
    assert.equal(broken.g.words, "a day before: no answer");
});
