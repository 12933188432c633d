/* How each kind is drawn; the type says that none is missing. */
import type { DataSpec } from "../../domain/data-spec";
import { drawBar } from "./bar";
import { drawCalendar } from "./calendar";
import { drawGauge } from "./gauge";
import { drawHeatmap } from "./heatmap";
import { drawHistogram } from "./histogram";
import type { Draw, Drawn, Place } from "./kind";
import { drawSankey } from "./sankey";
import { drawScatter } from "./scatter";
import { drawTimeline } from "./timeline";

const KINDS: { [K in DataSpec["kind"]]: Draw<Extract<DataSpec, { kind: K }>> } = {
    bar: drawBar,
    gauge: drawGauge,
    heatmap: drawHeatmap,
    histogram: drawHistogram,
    scatter: drawScatter,
    sankey: drawSankey,
    timeline: drawTimeline,
    calendar: drawCalendar,
};

export function drawn<S extends DataSpec>(spec: S, place: Place): Drawn {
    return (KINDS[spec.kind] as unknown as Draw<S>)(spec, place);
}
