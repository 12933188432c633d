/*
 * Shapes of many boxes: a picture of thousands of cells is one element a colour, which costs little
 * to change and to paint.
 */
import { graphic } from "echarts/core";
import type { Palette } from "../palette";
import { heatOf } from "../palette";
import { hatchLines } from "../svg";
import { CLASSES } from "../../domain/classes";
import { FONT_PX } from "./axes";

interface Boxes {
    boxes: readonly number[]; // x, y, width, height in turn
}

export function registerShapes(): void {
    const shape = { boxes: [] as number[] };
    graphic.registerShape(
        "cells",
        graphic.extendShape({
            type: "cells",
            shape,
            buildPath(path: CanvasRenderingContext2D, { boxes }: Boxes) {
                for (let i = 0; i + 3 < boxes.length; i += 4)
                    path.rect(boxes[i]!, boxes[i + 1]!, boxes[i + 2]!, boxes[i + 3]!);
            },
        }),
    );
    graphic.registerShape(
        "hatching",
        graphic.extendShape({
            type: "hatching",
            shape,
            buildPath(path: CanvasRenderingContext2D, { boxes }: Boxes) {
                for (let i = 0; i + 3 < boxes.length; i += 4) {
                    const [x, y, width, height] = boxes.slice(i, i + 4) as [
                        number,
                        number,
                        number,
                        number,
                    ];
                    const lines = hatchLines({ kind: "box", x, y, width, height, fill: "" });
                    for (let k = 0; k + 3 < lines.length; k += 4) {
                        path.moveTo(lines[k]!, lines[k + 1]!);
                        path.lineTo(lines[k + 2]!, lines[k + 3]!);
                    }
                }
            },
        }),
    );
}

export function cells(boxes: readonly number[], fill: string, opacity = 1) {
    return { type: "cells", shape: { boxes }, style: { fill, opacity } };
}

/* The ground of what was not measured. */
export function hatched(boxes: readonly number[], palette: Palette) {
    return [
        cells(boxes, palette.unknown),
        {
            type: "hatching",
            shape: { boxes },
            style: { fill: "none", stroke: palette.hatch, lineWidth: 1 },
        },
    ];
}

/* Boxes by their class; undefined is what was not measured. */
export class HeatBoxes {
    readonly #levels: number[][] = Array.from({ length: CLASSES + 1 }, () => []);
    readonly #missing: number[] = [];

    add(level: number | undefined, x: number, y: number, width: number, height: number): void {
        (level === undefined ? this.#missing : this.#levels[level]!).push(x, y, width, height);
    }

    shapes(palette: Palette) {
        return [
            ...this.#levels.map((boxes, level) => cells(boxes, palette[heatOf(level)])),
            ...hatched(this.#missing, palette),
        ];
    }
}

/* Words at (x, y), which is their upper corner. */
export function words(
    x: number,
    y: number,
    text: string,
    fill: string,
    palette: Palette,
    end = false,
) {
    return {
        type: "text",
        x,
        y,
        style: {
            text,
            fill,
            fontSize: FONT_PX,
            fontFamily: palette.font,
            textAlign: end ? "right" : "left",
            textVerticalAlign: "top",
        },
    };
}

/* Shapes in pixels as a series: what they are is known, and the library only paints them. */
export function shapeSeries(id: string, children: readonly object[], z = 2) {
    return {
        id,
        type: "custom",
        coordinateSystem: "none",
        silent: true,
        z,
        data: [0],
        renderItem: () => ({ type: "group", children }),
    };
}
