import assert from "node:assert/strict";
import { test } from "node:test";
import { globMatches } from "./glob";

test("patterns match as the server's do", () => {
    const yes: [string, string][] = [
        ["", ""],
        ["*", ""],
        ["*", "any/thing\n"],
        ["a?c", "abc"],
        ["a*b*c", "a-b-b-c"],
        ["eth[0-2]", "eth1"],
        ["eth[!0-2]", "eth7"],
        ["[]]", "]"],
        ["\\*", "*"],
        ["a[b", "a[b"],
        ["😀?", "😀x"],
    ];
    const no: [string, string][] = [
        ["", "a"],
        ["?", ""],
        ["a", "ab"],
        ["a?c", "ac"],
        ["eth[0-2]", "eth3"],
        ["eth[!0-2]", "eth1"],
        ["\\*", "x"],
        ["*b", "abc"],
    ];
    for (const [glob, text] of yes) assert.ok(globMatches(glob, text), `${glob} ${text}`);
    for (const [glob, text] of no) assert.ok(!globMatches(glob, text), `${glob} ${text}`);
});

test("a pattern that wants to take for ever does not", () => {
    const started = performance.now();
    assert.ok(!globMatches("*a".repeat(100) + "b", "a".repeat(250)));
    assert.ok(performance.now() - started < 1000);
});
