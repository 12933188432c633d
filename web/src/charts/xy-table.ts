/* The points of a chart as a table: one row each. */
import type { Cell } from "../domain/csv";
import type { XySpec } from "./xy-chart";

export function xyRows({ xTitle, unit, content }: XySpec): { columns: string[]; rows: Cell[][] } {
    const time = content.axis === "time";
    return {
        columns: ["series", time ? "time" : xTitle, unit ? `value (${unit})` : "value"],
        rows: content.series.flatMap((s) =>
            s.points.map((p): Cell[] => [
                s.name,
                time ? new Date(p.x).toISOString() : p.x,
                Number.isNaN(p.y) ? null : Number(p.y.toPrecision(12)),
            ]),
        ),
    };
}
