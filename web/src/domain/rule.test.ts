import assert from "node:assert/strict";
import { test } from "node:test";
import {
    formOf,
    matchOf,
    nameFrom,
    NEW_RULE,
    ruleBody,
    ruleWords,
    thresholdOf,
    thresholdText,
} from "./rule";

test("thresholds in the units of the contract, in base units", () => {
    for (const [text, value] of [
        ["5", 5],
        ["0.02", 0.02],
        ["-3", -3],
        ["1e3", 1000],
        ["2%", 0.02],
        ["10Mbit", 1.25e6],
        ["10 Mbit", 1.25e6],
        ["125kB", 125e3],
        ["512MiB", 512 * 2 ** 20],
    ] as const)
        assert.ok(Math.abs(thresholdOf(text) - value) < 1e-9 * Math.max(1, Math.abs(value)), text);
    for (const text of ["", "x", "5 apples", "Mbit", "1,5", "250ms"])
        assert.ok(Number.isNaN(thresholdOf(text)), text);
});

test("a dragged line becomes what a person would have written, and means the same", () => {
    assert.equal(thresholdText(1.25e6, "bytes/s"), "10Mbit");
    assert.equal(thresholdText(12.3456, "packets/s"), "12.3");
    for (const v of [3, 4e4, 1.5e8, 2e9])
        assert.ok(Math.abs(thresholdOf(thresholdText(v, "bytes/s")) / v - 1) < 0.01);
});

test("what goes to the server: filled keys only, plain numbers as numbers", () => {
    assert.deepEqual(ruleBody({ ...NEW_RULE, name: " a ", metric: "m" }), {
        name: "a",
        enabled: true,
        metric: "m",
    });
    assert.deepEqual(
        ruleBody({
            ...NEW_RULE,
            name: "a",
            metric: "m",
            match: [
                ["device", "eth*"],
                ["", "x"],
                ["cpu", ""],
                ["device", "*0"],
            ],
            mutes: "device",
            edge: true,
            when: "below",
            warning: "10Mbit",
            critical: "5",
            for: "5m",
            anomaly: true,
            severity: "critical",
            channels: ["ops"],
        }),
        {
            name: "a",
            enabled: true,
            metric: "m",
            match: { device: ["eth*", "*0"], cpu: "*" },
            mutes: "device",
            edge: true,
            warning: "10Mbit",
            critical: 5,
            for: "5m",
            when: "below",
            anomaly: true,
            severity: "critical",
            channels: ["ops"],
        },
    );
});

test("a stored rule makes a form that makes the same rule", () => {
    const stored = {
        ...NEW_RULE,
        name: "a",
        metric: "m",
        match: [["device", "lo"]] as [string, string][],
        warning: "5",
        source: "api",
        note: "",
    };
    const form = formOf(stored);
    assert.deepEqual(form.match, [["device", "lo"]]);
    assert.ok(!("source" in form));
    assert.deepEqual(ruleBody(form), {
        name: "a",
        enabled: true,
        metric: "m",
        match: { device: "lo" },
        warning: 5,
    });
});

test("limits of a stored rule are shown as people write them where that is exact", () => {
    const of = (more: object) => formOf({ ...NEW_RULE, metric: "m", ...more });
    assert.equal(of({ warning: "0.95", per: "n" }).warning, "95%");
    assert.equal(of({ warning: "1250000", metric: "x_bytes_total" }).warning, "10Mbit");
    assert.equal(of({ warning: "1234567", metric: "x_bytes_total" }).warning, "1234567");
    assert.equal(of({ warning: "1234567" }).warning, "1234567");
    assert.equal(of({ clear: "" }).clear, "");
});

test("a rule in words, and a name for one that has none", () => {
    assert.equal(ruleWords(NEW_RULE), "");
    assert.equal(
        ruleWords({ ...NEW_RULE, metric: "m", warning: "5", anomaly: true, for: "1m" }),
        "Watches m: warns above 5, warns when it is unusual, once that holds for 1m.",
    );
    assert.equal(
        ruleWords({
            ...NEW_RULE,
            metric: "m",
            match: [["device", "lo"]],
            critical: "5%",
            per: "n",
        }),
        "Watches m of device=lo per n: is critical above 5%.",
    );
    assert.equal(nameFrom("node_network_receive_bytes_total"), "network_receive_bytes");
    assert.equal(nameFrom("a b*"), "a_b_");
});

test("the match that selects one series", () => {
    assert.deepEqual(matchOf('m{device="eth0",x="a*"}'), ["device=eth0", "x=a?"]);
    assert.deepEqual(matchOf("m"), []);
});
