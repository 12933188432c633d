import assert from "node:assert/strict";
import { test } from "node:test";
import { binFor, decimate, Decimator } from "./decimate";

const timeOf = (step: number) => step * 1000;
const points = (d: Decimator, s = 0) => [...d.traces[s]!.subarray(0, d.n)];
const times = (d: Decimator) => [...d.times.subarray(0, d.n)];

test("few points pass unchanged, gaps as NaN", () => {
    const d = decimate([Float64Array.of(1, NaN, 3)], 3, 10, timeOf, 100);
    assert.deepEqual(times(d), [10_000, 11_000, 12_000]);
    assert.deepEqual(points(d), [1, NaN, 3]);
});

test("never more than two points a pixel, whatever the phase", () => {
    for (const n of [300, 1000, 3600, 86_400])
        for (const first of [0, 1, 7, 12_345]) {
            const d = decimate([new Float64Array(n)], n, first, timeOf, 120);
            assert.ok(d.n <= 2 * (120 + 1), `${n} points became ${d.n}`);
        }
});

test("every peak and every trough survives", () => {
    const values = new Float64Array(5000).map((_, i) => Math.sin(i / 50));
    values[1234] = 100;
    values[4321] = -50;
    const d = decimate([values], values.length, 99, timeOf, 60);
    assert.ok(points(d).includes(100));
    assert.ok(points(d).includes(-50));
});

test("lowest and highest come in the order in which they were", () => {
    const rising = decimate([Float64Array.of(1, 2, 3, 4)], 4, 0, timeOf, 1);
    assert.deepEqual(points(rising), [1, 4]);
    const falling = decimate([Float64Array.of(4, 3, 2, 1)], 4, 0, timeOf, 1);
    assert.deepEqual(points(falling), [4, 1]);
});

test("a gap inside a bin is never bridged", () => {
    const after = decimate([Float64Array.of(1, 9, 2, NaN)], 4, 0, timeOf, 1);
    assert.deepEqual(points(after), [9, NaN]);
    const before = decimate([Float64Array.of(NaN, 9, 2, 1)], 4, 0, timeOf, 1);
    assert.deepEqual(points(before), [NaN, 9]);
    const none = decimate([new Float64Array(4).fill(NaN)], 4, 0, timeOf, 1);
    assert.deepEqual(points(none), [NaN, NaN]);
});

test("bins stand still while the window moves on", () => {
    const all = new Float64Array(2000).map((_, i) => (i * 7919) % 1000);
    const a = decimate([all.subarray(0, 1000)], 1000, 0, timeOf, 50);
    const b = decimate([all.subarray(40, 1040)], 1000, 40, timeOf, 50);
    const bin = binFor(1000, 50);
    const at = (d: Decimator, step: number) => d.traces[0]![times(d).indexOf(timeOf(step))];
    for (let step = bin * 3; step < 900; step += bin) assert.equal(at(a, step), at(b, step));
});

test("times rise strictly", () => {
    const d = decimate([new Float64Array(777)], 777, 5, timeOf, 90);
    for (let i = 1; i < d.n; i++) assert.ok(d.times[i]! > d.times[i - 1]!);
});

test("what is added later is the same as all at once", () => {
    const all = new Float64Array(500).map((_, i) => (i % 37 === 0 ? NaN : (i * 7919) % 101));
    for (const bin of [1, 3, 8])
        for (const first of [0, 5, 1001]) {
            const whole = new Decimator();
            whole.begin(first, 500, 1, bin);
            whole.take([all], 0, 500, timeOf);
            const bit = new Decimator();
            bit.begin(first, 500, 1, bin);
            for (let n = 1; n <= 500; n += n < 40 ? 1 : 7)
                bit.take([all], Math.max(0, n - 8), n, timeOf);
            bit.take([all], 490, 500, timeOf);
            assert.deepEqual(points(bit), points(whole));
            assert.deepEqual(times(bit), times(whole));
            assert.equal(bit.pointOf(499) < bit.n, true);
        }
});
