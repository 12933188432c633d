/*
 * What every kind of chart says besides its picture: whether there is anything in it, its legend, a
 * sentence for those who do not see it, its values as a table, and its parts, which can be pointed
 * at or walked through. Needs nothing of what draws.
 */
import { classEnds } from "../../domain/classes";
import type { DataSpec, DataTone } from "../../domain/data-spec";
import {
    axisText,
    NO_VALUE,
    plotFactor,
    quantity,
    text,
    unitOf,
    type ByteUnit,
    type Measure,
} from "../../domain/units";
import type { ChartTable } from "../frame";

export interface Reading {
    empty: boolean;
    legend: readonly { name: string; tone: DataTone }[];
    /* Upper ends of the classes of a scale of colours, in words, the lowest first. */
    ramp?(bytesAs: ByteUnit): readonly string[];
    lost?: string; // what of the data is not in the picture
    summary(bytesAs: ByteUnit): string;
}

export type Arrow = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

export interface Parts {
    readonly count: number;
    words(part: number, bytesAs: ByteUnit): string;
    key(part: number): string | undefined;
    step(part: number, arrow: Arrow): number; // where the arrow leads
    /* Where parts come and go between others: what a part is known by in the next spec, and which one
     * is known by that; undefined: it is gone. Without these the same number is the same part. */
    place?(part: number): Place | undefined;
    at?(place: Place): number | undefined;
}

export interface Place {
    row: string;
    t: number;
}

export interface Words<S extends DataSpec> {
    reading(spec: S): Reading;
    table(spec: S, bytesAs: ByteUnit): ChartTable;
    parts(spec: S): Parts;
}

/* A value in words, with its unit. */
export function said(value: number, measure: Measure, bytesAs: ByteUnit): string {
    return text(quantity(value, measure, bytesAs));
}

/* A column's head: its numbers have no prefixes, so that they can be worked with. */
export function head(name: string, measure: Measure, bytesAs: ByteUnit): string {
    const unit = unitOf(measure, bytesAs);
    return unit ? `${name} (${unit})` : name;
}

/* A number of such a column, in the unit that the head names. */
export function inUnit(value: number, measure: Measure, bytesAs: ByteUnit): number {
    return Number((value * plotFactor(measure, bytesAs)).toPrecision(12));
}

/* An amount of things: whole numbers up to a million are exact. */
export function counted(value: number, what: string): string {
    const number = !Number.isFinite(value)
        ? NO_VALUE
        : Number.isInteger(value) && Math.abs(value) < 1e6
          ? value.toLocaleString("en").replace(/,/g, "\u2009")
          : said(value, "count", "bytes");
    if (!what) return number;
    return `${number} ${value === 1 ? what.replace(/(ss)es$|s$/, "$1") : what}`;
}

/* A value as it is read: things that are counted to the last one. */
export function exact(value: number, measure: Measure, bytesAs: ByteUnit): string {
    return measure === "count" ? counted(value, "") : said(value, measure, bytesAs);
}

const LONG = 7; // digits that nobody counts

function shown(value: number, measure: Measure, bytesAs: ByteUnit): number {
    return value * plotFactor(measure, bytesAs);
}

/* The end of a range, as short as it is exact: 1 ms, 2.5 kB, ∞. */
export function edge(value: number, measure: Measure, bytesAs: ByteUnit): string {
    if (value === Infinity) return "∞";
    if (value === -Infinity) return "\u2212∞";
    if (value === 0) return "0";
    const q = quantity(value, measure, bytesAs);
    if (q.number.startsWith("<")) q.number = shown(value, measure, bytesAs).toExponential(0);
    if (q.number.length > LONG) q.number = axisText(shown(value, measure, bytesAs));
    const number = q.number.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");
    return text({ number, unit: q.unit });
}

const NAME_MOST = 48;

/* Controls, line ends and marks that turn the direction of a text around. */
const UNRULY = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/* A name on one line. */
export function plainName(name: string): string {
    return name.replace(UNRULY, " ");
}

/* A name within a sentence: never so long that it hides the rest, never turning it around. */
export function named(name: string): string {
    const chars = [...plainName(name)];
    const cut =
        chars.length > NAME_MOST ? chars.slice(0, NAME_MOST - 1).join("") + "…" : chars.join("");
    return `\u2068${cut}\u2069`;
}

export function within(part: number, count: number): number {
    return Math.max(0, Math.min(count - 1, part));
}

/* Parts that stand in one row. */
export function along(count: number): Parts["step"] {
    return (part, arrow) =>
        within(part + (arrow === "ArrowLeft" || arrow === "ArrowUp" ? -1 : 1), count);
}

/* The words of a scale of colours. */
export function rampOf(
    peak: number,
    spacing: "even" | "squares",
    word: (value: number) => string,
): readonly string[] {
    return classEnds(peak, spacing).map(word);
}

/* The largest of those that are numbers; 0 if none is above. */
export function peakOf(values: Iterable<number>): number {
    let peak = 0;
    for (const v of values) if (v > peak && v !== Infinity) peak = v;
    return peak;
}
