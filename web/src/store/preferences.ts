/* What a reader chose once and expects to find again: kept in the browser, never sent. */
import { effect, signal, type Signal } from "@preact/signals";
import type { ByteUnit } from "../domain/units";

export type Theme = "system" | "dark" | "light";

export type Switch = "off" | "on";

export interface Preferences {
    theme: Signal<Theme>;
    bytesAs: Signal<ByteUnit>;
    /* How alerts draw attention in this browser. */
    notify: Signal<Switch>;
    sound: Signal<Switch>;
}

/* boot.ts reads netsonde.theme before the first paint. */
const PREFIX = "netsonde.";

function remembered<T extends string>(key: string, words: readonly [T, ...T[]]): Signal<T> {
    let first: T = words[0];
    try {
        const stored = localStorage.getItem(PREFIX + key);
        first = words.find((w) => w === stored) ?? first;
    } catch {
        /* Storage is off: choices last as long as the page. */
    }
    const value = signal<T>(first);
    effect(() => {
        try {
            localStorage.setItem(PREFIX + key, value.value);
        } catch {
            /* as above */
        }
    });
    return value;
}

export function loadPreferences(): Preferences {
    return {
        theme: remembered<Theme>("theme", ["system", "dark", "light"]),
        bytesAs: remembered<ByteUnit>("unit", ["bits", "bytes"]),
        notify: remembered<Switch>("notify", ["off", "on"]),
        sound: remembered<Switch>("sound", ["off", "on"]),
    };
}
