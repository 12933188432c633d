/*
 * Which traces of which charts are hidden, as the address says it: one `hide=CHART/TRACE` each. Names
 * that a chart has not are ignored, so an old address does no harm.
 */
const MOST = 200; // that an address may hide

export type Hidden = ReadonlyMap<string, ReadonlySet<string>>; // by the chart's key

export function parseHidden(values: readonly string[]): Hidden {
    const out = new Map<string, Set<string>>();
    for (const value of values.slice(0, MOST)) {
        const slash = value.indexOf("/");
        if (slash <= 0) continue;
        const key = value.slice(0, slash);
        out.set(key, (out.get(key) ?? new Set()).add(value.slice(slash + 1)));
    }
    return out;
}

export function hiddenQuery(hidden: Hidden): string[] {
    return [...hidden].flatMap(([key, names]) => [...names].map((name) => `${key}/${name}`));
}

/* Hides a trace that is shown and shows one that is hidden. */
export function toggled(names: ReadonlySet<string>, name: string): Set<string> {
    const out = new Set(names);
    if (!out.delete(name)) out.add(name);
    return out;
}

/* Shows this trace alone; when it is alone already, all of them. */
export function alone(
    names: ReadonlySet<string>,
    name: string,
    all: readonly string[],
): Set<string> {
    const others = all.filter((n) => n !== name);
    const is = !names.has(name) && others.every((n) => names.has(n));
    return new Set(is ? [] : others);
}

export function withHidden(hidden: Hidden, key: string, names: ReadonlySet<string>): Hidden {
    const out = new Map(hidden);
    if (names.size) out.set(key, names);
    else out.delete(key);
    return out;
}
