/* What each trace was like over the window, sorted by what one clicks on. */
import { useSignal } from "@preact/signals";
import type { Statistics } from "../domain/answers";
import { quantity, text, unitOf, type ByteUnit, type Measure } from "../domain/units";
import { statistics, type Named } from "./explore-charts";
import { SaveTable } from "./save-table";
import { useEnvironment } from "../charts/environment";

type Column = "name" | keyof Statistics;

const COLUMNS: readonly { key: Column; title: string }[] = [
    { key: "name", title: "Trace" },
    { key: "min", title: "Lowest" },
    { key: "mean", title: "Mean" },
    { key: "max", title: "Highest" },
    { key: "last", title: "Newest" },
    { key: "total", title: "Total" },
];

/* A rate amounts to something, a level does not. */
export function totals({ answered: { agg }, trace: { kind }, measure }: Named): Measure | undefined {
    const adds = agg === "sum" || (agg === "avg" && kind === "counter");
    if (!adds) return undefined;
    return measure === "bytes/s" || measure === "bytes" ? "bytes" : "count";
}

export function StatisticsTable({ named }: { named: readonly Named[] }) {
    const env = useEnvironment();
    const sort = useSignal<{ by: Column; down: boolean }>({ by: "mean", down: true });
    const { by, down } = sort.value;
    const rows = named.map((n) => ({ n, s: statistics(n) }));
    const order = new Intl.Collator("en", { numeric: true });
    rows.sort((a, b) => {
        const way = down ? -1 : 1;
        if (by === "name") return way * order.compare(a.n.name, b.n.name);
        const [x, y] = [a.s[by], b.s[by]];
        if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
        return way * (x - y);
    });
    const bytesAs = env.bytesAs.value;
    const file = {
        what: "Statistics",
        key: "statistics",
        columns: ["trace", "unit", "lowest", "mean", "highest", "newest", "total"],
        rows: () =>
            rows.map(({ n, s }) => [
                n.name,
                n.what || unitOf(n.measure, "bytes"),
                ...[s.min, s.mean, s.max, s.last, totals(n) ? s.total : NaN].map((v) =>
                    Number.isNaN(v) ? null : v,
                ),
            ]),
    };
    return (
        <section class="group" aria-labelledby="statistics-title">
            <div class="table-head">
                <h2 id="statistics-title">
                    Over the window <span class="count">{rows.length}</span>
                </h2>
                <SaveTable table={file} />
            </div>
            <div class="statistics-box" tabIndex={0} role="region" aria-label="Statistics of each trace">
                <table class="statistics">
                    <thead>
                        <tr>
                            {COLUMNS.map(({ key, title }) => (
                                <th
                                    key={key}
                                    scope="col"
                                    class={key === "name" ? "" : "number-cell"}
                                    aria-sort={by === key ? (down ? "descending" : "ascending") : undefined}
                                >
                                    <button
                                        type="button"
                                        onClick={() =>
                                            (sort.value = { by: key, down: by === key ? !down : key !== "name" })
                                        }
                                    >
                                        {title}
                                        <span aria-hidden="true">{by === key ? (down ? " ↓" : " ↑") : ""}</span>
                                    </button>
                                </th>
                            ))}
                        </tr>
                    </thead>
                    <tbody>
                        {rows.map(({ n, s }) => (
                            <Row key={n.key} n={n} s={s} bytesAs={bytesAs} />
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    );
}

function Row({ n, s, bytesAs }: { n: Named; s: Statistics; bytesAs: ByteUnit }) {
    const { measure, what } = n;
    const said = (v: number, m = measure) => text(quantity(v, m, bytesAs));
    const total = totals(n);
    return (
        <tr data-trace={n.name}>
            <th scope="row" title={n.name}>
                <svg class={`swatch tone-${n.look.tone}`} viewBox="0 0 16 4" aria-hidden="true">
                    <line x1="0" y1="2" x2="16" y2="2" stroke-dasharray={n.look.dash?.join(" ")} />
                </svg>
                <bdi>{n.name}</bdi> <span class="quiet">{what}</span>
            </th>
            {[s.min, s.mean, s.max, s.last].map((v, i) => (
                <td key={i} class="number-cell">
                    {said(v)}
                </td>
            ))}
            <td class="number-cell">{total ? said(s.total, total) : ""}</td>
        </tr>
    );
}
