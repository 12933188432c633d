import assert from "node:assert/strict";
import { test } from "node:test";
import { AxisEnd, roundUp } from "./scale";

test("ends are round and never below the data", () => {
    assert.equal(roundUp(87, 1), 100);
    assert.equal(roundUp(101, 1), 120);
    assert.equal(roundUp(1.3e9, 1), 1.5e9);
    assert.equal(roundUp(0, 10), 10);
    assert.equal(roundUp(NaN, 10), 10);
    for (let v = 0.001; v < 1e12; v *= 1.37) assert.ok(roundUp(v, 0) >= v);
});

test("an axis grows at once, shrinks only after a while, and never for a moment's calm", () => {
    const axis = new AxisEnd(1);
    assert.equal(axis.follow(90, 0), 100);
    assert.equal(axis.follow(500, 1000), 600);
    assert.equal(axis.follow(20, 2000), 600);
    assert.equal(axis.follow(20, 6000), 600);
    assert.equal(axis.follow(550, 6500), 600); // the calm is over
    assert.equal(axis.follow(20, 7000), 600);
    assert.equal(axis.follow(20, 12_000), 25);
});

test("another window takes its scale as it comes", () => {
    const axis = new AxisEnd(1);
    axis.follow(1e6, 0);
    assert.equal(axis.follow(5, 1, true), 6);
});
