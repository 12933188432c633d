/* The hours of a week: a row a day, a column an hour. What was not measured is hatched. */
import { classEnds, classOf } from "../../domain/classes";
import type { CalendarSpec } from "../../domain/data-spec";
import { DAYS, HOURS, meansOf } from "../words/calendar";
import { peakOf } from "../words/words";
import { axisOf, boxOf, gridOf, GUTTER, thinned } from "./axes";
import type { Drawn, Place } from "./kind";
import { HeatBoxes, shapeSeries } from "./shapes";

const GAP_PX = 2;

export function drawCalendar(spec: CalendarSpec, place: Place): Drawn {
    const { palette, measure } = place;
    const at = boxOf(place, { ...GUTTER, top: 4 });
    const column = (at.right - at.left) / HOURS;
    const row = (at.bottom - at.top) / DAYS.length;
    const means = meansOf(spec);
    const ends = classEnds(peakOf(means), "even");
    const xOf = (hour: number) => Math.round(at.left + hour * column);
    const yOf = (day: number) => Math.round(at.top + day * row);
    const boxOfCell = (cell: number) => {
        const x = xOf(cell % HOURS);
        const y = yOf(Math.floor(cell / HOURS));
        const width = xOf((cell % HOURS) + 1) - x - GAP_PX;
        return { x, y, width, height: yOf(Math.floor(cell / HOURS) + 1) - y - GAP_PX };
    };
    const boxes = new HeatBoxes();
    means.forEach((mean, cell) => {
        const { x, y, width, height } = boxOfCell(cell);
        boxes.add(classOf(mean, ends), x, y, Math.max(1, width), Math.max(1, height));
    });
    const hours = Array.from({ length: HOURS / 3 + 1 }, (_, i) => ({
        at: i * 3,
        text: String(i * 3).padStart(2, "0"),
    }));
    const days = DAYS.map((text, i) => ({ at: i + 0.5, text }));
    return {
        option: {
            grid: gridOf(at),
            xAxis: axisOf(0, HOURS, thinned(hours, column * 3, true, measure), palette),
            yAxis: axisOf(0, DAYS.length, thinned(days, row, false, measure), palette, {
                inverse: true,
            }),
            series: [
                { id: "ground", type: "custom", data: [], renderItem: () => undefined },
                shapeSeries("cells", boxes.shapes(palette)),
            ],
        },
        partAt(x, y) {
            const hour = Math.floor((x - at.left) / column);
            const day = Math.floor((y - at.top) / row);
            const inside = hour >= 0 && hour < HOURS && day >= 0 && day < DAYS.length;
            return inside ? day * HOURS + hour : undefined;
        },
        outline: (part) => ({ kind: "cell", ...boxOfCell(part) }),
    };
}
