/*
 * A table of the server as one page wants it: live from the stream, or of a past moment over HTTP.
 * Rows are arrays in the order of `columns`, as they came; their first cell is their id. Messages go
 * into a map at once, and the signal follows once a frame: at 50,000 rows copying is what costs.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { FrameQueue } from "../base/frame";
import type { TableMessage } from "../proto/stream";
import { parsePage } from "../proto/table";
import type { Session, TableWish } from "./session";

export type TableRow = readonly unknown[];

export interface TableState {
    columns: readonly string[];
    rows: readonly TableRow[]; // in no order
    total: number; // rows that pass the filter; more than there are here when limited
    t: number; // of when they are, epoch ms; 0: nothing has come yet
    live: boolean;
    error: string | undefined; // why there is none: the server's words
}

const NOTHING_YET: TableState = {
    columns: [],
    rows: [],
    total: 0,
    t: 0,
    live: true,
    error: undefined,
};

const PAST_ROWS = 10_000;

export class TableStore {
    readonly #session: Session;
    readonly #channel: string;
    readonly #frame: FrameQueue;
    readonly #rows = new Map<unknown, TableRow>();
    #head: { columns: readonly string[]; total: number; t: number } | undefined;
    #fresh = false; // the answer to a new wish is shown also while the page is paused
    #stop: (() => void) | undefined;
    #abort: AbortController | undefined;
    readonly #state = signal<TableState>(NOTHING_YET);
    readonly state: ReadonlySignal<TableState> = this.#state;

    constructor(
        session: Session,
        channel: string,
        frame: (run: () => void) => void = requestAnimationFrame,
    ) {
        this.#session = session;
        this.#channel = channel;
        this.#frame = new FrameQueue(() => this.#settle(), frame);
    }

    /* What is shown stays until the answer is there. */
    showLive(wish: Omit<TableWish, "channel">): void {
        this.stop();
        this.#fresh = true;
        this.#stop = this.#session.follow({ channel: this.#channel, ...wish }, (m) =>
            this.#take(m),
        );
        void this.#explain();
    }

    /* The newest table that was stored until then. */
    async showPast(wish: Omit<TableWish, "channel">, atMs: number): Promise<void> {
        this.stop();
        const abort = (this.#abort = new AbortController());
        const q = new URLSearchParams({ at: String(atMs), limit: String(PAST_ROWS) });
        if (wish.filter) q.set("filter", wish.filter);
        if (wish.sort) q.set("sort", wish.sort);
        const answer = await this.#session.getJson(`api/v1/${this.#channel}?${q}`, abort.signal);
        if (abort !== this.#abort) return;
        if (!answer.ok) {
            this.#state.value = { ...NOTHING_YET, live: false, error: answer.error };
            return;
        }
        const { columns, rows, total, t } = parsePage(answer.value);
        this.#state.value = { columns, rows, total, t, live: false, error: undefined };
    }

    stop(): void {
        this.#stop?.();
        this.#stop = undefined;
        this.#abort?.abort();
        this.#abort = undefined;
    }

    /* A channel that nobody provides is silent; HTTP says why. */
    async #explain(): Promise<void> {
        const abort = (this.#abort = new AbortController());
        const answer = await this.#session.getJson(
            `api/v1/${this.#channel}?limit=1`,
            abort.signal,
        );
        if (abort !== this.#abort || answer.ok) return;
        this.#state.value = { ...NOTHING_YET, error: answer.error };
    }

    #take(m: TableMessage): void {
        if (m.full) this.#rows.clear();
        for (const row of m.rows) this.#rows.set(row[0], row);
        for (const id of m.removed) this.#rows.delete(id);
        this.#head = { columns: m.columns, total: m.total, t: m.t };
        this.#frame.request();
    }

    #settle(): void {
        if (!this.#head || !this.#stop || (this.#session.paused.peek() && !this.#fresh)) return;
        this.#fresh = false;
        this.#state.value = {
            ...this.#head,
            rows: [...this.#rows.values()],
            live: true,
            error: undefined,
        };
    }
}
