/* The hours of a week, in words. Parts are cells, numbered as the values are. */
import type { Cell } from "../../domain/csv";
import type { CalendarSpec } from "../../domain/data-spec";
import { counted, exact, head, inUnit, peakOf, rampOf, said, within, type Words } from "./words";

export const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;
export const HOURS = 24;
const CELLS = DAYS.length * HOURS;

const two = (n: number) => String(n).padStart(2, "0");

/* A mean of nothing is not measured, whatever number stands there. */
export function meanAt({ values, samples }: CalendarSpec, cell: number): number {
    return (samples[cell] ?? 0) > 0 ? (values[cell] ?? NaN) : NaN;
}

export function meansOf(spec: CalendarSpec): number[] {
    return Array.from({ length: CELLS }, (_, cell) => meanAt(spec, cell));
}

function hourText(cell: number): string {
    const hour = cell % HOURS;
    return `${DAYS[Math.floor(cell / HOURS)]} ${two(hour)}:00 – ${two((hour + 1) % HOURS)}:00`;
}

export const CALENDAR: Words<CalendarSpec> = {
    reading(spec) {
        const means = meansOf(spec);
        const known = means.map((v, cell) => ({ v, cell })).filter(({ v }) => Number.isFinite(v));
        return {
            empty: known.length === 0,
            legend: [],
            ramp: (bytesAs) => rampOf(peakOf(means), "even", (v) => said(v, spec.measure, bytesAs)),
            summary(bytesAs) {
                if (known.length === 0) return "";
                const most = known.reduce((a, b) => (b.v > a.v ? b : a));
                const least = known.reduce((a, b) => (b.v < a.v ? b : a));
                const word = ({ v, cell }: { v: number; cell: number }) =>
                    `${hourText(cell)}, ${said(v, spec.measure, bytesAs)}`;
                return `Most ${word(most)}; least ${word(least)}`;
            },
        };
    },
    table(spec, bytesAs) {
        return {
            columns: ["day", "hour", head("mean", spec.measure, bytesAs), "hours measured"],
            rows: meansOf(spec).map((v, cell): Cell[] => [
                DAYS[Math.floor(cell / HOURS)]!,
                `${two(cell % HOURS)}:00`,
                inUnit(v, spec.measure, bytesAs),
                spec.samples[cell] ?? 0,
            ]),
        };
    },
    parts(spec) {
        return {
            count: CELLS,
            words(part, bytesAs) {
                const mean = meanAt(spec, part);
                if (!Number.isFinite(mean)) return `${hourText(part)} · not measured`;
                const n = spec.samples[part]!;
                const of = n === 1 ? "one hour" : `mean of ${counted(n, "hours")}`;
                return `${hourText(part)} · ${exact(mean, spec.measure, bytesAs)} · ${of}`;
            },
            key: () => undefined,
            step(part, arrow) {
                const day = Math.floor(part / HOURS);
                const hour = part % HOURS;
                if (arrow === "ArrowUp") return within(day - 1, DAYS.length) * HOURS + hour;
                if (arrow === "ArrowDown") return within(day + 1, DAYS.length) * HOURS + hour;
                return within(part + (arrow === "ArrowLeft" ? -1 : 1), CELLS);
            },
        };
    },
};
