/*
 * Where a chart's values stand on its canvas, in the canvas' own pixels. A chart that follows the
 * present moves by whole pixels only: its right edge is the next moment that falls on one, so what is
 * drawn stays as it is until then. Charts of one page do so in turns (their phases), so that not all of
 * them have to be drawn with the same tick.
 */
export const GUTTER_LEFT = 46;
export const GUTTER_RIGHT = 52;
export const GUTTER_TOP = 8;
export const AXIS_HEIGHT = 22;

export interface Box {
    width: number;
    height: number;
    px: number; // device pixels of a CSS pixel
}

export class Place {
    readonly px: number;
    readonly left: number;
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
    readonly fromMs: number;
    readonly toMs: number;
    readonly low: number;
    readonly high: number;

    /* phase: part of a pixel, from 0 up to 1. */
    constructor(
        box: Box,
        time: { fromMs: number; toMs: number },
        [low, high]: readonly [number, number],
        phase = 0,
    ) {
        const { px } = box;
        this.px = px;
        this.left = Math.round(GUTTER_LEFT * px);
        this.top = Math.round(GUTTER_TOP * px);
        this.right = Math.max(Math.round((box.width - GUTTER_RIGHT) * px), this.left + 1);
        this.bottom = Math.max(Math.round((box.height - AXIS_HEIGHT) * px), this.top + 1);
        this.low = low;
        this.high = high;
        const span = Math.max(time.toMs - time.fromMs, 1);
        const msOfPixel = span / (this.right - this.left);
        this.toMs = (Math.ceil(time.toMs / msOfPixel - phase - 1e-6) + phase) * msOfPixel;
        this.fromMs = this.toMs - span;
    }

    get width(): number {
        return this.right - this.left;
    }

    get height(): number {
        return this.bottom - this.top;
    }

    x(t: number): number {
        return this.left + ((t - this.fromMs) / (this.toMs - this.fromMs)) * this.width;
    }

    y(v: number): number {
        return this.bottom - ((v - this.low) / (this.high - this.low || 1)) * this.height;
    }

    timeAt(x: number): number {
        return this.fromMs + ((x - this.left) / this.width) * (this.toMs - this.fromMs);
    }

    valueAt(y: number): number {
        return this.low + ((this.bottom - y) / this.height) * (this.high - this.low);
    }

    /*
     * By how many pixels what was drawn here is moved to the left to be right there; undefined: it is
     * not the same picture.
     */
    movedTo(to: Place): number | undefined {
        const same = (["px", "left", "top", "right", "bottom", "low", "high"] as const).every(
            (k) => this[k] === to[k],
        );
        const span = this.toMs - this.fromMs;
        if (!same || Math.abs(to.toMs - to.fromMs - span) > 0.01) return undefined;
        const by = ((to.toMs - this.toMs) / span) * this.width;
        const whole = Math.round(by);
        return whole >= 0 && Math.abs(by - whole) < 0.01 ? whole : undefined;
    }
}

/* Draws nothing outside. */
export function inFrame(ctx: CanvasRenderingContext2D, place: Place, draw: () => void): void {
    ctx.save();
    ctx.beginPath();
    ctx.rect(place.left, place.top, place.width, place.height);
    ctx.clip();
    draw();
    ctx.restore();
}
