/*
 * A page with drawn charts and nothing else, for test_drawn.mjs: the same components, styles and
 * policy as the dashboard's, with data that the test gives.
 */
import { signal } from "@preact/signals";
import { render } from "preact";
import { DataChart } from "../../web/src/charts/data-chart";
import { Environment, type ChartEnvironment } from "../../web/src/charts/environment";
import { readPalette } from "../../web/src/charts/palette";
import type { DataSpec } from "../../web/src/domain/data-spec";
import * as specs from "./drawn_specs.mjs";

document.documentElement.dataset["theme"] = "dark";

const shown = signal<readonly DataSpec[]>([]);
const palette = signal(readPalette());
const bytesAs = signal<"bits" | "bytes">("bits");
const state = signal<"live" | "paused" | "stale">("live");
const size = signal<"large" | "half" | "third">("half");
const cursor = signal<number | undefined>(undefined);
const opened: string[] = [];
const zooms: [number, number][] = [];

const environment = {
    source: {
        grid: undefined,
        series: new Map(),
        seriesVersion: 0,
        bounds: undefined,
        loading: false,
        unread: false,
    },
    painted: signal(0),
    state,
    bytesAs,
    palette,
    flags: signal([]),
    bands: { mean: undefined, sigma: undefined, sigmas: 3 },
    host: signal('web1 <b>"&\u202e'),
    version: signal("1.0"),
    base: "/",
    cursor,
    zoom: (fromMs: number, toMs: number) => void zooms.push([fromMs, toMs]),
} as unknown as ChartEnvironment;

function theme(name: "dark" | "light") {
    document.documentElement.dataset["theme"] = name;
    palette.value = readPalette();
}

Object.assign(window, {
    gallery: { shown, bytesAs, state, size, cursor, opened, zooms, theme, specs },
});

function Gallery() {
    return (
        <main>
            <h1>Charts</h1>
            <h2>Drawn</h2>
            <section class="charts" aria-label="Charts">
                {shown.value.map((spec) => (
                    <DataChart
                        key={spec.key}
                        spec={spec}
                        size={size.value}
                        empty="Nothing was seen yet."
                        onOpen={(key) => opened.push(key)}
                    />
                ))}
            </section>
        </main>
    );
}

render(
    <Environment.Provider value={environment}>
        <Gallery />
    </Environment.Provider>,
    document.getElementById("app")!,
);
