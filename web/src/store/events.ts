/* Events of the range that the page shows: from history first, then as they are told. */
import { effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import { FrameQueue } from "../base/frame";
import { asNumber, asObject } from "../base/json";
import type { HostEvent } from "../domain/events";
import { rangeQuery } from "../domain/range";
import { parseEvents } from "../proto/history";
import type { StreamEvent } from "../proto/stream";
import type { Location } from "./location";
import type { Session } from "./session";

const MOST = 2000; // kept and shown

export interface EventList {
    events: readonly HostEvent[]; // newest first
    total: number; // in the range; more than there are here when it has very many
    loading: boolean;
    error: string | undefined;
}

export class EventStore {
    readonly #session: Session;
    readonly #state = signal<EventList>({ events: [], total: 0, loading: true, error: undefined });
    readonly state: ReadonlySignal<EventList> = this.#state;
    readonly #fresh: HostEvent[] = [];
    readonly #frame = new FrameQueue(() => this.#settle());
    #kinds: readonly string[] = [];
    #abort: AbortController | undefined;

    constructor(session: Session) {
        this.#session = session;
    }

    /* Until the returned function is called. */
    follow(location: Location, kinds: ReadonlySignal<readonly string[]>): () => void {
        const stops = [
            effect(() => {
                this.#kinds = kinds.value;
                const { from, to } = rangeQuery(location.range.value);
                void this.#session.paused.value; // what was missed while it was held
                untracked(() => void this.#load(from, to));
            }),
            this.#session.hearEvents((e) => {
                if (this.#session.paused.peek() || !this.#kinds.includes(e.kind)) return;
                this.#fresh.push(hostEvent(e));
                this.#frame.request();
            }),
        ];
        return () => {
            stops.forEach((stop) => stop());
            this.#abort?.abort();
        };
    }

    async #load(from: string, to: string): Promise<void> {
        this.#abort?.abort();
        const abort = (this.#abort = new AbortController());
        this.#state.value = { ...this.#state.value, loading: true };
        const q = new URLSearchParams(this.#kinds.map((kind) => ["kind", kind]));
        q.set("from", from);
        q.set("to", to);
        q.set("limit", String(MOST));
        const answer = await this.#session.getJson(`api/v1/events?${q}`, abort.signal);
        if (abort !== this.#abort) return;
        if (!answer.ok) {
            this.#state.value = { ...this.#state.value, loading: false, error: answer.error };
            return;
        }
        const events = parseEvents(answer.value).map(hostEvent);
        const total = asNumber(asObject(answer.value)?.["total"]) ?? events.length;
        this.#state.value = { events, total, loading: false, error: undefined };
    }

    /* Those that history had already are not taken twice. */
    #settle(): void {
        const { events, total } = this.#state.value;
        const known = new Set(events.slice(0, this.#fresh.length + 50).map((e) => e.seq));
        const fresh = this.#fresh.splice(0).filter((e) => !known.has(e.seq));
        if (fresh.length === 0) return;
        const all = [...fresh.sort((a, b) => b.seq - a.seq), ...events].slice(0, MOST);
        this.#state.value = { ...this.#state.value, events: all, total: total + fresh.length };
    }
}

function hostEvent({ seq, t, kind, fields }: StreamEvent): HostEvent {
    return { seq, t, kind, fields };
}
