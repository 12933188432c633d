/* Plain uPlot: each chart is given all of its points with every tick, as its demos do. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { boxes } from "./boxes";
import { POINTS, SERIES, START_MS, STEP_MS, wander } from "./data";

const COLOURS = ["#48bcd4", "#e8a94a", "#7785d5", "#ae799b", "#94a056", "#dbe6f2"];

const plots = boxes().map((box, c) => {
    const next = Array.from({ length: SERIES }, (_, s) => wander(c * SERIES + s));
    const times = Array.from({ length: POINTS }, (_, i) => (START_MS + i * STEP_MS) / 1000);
    const data = [times, ...next.map((n) => Array.from({ length: POINTS }, n))];
    const options: uPlot.Options = {
        width: box.clientWidth,
        height: box.clientHeight,
        legend: { show: false },
        axes: [{ stroke: "#8797a6" }, { stroke: "#8797a6" }],
        series: [{}, ...next.map((_, s) => ({ stroke: COLOURS[s]!, width: 1.4 }))],
    };
    const plot = new uPlot(options, data as uPlot.AlignedData, box);
    return { plot, data, next };
});

window.contender = {
    tick() {
        for (const { plot, data, next } of plots) {
            for (const column of data) column.shift();
            data[0]!.push(data[0]![POINTS - 2]! + STEP_MS / 1000);
            next.forEach((n, s) => data[s + 1]!.push(n()));
            plot.setData(data as uPlot.AlignedData);
        }
    },
};
