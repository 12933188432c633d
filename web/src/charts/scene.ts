/*
 * A finished picture as a list of marks in pixels: what a chart is when it leaves the page. One list
 * is written as SVG (svg.ts), painted on a canvas (paint.ts) and shown in the page (scene-view.tsx),
 * so that all three are the same picture. Nothing in here knows where the numbers came from.
 */
export interface LineMark {
    kind: "line";
    points: readonly number[]; // x and y in turn
    stroke: string;
    width: number;
    dash?: readonly number[] | undefined;
    opacity?: number;
    series?: string; // whose line it is
}

export interface AreaMark {
    kind: "area";
    points: readonly number[];
    fill: string;
    opacity: number;
    series?: string;
}

export interface TextMark {
    kind: "text";
    x: number;
    y: number; // of the base line
    text: string;
    size: number;
    fill: string;
    anchor?: "middle" | "end";
    weight?: number;
}

export interface BoxMark {
    kind: "box";
    x: number;
    y: number;
    width: number;
    height: number;
    fill: string;
    opacity?: number;
    stroke?: string;
    hatch?: string; // lines of this colour on it: not measured
}

export interface DotMark {
    kind: "dot";
    x: number;
    y: number;
    r: number;
    fill: string;
    stroke?: string;
    title?: string; // what it says to who points at it
}

export type Mark = LineMark | AreaMark | TextMark | BoxMark | DotMark;

export interface Scene {
    width: number;
    height: number;
    title: string;
    description: string;
    font: string;
    ground: string;
    marks: readonly Mark[];
}

/* Width in pixels of a text; the browser knows, tests guess. */
export type MeasureText = (text: string, size: number, weight?: number) => number;

/* Shortened with an ellipsis until it fits. */
export function fitted(text: string, room: number, measure: (text: string) => number): string {
    if (measure(text) <= room) return text;
    const chars = [...text];
    let low = 0;
    let high = chars.length;
    while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if (measure(chars.slice(0, middle).join("") + "…") <= room) low = middle;
        else high = middle - 1;
    }
    return low > 0 ? chars.slice(0, low).join("") + "…" : "";
}
