/* Which names are looked up, how fast the answers come, and which fail. */
import { useEffect, useMemo } from "preact/hooks";
import { DataChart } from "../charts/data-chart";
import type { ColumnTable } from "../domain/column-table";
import { withWord, wordFor } from "../domain/filter";
import { namer } from "../domain/table-sums";
import { digits } from "../domain/units";
import { nameIn } from "../domain/name-in";
import { Distribution } from "../store/distribution";
import { outdated } from "../store/remote";
import { PULSE } from "../store/selection";
import type { TableColumn } from "../widgets/table-rows";
import type { SaidOfTable } from "./connections";
import { usePage } from "./context";
import { saidNow } from "./stale";
import { rcodeBars, slowestBars } from "./flow-charts";
import { Moment } from "./moment";
import { RowDetails } from "./row-details";
import { spreadSpec, type SpreadWords } from "./spread";
import { READING, useSums } from "./sums";
import { momentColumn, numberColumn, textColumn, type Writing } from "./table-columns";
import { TablePanel, useTable, type TableWork } from "./table-panel";

const HISTOGRAM = "netsonde_dns_lookup_seconds";

export function DnsPage() {
    const { session } = usePage();
    const work = useTable("dns");
    useEffect(() => session.show(PULSE), [session]);
    const columns = useMemo(() => dnsColumns(work.writing), [work]);
    return (
        <div class="table-page">
            <Sentence work={work} />
            {!work.full.facts.value.error && <Charts work={work} />}
            <TablePanel
                work={work}
                title="DNS lookups"
                what="lookups"
                placeholder="Filter: example  rcode:NXDOMAIN  latency_ms>100  ( / )"
                columns={columns}
            />
            <Details work={work} />
        </div>
    );
}

function dnsColumns(w: Writing): TableColumn[] {
    return [
        momentColumn({ name: "t", title: "Time", width: 96, priority: 0, card: "state" }, w),
        textColumn({ name: "name", title: "Name", width: 200, grow: 5, priority: 0, card: "title" }),
        textColumn({ name: "type", title: "Type", width: 72, priority: 2 }, true),
        textColumn({ name: "rcode", title: "Answer", width: 104, priority: 0, card: "tx" }),
        numberColumn({ name: "latency_ms", title: "Took", width: 92, priority: 0, card: "rx" }, "seconds", w, "", 1e-3),
        textColumn({ name: "server", title: "Server", width: 168, grow: 2, priority: 3, card: "sub" }, true),
        textColumn({ name: "process", title: "Process", width: 128, grow: 2, priority: 1 }),
    ];
}

export interface DnsSummary {
    lookups: number;
    failed: number;
    medianMs: number;
    slowMs: number;
    asker: string;
}

export function summarizeDns(table: ColumnTable): DnsSummary {
    const rcode = namer(table, "rcode");
    const process = namer(table, "process");
    const latency = table.numbers(table.column("latency_ms"));
    const times: number[] = [];
    const askers = new Map<string, number>();
    let [lookups, failed] = [0, 0];
    for (let slot = 0; slot < table.size; slot++) {
        if (!table.isLive(slot)) continue;
        lookups++;
        if (rcode(slot) !== "NOERROR") failed++;
        const ms = latency?.[slot] ?? NaN;
        if (!Number.isNaN(ms)) times.push(ms);
        const p = process(slot);
        if (p) askers.set(p, (askers.get(p) ?? 0) + 1);
    }
    times.sort((a, b) => a - b);
    return {
        lookups,
        failed,
        medianMs: times[Math.floor(times.length / 2)] ?? NaN,
        slowMs: times[Math.floor(times.length * 0.95)] ?? NaN,
        asker: [...askers].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "",
    };
}

export function dnsWords(s: DnsSummary): SaidOfTable {
    if (s.lookups === 0)
        return { lead: "No lookups.", rest: "Nobody has asked for a name since netsonde listens." };
    const n = (v: number) => v.toLocaleString("en");
    const good = s.failed === 0 ? "all answered" : `${n(s.failed)} without a good answer`;
    const lead = `${n(s.lookups)} ${s.lookups === 1 ? "lookup" : "lookups"}, ${good}.`;
    const took = Number.isNaN(s.medianMs)
        ? ""
        : `Half took less than ${digits(s.medianMs)}\u2009ms, one in twenty more than ${digits(s.slowMs)}\u2009ms.`;
    const who = s.asker ? `${nameIn(s.asker)} asks most.` : "";
    return { lead, rest: [took, who].filter(Boolean).join(" ") };
}

function Sentence({ work }: { work: TableWork }) {
    const { session } = usePage();
    const sums = useSums(work, summarizeDns);
    const known: SaidOfTable = work.full.facts.value.error
        ? { lead: "DNS lookups", rest: "" }
        : work.full.facts.value.loaded
          ? dnsWords(sums.value)
          : { lead: "Reading the lookups.", rest: "" };
    const said = saidNow(session, known);
    return (
        <h1 class="sentence" data-level="good">
            <strong>{said.lead}</strong> {said.rest}
        </h1>
    );
}

function Charts({ work }: { work: TableWork }) {
    const { loaded } = work.full.facts.value;
    const { location } = usePage();
    const made = useSums(work, (table) => ({
        rcodes: rcodeBars(table),
        slowest: slowestBars(table),
    }));
    const narrow = (word: string) =>
        location.setQuery("filter", withWord(location.place.peek().query.get("filter") ?? "", word));
    return (
        <section class="charts" aria-label="Charts of the lookups">
            <h2 class="visually-hidden">Charts of the lookups</h2>
            <Latency />
            <DataChart
                spec={made.value.slowest}
                size="half"
                empty={loaded ? "No answer has come yet." : READING}
                onOpen={(name) => narrow(wordFor("name", name))}
            />
            <DataChart
                spec={made.value.rcodes}
                size="half"
                empty={loaded ? "No answer has come yet." : READING}
                onOpen={(rcode) => narrow(wordFor("rcode", rcode))}
            />
        </section>
    );
}

/* How long lookups took over the window, from the stored histogram. */
function Latency() {
    const { session, location } = usePage();
    const spread = useMemo(() => new Distribution(session, HISTOGRAM), [session]);
    useEffect(() => spread.follow(location), [spread, location]);
    const buckets = spread.state.value.value;
    const spec = useMemo(() => spreadSpec(buckets, LOOKUPS), [buckets]);
    const { error, loading } = spread.state.value;
    return (
        <DataChart
            spec={spec}
            size="large"
            empty={
                error
                    ? `It could not be read: ${error}.`
                    : loading && !buckets
                      ? READING
                      : "No lookup was answered in this window."
            }
            outdated={outdated(spread.state.value)}
        />
    );
}

const LOOKUPS: SpreadWords = {
    key: "dns-latency",
    title: "How long lookups took",
    subtitle: "from query to answer, by the daemon's histogram",
    counted: "lookups",
};

function Details({ work }: { work: TableWork }) {
    const { location } = usePage();
    return (
        <RowDetails
            work={work}
            title="Lookup"
            gone="This lookup has left the table, which keeps the newest."
            head={(row) => <bdi>{row.text("name")}</bdi>}
            facts={[
                { name: "Type", value: (r) => r.text("type") },
                { name: "Answer", value: (r) => r.text("rcode") },
                {
                    name: "Took",
                    value: (r) =>
                        Number.isNaN(r.number("latency_ms"))
                            ? ""
                            : `${digits(r.number("latency_ms"))}\u2009ms`,
                },
                {
                    name: "Time",
                    value: (r) => <Moment ms={r.number("t")} now={work.writing.nowMs} />,
                },
                { name: "Server", wide: true, value: (r) => r.text("server") && <bdi>{r.text("server")}</bdi> },
                { name: "Process", wide: true, value: (r) => r.text("process") && <bdi>{r.text("process")}</bdi> },
            ]}
        >
            {(row) => (
                <p class="drawer-links">
                    <a href={location.href("dns", { filter: wordFor("name", row.text("name")) })}>
                        all lookups of this name
                    </a>
                    {row.text("process") && (
                        <a href={location.href("dns", { filter: wordFor("process", row.text("process")) })}>
                            all of this process
                        </a>
                    )}
                </p>
            )}
        </RowDetails>
    );
}
