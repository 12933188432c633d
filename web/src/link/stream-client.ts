/*
 * One WebSocket that is always there: it connects, says what is wanted, measures the way to the
 * server and comes back after every failure.
 *
 *   connecting --open--> open --close / silence--> waiting --timer / retry()--> connecting
 *        \---------------close------------------------^                    stop() --> stopped
 *
 * Wishes (one subscription per channel) outlive connections: each new connection states them
 * again, with `since` for the channels whose last number is known.
 */
import type { Cancel, Clock } from "../base/clock";
import {
    ackText,
    parseMessage,
    pingText,
    subscribeText,
    unsubscribeText,
    type Answer,
    type ServerMessage,
    type Subscription,
} from "../proto/stream";
import { backoffMs } from "./backoff";

const OPEN = 1; // WebSocket.OPEN, which node does not have
const CONNECT_LIMIT_MS = 10_000;
const PING_FIRST_MS = 1_000; // when the page has settled
const PING_EVERY_MS = 5_000;
const PING_CALM_MS = 30_000; // while nobody looks
const BUSY_FIRST_MS = 1_000;
const ACK_NOT_BEFORE_MS = 900; // one a second, although ticks are never quite on time
const SILENCE_MS = 20_000; // pings unanswered for so long: the connection is dead

/* The part of WebSocket that is used here. */
export interface Socket {
    onopen: ((event: Event) => void) | null;
    onmessage: ((event: MessageEvent) => void) | null;
    onclose: ((event: CloseEvent) => void) | null;
    readonly readyState?: number;
    send(text: string): void;
    close(code?: number): void;
}

export type LinkState =
    | { name: "connecting"; attempt: number }
    | { name: "open" }
    /* retryAt: clock.now. refused: perhaps the server wants to know who asks; a browser does not
     * tell why a WebSocket was not opened. */
    | { name: "waiting"; attempt: number; retryAt: number; why: string; refused: boolean }
    | { name: "stopped" };

export interface StreamHandlers {
    message(m: ServerMessage): void;
    state(s: LinkState): void;
    latency(ms: number): void;
    /* The server sent what cannot be understood; the connection goes on. */
    confused(why: string): void;
}

export class StreamClient {
    readonly #open: () => Socket;
    readonly #clock: Clock;
    readonly #handlers: StreamHandlers;
    readonly #random: () => number;
    readonly #wishes = new Map<string, Subscription>();
    readonly #asked = new Map<string, number>(); // channel -> id of its newest request
    readonly #busy = new Map<string, Cancel>(); // channels for which there was no room
    #busyTimes = 0;
    #socket: Socket | undefined;
    #state: LinkState = { name: "stopped" };
    #attempt = 0;
    #lastId = 0;
    #ping: { id: number; at: number } | undefined;
    #heardAt = 0;
    #ackedAt = -Infinity;
    #timer: Cancel | undefined; // of what is next in this state
    #calm = false;

    constructor(
        open: () => Socket,
        clock: Clock,
        handlers: StreamHandlers,
        random: () => number = Math.random,
    ) {
        this.#open = open;
        this.#clock = clock;
        this.#handlers = handlers;
        this.#random = random;
    }

    get state(): LinkState {
        return this.#state;
    }

    start(): void {
        if (this.#state.name === "stopped") this.#connect();
    }

    stop(): void {
        this.#drop();
        this.#enter({ name: "stopped" });
    }

    /* Tries at once instead of waiting any longer. */
    retry(): void {
        if (this.#state.name !== "waiting") return;
        this.#attempt = 0;
        this.#connect();
    }

    /* A connection that may be dead without knowing it (the machine slept) is replaced at once. */
    renew(): void {
        if (this.#state.name === "stopped" || this.#state.name === "connecting") return;
        this.#attempt = 0;
        this.#connect();
    }

    /* Some wish was refused for lack of room and has not been granted since. */
    get refused(): boolean {
        return this.#busy.size > 0;
    }

    /* Whether anybody would see a connection die at once. */
    calm(calm: boolean): void {
        if (calm === this.#calm) return;
        this.#calm = calm;
        if (this.#state.name === "open") this.#beatIn(calm ? PING_CALM_MS : PING_FIRST_MS);
    }

    /* Replaces the wish for the channel. */
    want(s: Subscription): void {
        this.#wishes.set(s.channel, s);
        this.#subscribe(s);
    }

    unwant(channel: string): void {
        this.#forgetBusy(channel);
        if (this.#wishes.delete(channel)) this.#send((id) => unsubscribeText(id, channel));
    }

    /* The channel's newest number: the next connection asks for what came after it. */
    reached(channel: string, seq: number): void {
        const wish = this.#wishes.get(channel);
        if (wish) wish.since = seq;
    }

    /* A tick has arrived. The server is told of one a second. */
    acknowledge(seq: number): void {
        if (this.#clock.now() - this.#ackedAt < ACK_NOT_BEFORE_MS) return;
        this.#ackedAt = this.#clock.now();
        this.#send(() => ackText(seq));
    }

    #connect(): void {
        this.#drop();
        this.#enter({ name: "connecting", attempt: this.#attempt });
        const socket = this.#open();
        this.#socket = socket;
        this.#timer = this.#clock.after(CONNECT_LIMIT_MS, () =>
            this.#lost("the server does not answer"),
        );
        socket.onopen = () => {
            this.#timer?.();
            this.#heardAt = this.#clock.now();
            this.#ping = undefined;
            this.#enter({ name: "open" });
            for (const wish of this.#wishes.values()) this.#subscribe(wish);
            this.#beatIn(PING_FIRST_MS);
        };
        socket.onmessage = (event) => this.#receive(event.data as unknown);
        socket.onclose = (event) => {
            const refused = event.code === 1008 || this.#state.name === "connecting";
            this.#lost(closeWords(event.code, event.reason), refused);
        };
    }

    #receive(data: unknown): void {
        this.#heardAt = this.#clock.now();
        if (typeof data !== "string") {
            this.#handlers.confused("a binary message");
            return;
        }
        const parsed = parseMessage(data);
        if (!parsed.ok) {
            this.#handlers.confused(parsed.error);
            return;
        }
        const message = parsed.value;
        if (message.type === "hello") this.#attempt = 0;
        if (message.type === "pong") {
            if (this.#ping && this.#ping.id === message.id) {
                this.#handlers.latency(this.#clock.now() - this.#ping.at);
                this.#ping = undefined;
            }
            return;
        }
        if (message.type === "ok" || message.type === "error") this.#answered(message);
        this.#handlers.message(message);
    }

    #subscribe(wish: Subscription): void {
        this.#forgetBusy(wish.channel);
        this.#send((id) => {
            this.#asked.set(wish.channel, id);
            return subscribeText(id, wish);
        });
    }

    /* Without room now there may be some later; nobody else would ask again. */
    #answered({ type, id, code }: Answer): void {
        const wish = [...this.#wishes.values()].find((w) => this.#asked.get(w.channel) === id);
        if (!wish || id === undefined) return;
        this.#forgetBusy(wish.channel);
        if (type === "ok") this.#busyTimes = 0;
        if (type !== "error" || code !== "busy") return;
        const delay = BUSY_FIRST_MS + backoffMs(this.#busyTimes++, this.#random);
        const again = this.#clock.after(delay, () => this.#subscribe(wish));
        this.#busy.set(wish.channel, again);
    }

    #forgetBusy(channel: string): void {
        this.#busy.get(channel)?.();
        this.#busy.delete(channel);
    }

    /* Every few seconds: one ping on the way, or the end of patience. */
    #beat(): void {
        if (
            this.#ping &&
            this.#clock.now() - Math.max(this.#heardAt, this.#ping.at) >= SILENCE_MS
        ) {
            this.#lost("the server does not answer");
            return;
        }
        if (!this.#ping)
            this.#send((id) => {
                this.#ping = { id, at: this.#clock.now() };
                return pingText(id);
            });
        this.#beatIn(this.#calm ? PING_CALM_MS : PING_EVERY_MS);
    }

    #beatIn(ms: number): void {
        this.#timer?.();
        this.#timer = this.#clock.after(ms, () => this.#beat());
    }

    #lost(why: string, refused = false): void {
        this.#drop();
        const delay = backoffMs(this.#attempt++, this.#random);
        this.#enter({
            name: "waiting",
            attempt: this.#attempt,
            retryAt: this.#clock.now() + delay,
            why,
            refused,
        });
        this.#timer = this.#clock.after(delay, () => this.#connect());
    }

    #drop(): void {
        this.#timer?.();
        this.#timer = undefined;
        for (const channel of [...this.#busy.keys()]) this.#forgetBusy(channel);
        this.#asked.clear();
        const socket = this.#socket;
        if (!socket) return;
        this.#socket = undefined;
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close(1000);
    }

    #send(text: (id: number) => string): void {
        /* The server may have said goodbye already: `onclose` comes later. */
        const closing = (this.#socket?.readyState ?? OPEN) !== OPEN;
        if (this.#state.name === "open" && !closing) this.#socket?.send(text(++this.#lastId));
    }

    #enter(state: LinkState): void {
        this.#state = state;
        this.#handlers.state(state);
    }
}

/* Why a connection ended, as a person would say it. */
export function closeWords(code: number, reason: string): string {
    switch (code) {
        case 1001:
            return "the server is shutting down";
        case 1008:
            return "the server refused this page" + (reason ? `: ${reason}` : "");
        case 1002:
        case 1003:
        case 1007:
        case 1009:
            return `the server could not read what this page sent (${code})`;
        case 1011:
            return "the server failed" + (reason ? `: ${reason}` : "");
        case 1013:
            return "this page read too slowly";
        case 1006:
            return "the connection to the server broke";
        default:
            return reason || `the connection closed (${code})`;
    }
}
