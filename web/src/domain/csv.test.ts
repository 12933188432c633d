import assert from "node:assert/strict";
import { test } from "node:test";
import { csvCell, csvText, jsonText } from "./csv";

test("a text that a spreadsheet would take for a formula begins with an apostrophe", () => {
    for (const evil of ["=1+1", "+1", "-1", "@SUM(A1)"]) assert.equal(csvCell(evil), "'" + evil);
    assert.equal(csvCell("\t1"), '"\'\t1"');
    assert.equal(csvCell("\r1"), '"\'\r1"');
    assert.equal(csvCell("\n1"), '"\'\n1"');
    assert.equal(csvCell("a=1"), "a=1");
    assert.equal(csvCell(""), "");
});

test("nor does one hide behind a separator that a program is set to", () => {
    assert.equal(csvCell("a;b"), '"a;b"');
    assert.equal(csvCell("a=b;c=d;"), '"a=b;c=d;"');
    assert.equal(csvCell("a;=1"), '"a;\'=1"');
    assert.equal(csvCell('a;"=1'), '"a;\'""=1"');
    assert.equal(csvCell("a\t@x\n-1"), '"a\t\'@x\n\'-1"');
    assert.equal(csvCell(";;+1"), '";;\'+1"');
});

test("numbers are numbers, also negative ones; what is not known is empty", () => {
    assert.equal(csvCell(-1.5), "-1.5");
    assert.equal(csvCell(0), "0");
    assert.equal(csvCell(NaN), "");
    assert.equal(csvCell(Infinity), "");
    assert.equal(csvCell(null), "");
});

test("quotes, commas and line ends are quoted, lines end as RFC 4180 says", () => {
    const text = csvText(["time", "a,b"], [['say "no"', "two\nlines"], [1, null]]);
    assert.equal(text, 'time,"a,b"\r\n"say ""no""","two\nlines"\r\n1,\r\n');
});

test("JSON says how many rows there are and has null for what is no number", () => {
    const text = jsonText({ host: "h" }, ["a", "b"], [["=x", NaN], ["y", 2]]);
    assert.deepEqual(JSON.parse(text), {
        metadata: { host: "h", rows: 2 },
        columns: ["a", "b"],
        rows: [
            ["=x", null],
            ["y", 2],
        ],
    });
});
