/*
 * A whole table of the server, however long, for a page that looks through it.
 *
 * Live, the stream brings the first rows of the order that the page asked for, at most STREAMED of
 * them. While these are all there are, nothing else is needed: filter and order act here. When there
 * are more, all pages are read over HTTP, one after another, when the page opens and again some time
 * later; what the stream brings lies over them. Rows that a whole reading did not find are gone.
 * Of the past it is one page, of the newest table that was stored until then.
 */
import { effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import type { Cancel, Clock } from "../base/clock";
import { FrameQueue } from "../base/frame";
import { asNumber } from "../base/json";
import { parsePage, type Page } from "../proto/table";
import type { Result } from "../base/result";
import { ColumnTable, type Row } from "../domain/column-table";
import type { TableMessage } from "../proto/stream";
import type { TableWish } from "./session";

export const STREAMED = 2000; // rows, as many as the server gives
const PAST_ROWS = 10_000; // as many as are stored
const PAGE_ROWS = 2500; // read at once, so that scrolling stays smooth
const SLICE_ROWS = 500; // and taken in at once
const ROWS_MOST = 200_000; // the rest is counted, and the filter finds it on the server
const READ_AGAIN_MS = 10_000;
const WISH_LATER_MS = 400; // a filter that is being written is not a wish yet

export interface TableFacts {
    version: number; // grows whenever rows changed
    loaded: boolean; // rows, or the news that there are none, have come
    live: boolean;
    t: number; // of when the newest rows are, epoch ms
    total: number; // rows of the server; of the past: that were stored
    cutFrom: number; // of the past: how many there were when not all were stored, else 0
    whole: boolean; // all rows come with the stream
    readAt: number | undefined; // of when the oldest page of the newest whole reading is
    reading: boolean; // for the first time
    error: string | undefined; // why there are none: the server's words
}

const NOTHING_YET: TableFacts = {
    version: 0,
    loaded: false,
    live: true,
    t: 0,
    total: 0,
    cutFrom: 0,
    whole: true,
    readAt: undefined,
    reading: false,
    error: undefined,
};

/* What it needs of the session. */
export interface TableSource {
    getJson(address: string, signal?: AbortSignal): Promise<Result<unknown>>;
    follow(wish: TableWish, take: (m: TableMessage) => void): () => void;
}

export class FullTable {
    readonly channel: string;
    readonly #source: TableSource;
    readonly #clock: Clock;
    readonly #visible: () => boolean;
    readonly #frame: FrameQueue;
    readonly #facts = signal<TableFacts>(NOTHING_YET);
    readonly #table = signal(new ColumnTable(["id"]));
    #wish = { filter: "", sort: "" };
    #narrow = false; // the stream was asked for the wish, not for everything
    #unfollow: (() => void) | undefined;
    #abort: AbortController | undefined;
    #later: Cancel | undefined; // the next whole reading
    #wishLater: Cancel | undefined;
    #next: Partial<TableFacts> = {};

    readonly facts: ReadonlySignal<TableFacts> = this.#facts;
    readonly table: ReadonlySignal<ColumnTable> = this.#table;

    constructor(
        source: TableSource,
        channel: string,
        clock: Clock,
        visible: () => boolean,
        frame: (run: () => void) => void = requestAnimationFrame,
    ) {
        this.#source = source;
        this.channel = channel;
        this.#clock = clock;
        this.#visible = visible;
        this.#frame = new FrameQueue(() => this.#settle(), frame);
    }

    showLive(): void {
        this.stop();
        const { live, error, loaded } = this.#facts.peek();
        const anew = { loaded: loaded && live && error === undefined }; // what is there is of now
        this.#say({ live: true, error: undefined, cutFrom: 0, readAt: undefined, whole: true, ...anew });
        this.#follow(false);
        void this.#explain();
    }

    /* The present as it is now; it does not go on. Returns what forgets it if it has not come yet. */
    showOnce(): () => void {
        this.showLive();
        return effect(() => {
            const { loaded, live, reading } = this.#facts.value;
            if (loaded && live && !reading) untracked(() => this.stop());
        });
    }

    async showPast(atMs: number): Promise<void> {
        this.stop();
        const abort = (this.#abort = new AbortController());
        const answer = await this.#read(`at=${Math.floor(atMs)}&limit=${PAST_ROWS}`, abort);
        if (abort !== this.#abort) return;
        if (!answer.ok) {
            this.#clear();
            this.#say({ live: false, loaded: true, error: answer.error, total: 0, t: 0 });
            return;
        }
        const { rows, total, t, cutFrom } = answer.value;
        this.#replace(answer.value.columns, rows);
        const facts = { live: false, loaded: true, whole: true, readAt: undefined };
        this.#say({ ...facts, error: undefined, total, t, cutFrom });
    }

    /*
     * What the page filters and sorts by. It acts here at once; only where the stream does not carry
     * everything is it asked for what is in sight.
     */
    prefer(filter: string, sort: string): void {
        if (filter === this.#wish.filter && sort === this.#wish.sort) return;
        this.#wish = { filter, sort };
        this.#wishLater?.();
        if (!this.#narrow || !this.#unfollow) return;
        this.#wishLater = this.#clock.after(WISH_LATER_MS, () => this.#follow(true));
    }

    stop(): void {
        this.#unfollow?.();
        this.#unfollow = undefined;
        this.#abort?.abort();
        this.#abort = undefined;
        this.#later?.();
        this.#later = undefined;
        this.#wishLater?.();
        this.#wishLater = undefined;
    }

    /* narrow: what the page filters and sorts by; else everything. */
    #follow(narrow: boolean): void {
        this.#narrow = narrow;
        const { filter, sort } = narrow ? this.#wish : { filter: "", sort: "" };
        const wish = { channel: this.channel, filter, sort, limit: STREAMED };
        this.#unfollow = this.#source.follow(wish, (m) => this.#take(m, filter));
    }

    #take(m: TableMessage, filter: string): void {
        const whole = filter === "" && m.total <= STREAMED;
        // What was asked for is only some of it: with all of it the stream begins anew.
        if (whole && this.#narrow) {
            this.#stopReading();
            this.#follow(false);
            return;
        }
        const { table } = this;
        if (!this.#visible()) table.peek().reclaim(); // no frame will
        if (m.full && whole) this.#replace(m.columns, m.rows);
        else {
            this.#fit(m.columns);
            for (const row of m.rows) table.peek().put(row);
            // Else they may only have been pushed out of the first rows.
            if (whole) for (const id of m.removed) table.peek().remove(id);
        }
        const total = filter === "" ? { total: m.total } : {};
        this.#say({ loaded: true, t: m.t, error: undefined, ...total, whole });
        if (whole) {
            this.#stopReading();
            return;
        }
        if (!this.#narrow) {
            this.#say({ reading: true });
            this.#follow(true);
            this.#abort?.abort();
            void this.#readAll();
        }
    }

    #stopReading(): void {
        this.#say({ reading: false });
        this.#later?.();
        this.#later = undefined;
        this.#abort?.abort();
        this.#abort = undefined;
    }

    /* A channel that nobody provides is silent; HTTP says why. */
    async #explain(): Promise<void> {
        const abort = (this.#abort = new AbortController());
        const answer = await this.#read("limit=1", abort);
        if (abort !== this.#abort || answer.ok) return;
        this.#clear();
        this.#say({ loaded: true, error: answer.error, total: 0, t: 0 });
    }

    /* From id to id: rows that end or begin while pages are read move none from one to another. */
    async #readAll(): Promise<void> {
        const abort = (this.#abort = new AbortController());
        let first: Page | undefined;
        let count = 0;
        let last = 0;
        this.#table.peek().begin();
        for (;;) {
            const since = this.#table.peek().change;
            const behind = last > 0 ? `&filter=id%3E${last}` : "";
            const answer = await this.#read(`sort=id&limit=${PAGE_ROWS}${behind}`, abort);
            if (abort !== this.#abort) return;
            if (!answer.ok) {
                this.#say({ reading: false }); // what is there stays; the next reading may go well
                break;
            }
            const { columns, rows, total } = answer.value;
            first ??= answer.value;
            count += rows.length;
            last = asNumber(rows[rows.length - 1]?.[0]) ?? last;
            const table = this.#fit(columns);
            for (let i = 0; i < rows.length; i += SLICE_ROWS) {
                for (const row of rows.slice(i, i + SLICE_ROWS)) table.putOlder(row, since);
                await new Promise<void>((done) => this.#clock.after(0, done));
                if (abort !== this.#abort) return;
            }
            this.#say({});
            const more = total > rows.length && rows.length > 0;
            if (more && count < ROWS_MOST) continue;
            table.sweep(more ? last : Infinity);
            this.#say({ readAt: first.t, reading: false });
            if (first.total <= STREAMED) {
                this.#follow(false);
                return;
            }
            break;
        }
        this.#later = this.#clock.after(READ_AGAIN_MS, () => this.#again());
    }

    #again(): void {
        if (this.#visible()) void this.#readAll();
        else this.#later = this.#clock.after(READ_AGAIN_MS, () => this.#again());
    }

    async #read(query: string, abort: AbortController): Promise<Result<Page>> {
        const address = `api/v1/${this.channel}?${query}`;
        const answer = await this.#source.getJson(address, abort.signal);
        return answer.ok ? { ok: true, value: parsePage(answer.value) } : answer;
    }

    #fit(columns: readonly string[]): ColumnTable {
        const table = this.#table.peek();
        if (columns.length === 0 || columns.join() === table.columns.join()) return table;
        return (this.#table.value = new ColumnTable(columns));
    }

    #replace(columns: readonly string[], rows: readonly Row[]): void {
        const table = this.#fit(columns);
        table.begin();
        for (const row of rows) table.put(row);
        table.sweep();
    }

    #clear(): void {
        const table = this.#table.peek();
        table.begin();
        table.sweep();
    }

    #say(facts: Partial<TableFacts>): void {
        this.#next = { ...this.#next, ...facts };
        this.#frame.request();
    }

    #settle(): void {
        const { version } = this.#facts.peek();
        this.#facts.value = { ...this.#facts.peek(), ...this.#next, version: version + 1 };
        this.#next = {};
    }
}
