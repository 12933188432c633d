import assert from "node:assert/strict";
import { test } from "node:test";
import { alone, hiddenQuery, parseHidden, toggled, withHidden } from "./hidden";

test("what an address hides, and back", () => {
    const values = ["throughput/receive", "throughput/a/b & <c>", "drops/x"];
    const hidden = parseHidden(values);
    assert.deepEqual([...hidden.get("throughput")!], ["receive", "a/b & <c>"]);
    assert.deepEqual(hiddenQuery(hidden), values);
});

test("nonsense hides nothing, and not without bound", () => {
    assert.equal(parseHidden(["", "/", "/x", "no slash"]).size, 0);
    const many = Array.from({ length: 5000 }, (_, i) => `k/${i}`);
    assert.equal(parseHidden(many).get("k")!.size, 200);
});

test("one click hides, the next shows; alone and all again", () => {
    assert.deepEqual([...toggled(new Set(), "a")], ["a"]);
    assert.deepEqual([...toggled(new Set(["a", "b"]), "a")], ["b"]);
    const all = ["a", "b", "c"];
    assert.deepEqual([...alone(new Set(), "b", all)], ["a", "c"]);
    assert.deepEqual([...alone(new Set(["a", "c"]), "b", all)], []);
    assert.deepEqual([...alone(new Set(["b"]), "b", all)], ["a", "c"]);
});

test("a chart that hides nothing is not in the address", () => {
    const hidden = withHidden(parseHidden(["k/a"]), "l", new Set(["x"]));
    assert.deepEqual(hiddenQuery(hidden), ["k/a", "l/x"]);
    assert.deepEqual(hiddenQuery(withHidden(hidden, "k", new Set())), ["l/x"]);
});
