/*
 * The window that a page shows, filled from history first and then from the stream.
 *
 * The join is exact: the stream is subscribed before history is asked, ticks that arrive meanwhile
 * wait in `pending`, and each column knows the newest tick that history gave it, so nothing is
 * missing and nothing counts twice. When a step is longer than the server's interval, the last step
 * of the answer may be half full; it is taken apart into its ticks by a second, small request, so
 * that live ticks can go on adding to it. In a window of weeks a step has thousands of ticks; there it
 * is taken apart into a few hundred means that weigh as much as their ticks, and a tick or two at the
 * seam may count twice.
 *
 * A reload (after a pause, a hidden tab, a hole in the stream) fills a second grid while the old one
 * stays on the screen, and replaces it in one step.
 */
import { fail, type Result } from "../base/result";
import { Grid } from "../domain/grid";
import { spanOf, type Range } from "../domain/range";
import type { GetJson } from "../link/http";
import { historyAddress, parseHistory, type History } from "../proto/history";
import type { SeriesInfo } from "../proto/series";
import type { Metrics } from "../proto/stream";
import type { Selection } from "./selection";
import { windowAddress, WINDOW_STEPS } from "./window-address";

const TICKS_MOST = 1_000; // of a step that is taken apart exactly
const PARTS = 400; // of a longer one
const PENDING_MOST = 5_000;
const USUAL_MS = 1000; // between ticks, while the server has not said so
const STEPS_MOST = 20_000; // an answer with more is not one of ours

interface Load {
    selection: Selection;
    range: Range;
    abort: AbortController;
    grid: Grid | undefined;
    pending: Metrics[];
    waiting: number; // groups whose history is on its way
    gradual: boolean; // show what is there already; false: all at once at the end
    failed: boolean;
}

export interface WindowHandlers {
    changed(): void;
    /* undefined: history is well. */
    trouble(why: string | undefined): void;
}

export class TimeWindow {
    readonly #getJson: GetJson;
    readonly #handlers: WindowHandlers;
    readonly #series = new Map<number, SeriesInfo>();
    #grid: Grid | undefined;
    #range: Range | undefined;
    #selection: Selection | undefined;
    #load: Load | undefined;
    #seriesVersion = 0;
    #unread = false;
    #sweptAt = 0; // step in which series that are gone were forgotten last
    intervalMs: number | undefined; // the server's, once it said so

    constructor(getJson: GetJson, handlers: WindowHandlers) {
        this.#getJson = getJson;
        this.#handlers = handlers;
    }

    get grid(): Grid | undefined {
        return this.#grid;
    }

    get series(): ReadonlyMap<number, SeriesInfo> {
        return this.#series;
    }

    /* Changes whenever traces may resolve to other series. */
    get seriesVersion(): number {
        return this.#seriesVersion;
    }

    /* History is on its way and there is nothing older to show meanwhile. */
    get loading(): boolean {
        return this.#load?.gradual === true;
    }

    /* History is on its way, of what is shown already or of another window. */
    get reading(): boolean {
        return this.#load !== undefined;
    }

    /* Of what is shown; undefined: of nothing yet. */
    get range(): Range | undefined {
        return this.#range;
    }

    /* Of the window that is shown, history could not be read, or not all of it. */
    get unread(): boolean {
        return this.#unread;
    }

    /* First and last moment to show. */
    get bounds(): { fromMs: number; toMs: number } | undefined {
        const range = this.#range;
        if (range?.kind === "fixed") return range;
        const to = this.#grid?.newestMs ?? NaN;
        if (!range || !this.#grid || Number.isNaN(to)) return undefined;
        return { fromMs: to - range.spanMs + this.#grid.stepMs, toMs: to };
    }

    load(selection: Selection, range: Range): void {
        this.#load?.abort.abort();
        const other = selection.key !== this.#selection?.key;
        if (other) {
            this.#series.clear();
            this.#seriesVersion++;
            this.#grid = undefined;
            this.#unread = false;
        }
        this.#selection = selection;
        const load: Load = {
            selection,
            range,
            abort: new AbortController(),
            grid: undefined,
            pending: this.#load && !other && range.kind === "last" ? this.#load.pending : [],
            waiting: selection.groups.length,
            gradual: this.#grid === undefined,
            failed: false,
        };
        this.#load = load;
        void this.#fetchAll(load);
    }

    describe(series: readonly SeriesInfo[]): void {
        // Only the stream says how a series is measured; history does not take that away.
        for (const s of series) {
            const method = s.method || (this.#series.get(s.id)?.method ?? "");
            this.#series.set(s.id, { ...s, method });
        }
        if (series.length) this.#seriesVersion++;
    }

    /* One live tick; with a fixed range nothing moves. */
    tick(m: Metrics): void {
        const load = this.#load;
        if (load && load.range.kind === "last") {
            if (load.pending.length < PENDING_MOST) load.pending.push(m);
            if (load.grid) this.#take(load.grid, m, (id) => load.grid!.has(id));
        }
        const grid = this.#grid;
        if (grid && grid !== load?.grid && this.#range?.kind === "last")
            this.#take(grid, m, () => true);
        if (grid && !load) this.#sweep(grid, m);
    }

    /* Series that the server has no more and of which the window shows nothing: on a host whose
     * interfaces come and go they would pile up for as long as the page is open. */
    #sweep(grid: Grid, m: Metrics): void {
        if (grid.head - this.#sweptAt < grid.capacity / 4 && grid.head >= this.#sweptAt) return;
        this.#sweptAt = grid.head;
        const there = new Set(m.ids);
        for (const id of this.#series.keys())
            if (!there.has(id) && grid.forget(id)) this.#series.delete(id);
        this.#seriesVersion++;
    }

    #take(grid: Grid, m: Metrics, wanted: (id: number) => boolean): void {
        grid.advance(grid.stepOf(m.t));
        for (let i = 0; i < m.ids.length; i++) {
            const id = m.ids[i]!;
            if (this.#series.has(id) && wanted(id)) grid.append(id, m.t, m.values[i]!);
        }
    }

    async #ask(load: Load, address: string): Promise<Result<History>> {
        const answer = await this.#getJson(address, load.abort.signal);
        if (!answer.ok) return answer;
        return parseHistory(answer.value);
    }

    /* On an empty page what is in sight has the way to itself; else all at once. */
    async #fetchAll(load: Load): Promise<void> {
        const [first = [], ...rest] = load.selection.groups;
        const inSight = this.#fetch(load, first);
        if (load.gradual) await inSight;
        if (load === this.#load) for (const group of rest) void this.#fetch(load, group);
    }

    async #fetch(load: Load, group: readonly string[]): Promise<void> {
        const { match } = load.selection;
        let coarse = await this.#ask(load, windowAddress(load.range, group, match));
        if (load !== this.#load) return;
        if (coarse.ok && lengthOf(load.range, coarse.value) / coarse.value.stepMs > STEPS_MOST)
            coarse = fail("the answer has too many steps");
        let fine: Result<History> | undefined;
        let open = Infinity; // start of the step that is taken apart
        if (coarse.ok && load.range.kind === "last" && this.#mayBeHalfFull(coarse.value)) {
            open = lastStepOf(coarse.value);
            const part = { from: String(open), to: "now", points: this.#partsOf(coarse.value) };
            fine = await this.#ask(load, historyAddress({ metrics: group, match, ...part }));
            if (load !== this.#load) return;
        }
        if (coarse.ok) this.#fill(load, coarse.value, open, fine?.ok ? fine.value : undefined);
        load.waiting--;
        this.#settle(load, coarse.ok ? (fine && !fine.ok ? fine.error : undefined) : coarse.error);
    }

    #partsOf({ stepMs }: History): number {
        return stepMs / (this.intervalMs ?? USUAL_MS) <= TICKS_MOST ? TICKS_MOST : PARTS;
    }

    #mayBeHalfFull(h: History): boolean {
        return this.intervalMs === undefined || h.stepMs > this.intervalMs;
    }

    #fill(load: Load, coarse: History, open: number, fine: History | undefined): void {
        const length = lengthOf(load.range, coarse);
        const grid = (load.grid ??= new Grid(coarse.stepMs, length, coarse.fromMs));
        if (load.gradual) this.#show(load);
        this.describe(coarse.series.map((s) => s.info));
        let newest = -Infinity;
        for (const s of coarse.series) {
            const n = s.times.findIndex((t) => t >= open);
            const times = n < 0 ? s.times : s.times.subarray(0, n);
            // Groups may come in different steps when the server sees fit.
            if (coarse.stepMs >= grid.stepMs) grid.fill(s.info.id, times, s.values, coarse.stepMs);
            else times.forEach((t, i) => grid.append(s.info.id, t, s.values[i]!));
            const known = s.values.findLastIndex((v, i) => i < times.length && !Number.isNaN(v));
            if (known >= 0) newest = Math.max(newest, times[known]!);
        }
        const filled = new Set(coarse.series.map((s) => s.info.id));
        if (open < Infinity) newest = open - 1;
        if (fine) {
            this.describe(fine.series.map((s) => s.info));
            const ticks = Math.max(1, Math.round(fine.stepMs / (this.intervalMs ?? fine.stepMs)));
            for (const s of fine.series) {
                filled.add(s.info.id);
                for (let i = 0; i < s.times.length; i++) {
                    if (Number.isNaN(s.values[i]!)) continue;
                    grid.append(s.info.id, s.times[i]!, s.values[i]!, ticks);
                    newest = Math.max(newest, s.times[i]!);
                }
            }
        }
        for (const id of filled) grid.column(id).until = newest;
        for (const m of load.pending) this.#take(grid, m, (id) => filled.has(id));
    }

    /* After each group: show what there is, or finish. */
    #settle(load: Load, trouble: string | undefined): void {
        if (trouble !== undefined) {
            load.failed = true;
            this.#handlers.trouble(trouble);
        }
        if (load.waiting === 0) {
            if (!load.grid || load.grid.head < 0) load.grid = this.#bareGrid(load);
            this.#unread = load.failed;
            // Series that history did not know, or could not give.
            for (const m of load.pending) this.#take(load.grid, m, () => true);
            this.#show(load);
            this.#load = undefined;
            if (!load.failed) this.#handlers.trouble(undefined);
        }
        this.#handlers.changed();
    }

    #show(load: Load): void {
        this.#grid = load.grid;
        this.#range = load.range;
    }

    /* Without anything in history the window starts empty; one that follows the present fills from
     * the stream. */
    #bareGrid({ range }: Load): Grid {
        const interval = this.intervalMs ?? USUAL_MS;
        const step = Math.max(1, Math.ceil(spanOf(range) / WINDOW_STEPS / interval)) * interval;
        const grid = new Grid(step, spanOf(range), 0);
        if (range.kind === "fixed") grid.advance(grid.stepOf(range.toMs));
        return grid;
    }
}

/* How much time the grid must hold: an answer to a fixed range covers whole steps. */
function lengthOf(range: Range, h: History): number {
    return range.kind === "last" ? range.spanMs : h.toMs - h.fromMs + h.stepMs;
}

function lastStepOf(h: History): number {
    let last = h.fromMs;
    for (const s of h.series)
        if (s.times.length) last = Math.max(last, s.times[s.times.length - 1]!);
    return last;
}
