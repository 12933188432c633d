/* Rule names, labels and summaries come from anybody; nothing of them may break the page. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
    alertsAddress,
    parseAlert,
    parseAlertPage,
    parseAnomalyHistory,
    parseBackTest,
    parseChannels,
    parseRules,
    parseSilences,
} from "./alerts";
import { parseMessage, type ServerMessage } from "./stream";

const ALERT = {
    id: 12,
    seq: 345,
    rule: "link_down",
    state: "firing",
    severity: "critical",
    reason: "threshold",
    value: 0,
    threshold: 1,
    z: null,
    unit: "",
    series: 'node_network_up{device="eth0"}',
    series_id: 7,
    summary: "eth0 is down",
    changed: 1764000000000,
    pending: 1764000000000,
    started: 1764000000500,
    resolved: null,
    by: null,
    silence: null,
    inhibited_by: null,
};

function parse(o: unknown): ServerMessage {
    const r = parseMessage(JSON.stringify(o));
    assert.ok(r.ok, "must parse");
    return r.value;
}

test("an alert, alone and in a digest", () => {
    const m = parse({ type: "alert", t: 5, ...ALERT, suppressed: 12 });
    assert.ok(m.type === "alert");
    assert.deepEqual([m.seq, m.t, m.suppressed, m.test, m.more], [345, 5, 12, false, 0]);
    assert.deepEqual(
        [m.alert.id, m.alert.severity, m.alert.seriesId, m.alert.startedMs, m.alert.resolvedMs],
        [12, "critical", 7, 1764000000500, undefined],
    );
    assert.ok(Number.isNaN(m.alert.z));
    const digest = parse({
        type: "alert",
        t: 5,
        ...ALERT,
        test: true,
        group: [ALERT, 5],
        more: 30,
    });
    assert.ok(digest.type === "alert");
    assert.deepEqual([digest.group.length, digest.more, digest.test], [1, 30, true]);
});

test("what is active now: the list has an end, the total tells the rest", () => {
    const alerts = Array.from({ length: 700 }, (_, id) => ({ ...ALERT, id }));
    const m = parse({ type: "alert_state", seq: 9, t: 5, total: 100_000, alerts });
    assert.ok(m.type === "alert_state");
    assert.deepEqual([m.alerts.length, m.total], [500, 100_000]);
    const few = parse({ type: "alert_state", t: 5, total: 0, alerts: [ALERT] });
    assert.ok(few.type === "alert_state" && few.total === 1);
});

test("anomalies: rows without an id are left out, what is no number is a gap", () => {
    const m = parse({
        type: "anomalies",
        seq: 1,
        t: 2,
        values: [[7, 0.5, 100, 10], ["x", 1, 1, 1], 5, [8, null, "a"]],
    });
    assert.ok(m.type === "anomalies");
    assert.deepEqual([...m.ids], [7, 8]);
    assert.deepEqual([...m.score], [0.5, NaN]);
    assert.deepEqual([...m.mean], [100, NaN]);
    assert.deepEqual([...m.sigma], [10, NaN]);
});

test("what is no alert is left out or refused with a reason", () => {
    for (const bad of [null, 5, {}, { id: "1", state: "firing" }, { id: 1, state: "on fire" }])
        assert.equal(parseAlert(bad), undefined);
    for (const text of [
        '{"type":"alert"}',
        '{"type":"alert","id":1,"state":"firing"}',
        '{"type":"alert_state","t":1}',
        '{"type":"alert_state","t":1,"alerts":{}}',
        '{"type":"anomalies","seq":1}',
    ])
        assert.equal(parseMessage(text).ok, false, text);
    const odd = parseAlert({ id: 1, state: "firing", severity: 7, reason: "magic", value: "1" })!;
    assert.deepEqual([odd.severity, odd.reason, odd.summary], ["warning", "threshold", ""]);
    assert.ok(Number.isNaN(odd.value));
    for (const parseList of [parseAlertPage, parseSilences, parseChannels, parseRules])
        for (const bad of [null, [], {}, { alerts: 1, silences: {}, channels: "", rules: 0 }])
            assert.equal(parseList(bad).ok, false);
});

test("rules: numbers and texts become what a form shows, switches are read in both forms", () => {
    const r = parseRules({
        rules: [
            {
                name: "a",
                metric: "m",
                match: { device: "eth*", x: 7, y: ["a*", 5, "*b"] },
                edge: true,
                mutes: "device",
                per_least: 10,
                warning: 1250000,
                critical: "2Mbit",
                clear: null,
                for: "5m",
                enabled: "off",
                anomaly: "on",
                channels: ["ops", 5],
                source: "file",
                status: { matched: 3, active: 1, note: "no engine here gives it" },
            },
            { name: "b", source: "elsewhere", anomaly: false },
            { metric: "nameless" },
        ],
    });
    assert.ok(r.ok);
    const [a, b] = r.value;
    assert.equal(r.value.length, 2);
    assert.deepEqual([a!.warning, a!.critical, a!.clear, a!.for], ["1250000", "2Mbit", "", "5m"]);
    assert.deepEqual([a!.enabled, a!.anomaly, a!.source, a!.matched], [false, true, "file", 3]);
    assert.deepEqual(a!.match, [
        ["device", "eth*"],
        ["y", "a*"],
        ["y", "*b"],
    ]);
    assert.deepEqual([a!.edge, a!.mutes, a!.per_least], [true, "device", "10"]);
    assert.deepEqual(a!.channels, ["ops"]);
    assert.deepEqual([b!.enabled, b!.anomaly, b!.source], [true, false, "default"]);
});

test("a back-test and the past of what is usual", () => {
    const frame = { from: 1000, to: 3000, step_ms: 1000 };
    const t = parseBackTest({
        ...frame,
        tier: "raw",
        fired: 1,
        alerts: [{ ...ALERT, state: "resolved" }, {}],
        truncated: true,
        series: [{ id: 7, series: "m", points: [[1000, 5, 0.1, 4, 1], null, [2000, null, null]] }],
    });
    assert.ok(t.ok);
    assert.deepEqual([t.value.fired, t.value.alerts.length, t.value.truncated], [1, 1, true]);
    assert.deepEqual([...t.value.series[0]!.value], [5, NaN]);
    assert.deepEqual([...t.value.series[0]!.mean], [4, NaN]);
    const a = parseAnomalyHistory({
        ...frame,
        series: [{ id: 7, name: "m", labels: {}, points: [[1000, 0.1, 4, 1], null] }, { id: 1.5 }],
    });
    assert.ok(a.ok && a.value.series.length === 1);
    assert.equal(a.value.sigmas, 2.5);
    const wide = parseAnomalyHistory({ ...frame, sigma: 4, series: [] });
    assert.ok(wide.ok && wide.value.sigmas === 4);
    assert.deepEqual([...a.value.series[0]!.sigma], [1]);
    for (const bad of [null, {}, { ...frame, step_ms: 0 }, { from: 1, to: 2 }]) {
        assert.equal(parseBackTest(bad).ok, false);
        assert.equal(parseAnomalyHistory(bad).ok, false);
    }
});

test("the question for alerts", () => {
    assert.equal(
        alertsAddress({ state: "resolved", from: "now-1h", to: "now", limit: 50 }),
        "api/v1/alerts?state=resolved&from=now-1h&to=now&limit=50",
    );
});

test("random damage to good messages never throws", () => {
    const good = JSON.stringify({ type: "alert", t: 5, ...ALERT, group: [ALERT] });
    for (let i = 0; i < good.length; i++) {
        parseMessage(good.slice(0, i) + good.slice(i + 1));
        parseMessage(good.slice(0, i) + "}" + good.slice(i + 1));
    }
});
