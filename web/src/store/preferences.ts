/* What a reader chose once and expects to find again: kept in the browser, never sent. */
import { effect, signal, type Signal } from "@preact/signals";
import type { Prefixes, Zone } from "../domain/notation";
import type { ByteUnit } from "../domain/units";

export type Theme = "system" | "dark" | "light";
export type Contrast = "system" | "normal" | "high";
export type Colours = "own" | "safe";
export type Motion = "system" | "reduced";
export type Density = "normal" | "dense";
export type Switch = "off" | "on";

export interface Preferences {
    theme: Signal<Theme>;
    contrast: Signal<Contrast>;
    colours: Signal<Colours>;
    motion: Signal<Motion>;
    density: Signal<Density>;
    bytesAs: Signal<ByteUnit>;
    prefixes: Signal<Prefixes>;
    zone: Signal<Zone>;
    /* How alerts draw attention in this browser. */
    notify: Signal<Switch>;
    sound: Signal<Switch>;
}

/* boot.ts reads netsonde.theme and the other looks before the first paint. */
const PREFIX = "netsonde.";

/* The first word is what holds until somebody chooses. */
export function remembered<T extends string>(
    key: string,
    words: readonly [T, ...T[]],
): Signal<T> {
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
        contrast: remembered<Contrast>("contrast", ["system", "normal", "high"]),
        colours: remembered<Colours>("colours", ["own", "safe"]),
        motion: remembered<Motion>("motion", ["system", "reduced"]),
        density: remembered<Density>("density", ["normal", "dense"]),
        bytesAs: remembered<ByteUnit>("unit", ["bits", "bytes"]),
        prefixes: remembered<Prefixes>("prefixes", ["si", "iec"]),
        zone: remembered<Zone>("zone", ["local", "utc"]),
        notify: remembered<Switch>("notify", ["off", "on"]),
        sound: remembered<Switch>("sound", ["off", "on"]),
    };
}
