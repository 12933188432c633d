import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzy, runsOf } from "./fuzzy";

const TEXTS = [
    "node_network_receive_bytes_total",
    "node_network_transmit_bytes_total",
    "netsonde_tcp_rtt_seconds",
    "Theme: dark",
    "Interfaces",
    "eth0",
    "last 15 minutes",
];
const order = (q: string) =>
    TEXTS.flatMap((t) => {
        const m = fuzzy(q, t);
        return m ? [{ t, score: m.score }] : [];
    })
        .sort((a, b) => b.score - a.score)
        .map((x) => x.t);

test("letters in order find, others do not", () => {
    assert.equal(order("rtt")[0], "netsonde_tcp_rtt_seconds");
    assert.equal(order("nnrb")[0], "node_network_receive_bytes_total");
    assert.equal(order("nntb")[0], "node_network_transmit_bytes_total");
    assert.equal(order("dark")[0], "Theme: dark");
    assert.equal(order("receive total")[0], "node_network_receive_bytes_total");
    assert.deepEqual(order("xyz"), []);
    assert.equal(order("").length, TEXTS.length);
    assert.equal(order("15 min")[0], "last 15 minutes");
});

test("beginnings of words win over the middle, whole over scattered", () => {
    const score = (q: string, t: string) => fuzzy(q, t)!.score;
    assert.ok(score("net", "netsonde") > score("net", "ethernet"));
    assert.ok(score("eth", "eth0") > score("eth", "e_t_h"));
});

test("what matched is marked, also among letters beyond ASCII", () => {
    const at = fuzzy("et0", "eth0")!.at;
    assert.deepEqual(runsOf("eth0", at), [
        { text: "et", hit: true },
        { text: "h", hit: false },
        { text: "0", hit: true },
    ]);
    assert.equal(runsOf("<b>Ü</b>", fuzzy("ü", "<b>Ü</b>")!.at)[1]!.text, "Ü");
});

test("hostile texts and questions end soon", () => {
    const long = "ab".repeat(150);
    const start = performance.now();
    for (let i = 0; i < 300; i++) fuzzy("abababababbb", long);
    assert.equal(fuzzy("\\[(", "a\\[(b")?.at.length, 3);
    assert.ok(performance.now() - start < 5000);
});
