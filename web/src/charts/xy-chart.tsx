/*
 * A chart of points that each mean something: pointed at or walked through with the arrow keys they
 * say what they are, and Enter or a click opens what stands behind one.
 */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { ChartState } from "./environment";
import { useEnvironment } from "./environment";
import { Frame } from "./frame";
import { hiddenOf, Legend } from "./legend";
import { SaveXy } from "./save-xy";
import type { Mark } from "./scene";
import { SceneView } from "./scene-view";
import { nearest, xyMarks, xyScale, type XyContent, type XyPlace, type XyPoint } from "./xy-scene";
import { xyRows } from "./xy-table";

export interface XySpec {
    key: string;
    title: string;
    unit: string;
    subtitle: string;
    xTitle: string; // of the column in a file
    content: XyContent;
}

interface XyChartProps {
    spec: XySpec;
    size: "large" | "half" | "third";
    empty: string; // why there is nothing
    state?: ChartState | undefined;
    onOpen?: ((key: string) => void) | undefined;
}

const GUTTER = { left: 46, top: 8, right: 20, bottom: 24 };

export function XyChart({ spec, size, empty, state, onOpen }: XyChartProps) {
    const env = useEnvironment();
    const host = useRef<HTMLDivElement>(null);
    const box = useSignal({ width: 0, height: 0 });
    const at = useSignal<{ series: number; point: number } | undefined>(undefined);
    useLayoutEffect(() => {
        const element = host.current!;
        const look = () => {
            const { clientWidth: width, clientHeight: height } = element;
            if (width !== box.peek().width || height !== box.peek().height)
                box.value = { width, height };
        };
        look();
        const observer = new ResizeObserver(look);
        observer.observe(element);
        return () => observer.disconnect();
    }, []);

    const hidden = hiddenOf(env.hidden.value, spec.key);
    const content = useMemo<XyContent>(
        () => ({ ...spec.content, series: spec.content.series.filter((s) => !hidden.has(s.name)) }),
        [spec.content, hidden],
    );
    const { width, height } = box.value;
    const palette = env.palette.value;
    const place = useMemo<XyPlace>(
        () => ({
            left: GUTTER.left,
            top: GUTTER.top,
            right: Math.max(width - GUTTER.right, GUTTER.left + 1),
            bottom: Math.max(height - GUTTER.bottom, GUTTER.top + 1),
        }),
        [width, height],
    );
    const marks = useMemo(
        () => (width > 0 ? xyMarks(content, place, palette) : []),
        [content, place, palette, width],
    );
    const isEmpty = !spec.content.series.some((s) => s.points.some((p) => !Number.isNaN(p.y)));
    const chosen = at.value && content.series[at.value.series]?.points[at.value.point];
    const scale = xyScale(content, place);
    const ring: Mark[] =
        chosen && !Number.isNaN(chosen.y)
            ? [
                  {
                      kind: "dot",
                      x: scale.x(chosen.x),
                      y: scale.y(chosen.y),
                      r: 6,
                      fill: "none",
                      stroke: palette.text,
                  },
              ]
            : [];
    const point = (e: PointerEvent | MouseEvent) => {
        const frame = host.current!.getBoundingClientRect();
        return nearest(content, scale, e.clientX - frame.left, e.clientY - frame.top);
    };
    const open = (p: XyPoint | undefined) => p?.key !== undefined && onOpen?.(p.key);
    const table = () => {
        const { columns, rows } = xyRows(spec);
        return { columns, rows: [...rows].reverse() };
    };
    const known = content.series.flatMap((s) => s.points).filter((p) => !Number.isNaN(p.y));
    return (
        <Frame
            kind="line"
            chartKey={spec.key}
            size={size}
            state={isEmpty ? "empty" : (state ?? env.state.value)}
            title={spec.title}
            unit={spec.unit}
            subtitle={spec.subtitle}
            summary={known.length ? `${known.length} points; the newest: ${known[known.length - 1]!.title}` : ""}
            legend={<Legend chartKey={spec.key} entries={spec.content.series} />}
            readout={chosen?.title ?? ""}
            speaks
            empty={empty}
            save={<SaveXy spec={spec} />}
            table={table}
        >
            <div
                class={`plot plot-xy${chosen?.key !== undefined && onOpen ? " opens" : ""}`}
                ref={host}
                role="img"
                tabIndex={0}
                aria-label={`${spec.title}. Arrow keys read points${onOpen ? ", Enter opens one" : ""}.`}
                onPointerMove={(e) => (at.value = point(e))}
                onPointerLeave={() => (at.value = undefined)}
                onClick={(e) => {
                    const n = point(e);
                    open(n && content.series[n.series]!.points[n.point]);
                }}
                onBlur={() => (at.value = undefined)}
                onKeyDown={(e) => {
                    if (e.ctrlKey || e.metaKey || e.altKey) return;
                    const next = walk(content, at.peek(), e.key);
                    if (next) at.value = next;
                    else if (e.key === "Enter" && chosen) open(chosen);
                    else return;
                    e.preventDefault();
                    e.stopPropagation();
                }}
            >
                {width > 0 && !isEmpty && (
                    <SceneView width={width} height={height} marks={[...marks, ...ring]} />
                )}
            </div>
        </Frame>
    );
}

/* Left and right along a line, up and down from line to line; from nowhere to the newest point. */
function walk(
    c: XyContent,
    from: { series: number; point: number } | undefined,
    key: string,
): { series: number; point: number } | undefined {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    const turn = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (step === undefined && turn === undefined && key !== "Home" && key !== "End")
        return undefined;
    const lines = c.series.map((s, i) => ({ i, n: s.points.length })).filter((l) => l.n > 0);
    if (lines.length === 0) return undefined;
    const found = lines.findIndex((l) => l.i === from?.series);
    const now = Math.max(0, found);
    const line = lines[(now + (turn ?? 0) + lines.length) % lines.length]!;
    const last = line.n - 1;
    const point =
        key === "Home" ? 0 : !from || key === "End" ? last : from.point + (step ?? 0);
    return { series: line.i, point: Math.min(last, Math.max(0, point)) };
}
