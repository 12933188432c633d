import assert from "node:assert/strict";
import { test } from "node:test";
import {
    eventMatches,
    eventText,
    linkSpans,
    mergeEvents,
    subjectOf,
    type HostEvent,
} from "./events";

let seq = 0;
function event(kind: string, t: number, fields: Record<string, unknown>): HostEvent {
    return { seq: ++seq, t, kind, fields };
}

test("a connection's end says who, how much, how long", () => {
    const e = event("connection_closed", 0, {
        protocol: "tcp",
        local: "10.0.0.1:443",
        remote: "10.0.0.2:5000",
        remote_name: "peer.example",
        direction: "in",
        rx_bytes: 1200,
        tx_bytes: 5_000_000,
        duration_ms: 1500,
        retransmits: 2,
        process: "nginx",
    });
    assert.equal(
        eventText(e, "bits").replace(/\s/g, " "),
        "tcp 10.0.0.1:443 ← peer.example: 1.20 kB in, 5.00 MB out in 1.50 s, 2 sent again",
    );
    assert.equal(subjectOf(e), "nginx");
    assert.ok(eventMatches(e, "NGINX 10.0.0.2"));
    assert.ok(!eventMatches(e, "nginx udp"));
});

test("what is not known is left out, and what is unknown is still named", () => {
    assert.equal(eventText(event("loss", 0, { what: "connection events", count: 3 }), "bits"), "connection events (3)");
    assert.equal(eventText(event("comet_seen", 0, {}), "bits"), "comet seen");
});

test("links are in one state after the other, from the window's begin to its end", () => {
    const rows = linkSpans(
        [
            event("link", 50, { device: "eth0", change: "state", before: "down", state: "up" }),
            event("link", 20, { device: "eth0", change: "state", before: "up", state: "down" }),
            event("link", 30, { device: "eth0", change: "mtu", mtu_before: 1, mtu: 2 }),
            event("link", 5, { device: "eth0", change: "state", before: "x", state: "y" }),
        ],
        [
            { device: "eth0", state: "up", physical: true },
            { device: "lo", state: "unknown", physical: false },
        ],
        10,
        100,
    );
    assert.deepEqual(
        rows[0]!.spans.map((s) => [s.fromMs, s.toMs, s.state, s.tone]),
        [
            [10, 20, "up", "good"],
            [20, 50, "down", "warning"],
            [50, 100, "up", "good"],
        ],
    );
    assert.deepEqual(
        rows[1]!.spans.map((s) => [s.fromMs, s.toMs, s.tone]),
        [[10, 100, "good"]],
    );
});

test("a link that is gone now has the spans that are known of it", () => {
    const rows = linkSpans(
        [event("link", 40, { device: "veth1", change: "state", before: "up", state: "down" })],
        [],
        0,
        60,
    );
    assert.deepEqual(
        rows[0]!.spans.map((s) => [s.state, s.tone]),
        [
            ["up", "good"],
            ["down", "rest"],
        ],
    );
    // Whether it was of the kind that never knows is not known either.
    const unknown = event("link", 40, { device: "veth1", change: "state", before: "unknown", state: "down" });
    assert.deepEqual(linkSpans([unknown], [], 0, 60)[0]!.spans.map((s) => s.tone), ["unknown", "rest"]);
});

test("of a past window without changes, the next change after it says how a link was", () => {
    const rows = linkSpans(
        [event("link", 80, { device: "eth0", change: "state", before: "up", state: "down" })],
        [
            { device: "eth0", state: "down", physical: true },
            { device: "eth1", state: "down", physical: true },
        ],
        10,
        60,
    );
    assert.deepEqual(
        rows.map((r) => r.spans.map((s) => [s.fromMs, s.toMs, s.state])),
        [[[10, 60, "up"]], [[10, 60, "down"]]],
    );
});

test("while nothing was recorded, nothing is known of a link", () => {
    const spansWith = (unrecorded: { fromMs: number; toMs: number }[]) =>
        linkSpans(
            [event("link", 50, { device: "eth0", change: "state", before: "down", state: "up" })],
            [{ device: "eth0", state: "up", physical: true }],
            10,
            100,
            unrecorded,
        )[0]!.spans.map((s) => [s.fromMs, s.toMs, s.state]);
    assert.deepEqual(spansWith([{ fromMs: 20, toMs: 30 }]), [
        [10, 20, "down"],
        [20, 30, "not recorded"],
        [30, 50, "down"],
        [50, 100, "up"],
    ]);
    assert.deepEqual(
        spansWith([
            { fromMs: 0, toMs: 15 },
            { fromMs: 40, toMs: 60 },
            { fromMs: 90, toMs: 92 },
            { fromMs: 92, toMs: 110 },
        ]),
        [
            [10, 15, "not recorded"],
            [15, 40, "down"],
            [40, 60, "not recorded"],
            [60, 90, "up"],
            [90, 92, "not recorded"],
            [92, 100, "not recorded"],
        ],
    );
    assert.deepEqual(spansWith([{ fromMs: 0, toMs: 200 }]), [[10, 100, "not recorded"]]);
    assert.deepEqual(spansWith([{ fromMs: 120, toMs: 200 }]), [
        [10, 50, "down"],
        [50, 100, "up"],
    ]);
});

test("two lists of events are one: newest first, each once, from that time on", () => {
    const at = (n: number, t: number): HostEvent => ({ seq: n, t, kind: "link", fields: {} });
    const seqs = (list: readonly HostEvent[]) => list.map((e) => e.seq);
    const old = [at(5, 50), at(3, 30), at(1, 10)];
    assert.deepEqual(seqs(mergeEvents(old, [at(6, 60), at(5, 50), at(4, 40)], 20)), [6, 5, 4, 3]);
    assert.deepEqual(seqs(mergeEvents(old, [at(6, 60)])), [6, 5, 3, 1]);
});
