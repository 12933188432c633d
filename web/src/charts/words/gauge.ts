/* One number within its limits, in words. */
import type { Cell } from "../../domain/csv";
import type { GaugeSpec } from "../../domain/data-spec";
import { along, exact, head, inUnit, type Words } from "./words";

/* The gravest limit that is reached. */
export function stateOf({ value, limits = [] }: GaugeSpec): "warning" | "critical" | undefined {
    const reached = limits.filter((l) => value >= l.value).map((l) => l.tone);
    if (reached.includes("critical")) return "critical";
    return reached.includes("warning") ? "warning" : undefined;
}

/* Of the scale, 0 to 1; undefined where the two are no numbers. */
export function shareOf({ value, most }: GaugeSpec): number | undefined {
    if (!Number.isFinite(value) || !(most > 0) || most === Infinity) return undefined;
    return Math.max(0, Math.min(1, value / most));
}

export const GAUGE: Words<GaugeSpec> = {
    reading(spec) {
        return {
            empty: Number.isNaN(spec.value),
            legend: (spec.limits ?? []).map((l) => ({ name: l.tone, tone: l.tone })),
            summary: (bytesAs) => GAUGE.parts(spec).words(0, bytesAs),
        };
    },
    table({ value, most, limits = [], measure }, bytesAs) {
        return {
            columns: ["what", head("value", measure, bytesAs)],
            rows: [
                ["value", inUnit(value, measure, bytesAs)],
                ["end of the scale", inUnit(most, measure, bytesAs)],
                ...limits.map((l): Cell[] => [`${l.tone} from`, inUnit(l.value, measure, bytesAs)]),
            ],
        };
    },
    parts(spec) {
        const { value, most, limits = [], measure } = spec;
        return {
            count: 1,
            words(_, bytesAs) {
                const state = stateOf(spec);
                const reached = `${exact(value, measure, bytesAs)} of ${exact(most, measure, bytesAs)}`;
                const from = limits.map(
                    (l) => `${l.tone} from ${exact(l.value, measure, bytesAs)}`,
                );
                return [state ? `${reached}, ${state}` : reached, ...from].join(" · ");
            },
            key: () => undefined,
            step: along(1),
        };
    },
};
