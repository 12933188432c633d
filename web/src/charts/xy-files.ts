/* A chart of points as a file. Fetched when somebody saves one for the first time. */
import { csvText, jsonText } from "../domain/csv";
import { fileName } from "../domain/saving";
import { saveFile } from "./download";
import type { ChartEnvironment } from "./environment";
import { measurer, sceneToPng } from "./paint";
import type { Palette } from "./palette";
import type { MeasureText, Scene } from "./scene";
import { frame, PLOT, rangeText, SCENE_HEIGHT, SCENE_WIDTH } from "./scene-frame";
import type { XyFile } from "./save-xy";
import { sceneToSvg } from "./svg";
import type { XySpec } from "./xy-chart";
import { xyRows } from "./xy-table";
import { xyMarks } from "./xy-scene";

interface Origin {
    host: string;
    version: string;
    madeMs: number;
}

export function xyScene(
    { title, unit, subtitle, xTitle, content }: XySpec,
    origin: Origin,
    palette: Palette,
    measure: MeasureText,
): Scene {
    const x = content.series.flatMap((s) => s.points.map((p) => p.x));
    const range =
        content.axis === "time" && x.length > 0
            ? rangeText(Math.min(...x), Math.max(...x))
            : xTitle;
    const legend = content.series.map((s) => ({
        name: s.name,
        value: "",
        stroke: palette[s.tone],
        dash: s.dash,
    }));
    const around = frame({ title, unit, subtitle, ...origin, range, legend }, palette, measure);
    return {
        width: SCENE_WIDTH,
        height: SCENE_HEIGHT,
        title: `${title} on ${origin.host}`,
        description: `${title}${unit ? ` in ${unit}` : ""}: ${legend.map((l) => l.name).join(", ")}`,
        font: palette.font,
        ground: palette.surface,
        marks: [...around, ...xyMarks(content, PLOT, palette)],
    };
}

export async function saveXy(spec: XySpec, env: ChartEnvironment, as: XyFile): Promise<void> {
    const madeMs = Date.now();
    const origin = { host: env.host.peek(), version: env.version.peek(), madeMs };
    const name = fileName(origin.host, spec.key, madeMs, as);
    const { columns, rows } = xyRows(spec);
    if (as === "csv") {
        saveFile(name, csvText(columns, rows), "text/csv;charset=utf-8;header=present");
        return;
    }
    if (as === "json") {
        const metadata = { ...origin, chart: spec.title };
        saveFile(name, jsonText(metadata, columns, rows), "application/json");
        return;
    }
    const palette = env.palette.peek();
    const scene = xyScene(spec, origin, palette, measurer(palette.font));
    if (as === "png") saveFile(name, await sceneToPng(scene));
    else saveFile(name, sceneToSvg(scene), "image/svg+xml");
}
