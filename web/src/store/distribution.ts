/* A histogram over the range that a page shows, read again while the range follows the present. */
import { effect } from "@preact/signals";
import { ok } from "../base/result";
import { bucketsOf, type Buckets } from "../domain/distribution";
import { rangeQuery, spanOf, type Range } from "../domain/range";
import { historyAddress, parseHistory } from "../proto/history";
import type { Location } from "./location";
import { Remote, type Loaded } from "./remote";
import type { ReadonlySignal } from "@preact/signals";
import type { Session } from "./session";

const STEPS = 120; // columns of a heatmap
const REFRESH_LEAST_MS = 5_000;

export class Distribution {
    readonly #session: Session;
    readonly #remote: Remote<Buckets, Range>;
    readonly state: ReadonlySignal<Loaded<Buckets>>;

    /* name: without `_bucket`. */
    constructor(session: Session, name: string) {
        this.#session = session;
        this.#remote = new Remote(async (range, stop) => {
            const { from, to } = rangeQuery(range);
            const metrics = [`${name}_bucket`];
            const address = historyAddress({ metrics, match: [], from, to, points: STEPS });
            const answer = await session.getJson(`${address}&agg=sum`, stop);
            const history = answer.ok ? parseHistory(answer.value) : answer;
            if (!history.ok) return history;
            const { fromMs, toMs, stepMs, series } = history.value;
            const all = series.map((s) => ({ ...s, labels: s.info.labels }));
            return ok(bucketsOf(all, fromMs, toMs, stepMs));
        });
        this.state = this.#remote.state;
    }

    /* Until the returned function is called. */
    follow(location: Location): () => void {
        const stop = effect(() => void this.#remote.load(location.range.value));
        let timer = 0;
        const again = () => {
            const range = location.range.peek();
            if (range.kind === "last" && !this.#session.paused.peek() && !document.hidden)
                void this.#remote.load(range);
            const pace = Math.max(REFRESH_LEAST_MS, spanOf(range) / STEPS);
            timer = window.setTimeout(again, Math.min(pace, 60_000));
        };
        timer = window.setTimeout(again, REFRESH_LEAST_MS);
        return () => {
            stop();
            clearTimeout(timer);
        };
    }
}
