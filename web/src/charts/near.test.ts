/* When a chart out of sight is painted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../base/clock";
import { Ahead } from "./near";

function bench() {
    const clock = new FakeClock();
    let idle: (() => void)[] = [];
    const world = { worth: true, paintings: 0 };
    const ahead = new Ahead(
        () => {
            world.paintings++;
            ahead.painted();
        },
        () => world.worth,
        clock,
        (run) => {
            idle.push(run);
            return () => void (idle = idle.filter((r) => r !== run));
        },
    );
    const rest = () => {
        while (idle.length) idle.shift()!();
    };
    return { clock, world, ahead, rest, waiting: () => idle.length + clock.pending };
}

test("what is out of sight is painted when there is time, and not again for ten seconds", () => {
    const b = bench();
    b.ahead.ask();
    b.ahead.ask();
    assert.equal(b.world.paintings, 0);
    b.rest();
    assert.equal(b.world.paintings, 1);

    for (let s = 1; s < 10; s++) {
        b.ahead.ask();
        b.clock.advance(1_000);
        b.rest();
    }
    assert.equal(b.world.paintings, 1);
    b.clock.advance(1_000);
    assert.equal(b.world.paintings, 1); // the time has come, but the browser is busy
    b.rest();
    assert.equal(b.world.paintings, 2);
});

test("without anything new nothing is painted", () => {
    const b = bench();
    b.ahead.ask();
    b.rest();
    b.clock.advance(60_000);
    b.rest();
    assert.equal(b.world.paintings, 1);
    assert.equal(b.waiting(), 0);
});

test("what came into sight meanwhile was painted there", () => {
    const b = bench();
    b.ahead.ask();
    b.ahead.painted();
    b.rest();
    assert.equal(b.world.paintings, 0);
    b.ahead.ask();
    b.clock.advance(9_999);
    b.ahead.painted(); // ten seconds begin anew
    b.ahead.ask();
    b.clock.advance(9_999);
    b.rest();
    assert.equal(b.world.paintings, 0);
    b.clock.advance(1);
    b.rest();
    assert.equal(b.world.paintings, 1);
});

test("where nobody can look nothing is painted, until there is something new for somebody", () => {
    const b = bench();
    b.world.worth = false;
    b.ahead.ask();
    b.rest();
    assert.equal(b.world.paintings, 0);
    assert.equal(b.waiting(), 0);
    b.world.worth = true;
    b.ahead.ask();
    b.rest();
    assert.equal(b.world.paintings, 1);
});

test("a chart that is gone is painted no more", () => {
    const b = bench();
    b.ahead.ask();
    b.ahead.cancel();
    b.rest();
    b.clock.advance(60_000);
    assert.equal(b.world.paintings, 0);
    assert.equal(b.waiting(), 0);
});
