/*
 * What a hand does on a picture: pointing reads, dragging marks a stretch or moves a limit, the wheel
 * with Shift goes closer and away, a double click goes back. The same by keys is in chart.tsx.
 */
import type { Signal } from "@preact/signals";
import { rangeOver, zoomed, type Range, type Stretch } from "../domain/range";
import type { Picture } from "./picture";
import { AXIS_HEIGHT, GUTTER_LEFT, GUTTER_RIGHT, GUTTER_TOP } from "./place";

const ZOOM_LEAST_PX = 8;
const DRAG_REACH_PX = 6;
const NOTCH = 1.25; // a step of the wheel
const NOTCH_PX = 100; // that it reports for one, about
const LINE_PX = 33;

export interface Hands {
    cursor: Signal<number | undefined>;
    zoom(fromMs: number, toMs: number): void;
    show(range: Range, gliding: boolean): void;
    back(): void;
    present(): number;
    wanted(): Stretch;
    /* A limit was moved to this height, in plotted units; without it limits stand still. */
    drag?: ((key: string, plotted: number) => void) | undefined;
}

export class Pointer {
    readonly #picture: Picture;
    readonly #hands: Hands;
    readonly #area = document.createElement("div");
    readonly #line = document.createElement("div");
    readonly #marked = document.createElement("div");
    readonly #dots: HTMLElement[];
    #at: number | undefined; // where the pointer is, in CSS pixels of the area
    #from: number | undefined; // where a drag began
    #held: string | undefined; // the limit that is dragged

    constructor(host: HTMLElement, picture: Picture, tones: readonly string[], hands: Hands) {
        this.#picture = picture;
        this.#hands = hands;
        const area = this.#area;
        area.className = "plot-area";
        area.style.inset = `${GUTTER_TOP}px ${GUTTER_RIGHT}px ${AXIS_HEIGHT}px ${GUTTER_LEFT}px`;
        this.#line.className = "plot-cursor";
        this.#marked.className = "plot-marked";
        this.#dots = tones.map((tone) => {
            const dot = document.createElement("div");
            dot.className = `plot-dot tone-${tone}`;
            return dot;
        });
        this.point(undefined);
        this.#mark(undefined);
        area.append(this.#marked, this.#line, ...this.#dots);
        host.append(area);
        area.addEventListener("pointermove", (e) => this.#moved(e));
        area.addEventListener("pointerleave", () => this.#left());
        area.addEventListener("pointerdown", (e) => this.#pressed(e));
        area.addEventListener("pointerup", (e) => this.#released(e));
        area.addEventListener("pointercancel", () => this.#given());
        area.addEventListener("dblclick", () => hands.back());
        area.addEventListener("wheel", (e) => this.#wheel(e), { passive: false });
    }

    destroy(): void {
        if (this.#at !== undefined) this.#hands.cursor.value = undefined;
        this.#area.remove();
    }

    /* New data is under a pointer that stands still: it reads that now. */
    settle(): void {
        if (this.#at !== undefined) this.#read(this.#at);
    }

    /* Shows what is read, here or in another chart. */
    point(t: number | undefined): void {
        const place = this.#picture.place;
        const inside = t !== undefined && place && t >= place.fromMs && t <= place.toMs;
        this.#line.hidden = !inside;
        if (!inside) {
            for (const dot of this.#dots) dot.hidden = true;
            return;
        }
        const x = (place.x(t) - place.left) / place.px;
        this.#line.style.transform = `translateX(${x}px)`;
        this.#picture.heights(t).forEach((height, s) => {
            const dot = this.#dots[s]!;
            dot.hidden = Number.isNaN(height);
            const y = (height - place.top) / place.px;
            dot.style.transform = `translate(${x}px, ${y}px)`;
        });
    }

    #x(e: MouseEvent): number {
        const { left, width } = this.#area.getBoundingClientRect();
        return Math.min(width, Math.max(0, e.clientX - left));
    }

    #timeAt(x: number): number | undefined {
        const place = this.#picture.place;
        return place?.timeAt(place.left + x * place.px);
    }

    #valueAt(e: MouseEvent): number {
        const place = this.#picture.place;
        const y = e.clientY - this.#area.getBoundingClientRect().top;
        return place ? place.valueAt(place.top + y * place.px) : NaN;
    }

    #limitAt(e: MouseEvent): string | undefined {
        const place = this.#picture.place;
        if (!place || !this.#hands.drag) return undefined;
        const y = place.top + (e.clientY - this.#area.getBoundingClientRect().top) * place.px;
        const { limits, factor } = this.#picture;
        const reach = DRAG_REACH_PX * place.px;
        return limits.find((l) => Math.abs(place.y(l.value * factor) - y) <= reach)?.key;
    }

    #read(x: number): void {
        const t = this.#timeAt(x);
        this.#at = x;
        this.#hands.cursor.value = t === undefined ? undefined : this.#picture.nearest(t);
    }

    #moved(e: PointerEvent): void {
        const x = this.#x(e);
        this.#read(x);
        if (this.#held !== undefined)
            this.#hands.drag?.(this.#held, Math.max(0, this.#valueAt(e)));
        else if (this.#from !== undefined) this.#mark([this.#from, x]);
        else if (this.#hands.drag)
            this.#area.classList.toggle("at-limit", this.#limitAt(e) !== undefined);
    }

    #left(): void {
        this.#at = undefined;
        this.#hands.cursor.value = undefined;
    }

    #pressed(e: PointerEvent): void {
        if (e.button !== 0) return;
        this.#held = this.#limitAt(e);
        if (this.#held === undefined) this.#from = this.#x(e);
        this.#area.setPointerCapture(e.pointerId);
    }

    #released(e: PointerEvent): void {
        const from = this.#from;
        this.#given();
        const to = this.#x(e);
        if (from === undefined || Math.abs(to - from) < ZOOM_LEAST_PX) return;
        const a = this.#timeAt(Math.min(from, to));
        const b = this.#timeAt(Math.max(from, to));
        if (a === undefined || b === undefined) return;
        this.#hands.zoom(Math.floor(a), Math.max(Math.floor(a) + 1, Math.ceil(b)));
    }

    #given(): void {
        this.#from = this.#held = undefined;
        this.#mark(undefined);
    }

    #mark(stretch: [number, number] | undefined): void {
        this.#marked.hidden = !stretch;
        if (!stretch) return;
        this.#marked.style.left = `${Math.min(...stretch)}px`;
        this.#marked.style.width = `${Math.abs(stretch[1] - stretch[0])}px`;
    }

    /* Browsers turn a wheel with Shift sideways, or do not. */
    #wheel(e: WheelEvent): void {
        if (!e.shiftKey || e.ctrlKey || e.metaKey || e.altKey) return;
        const place = this.#picture.place;
        const by = (e.deltaY || e.deltaX) * (e.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1);
        if (!place || by === 0) return;
        e.preventDefault();
        const share = this.#x(e) / (place.width / place.px);
        const notches = Math.max(-2, Math.min(2, by / NOTCH_PX));
        this.go(
            (s) => zoomed(s, NOTCH ** notches, s.fromMs + share * (s.toMs - s.fromMs)),
            false,
            true,
        );
    }

    /* To another window, from the one that is shown or on its way. */
    go(where: (from: Stretch) => Stretch, follow: boolean, gliding: boolean): void {
        const { wanted, present, show } = this.#hands;
        show(rangeOver(where(wanted()), present(), follow), gliding);
    }
}
