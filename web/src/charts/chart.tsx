/*
 * A chart as the reader meets it: title with unit, legend with values, how it was measured and what
 * is missing, and the picture. It paints when the environment says so and is otherwise at rest.
 */
import { effect, signal, useSignal, type ReadonlySignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { notation } from "../domain/notation";
import type { ChartSpec, TraceSpec } from "../domain/trace";
import {
    durationText,
    NO_VALUE,
    plotFactor,
    quantity,
    text,
    unitOf,
    whenText,
    type ByteUnit,
} from "../domain/units";
import type { Flag } from "../domain/flags";
import { serverNow } from "../domain/time";
import { useEnvironment, type ChartSource } from "./environment";
import { Gatherer } from "./gather";
import { GhostGatherer, ghostAt, type GhostLine } from "./ghost";
import { whenNear } from "./near";
import { bandsOf, type Limit } from "./overlay";
import { Picture, stretchText, type Readout } from "./picture";
import { SaveChart } from "./save-chart";

interface ChartProps {
    spec: ChartSpec;
    size: "large" | "half" | "third" | "quarter";
    note?: string | undefined; // what is counted, before the method
    device?: string | undefined; // show this device's flags only
    limits?: ReadonlySignal<readonly Limit[]>; // lines across it
    onDrag?: ((key: string, value: number) => void) | undefined; // a limit was moved to this, in base units
    empty?: string; // why there is nothing, where the page knows better
}

interface Facts {
    latest: number[];
    empty: boolean;
    methods: string[];
    missingMs: number;
    banded: boolean;
    compared: string; // with what, or ""
}

const NO_FACTS: Facts = { latest: [], empty: true, methods: [], missingMs: 0, banded: false, compared: "" };

export function Chart({ spec, size, note, device, limits, onDrag, empty: emptyWords }: ChartProps) {
    const env = useEnvironment();
    const host = useRef<HTMLDivElement>(null);
    const picture = useRef<Picture>();
    const facts = useSignal<Facts>(NO_FACTS);
    const readout = useSignal<Readout | undefined>(undefined);
    const byKeys = useSignal(false);
    const ghost = useRef<readonly GhostLine[]>([]);
    const wordy = size === "large";
    const drag = useRef(onDrag);
    drag.current = onDrag;
    const drags = onDrag !== undefined;

    // Before the first paint, so that what is in sight is known with it.
    useLayoutEffect(() => {
        const element = host.current!;
        const gatherer = new Gatherer(spec);
        const ghostly = new GhostGatherer(spec);
        const laidOut = signal(0);
        const box = () => ({ width: element.clientWidth, height: element.clientHeight });
        let palette = env.palette.peek();
        let written = "";
        const forget = whenNear(element, () => {
            palette = env.palette.peek();
            const factor = () => plotFactor(spec.measure, env.bytesAs.peek());
            const handlers = {
                cursor: (r?: Readout) => (readout.value = r),
                zoom: env.zoom,
                drag: drags
                    ? (key: string, plotted: number) => drag.current?.(key, plotted / factor())
                    : undefined,
            };
            picture.current = new Picture(element, box(), spec, palette, handlers, wordy);
            laidOut.value++;
        });
        const observer = new ResizeObserver(() => {
            if (!picture.current) return;
            picture.current.resize(box().width, box().height);
            laidOut.value++;
        });
        observer.observe(element);
        const stop = effect(() => {
            void env.painted.value;
            void laidOut.value;
            const p = picture.current;
            if (env.palette.value !== palette) {
                palette = env.palette.value;
                p?.recolour(palette);
            }
            const { prefixes, zone } = notation();
            if (written !== prefixes + zone) {
                written = prefixes + zone;
                p?.recolour(palette); // axes are written anew
            }
            const bytesAs = env.bytesAs.value;
            const flags = relevant(env.flags.value, device);
            const { grid, bounds } = env.source;
            const data = gatherer.gather(env.source, bytesAs);
            if (!data || !grid || !bounds) {
                facts.value = NO_FACTS;
                return;
            }
            const latestText = data.latest.map((v) => shortText(v, spec, bytesAs));
            const key = `${bytesAs} ${prefixes} ${grid.stepMs} ${grid.capacity}`;
            const factor = plotFactor(spec.measure, bytesAs);
            const bands = bandsOf(spec, data.ids, env.bands, factor);
            const ghosts = ghostly.gather(env.ghost, bytesAs, bounds);
            ghost.current = ghosts;
            const backdrop = { bands, limits: limits?.value ?? [], ghosts, factor };
            p?.paint(data, grid, bounds, latestText, flags, key, whole(env.source), backdrop);
            const { latest, empty, methods, missingMs } = data;
            const banded = bands.length > 0;
            const compared = env.ghost.words;
            facts.value = { latest: [...latest], empty, methods, missingMs, banded, compared };
            if (readout.peek()) readout.value = p?.readout;
        });
        return () => {
            stop();
            forget();
            observer.disconnect();
            picture.current?.destroy();
            picture.current = undefined;
        };
    }, [spec, env, device, wordy, limits, drags]);

    const kind = useMemo(() => (spec.traces.some((t) => t.area) ? "area" : "line"), [spec]);
    const { empty, methods, missingMs, banded, compared } = facts.value;
    const state = empty ? "empty" : env.state.value;
    const unit = spec.what ?? unitOf(spec.measure, env.bytesAs.value);
    const usual = banded && `shaded: usual ± ${env.bands.sigmas} σ`;
    const dashed = compared && `dashed: ${compared}`;
    const source = [note, methods.join(" + "), usual, dashed].filter(Boolean).join(" · ");
    const missing = missingMs > 0 && `${durationText(missingMs)} missing`;
    const measured = [source, missing].filter(Boolean).join(" · ");
    const at = readout.value;
    const shown = () => ({
        spec,
        env,
        unit: unit ?? "",
        subtitle: measured,
        flags: relevant(env.flags.peek(), device),
        limits: limits?.peek() ?? [],
        scale: picture.current?.scale,
        valueText: (v: number) => shortText(v, spec, env.bytesAs.peek()),
    });
    const tight = size === "third" || size === "quarter" || spec.traces.length > 2;
    return (
        <figure
            class={`chart chart-${size}`}
            data-chart={kind}
            data-state={state}
            data-key={spec.key}
        >
            <figcaption>
                <h3>
                    {spec.title} {unit && <span class="unit">{unit}</span>}
                </h3>
                <p class="method" title={measured}>
                    {size === "quarter" ? missing || source : measured}
                </p>
                <SaveChart title={spec.title} shown={shown} />
                <ul class={`legend${tight ? " tight" : ""}${at ? " reading" : ""}`}>
                    {spec.traces.map((trace, i) => (
                        <LegendItem
                            key={trace.name}
                            trace={trace}
                            value={at ? at.values[i] : facts.value.latest[i]}
                            spec={spec}
                            bytesAs={env.bytesAs.value}
                        />
                    ))}
                </ul>
                <p class="readout" aria-live={byKeys.value ? "polite" : "off"}>
                    {at ? readoutText(at) + ghostText(ghost.current, at.t, compared, shown().valueText) : ""}
                    {at && byKeys.value && (
                        <span class="visually-hidden">
                            {spokenValues(at, spec, env.bytesAs.value)}
                        </span>
                    )}
                </p>
            </figcaption>
            <div
                class="plot"
                ref={host}
                role="img"
                tabIndex={0}
                aria-label={`${spec.title} over time. Arrow keys read values.`}
                onKeyDown={(e) => {
                    const by = KEYS[e.key];
                    if (by === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
                    e.preventDefault();
                    e.stopPropagation();
                    byKeys.value = true;
                    const wide = e.shiftKey && typeof by === "number" ? by * 10 : by;
                    picture.current?.moveCursor(wide);
                }}
                onBlur={() => {
                    if (byKeys.value) picture.current?.moveCursor(undefined);
                    byKeys.value = false;
                }}
            />
            {empty && (
                <p class="chart-empty">
                    {emptyWords ?? emptyText(env.source)}
                </p>
            )}
        </figure>
    );
}

/* What is missing was not measured, and has not only not been read. */
function whole({ loading, unread }: ChartSource): boolean {
    return !loading && !unread;
}

function emptyText({ loading, unread }: ChartSource): string {
    if (loading) return "Reading history…";
    return unread ? "History could not be read." : "Nothing was measured in this window.";
}

const KEYS: Record<string, number | "first" | "last"> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    Home: "first",
    End: "last",
};

interface LegendItemProps {
    trace: TraceSpec;
    value: number | undefined;
    spec: ChartSpec;
    bytesAs: ByteUnit;
}

function LegendItem({ trace, value, spec, bytesAs }: LegendItemProps) {
    return (
        <li>
            <svg class={`swatch tone-${trace.tone}`} viewBox="0 0 16 4" aria-hidden="true">
                <line x1="0" y1="2" x2="16" y2="2" stroke-dasharray={trace.dash?.join(" ")} />
            </svg>
            <span class="name">{trace.name}</span>
            <span class="value">{shortText(value ?? NaN, spec, bytesAs)}</span>
        </li>
    );
}

/* Values of a gathered trace are in plotted units already; the title says which. */
function shortText(plotted: number, spec: ChartSpec, bytesAs: ByteUnit): string {
    if (Number.isNaN(plotted)) return NO_VALUE;
    const q = quantity(plotted / plotFactor(spec.measure, bytesAs), spec.measure, bytesAs);
    const prefix = q.unit.slice(0, q.unit.length - unitOf(spec.measure, bytesAs).length);
    return prefix ? `${q.number}\u2009${prefix}` : q.number;
}

function spokenValues(at: Readout, spec: ChartSpec, bytesAs: ByteUnit): string {
    const factor = plotFactor(spec.measure, bytesAs);
    return spec.traces
        .map((t, i) => `${t.name} ${text(quantity(at.values[i]! / factor, spec.measure, bytesAs))}`)
        .join(", ");
}

/* What was at that moment before, trace by trace. */
function ghostText(
    lines: readonly GhostLine[],
    t: number,
    words: string,
    valueText: (v: number) => string,
): string {
    if (lines.length === 0) return "";
    return ` · ${words}: ${lines.map((l) => valueText(ghostAt(l, t))).join(" / ")}`;
}

function readoutText(at: Readout): string {
    const time = whenText(at.flag?.t ?? at.t, serverNow());
    if (at.flag) return `${time} · ${at.flag.text}`;
    return at.unmeasured ? `${time} · ${stretchText(at.unmeasured)}` : time;
}

function relevant(flags: readonly Flag[], device: string | undefined): readonly Flag[] {
    return device === undefined
        ? flags
        : flags.filter((f) => f.device === "" || f.device === device);
}
