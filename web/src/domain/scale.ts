/*
 * The end of an axis that starts at zero: a round number above everything shown. It grows at once
 * and shrinks only after the data has stayed small for a while, so that the picture rarely jumps.
 */
export function roundUp(value: number, least: number, base: 1000 | 1024 = 1000): number {
    if (!(value > least)) return least;
    const [radix, steps] = base === 1024 ? BINARY : DECIMAL;
    const power = radix ** Math.floor(Math.log(value) / Math.log(radix) + 1e-12);
    for (const m of steps) if (m * power >= value * (1 - 1e-9)) return m * power;
    return radix * power;
}

const DECIMAL = [10, [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8]] as const;
const BINARY = [2, [1, 1.25, 1.5, 1.75]] as const;

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

    /* peak: the largest value in sight. anew: another window or unit, so take it as it comes.
     * base: of the prefixes that the axis is written with. */
    follow(peak: number, now: number, anew = false, base: 1000 | 1024 = 1000): number {
        const wanted = roundUp(peak * 1.04, this.#least, base);
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
