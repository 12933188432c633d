/* What is usual: the past first, then the stream; asked again when the server is busy. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../base/clock";
import { fail, ok, type Result } from "../base/result";
import type { Range } from "../domain/range";
import { parseMessage } from "../proto/stream";
import { Bands } from "./bands";

const T0 = 1_764_000_000_000;
const WISH = { metrics: ["m"], match: ["device=lo"] };
const LAST: Range = { kind: "last", spanMs: 60_000 };

function bench() {
    const clock = new FakeClock();
    const asked: string[] = [];
    const answers: Result<unknown>[] = [];
    const points = [null, [T0 + 1000, 0.1, 100, 10], [T0 + 2000, 0.1, 110, 11]];
    const history = { from: T0, to: T0 + 2000, step_ms: 1000, series: [{ id: 7, points }] };
    const bands = new Bands(
        (address) => {
            asked.push(address);
            return Promise.resolve(answers.shift() ?? ok(history));
        },
        clock,
        () => undefined,
    );
    const tick = (seconds: number, mean: number) => {
        const m = parseMessage(
            JSON.stringify({
                type: "anomalies",
                seq: seconds,
                t: T0 + seconds * 1000,
                values: [[7, 0.2, mean, 5]],
            }),
        );
        assert.ok(m.ok && m.value.type === "anomalies");
        bands.tick(m.value);
    };
    const mean = (seconds: number) => bands.mean!.at(7, bands.mean!.stepOf(T0 + seconds * 1000));
    return { clock, asked, answers, bands, tick, mean };
}

const settled = () => new Promise((r) => setImmediate(r));

test("history, then what the stream says; what was still learnt is a gap", async () => {
    const b = bench();
    b.tick(3, 500); // too early: there is no window yet
    await b.bands.load("p", WISH, LAST);
    b.tick(3, 120);
    assert.deepEqual([b.mean(0), b.mean(1), b.mean(2), b.mean(3)], [NaN, 100, 110, 120]);
    assert.equal(b.bands.sigma!.at(7, b.bands.sigma!.stepOf(T0 + 2000)), 11);
});

test("a fixed window stands still; a page without bands has none", async () => {
    const b = bench();
    await b.bands.load("p", WISH, { kind: "fixed", fromMs: T0, toMs: T0 + 2000 });
    b.tick(3, 120);
    assert.ok(Number.isNaN(b.mean(3)));
    await b.bands.load("q", undefined, LAST);
    assert.equal(b.bands.mean, undefined);
});

test("a busy server is asked again, a few times, and not for a page that is gone", async () => {
    const b = bench();
    b.answers.push(fail("busy"), fail("busy"));
    await b.bands.load("p", WISH, LAST);
    assert.equal(b.bands.mean, undefined);
    b.clock.advance(2000);
    await settled();
    b.clock.advance(4000);
    await settled();
    assert.equal(b.asked.length, 3);
    assert.equal(b.mean(1), 100);
    b.answers.push(...Array.from({ length: 20 }, () => fail("busy")));
    await b.bands.load("q", WISH, LAST);
    for (let i = 0; i < 20; i++) {
        b.clock.advance(10_000);
        await settled();
    }
    assert.equal(b.asked.length, 3 + 4);
    await b.bands.load("r", WISH, LAST);
    await b.bands.load("s", undefined, LAST);
    b.clock.advance(60_000);
    await settled();
    assert.equal(b.asked.length, 3 + 5);
});
