/*
 * Numbers as people read them: three significant digits, decimal prefixes (k = 1000) for everything
 * but bits and bytes of a reader who wants them binary (Ki = 1024), the unit apart from the number so
 * that it can be set smaller. A number keeps its width while it lives because the digits do (and the
 * page sets them in tabular figures).
 */
import { notation } from "./notation";

export { clockText, fromToText, whenText } from "./time";

export interface Quantity {
    number: string;
    unit: string;
}

export type ByteUnit = "bits" | "bytes";

/* What a chart or a cell measures; milliseconds are seconds that are always shown as such. */
export type Measure =
    "bytes/s" | "bytes" | "packets/s" | "/s" | "count" | "seconds" | "milliseconds" | "ratio";

const DECIMAL = ["", "k", "M", "G", "T", "P"];
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];
const MINUS = "\u2212";
export const NO_VALUE = "\u2013";

/* Three significant digits, never in exponents: 0, 0.04, 1.23, 12.3, 123. */
export function digits(value: number): string {
    const v = Math.abs(value);
    if (v === 0) return "0";
    if (v < 0.01) return "<0.01";
    if (v < 9.995) return v.toFixed(2);
    if (v < 99.95) return v.toFixed(1);
    return v.toFixed(0);
}

export type Base = 1000 | 1024;

/* What a prefix multiplies with: only amounts of information are ever counted in 1024s. */
export function baseOf(measure: Measure): Base {
    const informed = measure === "bytes" || measure === "bytes/s";
    return informed && notation().prefixes === "iec" ? 1024 : 1000;
}

function scaled(value: number, base: Base, full: number): { v: number; prefix: string } {
    const prefixes = base === 1024 ? BINARY : DECIMAL;
    let v = Math.abs(value);
    let p = 0;
    while (v >= full && p < prefixes.length - 1) {
        v /= base;
        p++;
    }
    return { v, prefix: prefixes[p]! };
}

function prefixed(value: number, unit: string, joined: boolean, base: Base = 1000): Quantity {
    const { v, prefix } = scaled(value, base, base - 0.5);
    const sign = value < 0 ? MINUS : "";
    const whole = prefix === "" && Number.isInteger(v);
    const number = sign + (whole ? String(v) : digits(v));
    return joined
        ? { number, unit: prefix + unit }
        : { number: number + (prefix && "\u2009" + prefix), unit };
}

export function quantity(value: number, measure: Measure, bytesAs: ByteUnit): Quantity {
    const factor = bytesAs === "bits" ? 8 : 1;
    const unit = unitOf(measure, bytesAs);
    if (!Number.isFinite(value)) return { number: NO_VALUE, unit };
    switch (measure) {
        case "bytes/s":
            return prefixed(value * factor, unit, true, baseOf(measure));
        case "bytes":
            return prefixed(value, unit, true, baseOf(measure)); // amounts stay bytes, as everywhere
        case "seconds":
            return briefly(value);
        case "milliseconds":
            return { number: (value < 0 ? MINUS : "") + digits(value * 1000), unit };
        case "ratio":
            return { number: (value < 0 ? MINUS : "") + digits(value * 100), unit };
        default:
            return prefixed(value, unit, false);
    }
}

/* Seconds, or parts of one. */
function briefly(value: number): Quantity {
    const sign = value < 0 ? MINUS : "";
    const v = Math.abs(value);
    if (v === 0 || v >= 0.9995) return { number: sign + digits(v), unit: "s" };
    if (v >= 0.9995e-3) return { number: sign + digits(v * 1e3), unit: "ms" };
    return { number: sign + digits(v * 1e6), unit: "µs" };
}

/* The unit without a prefix, as it stands in a title. */
export function unitOf(measure: Measure, bytesAs: ByteUnit): string {
    switch (measure) {
        case "bytes/s":
            return bytesAs === "bits" ? "bit/s" : "B/s";
        case "bytes":
            return "B";
        case "packets/s":
            return "packets/s";
        case "/s":
            return "/s";
        case "count":
            return "";
        case "seconds":
            return "s";
        case "milliseconds":
            return "ms";
        case "ratio":
            return "%";
    }
}

/* What a chart plots: its values times this are in the unit shown. */
export function plotFactor(measure: Measure, bytesAs: ByteUnit): number {
    if (measure === "ratio") return 100;
    if (measure === "milliseconds") return 1000;
    return measure === "bytes/s" && bytesAs === "bits" ? 8 : 1;
}

/* A tick of an axis: short and exact, since ends are round numbers. */
export function axisText(value: number, base: Base = 1000): string {
    const { v, prefix } = scaled(value, base, base);
    return String(Number(v.toPrecision(3))) + (prefix && "\u2009" + prefix);
}

export function text(q: Quantity): string {
    return q.unit ? `${q.number}\u2009${q.unit}` : q.number;
}

/* How a unit of the catalogue is shown; `what` is its word where the measure has none. */
export function measureOf(unit: string): { measure: Measure; what: string } {
    switch (unit) {
        case "bytes/s":
        case "bytes":
        case "packets/s":
        case "seconds":
        case "ratio":
            return { measure: unit, what: "" };
        case "":
            return { measure: "count", what: "" };
        default:
            return { measure: "count", what: unit };
    }
}

/* A value in a unit of the catalogue: 12.3 Mbit/s, 4.10 ms, 3 segments/s. */
export function valueText(value: number, unit: string, bytesAs: ByteUnit): string {
    const { measure, what } = measureOf(unit);
    const said = text(quantity(value, measure, bytesAs));
    return what && said !== NO_VALUE ? `${said}\u2009${what}` : said;
}

/* A link's speed: 1 Gbit/s, 2.5 Gbit/s. Always bits, as printed on the box. */
export function speed(bps: number | undefined): Quantity {
    if (bps === undefined || !(bps > 0)) return { number: NO_VALUE, unit: "" };
    const { v, prefix } = scaled(bps, 1000, 1000);
    return { number: String(Number(v.toPrecision(3))), unit: `${prefix}bit/s` };
}

/* How long: 45 s, 3 min, 2 h, 5 d. */
export function durationText(ms: number): string {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 120) return `${s}\u2009s`;
    if (s < 7200) return `${Math.floor(s / 60)}\u2009min`;
    if (s < 172_800) return `${Math.floor(s / 3600)}\u2009h`;
    return `${Math.floor(s / 86_400)}\u2009d`;
}
