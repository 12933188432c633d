/* The colours of a canvas are the page's tokens; they are read again when the theme changes. */
import type { Tone } from "../domain/trace";

const TOKENS = {
    "receive": "--receive",
    "transmit": "--transmit",
    "alarm": "--warning",
    "critical": "--critical",
    "category-1": "--category-1",
    "category-2": "--category-2",
    "category-3": "--category-3",
    "category-4": "--category-4",
    "category-5": "--category-5",
    "category-6": "--category-6",
    "category-7": "--category-7",
    "category-8": "--category-8",
    "text": "--text",
    "quiet": "--text-quiet",
    "grid": "--graticule",
    "zero": "--zero-line",
    "flag": "--flag",
    "surface": "--surface",
    "unknown": "--unknown",
    "hatch": "--unknown-hatch",
    "hairline": "--hairline",
    "heat-0": "--heat-0",
    "heat-1": "--heat-1",
    "heat-2": "--heat-2",
    "heat-3": "--heat-3",
    "heat-4": "--heat-4",
    "heat-5": "--heat-5",
    "heat-6": "--heat-6",
} as const satisfies Record<Tone | Role, string>;

type Role =
    | "critical"
    | "text"
    | "quiet"
    | "grid"
    | "zero"
    | "flag"
    | "surface"
    | "unknown"
    | "hatch"
    | "hairline"
    | Heat;

/* Classes of how much, the first is nothing; as many as domain/classes.ts has and that one. */
type Heat = "heat-0" | "heat-1" | "heat-2" | "heat-3" | "heat-4" | "heat-5" | "heat-6";

export function heatOf(level: number): Heat {
    return `heat-${Math.max(0, Math.min(6, level))}` as Heat;
}

export type Palette = Record<keyof typeof TOKENS, string> & { font: string };

export function readPalette(): Palette {
    const style = getComputedStyle(document.documentElement);
    const colours = Object.fromEntries(
        Object.entries(TOKENS).map(([name, token]) => [name, style.getPropertyValue(token).trim()]),
    ) as Record<keyof typeof TOKENS, string>;
    return { ...colours, font: style.getPropertyValue("--font").trim() };
}
