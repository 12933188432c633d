/* Lying bars, the first on top, parts one after the other. */
import type { EChartsCoreOption } from "echarts/core";
import type { BarSpec } from "../../domain/data-spec";
import { plotFactor, type ByteUnit } from "../../domain/units";
import type { Palette } from "../palette";
import { colourOf } from "./colours";

export function barOption(spec: BarSpec, palette: Palette, bytesAs: ByteUnit): EChartsCoreOption {
    const factor = plotFactor(spec.measure, bytesAs);
    const parts = [...new Set(spec.bars.flatMap((b) => b.parts.map((p) => p.name)))];
    return {
        animation: false,
        grid: { left: 8, right: 56, top: 4, bottom: 4, containLabel: true },
        xAxis: { type: "value", show: false },
        yAxis: {
            type: "category",
            inverse: true,
            data: spec.bars.map((b) => b.name),
            axisLine: { show: false },
            axisTick: { show: false },
            axisLabel: { color: palette.text, fontFamily: palette.font, width: 120, overflow: "truncate" },
        },
        series: parts.map((name) => ({
            type: "bar",
            stack: "all",
            name,
            barMaxWidth: 18,
            data: spec.bars.map((b) => {
                const p = b.parts.find((q) => q.name === name);
                return {
                    value: p && !Number.isNaN(p.value) ? p.value * factor : 0,
                    key: b.key,
                    itemStyle: { color: colourOf(p?.tone ?? "unknown", palette) },
                };
            }),
        })),
    };
}
