import assert from "node:assert/strict";
import { test } from "node:test";
import { Place } from "./place";

const T0 = 1_764_000_000_000;
const BOX = { width: 498, height: 200, px: 1 }; // 400 pixels between the gutters
const at = (toMs: number, phase = 0) =>
    new Place(BOX, { fromMs: toMs - 360_000, toMs }, [-10, 30], phase);

test("a window that follows the present moves by whole pixels, less than one from where it is", () => {
    for (const phase of [0, 0.25, 0.618])
        for (let i = 0; i < 50; i++) {
            const to = T0 + i * 100;
            const place = at(to, phase);
            const late = place.toMs - to;
            assert.ok(late > -1 && late <= 900, `${late}`);
            assert.equal(Math.round(place.toMs - place.fromMs), 360_000);
            const moved = (place.x(T0) - at(T0, phase).x(T0)) % 1;
            assert.ok(Math.abs(Math.round(moved) - moved) < 1e-3, `${moved}`);
        }
});

test("there and back", () => {
    const place = at(T0);
    for (const t of [T0 - 300_000, T0 - 1])
        assert.ok(Math.abs(place.timeAt(place.x(t)) - t) < 0.01);
    for (const v of [-10, 0, 29]) assert.ok(Math.abs(place.valueAt(place.y(v)) - v) < 1e-9);
    assert.equal(place.y(-10), place.bottom);
    assert.equal(place.y(30), place.top);
});

test("a box with no room is no division by zero", () => {
    const place = new Place({ width: 0, height: 0, px: 2 }, { fromMs: T0, toMs: T0 }, [0, 0]);
    assert.ok(Number.isFinite(place.x(T0)) && Number.isFinite(place.y(1)));
});
