/*
 * Reading JSON that somebody else wrote. Every accessor takes `unknown` and gives the type or the
 * stated fallback, so a message with a wrong field can never put a wrong type into the program.
 */
export type Json = Record<string, unknown>;

export function asObject(v: unknown): Json | undefined {
    return typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Json) : undefined;
}

export function asArray(v: unknown): readonly unknown[] {
    return Array.isArray(v) ? v : [];
}

export function asText(v: unknown, fallback = ""): string {
    return typeof v === "string" ? v : fallback;
}

export function asNumber(v: unknown): number | undefined {
    return typeof v === "number" && Number.isFinite(v) ? v : undefined;
}

/* A number, or NaN for null, what is too large to be one (1e999) and everything else: the charts' word
 * for "nothing here". */
export function asSample(v: unknown): number {
    return asNumber(v) ?? NaN;
}

/* An object whose values are all texts; others are left out. Without a prototype, so that a label
 * named "__proto__" is just a label. */
export function asTexts(v: unknown): Record<string, string> {
    const texts = Object.create(null) as Record<string, string>;
    for (const [key, value] of Object.entries(asObject(v) ?? {}))
        if (typeof value === "string") texts[key] = value;
    return texts;
}

export function parseJson(text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return undefined;
    }
}
