import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { readNotationFrom, type Notation } from "./notation";
import * as time from "./time";
import { axisText, quantity, speed, text } from "./units";

const PLAIN: Notation = { prefixes: "si", zone: "local" };
const written = (n: Partial<Notation>) => readNotationFrom(() => ({ ...PLAIN, ...n }));
afterEach(() => written({}));

const T = Date.UTC(2026, 10, 29, 23, 4, 5);

test("in UTC every part of a moment is UTC's, whatever the machine's zone", () => {
    written({ zone: "utc" });
    assert.equal(time.clockText(T), "23:04:05");
    assert.equal(time.exactText(T), "2026-11-29 23:04:05");
    assert.equal(time.dayText(T), "Nov 29");
    assert.equal(time.offsetMs(T), 0);
    assert.equal(time.zoneText(T), "UTC");
    assert.equal(time.parseMoment("2026-11-29 23:04:05"), T);
    assert.equal(time.whenText(T, T + 3_600_000), "Nov 29 23:04:05");
    assert.equal(time.whenText(T, T + 400 * 86_400_000), "Nov 29, 2026 23:04:05");
});

test("in the machine's zone they are its own, and come back as what they were", () => {
    const d = new Date(T);
    assert.equal(time.partsOf(T).hour, d.getHours());
    assert.equal(time.parseMoment(time.exactText(T)), T);
    assert.equal(time.parseMoment("2026-11-29"), new Date(2026, 10, 29).getTime());
});

test("what is no moment is told, and nothing unknown is written as a number", () => {
    for (const s of ["", "soon", "2026-02-30", "2026-13-01", "2026-11-29T25:00", "2026-11-29T12"])
        assert.ok(Number.isNaN(time.parseMoment(s)), s);
    assert.equal(time.clockText(NaN), "–");
    assert.equal(time.whenText(Infinity, T), "–");
});

test("binary prefixes are for bits and bytes, and for nothing else", () => {
    written({ prefixes: "iec" });
    assert.equal(text(quantity(1024, "bytes", "bits")), "1.00\u2009KiB");
    assert.equal(text(quantity(1000, "bytes", "bits")), "1000\u2009B");
    assert.equal(text(quantity(131_072, "bytes/s", "bits")), "1.00\u2009Mibit/s");
    assert.equal(text(quantity(5 * 2 ** 30, "bytes/s", "bytes")), "5.00\u2009GiB/s");
    assert.equal(text(quantity(1023.6, "bytes", "bits")), "1.00\u2009KiB");
    assert.equal(text(quantity(1830, "packets/s", "bits")), "1.83\u2009k\u2009packets/s");
    assert.equal(text(speed(1e9)), "1\u2009Gbit/s"); // as printed on the box
    assert.equal(axisText(1.5 * 2 ** 20, 1024), "1.5\u2009Mi");
    assert.equal(axisText(512 * 1024, 1024), "512\u2009Ki");
});
