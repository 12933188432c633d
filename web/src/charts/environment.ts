/*
 * What charts are given by the page. They read numbers from the source while they paint and know
 * nothing of connections, addresses or preferences.
 */
import type { ReadonlySignal, Signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Flag } from "../domain/flags";
import type { Grid } from "../domain/grid";
import type { Hidden } from "../domain/hidden";
import type { Range, Stretch } from "../domain/range";
import type { ByteUnit } from "../domain/units";
import type { Palette } from "./palette";

export interface ChartSource {
    readonly grid: Grid | undefined;
    readonly series: ReadonlyMap<
        number,
        { id: number; name: string; labels: Readonly<Record<string, string>>; method: string }
    >;
    readonly seriesVersion: number;
    readonly bounds: { fromMs: number; toMs: number } | undefined;
    readonly loading: boolean; // history is on its way to a window that was empty
    readonly unread: boolean; // history could not be read, or not all of it
}

/* What the window is compared with. */
export interface GhostSource extends ChartSource {
    readonly shiftMs: number | undefined; // added to its times; undefined: a level, at all times
    readonly words: string; // what it is, or why it is not there; "" for none
}

/* What is usual: columns by the id of the series; undefined where nothing is known. */
export interface BandSource {
    readonly mean: Grid | undefined;
    readonly sigma: Grid | undefined;
    readonly sigmas: number; // the band is mean ± so many sigma
}

export type ChartState = "live" | "paused" | "stale";

export interface ChartEnvironment {
    source: ChartSource;
    painted: ReadonlySignal<number>;
    state: ReadonlySignal<ChartState>;
    bytesAs: ReadonlySignal<ByteUnit>;
    palette: ReadonlySignal<Palette>;
    flags: ReadonlySignal<readonly Flag[]>;
    bands: BandSource;
    ghost: GhostSource;
    /* What a saved picture says of its origin, and where the server is asked for samples. */
    host: ReadonlySignal<string>;
    version: ReadonlySignal<string>;
    base: string;
    /* The moment that is being read, in epoch ms, the same in all charts with a time axis; undefined: none. */
    cursor: Signal<number | undefined>;
    /* The reader marked a stretch of time. */
    zoom(fromMs: number, toMs: number): void;
    /* The reader wants another window; gliding: as one of many small steps. */
    show(range: Range, gliding: boolean): void;
    /* What is shown, or will be as soon as it was read. */
    wanted(): Stretch;
    /* The window before this one. */
    back(): void;
    /* The server's present, in epoch ms. */
    present(): number;
    /* What is hidden of the charts, and the reader's wish to change that of one. */
    hidden: ReadonlySignal<Hidden>;
    hide(key: string, names: ReadonlySet<string>): void;
}

export const Environment = createContext<ChartEnvironment | undefined>(undefined);

export function useEnvironment(): ChartEnvironment {
    const environment = useContext(Environment);
    if (!environment) throw new Error("a chart stands outside its environment");
    return environment;
}
