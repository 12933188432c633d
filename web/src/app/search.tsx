/*
 * The search of the top bar, and the palette that it opens: one box for pages, windows of time,
 * choices, devices, processes, metrics, rules, baselines and connections. The palette is fetched when
 * it is wanted for the first time.
 */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { JSX } from "preact";

const open = signal(false);

export function openPalette(): void {
    open.value = true;
}

const MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function SearchField() {
    return (
        <>
            <button
                type="button"
                class="search-field"
                aria-haspopup="dialog"
                aria-keyshortcuts={MAC ? "Meta+K" : "Control+K"}
                title={`Search and commands (${MAC ? "⌘" : "Ctrl"}-K)`}
                onClick={openPalette}
            >
                <svg class="mark mark-line" viewBox="0 0 12 12" aria-hidden="true">
                    <path d="M8 8l3 3" />
                    <circle cx="5" cy="5" r="4" />
                </svg>
                <span class="visually-hidden">Search and commands</span>
                <span class="search-words" aria-hidden="true">
                    Search
                </span>
                <kbd aria-hidden="true">{MAC ? "⌘" : "Ctrl"} K</kbd>
            </button>
            {open.value && <Late onClose={() => (open.value = false)} />}
        </>
    );
}

type PaletteComponent = (props: { onClose(): void }) => JSX.Element;
let loaded: PaletteComponent | undefined;

function Late({ onClose }: { onClose(): void }) {
    const [Palette, setPalette] = useState<PaletteComponent | undefined>(() => loaded);
    useEffect(() => {
        if (Palette) return;
        import("./palette").then(
            (m) => {
                loaded = m.Palette;
                setPalette(() => m.Palette);
            },
            onClose, // the server is gone: the strip says so
        );
    }, []);
    return Palette ? <Palette onClose={onClose} /> : null;
}
