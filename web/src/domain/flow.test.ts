import assert from "node:assert/strict";
import { test } from "node:test";
import { flowOf } from "./flow";

const node = (id: string, column: number) => ({
    id,
    name: id,
    column,
    tone: "category-1" as const,
});
const link = (from: string, to: string, value: number) => ({ from, to, value });

test("links back, to the same column and to oneself are left out and counted", () => {
    const flow = flowOf({
        nodes: [node("a", 0), node("b", 1), node("c", 1)],
        links: [link("a", "b", 2), link("b", "a", 1), link("b", "c", 1), link("a", "a", 1)],
    });
    assert.deepEqual(
        flow.links.map((l) => [l.from, l.to]),
        [["a", "b"]],
    );
    assert.equal(flow.backward, 3);
    assert.equal(flow.broken, 0);
    assert.deepEqual(
        flow.nodes.map((n) => n.id),
        ["a", "b"],
    );
});

test("what has no end or no value is broken", () => {
    const nodes = [node("a", 0), node("b", 1)];
    for (const bad of [
        link("a", "nowhere", 1),
        link("nowhere", "b", 1),
        ...[0, -1, NaN, Infinity].map((v) => link("a", "b", v)),
    ]) {
        const flow = flowOf({ nodes, links: [bad] });
        assert.deepEqual([flow.links, flow.nodes, flow.broken], [[], [], 1]);
    }
});

test("the same link twice is one with the sum, the same node twice is the first", () => {
    const flow = flowOf({
        nodes: [node("a", 0), { ...node("a", 3), name: "other" }, node("b", 7)],
        links: [link("a", "b", 2), link("a", "b", 3)],
    });
    assert.deepEqual(
        flow.links.map((l) => l.value),
        [5],
    );
    assert.deepEqual(
        flow.nodes.map((n) => [n.name, n.column]),
        [
            ["a", 0],
            ["b", 1], // columns without nodes take no room
        ],
    );
});

test("names that look like others' pairs stay apart", () => {
    const flow = flowOf({
        nodes: [node('a","b', 0), node("a", 0), node("c", 1), node('b","c', 1)],
        links: [link('a","b', "c", 1), link("a", 'b","c', 1)],
    });
    assert.equal(flow.links.length, 2);
});

test("a node is as large as what comes or what goes, and the largest is first", () => {
    const flow = flowOf({
        nodes: [node("small", 0), node("large", 0), node("m", 1), node("end", 2)],
        links: [link("small", "m", 1), link("large", "m", 4), link("m", "end", 3)],
    });
    assert.deepEqual(
        flow.nodes.map((n) => [n.id, flow.value.get(n.id)]),
        [
            ["large", 4],
            ["small", 1],
            ["m", 5],
            ["end", 3],
        ],
    );
});
