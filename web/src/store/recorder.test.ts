/* What is recorded of a row while somebody looks at it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Recorder } from "./recorder";

const T0 = 1_764_000_000_000;

function read(recorder: Recorder, times: readonly number[]): number[] {
    const grid = recorder.grid!;
    return times.map((t) => grid.column(0).values[grid.stepOf(t) % grid.capacity]!);
}

test("tables that come with each tick have its step", () => {
    const recorder = new Recorder(["rx"], 1000, "");
    for (let i = 0; i < 5; i++) recorder.take(T0 + i * 1000, [i]);
    recorder.take(T0 + 4000, [99]); // the same table again
    assert.equal(recorder.grid!.stepMs, 1000);
    assert.deepEqual(read(recorder, [T0, T0 + 1000, T0 + 4000]), [0, 1, 4]);
});

test("tables that come less often have a step of their own: no holes between them", () => {
    const recorder = new Recorder(["rx"], 1000, "");
    for (let i = 0; i < 5; i++) recorder.take(T0 + i * 5000, [i]);
    assert.equal(recorder.grid!.stepMs, 5000);
    assert.deepEqual(
        read(recorder, [0, 1, 2, 3, 4].map((i) => T0 + i * 5000)),
        [0, 1, 2, 3, 4],
    );
    assert.equal(recorder.bounds!.toMs, T0 + 20_000);
});

test("a pause after the first table is no step", () => {
    const recorder = new Recorder(["rx"], 1000, "");
    recorder.take(T0, [0]);
    for (let i = 120; i < 130; i++) recorder.take(T0 + i * 1000, [i]);
    assert.equal(recorder.grid!.stepMs, 1000);
    assert.deepEqual(read(recorder, [T0, T0 + 121_000, T0 + 129_000]), [0, 121, 129]);
    assert.ok(Number.isNaN(read(recorder, [T0 + 60_000])[0]));
});
