import assert from "node:assert/strict";
import { test } from "node:test";
import { axisText, digits, durationText, quantity, speed, fromToText, text } from "./units";

test("three significant digits, never more, never exponents", () => {
    assert.deepEqual([0, 0.001, 0.04, 1, 1.234, 9.994, 9.996, 12.34, 99.96, 123.4].map(digits), [
        "0",
        "<0.01",
        "0.04",
        "1.00",
        "1.23",
        "9.99",
        "10.0",
        "12.3",
        "100",
        "123",
    ]);
});

test("rates follow the switch, amounts stay bytes", () => {
    assert.equal(text(quantity(5_250_000, "bytes/s", "bits")), "42.0\u2009Mbit/s");
    assert.equal(text(quantity(5_250_000, "bytes/s", "bytes")), "5.25\u2009MB/s");
    assert.equal(text(quantity(5_250_000, "bytes", "bits")), "5.25\u2009MB");
    assert.equal(text(quantity(0, "bytes/s", "bits")), "0\u2009bit/s");
    assert.equal(text(quantity(1830, "packets/s", "bits")), "1.83\u2009k\u2009packets/s");
    assert.equal(quantity(42, "count", "bits").number, "42");
});

test("no prefix is skipped at its border", () => {
    assert.equal(text(quantity(999.6, "bytes/s", "bytes")), "1.00\u2009kB/s");
    assert.equal(text(quantity(999_499, "bytes/s", "bytes")), "999\u2009kB/s");
    assert.equal(text(quantity(999_600, "bytes/s", "bytes")), "1.00\u2009MB/s");
    assert.equal(text(quantity(5e18, "bytes/s", "bytes")), "5000\u2009PB/s");
});

test("what is not known is a dash, also infinity", () => {
    assert.equal(quantity(NaN, "bytes/s", "bits").number, "–");
    assert.equal(quantity(Infinity, "count", "bits").number, "–");
});

test("axes, speeds and durations", () => {
    assert.deepEqual([0, 50, 2500, 1e6, 1.5e9, -2e6].map((v) => axisText(v)), [
        "0",
        "50",
        "2.5\u2009k",
        "1\u2009M",
        "1.5\u2009G",
        "2\u2009M",
    ]);
    assert.equal(text(speed(2.5e9)), "2.5\u2009Gbit/s");
    assert.equal(text(speed(undefined)), "–");
    assert.deepEqual([900, 61_000, 900_000, 7_200_000, 86_400_000, 2e8].map(durationText), [
        "0\u2009s",
        "61\u2009s",
        "15\u2009min",
        "2\u2009h",
        "24\u2009h",
        "2\u2009d",
    ]);
});

test("a stretch names the day where it is another one", () => {
    const at = (day: number, hour: number) => new Date(2025, 10, day, hour, 4, 5).getTime();
    const now = at(25, 20);
    assert.equal(fromToText(at(25, 9), at(25, 10), now), "09:04:05 – 10:04:05");
    assert.equal(fromToText(at(24, 9), at(24, 10), now), "Nov 24 09:04:05 – 10:04:05");
    assert.equal(fromToText(at(24, 9), at(25, 10), now), "Nov 24 09:04:05 – Nov 25 10:04:05");
});
