/* What a whole table asks of the server and how it puts the answers together. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../base/clock";
import { fail, ok, type Result } from "../base/result";
import type { TableMessage } from "../proto/stream";
import { FullTable, STREAMED } from "./full-table";
import type { TableWish } from "./session";

const COLUMNS = ["id", "process", "rx_rate"];
const row = (id: number, rate = 0) => [id, `p${id}`, rate];

function bench(answer: (address: string) => Result<unknown>) {
    const clock = new FakeClock();
    const asked: string[] = [];
    const wishes: TableWish[] = [];
    const world = { take: undefined as ((m: TableMessage) => void) | undefined, visible: true };
    const table = new FullTable(
        {
            getJson: (address) => {
                asked.push(address.replace("api/v1/connections?", ""));
                return Promise.resolve(answer(asked[asked.length - 1]!));
            },
            follow: (wish, take) => {
                wishes.push(wish);
                world.take = take;
                return () => {
                    if (world.take === take) world.take = undefined;
                };
            },
        },
        "connections",
        clock,
        () => world.visible,
        (run) => run(),
    );
    const say = (m: Partial<TableMessage>) =>
        world.take!({
            type: "table",
            channel: "connections",
            seq: 1,
            t: 1000,
            full: false,
            total: 0,
            columns: COLUMNS,
            rows: [],
            removed: [],
            ...m,
        });
    const ids = () => {
        const t = table.table.value;
        const list: number[] = [];
        for (let s = 0; s < t.size; s++) if (t.isLive(s)) list.push(t.idOf(s));
        return list.sort((a, b) => a - b);
    };
    return { clock, asked, wishes, world, table, say, ids };
}

/* The server's side of reading a table by ids: those behind one, so many of them. */
function pageOf(all: readonly (readonly unknown[])[], address: string): Result<unknown> {
    const q = new URLSearchParams(address);
    const behind = Number(q.get("filter")?.replace("id>", "") ?? 0);
    let first = 0;
    while (first < all.length && (all[first]![0] as number) <= behind) first++;
    const rows = all.slice(first, first + Number(q.get("limit")));
    return ok({ t: 1000, total: all.length - first, columns: COLUMNS, rows });
}

/* Lets answers arrive and slices be taken in. */
async function settle(clock: FakeClock): Promise<void> {
    for (let i = 0; i < 120; i++) {
        await Promise.resolve();
        clock.advance(0);
    }
}

test("a table that the stream carries whole needs nothing else", async () => {
    const { clock, asked, table, say, ids } = bench(() => ok({}));
    table.showLive();
    say({ full: true, total: 2, rows: [row(1), row(2)] });
    say({ total: 2, rows: [row(3)], removed: [1] });
    await settle(clock);
    clock.advance(60_000);
    await settle(clock);
    assert.deepEqual(ids(), [2, 3]);
    assert.deepEqual(asked, ["limit=1"]);
    assert.equal(table.facts.value.whole, true);
    say({ full: true, total: 1, rows: [row(9)] });
    assert.deepEqual(ids(), [9], "a whole message says all");
});

test("what the stream does not carry is read page by page, and again", async () => {
    const all = Array.from({ length: 12_000 }, (_, i) => row(i + 1));
    const { clock, asked, wishes, world, table, say, ids } = bench((a) => pageOf(all, a));
    table.prefer("curl", "-rx_rate");
    table.showLive();
    await settle(clock);
    say({ full: true, total: 12_000, rows: all.slice(0, STREAMED) });
    assert.deepEqual([wishes[1]!.filter, wishes[1]!.sort], ["curl", "-rx_rate"]);
    await settle(clock);
    assert.deepEqual(
        asked.slice(1),
        ["", "2500", "5000", "7500", "10000"].map(
            (id) => `sort=id&limit=2500${id && `&filter=id%3E${id}`}`,
        ),
    );
    assert.equal(ids().length, 12_000);
    assert.equal(table.facts.value.readAt, 1000);

    say({ total: 7, removed: [5], rows: [row(6, 99)] });
    assert.equal(ids().length, 12_000, "pushed out of the first rows is not gone");
    assert.equal(table.facts.value.total, 12_000, "how many pass the filter is another number");

    all.splice(4, 1); // 5 has ended
    world.visible = false;
    clock.advance(10_000);
    await settle(clock);
    assert.equal(asked.length, 6, "a hidden page reads nothing");
    world.visible = true;
    clock.advance(10_000);
    await settle(clock);
    assert.ok(!ids().includes(5));
    table.stop();
    clock.advance(60_000);
    await settle(clock);
    assert.equal(asked.length, 11, "nor does one that was left");
});

test("what the stream told while a page was on its way is newer", async () => {
    let answer: ((v: Result<unknown>) => void) | undefined;
    let taken: ((m: TableMessage) => void) | undefined;
    const clock = new FakeClock();
    const slow = new FullTable(
        {
            getJson: (address) =>
                address.includes("sort=id")
                    ? new Promise((done) => (answer = done))
                    : Promise.resolve(ok({})),
            follow: (_, take) => {
                taken = take;
                return () => undefined;
            },
        },
        "connections",
        clock,
        () => true,
        (run) => run(),
    );
    slow.showLive();
    const message = {
        type: "table" as const,
        channel: "connections",
        seq: 1,
        t: 1,
        columns: COLUMNS,
        removed: [],
    };
    taken!({ ...message, full: true, total: 5000, rows: [row(1, 1)] });
    await settle(clock);
    taken!({ ...message, full: false, total: 5000, rows: [row(1, 7)] });
    answer!(ok({ t: 1, total: 2, columns: COLUMNS, rows: [row(1, 3), row(2, 3)] }));
    await settle(clock);
    const t = slow.table.value;
    assert.equal(t.number(2, t.slotOf(1)!), 7);
    assert.equal(t.number(2, t.slotOf(2)!), 3);
});

test("rows that end or begin between two pages move none from one to another", async () => {
    let all = Array.from({ length: 6000 }, (_, i) => row(i + 1));
    const { clock, asked, table, say, ids } = bench((address) => {
        const page = pageOf(all, address);
        if (asked.length === 2) all = [...all.slice(100), row(6001)]; // after the first of them
        return page;
    });
    table.showLive();
    await settle(clock);
    say({ full: true, total: 6000, rows: all.slice(0, STREAMED) });
    await settle(clock);
    assert.deepEqual(
        ids().filter((id) => id > 2400),
        Array.from({ length: 3601 }, (_, i) => i + 2401),
    );
});

test("of a table without end what was read is all there, and what ended of it goes", async () => {
    const all = Array.from({ length: 205_000 }, (_, i) => row(i + 1));
    const { clock, table, say, ids } = bench((a) => pageOf(all, a));
    const patient = async () => {
        for (let i = 0; i < 12; i++) await settle(clock);
    };
    table.showLive();
    await settle(clock);
    say({ full: true, total: 205_000, rows: [row(204_999)] });
    await patient();
    assert.equal(ids().length, 200_001);
    all.splice(10, 1);
    clock.advance(10_000);
    await patient();
    assert.equal(ids().length, 200_001, "a row less, and one more within reach");
    assert.ok(!ids().includes(11));
    assert.ok(ids().includes(204_999), "what the stream has told is not looked for");
});

test("why there is none, and a table of the past", async () => {
    const { clock, asked, world, table, ids } = bench((a) =>
        a.startsWith("at=")
            ? ok({ t: 900, total: 20_000, cut_from: 20_000, columns: COLUMNS, rows: [row(1)] })
            : fail("no engine provides this table here"),
    );
    table.showLive();
    await settle(clock);
    assert.match(table.facts.value.error!, /no engine/);
    await table.showPast(1000.5);
    assert.equal(asked[1], "at=1000&limit=10000");
    assert.equal(world.take, undefined, "the present is not followed meanwhile");
    assert.deepEqual(ids(), [1]);
    const { live, t, cutFrom, error } = table.facts.value;
    assert.deepEqual([live, t, cutFrom, error], [false, 900, 20_000, undefined]);
});

test("when the stream carries all again, it begins anew, and what ended meanwhile is gone", async () => {
    const all = Array.from({ length: 3000 }, (_, i) => row(i + 1));
    const { clock, asked, wishes, table, say, ids } = bench((a) => pageOf(all, a));
    table.showLive();
    await settle(clock);
    say({ full: true, total: 3000, rows: all.slice(0, STREAMED) });
    await settle(clock);
    assert.equal(ids().length, 3000);
    say({ total: 1500, removed: [1, 2] }); // the others were never in the stream
    assert.equal(wishes.length, 3);
    say({ full: true, total: 2, rows: [row(8), row(9)] });
    assert.deepEqual(ids(), [8, 9]);
    const before = asked.length;
    clock.advance(60_000);
    await settle(clock);
    assert.equal(asked.length, before, "nothing more is read");
    say({ full: true, total: 3000, rows: all.slice(0, STREAMED) });
    await settle(clock);
    assert.equal(ids().length, 3000, "and it may grow again");
});

test("a hidden page gives back the room of rows that are gone", () => {
    const { world, table, say } = bench(() => ok({}));
    table.showLive();
    say({ full: true, total: 1, rows: [row(1)] });
    world.visible = false;
    for (let i = 1; i < 500; i++) say({ total: 1, rows: [row(i + 1)], removed: [i] });
    assert.ok(table.table.value.size < 10, `${table.table.value.size} slots for one row`);
});

test("opened while the page is paused it shows the present once, also after the past", async () => {
    const { clock, world, table, say, ids } = bench((a) =>
        a.startsWith("at=") ? ok({ t: 900, total: 1, columns: COLUMNS, rows: [row(7)] }) : ok({}),
    );
    table.showOnce();
    assert.equal(table.facts.value.loaded, false);
    say({ full: true, total: 1, rows: [row(1)] });
    assert.deepEqual(ids(), [1]);
    assert.equal(world.take, undefined, "it does not go on");

    await table.showPast(1000);
    assert.deepEqual(ids(), [7]);
    table.showOnce();
    assert.equal(table.facts.value.loaded, false, "what is there is of the past");
    say({ full: true, total: 1, rows: [row(2)] });
    assert.deepEqual(ids(), [2]);
    assert.equal(world.take, undefined);
    await settle(clock);
});
