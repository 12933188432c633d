/*
 * Is history still written? The daemon goes on without it (a full disk, say), and what is live looks
 * as ever; so its own counters of what the disk refused are asked for now and then.
 */
import type { Cancel, Clock } from "../base/clock";
import type { GetJson } from "../link/http";
import { historyAddress, parseHistory } from "../proto/history";

const FIRST_MS = 5_000;
const EVERY_MS = 30_000;
const WINDOW = "now-2m";
const METRICS = ["netsonde_store_ticks_lost_total", "netsonde_store_ticks_dropped_total"];

export class Losses {
    readonly #getJson: GetJson;
    readonly #clock: Clock;
    readonly #told: (words: string | undefined) => void;
    #timer: Cancel | undefined;

    constructor(getJson: GetJson, clock: Clock, told: (words: string | undefined) => void) {
        this.#getJson = getJson;
        this.#clock = clock;
        this.#told = told;
    }

    start(): void {
        this.#timer ??= this.#clock.after(FIRST_MS, () => void this.#look());
    }

    stop(): void {
        this.#timer?.();
        this.#timer = undefined;
    }

    async #look(): Promise<void> {
        this.#timer = this.#clock.after(EVERY_MS, () => void this.#look());
        const query = { metrics: METRICS, match: [], from: WINDOW, to: "now", points: 1 };
        const answer = await this.#getJson(`${historyAddress(query)}&agg=sum`);
        const history = answer.ok ? parseHistory(answer.value) : answer;
        if (!history.ok || !this.#timer) return; // who cannot be asked is told of elsewhere
        let lost = 0;
        for (const s of history.value.series) for (const v of s.values) lost += v || 0;
        this.#told(
            lost < 1
                ? undefined
                : `History is not being written: ${Math.round(lost)} ticks of the last 2 minutes were ` +
                      "refused by the disk or came too fast for it. Live values go on; free some " +
                      "space in the data directory (netsonde doctor names it).",
        );
    }
}
