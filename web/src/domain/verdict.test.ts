import assert from "node:assert/strict";
import { test } from "node:test";
import { interfaceFrom, type Interface } from "./interfaces";
import { overviewVerdict } from "./verdict";

function make(device: string, rx: number, tx: number, state = "up"): Interface {
    const columns = ["id", "device", "kind", "state", "rx_rate", "tx_rate"];
    return interfaceFrom(columns, [1, device, "physical", state, rx, tx])!;
}

const MINUTES_15 = 900_000;

test("all quiet names who carries how much", () => {
    const v = overviewVerdict([make("eth0", 5_250_000, 125_000)], ["eth0"], [], MINUTES_15, "bits");
    assert.equal(v.level, "good");
    assert.equal(v.lead, "All quiet.");
    assert.match(
        v.rest,
        /eth0 carries 42\.0\u2009Mbit\/s in, 1\.00\u2009Mbit\/s out\. No packet lost in the last 15\u2009min\./,
    );
});

test("lost packets come before a link that is down", () => {
    const all = [make("eth0", 1, 1), make("eth1", 0, 0, "down")];
    const losses = [
        { device: "eth0", packets: 12 },
        { device: "eth1", packets: 0.2 },
    ];
    const v = overviewVerdict(all, ["eth0", "eth1"], losses, MINUTES_15, "bytes");
    assert.equal(v.level, "warning");
    assert.equal(v.lead, "eth0 lost packets.");
    assert.match(v.rest, /^12 errors and drops on eth0 in the last 15\u2009min\. eth1 is down\. /);
});

test("links that are down are named", () => {
    const all = [make("eth0", 1, 1), make("eth10", 0, 0, "down"), make("eth2", 0, 0, "down")];
    const v = overviewVerdict(all, ["eth0"], [], MINUTES_15, "bits");
    assert.equal(v.lead, "2 interfaces are down.");
    assert.match(v.rest, /^eth2, eth10\. eth0 carries/);
});

test("nothing known, nothing moving", () => {
    assert.equal(overviewVerdict([], [], [], MINUTES_15, "bits").level, "unknown");
    const still = overviewVerdict([make("eth0", 0, NaN)], ["eth0"], [], MINUTES_15, "bits");
    assert.match(still.rest, /^No traffic right now\./);
});
