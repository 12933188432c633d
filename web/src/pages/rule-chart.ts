/* One series of a rule as a chart, with the rule's limits as lines. */
import type { Limit } from "../charts/overlay";
import { aboutText, splitSeries } from "../domain/alerts";
import { thresholdOf, type RuleForm } from "../domain/rule";
import type { ChartSpec, Tone } from "../domain/trace";
import { measureOf } from "../domain/units";

export interface ChosenSeries {
    text: string; // canonical
    unit: string; // as shown: a counter's is per second
}

export function shownUnit(s: { unit: string; kind: string }): string {
    if (s.kind !== "counter") return s.unit;
    return s.unit ? `${s.unit}/s` : "/s";
}

function toneOf(name: string): Tone {
    if (/receive|InOctets|InSegs/.test(name)) return "receive";
    return /transmit|OutOctets|OutSegs/.test(name) ? "transmit" : "category-1";
}

/* per: the chart divides by it; "" also when the values are ratios already. */
export function ruleChart(key: string, title: string, s: ChosenSeries, per: string): ChartSpec {
    const { name, labels } = splitSeries(s.text);
    const { measure, what } = measureOf(s.unit);
    return {
        key,
        title,
        measure,
        ...(what ? { what } : {}),
        least: measure === "ratio" ? 0.01 : measure === "seconds" ? 0.001 : 1,
        traces: [
            {
                name: aboutText(s.text) || name,
                metrics: [name],
                labels: Object.fromEntries(Object.entries(labels).map(([l, v]) => [l, [v]])),
                tone: toneOf(name),
                area: measure !== "seconds",
                ...(per ? { per: [per] } : {}),
            },
        ],
    };
}

export function limitsOf(f: RuleForm): Limit[] {
    const lines = [
        { key: "warning", name: `warning ${f.when} ${f.warning}`, tone: "warning" },
        { key: "critical", name: `critical ${f.when} ${f.critical}`, tone: "critical" },
        { key: "clear", name: `over at ${f.clear}`, tone: "clear" },
    ] as const;
    return lines.flatMap((l) => {
        const value = thresholdOf(f[l.key]);
        return Number.isNaN(value) ? [] : [{ ...l, value }];
    });
}
