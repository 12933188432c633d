import assert from "node:assert/strict";
import { test } from "node:test";
import { onWake } from "./sleep";

test("a machine that slept is noticed, a page whose timers were held back is not", () => {
    let wall = 1_000_000;
    let steady = 0;
    let look: (seenAgain?: boolean) => void = () => undefined;
    let woken = 0;
    onWake(
        () => woken++,
        () => wall,
        () => steady,
        (run) => (look = run),
    );
    for (let i = 0; i < 5; i++) {
        wall += 1000;
        look();
    }
    assert.equal(woken, 0);
    wall += 3_600_000;
    look();
    look();
    assert.equal(woken, 1);
    wall += 60_000;
    steady += 60_000;
    look(true);
    look();
    assert.equal(woken, 1);
    wall += 3_600_000; // asleep for most of the time that nobody looked
    steady += 60_000;
    look(true);
    look();
    assert.equal(woken, 2);
    wall -= 3_600_000; // somebody set the clock
    look();
    assert.equal(woken, 3);
});
