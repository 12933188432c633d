/* Keys of a box with a list of options under it. */

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };

/* Where the key leads from `here` among `count`: one by one around the end, by pages as far as there
 * are any. Undefined: it is no such key. */
export function stepped(key: string, here: number, count: number): number | undefined {
    const by = STEPS[key];
    if (by === undefined) return undefined;
    if (count === 0) return 0;
    if (Math.abs(by) > 1) return Math.min(Math.max(here + by, 0), count - 1);
    return (here + by + count) % count;
}

/*
 * An input method is putting letters together, and the key is its own. WebKit ends the composition
 * before the key that ended it, which then has this code instead (UI Events, "legacy key codes").
 */
const PROCESSED = 229;

export function isComposing(e: KeyboardEvent): boolean {
    return e.isComposing || e.keyCode === PROCESSED;
}
