import assert from "node:assert/strict";
import { test } from "node:test";
import { numberText, parseFilter, suggestionsFor, wholeHolds, withWord, wordFor } from "./filter";

const COLUMNS = ["id", "local", "remote", "pid", "rx_rate"];

function words(filter: string) {
    const parsed = parseFilter(COLUMNS, filter);
    assert.ok(parsed.ok, filter);
    return parsed.words;
}

function trouble(filter: string) {
    const parsed = parseFilter(COLUMNS, filter);
    assert.ok(!parsed.ok, filter);
    return parsed.trouble;
}

test("words of every form", () => {
    const [plain, inColumn, more, less, not] = words("Curl local::443 pid>5 rx_rate<1e3 -remote:::1");
    assert.deepEqual([plain!.column, plain!.text], [-1, "curl"]);
    assert.deepEqual([inColumn!.column, inColumn!.text], [1, ":443"]);
    assert.deepEqual([more!.compare, more!.number, more!.column], [">", 5, 3]);
    assert.deepEqual([less!.compare, less!.number], ["<", 1000]);
    assert.deepEqual([not!.negate, not!.column, not!.text], [true, 2, "::1"]);
});

test("what is no column is text, but not before < and >", () => {
    assert.deepEqual(words("fe80::1")[0]!.text, "fe80::1");
    assert.equal(words(":443")[0]!.text, ":443");
    assert.equal(words("-")[0]!.text, "-");
    assert.match(trouble("local:a  foo>1").why, /no column “foo”/);
});

test("trouble says where it is", () => {
    assert.deepEqual(trouble("a  pid>many b"), {
        why: "“many” is not a number",
        from: 3,
        to: 11,
    });
    for (const bad of ["pid>0x10", "pid>inf", "pid>1e999", "pid>", "pid<5e"]) trouble(bad);
    assert.match(trouble("a ".repeat(17)).why, /at most 16 words/);
    assert.match(trouble("ü".repeat(2049)).why, /at most 4096 bytes/);
});

test("only ASCII letters have no case", () => {
    assert.equal(words("ÄRGER-İ")[0]!.text, "Ärger-İ");
});

test("numbers as the server writes them", () => {
    const texts: [number, string][] = [
        [0, "0"],
        [1234567890123, "1234567890123"],
        [0.046, "0.046"],
        [1234.57, "1234.57"],
        [0.000001, "0.000001"],
        [0.00000015, "1.5e-07"],
    ];
    for (const [value, text] of texts) assert.equal(numberText(value), text);
});

test("digits in whole numbers by arithmetic, as in their texts", () => {
    const values = [0, 1, 5, 10, 100, 1007, 443, 14430, 9007199254740991, 40000];
    for (const value of values)
        for (const digits of ["0", "00", "07", "1", "44", "443", "7", "000", "9", "007"]) {
            const by = wholeHolds(value, Number(digits), 10 ** digits.length, digits[0] === "0");
            assert.equal(by, String(value).includes(digits), `${digits} in ${value}`);
        }
});

test("columns are suggested for the word at the caret", () => {
    assert.deepEqual(suggestionsFor(COLUMNS, "curl -re", 8), {
        from: 6,
        to: 8,
        names: ["remote"],
    });
    assert.deepEqual(suggestionsFor(COLUMNS, "r x", 1).names, ["remote", "rx_rate"]);
    assert.deepEqual(suggestionsFor(COLUMNS, "remote:1", 8).names, []);
    assert.deepEqual(suggestionsFor(COLUMNS, "", 0).names, []);
});

test("words come and go", () => {
    assert.equal(withWord("a", "state:listen"), "a state:listen");
    assert.equal(withWord("a state:listen b", "state:listen"), "a b");
    assert.equal(wordFor("process", "tail -f x"), "process:tail");
});
