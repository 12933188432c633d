/*
 * What the page /explore has asked, answered: each question as traces on a grid of steps, and, where
 * something is compared, the same traces at that time. Read again at the pace of the steps while the
 * window follows the present. Of several readings only the newest counts.
 */
import { effect, signal, type ReadonlySignal } from "@preact/signals";
import { fail, ok, type Result } from "../base/result";
import {
    bucketTracesOf,
    keptOf,
    ratioTracesOf,
    sigmaOf,
    meanOf,
    stepsOf,
    tracesOf,
    type AnswerSeries,
    type Steps,
    type Trace,
} from "../domain/answers";
import {
    aggFor,
    askedOf,
    combineOf,
    familiesOf,
    type Asked,
    type Family,
    type Kind,
} from "../domain/catalogue";
import { changesOf, type Change } from "../domain/changed";
import { compareText, type Compare } from "../domain/compare";
import {
    explorationParams,
    type Agg,
    type ChartType,
    type Exploration,
    type Query,
} from "../domain/exploration";
import { rangeQuery, spanOf, type Range } from "../domain/range";
import { parseBaselines } from "../proto/baselines";
import { historyAddress, parseCatalogue, parseHistory, type History } from "../proto/history";
import { Remote, type Loaded } from "./remote";
import type { Session } from "./session";

export interface Answered {
    query: Query;
    asked: Asked;
    kind: Kind;
    agg: Agg; // that was asked: what the address wanted, where that makes sense
    steps: Steps;
    traces: Trace[];
    truncated: boolean;
    error: string; // why there is nothing, or ""
    ghost: Ghostly | undefined;
    levels: ReadonlyMap<string, { mean: number; sigma: number }> | undefined; // by the trace's key
    compared: string; // with what, or why that is not there
}

export interface Ghostly {
    steps: Steps;
    traces: Trace[];
    shiftMs: number;
}

export interface Wish {
    exploration: Exploration;
    families: readonly Family[];
    range: Range;
    compare: Compare | undefined;
}

const POINTS = 300;
const POINTS_OF: Partial<Record<ChartType, number>> = { histogram: 600, heatmap: 120 };
const POINTS_MOST = 20_000;
const VALUES_A_COLUMN = 8; // of a heatmap of values
const HOUR_MS = 3_600_000;
const REFRESH_LEAST_MS = 2_000;
const REFRESH_MOST_MS = 60_000;
const NO_STEPS: Steps = { fromMs: 0, stepMs: 1000, count: 0 };

const CHANGE_POINTS = 120; // of both stretches together
const CHANGES_MOST = 20;
const CHANGE_SERIES_MOST = 2000;

export interface ChangeWish {
    metric: string; // a glob
    fromMs: number;
    toMs: number;
}

export interface Changes {
    list: readonly Change[];
    looked: number; // series
    cut: boolean; // there were more
}

interface Window {
    from: string;
    to: string;
    spanMs: number;
}

interface Read {
    steps: Steps;
    traces: Trace[];
    kind: Kind;
    truncated: boolean;
}

export class Explorer {
    readonly #session: Session;
    readonly #kept = new Map<string, ReadonlySet<string>>();
    readonly #remote: Remote<Answered[], Wish>;
    readonly #wish = signal<Wish | undefined>(undefined);
    readonly catalogue: Remote<Family[]>;
    readonly answers: ReadonlySignal<Loaded<Answered[]>>;
    readonly changes: Remote<Changes, ChangeWish>;

    constructor(session: Session) {
        this.#session = session;
        this.catalogue = new Remote(async (_: void, stop) => {
            const answer = await session.getJson("api/v1/series", stop);
            return answer.ok ? ok(familiesOf(parseCatalogue(answer.value))) : answer;
        });
        this.#remote = new Remote(async (wish, stop) => {
            const list = wish.exploration.queries.map((q, i) => this.#answer(q, i, wish, stop));
            return ok(await Promise.all(list));
        });
        this.answers = this.#remote.state;
        this.changes = new Remote((wish, stop) => this.#changesIn(wish, stop));
    }

    ask(wish: Wish): void {
        const before = this.#wish.peek();
        const key = (w: Wish) => JSON.stringify(explorationParams(w.exploration));
        if (!before || key(before) !== key(wish) || before.range !== wish.range) this.#kept.clear();
        this.#wish.value = wish;
        if (wish.exploration.queries.length === 0) this.#remote.forget();
        else void this.#remote.load(wish);
    }

    /* Reads again until the returned function is called. */
    follow(): () => void {
        let timer = 0;
        const again = () => {
            const wish = this.#wish.peek();
            const busy = this.#remote.state.peek().loading;
            const still = this.#session.paused.peek() || document.hidden || busy;
            if (wish?.range.kind === "last" && wish.exploration.queries.length && !still)
                void this.#remote.load(wish);
            wait();
        };
        const wait = () => {
            const steps = this.#remote.state.peek().value?.map((a) => a.steps.stepMs) ?? [];
            const pace = Math.max(REFRESH_LEAST_MS, ...steps);
            timer = window.setTimeout(again, Math.min(pace, REFRESH_MOST_MS));
        };
        wait();
        // Who goes on after a pause wants the present, not to wait for it.
        const stop = effect(() => {
            if (this.#session.paused.value) return;
            clearTimeout(timer);
            timer = window.setTimeout(again, 0);
        });
        return () => {
            stop();
            clearTimeout(timer);
        };
    }

    async #answer(query: Query, index: number, wish: Wish, stop: AbortSignal): Promise<Answered> {
        const asked = askedOf(wish.families, query);
        const { exploration, range, compare } = wish;
        const now: Window = { ...rangeQuery(range), spanMs: spanOf(range) };
        const key = `${index}`;
        const read = await this.#read(query, asked, exploration.type, now, this.#kept.get(key), stop);
        const { kind } = read.ok ? read.value : asked;
        const agg = aggFor(kind, query.agg);
        const answered: Answered = {
            query,
            asked,
            kind,
            agg,
            steps: read.ok ? read.value.steps : NO_STEPS,
            traces: read.ok ? read.value.traces : [],
            truncated: read.ok && read.value.truncated,
            error: read.ok ? "" : read.error,
            ghost: undefined,
            levels: undefined,
            compared: "",
        };
        if (!read.ok) return answered;
        const kept = keptOf(read.value.traces);
        this.#kept.set(key, kept);
        if (!compare) return answered;
        return { ...answered, ...(await this.#compared(query, asked, wish, compare, kept, stop)) };
    }

    async #compared(
        query: Query,
        asked: Asked,
        { exploration, range }: Wish,
        compare: Compare,
        kept: ReadonlySet<string>,
        stop: AbortSignal,
    ): Promise<Pick<Answered, "ghost" | "levels" | "compared">> {
        const words = compareText(compare);
        const without = (why: string) => ({
            ghost: undefined,
            levels: undefined,
            compared: `${words}: ${why}`,
        });
        const window =
            compare.kind === "before"
                ? earlier(range, compare.shiftMs)
                : await this.#windowOf(compare.text, stop);
        if (typeof window === "string") return without(window);
        const read = await this.#read(query, asked, exploration.type, window, kept, stop);
        if (!read.ok) return without(read.error);
        const { steps, traces } = read.value;
        if (traces.every((t) => Number.isNaN(meanOf(t.values))))
            return without("history has nothing of that time");
        if (compare.kind === "before")
            return {
                ghost: { steps, traces, shiftMs: compare.shiftMs },
                levels: undefined,
                compared: words,
            };
        const levels = new Map(
            traces.map((t) => [t.key, { mean: meanOf(t.values), sigma: sigmaOf(t.values) }]),
        );
        return { ghost: undefined, levels, compared: `baseline ${compare.text}, mean ± σ` };
    }

    async #windowOf(name: string, stop: AbortSignal): Promise<Window | string> {
        const answer = await this.#session.getJson("api/v1/baselines", stop);
        const list = answer.ok ? parseBaselines(answer.value) : answer;
        if (!list.ok) return list.error;
        const found = list.value.find((b) => b.name === name);
        if (!found) return "there is no such baseline";
        const { fromMs, toMs } = found;
        if (fromMs === undefined || toMs === undefined) return "it has no window of its own";
        return { from: String(fromMs), to: String(toMs), spanMs: toMs - fromMs };
    }

    async #read(
        query: Query,
        asked: Asked,
        type: ChartType,
        window: Window,
        kept: ReadonlySet<string> | undefined,
        stop: AbortSignal,
    ): Promise<Result<Read>> {
        const agg = aggFor(asked.kind, query.agg);
        const spread = type === "histogram" || type === "heatmap";
        const histogram = asked.kind === "histogram";
        const counts = histogram && (spread || /^p\d/.test(agg));
        const parts = !histogram ? [""] : counts ? ["_bucket"] : agg === "sum" ? ["_count"] : ["_sum", "_count"];
        let points = POINTS_OF[type] ?? POINTS;
        if (type === "heatmap" && !counts) points *= VALUES_A_COLUMN;
        if (type === "calendar")
            points = Math.min(POINTS_MOST, Math.max(POINTS, Math.ceil(window.spanMs / HOUR_MS)));
        const { from, to } = window;
        const metrics = query.metric.flatMap((m) => parts.map((part) => m + part));
        const history = await this.#history(
            historyAddress({ metrics, match: query.match, from, to, points }) +
                `&agg=${histogram ? "sum" : agg}`,
            stop,
        );
        if (!history.ok) return history;
        const { fromMs, toMs, stepMs, truncated } = history.value;
        const steps = stepsOf(fromMs, toMs, stepMs);
        if (steps.count > POINTS_MOST + 1) return fail("the answer has too many steps");
        const first = history.value.series[0]?.info;
        const kind = histogram ? "histogram" : (first?.kind ?? asked.kind);
        const series: AnswerSeries[] = history.value.series.map((s) => ({
            name: s.info.name,
            labels: s.info.labels,
            unit: histogram ? asked.unit : s.info.unit,
            kind: histogram ? "histogram" : s.info.kind,
            times: s.times,
            values: s.values,
        }));
        const shape = { by: query.by, top: query.top, combine: (kind: Kind, unit: string) => combineOf(kind, unit, agg), kept };
        const traces = counts
            ? bucketTracesOf(series, steps, shape, agg)
            : histogram && agg === "avg"
              ? ratioTracesOf(series, steps, shape)
              : tracesOf(series, steps, shape);
        return ok({ steps, traces, kind, truncated });
    }

    async #history(address: string, stop: AbortSignal): Promise<Result<History>> {
        const answer = await this.#session.getJson(address, stop);
        return answer.ok ? parseHistory(answer.value) : answer;
    }

    async #changesIn({ metric, fromMs, toMs }: ChangeWish, stop: AbortSignal): Promise<Result<Changes>> {
        const history = await this.#history(
            historyAddress({
                metrics: [metric],
                match: [],
                from: String(Math.round(2 * fromMs - toMs)),
                to: String(Math.round(toMs)),
                points: CHANGE_POINTS,
            }),
            stop,
        );
        if (!history.ok) return history;
        // A bucket of a histogram says nothing that its count and sum do not say.
        const all = history.value.series.filter((s) => !("le" in s.info.labels));
        const looked = all.slice(0, CHANGE_SERIES_MOST);
        const list = changesOf(
            looked.map(({ info, times, values }) => ({ ...info, times, values })),
            fromMs,
            CHANGES_MOST,
        );
        return ok({
            list,
            looked: looked.length,
            cut: history.value.truncated || looked.length < all.length,
        });
    }
}

/* The same window, so much before. */
function earlier(range: Range, shiftMs: number): Window {
    const spanMs = spanOf(range);
    const s = (ms: number) => `now-${Math.round(ms / 1000)}s`;
    return range.kind === "last"
        ? { from: s(spanMs + shiftMs), to: s(shiftMs), spanMs }
        : { from: String(range.fromMs - shiftMs), to: String(range.toMs - shiftMs), spanMs };
}
