/* Every connection and listening socket of the host: who, with whom, how well. */
import { useMemo, useEffect } from "preact/hooks";
import { DataChart } from "../charts/data-chart";
import type { ColumnTable } from "../domain/column-table";
import { withWord, wordFor } from "../domain/filter";
import { summarize, type ConnectionsSummary } from "../domain/table-sums";
import { digits, quantity, text, type ByteUnit } from "../domain/units";
import { PULSE } from "../store/selection";
import type { TableColumn } from "../widgets/table-rows";
import { ConnectionDetails } from "./connection-details";
import { pathsChart, rttChart, statesChart } from "./connection-charts";
import { usePage } from "./context";
import { READING, useSums } from "./sums";
import {
    momentColumn,
    numberColumn,
    plainNumber,
    stateColumn,
    textColumn,
    type Writing,
} from "./table-columns";
import { TablePanel, useTable, type TableWork } from "./table-panel";

export function ConnectionsPage() {
    const { session } = usePage();
    const work = useTable("connections");
    useEffect(() => session.show(PULSE), [session]);
    const columns = useMemo(() => connectionColumns(work.writing), [work]);
    return (
        <div class="table-page">
            <Sentence work={work} />
            {!work.full.facts.value.error && <Charts work={work} />}
            <TablePanel
                work={work}
                title="Connections"
                what="connections"
                placeholder="Filter: curl  remote:10.0.  rtt_ms>50  -listen  ( / )"
                columns={columns}
            />
            <ConnectionDetails work={work} />
        </div>
    );
}

export function connectionColumns(w: Writing): TableColumn[] {
    return [
        textColumn({ name: "process", title: "Process", width: 128, grow: 2, priority: 0, card: "title" }),
        plainNumber({ name: "pid", title: "PID", width: 72, priority: 7 }),
        textColumn({ name: "remote", title: "Remote", width: 168, grow: 4, priority: 0, card: "sub" }),
        textColumn({ name: "remote_name", title: "Name", width: 112, grow: 2, priority: 8 }, true),
        textColumn({ name: "local", title: "Local", width: 152, grow: 3, priority: 5 }, true),
        textColumn({ name: "protocol", title: "Protocol", width: 72, priority: 6 }, true),
        stateColumn({ name: "state", title: "State", width: 104, priority: 2, card: "state" }),
        textColumn({ name: "direction", title: "Opened by", width: 84, priority: 9 }, true),
        numberColumn({ name: "rx_rate", title: "Receive", width: 104, priority: 0, card: "rx" }, "bytes/s", w, "receive"),
        numberColumn({ name: "tx_rate", title: "Transmit", width: 104, priority: 0, card: "tx" }, "bytes/s", w, "transmit"),
        numberColumn({ name: "rtt_ms", title: "Round trip", width: 92, priority: 3 }, "seconds", w, "", 1e-3),
        numberColumn({ name: "retransmits", title: "Resent", width: 76, priority: 4 }, "count", w),
        numberColumn({ name: "rx_bytes", title: "Received", width: 92, priority: 6 }, "bytes", w),
        numberColumn({ name: "tx_bytes", title: "Sent", width: 92, priority: 6 }, "bytes", w),
        textColumn({ name: "unit", title: "Unit", width: 120, grow: 1, priority: 10 }, true),
        momentColumn({ name: "opened", title: "Opened", width: 92, priority: 8 }, w),
        textColumn({ name: "method", title: "Measured by", width: 104, priority: 11 }, true),
    ];
}

const LOSSY = 0.02; // of the connections resend, and so often something is wrong

export interface SaidOfTable {
    lead: string;
    rest: string;
}

export function connectionsWords(s: ConnectionsSummary, bytesAs: ByteUnit): SaidOfTable {
    const n = (v: number) => v.toLocaleString("en");
    if (s.total === 0) return { lead: "No connections.", rest: "Nobody listens, either." };
    const to = s.peers
        ? `with ${n(s.peers)} other ${s.peers === 1 ? "host" : "hosts"}`
        : s.established
          ? "all within this host"
          : "";
    const inside = s.peers && s.local ? `, ${n(s.local)} within this host` : "";
    const lead = `${n(s.established)} established${to && ", "}${to}${inside}.`;
    const most =
        s.process && s.rate > 0
            ? `Most traffic is of ${s.process.slice(0, 40)}, ${text(quantity(s.rate, "bytes/s", bytesAs))}.`
            : "No traffic at the moment.";
    const rtt = Number.isNaN(s.rttMs)
        ? ""
        : `Half answer within ${digits(s.rttMs)}\u2009ms, one in twenty takes more than ${digits(s.slowMs)}\u2009ms.`;
    const lost =
        s.retransmits === 0
            ? "None has resent anything."
            : `${n(s.retransmitting)} ${s.retransmitting === 1 ? "has" : "have"} resent ${n(s.retransmits)} segments.`;
    return { lead, rest: [most, rtt, s.established ? lost : ""].filter(Boolean).join(" ") };
}

function Sentence({ work }: { work: TableWork }) {
    const { preferences } = usePage();
    const sums = useSums(work, summarize);
    const s = sums.value;
    const { loaded, error } = work.full.facts.value;
    const bad = s.established > 20 && s.retransmitting > LOSSY * s.established;
    const said: SaidOfTable = error
        ? { lead: "Connections", rest: "" }
        : loaded
          ? connectionsWords(s, preferences.bytesAs.value)
          : { lead: "Reading the connections.", rest: "" };
    return (
        <h1 class="sentence" data-level={bad ? "warning" : "good"}>
            <strong>{said.lead}</strong> <bdi>{said.rest}</bdi>
        </h1>
    );
}

function Charts({ work }: { work: TableWork }) {
    const { loaded } = work.full.facts.value;
    const { session, location } = usePage();
    const made = useSums(work, (table: ColumnTable) => ({
        states: statesChart(table),
        rtt: rttChart(table),
        paths: pathsChart(table, session.interfaces.peek()),
    }));
    const charts = made.value;
    const narrow = (word: string) =>
        location.setQuery("filter", withWord(location.place.peek().query.get("filter") ?? "", word));
    return (
        <section class="charts" aria-label="Charts of the connections">
            <DataChart
                spec={charts.rtt}
                size="half"
                empty={loaded ? "No established TCP connection has a round trip yet." : READING}
                onOpen={(id) => location.setQuery("id", id)}
            />
            <DataChart
                spec={charts.states}
                size="half"
                empty={loaded ? "No connection, and nobody listens." : READING}
                onOpen={(state) => narrow(wordFor("state", state))}
            />
            <DataChart
                spec={charts.paths}
                size="large"
                empty={loaded ? "No connection carries anything at the moment." : READING}
                onOpen={(key) => {
                    const name = key.slice(2);
                    narrow(wordFor(key.startsWith("0") ? "process" : "remote", name));
                }}
            />
        </section>
    );
}
