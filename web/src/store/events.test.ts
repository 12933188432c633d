/* What a list of events asks of history, and what it makes of what is told meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { signal } from "@preact/signals";
import { ok, type Result } from "../base/result";
import type { Range } from "../domain/range";
import type { Location } from "./location";
import type { EventTaker, Session } from "./session";
import { EventStore } from "./events";

function bench(range: Range, toPresent = false) {
    const asked: URLSearchParams[] = [];
    const answers: ((v: Result<unknown>) => void)[] = [];
    const takers = new Set<EventTaker>();
    const world = { presentMs: 1000, beats: signal(0) };
    const session = {
        paused: signal(range.kind === "fixed"), // as a session that shows a window that ended
        beats: world.beats,
        get presentMs() {
            return world.presentMs;
        },
        getJson: (address: string) => {
            asked.push(new URLSearchParams(address.split("?")[1]));
            return new Promise<Result<unknown>>((done) => answers.push(done));
        },
        hearEvents: (t: EventTaker) => (takers.add(t), () => takers.delete(t)),
    };
    const store = new EventStore(session as unknown as Session, toPresent, (run) => run());
    const location = { range: signal(range) } as unknown as Location;
    const stop = store.follow(location, signal(["link"]));
    const event = (seq: number, t: number, kind = "link") => ({ type: "event", seq, t, kind });
    const answer = async (events: unknown[], total = events.length) => {
        answers.shift()!(ok({ events, total }));
        for (let i = 0; i < 5; i++) await Promise.resolve();
    };
    const tell = (seq: number, t: number, kind = "link") =>
        takers.forEach((taker) => taker.take({ type: "event", seq, t, kind, fields: {} }));
    const pass = (ms: number) => {
        world.presentMs += ms;
        world.beats.value++;
    };
    const seqs = () => store.state.value.events.map((e) => e.seq);
    return { asked, takers, store, stop, event, answer, tell, pass, seqs };
}

const MINUTE: Range = { kind: "last", spanMs: 60_000 };

test("what is told while history answers is not lost, and nothing is there twice", async () => {
    const { asked, store, event, answer, tell, seqs } = bench(MINUTE);
    tell(3, 900);
    tell(4, 950);
    tell(9, 960, "dns"); // not asked for
    await answer([event(3, 900), event(2, 500)]);
    assert.deepEqual(seqs(), [4, 3, 2]);
    assert.equal(store.state.value.total, 3);
    tell(5, 990);
    tell(4, 950);
    assert.deepEqual(seqs(), [5, 4, 3, 2]);
    assert.equal(store.state.value.total, 4);
    assert.equal(asked.length, 1);
});

test("what leaves the window leaves the list", async () => {
    const { store, event, answer, pass, tell, seqs } = bench(MINUTE);
    await answer([event(2, 900), event(1, 500)]);
    pass(59_700); // 500 is 60.2 s ago
    assert.deepEqual(seqs(), [2]);
    assert.equal(store.state.value.total, 1);
    pass(1000);
    assert.deepEqual(seqs(), []);
    tell(3, 61_000);
    assert.deepEqual(seqs(), [3]);
});

test("those that are too many to list are counted again now and then", async () => {
    const { asked, store, event, answer, pass } = bench({ kind: "last", spanMs: 3_600_000 });
    await answer([event(2, 900)], 5000);
    assert.equal(store.state.value.total, 5000);
    pass(30_000);
    assert.equal(asked.length, 1);
    pass(31_000);
    assert.equal(asked.length, 2);
    await answer([event(2, 900)], 4000);
    assert.equal(store.state.value.total, 4000);
});

test("a window that ended takes nothing new, and asks for what came after it where that is wanted", async () => {
    const past: Range = { kind: "fixed", fromMs: 100, toMs: 600 };
    for (const toPresent of [false, true]) {
        const { asked, event, answer, tell, pass, seqs } = bench(past, toPresent);
        assert.equal(asked[0]!.get("to"), toPresent ? "now" : "600");
        await answer([event(1, 500)]);
        tell(2, 1000);
        pass(100_000);
        assert.deepEqual(seqs(), [1]);
    }
});

test("when events were missed, history is asked again; when nobody looks, it is not", async () => {
    const { asked, takers, answer, event, seqs, stop, pass } = bench(MINUTE);
    await answer([event(1, 500)]);
    takers.forEach((t) => t.missed());
    assert.equal(asked.length, 2);
    await answer([event(7, 800), event(1, 500)]);
    assert.deepEqual(seqs(), [7, 1]);
    stop();
    pass(120_000);
    assert.equal(takers.size, 0);
    assert.equal(asked.length, 2);
});
