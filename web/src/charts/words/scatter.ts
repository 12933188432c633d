/*
 * Points that are one thing each, in words. Parts are the points that have a place, group by group;
 * left and right lead to the next one in x, up and down in y.
 */
import type { ScatterSpec } from "../../domain/data-spec";
import { NO_VALUE } from "../../domain/units";
import { counted, exact, head, inUnit, named, within, type Words } from "./words";

export interface Placed {
    x: number;
    y: number;
    title: string;
    group: number;
    key?: string | undefined;
}

/* What a logarithm has no place for, above all: below zero. */
function hasPlace(value: number, log: boolean | undefined): boolean {
    return Number.isFinite(value) && (!log || value >= 0);
}

const seen = new WeakMap<ScatterSpec, readonly Placed[]>();

export function placed(spec: ScatterSpec): readonly Placed[] {
    const known = seen.get(spec);
    if (known) return known;
    const out: Placed[] = [];
    spec.groups.forEach(({ points }, group) => {
        for (const p of points)
            if (hasPlace(p.x, spec.x.log) && hasPlace(p.y, spec.y.log)) out.push({ ...p, group });
    });
    seen.set(spec, out);
    return out;
}

/* Where each stands when they are sorted, and who stands there. */
function ranked(values: readonly number[]): { order: number[]; rank: number[] } {
    const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b);
    const rank = new Array<number>(values.length);
    order.forEach((part, place) => (rank[part] = place));
    return { order, rank };
}

export const SCATTER: Words<ScatterSpec> = {
    reading(spec) {
        const points = placed(spec);
        const all = spec.groups.reduce((n, g) => n + g.points.length, 0);
        const lost = all - points.length;
        return {
            empty: points.length === 0,
            legend:
                spec.groups.length > 1 ? spec.groups.map(({ name, tone }) => ({ name, tone })) : [],
            ...(lost > 0 ? { lost: `${counted(lost, "")} without a place` } : {}),
            summary: () =>
                spec.groups
                    .map((g) => `${named(g.name)} ${counted(g.points.length, "points")}`)
                    .join(", "),
        };
    },
    table(spec, bytesAs) {
        const { x, y } = spec;
        return {
            columns: [
                "group",
                "name",
                head(x.title, x.measure, bytesAs),
                head(y.title, y.measure, bytesAs),
            ],
            rows: spec.groups.flatMap((g) =>
                g.points.map((p) => [
                    g.name,
                    p.title,
                    inUnit(p.x, x.measure, bytesAs),
                    inUnit(p.y, y.measure, bytesAs),
                ]),
            ),
        };
    },
    parts(spec) {
        const points = placed(spec);
        let byX: ReturnType<typeof ranked> | undefined;
        let byY: ReturnType<typeof ranked> | undefined;
        return {
            count: points.length,
            words(part, bytesAs) {
                const p = points[part];
                if (!p) return NO_VALUE;
                const group =
                    spec.groups.length > 1 ? ` (${named(spec.groups[p.group]!.name)})` : "";
                return [
                    named(p.title) + group,
                    `${spec.x.title} ${exact(p.x, spec.x.measure, bytesAs)}`,
                    `${spec.y.title} ${exact(p.y, spec.y.measure, bytesAs)}`,
                ].join(" · ");
            },
            key: (part) => points[part]?.key,
            step(part, arrow) {
                const lying = arrow === "ArrowLeft" || arrow === "ArrowRight";
                const { order, rank } = lying
                    ? (byX ??= ranked(points.map((p) => p.x)))
                    : (byY ??= ranked(points.map((p) => p.y)));
                const by = arrow === "ArrowLeft" || arrow === "ArrowDown" ? -1 : 1;
                return order[within(rank[part]! + by, order.length)]!;
            },
        };
    },
};
