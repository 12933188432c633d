import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameQueue } from "./frame";

test("any number of requests make one paint a frame; none come without", () => {
    const frames: (() => void)[] = [];
    let paints = 0;
    const queue = new FrameQueue(
        () => paints++,
        (run) => frames.push(run),
    );
    for (let i = 0; i < 50; i++) queue.request();
    assert.equal(frames.length, 1);
    frames.shift()!();
    assert.equal(paints, 1);
    queue.request();
    queue.request();
    assert.equal(frames.length, 1);
    frames.shift()!();
    assert.equal(paints, 2);
    assert.equal(frames.length, 0);
});
