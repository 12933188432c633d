import assert from "node:assert/strict";
import { test } from "node:test";
import { ColumnTable } from "./column-table";
import { momentsAfter } from "./stored-moments";
import { hostOf, isLoopback, linksOf, OTHERS, portOf, sumsBy, summarize, topOf } from "./table-sums";

const COLUMNS = ["id", "local", "remote", "state", "process", "rx_rate", "tx_rate", "rtt_ms", "retransmits"];

function made() {
    const table = new ColumnTable(COLUMNS);
    const rows: unknown[][] = [
        [1, "10.0.0.1:5000", "10.0.0.2:443", "established", "curl", 100, 10, 5, 0],
        [2, "10.0.0.1:5001", "10.0.0.2:443", "established", "curl", 50, null, 7, 3],
        [3, "10.0.0.1:22", "10.0.0.9:999", "established", "sshd", 1, 1, 1, 0],
        [4, "127.0.0.1:1", "127.0.0.1:2", "established", null, 1000, 0, null, null],
        [5, "0.0.0.0:22", null, "listen", "sshd", null, null, null, null],
    ];
    for (const row of rows) table.put(row);
    return table;
}

test("sums by a name, the largest first", () => {
    const sums = sumsBy(made(), { column: "process", rx: "rx_rate", tx: "tx_rate" });
    assert.deepEqual(
        sums.map((s) => [s.name, s.rows, s.rx, s.tx]),
        [
            ["", 1, 1000, 0],
            ["curl", 2, 150, 10],
            ["sshd", 2, 1, 1],
        ],
    );
    const { top, others } = topOf(sums, 1);
    assert.equal(top.length, 1);
    assert.deepEqual([others!.rows, others!.rx, others!.tx], [4, 151, 11]);
    assert.equal(topOf(sums, 3).others, undefined);
});

test("addresses", () => {
    assert.deepEqual(["1.2.3.4:80", "[fe80::1]:80", "fe80::1:80", ""].map(hostOf), [
        "1.2.3.4",
        "fe80::1",
        "fe80::1",
        "",
    ]);
    assert.equal(portOf("[fe80::1]:80"), "80");
    assert.deepEqual(["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1"].map(isLoopback), [
        true,
        true,
        true,
        false,
    ]);
});

test("what connections come to", () => {
    const s = summarize(made());
    assert.deepEqual([s.total, s.established, s.listening, s.peers, s.local], [5, 4, 1, 2, 1]);
    assert.deepEqual([s.retransmits, s.retransmitting, s.rttMs, s.slowMs], [3, 1, 5, 7]);
    assert.deepEqual([s.process, s.rate], ["curl", 160]);
    assert.deepEqual(s.states[0], { state: "established", rows: 4 });
    assert.ok(Number.isNaN(summarize(new ColumnTable(COLUMNS)).rttMs));
});

test("from process to peer to interface", () => {
    const device = (host: string) => (host === "127.0.0.1" ? "lo" : "eth0");
    const links = linksOf(made(), device, 2);
    assert.deepEqual(links[0], { process: "", peer: "127.0.0.1", device: "lo", value: 1000 });
    assert.deepEqual(links[1], { process: "curl", peer: "10.0.0.2", device: "eth0", value: 160 });
    assert.deepEqual(links[2], { process: OTHERS, peer: OTHERS, device: "eth0", value: 2 });
});

test("later and later moments, none after now", () => {
    assert.deepEqual(momentsAfter(0, 500_000), [61_000, 122_000, 244_000, 488_000, 500_000]);
    assert.deepEqual(momentsAfter(0, 10), [10]);
    assert.equal(momentsAfter(0, 1e15).length, 12);
});
