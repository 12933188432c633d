import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../base/clock";
import { fail, ok, type Result } from "../base/result";
import { Losses } from "./losses";

const turn = () => new Promise((r) => setImmediate(r));

test("what the disk refuses is told until it takes it again", async () => {
    const clock = new FakeClock();
    let lost: number | null = null;
    let broken = false;
    const told: (string | undefined)[] = [];
    const asked: string[] = [];
    const answer = (): Result<unknown> =>
        broken
            ? fail("no answer")
            : ok({
                  from: 0,
                  to: 0,
                  step_ms: 120_000,
                  series: [{ id: 1, name: "x", labels: {}, kind: "counter", points: [[0, lost]] }],
              });
    const losses = new Losses(
        (address) => {
            asked.push(address);
            return Promise.resolve(answer());
        },
        clock,
        (words) => told.push(words),
    );
    losses.start();
    clock.advance(5_000);
    await turn();
    assert.match(asked[0]!, /ticks_lost_total.*agg=sum/);
    assert.deepEqual(told, [undefined]);
    lost = 17;
    clock.advance(30_000);
    await turn();
    assert.match(told[1]!, /17 ticks/);
    broken = true; // the server is gone: that says nothing about the disk
    clock.advance(30_000);
    await turn();
    assert.equal(told.length, 2);
    broken = false;
    lost = 0;
    clock.advance(30_000);
    await turn();
    assert.equal(told[2], undefined);
    losses.stop();
    assert.equal(clock.pending, 0);
});
