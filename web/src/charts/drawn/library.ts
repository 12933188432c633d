/*
 * The library, with only what is used of it. Nothing here makes markup: the page's policy allows no
 * style in it, so words are in the frame and never in a box that the library makes.
 */
import * as echarts from "echarts/core";
import { CustomChart, GaugeChart, SankeyChart, ScatterChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";
import type { EChartsCoreOption } from "echarts/core";
import type { Palette } from "../palette";
import type { Drawn } from "./kind";
import { registerShapes } from "./shapes";

echarts.use([CustomChart, GaugeChart, SankeyChart, ScatterChart, GridComponent, CanvasRenderer]);
registerShapes();

const EASE_MS = 160;

/* ease: from what is there already; a first painting never moves. */
export function optionOf(drawn: Drawn, palette: Palette, ease: boolean): EChartsCoreOption {
    return {
        animation: ease && drawn.eases === true,
        animationDuration: 0,
        animationDurationUpdate: EASE_MS,
        animationEasingUpdate: "cubicOut",
        stateAnimation: { duration: 0 },
        textStyle: { fontFamily: palette.font },
        ...drawn.option,
    };
}

export { echarts };
