/* What the packets say: who talks with whom, and which application that is. */
import { useEffect, useMemo } from "preact/hooks";
import { DataChart } from "../charts/data-chart";
import type { ColumnTable } from "../domain/column-table";
import { withWord, wordFor } from "../domain/filter";
import { sumsBy } from "../domain/table-sums";
import { quantity, text, type ByteUnit } from "../domain/units";
import { PULSE } from "../store/selection";
import type { TableColumn } from "../widgets/table-rows";
import { Value } from "../widgets/value";
import type { SaidOfTable } from "./connections";
import { usePage } from "./context";
import { saidNow } from "./stale";
import { applicationBars } from "./flow-charts";
import { Moment } from "./moment";
import { RowDetails } from "./row-details";
import { READING, useSums } from "./sums";
import { momentColumn, numberColumn, textColumn, type Writing } from "./table-columns";
import { TablePanel, useTable, type TableWork } from "./table-panel";

export function FlowsPage() {
    const { session } = usePage();
    const work = useTable("flows");
    useEffect(() => session.show(PULSE), [session]);
    const columns = useMemo(() => flowColumns(work.writing), [work]);
    return (
        <div class="table-page">
            <Sentence work={work} />
            {!work.full.facts.value.error && <Charts work={work} />}
            <TablePanel
                work={work}
                title="Flows"
                what="flows"
                placeholder="Filter: TLS  host:example  rx_bytes>1e6  ( / )"
                columns={columns}
            />
            <Details work={work} />
        </div>
    );
}

function flowColumns(w: Writing): TableColumn[] {
    return [
        textColumn({ name: "application", title: "Application", width: 136, grow: 2, priority: 0, card: "title" }),
        textColumn({ name: "host", title: "Host", width: 136, grow: 3, priority: 2, card: "sub" }),
        textColumn({ name: "client", title: "Client", width: 168, grow: 3, priority: 0 }, true),
        textColumn({ name: "server", title: "Server", width: 168, grow: 3, priority: 0 }),
        textColumn({ name: "protocol", title: "Protocol", width: 72, priority: 4, card: "state" }, true),
        numberColumn({ name: "rx_bytes", title: "To client", width: 96, priority: 0, card: "rx" }, "bytes", w, "receive"),
        numberColumn({ name: "tx_bytes", title: "To server", width: 96, priority: 0, card: "tx" }, "bytes", w, "transmit"),
        numberColumn({ name: "packets", title: "Packets", width: 84, priority: 5 }, "count", w),
        numberColumn({ name: "rtt_ms", title: "Round trip", width: 92, priority: 3 }, "seconds", w, "", 1e-3),
        numberColumn({ name: "retransmits", title: "Resent", width: 76, priority: 4 }, "count", w),
        textColumn({ name: "alpn", title: "ALPN", width: 72, priority: 7 }, true),
        momentColumn({ name: "opened", title: "Opened", width: 92, priority: 6 }, w),
    ];
}

export interface FlowsSummary {
    flows: number;
    applications: number;
    most: string;
    bytes: number; // of that application
    all: number;
}

export function summarizeFlows(table: ColumnTable): FlowsSummary {
    const sums = sumsBy(table, { column: "application", rx: "rx_bytes", tx: "tx_bytes" });
    const named = sums.filter((s) => s.name);
    const first = named[0];
    return {
        flows: sums.reduce((sum, s) => sum + s.rows, 0),
        applications: named.length,
        most: first?.name ?? "",
        bytes: first ? first.rx + first.tx : 0,
        all: sums.reduce((sum, s) => sum + s.rx + s.tx, 0),
    };
}

export function flowsWords(s: FlowsSummary, bytesAs: ByteUnit): SaidOfTable {
    const n = (v: number) => v.toLocaleString("en");
    const bytes = (v: number) => text(quantity(v, "bytes", bytesAs));
    if (s.flows === 0)
        return { lead: "No flows.", rest: "No packets have come by where netsonde listens." };
    const lead = `${n(s.flows)} ${s.flows === 1 ? "flow" : "flows"} of ${n(s.applications)} ${s.applications === 1 ? "application" : "applications"}, ${bytes(s.all)} in all.`;
    const rest = s.most ? `Most of it is ${s.most}, ${bytes(s.bytes)}.` : "";
    return { lead, rest };
}

function Sentence({ work }: { work: TableWork }) {
    const { session, preferences } = usePage();
    const sums = useSums(work, summarizeFlows);
    const known: SaidOfTable = work.full.facts.value.error
        ? { lead: "Flows and applications", rest: "" }
        : work.full.facts.value.loaded
          ? flowsWords(sums.value, preferences.bytesAs.value)
          : { lead: "Reading the flows.", rest: "" };
    const said = saidNow(session, known);
    return (
        <h1 class="sentence" data-level="good">
            <strong>{said.lead}</strong> {said.rest}
        </h1>
    );
}

function Charts({ work }: { work: TableWork }) {
    const { location } = usePage();
    const made = useSums(work, (table) => ({
        applications: applicationBars(table, "application"),
        hosts: applicationBars(table, "host"),
    }));
    const narrow = (word: string) =>
        location.setQuery("filter", withWord(location.place.peek().query.get("filter") ?? "", word));
    const empty = work.full.facts.value.loaded
        ? "No packets have come by where netsonde listens."
        : READING;
    return (
        <section class="charts" aria-label="Charts of the flows">
            <h2 class="visually-hidden">Charts of the flows</h2>
            <DataChart
                spec={made.value.applications}
                size="half"
                empty={empty}
                onOpen={(name) => narrow(wordFor("application", name))}
            />
            <DataChart
                spec={made.value.hosts}
                size="half"
                empty={empty}
                onOpen={(name) => narrow(wordFor("host", name))}
            />
        </section>
    );
}

function Details({ work }: { work: TableWork }) {
    const { preferences, location } = usePage();
    const bytesAs = preferences.bytesAs.value;
    return (
        <RowDetails
            work={work}
            title="Flow"
            gone="This flow has ended, or is not there."
            head={(row) => (
                <>
                    <bdi>{row.text("client")}</bdi> → <bdi>{row.text("server")}</bdi>
                </>
            )}
            facts={[
                { name: "Application", value: (r) => r.text("application") },
                { name: "Protocol", value: (r) => r.text("protocol") },
                { name: "ALPN", value: (r) => r.text("alpn") },
                {
                    name: "To the client",
                    value: (r) => <Value value={r.number("rx_bytes")} measure="bytes" bytesAs={bytesAs} />,
                },
                {
                    name: "To the server",
                    value: (r) => <Value value={r.number("tx_bytes")} measure="bytes" bytesAs={bytesAs} />,
                },
                {
                    name: "Packets",
                    value: (r) => <Value value={r.number("packets")} measure="count" bytesAs={bytesAs} />,
                },
                {
                    name: "Round trip",
                    value: (r) => (
                        <Value value={r.number("rtt_ms") / 1000} measure="seconds" bytesAs={bytesAs} />
                    ),
                },
                {
                    name: "Resent",
                    value: (r) => <Value value={r.number("retransmits")} measure="count" bytesAs={bytesAs} />,
                },
                {
                    name: "Opened",
                    value: (r) =>
                        !Number.isNaN(r.number("opened")) && (
                            <Moment ms={r.number("opened")} now={work.writing.nowMs} />
                        ),
                },
                { name: "Host", wide: true, value: (r) => r.text("host") && <bdi>{r.text("host")}</bdi> },
            ]}
        >
            {(row) => (
                <p class="drawer-links">
                    <a href={location.href("flows", { filter: wordFor("client", row.text("client").replace(/:\d+$/, "")) })}>
                        flows of this client
                    </a>
                    <a href={location.href("flows", { filter: wordFor("server", row.text("server").replace(/:\d+$/, "")) })}>
                        flows with this server
                    </a>
                </p>
            )}
        </RowDetails>
    );
}
