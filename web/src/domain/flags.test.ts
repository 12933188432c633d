import assert from "node:assert/strict";
import { test } from "node:test";
import { flagFromEvent, flagFromGap, withFlag, type Flag } from "./flags";

test("events become marks in plain words; others none", () => {
    const link = flagFromEvent(5, "link", {
        device: "eth0",
        change: "state",
        before: "up",
        state: "down",
    });
    assert.deepEqual(link, { t: 5, kind: "link", device: "eth0", text: "eth0: up → down" });
    assert.equal(flagFromEvent(5, "link", { device: "a", change: "removed" })!.text, "a: removed");
    assert.equal(flagFromEvent(5, "loss", { what: "ticks", reason: "late" })!.text, "ticks: late");
    assert.equal(flagFromEvent(5, "loss", {})!.text, "samples were lost");
    for (const kind of ["address", "route", "", "__proto__"])
        assert.equal(flagFromEvent(5, kind, {}), undefined);
});

test("fields of the wrong type do no harm", () => {
    const flag = flagFromEvent(5, "link", { device: { a: 1 }, change: [1], state: null });
    assert.equal(typeof flag!.text, "string");
    assert.equal(flag!.device, "");
});

test("only gaps that history cannot fill are marked", () => {
    assert.equal(flagFromGap(1, "kernel")!.kind, "loss");
    assert.equal(flagFromGap(1, "restart"), undefined); // the start itself is marked
    assert.equal(flagFromGap(1, "ring"), undefined);
    assert.equal(flagFromGap(1, "conflated"), undefined);
});

test("marks are in order, once each, and bounded", () => {
    let flags: readonly Flag[] = [];
    for (let i = 600; i > 0; i--)
        flags = withFlag(flags, { t: i, kind: "link", device: "", text: "x" });
    assert.equal(flags.length, 500);
    assert.ok(flags.every((f, i) => i === 0 || flags[i - 1]!.t < f.t));
    assert.equal(withFlag(flags, { ...flags[3]! }), flags);
});
