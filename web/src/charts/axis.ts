/* Where the marks of an axis stand and what they say. Pure, so it can be tested. */
import { clockText, dayText, momentAt, monthText, offsetMs, partsOf } from "../domain/time";

/* A step of 1, 2 or 5 times a power of ten that gives about `wanted` marks; a few more before half. */
const DENSER = 0.8;

export function niceStep(range: number, wanted: number, base: 1000 | 1024 = 1000): number {
    const rough = range / Math.max(1, wanted);
    if (!(rough > 0)) return 1;
    if (base === 1024) return 2 ** Math.ceil(Math.log2(rough * DENSER)); // 256 Ki, 512 Ki, 1 Mi
    const power = 10 ** Math.floor(Math.log10(rough));
    for (const m of [1, 2, 5]) if (m * power >= rough * DENSER) return m * power;
    return 10 * power;
}

/* At least one mark beside zero, however little room there is. */
export function marks(
    low: number,
    high: number,
    wanted: number,
    base: 1000 | 1024 = 1000,
): number[] {
    const longest = Math.max(high, -low);
    let step = niceStep(high - low, wanted, base);
    if (step > longest) step = niceStep(longest, 2.5, base);
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

const DAY_MS = 24 * HOUR_MS;
const MONTH_MS = 30 * DAY_MS; // about: marks stand on the first of a month
const YEAR_MS = 12 * MONTH_MS;

/* Distances between marks of time: parts of a day, days, months, years. */
export const TIME_STEPS: readonly number[] = [
    ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND_MS),
    ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
    ...[1, 2, 3, 4, 6, 12].map((n) => n * HOUR_MS),
    ...[1, 2, 3, 7, 14].map((n) => n * DAY_MS),
    ...[1, 2, 3, 6, 12].map((n) => n * MONTH_MS),
];

/* On round times of the reader's zone, also across a change of its clocks. */
export function timeMarks(low: number, high: number, stepMs: number): number[] {
    if (stepMs >= MONTH_MS) return monthMarks(low, high, Math.round(stepMs / MONTH_MS));
    if (stepMs >= DAY_MS) return dayMarks(low, high, Math.round(stepMs / DAY_MS));
    const out: number[] = [];
    const ahead = offsetMs(low);
    for (let t = Math.ceil((low + ahead) / stepMs) * stepMs; t - ahead <= high; t += stepMs) {
        const at = t - offsetMs(t - ahead);
        if (at >= low && at <= high) out.push(at);
    }
    return out;
}

/* At midnight; weeks begin on Monday. */
function dayMarks(low: number, high: number, days: number): number[] {
    const { year, month, day } = partsOf(low);
    const number = Math.floor((Date.UTC(year, month, day) - 4 * DAY_MS) / DAY_MS); // 0: a Monday
    const first = day + Math.ceil(number / days) * days - number;
    const out: number[] = [];
    for (let d = first; ; d += days) {
        const at = momentAt(year, month, d);
        if (at > high) return out;
        if (at >= low) out.push(at);
    }
}

function monthMarks(low: number, high: number, months: number): number[] {
    const { year, month } = partsOf(low);
    const out: number[] = [];
    for (let m = Math.floor(month / months) * months; ; m += months) {
        const at = momentAt(year, m, 1);
        if (at > high) return out;
        if (at >= low) out.push(at);
    }
}

/* Room in pixels between marks: a small chart keeps a few, where they carry no seconds. */
export function timeSpace(spanMs: number, roomPx: number): number {
    const tight = 52;
    return roomPx < 500 && (spanMs / roomPx) * tight > MINUTE_MS / 2 ? tight : 76;
}

/* 14:05, with seconds where marks are closer than a minute; the day at midnight, then months. */
export function timeMark(ms: number, stepMs: number): string {
    const { year, month, hour } = partsOf(ms);
    if (stepMs >= MONTH_MS) return month === 0 || stepMs >= YEAR_MS ? String(year) : monthText(ms);
    if (stepMs >= DAY_MS || (stepMs >= HOUR_MS && hour === 0)) return dayText(ms);
    const clock = clockText(ms);
    return stepMs < MINUTE_MS ? clock : clock.slice(0, 5);
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
