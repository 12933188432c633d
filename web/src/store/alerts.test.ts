/* The stream's handler only keeps what is newest; what somebody does reaches the right address. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ok } from "../base/result";
import type { Method, Sent } from "../link/http";
import { jsonSender } from "../link/http";
import type { AlertMessage, AlertSet } from "../proto/alerts";
import { parseMessage } from "../proto/stream";
import { Alerts } from "./alerts";
import { Remote } from "./remote";

function message(o: Record<string, unknown>): AlertMessage | AlertSet {
    const m = parseMessage(JSON.stringify({ t: 1, ...o }));
    assert.ok(m.ok && (m.value.type === "alert" || m.value.type === "alert_state"));
    return m.value;
}

const ONE = { id: 1, state: "firing", rule: "r", summary: "s" };

function make(answer: (address: string) => unknown = () => ({})) {
    const asked: string[] = [];
    const sent: { method: Method; address: string; body: unknown }[] = [];
    let reply: Sent = { ok: true, value: undefined };
    const alerts = new Alerts(
        (address) => {
            asked.push(address);
            return Promise.resolve(ok(answer(address)));
        },
        (method, address, body) => {
            sent.push({ method, address, body });
            return Promise.resolve(reply);
        },
    );
    return { alerts, asked, sent, refuse: (r: Sent) => (reply = r) };
}

test("nothing changes before it is settled, and then only the newest state counts", () => {
    const { alerts } = make();
    for (let seq = 1; seq <= 100; seq++)
        alerts.receive(
            message({ type: "alert_state", seq, total: seq, alerts: [{ ...ONE, id: seq }] }),
        );
    assert.equal(alerts.known.value, false);
    alerts.settle();
    assert.deepEqual(
        [alerts.active.value[0]!.id, alerts.total.value, alerts.known.value],
        [100, 100, true],
    );
    const before = alerts.changes.value;
    alerts.settle();
    alerts.receive(message({ type: "alert_state", seq: 100, total: 0, alerts: [] }));
    alerts.settle();
    assert.equal(alerts.changes.value, before); // the same state again is no news
});

test("what is over keeps its mark, with the moment at which it was gone", () => {
    const { alerts } = make();
    const state = (t: number, list: unknown[], total = list.length) => {
        alerts.receive(message({ type: "alert_state", seq: t, t, total, alerts: list }));
        alerts.settle();
    };
    state(10, [
        { ...ONE, started: 5 },
        { ...ONE, id: 2, state: "pending" },
    ]);
    state(20, [{ ...ONE, id: 3, started: 15 }]);
    assert.deepEqual(
        alerts.recent.value.map((a) => [a.id, a.resolvedMs]),
        [
            [1, 20],
            [3, undefined],
        ],
    );
    state(30, [], 700); // a list that is cut says nothing about who is not in it
    assert.equal(alerts.recent.value[1]!.resolvedMs, undefined);
    for (let t = 40; t < 1000; t++) state(t, [{ ...ONE, id: t, started: t }]);
    assert.ok(alerts.recent.value.length <= 200);
});

test("messages are all kept until they are settled, but not more than a few", () => {
    const { alerts } = make();
    for (let seq = 1; seq <= 3; seq++)
        alerts.receive(message({ type: "alert", ...ONE, seq, id: seq }));
    alerts.settle();
    assert.deepEqual(
        alerts.news.value.map((m) => m.seq),
        [1, 2, 3],
    );
    for (let seq = 1; seq <= 1000; seq++) alerts.receive(message({ type: "alert", ...ONE, seq }));
    alerts.settle();
    assert.ok(alerts.news.value.length <= 50);
});

test("what somebody does", async () => {
    const { alerts, sent } = make();
    await alerts.acknowledge(7);
    await alerts.silence({ rule: "r", series: "*", comment: "c", toMs: 5 });
    await alerts.endSilence(3);
    await alerts.testChannel("a/b");
    await alerts.saveRule({ name: "x" }, false);
    await alerts.saveRule({ name: "x y" }, true);
    await alerts.deleteRule("x");
    assert.deepEqual(
        sent.map((s) => `${s.method} ${s.address}`),
        [
            "POST api/v1/alerts/7/ack",
            "POST api/v1/silences",
            "DELETE api/v1/silences/3",
            "POST api/v1/channels/a%2Fb/test",
            "POST api/v1/rules",
            "PUT api/v1/rules/x%20y",
            "DELETE api/v1/rules/x",
        ],
    );
    assert.deepEqual(sent[1]!.body, { rule: "r", series: "*", comment: "c", to: 5 });
});

test("a back-test that is refused says which key is at fault", async () => {
    const { alerts, refuse } = make();
    refuse({ ok: false, error: "expected a number", field: "warning", status: 400 });
    const answer = await alerts.testRule({}, 10);
    assert.deepEqual(answer, { ok: false, error: "expected a number", field: "warning" });
});

test("of several answers only the one that was asked for last counts; a failure keeps the old", async () => {
    const waiting: ((v: { ok: true; value: number } | { ok: false; error: string }) => void)[] = [];
    const remote = new Remote<number, number>(() => new Promise((r) => waiting.push(r)));
    const first = remote.load(1);
    const second = remote.load(2);
    waiting[1]!({ ok: true, value: 2 });
    waiting[0]!({ ok: true, value: 1 });
    await Promise.all([first, second]);
    assert.deepEqual(remote.state.value, { value: 2, error: undefined, loading: false });
    const third = remote.load(3);
    waiting[2]!({ ok: false, error: "gone" });
    await third;
    assert.deepEqual(remote.state.value, { value: 2, error: "gone", loading: false });
});

test("requests carry JSON, refusals come back with their words and field", async () => {
    const calls: [string, RequestInit][] = [];
    let refused = 0;
    const answers = [
        new Response(null, { status: 204 }),
        new Response('{"error":{"message":"no such metric","field":"metric"}}', { status: 400 }),
        new Response("<html>", { status: 502 }),
        new Response("{}", { status: 401 }),
    ];
    const send = jsonSender(
        "/base/",
        () => refused++,
        (address, init) => {
            calls.push([String(address), init!]);
            return Promise.resolve(answers.shift()!);
        },
    );
    assert.deepEqual(await send("DELETE", "api/v1/rules/a"), { ok: true, value: undefined });
    assert.equal(calls[0]![0], "/base/api/v1/rules/a");
    assert.ok(!("Content-Type" in (calls[0]![1].headers as object)));
    const bad = await send("POST", "api/v1/rules", { name: "a" });
    assert.deepEqual(bad, { ok: false, error: "no such metric", field: "metric", status: 400 });
    assert.equal(
        (calls[1]![1].headers as Record<string, string>)["Content-Type"],
        "application/json",
    );
    assert.equal(calls[1]![1].body, '{"name":"a"}');
    const odd = await send("PUT", "x", {});
    assert.deepEqual(odd, { ok: false, error: "the server answered 502", field: "", status: 502 });
    await send("PUT", "x", {});
    assert.equal(refused, 1);
});
