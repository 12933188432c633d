import assert from "node:assert/strict";
import { test } from "node:test";
import { CLASSES, classEnds, classOf } from "./classes";

test("ends rise to a round number above the largest", () => {
    assert.deepEqual(classEnds(55, "even"), [10, 20, 30, 40, 50, 60]);
    const squares = classEnds(36, "squares");
    assert.equal(squares.at(-1), 40);
    assert.ok(squares.every((e, i) => i === 0 || e > squares[i - 1]!));
    assert.ok(squares[0]! < 40 / CLASSES, "rare things have classes of their own");
});

test("zero is a class, and nothing known is none", () => {
    const ends = classEnds(60, "even");
    assert.equal(classOf(0, ends), 0);
    assert.equal(classOf(1e-9, ends), 1);
    assert.equal(classOf(10, ends), 1);
    assert.equal(classOf(10.1, ends), 2);
    assert.equal(classOf(60, ends), CLASSES);
    assert.equal(classOf(1e9, ends), CLASSES);
    assert.equal(classOf(NaN, ends), undefined);
    assert.equal(classOf(Infinity, ends), undefined);
});

test("where all is zero, zero is zero", () => {
    assert.equal(classOf(0, classEnds(0, "squares")), 0);
    assert.equal(classOf(1e15, classEnds(1e15, "even")), CLASSES);
});
