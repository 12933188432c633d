/*
 * Fewer points than a screen has pixels, without losing a peak. Neighbouring steps are taken
 * together in bins whose borders are fixed in time (step number divisible by the bin), so a chart
 * that moves does not flicker. Each bin gives two points, its lowest and highest value in the order
 * in which they came. A gap inside a bin stays a gap: then one of the two is NaN, on the side where
 * the gap is, and the other is the value farther from zero.
 *
 * A tick changes the newest bin, or begins one: `take` makes those again and leaves the others. The
 * place of a bin follows from its number, so nothing is moved and nothing allocated meanwhile.
 */

/* Steps per bin for n steps on a width in pixels: at most two points a pixel. */
export function binFor(n: number, widthPx: number): number {
    return n <= 2 * widthPx ? 1 : Math.ceil(n / Math.max(1, widthPx));
}

export class Decimator {
    times = new Float64Array(0); // ms
    traces: Float64Array[] = [];
    n = 0; // points
    #bin = 1;
    #first = 0; // number of the oldest step
    #room = 0; // steps

    get bin(): number {
        return this.#bin;
    }

    /* Starts afresh: `room` steps from number `first` on will come. */
    begin(first: number, room: number, traces: number, bin: number): void {
        this.n = 0;
        this.#first = first;
        if (room === this.#room && bin === this.#bin && traces === this.traces.length) return;
        this.#room = room;
        this.#bin = bin;
        const points = bin === 1 ? room : 2 * (Math.ceil(room / bin) + 1);
        this.times = new Float64Array(points);
        this.traces = Array.from({ length: traces }, () => new Float64Array(points));
    }

    /* Where the points of step `first + i` begin. */
    pointOf(i: number): number {
        if (this.#bin === 1) return i;
        return 2 * (Math.floor((this.#first + i) / this.#bin) - Math.floor(this.#first / this.#bin));
    }

    /* values[i] is of step `first + i`; those from `from` on, up to n, are other than before. */
    take(
        values: readonly Float64Array[],
        from: number,
        n: number,
        timeOf: (step: number) => number,
    ): void {
        const bin = this.#bin;
        const first = this.#first;
        if (bin === 1) {
            for (let i = from; i < n; i++) this.times[i] = timeOf(first + i);
            for (let s = 0; s < values.length; s++)
                this.traces[s]!.set(values[s]!.subarray(from, n), from);
            this.n = n;
            return;
        }
        let start = Math.max(0, from - ((first + from) % bin));
        let at = this.pointOf(start);
        for (; start < n; at += 2) {
            const end = Math.min(n, start + bin - ((first + start) % bin));
            this.times[at] = timeOf(first + start);
            this.times[at + 1] = timeOf(first + (start + end) / 2);
            for (let s = 0; s < values.length; s++)
                putExtremes(values[s]!, start, end, this.traces[s]!, at);
            start = end;
        }
        this.n = at;
    }
}

function putExtremes(
    values: Float64Array,
    start: number,
    end: number,
    out: Float64Array,
    at: number,
): void {
    let low = -1;
    let high = -1;
    let gap = -1; // the first one
    for (let i = start; i < end; i++) {
        const v = values[i]!;
        if (v !== v) gap = gap < 0 ? i : gap; // NaN differs from itself
        else {
            if (low < 0 || v < values[low]!) low = i;
            if (high < 0 || v > values[high]!) high = i;
        }
    }
    if (low < 0) out[at] = out[at + 1] = NaN;
    else if (gap >= 0) {
        const far = Math.abs(values[low]!) > Math.abs(values[high]!) ? low : high;
        out[at] = gap < far ? NaN : values[far]!;
        out[at + 1] = gap < far ? values[far]! : NaN;
    } else {
        out[at] = values[Math.min(low, high)]!;
        out[at + 1] = values[Math.max(low, high)]!;
    }
}

/* All at once, for a picture that is made one time. */
export function decimate(
    values: readonly Float64Array[],
    n: number,
    first: number,
    timeOf: (step: number) => number,
    widthPx: number,
): Decimator {
    const d = new Decimator();
    d.begin(first, n, values.length, binFor(n, widthPx));
    d.take(values, 0, n, timeOf);
    return d;
}
