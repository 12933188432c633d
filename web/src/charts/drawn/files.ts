/*
 * A drawn chart as a picture of its own, within the same frame of words as the line charts'. It is
 * drawn anew for the room that a file has. Fetched when somebody saves one for the first time.
 */
import { use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { DataSpec } from "../../domain/data-spec";
import { fileName } from "../../domain/saving";
import { unitOf } from "../../domain/units";
import { readingOf } from "../data-words";
import { saveFile } from "../download";
import type { ChartEnvironment } from "../environment";
import { measurer, sceneToPng } from "../paint";
import { heatOf } from "../palette";
import type { Scene } from "../scene";
import { frame, rangeText, SCENE_HEIGHT, SCENE_WIDTH, type Framed } from "../scene-frame";
import { sceneToSvg } from "../svg";
import { colourOf } from "./colours";
import type { Place } from "./kind";
import { drawn } from "./kinds";
import { echarts, optionOf } from "./library";

use([SVGRenderer]);

/* Between the frame's legend and its foot; what draws keeps a distance from its own edges. */
const X = 16;
const Y = 96;
const WIDTH = SCENE_WIDTH - 2 * X;
const HEIGHT = SCENE_HEIGHT - Y - 36;
const FINER = 2;

function sceneOf(spec: DataSpec, env: ChartEnvironment, place: Place, madeMs: number): Scene {
    const { palette, bytesAs } = place;
    const reading = readingOf(spec);
    const ramp = reading.ramp?.(bytesAs);
    const legend: Framed["legend"] = ramp
        ? ["0", ...ramp].map((name, level) => ({ name, value: "", stroke: palette[heatOf(level)] }))
        : reading.legend.map((l) => ({
              name: l.name,
              value: "",
              stroke: colourOf(l.tone, palette),
              dash: spec.kind === "timeline" && l.tone === "unknown" ? [2, 2] : undefined,
          }));
    const host = env.host.peek();
    const unit = spec.unit ?? ("measure" in spec ? unitOf(spec.measure, bytesAs) : "");
    const marks = frame(
        {
            title: spec.title,
            unit,
            subtitle: [spec.subtitle, reading.lost].filter(Boolean).join(" · "),
            host,
            version: env.version.peek(),
            madeMs,
            range: rangeOf(spec),
            legend,
        },
        palette,
        place.measure,
    );
    return {
        width: SCENE_WIDTH,
        height: SCENE_HEIGHT,
        title: `${spec.title} on ${host}`,
        description: `${spec.title}${unit ? ` in ${unit}` : ""}: ${reading.summary(bytesAs)}`,
        font: palette.font,
        ground: palette.surface,
        marks,
    };
}

function rangeOf(spec: DataSpec): string {
    if (spec.kind === "timeline") return rangeText(spec.fromMs, spec.toMs);
    if (spec.kind === "heatmap")
        return rangeText(spec.fromMs, spec.fromMs + spec.steps * spec.stepMs);
    return "";
}

/* Without rules for a pointer, of which a file knows nothing, and with attributes in place of styles. */
function plainSvg(svg: string): string {
    return svg
        .replace(/<style[^>]*>[^]*?<\/style>/g, "")
        .replace(/ class="[^"]*"/g, "")
        .replace(/ style="([^"]*)"/g, (_, style: string) =>
            style.replace(/([\w-]+):([^;]*);?/g, ' $1="$2"'),
        );
}

/* Names of fonts go into attributes as they are, so that they must not have their quotes. */
function svgOf(spec: DataSpec, place: Place): string {
    const palette = { ...place.palette, font: place.palette.font.replace(/"/g, "'") };
    const size = { width: WIDTH, height: HEIGHT };
    const chart = echarts.init(null, undefined, { renderer: "svg", ssr: true, ...size });
    try {
        chart.setOption(optionOf(drawn(spec, { ...place, palette }), palette, false));
        return plainSvg(chart.renderToSVGString());
    } finally {
        chart.dispose();
    }
}

function canvasOf(spec: DataSpec, place: Place): HTMLCanvasElement {
    const host = document.createElement("div");
    const size = { width: WIDTH, height: HEIGHT };
    const chart = echarts.init(host, undefined, {
        renderer: "canvas",
        devicePixelRatio: FINER,
        ...size,
    });
    try {
        chart.setOption(optionOf(drawn(spec, place), place.palette, false));
        return chart.renderToCanvas({ pixelRatio: FINER });
    } finally {
        chart.dispose();
    }
}

export async function saveDrawn(
    spec: DataSpec,
    env: ChartEnvironment,
    as: "png" | "svg",
): Promise<void> {
    const madeMs = Date.now();
    const palette = env.palette.peek();
    const place: Place = {
        width: WIDTH,
        height: HEIGHT,
        palette,
        bytesAs: env.bytesAs.peek(),
        measure: measurer(palette.font),
    };
    const scene = sceneOf(spec, env, place, madeMs);
    const name = fileName(env.host.peek(), spec.key, madeMs, as);
    if (as === "svg") {
        saveFile(name, sceneToSvg(scene, { x: X, y: Y, svg: svgOf(spec, place) }), "image/svg+xml");
        return;
    }
    const canvas = canvasOf(spec, place);
    const blob = await sceneToPng(scene, (ctx) => ctx.drawImage(canvas, X, Y, WIDTH, HEIGHT));
    saveFile(name, blob);
}
