import assert from "node:assert/strict";
import { test } from "node:test";
import { isCall, lasting, toastOf, withToast, type NewsItem } from "./news";
import type { AlertFacts } from "./alerts";

function news(id: number, more: Partial<AlertFacts> = {}, rest: Partial<NewsItem> = {}): NewsItem {
    const alert: AlertFacts = {
        id,
        rule: "r",
        state: "firing",
        severity: "warning",
        reason: "threshold",
        value: 2,
        threshold: 1,
        z: NaN,
        unit: "",
        series: "m",
        summary: "it is so",
        changedMs: 0,
        pendingMs: 0,
        startedMs: 0,
        resolvedMs: undefined,
        by: "",
        silence: undefined,
        inhibitedBy: undefined,
        ...more,
    };
    return { seq: id, t: 0, alert, suppressed: 0, test: false, group: [], more: 0, ...rest };
}

test("what becomes of an alert takes the place of what was said of it", () => {
    let all = withToast([], toastOf(news(1), 0));
    all = withToast(all, toastOf(news(2), 0));
    all = withToast(all, toastOf(news(1, { state: "resolved" }), 1000));
    assert.deepEqual(
        all.map((t) => [t.id, t.state]),
        [
            [2, "firing"],
            [1, "resolved"],
        ],
    );
});

test("what fires stays until it is over, the rest goes by itself", () => {
    const all = [toastOf(news(1), 0), toastOf(news(2, { state: "resolved" }), 0)];
    assert.equal(
        lasting(all, 5_000, () => true),
        all,
    );
    const ids = (now: number, fires: boolean) => lasting(all, now, () => fires).map((t) => t.id);
    assert.deepEqual(ids(60_000, true), [1]);
    assert.deepEqual(ids(5_000, false), [2]);
    const test = toastOf(news(3, {}, { test: true }), 0);
    assert.deepEqual(
        lasting([test], 60_000, () => true),
        [],
    );
});

test("there is an end to what is kept", () => {
    let all: ReturnType<typeof withToast> = [];
    for (let id = 0; id < 1000; id++) all = withToast(all, toastOf(news(id), 0));
    assert.ok(all.length <= 50);
});

test("digests and what was held back are told", () => {
    const { alert } = news(1);
    const t = toastOf(news(1, {}, { group: [alert, alert], more: 30, suppressed: 12 }), 0);
    assert.equal(t.note, "32 alerts together. 12 more held back.");
    assert.ok(isCall(news(1)));
    assert.ok(!isCall(news(1, { state: "resolved" })));
    assert.ok(isCall(news(1, { state: "resolved" }, { group: [alert] })));
});
