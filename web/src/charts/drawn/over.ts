/*
 * What lies over a picture while somebody reads it: the part that is meant, the page's moment, a
 * stretch of time that is being marked. Three elements that are moved, so nothing is painted anew
 * but what is under them.
 */
import { graphic, type EChartsType } from "echarts/core";
import type { Palette } from "../palette";
import type { Outline, TimeAxis } from "./kind";

const Z = 100;

export class Over {
    readonly #edge = new graphic.Rect({ silent: true, z: Z, invisible: true }); // on any colour seen
    readonly #box = new graphic.Rect({ silent: true, z: Z, invisible: true });
    readonly #ring = new graphic.Circle({ silent: true, z: Z, invisible: true });
    readonly #line = new graphic.Line({ silent: true, z: Z, invisible: true });
    readonly #stretch = new graphic.Rect({ silent: true, z: Z, invisible: true });

    constructor(zr: ReturnType<EChartsType["getZr"]>) {
        const all: unknown[] = [this.#edge, this.#box, this.#ring, this.#line, this.#stretch];
        for (const element of all) zr.add(element as Parameters<typeof zr.add>[0]);
    }

    outline(o: Outline | undefined, palette: Palette): void {
        const ring = o?.kind === "ring";
        this.#ring.attr("invisible", !ring);
        this.#box.attr("invisible", !o || ring);
        this.#edge.attr("invisible", o?.kind !== "cell");
        if (!o) return;
        if (o.kind === "ring") {
            this.#ring.setShape({ cx: o.x, cy: o.y, r: o.r });
            this.#ring.setStyle({ fill: "none", stroke: palette.text, lineWidth: 1.5 });
            return;
        }
        const { x, y, width, height } = o;
        if (o.kind === "cell") {
            const around = { x: x - 0.5, y: y - 0.5, width: width + 1, height: height + 1 };
            this.#edge.setShape(around);
            this.#edge.setStyle({ fill: "none", stroke: palette.surface, lineWidth: 4 });
            this.#box.setShape(around);
            this.#box.setStyle({ fill: "none", stroke: palette.text, lineWidth: 1.5, opacity: 1 });
        } else {
            this.#box.setShape({ x, y, width, height });
            this.#box.setStyle({ fill: palette.text, stroke: "none", lineWidth: 0, opacity: 0.08 });
        }
    }

    moment(
        { left, right, top, bottom, fromMs, toMs }: TimeAxis,
        t: number | undefined,
        palette: Palette,
    ): void {
        const seen = t !== undefined && t >= fromMs && t <= toMs;
        this.#line.attr("invisible", !seen);
        if (!seen) return;
        const x =
            Math.round(left + ((t - fromMs) / Math.max(1, toMs - fromMs)) * (right - left)) + 0.5;
        this.#line.setShape({ x1: x, x2: x, y1: top, y2: bottom });
        this.#line.setStyle({ stroke: palette.quiet, lineWidth: 1, lineDash: [3, 3] });
    }

    mark({ left, right, top, bottom }: TimeAxis, a: number, b: number, palette: Palette): void {
        const x = Math.max(left, Math.min(a, b));
        const width = Math.min(right, Math.max(a, b)) - x;
        this.#stretch.attr("invisible", false);
        this.#stretch.setShape({ x, y: top, width, height: bottom - top });
        this.#stretch.setStyle({ fill: palette.text, opacity: 0.12 });
    }

    unmark(): void {
        this.#stretch.attr("invisible", true);
    }
}
