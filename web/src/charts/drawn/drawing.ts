/*
 * One ECharts on one element, and what a reader does with it. The library paints; which part is meant
 * and what it says is decided here, the same for the pointer and for keys. Each painting goes into the
 * picture that is there, so nothing flickers.
 */
import { isCalm } from "../calm";
import type { DataSpec } from "../../domain/data-spec";
import type { ByteUnit } from "../../domain/units";
import { partsOf } from "../data-words";
import { measurer } from "../paint";
import type { Palette } from "../palette";
import type { MeasureText } from "../scene";
import type { Arrow, Parts } from "../words/words";
import type { Drawn, TimeAxis } from "./kind";
import { drawn as drawnOf } from "./kinds";
import { echarts, optionOf } from "./library";
import { Over } from "./over";

export interface DrawingHandlers {
    read(words: string, byKeys: boolean): void; // "" when nothing is pointed at
    open(key: string): void;
    zoom(fromMs: number, toMs: number): void;
    moment(t: number | undefined): void; // what is pointed at on an axis of time
}

const ZOOM_LEAST_PX = 8;
const ARROWS: readonly string[] = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

export class Drawing {
    readonly #host: HTMLElement;
    readonly #chart: echarts.EChartsType;
    readonly #handlers: DrawingHandlers;
    readonly #over: Over;
    #measure: MeasureText | undefined;
    #measuredIn: string | undefined;
    #newest: { spec: DataSpec; palette: Palette; bytesAs: ByteUnit } | undefined;
    #drawn: Drawn | undefined;
    #parts: Parts | undefined;
    #part: number | undefined; // that is being read
    #byKeys = false;
    #pointer: { x: number; y: number } | undefined;
    #markedFrom: number | undefined; // where a stretch of time begins, in pixels
    #moment: number | undefined;

    constructor(host: HTMLElement, handlers: DrawingHandlers) {
        this.#host = host;
        this.#handlers = handlers;
        this.#chart = echarts.init(host, undefined, { renderer: "canvas" });
        this.#over = new Over(this.#chart.getZr());
        this.#listen();
    }

    destroy(): void {
        this.#chart.dispose();
    }

    resize(): void {
        this.#chart.resize({ silent: true });
        this.#paint(false);
    }

    paint(spec: DataSpec, palette: Palette, bytesAs: ByteUnit): void {
        const before = this.#newest;
        const place = this.#part === undefined ? undefined : this.#readable()?.place?.(this.#part);
        this.#newest = { spec, palette, bytesAs };
        if (spec !== before?.spec) {
            this.#parts = undefined;
            if (place) this.#part = this.#readable()?.at?.(place);
        }
        this.#paint(before?.palette === palette && before.bytesAs === bytesAs);
    }

    /* The page's moment, in epoch ms. */
    showMoment(t: number | undefined): void {
        this.#moment = t;
        this.#paintMoment();
    }

    /* A key of the focused chart; true when it meant something. */
    key(name: string): boolean {
        const parts = this.#readable();
        if (!parts) return false;
        const last = parts.count - 1;
        if (name === "Escape" || name === "Blur") {
            const reading = this.#part !== undefined;
            if (name === "Escape" || this.#byKeys) this.#read(undefined, true);
            return reading;
        }
        if (name === "Enter") return this.#open(this.#part);
        if (name === "Home") this.#read(0, true);
        else if (name === "End") this.#read(last, true);
        else if (!ARROWS.includes(name)) return false;
        else if (this.#part === undefined) this.#read(name === "ArrowLeft" ? last : 0, true);
        else this.#read(parts.step(this.#part, name as Arrow), true);
        return true;
    }

    #paint(ease: boolean): void {
        const { clientWidth: width, clientHeight: height } = this.#host;
        if (!this.#newest || width === 0 || height === 0) return;
        const { spec, palette, bytesAs } = this.#newest;
        if (this.#measuredIn !== palette.font) this.#measure = measurer(palette.font);
        this.#measuredIn = palette.font;
        this.#drawn = drawnOf(spec, { width, height, palette, bytesAs, measure: this.#measure! });
        this.#chart.setOption(optionOf(this.#drawn, palette, ease && !isCalm()), {
            replaceMerge: ["series"],
            silent: true,
        });
        if (this.#pointer && !this.#byKeys && this.#drawn.partAt)
            this.#read(this.#drawn.partAt(this.#pointer.x, this.#pointer.y), false);
        else this.#read(this.#part, this.#byKeys);
        this.#paintMoment();
    }

    /* undefined while there is nothing to read. */
    #readable(): Parts | undefined {
        if (!this.#newest) return undefined;
        this.#parts ??= partsOf(this.#newest.spec);
        return this.#parts.count > 0 ? this.#parts : undefined;
    }

    #read(part: number | undefined, byKeys: boolean): void {
        const parts = this.#readable();
        const drawn = this.#drawn;
        if (!drawn || !this.#newest) return;
        const now = parts && part !== undefined && part < parts.count ? part : undefined;
        if (drawn.target) {
            const { target } = drawn;
            if (this.#part !== undefined && this.#part !== now)
                this.#chart.dispatchAction({ type: "downplay", seriesIndex: 0 });
            if (now !== undefined)
                this.#chart.dispatchAction({ type: "highlight", ...target(now) });
        }
        this.#part = now;
        this.#byKeys = byKeys && now !== undefined;
        this.#over.outline(
            now === undefined ? undefined : drawn.outline?.(now),
            this.#newest.palette,
        );
        const opens = now !== undefined && parts?.key(now) !== undefined;
        this.#host.classList.toggle("opens", opens);
        this.#handlers.read(
            now === undefined ? "" : parts!.words(now, this.#newest.bytesAs),
            this.#byKeys,
        );
    }

    #open(part: number | undefined): boolean {
        const key = part === undefined ? undefined : this.#readable()?.key(part);
        if (key === undefined) return false;
        this.#handlers.open(key);
        return true;
    }

    #listen(): void {
        const zr = this.#chart.getZr();
        zr.on("mousemove", (e) => {
            this.#pointer = { x: e.offsetX, y: e.offsetY };
            this.#point();
        });
        zr.on("globalout", () => {
            this.#pointer = undefined;
            this.#handlers.moment(undefined);
            if (!this.#byKeys) this.#read(undefined, false);
        });
        zr.on("mousedown", (e) => {
            this.#markedFrom = this.#inTime(e.offsetX, e.offsetY) ? e.offsetX : undefined;
        });
        zr.on("mouseup", (e) => this.#endMarking(e.offsetX));
        zr.on("click", (e) => {
            const { partAt } = this.#drawn ?? {};
            if (partAt) this.#open(partAt(e.offsetX, e.offsetY));
            else this.#open(this.#part);
        });
        this.#chart.on("mouseover", (e) => {
            const part = this.#drawn?.partOf?.(e as { dataType?: string; dataIndex?: number });
            if (part !== undefined) this.#read(part, false);
        });
        this.#chart.on("mouseout", () => {
            if (this.#drawn?.partOf && !this.#byKeys) this.#read(undefined, false);
        });
    }

    #point(): void {
        const at = this.#pointer;
        const drawn = this.#drawn;
        if (!at || !drawn) return;
        if (drawn.partAt) this.#read(drawn.partAt(at.x, at.y), false);
        const { time } = drawn;
        if (!time || !this.#newest) return;
        this.#handlers.moment(this.#inTime(at.x, at.y) ? timeAt(time, at.x) : undefined);
        if (this.#markedFrom !== undefined)
            this.#over.mark(time, this.#markedFrom, at.x, this.#newest.palette);
    }

    #inTime(x: number, y: number): boolean {
        const time = this.#drawn?.time;
        return (
            time !== undefined &&
            x >= time.left &&
            x <= time.right &&
            y >= time.top &&
            y <= time.bottom
        );
    }

    #endMarking(x: number): void {
        const from = this.#markedFrom;
        const time = this.#drawn?.time;
        this.#markedFrom = undefined;
        this.#over.unmark();
        if (from === undefined || !time || Math.abs(x - from) < ZOOM_LEAST_PX) return;
        const ends = [timeAt(time, from), timeAt(time, x)].sort((a, b) => a - b) as [
            number,
            number,
        ];
        this.#handlers.zoom(Math.floor(ends[0]), Math.ceil(ends[1]));
    }

    #paintMoment(): void {
        if (this.#drawn?.time && this.#newest)
            this.#over.moment(this.#drawn.time, this.#moment, this.#newest.palette);
    }
}

function timeAt({ fromMs, toMs, left, right }: TimeAxis, x: number): number {
    const part = Math.max(0, Math.min(1, (x - left) / Math.max(1, right - left)));
    return fromMs + part * (toMs - fromMs);
}
