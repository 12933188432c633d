import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../base/clock";
import type { ServerMessage } from "../proto/stream";
import { backoffMs } from "./backoff";
import { basePathOf, streamAddress } from "./base-path";
import { closeWords, StreamClient, type LinkState, type Socket } from "./stream-client";

class FakeSocket implements Socket {
    onopen: Socket["onopen"] = null;
    onmessage: Socket["onmessage"] = null;
    onclose: Socket["onclose"] = null;
    sent: Record<string, unknown>[] = [];
    closed = false;

    send(text: string): void {
        this.sent.push(JSON.parse(text) as Record<string, unknown>);
    }

    close(): void {
        this.closed = true;
    }

    open(): void {
        this.onopen?.({} as Event);
    }

    say(message: unknown): void {
        const data = typeof message === "string" ? message : JSON.stringify(message);
        this.onmessage?.({ data } as MessageEvent);
    }

    end(code: number): void {
        this.onclose?.({ code, reason: "" } as CloseEvent);
    }

    ops(op: string): Record<string, unknown>[] {
        return this.sent.filter((m) => m["op"] === op);
    }
}

function bench() {
    const clock = new FakeClock();
    const sockets: FakeSocket[] = [];
    const states: LinkState[] = [];
    const messages: ServerMessage[] = [];
    const latencies: number[] = [];
    const confusions: string[] = [];
    const client = new StreamClient(
        () => {
            const socket = new FakeSocket();
            sockets.push(socket);
            return socket;
        },
        clock,
        {
            message: (m) => messages.push(m),
            state: (s) => states.push(s),
            latency: (ms) => latencies.push(ms),
            confused: (why) => confusions.push(why),
        },
        () => 1,
    );
    const last = () => sockets[sockets.length - 1]!;
    return { clock, client, sockets, states, messages, latencies, confusions, last };
}

const HELLO = { type: "hello", version: "1", interval_ms: 1000, channels: [] };

test("waits double up to half a minute and are spread by chance", () => {
    assert.deepEqual(
        [0, 1, 2, 3, 10, 1000].map((n) => backoffMs(n, () => 1)),
        [500, 1000, 2000, 4000, 30_000, 30_000],
    );
    assert.equal(
        backoffMs(2, () => 0),
        1000,
    );
});

test("wishes are stated on every new connection, with since", () => {
    const b = bench();
    b.client.want({ channel: "metrics", metric: ["a"] });
    b.client.start();
    assert.equal(b.last().sent.length, 0);
    b.last().open();
    assert.deepEqual(b.last().ops("subscribe"), [
        { op: "subscribe", id: 1, channel: "metrics", metric: ["a"] },
    ]);
    b.client.reached("metrics", 41);
    b.last().end(1006);
    b.clock.advance(500);
    assert.equal(b.sockets.length, 2);
    b.last().open();
    assert.equal(b.last().ops("subscribe")[0]!["since"], 41);
    b.client.want({ channel: "metrics", metric: ["b"] });
    assert.equal(b.last().ops("subscribe")[1]!["since"], undefined); // another wish starts afresh
    b.client.unwant("metrics");
    assert.equal(b.last().ops("unsubscribe").length, 1);
});

test("one tick a second is acknowledged, whatever their pace", () => {
    const b = bench();
    b.client.start();
    b.client.acknowledge(1); // nobody is there yet
    b.last().open();
    b.clock.advance(1000);
    for (let i = 0; i < 100; i++) {
        b.client.acknowledge(100 + i);
        b.clock.advance(50);
    }
    const acks = b.last().ops("ack");
    assert.deepEqual(acks[0], { op: "ack", seq: 100 });
    assert.ok(acks.length === 5 || acks.length === 6, String(acks.length));
    // Ticks of a second that come a little early are acknowledged, too.
    for (let i = 0; i < 5; i++) {
        b.clock.advance(995);
        b.client.acknowledge(300 + i);
    }
    assert.equal(b.last().ops("ack").length, acks.length + 5);
});

test("failures back off, a greeting resets, retry does not wait", () => {
    const b = bench();
    b.client.start();
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
        b.last().end(1006);
        const s = b.client.state;
        assert.ok(s.name === "waiting");
        waits.push(s.retryAt - b.clock.now());
        b.clock.advance(s.retryAt - b.clock.now());
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000]);
    b.last().open();
    b.last().say(HELLO);
    b.last().end(1001);
    const s = b.client.state;
    assert.ok(s.name === "waiting" && s.retryAt - b.clock.now() === 500);
    const before = b.sockets.length;
    b.client.retry();
    assert.equal(b.sockets.length, before + 1);
    b.clock.advance(5000); // the old timer is dead
    assert.equal(b.sockets.length, before + 1);
});

test("a server that never answers the first word is given up", () => {
    const b = bench();
    b.client.start();
    b.clock.advance(10_000);
    assert.equal(b.client.state.name, "waiting");
    assert.ok(b.sockets[0]!.closed);
});

test("pings measure the way; silence ends the connection", () => {
    const b = bench();
    b.client.start();
    b.last().open();
    b.last().say(HELLO);
    b.clock.advance(1000);
    const ping = b.last().ops("ping")[0]!;
    b.clock.advance(7);
    b.last().say({ type: "pong", id: ping["id"] });
    assert.deepEqual(b.latencies, [7]);
    b.last().say({ type: "pong", id: 999 });
    assert.equal(b.latencies.length, 1);
    b.clock.advance(60_000); // nothing more comes
    assert.ok(b.sockets[0]!.closed);
    assert.ok(b.sockets.length > 1);
});

test("while nobody looks a ping is rare, and a dead connection is still noticed", () => {
    const b = bench();
    b.client.start();
    b.last().open();
    b.last().say(HELLO);
    b.client.calm(true);
    const answered = (ms: number) => {
        for (let i = 0; i < ms; i += 1000) {
            b.clock.advance(1000);
            const ping = b.last().ops("ping").pop();
            if (ping) b.last().say({ type: "pong", id: ping["id"] });
        }
        return b.last().ops("ping").length;
    };
    assert.equal(answered(300_000), 10);
    b.client.calm(false);
    assert.equal(answered(1000), 11);
    assert.equal(answered(10_000), 13);
    b.client.calm(true);
    b.clock.advance(100_000); // nothing more comes
    assert.ok(b.sockets[0]!.closed);
});

test("what is not understood is told and does not end the connection", () => {
    const b = bench();
    b.client.start();
    b.last().open();
    b.last().say("{nonsense");
    b.last().onmessage?.({ data: new ArrayBuffer(3) } as MessageEvent);
    assert.equal(b.confusions.length, 2);
    b.last().say({ type: "metrics", seq: 1, t: 1, values: [] });
    assert.equal(b.messages.length, 1);
    assert.equal(b.client.state.name, "open");
});

test("an old connection is not listened to any more", () => {
    const b = bench();
    b.client.start();
    const old = b.last();
    old.open();
    old.end(1006);
    b.clock.advance(500);
    old.say({ type: "metrics", seq: 1, t: 1, values: [] });
    assert.equal(b.messages.length, 0);
});

test("stop leaves no timer behind", () => {
    const b = bench();
    b.client.start();
    b.last().open();
    b.client.stop();
    assert.equal(b.clock.pending, 0);
    b.clock.advance(100_000);
    assert.equal(b.sockets.length, 1);
});

test("close codes in plain words", () => {
    assert.match(closeWords(1001, ""), /shutting down/);
    assert.match(closeWords(1013, ""), /too slowly/);
    assert.match(closeWords(4999, ""), /4999/);
});

test("the base path comes from the script's own address", () => {
    assert.equal(basePathOf("http://h:7477/assets/app-X.js"), "/");
    assert.equal(basePathOf("https://h/net/mon/assets/app-X.js"), "/net/mon/");
    assert.equal(
        streamAddress({ protocol: "https:", host: "h:1" }, "/net/"),
        "wss://h:1/net/api/v1/stream",
    );
});
