/*
 * The search of the top bar, and the palette that it opens: one box for pages, windows of time,
 * choices, devices, processes, metrics, rules, baselines and connections. What it finds, and how, is
 * fetched when it is wanted for the first time.
 */
import { useComputed, useSignal, type Signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { isComposing } from "../widgets/list-keys";
import { later, NotFetched } from "./later";
import { Openings } from "./openings";

const palette = new Openings();
export const openPalette = palette.open;

const MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function SearchField() {
    const opening = palette.shown;
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
            {opening > 0 && <Palette key={opening} onClose={() => palette.closed(opening)} />}
        </>
    );
}

export interface FinderProps {
    question: Signal<string>;
    /* The id of the option that Enter would take: told by what finds. */
    active: Signal<string | undefined>;
    /* What finds puts here what becomes of keys in the box. */
    onKey: { current: (e: KeyboardEvent) => void };
    close(): void;
}

/*
 * A native dialog and its box, which are there at once: letters before it can find anything are
 * not lost, and an input method that is composing does not lose the box when it can.
 */
function Palette({ onClose }: { onClose(): void }) {
    const dialog = useRef<HTMLDialogElement>(null);
    const question = useSignal("");
    const active = useSignal<string>();
    const onKey = useRef<(e: KeyboardEvent) => void>(() => undefined);
    useLayoutEffect(() => dialog.current!.showModal(), []); // before the next key
    const expanded = useComputed(() => (active.value === undefined ? "false" : "true"));
    const close = () => dialog.current!.close();
    return (
        <dialog
            ref={dialog}
            class="palette"
            aria-label="Search and commands"
            onClose={onClose}
            onClick={(e) => e.target === dialog.current && close()}
        >
            <input
                class="palette-question"
                role="combobox"
                aria-label="Search pages, times, choices, devices, processes, metrics, rules"
                aria-expanded={expanded}
                aria-controls="palette-list"
                aria-autocomplete="list"
                aria-activedescendant={active}
                placeholder="Page, time, device, process, metric, rule, address…"
                autocomplete="off"
                spellcheck={false}
                maxLength={200}
                autofocus
                onInput={(e) => (question.value = e.currentTarget.value)}
                onKeyDown={(e) => {
                    // It has the focus until the next frame after it was closed.
                    if (!isComposing(e) && dialog.current!.open) onKey.current(e);
                }}
            />
            <Finder question={question} active={active} onKey={onKey} close={close} />
        </dialog>
    );
}

const Finder = later<FinderProps>(
    () => import("./palette").then((m) => m.Finder),
    ({ failed }) => (
        <p class="palette-foot" role="status">
            {failed ? (
                <>
                    The search could not be fetched. <NotFetched />
                </>
            ) : (
                "Fetching what can be found…"
            )}
        </p>
    ),
);
