/* The table of interfaces: sortable, filtered by words, every name a real link. */
import { computed, useComputed, type ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Sparkline, type SparkColumn, type SparkData } from "../charts/sparkline";
import {
    healthOf,
    kindText,
    matchesWords,
    parseSort,
    sorted,
    sortText,
    stateText,
    type Interface,
    type Sort,
    type SortKey,
} from "../domain/interfaces";
import { durationText, NO_VALUE, quantity, text, type ByteUnit } from "../domain/units";
import { spanOf, type Range } from "../domain/range";
import type { ServerTable } from "../domain/saving";
import type { TimeWindow } from "../store/time-window";
import { WarningMark } from "../widgets/marks";
import { Segmented } from "../widgets/segmented";
import { Speed, Value } from "../widgets/value";
import { usePage } from "./context";
import { meansOf } from "./means";
import { RECEIVED, SENT } from "./network-charts";
import { SaveTable } from "./save-table";

interface Column {
    key: string;
    title: string;
    sort?: SortKey;
    number?: boolean;
}

const COLUMNS: readonly Column[] = [
    { key: "device", title: "Interface", sort: "device" },
    { key: "state", title: "State", sort: "state" },
    { key: "history", title: "History" },
    { key: "rx", title: "Receive", sort: "rx_rate", number: true },
    { key: "tx", title: "Transmit", sort: "tx_rate", number: true },
    { key: "rx-total", title: "Received", sort: "rx_bytes", number: true },
    { key: "tx-total", title: "Sent", sort: "tx_bytes", number: true },
    { key: "speed", title: "Speed", sort: "speed", number: true },
    { key: "addresses", title: "Addresses" },
    { key: "errors", title: "Errors", sort: "errors", number: true },
    { key: "drops", title: "Drops", sort: "drops", number: true },
];

const SCALES = [
    { value: "own", short: "own scale", name: "each row on its own scale" },
    { value: "shared", short: "one scale", name: "all rows on one scale" },
] as const;

export function InterfaceTable() {
    const { session, location, preferences } = usePage();
    const sort = useComputed(() => parseSort(location.place.value.query.get("sort")));
    const words = location.place.value.query.get("filter") ?? "";
    const rows = useComputed(() => {
        const now = session.interfaces.value;
        if (location.range.value.kind === "last") return sorted(now, sort.value);
        void session.painted.value;
        return sorted(meansOf(session.window, now), sort.value);
    });
    const sparks = useMemo(
        () =>
            computed<SparkColumn>(() => {
                void session.painted.value;
                const shared = location.place.value.query.get("scale") === "shared";
                return sparkColumn(session.window, session.interfaces.value, shared);
            }),
        [session, location],
    );
    const shown =
        words.trim() === "" ? rows.value : rows.value.filter((i) => matchesWords(i, words));
    const bytesAs = preferences.bytesAs.value;
    const range = location.range.value;
    const peak = text(quantity(sparks.value.peak, "bytes/s", bytesAs));
    const sortBy = (key: SortKey) => {
        // First click: names upwards, numbers downwards; the next one turns it round.
        const same = sort.value.key === key;
        const descending = same ? !sort.value.descending : key !== "device" && key !== "state";
        location.setQuery("sort", sortText({ key, descending }));
    };
    return (
        <>
            <div class="table-tools">
                <label>
                    <span class="visually-hidden">Show only interfaces that match</span>
                    <input
                        type="search"
                        id="filter"
                        placeholder="Filter: name, kind, address  ( / )"
                        value={words}
                        onInput={(e) => location.setQuery("filter", e.currentTarget.value)}
                    />
                </label>
                <label class="sort-choice">
                    Sort by{" "}
                    <select
                        value={sort.value.key}
                        onChange={(e) => sortBy(e.currentTarget.value as SortKey)}
                    >
                        {COLUMNS.filter((c) => c.sort).map((c) => (
                            <option key={c.key} value={c.sort}>
                                {c.title}
                            </option>
                        ))}
                    </select>
                </label>
                <p class="method">
                    {durationText(spanOf(range))} of history, peak {peak}
                    {range.kind === "fixed" && ", mean rates"}
                </p>
                <Segmented
                    label="Scale of the history column"
                    choices={SCALES}
                    value={sparks.value.shared ? "shared" : "own"}
                    onChoose={(scale) => location.setQuery("scale", scale === "own" ? "" : scale)}
                />
                <SaveTable
                    table={{
                        what: "Network interfaces",
                        server: () => serverTable(words, sort.value, range),
                    }}
                />
            </div>
            <table class="interfaces" role="table" aria-label="Network interfaces">
                <thead role="rowgroup">
                    <tr role="row">
                        {COLUMNS.map((c) => (
                            <th
                                key={c.key}
                                role="columnheader"
                                scope="col"
                                class={`col-${c.key}` + (c.number ? " number-cell" : "")}
                                aria-sort={ariaSort(c, sort.value.key, sort.value.descending)}
                            >
                                {c.sort ? (
                                    <button type="button" onClick={() => sortBy(c.sort!)}>
                                        {c.title}
                                        <span class="sort-mark" aria-hidden="true" />
                                    </button>
                                ) : (
                                    c.title
                                )}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody role="rowgroup" onKeyDown={walkRows}>
                    {shown.map((i) => (
                        <Row key={i.id} row={i} sparks={sparks} bytesAs={bytesAs} />
                    ))}
                </tbody>
            </table>
            {shown.length === 0 && (
                <p class="table-empty">
                    {session.interfaces.value.length === 0 ? (
                        "Waiting for the list of interfaces."
                    ) : (
                        <>
                            No interface matches “{words}”.{" "}
                            <button
                                type="button"
                                class="button"
                                onClick={() => location.setQuery("filter", "")}
                            >
                                Show all
                            </button>
                        </>
                    )}
                </p>
            )}
        </>
    );
}

function serverTable(filter: string, sort: Sort, range: Range): ServerTable {
    const atMs = range.kind === "fixed" ? range.toMs : undefined;
    const column = sortText(sort).replace(/speed$/, "speed_bps");
    return { table: "interfaces", sort: column, filter, atMs };
}

interface RowProps {
    row: Interface;
    sparks: ReadonlySignal<SparkColumn>;
    bytesAs: ByteUnit;
}

function Row({ row, sparks, bytesAs }: RowProps) {
    const { location } = usePage();
    const href = location.href("interfaces", { device: row.device });
    const health = healthOf(row);
    const first = row.addresses[0];
    return (
        <tr
            role="row"
            data-device={row.device}
            onClick={(e) => {
                const onControl = e.target instanceof Element && e.target.closest("a, button");
                if (!onControl && !window.getSelection()?.toString()) location.go(href);
            }}
        >
            <th role="rowheader" scope="row" class="col-device" title={kindText(row) || undefined}>
                <a href={href}>{row.device}</a>
                {row.kind && <span class="kind">{row.kind}</span>}
            </th>
            <td role="cell" class={`col-state state-${health}`}>
                {health === "warning" && <WarningMark />}
                {stateText(row.state) || NO_VALUE}
            </td>
            <td role="cell" class="col-history">
                <Sparkline column={sparks} device={row.device} />
            </td>
            <NumberCell name="rx" title="Receive">
                <Value value={row.rxRate} measure="bytes/s" bytesAs={bytesAs} />
            </NumberCell>
            <NumberCell name="tx" title="Transmit">
                <Value value={row.txRate} measure="bytes/s" bytesAs={bytesAs} />
            </NumberCell>
            <NumberCell name="rx-total" title="Received">
                <Value value={row.rxBytes} measure="bytes" bytesAs={bytesAs} />
            </NumberCell>
            <NumberCell name="tx-total" title="Sent">
                <Value value={row.txBytes} measure="bytes" bytesAs={bytesAs} />
            </NumberCell>
            <NumberCell name="speed" title="Speed">
                <Speed bps={row.speedBps} />
            </NumberCell>
            <td role="cell" class="col-addresses" title={row.addresses.join("\n")}>
                {first ?? NO_VALUE}
                {row.addresses.length > 1 && <span class="kind">+{row.addresses.length - 1}</span>}
            </td>
            <NumberCell name="errors" title="Errors">
                <Count value={row.errors} />
            </NumberCell>
            <NumberCell name="drops" title="Drops">
                <Count value={row.drops} />
            </NumberCell>
        </tr>
    );
}

function NumberCell(props: { name: string; title: string; children: preact.ComponentChildren }) {
    return (
        <td role="cell" class={`col-${props.name} number-cell`} data-title={props.title}>
            {props.children}
        </td>
    );
}

function Count({ value }: { value: number }) {
    return (
        <span class={value > 0 ? "" : "nil"}>
            <Value value={value} measure="count" bytesAs="bytes" />
        </span>
    );
}

function ariaSort(c: Column, key: SortKey, descending: boolean) {
    if (!c.sort) return undefined;
    if (c.sort !== key) return "none";
    return descending ? "descending" : "ascending";
}

/* Up and down go from row to row; Enter is the link's own. */
function walkRows(e: KeyboardEvent & { currentTarget: HTMLElement }): void {
    if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
    const links = [...e.currentTarget.querySelectorAll<HTMLElement>("th a")];
    const at = links.findIndex((a) => a === document.activeElement);
    const next = links[at + (e.key === "ArrowDown" ? 1 : -1)];
    if (at < 0 || !next) return;
    e.preventDefault();
    next.focus();
}

function sparkColumn(
    window: TimeWindow,
    interfaces: readonly Interface[],
    shared: boolean,
): SparkColumn {
    const grid = window.grid;
    const rows = new Map<string, SparkData>();
    let peak = 0;
    if (!grid || grid.head < 0) return { peak, shared, rows };
    const ids = new Map<string, { receive: number[]; transmit: number[] }>();
    for (const s of window.series.values()) {
        const device = s.labels["device"];
        if (device === undefined) continue;
        let pair = ids.get(device);
        if (!pair) ids.set(device, (pair = { receive: [], transmit: [] }));
        if (s.name === RECEIVED) pair.receive.push(s.id);
        if (s.name === SENT) pair.transmit.push(s.id);
    }
    for (const { device } of interfaces) {
        const pair = ids.get(device);
        if (!pair) continue;
        const receive = new Float64Array(grid.capacity);
        const transmit = new Float64Array(grid.capacity);
        const n = grid.sum(pair.receive, receive);
        grid.sum(pair.transmit, transmit);
        let own = 0;
        for (let i = 0; i < n; i++) {
            if (receive[i]! > own) own = receive[i]!;
            if (transmit[i]! > own) own = transmit[i]!;
        }
        peak = Math.max(peak, own);
        const { oldest: first, capacity } = grid;
        rows.set(device, { receive, transmit, n, first, capacity, peak: own });
    }
    return { peak, shared, rows };
}
