/*
 * Moments as people read them, in the zone that the reader chose. Everything that writes a time, or
 * looks for a round one, asks here.
 */
import { notation } from "./notation";

/* The server's time, of which ages are counted: this machine's clock may be wrong. */
let ahead = (): number => 0;

export function serverNow(): number {
    return Date.now() + ahead();
}

/* How many milliseconds the server's clock is ahead of this machine's. */
export function readSkewFrom(read: () => number): void {
    ahead = read;
}

export interface Parts {
    year: number;
    month: number; // from 0 on, as Date has it
    day: number;
    weekday: number; // 0 is Sunday
    hour: number;
    minute: number;
    second: number;
}

export function partsOf(ms: number): Parts {
    const d = new Date(ms);
    return notation().zone === "utc"
        ? {
              year: d.getUTCFullYear(),
              month: d.getUTCMonth(),
              day: d.getUTCDate(),
              weekday: d.getUTCDay(),
              hour: d.getUTCHours(),
              minute: d.getUTCMinutes(),
              second: d.getUTCSeconds(),
          }
        : {
              year: d.getFullYear(),
              month: d.getMonth(),
              day: d.getDate(),
              weekday: d.getDay(),
              hour: d.getHours(),
              minute: d.getMinutes(),
              second: d.getSeconds(),
          };
}

/* The moment at which the zone's clocks say so; days and months may lie outside of their limits. */
export function momentAt(
    year: number,
    month: number,
    day: number,
    hour = 0,
    minute = 0,
    second = 0,
): number {
    return notation().zone === "utc"
        ? Date.UTC(year, month, day, hour, minute, second)
        : new Date(year, month, day, hour, minute, second).getTime();
}

/* How far the zone is ahead of UTC at that moment. */
export function offsetMs(ms: number): number {
    return notation().zone === "utc" ? 0 : -new Date(ms).getTimezoneOffset() * 60_000;
}

/* UTC, UTC+01:00, UTC-03:30: what the reader's times are in. */
export function zoneText(ms: number): string {
    const minutes = offsetMs(ms) / 60_000;
    if (minutes === 0) return "UTC";
    const m = Math.abs(minutes);
    return `UTC${minutes < 0 ? "\u2212" : "+"}${two(Math.floor(m / 60))}:${two(m % 60)}`;
}

const two = (n: number) => String(n).padStart(2, "0");

export function clockText(ms: number): string {
    if (!Number.isFinite(ms)) return "\u2013";
    const { hour, minute, second } = partsOf(ms);
    return `${two(hour)}:${two(minute)}:${two(second)}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"].concat(
    ["Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
);

export function monthText(ms: number): string {
    return MONTHS[partsOf(ms).month] ?? "";
}

export function dayText(ms: number): string {
    return `${monthText(ms)} ${partsOf(ms).day}`;
}

export function dateText(ms: number): string {
    const { year, month, day } = partsOf(ms);
    return `${year}-${two(month + 1)}-${two(day)}`;
}

/* 2026-11-24 14:05:09, as the form of the window takes it. */
export function exactText(ms: number): string {
    return `${dateText(ms)} ${clockText(ms)}`;
}

export function sameDay(a: number, b: number): boolean {
    return dateText(a) === dateText(b);
}

/* The time, with the day where that is not the one of `nowMs`, and the year where it is another. */
export function whenText(ms: number, nowMs: number): string {
    if (!Number.isFinite(ms) || sameDay(ms, nowMs)) return clockText(ms);
    const { year } = partsOf(ms);
    const other = year === partsOf(nowMs).year ? "" : `, ${year}`;
    return `${dayText(ms)}${other} ${clockText(ms)}`;
}

/* From when to when; with the day where that is not today's. */
export function fromToText(fromMs: number, toMs: number, nowMs: number): string {
    const to = sameDay(toMs, fromMs) ? clockText(toMs) : `${dayText(toMs)} ${clockText(toMs)}`;
    return `${whenText(fromMs, nowMs)} – ${to}`;
}

/* 2026-11-24T14:05[:09], a space for the T, or the day alone, in the reader's zone; NaN: it is none. */
export function parseMoment(text: string): number {
    const m = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text.trim());
    if (!m) return NaN;
    const [year, month, day, hour, minute, second] = m.slice(1).map((n) => Number(n ?? 0));
    const ms = momentAt(year!, month! - 1, day!, hour, minute, second);
    const said = partsOf(ms); // February 30 is none
    return said.day === day && said.month === month! - 1 && hour! < 24 && minute! < 60 ? ms : NaN;
}
