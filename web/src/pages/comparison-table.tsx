/* One comparison, metric by metric: what is worse first. The counts above are the filter. */
import { useSignal } from "@preact/signals";
import {
    barShare,
    changeText,
    effectText,
    nameWords,
    probabilityText,
    sideText,
    VERDICT_WORDS,
    type MetricVerdict,
} from "../domain/baselines";
import { seriesText } from "../domain/alerts";
import { NO_VALUE } from "../domain/units";
import type { Comparison, MetricChange } from "../store/baselines";
import { ChangeBar } from "../widgets/change-bar";
import { VerdictMark } from "../widgets/marks";
import { usePage } from "./context";
import { SaveTable, type MadeTable } from "./save-table";

const PAGE = 100;

/* What is shown when nothing was chosen: all that calls for a look. */
const NOTABLE: readonly MetricVerdict[] = ["regressed", "improved", "changed"];

export function shownMetrics(c: Comparison, verdict: string, words: string): MetricChange[] {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const notable = c.metrics.some((m) => NOTABLE.includes(m.verdict));
    return c.metrics.filter((m) => {
        if (verdict ? m.verdict !== verdict : notable && !NOTABLE.includes(m.verdict))
            return false;
        const text = `${m.name} ${Object.values(m.labels).join(" ")}`.toLowerCase();
        return wanted.every((w) => (w.startsWith("-") ? !text.includes(w.slice(1)) : text.includes(w)));
    });
}

export function ComparisonTable({ comparison: c }: { comparison: Comparison }) {
    const { location, preferences } = usePage();
    const { query } = location.place.value;
    const verdict = query.get("verdict") ?? "";
    const words = query.get("filter") ?? "";
    const limit = useSignal(PAGE);
    const shown = shownMetrics(c, verdict, words);
    const bytesAs = preferences.bytesAs.value;
    return (
        <section aria-labelledby="comparison-title">
            <div class="table-head">
                <h2 id="comparison-title" class="visually-hidden">
                    Metrics
                </h2>
                <div class="verdict-counts" role="group" aria-label="Show metrics by verdict">
                    {VERDICT_WORDS.map((v) => (
                        <button
                            key={v.verdict}
                            type="button"
                            class={`verdict-count${c.counts[v.verdict] ? "" : " verdict-none"}`}
                            aria-pressed={verdict === v.verdict}
                            title={v.means}
                            data-verdict={v.verdict}
                            onClick={() =>
                                location.setQuery("verdict", verdict === v.verdict ? "" : v.verdict)
                            }
                        >
                            <VerdictMark verdict={v.verdict} />
                            <span class="verdict-number">{c.counts[v.verdict]}</span>
                            <span class="verdict-name">{v.name}</span>
                        </button>
                    ))}
                </div>
                <SaveTable table={fileOf(c, shown)} />
            </div>
            {shown.length > 0 ? (
                <table class="comparison" role="table" aria-label={`Metrics against ${nameWords(c.baseline)}`}>
                    <thead role="rowgroup">
                        <tr role="row">
                            {["Metric", "Before", "After", "Change", "Effect", "q"].map((t, i) => (
                                <th
                                    key={t}
                                    role="columnheader"
                                    scope="col"
                                    class={i > 0 ? "number-cell" : ""}
                                    title={HINTS[t]}
                                >
                                    {t}
                                </th>
                            ))}
                        </tr>
                    </thead>
                    <tbody role="rowgroup">
                        {shown.slice(0, limit.value).map((m) => (
                            <Row key={seriesText(m.name, m.labels)} m={m} bytesAs={bytesAs} />
                        ))}
                    </tbody>
                </table>
            ) : c.metrics.length === 0 ? (
                <p class="table-empty" data-empty="metrics">
                    No metric could be compared.
                </p>
            ) : (
                <p class="table-empty" data-empty="metrics">
                    No metric passes the filter.{" "}
                    <button
                        type="button"
                        class="button"
                        onClick={() => ["filter", "verdict"].forEach((k) => location.setQuery(k, ""))}
                    >
                        Show all
                    </button>
                </p>
            )}
            {shown.length > limit.value && (
                <button type="button" class="button" onClick={() => (limit.value += PAGE)}>
                    Show more
                </button>
            )}
        </section>
    );
}

const HINTS: Readonly<Record<string, string>> = {
    Before: "Mean of the one-minute means of the baseline",
    After: "Mean of the one-minute means of the window",
    Change: "Of the mean; the bar ends at eight times as much",
    Effect: "How much more often a minute after is larger than one before: -1 to 1",
    q: "Share of false verdicts if this one and all stronger ones count",
};

function Row({ m, bytesAs }: { m: MetricChange; bytesAs: "bits" | "bytes" }) {
    const word = VERDICT_WORDS.find((v) => v.verdict === m.verdict)!;
    const labels = Object.entries(m.labels).filter(([, v]) => v !== "");
    return (
        <tr role="row" data-metric={m.name} data-verdict={m.verdict}>
            <th role="rowheader" scope="row" class="col-metric">
                <span title={word.means}>
                    <VerdictMark verdict={m.verdict} />
                    <span class="visually-hidden">{word.name}: </span>
                </span>
                <code>{m.name}</code>{" "}
                <span class="quiet">{labels.map(([k, v]) => `${k} ${v}`).join(", ")}</span>
            </th>
            <Side side={m.before} m={m} bytesAs={bytesAs} title="Before" />
            <Side side={m.after} m={m} bytesAs={bytesAs} title="After" />
            <td role="cell" class="number-cell col-change" data-title="Change">
                <ChangeBar share={barShare(m)} tone={m.verdict} />
                <span class="change-text">{changeText(m)}</span>
            </td>
            <td role="cell" class="number-cell" data-title="Effect">
                {effectText(m.effect)}
            </td>
            <td role="cell" class="number-cell" data-title="q">
                {probabilityText(m.q)}
            </td>
        </tr>
    );
}

interface SideProps {
    side: MetricChange["before"];
    m: MetricChange;
    bytesAs: "bits" | "bytes";
    title: string;
}

function Side({ side, m, bytesAs, title }: SideProps) {
    const say = (v: number) => sideText(v, m, bytesAs);
    const more =
        side.n > 0
            ? `${side.n} minutes, σ ${say(side.sigma)}, p50 ${say(side.p50)}, p90 ${say(side.p90)}, p99 ${say(side.p99)}`
            : "nothing was measured";
    return (
        <td role="cell" class="number-cell" data-title={title} title={more}>
            {Number.isNaN(side.mean) ? NO_VALUE : say(side.mean)}
        </td>
    );
}

function fileOf(c: Comparison, shown: readonly MetricChange[]): MadeTable {
    return {
        what: `Comparison with ${c.baseline}`,
        key: `comparison-${c.baseline}`,
        columns: [
            ...["verdict", "name", "labels", "unit", "direction", "before_n", "before_mean"],
            ...["before_sigma", "after_n", "after_mean", "after_sigma", "change_pct", "effect"],
            ...["p", "q"],
        ],
        rows: () =>
            shown.map((m) => [
                ...[m.verdict, m.name, seriesText("", m.labels).slice(1, -1), m.unit, m.direction],
                ...[m.before.n, m.before.mean, m.before.sigma],
                ...[m.after.n, m.after.mean, m.after.sigma],
                ...[m.changePct, m.effect, m.p, m.q],
            ]),
    };
}
