import assert from "node:assert/strict";
import { test } from "node:test";
import { nameIn } from "./name-in";

test("a name in a sentence stays as it is, unless it would turn the sentence around", () => {
    assert.equal(nameIn("nginx"), "nginx");
    assert.equal(nameIn("süß 漢字 🦊"), "süß 漢字 🦊");
    assert.equal(nameIn("שרת"), "\u2068שרת\u2069");
    assert.equal(nameIn("a\u202egpj.exe"), "a\ufffdgpj.exe");
    assert.equal(nameIn("ש\u2069\u202ex"), "\u2068ש\ufffd\ufffdx\u2069");
});

test("a long one is cut between letters, and says so", () => {
    assert.equal(nameIn("x".repeat(300)), `${"x".repeat(39)}…`);
    assert.equal(nameIn("🦊".repeat(41)), `${"🦊".repeat(39)}…`);
    assert.equal(nameIn("x".repeat(40)), "x".repeat(40));
});
