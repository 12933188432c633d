/*
 * A chart over time as the reader meets it: in the frame of all charts, with what is read of it and
 * what is missing. It paints when the environment says so and is otherwise at rest; out of sight it
 * only keeps count, and paints now and then when there is time, for a picture of the whole page.
 */
import { effect, signal, untracked, useSignal, type ReadonlySignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { notation } from "../domain/notation";
import type { Flag } from "../domain/flags";
import { panned, zoomed } from "../domain/range";
import type { ChartSpec } from "../domain/trace";
import { durationText, plotFactor, unitOf } from "../domain/units";
import {
    chartTable,
    emptyText,
    ghostText,
    readoutText,
    shortText,
    spokenValues,
    summaryOf,
} from "./chart-words";
import { useEnvironment, type ChartSource } from "./environment";
import { Frame, type ChartSize } from "./frame";
import { Gatherer, valuesAt } from "./gather";
import { GhostGatherer, type GhostLine } from "./ghost";
import { hiddenOf, Legend } from "./legend";
import { Ahead, whileInSight } from "./near";
import { Bands, type Limit } from "./overlay";
import { Picture, type Readout } from "./picture";
import { Pointer } from "./pointer";
import { SaveChart } from "./save-chart";

const SUMMARY_MS = 10_000; // between two sentences of what the picture shows
const CLOSER = 0.5;
const PAN = 0.25; // of the window
const FAR = 10; // steps

interface ChartProps {
    spec: ChartSpec;
    size: ChartSize;
    note?: string | undefined; // what is counted, before the method
    device?: string | undefined; // show this device's flags only
    limits?: ReadonlySignal<readonly Limit[]>; // lines across it
    onDrag?: ((key: string, value: number) => void) | undefined; // a limit was moved to this, in base units
    empty?: string; // why there is nothing, where the page knows better
}

/* What is said of the data around the picture. */
interface Facts {
    empty: boolean;
    method: string;
    missingMs: number;
    banded: boolean;
    compared: string; // with what, or ""
}

const NO_FACTS: Facts = { empty: true, method: "", missingMs: 0, banded: false, compared: "" };
const NO_LIMITS: readonly Limit[] = [];

export function Chart({ spec, size, note, device, limits, onDrag, empty: emptyWords }: ChartProps) {
    const env = useEnvironment();
    const host = useRef<HTMLDivElement>(null);
    const picture = useRef<Picture>();
    const pointer = useRef<Pointer>();
    const facts = useSignal<Facts>(NO_FACTS);
    const summary = useSignal("");
    const readout = useSignal<Readout | undefined>(undefined);
    const byKeys = useSignal(false);
    const ghosts = useRef<readonly GhostLine[]>([]);
    const wordy = size === "large";
    const drag = useRef(onDrag);
    drag.current = onDrag;
    const drags = onDrag !== undefined;
    const hidden = hiddenOf(env.hidden.value, spec.key);
    const unit = spec.what ?? unitOf(spec.measure, env.bytesAs.value);

    // Before the first paint, so that what is in sight is known with it.
    useLayoutEffect(() => {
        const element = host.current!;
        const gatherer = new Gatherer(spec);
        const bands = new Bands();
        const ghostly = new GhostGatherer(spec);
        const flagsOf = relevantTo(device);
        const inSight = signal(false);
        const ahead = new Ahead(
            () => untracked(() => update(true)),
            () => element.clientWidth > 0,
        );
        let palette = env.palette.peek();
        let written = "";
        let toldAt = -Infinity;
        const fit = () => picture.current?.resize(element.clientWidth, element.clientHeight);
        /* When there is something to draw and somebody to see it. */
        const begin = () => {
            const p = new Picture(element, spec, palette, wordy);
            const tones = spec.traces.map((t) => t.tone);
            pointer.current = new Pointer(element, p, tones, {
                ...env,
                drag: drags ? (key, v) => drag.current?.(key, v / p.factor) : undefined,
            });
            picture.current = p;
            fit();
            return p;
        };
        const look = whileInSight(element, (now) => (inSight.value = now));
        const observer = new ResizeObserver(fit);
        observer.observe(element);
        const read = () => {
            const t = env.cursor.peek();
            pointer.current?.point(t);
            const next = t === undefined ? undefined : picture.current?.read(t);
            if (next || readout.peek()) readout.value = next;
        };
        const update = (outOfSight: boolean) => {
            void env.painted.value;
            if (env.palette.value !== palette) {
                palette = env.palette.value;
                picture.current?.recolour(palette);
            }
            const { prefixes, zone } = notation();
            if (written !== prefixes + zone) {
                written = prefixes + zone;
                picture.current?.recolour(palette); // axes are written anew
            }
            const bytesAs = env.bytesAs.value;
            const flags = flagsOf(env.flags.value);
            const { grid, bounds } = env.source;
            const lines = limits?.value ?? NO_LIMITS;
            const seen = inSight.value || outOfSight;
            const hidden = hiddenOf(env.hidden.value, spec.key);
            const data = gatherer.gather(env.source, bytesAs, hidden);
            if (!data || !grid || !bounds) {
                facts.value = NO_FACTS;
                return;
            }
            const factor = plotFactor(spec.measure, bytesAs);
            const usual = bands.of(spec, data.ids, env.bands, factor, hidden);
            const { empty, missingMs } = data;
            const method = data.methods.join(" + ");
            const next = { empty, method, missingMs, banded: usual.length > 0, compared: env.ghost.words };
            if (!sameFacts(facts.peek(), next)) facts.value = next;
            ghosts.current = ghostly.gather(env.ghost, bytesAs, hidden);
            if (!seen) {
                ahead.ask();
                return;
            }
            ahead.painted();
            const p = picture.current ?? begin();
            const newest = valuesAt(data, data.n - 1);
            p.paint({
                data,
                grid,
                bounds,
                latestText: newest.map((v) => shortText(v, spec, bytesAs)),
                flags,
                scaleKey: `${bytesAs} ${prefixes} ${grid.stepMs} ${grid.capacity}`,
                complete: whole(env.source),
                bands: usual,
                limits: lines,
                ghosts: ghosts.current,
                factor,
            });
            pointer.current?.settle();
            if (env.cursor.peek() !== undefined || readout.peek()) read();
            const now = performance.now();
            if (now - toldAt < SUMMARY_MS) return;
            toldAt = now;
            summary.value = summaryOf(data, spec, bytesAs);
        };
        const stop = effect(() => update(false));
        const stopReading = effect(() => {
            void env.cursor.value;
            if (inSight.peek()) read();
        });
        return () => {
            stop();
            stopReading();
            look();
            ahead.cancel();
            observer.disconnect();
            pointer.current?.destroy();
            picture.current?.destroy();
            pointer.current = picture.current = undefined;
        };
    }, [spec, env, device, wordy, limits, drags]);

    const kind = useMemo(
        () => (spec.stack || spec.traces.some((t) => t.area) ? "area" : "line"),
        [spec],
    );
    const { empty, method, missingMs, banded, compared } = facts.value;
    const bytesAs = env.bytesAs.value;
    const usual = banded && `shaded: usual ± ${env.bands.sigmas} σ`;
    const dashed = compared && `dashed: ${compared}`;
    const source = [note, method, usual, dashed].filter(Boolean).join(" · ");
    const missing = missingMs > 0 && `${durationText(missingMs)} missing`;
    const measured = [source, missing].filter(Boolean).join(" · ");
    const at = readout.value;
    const drawn = useMemo(
        () => ({ ...spec, traces: spec.traces.filter((t) => !hidden.has(t.name)) }),
        [spec, hidden],
    );
    const shown = () => ({
        spec: drawn,
        env,
        unit,
        subtitle: measured,
        flags: relevantTo(device)(env.flags.peek()),
        limits: limits?.peek() ?? [],
        scale: picture.current?.scale,
        valueText: (v: number) => shortText(v, spec, env.bytesAs.peek()),
    });
    const table = () => {
        const { grid, bounds } = env.source;
        const data = new Gatherer(drawn).gather(env.source, bytesAs);
        if (!data || !grid || !bounds) return { columns: ["time"], rows: [] };
        return chartTable(data, grid, bounds, drawn, unit);
    };
    const keys = (e: KeyboardEvent) => {
        if (e.ctrlKey || e.metaKey || e.altKey) return;
        const done = move(e, picture.current, pointer.current, env.cursor);
        if (!done) return;
        e.preventDefault();
        e.stopPropagation();
        if (done === "read") byKeys.value = true;
    };
    return (
        <Frame
            kind={kind}
            chartKey={spec.key}
            size={size}
            state={empty ? "empty" : env.state.value}
            title={spec.title}
            unit={unit}
            subtitle={size === "quarter" ? missing || source : measured}
            summary={empty ? "" : summary.value}
            tight={size === "third" || size === "quarter" || spec.traces.length > 2}
            reading={at !== undefined}
            legend={
                <Legend
                    chartKey={spec.key}
                    entries={spec.traces.map(({ name, tone, dash }, i) => ({
                        name,
                        tone,
                        dash,
                        value: at ? shortText(at.values[i]!, spec, bytesAs) : "",
                    }))}
                />
            }
            readout={
                at && (
                    <>
                        {readoutText(at)}
                        {ghostText(ghosts.current, at, compared, spec, bytesAs)}
                        {byKeys.value && (
                            <span class="visually-hidden">{spokenValues(at, spec, bytesAs)}</span>
                        )}
                    </>
                )
            }
            speaks={byKeys.value}
            empty={emptyWords ?? emptyText(env.source)}
            save={<SaveChart title={spec.title} shown={shown} />}
            table={table}
            painted={env.painted}
        >
            <div
                class="plot"
                ref={host}
                role="img"
                tabIndex={0}
                aria-label={`${spec.title} over time. Arrow keys read values, with Shift they move the window; plus and minus zoom.`}
                onKeyDown={keys}
                onBlur={() => {
                    if (byKeys.value) env.cursor.value = undefined;
                    byKeys.value = false;
                }}
            />
        </Frame>
    );
}

/* What is missing was not measured, and has not only not been read. */
function whole({ loading, unread }: ChartSource): boolean {
    return !loading && !unread;
}

function sameFacts(a: Facts, b: Facts): boolean {
    return (Object.keys(a) as (keyof Facts)[]).every((k) => a[k] === b[k]);
}

const READS: Record<string, number | "first" | "last"> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    PageUp: FAR,
    PageDown: -FAR,
    Home: "first",
    End: "last",
};

/* By keys what the pointer does. Returns what was done. */
function move(
    e: KeyboardEvent,
    picture: Picture | undefined,
    pointer: Pointer | undefined,
    cursor: { value: number | undefined },
): "read" | "moved" | undefined {
    const place = picture?.place;
    if (!place || !pointer) return undefined;
    const pan = e.shiftKey && { ArrowLeft: -PAN, ArrowRight: PAN }[e.key];
    if (pan) {
        pointer.go((s) => panned(s, pan), pan > 0, e.repeat);
        return "moved";
    }
    const factor = { "+": CLOSER, "=": CLOSER, "-": 1 / CLOSER }[e.key];
    if (factor !== undefined) {
        const t = cursor.value;
        const share = t === undefined ? 1 : (t - place.fromMs) / (place.toMs - place.fromMs);
        const held = Math.min(1, Math.max(0, share));
        pointer.go(
            (s) => zoomed(s, factor, s.fromMs + held * (s.toMs - s.fromMs)),
            factor > 1,
            e.repeat,
        );
        return "moved";
    }
    const by = e.shiftKey ? undefined : READS[e.key];
    if (by === undefined) return undefined;
    cursor.value = picture.step(cursor.value, by);
    return "read";
}

/* The flags of the host and of one device; the same list for the same flags. */
function relevantTo(device: string | undefined): (flags: readonly Flag[]) => readonly Flag[] {
    let of: readonly Flag[] | undefined;
    let found: readonly Flag[] = [];
    return (flags) => {
        if (flags === of) return found;
        of = flags;
        return (found =
            device === undefined
                ? flags
                : flags.filter((f) => f.device === "" || f.device === device));
    };
}
