import assert from "node:assert/strict";
import { test } from "node:test";
import {
    aggFor,
    askedOf,
    combineOf,
    familiesOf,
    groupOf,
    measured,
    typesOf,
    valuesOf,
    type CatalogueSeries,
} from "./catalogue";
import { queryOf } from "./exploration";

function s(name: string, labels: Record<string, string>, unit = "", kind: "counter" | "gauge" = "counter"): CatalogueSeries {
    return { name, labels, unit, kind, help: `about ${name}` };
}

const ALL = familiesOf([
    s("h_seconds_bucket", { le: "1", stage: "a" }, "measurements"),
    s("h_seconds_bucket", { le: "+Inf", stage: "a" }, "measurements"),
    s("h_seconds_sum", { stage: "a" }, "seconds"),
    s("h_seconds_count", { stage: "a" }, "measurements"),
    s("rx_bytes_total", { device: "eth10" }, "bytes"),
    s("rx_bytes_total", { device: "eth9" }, "bytes"),
    s("rx_bytes_total", { device: "<script>" }, "bytes"),
    s("share", { cpu: "0" }, "ratio", "gauge"),
    s("lonely_sum", {}, "bytes"),
]);

test("a histogram is one family; others are what they are called", () => {
    assert.deepEqual(
        ALL.map((f) => [f.name, f.kind, f.unit, f.series, [...f.labels.keys()].join()]),
        [
            ["h_seconds", "histogram", "seconds", 1, "stage"],
            ["lonely_sum", "counter", "bytes", 1, ""],
            ["rx_bytes_total", "counter", "bytes", 3, "device"],
            ["share", "gauge", "ratio", 1, "cpu"],
        ],
    );
    assert.deepEqual(ALL[2]!.labels.get("device"), ["<script>", "eth9", "eth10"]);
    assert.equal(groupOf("node_network_receive_bytes_total"), "node_network");
});

test("what has no meaning for a kind is not asked", () => {
    assert.equal(aggFor("gauge", "sum"), "avg");
    assert.equal(aggFor("counter", "p99"), "avg");
    assert.equal(aggFor("histogram", "p99"), "p99");
    assert.equal(aggFor("histogram", "max"), "avg");
});

test("amounts add up, shares and times do not", () => {
    assert.equal(combineOf("counter", "bytes", "avg"), "sum");
    assert.equal(combineOf("gauge", "ratio", "avg"), "mean");
    assert.equal(combineOf("gauge", "connections", "last"), "sum");
    assert.equal(combineOf("counter", "bytes", "max"), "max");
    const stacks = (kind: "counter" | "gauge", unit: string) =>
        typesOf([{ kind, unit, agg: "avg" }]).includes("stacked");
    assert.ok(stacks("counter", "bytes") && !stacks("gauge", "ratio"));
});

test("units of what the server gives", () => {
    assert.deepEqual(measured("counter", "bytes", "avg"), { measure: "bytes/s", what: "" });
    assert.deepEqual(measured("counter", "bytes", "sum"), { measure: "bytes", what: "" });
    assert.deepEqual(measured("counter", "segments", "max"), { measure: "count", what: "segments/s" });
    assert.deepEqual(measured("gauge", "ratio", "avg"), { measure: "ratio", what: "" });
    assert.deepEqual(measured("histogram", "seconds", "p50"), { measure: "milliseconds", what: "" });
});

test("a question finds its families, its labels and which values are left", () => {
    const q = queryOf("rx*", { match: ["device=eth*"] });
    const asked = askedOf(ALL, q);
    assert.deepEqual(asked.families.map((f) => f.name), ["rx_bytes_total"]);
    assert.deepEqual(valuesOf(asked, q, "device"), ["eth9", "eth10"]);
    assert.deepEqual(askedOf(ALL, queryOf("nothing")).families, []);
});
