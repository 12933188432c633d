import assert from "node:assert/strict";
import { test } from "node:test";
import {
    aboutText,
    againstText,
    alertFlags,
    alertVerdict,
    inOrder,
    limitText,
    passes,
    readFilter,
    seriesText,
    splitSeries,
    stateWords,
    tally,
    tomorrowMs,
    type AlertFacts,
} from "./alerts";

let ids = 0;
function alert(more: Partial<AlertFacts> = {}): AlertFacts {
    return {
        id: ++ids,
        rule: "r",
        state: "firing",
        severity: "warning",
        reason: "threshold",
        value: 2,
        threshold: 1,
        z: NaN,
        unit: "packets/s",
        series: 'm{device="eth0"}',
        summary: `summary ${ids}`,
        changedMs: 1000,
        pendingMs: 500,
        startedMs: 1000,
        resolvedMs: undefined,
        by: "",
        silence: undefined,
        inhibitedBy: undefined,
        ...more,
    };
}

test("what calls comes first, critical before warning, new before old; muted ones do not call", () => {
    const list = [
        alert({ id: 1, state: "pending", severity: "critical" }),
        alert({ id: 2, state: "firing", severity: "critical", inhibitedBy: 9 }),
        alert({ id: 3, startedMs: 1000 }),
        alert({ id: 4, startedMs: 2000 }),
        alert({ id: 5, state: "acknowledged", severity: "critical" }),
        alert({ id: 6, severity: "critical" }),
        alert({ id: 7, state: "silenced" }),
    ];
    assert.deepEqual(
        inOrder(list).map((a) => a.id),
        [6, 4, 3, 5, 7, 2, 1],
    );
    assert.deepEqual(tally(list), {
        firing: 3,
        acknowledged: 1,
        silenced: 1,
        inhibited: 1,
        pending: 1,
        worst: "critical",
    });
    assert.equal(tally([alert({ inhibitedBy: 1 })]).worst, undefined);
});

test("the sentence: unknown, quiet, quiet with a past, one, many, nothing that calls", () => {
    assert.equal(alertVerdict([], false, undefined).level, "unknown");
    assert.deepEqual(alertVerdict([], true, { fired: 0, last: undefined }), {
        level: "good",
        lead: "All quiet.",
        rest: "Nothing has fired in the last 24 hours.",
    });
    assert.equal(
        alertVerdict([], true, { fired: 2, last: alert({ summary: "eth0 was down" }) }).rest,
        "2 alerts have fired in the last 24 hours. The last one: eth0 was down.",
    );
    const one = alertVerdict([alert({ summary: "eth0 is down" })], true, undefined);
    assert.deepEqual([one.level, one.lead], ["warning", "1 alert is firing: eth0 is down."]);
    const many = alertVerdict(
        [
            alert(),
            alert({ severity: "critical", summary: "It burns!" }),
            alert({ state: "pending" }),
        ],
        true,
        undefined,
    );
    assert.deepEqual(many, {
        level: "critical",
        lead: "2 alerts are firing, the worst: It burns!",
        rest: "Beside them 1 pending.",
    });
    const calm = alertVerdict([alert({ state: "acknowledged" })], true, undefined);
    assert.deepEqual([calm.level, calm.rest], ["good", "1 acknowledged."]);
});

test("the filter of the address: words, state and severity; muted ones count as silenced", () => {
    const filter = (q: string) => readFilter(new URLSearchParams(q));
    const a = alert({ summary: "eth0 loses packets", severity: "critical" });
    assert.ok(passes(a, filter("")));
    assert.ok(passes(a, filter("filter=ETH0 packets&severity=critical&state=firing")));
    assert.ok(!passes(a, filter("filter=eth0 -packets")));
    assert.ok(!passes(a, filter("severity=warning")));
    assert.ok(!passes(a, filter("state=pending")));
    const muted = alert({ inhibitedBy: 5 });
    assert.ok(passes(muted, filter("state=silenced")));
    assert.ok(!passes(muted, filter("state=firing")));
    assert.ok(passes(a, filter("state=nonsense&severity=loud"))); // as if not said
});

test("values against what they are measured by", () => {
    assert.equal(againstText(alert(), "bits"), "2\u2009packets/s, limit 1\u2009packets/s");
    const rate = alert({ value: 1.25e6, threshold: 1e6, unit: "bytes/s" });
    assert.equal(againstText(rate, "bits"), "10.0\u2009Mbit/s, limit 8.00\u2009Mbit/s");
    assert.equal(
        againstText(alert({ reason: "anomaly", value: 0.03, z: -4.26, unit: "seconds" }), "bits"),
        "30.0\u2009ms, 4.3 σ below usual",
    );
    assert.equal(againstText(alert({ reason: "absence", value: NaN }), "bits"), "no sample");
    assert.equal(againstText(alert({ value: NaN }), "bits"), "limit 1\u2009packets/s");
    assert.equal(limitText(rate, "bits"), "8.00\u2009Mbit/s");
    assert.equal(limitText(alert({ reason: "anomaly" }), "bits"), "unusual");
    const share = alert({ value: 0.021, threshold: 0.02, unit: "ratio" });
    assert.equal(againstText(share, "bits"), "2.10\u2009%, limit 2.00\u2009%");
});

test("states in words", () => {
    assert.equal(stateWords(alert({ inhibitedBy: 4 })), "muted");
    assert.equal(stateWords(alert({ state: "acknowledged", by: "kim" })), "acknowledged by kim");
    assert.equal(stateWords(alert({ state: "silenced" })), "silenced");
});

test("series are taken apart and put together again", () => {
    const labels = { device: 'a"b\\c', path: "x\ny" };
    const text = seriesText("m", labels);
    const split = splitSeries(text);
    assert.equal(split.name, "m");
    assert.deepEqual({ ...split.labels }, labels);
    assert.equal(aboutText('m{device="eth0",cpu="3"}'), "eth0 3");
    assert.equal(aboutText("plain"), "plain");
    assert.deepEqual({ ...splitSeries("m{broken").labels }, {});
    assert.equal(splitSeries('m{__proto__="x"}').labels["__proto__"], "x");
});

test("marks: when it began, when it was over, for its device only", () => {
    const flags = alertFlags([
        alert({ startedMs: 5, resolvedMs: 9, severity: "critical", summary: "down" }),
        alert({ startedMs: undefined }),
    ]);
    assert.deepEqual(
        flags.map((f) => [f.t, f.kind, f.device]),
        [
            [5, "critical", "eth0"],
            [9, "resolved", "eth0"],
        ],
    );
});

test("tomorrow is the next morning", () => {
    const at = (h: number) => new Date(2026, 2, 28, h, 30).getTime();
    assert.equal(tomorrowMs(at(15)), new Date(2026, 2, 29, 8).getTime());
    assert.equal(tomorrowMs(at(2)), new Date(2026, 2, 28, 8).getTime());
});
