/*
 * The ground of a stretch for which nothing was measured: sunk below the chart's surface and hatched,
 * so that nobody takes it for zero. One small tile per palette and pixel ratio is made once; a stretch
 * costs one rectangle.
 */
import type { Palette } from "./palette";

const TILE_PX = 7; // between two lines, along an axis

const tiles = new WeakMap<Palette, { ratio: number; pattern: CanvasPattern }>();

export function hatchOf(
    ctx: CanvasRenderingContext2D,
    palette: Palette,
    ratio: number,
): CanvasPattern {
    const known = tiles.get(palette);
    if (known?.ratio === ratio) return known.pattern;
    const tile = document.createElement("canvas");
    const side = (tile.width = tile.height = Math.round(TILE_PX * ratio));
    const t = tile.getContext("2d")!;
    t.fillStyle = palette.unknown;
    t.fillRect(0, 0, side, side);
    t.strokeStyle = palette.hatch;
    t.lineWidth = ratio;
    t.beginPath();
    for (const x of [-side, 0, side]) {
        t.moveTo(x - side / 2, side * 1.5);
        t.lineTo(x + side * 1.5, -side / 2);
    }
    t.stroke();
    const pattern = ctx.createPattern(tile, "repeat")!;
    tiles.set(palette, { ratio, pattern });
    return pattern;
}
