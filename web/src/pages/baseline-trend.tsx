/*
 * How it went: the share of metrics that were worse or better, comparison by comparison, so that an
 * improvement shows as a line. Comparisons are made hourly and after what may change something.
 */
import { useComputed, useSignal } from "@preact/signals";
import { XyChart, type XySpec } from "../charts/xy-chart";
import type { XySeries } from "../charts/xy-scene";
import { reasonWords, sharesOf, VERDICT_WORDS } from "../domain/baselines";
import { momentText } from "../domain/alerts";
import { digits, durationText } from "../domain/units";
import { serverNow } from "../domain/time";
import type { Baselines, Comparison } from "../store/baselines";
import { VerdictMark } from "../widgets/marks";
import { useNow } from "../widgets/now";
import { Skeleton } from "../widgets/skeleton";
import { TableHeads } from "../widgets/table-heads";
import { momentCell } from "./alert-files";
import { madeComparisons } from "./baseline-choice";
import { usePage } from "./context";
import { Moment } from "./moment";
import { SaveTable, type MadeTable } from "./save-table";

const PAGE = 8;
export function BaselineTrend({ store }: { store: Baselines }) {
    const { location } = usePage();
    const limit = useSignal(PAGE);
    const now = useNow(10_000);
    const all = useComputed(() => madeComparisons(store));
    const spec = useComputed(() => trendSpec(all.value));
    const { error, loading, value } = store.trend.state.value;
    const hrefOf = (c: Comparison) =>
        c.baseline === ""
            ? location.href("baselines", { comparison: String(c.t) })
            : location.href("baselines", {
                  baseline: c.baseline,
                  from: String(c.fromMs),
                  to: String(c.toMs),
              });
    const open = (key: string) => {
        const c = all.peek().find((o) => keyOf(o) === key);
        if (c) location.go(hrefOf(c));
    };
    return (
        <section class="group" aria-labelledby="trend-title">
            <div class="table-head">
                <h2 id="trend-title">
                    Over time <span class="count">{value || all.value.length ? all.value.length : ""}</span>
                </h2>
                <SaveTable table={fileOf(all.value)} />
            </div>
            <div class="charts">
                <XyChart
                    spec={spec.value}
                    size="large"
                    empty={
                        loading && !value
                            ? "Reading comparisons…"
                            : "Nothing was compared yet. The daemon compares each hour with the same hour of the weeks before, and after a start or a change of links, addresses, kernel or version."
                    }
                    onOpen={open}
                />
            </div>
            {error && !value && (
                <p class="table-empty">The comparisons made before could not be read: {error}.</p>
            )}
            {loading && !value && <Skeleton rows={4} what="comparisons" />}
            {all.value.length > 0 && (
                <table class="lines trend-list" role="table" aria-label="Comparisons made">
                    <TableHeads heads={["When", "With", "Why", "Verdict", "Worse", "Better", "Different"]} />
                    <tbody role="rowgroup">
                        {all.value.slice(0, limit.value).map((c) => (
                            <Row key={keyOf(c)} c={c} href={hrefOf(c)} now={now} />
                        ))}
                    </tbody>
                </table>
            )}
            {all.value.length > limit.value && (
                <button type="button" class="button" onClick={() => (limit.value += 10 * PAGE)}>
                    Show more
                </button>
            )}
        </section>
    );
}

function keyOf(c: Comparison): string {
    return `${c.t} ${c.baseline}`;
}

function Row({ c, href, now }: { c: Comparison; href: string; now: number }) {
    const word = VERDICT_WORDS.find((v) => v.verdict === c.verdict)!;
    return (
        <tr role="row" data-comparison={c.t}>
            <th role="rowheader" scope="row">
                <a href={href}>
                    <Moment ms={c.t} now={now} />
                </a>
            </th>
            <td role="cell">{c.baseline || "the time before"}</td>
            <td role="cell">
                {reasonWords(c.reason)}
                <span class="quiet">, {durationText(c.toMs - c.fromMs)}</span>
            </td>
            <td role="cell">
                <VerdictMark verdict={c.verdict} /> {word.name}
            </td>
            <td role="cell" data-title="Worse">
                {c.counts.regressed}
            </td>
            <td role="cell" data-title="Better">
                {c.counts.improved}
            </td>
            <td role="cell" data-title="Different">
                {c.counts.changed}
            </td>
        </tr>
    );
}

/* Lines of what goes on, the hours; points of what was compared once, after a change. */
export function trendSpec(newestFirst: readonly Comparison[]): XySpec {
    const list = [...newestFirst].reverse();
    const hours = list.filter((c) => c.baseline !== "");
    const changes = list.filter((c) => c.baseline === "");
    const points = (of: readonly Comparison[], which: "worse" | "better") =>
        of.map((c) => {
            const share = sharesOf(c)[which];
            return {
                x: c.t,
                y: share * 100,
                title:
                    `${momentText(c.t, serverNow())}, ${reasonWords(c.reason)}: ` +
                    `${digits(share * 100)}\u2009% ${which}`,
                key: keyOf(c),
            };
        });
    const after: XySeries[] = [
        { name: "worse after a change", tone: "flag", apart: true, points: points(changes, "worse") },
    ];
    return {
        key: "baseline-trend",
        title: "Worse and better",
        unit: "% of metrics",
        subtitle: "each hour against the weeks before, each change against the time before it",
        xTitle: "time",
        content: {
            axis: "time",
            least: 10,
            most: 100,
            yText: String,
            series: [
                { name: "worse", tone: "alarm", points: points(hours, "worse") },
                { name: "better", tone: "text", dash: [5, 3], points: points(hours, "better") },
                ...(changes.length ? after : []),
            ],
        },
    };
}

function fileOf(all: readonly Comparison[]): MadeTable {
    return {
        what: "Comparisons",
        key: "comparisons",
        columns: [
            ...["time", "baseline", "reason", "from", "to", "verdict"],
            ...VERDICT_WORDS.map((v) => v.verdict),
        ],
        rows: () =>
            all.map((c) => [
                ...[momentCell(c.t), c.baseline, c.reason],
                ...[momentCell(c.fromMs), momentCell(c.toMs), c.verdict],
                ...VERDICT_WORDS.map((v) => c.counts[v.verdict]),
            ]),
    };
}
