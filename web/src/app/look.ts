/*
 * What the reader chose about looks, as attributes of the root: the style sheets know the rest. Where
 * nobody chose, the system did, and its changes are followed. Charts read their colours afterwards.
 */
import { effect, signal, type ReadonlySignal } from "@preact/signals";
import { readPalette, type Palette } from "../charts/palette";
import { readNotationFrom } from "../domain/notation";
import type { Preferences } from "../store/preferences";

function follows(query: string): ReadonlySignal<boolean> {
    const list = window.matchMedia(query);
    const matches = signal(list.matches);
    list.addEventListener("change", (e) => (matches.value = e.matches));
    return matches;
}

/* Returns the colours that the page has now. */
export function applyLook(p: Preferences): ReadonlySignal<Palette> {
    const light = follows("(prefers-color-scheme: light)");
    const more = follows("(prefers-contrast: more)");
    const root = document.documentElement;
    const set = (name: string, value: string) => {
        if (value) root.dataset[name] = value;
        else delete root.dataset[name];
    };
    readNotationFrom(() => ({ prefixes: p.prefixes.value, zone: p.zone.value }));
    const palette = signal(readPalette());
    effect(() => {
        const theme = light.value ? "light" : "dark";
        const contrast = more.value ? "high" : "normal";
        set("theme", p.theme.value === "system" ? theme : p.theme.value);
        set("contrast", p.contrast.value === "system" ? contrast : p.contrast.value);
        set("palette", p.colours.value === "safe" ? "safe" : "");
        palette.value = readPalette();
    });
    effect(() => {
        set("motion", p.motion.value === "reduced" ? "reduced" : "");
        set("density", p.density.value === "dense" ? "dense" : "");
    });
    return palette;
}
