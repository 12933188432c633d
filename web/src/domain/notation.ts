/*
 * How the reader wants numbers and times written: chosen once, the same everywhere. It is asked for
 * where something is written, not handed through every call; who reads it while rendering, or in an
 * effect, is told of a change, because the source that the application gives is made of signals.
 */
export type Prefixes = "si" | "iec"; // k = 1000, Ki = 1024: for bits and bytes
export type Zone = "local" | "utc";

export interface Notation {
    prefixes: Prefixes;
    zone: Zone;
}

const PLAIN: Notation = { prefixes: "si", zone: "local" };

let source = (): Notation => PLAIN;

export function notation(): Notation {
    return source();
}

export function readNotationFrom(read: () => Notation): void {
    source = read;
}
