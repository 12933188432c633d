/*
 * How the server is doing and how it was measured to do: the channel `performance`, published runs of
 * `netsonde bench`, and quantiles of the past. Made with its page.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { fail, ok, type Result } from "../base/result";
import { withRun } from "../domain/benchmarks";
import { rangeQuery, type Range } from "../domain/range";
import { parseRun, parseRuns, type BenchResult, type BenchRun } from "../proto/benchmarks";
import { historyAddress, parseHistory, type History } from "../proto/history";
import { parsePerformance, type ClientRow, type Performance, type Spread } from "../proto/performance";
import { Remote } from "./remote";
import type { Session } from "./session";

export type { BenchResult, BenchRun, ClientRow, Performance, Spread };

const RUNS_MOST = 200;
const STEPS = 300;

export const QUANTILES = ["p50", "p90", "p99"] as const;
export type Quantiles = Record<(typeof QUANTILES)[number], History>;

export class PerformanceStore {
    readonly #session: Session;
    readonly #now = signal<Performance | undefined>(undefined);
    readonly #told = signal<readonly BenchRun[]>([]);
    readonly #dropped = signal(0);
    #droppedFirst: number | undefined;
    readonly now: ReadonlySignal<Performance | undefined> = this.#now;
    /* Messages that found a full queue since the page is open. */
    readonly dropped: ReadonlySignal<number> = this.#dropped;
    readonly told: ReadonlySignal<readonly BenchRun[]> = this.#told;
    readonly runs: Remote<BenchRun[]>;
    readonly latency: Remote<Quantiles, Range>;

    constructor(session: Session) {
        this.#session = session;
        this.runs = new Remote(async (_: void, s) => {
            const answer = await session.getJson(`api/v1/benchmarks?limit=${RUNS_MOST}`, s);
            return answer.ok ? parseRuns(answer.value) : answer;
        });
        this.latency = new Remote((range, s) => this.#quantiles(range, s));
    }

    /* Listens until the returned function is called. */
    follow(): () => void {
        const stops = [
            this.#session.listen("performance", (body) => {
                const p = parsePerformance(body);
                if (!p.ok || this.#session.paused.peek()) return;
                // A server that was restarted counts from zero.
                if (this.#droppedFirst === undefined || p.value.dropped < this.#droppedFirst)
                    this.#droppedFirst = p.value.dropped;
                this.#dropped.value = p.value.dropped - this.#droppedFirst;
                this.#now.value = p.value;
            }),
            this.#session.listen("benchmark", (body) => {
                const run = parseRun(body["benchmark"]);
                if (run.ok) this.#told.value = withRun(this.#told.peek(), run.value, RUNS_MOST);
            }),
        ];
        return () => stops.forEach((stop) => stop());
    }

    async #quantiles(range: Range, stop: AbortSignal): Promise<Result<Quantiles>> {
        const { from, to } = rangeQuery(range);
        const metrics = ["netsonde_server_delivery_seconds"];
        const address = historyAddress({ metrics, match: [], from, to, points: STEPS });
        const answers = await Promise.all(
            QUANTILES.map((agg) => this.#session.getJson(`${address}&agg=${agg}`, stop)),
        );
        const out: Partial<Quantiles> = {};
        for (const [i, answer] of answers.entries()) {
            if (!answer.ok) return fail(answer.error);
            const history = parseHistory(answer.value);
            if (!history.ok) return history;
            out[QUANTILES[i]!] = history.value;
        }
        return ok(out as Quantiles);
    }
}
