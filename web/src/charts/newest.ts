/* The newest values at the right edge: a dot on each trace, and the number beside it. */
import { spread } from "./axis";
import { FONT_PX } from "./ground";
import type { Palette } from "./palette";
import type { Place } from "./place";
import type { Tone } from "../domain/trace";

export interface Newest {
    tone: Tone;
    value: number; // as drawn
    text: string;
}

export function drawNewest(
    ctx: CanvasRenderingContext2D,
    place: Place,
    at: number, // epoch ms
    all: readonly Newest[],
    palette: Palette,
): void {
    const { px, right, top, bottom } = place;
    const x = Math.min(right, place.x(at));
    const seen = all
        .filter((l) => !Number.isNaN(l.value))
        .map((l) => ({ ...l, y: place.y(l.value) }));
    // Equal words at the same place are one label, e.g. four counters at zero.
    const labels = seen.filter(
        (l, i) => !seen.some((o, j) => j < i && o.text === l.text && Math.abs(o.y - l.y) < 2 * px),
    );
    const apart = (FONT_PX + 2) * px;
    const wishes = labels.map((l) => l.y);
    const places = spread(wishes, apart, top + apart / 2, bottom);
    ctx.font = `500 ${FONT_PX * px}px ${palette.font}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    for (const { y, tone } of seen) {
        ctx.fillStyle = palette[tone];
        ctx.beginPath();
        ctx.arc(x, y, 2.5 * px, 0, 2 * Math.PI);
        ctx.fill();
    }
    labels.forEach((label, i) => {
        ctx.fillStyle = palette[label.tone];
        ctx.fillText(label.text, right + 8 * px, places[i]!);
    });
}
