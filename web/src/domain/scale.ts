/*
 * The end of an axis that starts at zero: a round number above everything shown. It grows at once
 * and shrinks only after the data has stayed small for a while, so that the picture rarely jumps.
 */
export function roundUp(value: number, least: number): number {
    if (!(value > least)) return least;
    const power = 10 ** Math.floor(Math.log10(value));
    for (const m of [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8])
        if (m * power >= value * (1 - 1e-9)) return m * power;
    return 10 * power;
}

const SHRINK_BELOW = 0.5; // of the present end
const SHRINK_AFTER_MS = 5_000;

export class AxisEnd {
    readonly #least: number;
    #end: number;
    #smallSince: number | undefined;

    constructor(least: number) {
        this.#least = least;
        this.#end = least;
    }

    get end(): number {
        return this.#end;
    }

    /* peak: the largest value in sight. anew: another window or unit, so take it as it comes. */
    follow(peak: number, now: number, anew = false): number {
        const wanted = roundUp(peak * 1.04, this.#least);
        if (anew || wanted > this.#end) {
            this.#end = wanted;
            this.#smallSince = undefined;
        } else if (wanted <= this.#end * SHRINK_BELOW) {
            this.#smallSince ??= now;
            if (now - this.#smallSince >= SHRINK_AFTER_MS) {
                this.#end = wanted;
                this.#smallSince = undefined;
            }
        } else this.#smallSince = undefined;
        return this.#end;
    }
}
