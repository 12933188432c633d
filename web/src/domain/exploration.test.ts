import assert from "node:assert/strict";
import { test } from "node:test";
import {
    AGGS,
    DASHBOARD_NAME,
    documentOf,
    explorationParams,
    fromDocument,
    parseExploration,
    queryOf,
    sameExploration,
    TYPES,
    withExploration,
    type Exploration,
} from "./exploration";

const HOSTILE = [
    "<script>alert(1)</script>",
    "\u202eabc",
    "😀&a.metric=x",
    "a=b=c",
    "%41%00+ +",
    "x".repeat(256),
    "*[?]\\*",
];

function there(e: Exploration): Exploration {
    return parseExploration(new URLSearchParams(new URLSearchParams(explorationParams(e)).toString()));
}

test("a question goes into the address and comes back", () => {
    for (const type of TYPES)
        for (const agg of AGGS) {
            const e: Exploration = {
                queries: [
                    queryOf("node_network_receive_bytes_total", { by: "device", agg, top: 3 }),
                    { ...queryOf("a*"), metric: ["a*", "b?"], match: ["device=eth*", "le=+Inf"] },
                ],
                type,
                layout: "each",
            };
            assert.deepEqual(there(e), e);
        }
});

test("names and values that want to break out stay what they are", () => {
    const match = HOSTILE.filter((h) => h.length < 200).map((h) => `process=${h}`);
    const e: Exploration = {
        queries: HOSTILE.map((h) => queryOf(h, { match })).slice(0, 6),
        type: "area",
        layout: "one",
    };
    assert.deepEqual(there(e), e);
});

test("what is no question is left out, what is too much is cut", () => {
    const q = new URLSearchParams();
    q.append("a.metric", "");
    q.append("b.metric", "ok\u0000");
    q.append("c.metric", "x".repeat(257));
    q.append("d.metric", "fine");
    q.append("d.metric", "fine");
    q.append("d.match", "nolabel");
    q.append("d.match", "9=x");
    q.append("d.match", "=x");
    q.append("d.match", "ok=");
    q.append("d.agg", "avg; drop");
    q.append("d.by", "__proto__ ");
    q.append("d.top", "1e9");
    q.append("z.metric", "beyond");
    q.append("type", "constructor");
    q.append("layout", "toString");
    assert.deepEqual(parseExploration(q), {
        queries: [{ metric: ["fine"], match: ["ok="], agg: "avg", by: "", top: 20 }],
        type: "line",
        layout: "one",
    });
    for (const top of ["0", "-1", "NaN", "1.5", "", "Infinity"])
        assert.equal(parseExploration(new URLSearchParams({ metric: "x", "a.top": top })).queries[0]!.top, 7);
    const many = new URLSearchParams(Array.from({ length: 500 }, (_, i) => ["a.metric", `m${i}`]));
    assert.equal(parseExploration(many).queries[0]!.metric.length, 8);
});

test("others link here with metric and match alone", () => {
    const e = parseExploration(new URLSearchParams("metric=up&match=device%3Deth0"));
    assert.deepEqual(e.queries, [queryOf("up", { match: ["device=eth0"] })]);
});

test("the window and what is compared stay beside a new question", () => {
    const q = new URLSearchParams("from=now-1h&to=now&compare=7d&metric=old&a.by=device&type=bar");
    const next = withExploration(q, { queries: [queryOf("new")], type: "line", layout: "one" });
    assert.equal(next.toString(), "from=now-1h&to=now&compare=7d&a.metric=new");
});

test("a dashboard keeps the questions, and what it does not know", () => {
    const e: Exploration = { queries: [queryOf("x", { by: "cpu" })], type: "bar", layout: "each" };
    const saved = documentOf(e, { version: 1, exploration: "old", title: "Uplink", later: [1] });
    const read = JSON.parse(JSON.stringify(saved)) as Record<string, unknown>;
    assert.ok(sameExploration(fromDocument(read)!, e));
    assert.equal(read["title"], "Uplink");
    assert.deepEqual(read["later"], [1]);
    for (const bad of [null, 1, [], {}, { version: 2, exploration: "" }, { version: 1 }, { version: 1, exploration: 7 }])
        assert.equal(fromDocument(bad), undefined);
});

test("names of dashboards", () => {
    for (const good of ["a", "A.b_c-9", "x".repeat(64)]) assert.ok(DASHBOARD_NAME.test(good), good);
    for (const bad of ["", ".a", "a b", "a/b", "ä", "x".repeat(65), "a\n"])
        assert.ok(!DASHBOARD_NAME.test(bad), bad);
});
