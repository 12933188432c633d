import assert from "node:assert/strict";
import { test } from "node:test";
import { fitted, type Scene } from "./scene";
import { escaped, hatchLines, sceneToSvg } from "./svg";

const EVIL = `"><script>alert(1)</script>'&\u0000\u0008\uD800\uFFFE ok \u{1F600}`;

function scene(marks: Scene["marks"]): Scene {
    return {
        width: 100,
        height: 50,
        title: EVIL,
        description: EVIL,
        font: '"Evil" & Co',
        ground: "#000",
        marks,
    };
}

/* Enough of XML to know: every angle bracket belongs to a well-formed tag, tags are balanced. */
function wellFormed(text: string): boolean {
    const open: string[] = [];
    const rest = text.replace(/<\?xml[^?]*\?>/, "");
    const tag = /<(\/?)([a-z]+)((?:\s[\w:-]+="[^"<>]*")*)\s*(\/?)>/g;
    for (const [, close, name, , empty] of rest.matchAll(tag)) {
        if (close) {
            if (open.pop() !== name) return false;
        } else if (!empty) open.push(name!);
    }
    return open.length === 0 && !/[<>]/.test(rest.replace(tag, ""));
}

test("hostile names are text: nothing runs, nothing breaks the document", () => {
    const text = sceneToSvg(
        scene([
            { kind: "text", x: 1, y: 2, text: EVIL, size: 12, fill: "red" },
            { kind: "line", points: [0, 0, 1, 1], stroke: "red", width: 1, series: EVIL },
            { kind: "dot", x: 1, y: 1, r: 2, fill: "red", title: EVIL },
        ]),
    );
    assert.ok(wellFormed(text));
    assert.doesNotMatch(text, /<script|[\u0000-\u0008]|\uFFFE|[\uD800-\uDBFF](?![\uDC00-\uDFFF])/);
    assert.match(text, /&lt;script&gt;/);
    assert.match(text, /ok \u{1F600}/u);
});

test("what XML cannot hold becomes the mark for that", () => {
    assert.equal(escaped("a\u0000b\uDC00c\uFFFFd\te"), "a\uFFFDb\uFFFDc\uFFFDd\te");
});

test("lines are vectors with their series, at most two digits behind the point", () => {
    const text = sceneToSvg(
        scene([
            {
                kind: "line",
                points: [1 / 3, 2, 5, 1e-7],
                stroke: "#123456",
                width: 1.4,
                dash: [4, 3],
                series: "receive",
            },
        ]),
    );
    assert.match(text, /<polyline points="0.33,2 5,0" [^>]*stroke="#123456"[^>]*data-series="receive"/);
    assert.match(text, /stroke-dasharray="4 3"/);
    assert.doesNotMatch(text, /<image|href/);
});

test("hatching stays in its box", () => {
    const box = { kind: "box" as const, x: 10, y: 20, width: 30, height: 15, fill: "#000" };
    const lines = hatchLines(box);
    assert.ok(lines.length > 0);
    for (let i = 0; i < lines.length; i += 2) {
        assert.ok(lines[i]! >= 10 && lines[i]! <= 40, `x ${lines[i]}`);
        assert.ok(lines[i + 1]! >= 20 && lines[i + 1]! <= 35, `y ${lines[i + 1]}`);
    }
});

test("a text that has no room ends in an ellipsis, whole characters only", () => {
    const width = (t: string) => [...t].length;
    assert.equal(fitted("short", 5, width), "short");
    assert.equal(fitted("longer", 5, width), "long…");
    assert.equal(fitted("\u{1F600}\u{1F600}\u{1F600}", 2, width), "\u{1F600}…");
    assert.equal(fitted("longer", 0, width), "");
});
