/* Every connection and listening socket of the host: who, with whom, how well. */
import { useMemo, useEffect } from "preact/hooks";
import { DataChart } from "../charts/data-chart";
import type { ColumnTable } from "../domain/column-table";
import { withWord, wordFor } from "../domain/filter";
import { summarize, type ConnectionsSummary } from "../domain/table-sums";
import { digits, quantity, text, type ByteUnit } from "../domain/units";
import { nameIn } from "../domain/name-in";
import { PULSE } from "../store/selection";
import { connectionColumns } from "./connection-columns";
import { ConnectionDetails } from "./connection-details";
import { pathsChart, rttChart, statesChart } from "./connection-charts";
import { usePage } from "./context";
import { saidNow } from "./stale";
import { READING, useSums } from "./sums";
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
            ? `Most traffic is of ${nameIn(s.process)}, ${text(quantity(s.rate, "bytes/s", bytesAs))}.`
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
    const { session, preferences } = usePage();
    const sums = useSums(work, summarize);
    const s = sums.value;
    const { loaded, error } = work.full.facts.value;
    const bad = s.established > 20 && s.retransmitting > LOSSY * s.established;
    const known: SaidOfTable = error
        ? { lead: "Connections", rest: "" }
        : loaded
          ? connectionsWords(s, preferences.bytesAs.value)
          : { lead: "Reading the connections.", rest: "" };
    const said = saidNow(session, known);
    return (
        <h1 class="sentence" data-level={bad ? "warning" : "good"}>
            <strong>{said.lead}</strong> {said.rest}
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
            <h2 class="visually-hidden">Charts of the connections</h2>
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
