/* ECharts without animation and symbols: each chart is given all of its points with every tick. */
import * as echarts from "echarts";
import { boxes } from "./boxes";
import { POINTS, SERIES, START_MS, STEP_MS, wander } from "./data";

const charts = boxes().map((box, c) => {
    const next = Array.from({ length: SERIES }, (_, s) => wander(c * SERIES + s));
    const data = next.map((n) =>
        Array.from({ length: POINTS }, (_, i): [number, number] => [START_MS + i * STEP_MS, n()]),
    );
    const chart = echarts.init(box);
    const series = data.map((d) => ({
        type: "line" as const,
        showSymbol: false,
        animation: false,
        lineStyle: { width: 1.4 },
        data: d,
    }));
    chart.setOption({
        animation: false,
        grid: { left: 46, top: 8, right: 52, bottom: 22 },
        xAxis: { type: "time" },
        yAxis: { type: "value" },
        series,
    });
    return { chart, data, next };
});

window.contender = {
    tick() {
        for (const { chart, data, next } of charts) {
            next.forEach((n, s) => {
                const points = data[s]!;
                const t = points[POINTS - 1]![0] + STEP_MS;
                points.shift();
                points.push([t, n()]);
            });
            chart.setOption({ series: data.map((d) => ({ data: d })) });
        }
    },
};
