import assert from "node:assert/strict";
import { test } from "node:test";
import {
    healthOf,
    interfaceFrom,
    kindText,
    matchesWords,
    parseSort,
    sorted,
    sortText,
    totalDevices,
    type Interface,
} from "./interfaces";

const COLUMNS = [
    "id",
    "device",
    "kind",
    "state",
    "speed_bps",
    "mtu",
    "addresses",
    "rx_bytes",
    "tx_bytes",
    "rx_rate",
    "tx_rate",
    "rx_packets",
    "tx_packets",
    "errors",
    "drops",
    "container",
];

function make(device: string, more: Partial<Interface> = {}): Interface {
    const row = [device.length, device, "physical", "up", 1e9, 1500, [], 1, 1, 1, 1, 1, 1, 0, 0];
    return { ...interfaceFrom(COLUMNS, row)!, ...more };
}

test("cells are found by name, unknown ones are unknown", () => {
    const i = interfaceFrom(["device", "id", "extra", "rx_rate"], ["eth0", 3, {}, "fast"])!;
    assert.equal(i.device, "eth0");
    assert.equal(i.id, 3);
    assert.ok(Number.isNaN(i.rxRate));
    assert.equal(i.speedBps, undefined);
    assert.deepEqual(i.addresses, []);
    assert.equal(i.container, "");
});

test("a veth tells the container that it leads to, and is found by it", () => {
    const columns = ["id", "device", "kind", "container"];
    const from = (container: unknown) => interfaceFrom(columns, [7, "veth1", "veth", container])!;
    const known = from("docker:0123456789ab");
    assert.equal(kindText(known), "veth, other end in docker:0123456789ab");
    assert.ok(matchesWords(known, "veth docker:0123"));
    assert.equal(kindText(from(null)), "veth");
    assert.ok(!matchesWords(from(null), "docker"));
});

test("rows without an id or a device are none", () => {
    assert.equal(interfaceFrom(COLUMNS, []), undefined);
    assert.equal(interfaceFrom(COLUMNS, [1]), undefined);
    assert.equal(interfaceFrom(COLUMNS, ["1", "eth0"]), undefined);
    assert.equal(interfaceFrom([], [1, "eth0"]), undefined);
});

test("physical interfaces make the total; without any, all but loopback; else loopback", () => {
    const lo = make("lo", { kind: "loopback" });
    const host = [
        lo,
        make("eth1"),
        make("eth0"),
        make("br0", { kind: "bridge" }),
        make("veth1", { kind: "veth" }),
    ];
    assert.deepEqual(totalDevices(host), { devices: ["eth0", "eth1"], kind: "physical" });
    const container = [lo, make("eth0", { kind: "veth" })];
    assert.deepEqual(totalDevices(container), { devices: ["eth0"], kind: "virtual" });
    assert.deepEqual(totalDevices([lo]), { devices: ["lo"], kind: "loopback" });
    assert.deepEqual(totalDevices([]), { devices: [], kind: "loopback" });
});

test("only a physical link that is down is worth a warning", () => {
    assert.equal(healthOf(make("eth0", { state: "down" })), "warning");
    assert.equal(healthOf(make("docker0", { state: "down", kind: "bridge" })), "good");
    assert.equal(healthOf(make("lo", { state: "unknown", kind: "loopback" })), "good");
    assert.equal(healthOf(make("x", { state: "unknown", kind: "" })), "unknown");
});

test("sorting: names as people count, unknown last, ties by name", () => {
    const all = [make("eth10"), make("eth2", { rxRate: NaN }), make("eth1", { rxRate: 5 })];
    const names = (key: string) => sorted(all, parseSort(key)).map((i) => i.device);
    assert.deepEqual(names("device"), ["eth1", "eth2", "eth10"]);
    assert.deepEqual(names("-rx_rate"), ["eth1", "eth10", "eth2"]);
    assert.deepEqual(names("rx_rate"), ["eth10", "eth1", "eth2"]);
    assert.deepEqual(names("-errors"), ["eth1", "eth2", "eth10"]);
    assert.equal(all[0]!.device, "eth10"); // the input stays
});

test("the sort of the address comes back; nonsense is the default", () => {
    for (const t of ["-rx_rate", "device", "-state", "drops"])
        assert.equal(sortText(parseSort(t)), t);
    for (const t of [null, "", "constructor", "-__proto__", "rx"])
        assert.deepEqual(parseSort(t), { key: "device", descending: false });
});

test("every word of the filter must occur", () => {
    const i = make("eth0", { addresses: ["192.168.1.20/24"] });
    assert.ok(matchesWords(i, "ETH 192.168"));
    assert.ok(matchesWords(i, " "));
    assert.ok(!matchesWords(i, "eth bridge"));
});
