/*
 * What a window is compared with, as its address says it: `compare=1d`, `1w`: the same window so much
 * earlier; any other name: a baseline, whose mean level is drawn.
 */
export type Compare =
    | { kind: "before"; text: string; shiftMs: number }
    | { kind: "baseline"; text: string };

const UNIT_MS: Readonly<Record<string, number>> = {
    h: 3_600_000,
    d: 86_400_000,
    w: 7 * 86_400_000,
};

export const COMPARE_CHOICES: readonly { text: string; name: string }[] = [
    { text: "1h", name: "an hour before" },
    { text: "1d", name: "a day before" },
    { text: "7d", name: "a week before" },
    { text: "28d", name: "four weeks before" },
];

export function parseCompare(text: string | null): Compare | undefined {
    if (!text) return undefined;
    const before = /^([1-9]\d{0,3})([hdw])$/.exec(text);
    if (before)
        return { kind: "before", text, shiftMs: Number(before[1]) * UNIT_MS[before[2]!]! };
    return /^[A-Za-z0-9._-]{1,64}$/.test(text) ? { kind: "baseline", text } : undefined;
}

export function compareText(c: Compare): string {
    if (c.kind === "baseline") return `baseline ${c.text}, mean`;
    return COMPARE_CHOICES.find((k) => k.text === c.text)?.name ?? `${c.text} before`;
}
