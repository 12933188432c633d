import assert from "node:assert/strict";
import { test } from "node:test";
import { askedOf, exactGlob, fileName, samplesQuery, tableQuery } from "./saving";
import type { ChartSpec } from "./trace";

const T0 = 1_764_000_000_000;

function spec(labels: readonly (Record<string, string[]> | undefined)[]): ChartSpec {
    return {
        key: "k",
        title: "T",
        measure: "bytes/s",
        traces: labels.map((l, i) => ({
            name: `t${i}`,
            metrics: [`m${i}`],
            tone: "receive" as const,
            ...(l ? { labels: l } : {}),
        })),
    };
}

test("a file's name takes nothing from the host but what is plain", () => {
    assert.equal(fileName("web1", "throughput", T0, "png"), "netsonde-web1-throughput-20251124T160000Z.png");
    assert.equal(fileName("../../etc", "a b/c", T0, "csv"), "netsonde-etc-a-b-c-20251124T160000Z.csv");
    assert.equal(fileName("", "..", T0, "csv"), "netsonde-unnamed-unnamed-20251124T160000Z.csv");
});

test("one value for a label is a condition, several are asked without one", () => {
    const one = { device: ["eth0"] };
    const two = { device: ["eth0", "eth1"] };
    assert.deepEqual(askedOf(spec([one, one])), {
        metrics: ["m0", "m1"],
        match: ["device=eth0"],
        all: [],
    });
    assert.deepEqual(askedOf(spec([two, two])).match, []);
    assert.deepEqual(askedOf(spec([two, two])).all, ["device"]);
    assert.deepEqual(askedOf(spec([one, { device: ["eth1"] }])).all, ["device"]);
    assert.deepEqual(askedOf(spec([one, undefined])).match, []);
});

test("what divides is asked, too, and is not kept out by labels that it lacks", () => {
    const s = spec([{ state: ["x"] }]);
    const ratio = { ...s, traces: [{ ...s.traces[0]!, per: ["all"] }] };
    assert.deepEqual(askedOf(ratio), { metrics: ["m0", "all"], match: [], all: ["state"] });
});

test("a name is matched as it is, whatever it holds", () => {
    assert.equal(exactGlob("a*[0]?\\"), "a\\*\\[0\\]\\?\\\\");
    const asked = askedOf(spec([{ device: ["e&=*"] }]));
    const p = new URL(samplesQuery(asked, "csv", T0 + 0.5, T0 + 900.5), "http://h/").searchParams;
    assert.equal(p.get("match"), "device=e&=\\*");
    assert.equal(p.get("from"), String(T0));
    assert.equal(p.get("to"), String(T0 + 901));
    assert.equal(p.get("format"), "csv");
});

test("a table is asked in the order and with the filter that are on", () => {
    const p = new URL(
        tableQuery({ table: "dns", sort: "-t", filter: "a b", atMs: T0 }, "ndjson"),
        "http://h/",
    ).searchParams;
    assert.deepEqual(
        [...p],
        [
            ["format", "ndjson"],
            ["table", "dns"],
            ["sort", "-t"],
            ["filter", "a b"],
            ["at", String(T0)],
        ],
    );
    assert.equal(tableQuery({ table: "dns", filter: " " }, "csv"), "api/v1/export?format=csv&table=dns");
});
