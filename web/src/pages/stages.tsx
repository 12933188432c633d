/* Where a tick's time goes: quantiles of the last few seconds, on one scale of logarithms. */
import { digits, NO_VALUE } from "../domain/units";
import type { PerformanceStore, Spread } from "../store/performance";
import { TableHeads } from "../widgets/table-heads";
import { usePage } from "./context";
import { SaveTable } from "./save-table";

const WIDTH = 160;
const LEAST_MS = 0.001;

const MEANS: Readonly<Record<string, string>> = {
    "collect": "reading the kernel",
    "seal": "making the tick immutable",
    "detect": "detectors, rules and alerts",
    "encode": "making the messages, once for all",
    "fan-out": "giving them to the kernel, a loop each",
    "store": "writing, on a thread of its own",
};

const COLUMNS = ["p50", "p90", "p99", "max"] as const;

export function Stages({ store }: { store: PerformanceStore }) {
    const { session } = usePage();
    const p = store.now.value;
    const intervalMs = session.intervalMs;
    const stages = p?.stages ?? [];
    const rows = [
        ...stages.map((s) => ({ name: s.name, means: MEANS[s.name] ?? "", spread: s.spread })),
        ...(p ? [{ name: "delivery", means: "read to viewer's word", spread: p.latency }] : []),
        ...(p ? [{ name: "round trip", means: "of a ping to viewers", spread: p.roundTrip }] : []),
    ];
    const most = Math.max(intervalMs, ...rows.map((r) => r.spread.max || 0));
    const ms = (v: number) => (Number.isNaN(v) ? NO_VALUE : digits(v));
    if (!p) return null;
    return (
        <>
            <div class="table-head stages-head">
                <h3 class="method">
                    Milliseconds in the last {digits(p.elapsedMs / 1000)} s; the line is one
                    interval, {intervalMs} ms
                </h3>
                <SaveTable
                    table={{
                        what: "Stages of a tick",
                        key: "stages",
                        columns: ["stage", "count", "p50_ms", "p90_ms", "p99_ms", "max_ms"],
                        rows: () =>
                            rows.map(({ name, spread: s }) => [
                                ...[name, s.count, s.p50, s.p90, s.p99, s.max],
                            ]),
                    }}
                />
            </div>
            <table class="lines stages" role="table" aria-label="Stages of a tick">
                <TableHeads heads={["Stage", "p50 to max", ...COLUMNS]} />
                <tbody role="rowgroup">
                    {rows.map(({ name, means, spread }) => (
                        <tr key={name} role="row" data-stage={name}>
                            <th role="rowheader" scope="row">
                                {name} <span class="quiet">{means}</span>
                            </th>
                            <td role="cell" class="col-spread">
                                <SpreadBar spread={spread} most={most} limit={intervalMs} />
                            </td>
                            {COLUMNS.map((c) => (
                                <td key={c} role="cell" class="number-cell" data-title={c}>
                                    {ms(spread[c])}
                                </td>
                            ))}
                        </tr>
                    ))}
                </tbody>
            </table>
        </>
    );
}

/* From p50 to max, p99 a step between, where each ten times as much is equally far. */
function SpreadBar({ spread: s, most, limit }: { spread: Spread; most: number; limit: number }) {
    const decades = Math.log10(most / LEAST_MS);
    const x = (v: number) =>
        (Math.max(0, Math.min(1, Math.log10(Math.max(v, LEAST_MS) / LEAST_MS) / decades))) * WIDTH;
    const known = s.count > 0;
    return (
        <svg
            class="spread-bar"
            width={WIDTH}
            height="12"
            viewBox={`0 0 ${WIDTH} 12`}
            aria-hidden="true"
        >
            <rect class="spread-ground" x="0" y="5.500" width={WIDTH} height="1" />
            <rect class="spread-limit" x={Math.min(x(limit), WIDTH - 1)} y="0" width="1" height="12" />
            {known && (
                <>
                    <rect
                        class="spread-tail"
                        x={x(s.p50)}
                        y="5"
                        width={Math.max(1, x(s.max) - x(s.p50))}
                        height="2"
                    />
                    <rect
                        class="spread-body"
                        x={x(s.p50)}
                        y="3"
                        width={Math.max(2, x(s.p99) - x(s.p50))}
                        height="6"
                    />
                </>
            )}
        </svg>
    );
}
