/*
 * How much is behind a page: the number of rows of a table, asked now and then.
 * A number for orientation; the page itself has it exactly. What the server does not offer here is not
 * asked for.
 */
import { computed, signal, type ReadonlySignal } from "@preact/signals";
import { asNumber, asObject } from "../base/json";
import type { Cancel, Clock } from "../base/clock";
import type { GetJson } from "../link/http";

/* What has to be there for a table to have rows. */
export const TABLE_NEEDS: Readonly<Record<string, string>> = {
    connections: "connections",
    processes: "process_traffic",
};

const EVERY_MS = 10_000;
const TABLES = ["connections", "processes"];

export class Counts {
    readonly #getJson: GetJson;
    readonly #clock: Clock;
    readonly #offered: (table: string) => boolean;
    readonly #totals = new Map(TABLES.map((t) => [t, signal<number | undefined>(undefined)]));
    #timer: Cancel | undefined;

    constructor(getJson: GetJson, clock: Clock, offered: (table: string) => boolean) {
        this.#getJson = getJson;
        this.#clock = clock;
        this.#offered = offered;
    }

    knows(table: string): boolean {
        return this.#totals.has(table);
    }

    /* undefined: not known. */
    of(table: string): ReadonlySignal<number | undefined> {
        return this.#totals.get(table) ?? NONE;
    }

    start(): void {
        if (!this.#timer) void this.#look();
    }

    /* What is offered has changed. */
    again(): void {
        if (!this.#timer) return;
        this.stop();
        this.start();
    }

    stop(): void {
        this.#timer?.();
        this.#timer = undefined;
    }

    async #look(): Promise<void> {
        this.#timer = this.#clock.after(EVERY_MS, () => void this.#look());
        for (const [table, total] of this.#totals) {
            if (!this.#offered(table)) continue;
            const answer = await this.#getJson(`api/v1/${table}?limit=1`);
            total.value = answer.ok ? asNumber(asObject(answer.value)?.["total"]) : undefined;
        }
    }
}

const NONE = computed(() => undefined);
