/*
 * What a window is compared with: the same series an hour, a day, a week before, or the mean of a
 * baseline's window. A grid of its own, with the steps that history gave; charts move it by `shiftMs`.
 *
 * The past is known: of a window that follows the present a stretch ahead is read, too, and the next
 * one when that is used up.
 */
import { Grid } from "../domain/grid";
import { compareText, type Compare } from "../domain/compare";
import { spanOf, type Range } from "../domain/range";
import type { GetJson } from "../link/http";
import { parseBaselines } from "../proto/baselines";
import { historyAddress, parseHistory } from "../proto/history";
import type { SeriesInfo } from "../proto/series";
import type { Selection } from "./selection";

const STEPS = 900;
const STEPS_MOST = 20_000;
const AHEAD = 0.25; // of the window
const AHEAD_LEAST_MS = 60_000;
const BASELINE_STEPS = 60; // whose mean is drawn: an unsampled part then counts for little

interface Asked {
    from: string;
    to: string;
    points: number;
}

export class Ghost {
    readonly #getJson: GetJson;
    readonly #changed: () => void;
    readonly #series = new Map<number, SeriesInfo>();
    #grid: Grid | undefined;
    #version = 0;
    #key = "";
    #abort: AbortController | undefined; // of what is being read
    #untilMs = Infinity; // of the past: where the next stretch begins
    #again: (() => void) | undefined;
    #trouble: string | undefined;
    #compare: Compare | undefined;
    readonly bounds = undefined; // the window's are meant
    readonly loading = false;
    readonly unread = false;

    constructor(getJson: GetJson, changed: () => void) {
        this.#getJson = getJson;
        this.#changed = changed;
    }

    get grid(): Grid | undefined {
        return this.#grid;
    }

    get series(): ReadonlyMap<number, SeriesInfo> {
        return this.#series;
    }

    get seriesVersion(): number {
        return this.#version;
    }

    /* By how much the past is moved to lie under the window; undefined: a level, at all times. */
    get shiftMs(): number | undefined {
        return this.#compare?.kind === "before" ? this.#compare.shiftMs : undefined;
    }

    /* What is drawn, or why it is not; "" when nothing is compared. */
    get words(): string {
        if (!this.#compare) return "";
        const what = compareText(this.#compare);
        const but = this.#trouble ?? (this.#abort && !this.#grid ? "being read" : undefined);
        return but === undefined ? what : `${what}: ${but}`;
    }

    /* undefined: nothing is compared any more. */
    load(selection: Selection, range: Range, compare: Compare | undefined): void {
        this.#abort?.abort();
        this.#abort = undefined;
        this.#again = undefined;
        this.#untilMs = Infinity;
        const key = compare ? `${selection.key} ${compare.text}` : "";
        if (key !== this.#key) {
            this.#grid = undefined;
            this.#series.clear();
            this.#version++;
            this.#trouble = undefined;
        }
        this.#key = key;
        this.#compare = compare;
        if (!compare || !selection.groups.length) {
            this.#changed();
            return;
        }
        const abort = (this.#abort = new AbortController());
        if (compare.kind === "baseline") void this.#readBaseline(selection, compare.text, abort);
        else void this.#readPast(selection, range, compare.shiftMs, abort);
        this.#changed(); // to what is being read
        if (range.kind === "last" && compare.kind === "before")
            this.#again = () => this.load(selection, range, compare);
    }

    /* The window has come to this moment. */
    reached(ms: number): void {
        if (!this.#again || ms - (this.shiftMs ?? 0) <= this.#untilMs) return;
        const again = this.#again;
        this.#again = undefined;
        again();
    }

    async #readPast(
        selection: Selection,
        range: Range,
        shiftMs: number,
        abort: AbortController,
    ): Promise<void> {
        const span = spanOf(range);
        const ahead =
            range.kind === "last" ? Math.min(Math.max(span * AHEAD, AHEAD_LEAST_MS), shiftMs) : 0;
        const ago = (ms: number) => (ms > 0 ? `now-${Math.round(ms / 1000)}s` : "now");
        const asked: Asked =
            range.kind === "last"
                ? { from: ago(span + shiftMs), to: ago(shiftMs - ahead), points: STEPS }
                : {
                      from: String(range.fromMs - shiftMs),
                      to: String(range.toMs - shiftMs),
                      points: STEPS,
                  };
        asked.points = Math.round(STEPS * (1 + ahead / span));
        await this.#read(selection, asked, abort, span + ahead);
    }

    async #readBaseline(
        selection: Selection,
        name: string,
        abort: AbortController,
    ): Promise<void> {
        const answer = await this.#getJson("api/v1/baselines", abort.signal);
        if (abort !== this.#abort) return;
        const list = answer.ok ? parseBaselines(answer.value) : answer;
        if (!list.ok) return this.#fail(list.error);
        const found = list.value.find((b) => b.name === name);
        if (!found) return this.#fail("there is no such baseline");
        if (found.fromMs === undefined || found.toMs === undefined)
            return this.#fail("it has no window of its own");
        const asked: Asked = {
            from: String(found.fromMs),
            to: String(found.toMs),
            points: BASELINE_STEPS,
        };
        await this.#read(selection, asked, abort, found.toMs - found.fromMs);
    }

    async #read(
        selection: Selection,
        asked: Asked,
        abort: AbortController,
        lengthMs: number,
    ): Promise<void> {
        const { match, groups } = selection;
        const address = historyAddress({ metrics: groups.flat(), match, ...asked });
        const answer = await this.#getJson(address, abort.signal);
        if (abort !== this.#abort) return;
        const history = answer.ok ? parseHistory(answer.value) : answer;
        if (!history.ok) return this.#fail(history.error);
        const { fromMs, toMs, stepMs, series } = history.value;
        const length = Math.max(lengthMs, toMs - fromMs + stepMs);
        if (length / stepMs > STEPS_MOST) return this.#fail("the answer has too many steps");
        const grid = new Grid(stepMs, length + stepMs, fromMs);
        this.#series.clear();
        this.#version++;
        let known = false;
        for (const s of series) {
            this.#series.set(s.info.id, s.info);
            grid.fill(s.info.id, s.times, s.values, stepMs);
            known ||= s.values.some((v) => !Number.isNaN(v));
        }
        this.#untilMs = toMs + stepMs - 1; // the last step has its length, too: weeks have long ones
        this.#abort = undefined;
        this.#grid = grid;
        this.#trouble = known ? undefined : "history has nothing of that time";
        this.#changed();
    }

    #fail(why: string): void {
        this.#abort = undefined;
        this.#grid = undefined;
        this.#trouble = why;
        this.#changed();
    }
}
