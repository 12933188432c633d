/*
 * Events of the range that the page shows: from history first, then as they are told. What leaves a
 * window that follows the present leaves the list; of one that ended nothing is added.
 */
import { effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import { FrameQueue } from "../base/frame";
import { asNumber, asObject } from "../base/json";
import { mergeEvents, type HostEvent } from "../domain/events";
import { rangeQuery, stretchOf, type Range } from "../domain/range";
import { parseEvents } from "../proto/history";
import type { StreamEvent } from "../proto/stream";
import type { Location } from "./location";
import type { Session } from "./session";

const MOST = 2000; // kept and shown
const COUNT_AGAIN_MS = 60_000; // those beyond MOST that left the window are known to history alone

export interface EventList {
    events: readonly HostEvent[]; // newest first
    total: number; // in the range; more than there are here when it has very many
    loading: boolean;
    error: string | undefined;
}

export class EventStore {
    readonly #session: Session;
    readonly #toPresent: boolean;
    readonly #state = signal<EventList>({ events: [], total: 0, loading: true, error: undefined });
    readonly state: ReadonlySignal<EventList> = this.#state;
    #fresh: HostEvent[] = []; // not in the list yet
    #late: HostEvent[] | undefined; // told since history was asked; undefined: it has answered
    readonly #frame: FrameQueue;
    #kinds: readonly string[] = [];
    #range: Range = { kind: "fixed", fromMs: 0, toMs: 0 };
    #askedMs = 0;
    #abort: AbortController | undefined;

    /* toPresent: also what came after a window that ended, until it was asked for. */
    constructor(
        session: Session,
        toPresent = false,
        frame: (run: () => void) => void = requestAnimationFrame,
    ) {
        this.#session = session;
        this.#toPresent = toPresent;
        this.#frame = new FrameQueue(() => this.#settle(), frame);
    }

    /* Until the returned function is called. */
    follow(location: Location, kinds: ReadonlySignal<readonly string[]>): () => void {
        const stops = [
            effect(() => {
                this.#kinds = kinds.value;
                this.#range = location.range.value;
                void this.#session.paused.value; // what was missed while it was held
                untracked(() => void this.#load());
            }),
            effect(() => {
                void this.#session.beats.value;
                untracked(() => this.#pass());
            }),
            this.#session.hearEvents({
                take: (e) => {
                    if (this.#session.paused.peek() || !this.#kinds.includes(e.kind)) return;
                    this.#fresh.push(hostEvent(e));
                    this.#frame.request();
                },
                missed: () => {
                    if (!this.#session.paused.peek()) void this.#load(); // else going on does
                },
            }),
        ];
        return () => {
            stops.forEach((stop) => stop());
            this.#abort?.abort();
        };
    }

    async #load(): Promise<void> {
        this.#abort?.abort();
        const abort = (this.#abort = new AbortController());
        this.#late = [];
        this.#askedMs = this.#session.presentMs;
        this.#state.value = { ...this.#state.value, loading: true };
        const q = new URLSearchParams(this.#kinds.map((kind) => ["kind", kind]));
        const { from, to } = rangeQuery(this.#range);
        q.set("from", from);
        q.set("to", this.#toPresent ? "now" : to);
        q.set("limit", String(MOST));
        const answer = await this.#session.getJson(`api/v1/events?${q}`, abort.signal);
        if (abort !== this.#abort) return;
        const late = this.#late;
        this.#late = undefined;
        if (!answer.ok) {
            this.#state.value = { ...this.#state.value, loading: false, error: answer.error };
            return;
        }
        const stored = parseEvents(answer.value).map(hostEvent);
        // All are of the window, whatever this machine's clock says of it before the first tick.
        const events = mergeEvents(stored, late);
        const beyond = (asNumber(asObject(answer.value)?.["total"]) ?? 0) - stored.length;
        const total = events.length + Math.max(0, beyond);
        const shown = { events: events.slice(0, MOST), total };
        this.#state.value = { ...shown, loading: false, error: undefined };
    }

    #settle(): void {
        const fresh = this.#fresh;
        this.#fresh = [];
        this.#late?.push(...fresh);
        const { events, total } = this.#state.value;
        const { fromMs } = stretchOf(this.#range, this.#session.presentMs);
        const all = mergeEvents(events, fresh, fromMs);
        const beyond = total - events.length;
        this.#state.value = {
            ...this.#state.value,
            events: all.slice(0, MOST),
            total: all.length + beyond,
        };
    }

    /* Time goes on, whether something happens or not. */
    #pass(): void {
        if (this.#range.kind === "fixed" || this.#session.paused.peek()) return;
        const { events, total, loading } = this.#state.value;
        const { fromMs } = stretchOf(this.#range, this.#session.presentMs);
        if (total > events.length) {
            if (!loading && this.#session.presentMs - this.#askedMs > COUNT_AGAIN_MS)
                void this.#load();
        } else if (events.length && events[events.length - 1]!.t < fromMs) {
            this.#frame.request();
        }
    }
}

function hostEvent({ seq, t, kind, fields }: StreamEvent): HostEvent {
    return { seq, t, kind, fields };
}
