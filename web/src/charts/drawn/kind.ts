/*
 * What a kind of chart gives to be drawn: an option for the library and, beside it, where its parts
 * are. It is a function of the data, the room and the colours alone, so it can be tested without a
 * browser, and so a file gets the same picture as the page.
 */
import type { EChartsCoreOption } from "echarts/core";
import type { DataSpec } from "../../domain/data-spec";
import type { ByteUnit } from "../../domain/units";
import type { Palette } from "../palette";
import type { MeasureText } from "../scene";

/* The room in pixels and how to write in it. */
export interface Place {
    width: number;
    height: number;
    palette: Palette;
    bytesAs: ByteUnit;
    measure: MeasureText;
}

export interface Box {
    left: number;
    top: number;
    right: number;
    bottom: number;
}

/* What is laid around or behind the part that is being read. */
export type Outline =
    | { kind: "row"; x: number; y: number; width: number; height: number }
    | { kind: "cell"; x: number; y: number; width: number; height: number }
    | { kind: "ring"; x: number; y: number; r: number };

/* The horizontal axis is time: stretches of it can be marked, and it shows the page's moment. */
export interface TimeAxis extends Box {
    fromMs: number;
    toMs: number;
}

export interface Drawn {
    option: EChartsCoreOption;
    eases?: boolean; // from one painting to the next
    time?: TimeAxis;
    /* The part that somebody means who points there. */
    partAt?(x: number, y: number): number | undefined;
    outline?(part: number): Outline | undefined;
    /* Where the library knows better what is pointed at, and how to make it stand out. */
    partOf?(event: { dataType?: string; dataIndex?: number }): number | undefined;
    target?(part: number): Readonly<Record<string, unknown>>;
}

export type Draw<S extends DataSpec> = (spec: S, place: Place) => Drawn;
