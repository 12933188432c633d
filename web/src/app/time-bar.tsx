/*
 * The window of time, at one place for all pages: quick ranges, earlier and later, wider; behind the
 * button with its name everything else: long ranges, two typed times, what it is compared with, a
 * link that goes on showing it.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { COMPARE_CHOICES, compareText } from "../domain/compare";
import {
    CHOICES,
    LONG_CHOICES,
    pinned,
    rangeQuery,
    readRange,
    shifted,
    spanOf,
    widened,
    type Range,
} from "../domain/range";
import { exactText, fromToText, serverNow, zoneText } from "../domain/time";
import { durationText } from "../domain/units";
import { usePage, type PageContext } from "../pages/context";
import { baselineNames } from "../store/baselines";
import { Segmented } from "../widgets/segmented";

export const SHIFT = 0.5; // of the window
export const ZOOM = 2;

export function shiftBy({ location }: PageContext, part: number): void {
    location.setRange(shifted(location.range.value, part, serverNow()));
}

export function zoomBy({ location }: PageContext, factor: number): void {
    location.setRange(widened(location.range.value, factor, serverNow()));
}

/* false: the browser gives nobody the clipboard here (no TLS, say). */
export async function copyLink({ location }: PageContext): Promise<boolean> {
    try {
        await navigator.clipboard.writeText(location.link(serverNow()));
        return true;
    } catch {
        return false;
    }
}

export function TimeBar() {
    const context = usePage();
    const { location } = context;
    const range = location.range.value;
    const followsNow = range.kind === "last";
    return (
        <section class={`range range-${range.kind}`} aria-label="Window of time">
            <Segmented
                label="Window"
                choices={CHOICES.map((c) => ({ ...c, value: c.spanMs, name: `last ${c.name}` }))}
                value={range.kind === "last" ? range.spanMs : undefined}
                onChoose={(spanMs) => location.setRange({ kind: "last", spanMs })}
            />
            <div class="range-step" role="group" aria-label="Move the window">
                <button
                    type="button"
                    class="button icon-button"
                    aria-label="Earlier"
                    title="Earlier, by half a window ([)"
                    onClick={() => shiftBy(context, -SHIFT)}
                >
                    <Chevron points="7.500 2 3.500 6 7.500 10" />
                </button>
                <RangeMenu range={range} />
                <button
                    type="button"
                    class="button icon-button"
                    aria-label="Later"
                    aria-disabled={followsNow}
                    title={followsNow ? "This is the present" : "Later, by half a window (])"}
                    onClick={() => !followsNow && shiftBy(context, SHIFT)}
                >
                    <Chevron points="4.500 2 8.500 6 4.500 10" />
                </button>
                <button
                    type="button"
                    class="button icon-button range-wider"
                    aria-label="Wider"
                    title="Twice as long a window (−)"
                    onClick={() => zoomBy(context, ZOOM)}
                >
                    <svg class="mark mark-line" viewBox="0 0 12 12" aria-hidden="true">
                        <path d="M8 8l3 3M2.500 5h5" />
                        <circle cx="5" cy="5" r="4" />
                    </svg>
                </button>
            </div>
            {!followsNow && (
                <button
                    type="button"
                    class="button range-leave"
                    aria-label={`Leave ${stretch(range)}, go back to the present`}
                    title="Back to the present (Esc)"
                    onClick={() => location.follow()}
                >
                    <span aria-hidden="true">×</span>
                </button>
            )}
        </section>
    );
}

function Chevron({ points }: { points: string }) {
    return (
        <svg class="mark mark-line" viewBox="0 0 12 12" aria-hidden="true">
            <polyline points={points} />
        </svg>
    );
}

function stretch(range: Range): string {
    return range.kind === "fixed"
        ? fromToText(range.fromMs, range.toMs, serverNow())
        : `last ${durationText(range.spanMs)}`;
}

function RangeMenu({ range }: { range: Range }) {
    const { location } = usePage();
    const button = useRef<HTMLButtonElement>(null);
    const menu = useRef<HTMLDivElement>(null);
    const open = useSignal(false);
    const compare = location.compare.value;
    /* Under its button, inside of the page; the top layer knows no neighbours. */
    const place = () => {
        const at = button.current!.getBoundingClientRect();
        const box = menu.current!;
        const left = Math.min(at.left, window.innerWidth - box.offsetWidth - 8);
        box.style.left = `${Math.max(8, left)}px`;
        box.style.top = `${at.bottom + 6}px`;
    };
    useEffect(() => {
        const box = menu.current!;
        const toggled = (e: Event) => {
            open.value = (e as ToggleEvent).newState === "open";
            if (open.value) place();
        };
        box.addEventListener("toggle", toggled);
        return () => box.removeEventListener("toggle", toggled);
    }, []);
    const close = () => menu.current!.hidePopover();
    return (
        <>
            <button
                ref={button}
                type="button"
                class="button range-name"
                aria-expanded={open.value}
                aria-haspopup="dialog"
                title={`${stretch(range)}, ${zoneText(serverNow())}${compare ? `, with ${compareText(compare)}` : ""}`}
                onClick={() => menu.current!.togglePopover()}
            >
                <span>{stretch(range)}</span>
                {compare && <span class="range-compare">vs {compare.text}</span>}
            </button>
            <div
                ref={menu}
                popover="auto"
                class="range-menu"
                role="dialog"
                aria-label="Window of time"
            >
                {open.value && <RangeForm range={range} onDone={close} />}
            </div>
        </>
    );
}

function RangeForm({ range, onDone }: { range: Range; onDone(): void }) {
    const context = usePage();
    const { location } = context;
    const now = useRef(serverNow()).current;
    const said = useRef(rangeQuery(range)).current;
    const written = (text: string, ms: number) => (range.kind === "fixed" ? exactText(ms) : text);
    const at = pinned(range, now) as { fromMs: number; toMs: number };
    const from = useSignal(written(said.from, at.fromMs));
    const to = useSignal(written(said.to, at.toMs));
    const mistake = useSignal("");
    const copied = useSignal("");
    const compare = location.compare.value;
    const first = useRef<HTMLInputElement>(null);
    useLayoutEffect(() => first.current?.focus(), []);
    const show = (e: Event) => {
        e.preventDefault();
        const read = readRange(from.value, to.value, serverNow());
        if (typeof read === "string") {
            mistake.value = read;
            return;
        }
        location.setRange(read);
        onDone();
    };
    const own = compare?.kind === "baseline" ? compare.text : "";
    return (
        <>
            <div class="range-quick" role="group" aria-label="Last">
                {[...CHOICES, ...LONG_CHOICES].map((c) => (
                    <button
                        key={c.spanMs}
                        type="button"
                        class="button"
                        aria-pressed={range.kind === "last" && range.spanMs === c.spanMs}
                        onClick={() => {
                            location.setRange({ kind: "last", spanMs: c.spanMs });
                            onDone();
                        }}
                    >
                        {c.name}
                    </button>
                ))}
            </div>
            <form class="range-form" onSubmit={show} aria-label="From and to">
                <label>
                    <span>From</span>
                    <input
                        ref={first}
                        name="from"
                        value={from.value}
                        autocomplete="off"
                        spellcheck={false}
                        aria-describedby="range-mistake"
                        onInput={(e) => (from.value = e.currentTarget.value)}
                    />
                </label>
                <label>
                    <span>To</span>
                    <input
                        name="to"
                        value={to.value}
                        autocomplete="off"
                        spellcheck={false}
                        aria-describedby="range-mistake"
                        onInput={(e) => (to.value = e.currentTarget.value)}
                    />
                </label>
                <p class="quiet">
                    now, now-2h, 2026-11-29 14:05 ({zoneText(now)}), RFC 3339 or epoch ms
                </p>
                <p class="mistake" id="range-mistake" role="alert">
                    {mistake.value}
                </p>
                <button type="submit" class="button button-primary">
                    Show
                </button>
                {range.kind === "last" && (
                    <button
                        type="button"
                        class="button"
                        title="As two times that stand still"
                        onClick={() => {
                            location.setRange(pinned(range, serverNow()));
                            onDone();
                        }}
                    >
                        Hold these {durationText(spanOf(range))}
                    </button>
                )}
            </form>
            <fieldset class="range-against">
                <legend>Compare with</legend>
                <div class="range-quick">
                    {[{ text: "", name: "nothing" }, ...COMPARE_CHOICES].map((c) => (
                        <button
                            key={c.text}
                            type="button"
                            class="button"
                            aria-pressed={(compare?.text ?? "") === c.text}
                            onClick={() => location.setCompare(c.text)}
                        >
                            {c.name}
                        </button>
                    ))}
                </div>
                <BaselineChoice value={own} onChoose={(name) => location.setCompare(name)} />
            </fieldset>
            <p class="range-link">
                <button
                    type="button"
                    class="button"
                    onClick={() =>
                        void copyLink(context).then((done) => {
                            copied.value = done
                                ? "Copied: it goes on showing this stretch."
                                : "This browser gives no clipboard here; the address itself is the link.";
                        })
                    }
                >
                    Copy link
                </button>
                <span class="quiet" role="status">
                    {copied.value}
                </span>
            </p>
        </>
    );
}

/* The baselines that there are; nothing when there is none. */
function BaselineChoice({ value, onChoose }: { value: string; onChoose(name: string): void }) {
    const { session } = usePage();
    const names = useSignal<readonly string[]>([]);
    useEffect(() => {
        const stop = new AbortController();
        void baselineNames(session, stop.signal).then((list) => (names.value = list));
        return () => stop.abort();
    }, []);
    const all = value && !names.value.includes(value) ? [value, ...names.value] : names.value;
    if (all.length === 0) return null;
    return (
        <label>
            <span>a baseline</span>
            <select value={value} onChange={(e) => onChoose(e.currentTarget.value)}>
                <option value="">none</option>
                {all.map((name) => (
                    <option key={name} value={name}>
                        {name}
                    </option>
                ))}
            </select>
        </label>
    );
}
