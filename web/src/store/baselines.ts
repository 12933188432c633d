/*
 * Baselines as their page sees them: which there are, how the chosen window compares with one, and
 * how comparisons went over time. Made with the page; what the channel `baseline` tells is added.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import type { Result } from "../base/result";
import { withComparison } from "../domain/baselines";
import type { Sent } from "../link/http";
import {
    comparisonAddress,
    parseBaselines,
    parseComparison,
    parseComparisons,
    type Baseline,
    type Comparison,
    type ComparisonQuery,
    type MetricChange,
} from "../proto/baselines";
import { Remote } from "./remote";
import type { Session } from "./session";

export type { Baseline, Comparison, MetricChange };

/* The server makes or compares one at a time, which takes it a moment. */
const BUSY = 503;
const TRIES = 5;
const TRY_AGAIN_MS = 1000;

const TREND_MOST = 1000; // as many as the server keeps

export interface BaselineWish {
    name: string;
    comment: string;
    from: string;
    to: string;
    replace: boolean;
}

export class Baselines {
    readonly #session: Session;
    readonly #told = signal<readonly Comparison[]>([]);
    readonly list: Remote<Baseline[]>;
    readonly comparison: Remote<Comparison, ComparisonQuery>;
    readonly trend: Remote<Comparison[]>;
    /* What the channel told while this page was open, the newest first. */
    readonly told: ReadonlySignal<readonly Comparison[]> = this.#told;

    constructor(session: Session) {
        this.#session = session;
        const read = async <T>(
            address: string,
            parse: (v: unknown) => Result<T>,
            stop: AbortSignal,
        ): Promise<Result<T>> => {
            const answer = await session.getJson(address, stop);
            return answer.ok ? parse(answer.value) : answer;
        };
        this.list = new Remote((_: void, s) => read("api/v1/baselines", parseBaselines, s));
        this.comparison = new Remote((q, s) => read(comparisonAddress(q), parseComparison, s));
        this.trend = new Remote((_: void, s) =>
            read(`api/v1/comparisons?limit=${TREND_MOST}`, parseComparisons, s),
        );
    }

    /* Listens until the returned function is called. */
    follow(): () => void {
        return this.#session.listen("baseline", (body) => {
            const c = parseComparison(body);
            if (c.ok) this.#told.value = withComparison(this.#told.peek(), c.value, TREND_MOST);
        });
    }

    async make(wish: BaselineWish): Promise<Sent> {
        let sent = await this.#session.send("POST", "api/v1/baselines", wish);
        for (let tries = 1; !sent.ok && sent.status === BUSY && tries < TRIES; tries++) {
            await new Promise((later) => setTimeout(later, TRY_AGAIN_MS));
            sent = await this.#session.send("POST", "api/v1/baselines", wish);
        }
        if (sent.ok) void this.list.load();
        return sent;
    }

    async remove(name: string): Promise<Sent> {
        const address = `api/v1/baselines/${encodeURIComponent(name)}`;
        const sent = await this.#session.send("DELETE", address);
        void this.list.load();
        return sent;
    }
}

/* Of those that somebody saved; none when they cannot be read. */
export async function baselineNames(
    session: Session,
    signal: AbortSignal,
): Promise<readonly string[]> {
    const answer = await session.getJson("api/v1/baselines", signal);
    const list = answer.ok ? parseBaselines(answer.value) : answer;
    return list.ok ? list.value.filter((b) => b.kind === "saved").map((b) => b.name) : [];
}
