import assert from "node:assert/strict";
import { test } from "node:test";
import { roundUp } from "../domain/scale";
import { ends, marks, spread, TIME_STEPS, timeMark, timeMarks } from "./axis";

test("marks are round, inside and include zero", () => {
    assert.deepEqual(marks(-20e6, 100e6, 6), [-20e6, 0, 20e6, 40e6, 60e6, 80e6, 100e6]);
    assert.deepEqual(marks(0, 1, 2), [0, 0.5, 1]);
    assert.deepEqual(marks(-40, 40, 3), [-40, -20, 0, 20, 40]);
    for (const high of [1, 4, 7, 150, 3e6, 8e9])
        for (const low of [0, -high / 3]) {
            const m = marks(low, high, 4);
            assert.ok(m.includes(0) && m.length >= 2 && m.length <= 8, `${low}..${high}: ${m}`);
            assert.ok(m.every((v) => v >= low - 1e-6 && v <= high + 1e-6));
        }
});

test("a mirrored half is never a sliver", () => {
    assert.deepEqual(ends(100, 1, true), [-20, 100]);
    assert.deepEqual(ends(1, 100, true), [-100, 20]);
    assert.deepEqual(ends(100, 0, false), [0, 100]);
});

test("labels are moved apart and stay inside", () => {
    const placed = spread([50, 51, 52, 100], 12, 0, 100);
    const order = [...placed].sort((a, b) => a - b);
    for (let i = 1; i < order.length; i++) assert.ok(order[i]! - order[i - 1]! >= 12 - 1e-9);
    assert.ok(placed.every((y) => y >= 0 && y <= 100));
    assert.deepEqual(spread([10, 60], 12, 0, 100), [10, 60]);
    assert.deepEqual(spread([], 12, 0, 100), []);
});

test("marks of time show seconds only where they are needed", () => {
    const t = new Date(2025, 10, 24, 9, 5, 7).getTime();
    assert.equal(timeMark(t, 60_000), "09:05");
    assert.equal(timeMark(t, 1000), "09:05:07");
    const midnight = new Date(2025, 10, 24).getTime();
    assert.equal(timeMark(midnight, 3_600_000), "Nov 24");
    assert.equal(timeMark(midnight, 60_000), "00:00");
});

test("marks of time stand on round local times", () => {
    const low = new Date(2025, 10, 24, 9, 5, 7).getTime();
    const high = new Date(2025, 10, 24, 9, 20, 7).getTime();
    const at = timeMarks(low, high, 120_000).map((t) => timeMark(t, 120_000));
    assert.deepEqual(at, ["09:06", "09:08", "09:10", "09:12", "09:14", "09:16", "09:18", "09:20"]);
    const day = 86_400_000;
    for (const step of TIME_STEPS) assert.ok(day % step === 0 || step % day === 0);
});

test("an axis has marks enough to be read", () => {
    assert.deepEqual(marks(-3000, 6000, 4.4), [-2000, 0, 2000, 4000, 6000]);
    assert.deepEqual(marks(0, 80, 3.7), [0, 20, 40, 60, 80]);
});

test("binary axes stand on powers of two, and end on a round one", () => {
    assert.deepEqual(
        marks(0, 1.5 * 2 ** 20, 4, 1024).map((v) => v / 1024),
        [0, 512, 1024, 1536],
    );
    assert.equal(roundUp(1_100_000, 1, 1024), 1.25 * 2 ** 20);
    for (let v = 1; v < 1e15; v *= 1.7) assert.ok(roundUp(v, 0, 1024) >= v);
});

test("marks of days and months stand on midnights, also when clocks change", () => {
    const at = (month: number, day: number, hour = 0) => new Date(2026, month, day, hour).getTime();
    const days = timeMarks(at(9, 20, 5), at(10, 3), 2 * 86_400_000);
    assert.ok(days.length >= 6 && days.length <= 7, String(days));
    for (const t of days) assert.equal(new Date(t).getHours(), 0);
    assert.match(timeMark(days[0]!, 2 * 86_400_000), /^Oct 2\d$/);
    const weeks = timeMarks(at(9, 1), at(10, 3), 7 * 86_400_000);
    assert.ok(weeks.every((t) => new Date(t).getDay() === 1), "weeks begin on Monday");
    const month = 30 * 86_400_000;
    const months = timeMarks(at(-3, 2), at(3, 2), month).map((t) => timeMark(t, month));
    assert.deepEqual(months, ["Nov", "Dec", "2026", "Feb", "Mar", "Apr"]);
});
