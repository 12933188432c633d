/*
 * Every chart that is no line over time, behind one interface: a specification in, a framed picture
 * out. What draws is a library of half a megabyte, so it is fetched when the first such chart is near
 * the screen; until then, and while it is not there, the frame stands with its words.
 */
import { effect, useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { DataSpec } from "../domain/data-spec";
import { notation } from "../domain/notation";
import { unitOf, type ByteUnit } from "../domain/units";
import { outdatedText } from "./chart-words";
import { readingOf, tableOf } from "./data-words";
import { useEnvironment, type ChartState } from "./environment";
import { Frame, type ChartSize } from "./frame";
import { whenNear } from "./near";
import { SaveData } from "./save-data";
import type { Drawing } from "./drawn/drawing";
import type { Reading } from "./words/words";

interface DataChartProps {
    spec: DataSpec;
    size: ChartSize;
    empty: string; // why there is nothing
    state?: ChartState | undefined; // else the page's
    outdated?: string | undefined; // what is shown is old: why newer could not be read
    onOpen?: ((key: string) => void) | undefined; // the reader wants to know more about this part
}

export function DataChart(props: DataChartProps) {
    const { spec, size, empty, outdated, onOpen } = props;
    const state = outdated === undefined ? props.state : "stale";
    const env = useEnvironment();
    const host = useRef<HTMLDivElement>(null);
    const drawing = useRef<Drawing>();
    const newest = useRef(spec);
    newest.current = spec;
    const open = useRef(onOpen);
    open.current = onOpen;
    const readout = useSignal("");
    const byKeys = useSignal(false);
    const trouble = useSignal("");
    const reading: Reading = useMemo(() => readingOf(spec), [spec]);

    useLayoutEffect(() => {
        const element = host.current!;
        let gone = false;
        const start = async () => {
            try {
                const { Drawing } = await import("./drawn/drawing");
                if (gone) return;
                drawing.current = new Drawing(element, {
                    read: (words, keys) => {
                        readout.value = words;
                        byKeys.value = keys;
                    },
                    open: (key) => open.current?.(key),
                    zoom: env.zoom,
                    moment: (t) => (env.cursor.value = t),
                });
                paint();
                drawing.current.showMoment(env.cursor.peek());
            } catch {
                trouble.value =
                    "This chart could not be fetched: the server is gone or was replaced. Reload the page.";
            }
        };
        const paint = () =>
            drawing.current?.paint(newest.current, env.palette.peek(), env.bytesAs.peek());
        const forget = whenNear(element, () => void start());
        const observer = new ResizeObserver(() => drawing.current?.resize());
        observer.observe(element);
        const stop = effect(() => {
            void env.palette.value;
            void env.bytesAs.value;
            void notation();
            paint();
        });
        const follow = effect(() => {
            const t = env.cursor.value;
            drawing.current?.showMoment(t);
        });
        return () => {
            gone = true;
            stop();
            follow();
            forget();
            observer.disconnect();
            drawing.current?.destroy();
            drawing.current = undefined;
        };
    }, [env]);

    // Each specification is painted once, when the page is; the first with what draws.
    useLayoutEffect(() => {
        drawing.current?.paint(spec, env.palette.peek(), env.bytesAs.peek());
    }, [spec]);

    const bytesAs = env.bytesAs.value;
    const unit = spec.unit ?? ("measure" in spec ? unitOf(spec.measure, bytesAs) : "");
    return (
        <Frame
            kind={spec.kind}
            chartKey={spec.key}
            size={size}
            state={reading.empty ? "empty" : (state ?? env.state.value)}
            title={spec.title}
            unit={unit}
            subtitle={[spec.subtitle, reading.lost, outdatedText(outdated)].filter(Boolean).join(" · ")}
            summary={reading.summary(bytesAs)}
            legend={<Legend reading={reading} bytesAs={bytesAs} />}
            readout={<span title={readout.value}>{readout.value}</span>}
            speaks={byKeys.value}
            empty={trouble.value || empty}
            save={<SaveData spec={spec} />}
            table={() => tableOf(spec, bytesAs)}
        >
            <div
                class="plot plot-drawn"
                ref={host}
                role="img"
                tabIndex={0}
                aria-label={`${spec.title}. Arrow keys read values${onOpen ? ", Enter opens one" : ""}.`}
                onKeyDown={(e) => {
                    if (e.ctrlKey || e.metaKey || e.altKey) return;
                    if (!drawing.current?.key(e.key)) return;
                    e.preventDefault();
                    e.stopPropagation();
                }}
                onBlur={() => drawing.current?.key("Blur")}
            />
        </Frame>
    );
}

function Legend({ reading, bytesAs }: { reading: Reading; bytesAs: ByteUnit }) {
    const ramp = reading.empty ? undefined : reading.ramp?.(bytesAs);
    if (ramp)
        return (
            <li class="ramp">
                <span>0</span>
                <svg
                    viewBox={`0 0 ${ramp.length + 1} 1`}
                    preserveAspectRatio="none"
                    aria-hidden="true"
                >
                    {["0", ...ramp].map((words, level) => (
                        <rect key={level} class={`heat-${level}`} x={level} width="1" height="1">
                            <title>{level === 0 ? words : `up to ${words}`}</title>
                        </rect>
                    ))}
                </svg>
                <span>{ramp.at(-1)}</span>
            </li>
        );
    return (
        <>
            {reading.legend.map((l) => (
                <li key={`${l.tone} ${l.name}`}>
                    <svg class={`swatch tone-${l.tone}`} viewBox="0 0 16 4" aria-hidden="true">
                        <line x1="0" y1="2" x2="16" y2="2" />
                    </svg>
                    <span class="name">{l.name}</span>
                </li>
            ))}
        </>
    );
}
