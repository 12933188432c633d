import assert from "node:assert/strict";
import { test } from "node:test";
import { dropsOf } from "./drops";

const amounts = new Map<number, number>();
let next = 1;
function series(name: string, labels: Record<string, string>, packets: number) {
    amounts.set(next, packets);
    return { id: next++, name, labels };
}
const amount = (id: number) => amounts.get(id)!;

test("packets go from the direction over the place to the reason", () => {
    const d = dropsOf(
        [
            series("node_network_receive_drop_total", { device: "eth0" }, 7),
            series("node_qdisc_drops_total", { device: "eth0" }, 3),
            series("node_netstat_Udp_RcvbufErrors", {}, 1),
            series("node_netstat_Udp6_RcvbufErrors", {}, 1),
        ],
        amount,
    );
    assert.equal(d.lost, 12);
    assert.deepEqual(d.worst, {
        root: "arriving",
        place: "network card",
        reason: "eth0 drops in",
        packets: 7,
    });
    const link = (to: string) => d.links.find((l) => l.to === to)?.value;
    assert.equal(link("arriving/network card"), 7);
    assert.equal(link("leaving/queue discipline/eth0 queue"), 3);
    assert.equal(link("arriving/socket buffers/UDP receive"), 2);
});

test("the kernel's own account is not added to the places'", () => {
    const d = dropsOf(
        [
            series("netsonde_packet_drops_total", { reason: "no_socket" }, 50),
            series("netsonde_packet_drops_total", { reason: "netfilter_drop" }, 5),
        ],
        amount,
    );
    assert.equal(d.lost, 0);
    assert.equal(d.worst, undefined);
    const tone = (name: string) => d.nodes.find((n) => n.name === name)?.tone;
    assert.equal(tone("no socket"), "good");
    assert.equal(tone("netfilter drop"), "warning");
});

test("nothing lost is no diagram; what is not known is not lost", () => {
    const d = dropsOf([series("node_softnet_dropped_total", { cpu: "0" }, NaN)], amount);
    assert.deepEqual([d.nodes, d.links, d.lost], [[], [], 0]);
});

test("of many reasons the smallest are one line of their place", () => {
    const many = Array.from({ length: 40 }, (_, i) =>
        series("node_network_receive_drop_total", { device: `veth${i}` }, 100 - i),
    );
    const d = dropsOf(many, amount);
    const leaves = d.nodes.filter((n) => n.column === 2);
    assert.equal(leaves.length, 17);
    const total = d.links
        .filter((l) => l.from === "arriving")
        .reduce((sum, l) => sum + l.value, 0);
    assert.equal(total, d.lost);
    assert.ok(leaves.some((n) => n.name === "other"));
});
