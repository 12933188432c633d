import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../base/clock";
import { Freshness } from "./freshness";

test("data is stale after two intervals and fresh with the next tick", () => {
    const clock = new FakeClock();
    const seen: boolean[] = [];
    const f: Freshness = new Freshness(clock, () => seen.push(f.stale));
    f.tick(1000);
    const at = clock.wall();
    clock.advance(1999);
    assert.equal(f.stale, false);
    clock.advance(1);
    assert.equal(f.stale, true);
    assert.equal(f.since, at);
    assert.equal(f.ageMs, 2000);
    f.expect(1000); // a connection alone makes nothing fresh
    assert.equal(f.stale, true);
    f.tick(1000);
    assert.deepEqual(seen, [true, false]);
});

test("at short intervals the network's jitter does not count", () => {
    const clock = new FakeClock();
    const f = new Freshness(clock, () => undefined);
    f.tick(50);
    clock.advance(500);
    assert.equal(f.stale, false);
    clock.advance(200);
    assert.equal(f.stale, true);
});

test("a lost connection is stale at once", () => {
    const f = new Freshness(new FakeClock(), () => undefined);
    f.tick(1000);
    f.lost();
    assert.equal(f.stale, true);
});
