/*
 * A list that the server has and the page shows: asked for when a page wants it and again when it may
 * have changed. Of several answers on their way only the newest counts; what is shown stays while a
 * newer one is fetched, and also when that fails.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import type { Result } from "../base/result";

export interface Loaded<T> {
    value: T | undefined; // undefined: not read yet
    error: string | undefined; // of the newest attempt
    loading: boolean;
}

/* What of it is shown is older than wished for: why. */
export function outdated({ value, error }: Loaded<unknown>): string | undefined {
    return value === undefined ? undefined : error;
}

export class Remote<T, Q = void> {
    readonly #ask: (query: Q, signal: AbortSignal) => Promise<Result<T>>;
    readonly #state = signal<Loaded<T>>({ value: undefined, error: undefined, loading: false });
    readonly state: ReadonlySignal<Loaded<T>> = this.#state;
    #abort: AbortController | undefined;

    constructor(ask: (query: Q, signal: AbortSignal) => Promise<Result<T>>) {
        this.#ask = ask;
    }

    async load(query: Q): Promise<void> {
        this.#abort?.abort();
        const abort = (this.#abort = new AbortController());
        this.#state.value = { ...this.#state.peek(), loading: true };
        const answer = await this.#ask(query, abort.signal);
        if (abort !== this.#abort) return;
        const value = answer.ok ? answer.value : this.#state.peek().value;
        const error = answer.ok ? undefined : answer.error;
        this.#state.value = { value, error, loading: false };
    }

    /* Shows nothing and takes no answer that is on its way. */
    forget(): void {
        this.#abort?.abort();
        this.#abort = undefined;
        this.#state.value = { value: undefined, error: undefined, loading: false };
    }
}
