/*
 * What stands around every saved chart, at one place for all kinds: title with unit, host, range, how
 * it was measured, legend with values; at the foot who made it and when.
 */
import { exactText, zoneText } from "../domain/time";
import type { Palette } from "./palette";
import { fitted, type Mark, type MeasureText } from "./scene";

export const SCENE_WIDTH = 960;
export const SCENE_HEIGHT = 432;
const EDGE = 24;
export const PLOT = { left: EDGE + 48, top: 104, right: SCENE_WIDTH - EDGE - 56, bottom: 374 };
const TITLE_PX = 18;
const SMALL_PX = 12;
const FOOT_PX = 11;

export interface Framed {
    title: string;
    unit: string;
    subtitle: string;
    host: string;
    version: string;
    range: string;
    madeMs: number;
    legend: readonly {
        name: string;
        value: string;
        stroke: string;
        dash?: readonly number[] | undefined;
    }[];
}

export function rangeText(fromMs: number, toMs: number): string {
    return `${exactText(fromMs)} – ${exactText(toMs)} ${zoneText(toMs)}`;
}

export function frame(f: Framed, palette: Palette, measure: MeasureText): Mark[] {
    const out: Mark[] = [];
    head(out, f, palette, measure);
    legend(out, f, palette, measure);
    const small = { y: SCENE_HEIGHT - 16, size: FOOT_PX, fill: palette.quiet };
    const maker = `netsonde ${f.version}`.trim();
    const text = fitted(maker, SCENE_WIDTH / 2, (t) => measure(t, FOOT_PX));
    const made = `saved ${exactText(f.madeMs)} ${zoneText(f.madeMs)}`;
    out.push(
        { kind: "text", x: EDGE, text, ...small },
        { kind: "text", x: SCENE_WIDTH - EDGE, text: made, anchor: "end", ...small },
    );
    return out;
}

function head(out: Mark[], f: Framed, palette: Palette, measure: MeasureText): void {
    const room = SCENE_WIDTH - 2 * EDGE;
    const strong = { fill: palette.text, weight: 600 };
    const small = { size: SMALL_PX, fill: palette.quiet };
    const right = { x: SCENE_WIDTH - EDGE, anchor: "end" as const };
    const host = fitted(f.host, room / 3, (t) => measure(t, SMALL_PX, 600));
    const unit = fitted(f.unit, room / 6, (t) => measure(t, SMALL_PX));
    const taken = measure(host, SMALL_PX, 600) + measure(unit, SMALL_PX) + EDGE + 8;
    const title = fitted(f.title, room - taken, (t) => measure(t, TITLE_PX, 600));
    const unitAt = EDGE + measure(title, TITLE_PX, 600) + 8;
    const left = room - measure(f.range, SMALL_PX) - EDGE;
    const subtitle = fitted(f.subtitle, left, (t) => measure(t, SMALL_PX));
    out.push(
        { kind: "text", x: EDGE, y: 36, text: title, size: TITLE_PX, ...strong },
        { kind: "text", x: unitAt, y: 36, text: unit, ...small },
        { kind: "text", ...right, y: 36, text: host, size: SMALL_PX, ...strong },
        { kind: "text", x: EDGE, y: 56, text: subtitle, ...small },
        { kind: "text", ...right, y: 56, text: f.range, ...small },
    );
}

/* As many as one line has room for; the rest is in the lines themselves. */
function legend(out: Mark[], f: Framed, palette: Palette, measure: MeasureText): void {
    let at = EDGE;
    for (const { name: whole, value, stroke, dash } of f.legend) {
        const name = fitted(whole, 200, (w) => measure(w, SMALL_PX));
        const nameWidth = measure(name, SMALL_PX);
        const width = 24 + nameWidth + 8 + measure(value, SMALL_PX, 600);
        if (at + width > SCENE_WIDTH - EDGE) break;
        const text = { kind: "text" as const, y: 82, size: SMALL_PX };
        out.push(
            { kind: "line", points: [at, 78, at + 16, 78], stroke, width: 2, dash },
            { ...text, x: at + 24, text: name, fill: palette.quiet },
            { ...text, x: at + 32 + nameWidth, text: value, fill: palette.text, weight: 600 },
        );
        at += width + 24;
    }
}
