/*
 * What is usual for the series of the page: mean and sigma over the window, from the server's own
 * detector; history first, then the stream. Two grids with the same steps. A band is a backdrop that
 * moves slowly, so a tick at the seam may be missing or count twice, which the window of values may
 * not.
 */
import type { Clock } from "../base/clock";
import { Grid } from "../domain/grid";
import { rangeQuery, spanOf, type Range } from "../domain/range";
import type { GetJson } from "../link/http";
import { anomaliesAddress, parseAnomalyHistory, type Anomalies } from "../proto/alerts";
import type { BandWish } from "./selection";

const STEPS = 300;
const STEPS_MOST = 20_000;
const SERIES_MOST = 200;
const TRIES = 4;
const AGAIN_MS = 2_000;

export class Bands {
    readonly #getJson: GetJson;
    readonly #clock: Clock;
    readonly #changed: () => void;
    #mean: Grid | undefined;
    #sigma: Grid | undefined;
    #key = "";
    #abort: AbortController | undefined;
    #following = false;
    #sigmas = 2.5;

    constructor(getJson: GetJson, clock: Clock, changed: () => void) {
        this.#getJson = getJson;
        this.#clock = clock;
        this.#changed = changed;
    }

    get mean(): Grid | undefined {
        return this.#mean;
    }

    get sigma(): Grid | undefined {
        return this.#sigma;
    }

    get sigmas(): number {
        return this.#sigmas;
    }

    /* undefined: the page wants none. */
    async load(key: string, wish: BandWish | undefined, range: Range, tries = 1): Promise<void> {
        this.#abort?.abort();
        this.#abort = undefined;
        if (key !== this.#key || !wish) this.#mean = this.#sigma = undefined;
        this.#key = key;
        if (!wish) return;
        const abort = (this.#abort = new AbortController());
        const { from, to } = rangeQuery(range);
        const address = anomaliesAddress(wish.metrics, wish.match, from, to, STEPS);
        const answer = await this.#getJson(address, abort.signal);
        if (abort !== this.#abort) return;
        const history = answer.ok ? parseAnomalyHistory(answer.value) : answer;
        this.#following = range.kind === "last";
        if (!history.ok) {
            // A chart without its backdrop is still right; the server runs one such question at a time.
            if (tries < TRIES)
                this.#clock.after(AGAIN_MS * tries, () => {
                    if (abort === this.#abort) void this.load(key, wish, range, tries + 1);
                });
            return;
        }
        const { fromMs, toMs, stepMs, sigmas, series } = history.value;
        const span = range.kind === "last" ? spanOf(range) : toMs - fromMs + stepMs;
        if (span / stepMs > STEPS_MOST) return;
        const mean = new Grid(stepMs, span, fromMs);
        const sigma = new Grid(stepMs, span, fromMs);
        for (const s of series.slice(0, SERIES_MOST)) {
            mean.fill(s.id, s.times, s.mean, stepMs);
            sigma.fill(s.id, s.times, s.sigma, stepMs);
        }
        this.#sigmas = sigmas;
        this.#mean = mean;
        this.#sigma = sigma;
        this.#changed();
    }

    tick(m: Anomalies): void {
        const [mean, sigma] = [this.#mean, this.#sigma];
        if (!mean || !sigma || !this.#following) return;
        mean.advance(mean.stepOf(m.t));
        sigma.advance(sigma.stepOf(m.t));
        for (let i = 0; i < m.ids.length && i < SERIES_MOST; i++) {
            mean.append(m.ids[i]!, m.t, m.mean[i]!);
            sigma.append(m.ids[i]!, m.t, m.sigma[i]!);
        }
    }
}
