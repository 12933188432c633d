import assert from "node:assert/strict";
import { test } from "node:test";
import { changesOf, type ChangeSeries } from "./changed";

function of(name: string, before: number[], after: number[]): ChangeSeries {
    const values = Float64Array.from([...before, ...after]);
    const times = values.map((_, i) => (i - before.length) * 1000);
    return { name, labels: {}, unit: "", kind: "gauge", times, values };
}

const noisy = (level: number, by: number) => Array.from({ length: 20 }, (_, i) => level + by * (i % 2 ? 1 : -1));

test("what moved furthest against how much it moves by itself stands first", () => {
    const found = changesOf(
        [
            of("loud", noisy(100, 50), noisy(140, 50)),
            of("quiet", noisy(100, 1), noisy(110, 1)),
            of("down", noisy(100, 1), noisy(96, 1)),
            of("same", noisy(100, 50), noisy(101, 50)),
        ],
        0,
        10,
    );
    assert.deepEqual(found.map((c) => c.name), ["quiet", "down", "loud"]);
    assert.ok(found[1]!.effect < 0);
    assert.ok(Math.abs(found[0]!.effect - 10 / 1.1) < 1e-9); // it moves less than a hundredth of 110
    assert.deepEqual([found[0]!.before, found[0]!.after], [100, 110]);
});

test("one that never moved ranks high, but finitely; nothing is said of little or nothing", () => {
    const flat = Array.from({ length: 20 }, () => 0);
    const [c] = changesOf([of("woke", flat, flat.map(() => 5))], 0, 10);
    assert.equal(c!.effect, 99);
    const none = [
        of("flat", flat, flat),
        of("short", [1, 1, 1], [9, 9, 9]),
        of("unseen", flat.map(() => NaN), noisy(3, 1)),
        of("infinite", flat.map(() => Infinity), noisy(3, 1)),
    ];
    assert.deepEqual(changesOf(none, 0, 10), []);
});

test("only so many, the furthest", () => {
    const many = Array.from({ length: 300 }, (_, i) => of(`m${i}`, noisy(100, 1), noisy(101 + i, 1)));
    const found = changesOf(many, 0, 20);
    assert.equal(found.length, 20);
    assert.deepEqual([found[0]!.name, found[19]!.name], ["m299", "m280"]);
});
