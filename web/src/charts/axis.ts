/* Where the marks of an axis stand and what they say. Pure, so it can be tested. */

/* A step of 1, 2 or 5 times a power of ten that gives about `wanted` marks; a few more before half. */
const DENSER = 0.8;

export function niceStep(range: number, wanted: number): number {
    const rough = range / Math.max(1, wanted);
    if (!(rough > 0)) return 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    for (const m of [1, 2, 5]) if (m * power >= rough * DENSER) return m * power;
    return 10 * power;
}

/* At least one mark beside zero, however little room there is. */
export function marks(low: number, high: number, wanted: number): number[] {
    const longest = Math.max(high, -low);
    let step = niceStep(high - low, wanted);
    if (step > longest) step = niceStep(longest, 2.5);
    const out: number[] = [];
    for (let k = Math.ceil(low / step - 1e-9); k <= high / step + 1e-9; k++)
        out.push(k === 0 ? 0 : Number((k * step).toPrecision(12)));
    return out;
}

/* The two ends of a volume axis: zero is always in sight, and a mirrored half is never a sliver. */
const LEAST_SHARE = 0.2;

export function ends(above: number, below: number, mirrored: boolean): [number, number] {
    if (!mirrored) return [0, above];
    return [-Math.max(below, above * LEAST_SHARE), Math.max(above, below * LEAST_SHARE)];
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/* Distances between marks of time, all of which divide a day. */
export const TIME_STEPS: readonly number[] = [
    ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND_MS),
    ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
    ...[1, 2, 3, 4, 6, 12, 24].map((n) => n * HOUR_MS),
];

/* On round local times. */
export function timeMarks(low: number, high: number, stepMs: number): number[] {
    const offset = new Date(low).getTimezoneOffset() * MINUTE_MS;
    const out: number[] = [];
    for (let t = Math.ceil((low - offset) / stepMs) * stepMs + offset; t <= high; t += stepMs)
        out.push(t);
    return out;
}

/* Room in pixels between marks: a small chart keeps a few, where they carry no seconds. */
export function timeSpace(spanMs: number, roomPx: number): number {
    const tight = 52;
    return roomPx < 500 && (spanMs / roomPx) * tight > MINUTE_MS / 2 ? tight : 76;
}

/* 14:05, with seconds where marks are closer than a minute, the day at midnight. */
export function timeMark(ms: number, stepMs: number): string {
    const d = new Date(ms);
    const two = (n: number) => String(n).padStart(2, "0");
    if (stepMs >= HOUR_MS && d.getHours() === 0)
        return d.toLocaleDateString("en", { day: "numeric", month: "short" });
    const minute = `${two(d.getHours())}:${two(d.getMinutes())}`;
    return stepMs < MINUTE_MS ? `${minute}:${two(d.getSeconds())}` : minute;
}

/* Moves labels apart (positions in pixels, sorted by wish) until none is closer than `apart`. */
export function spread(
    wishes: readonly number[],
    apart: number,
    low: number,
    high: number,
): number[] {
    const order = wishes.map((y, i) => ({ y, i })).sort((a, b) => a.y - b.y);
    for (let k = 1; k < order.length; k++)
        order[k]!.y = Math.max(order[k]!.y, order[k - 1]!.y + apart);
    let limit = high;
    for (let k = order.length - 1; k >= 0; k--) {
        order[k]!.y = Math.max(low, Math.min(order[k]!.y, limit));
        limit = order[k]!.y - apart;
    }
    const out = new Array<number>(wishes.length);
    for (const { y, i } of order) out[i] = y;
    return out;
}
