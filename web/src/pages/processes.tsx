/* Who on this host uses the network, and how much nobody can be named for. */
import { useEffect, useMemo } from "preact/hooks";
import { useComputed, type ReadonlySignal } from "@preact/signals";
import { DataChart } from "../charts/data-chart";
import type { ColumnTable } from "../domain/column-table";
import { withWord, wordFor } from "../domain/filter";
import { exactGlob } from "../domain/saving";
import { namer, sumsBy } from "../domain/table-sums";
import { metricsOf } from "../domain/trace";
import { digits, quantity, text, type ByteUnit } from "../domain/units";
import { nameIn } from "../domain/name-in";
import { PULSE, type Selection } from "../store/selection";
import { Segmented } from "../widgets/segmented";
import type { TableColumn } from "../widgets/table-rows";
import { processBars } from "./connection-charts";
import type { SaidOfTable } from "./connections";
import { usePage } from "./context";
import { saidNow } from "./stale";
import { processChart, ProcessDetails, UNATTRIBUTED } from "./process-details";
import { READING, useSums } from "./sums";
import { numberColumn, plainNumber, stateColumn, textColumn, type Writing } from "./table-columns";
import { momentOf, TablePanel, useTable, type TableWork } from "./table-panel";
import { UnitTable } from "./unit-table";

const VIEWS = [
    { value: "processes", short: "Processes", name: "each process" },
    { value: "units", short: "Units", name: "systemd units, their processes together" },
] as const;

export function ProcessesPage() {
    const { session, location } = usePage();
    const work = useTable("processes");
    const columns = useMemo(() => processColumns(work.writing), [work]);
    const name = useOpenName(work);
    useEffect(() => session.show(selectionOf(name.value)), [session, name.value]);
    const units = location.place.value.query.get("view") === "units";
    const choice = (
        <Segmented
            label="Rows"
            choices={VIEWS}
            value={units ? "units" : "processes"}
            onChoose={(view) => location.setQuery("view", view === "units" ? view : "")}
        />
    );
    const facts = work.full.facts.value;
    return (
        <div class="table-page">
            <Sentence work={work} />
            {!facts.error && <Charts work={work} />}
            {units && facts.loaded && !facts.error ? (
                <UnitTable work={work} tools={choice} />
            ) : (
                <TablePanel
                    work={work}
                    title="Processes"
                    what="processes"
                    placeholder="Filter: nginx  user:www  rx_rate>1e6  -ended  ( / )"
                    columns={columns}
                >
                    {choice}
                </TablePanel>
            )}
            <ProcessDetails work={work} />
        </div>
    );
}

/* The name of the process that is open: what its charts are asked for by. */
function useOpenName(work: TableWork): ReadonlySignal<string> {
    const { location } = usePage();
    return useComputed(() => {
        const id = Number(location.place.value.query.get("id") ?? NaN);
        void work.lens.painted.value;
        const { table } = work.lens.view.value;
        const slot = Number.isNaN(id) ? undefined : table.slotOf(id);
        return slot === undefined ? "" : table.text(table.column("process"), slot);
    });
}

function selectionOf(name: string): Selection {
    if (!name) return PULSE;
    const metrics = metricsOf([processChart(name)]);
    const match = name === UNATTRIBUTED ? [] : [`process=${exactGlob(name)}`];
    return { key: `process ${name}`, groups: [metrics], match };
}

function processColumns(w: Writing): TableColumn[] {
    return [
        textColumn({ name: "process", title: "Process", width: 144, grow: 3, priority: 0, card: "title" }),
        plainNumber({ name: "pid", title: "PID", width: 76, priority: 3 }),
        textColumn({ name: "user", title: "User", width: 96, grow: 1, priority: 5 }, true),
        textColumn({ name: "unit", title: "Unit", width: 144, grow: 3, priority: 4, card: "sub" }, true),
        stateColumn({ name: "state", title: "State", width: 88, priority: 6, card: "state" }),
        numberColumn({ name: "rx_rate", title: "Receive", width: 104, priority: 0, card: "rx" }, "bytes/s", w, "receive"),
        numberColumn({ name: "tx_rate", title: "Transmit", width: 104, priority: 0, card: "tx" }, "bytes/s", w, "transmit"),
        numberColumn({ name: "rx_bytes", title: "Received", width: 92, priority: 2 }, "bytes", w),
        numberColumn({ name: "tx_bytes", title: "Sent", width: 92, priority: 2 }, "bytes", w),
        numberColumn({ name: "local_bytes", title: "Of it local", width: 92, priority: 7 }, "bytes", w),
        numberColumn({ name: "connections", title: "Connections", width: 96, priority: 4 }, "count", w),
        numberColumn({ name: "rtt_ms", title: "Round trip", width: 92, priority: 7 }, "seconds", w, "", 1e-3),
        numberColumn({ name: "retransmits", title: "Resent", width: 76, priority: 7 }, "count", w),
        textColumn({ name: "method", title: "Measured by", width: 104, priority: 8 }, true),
    ];
}

export interface ProcessesSummary {
    processes: number;
    busy: string;
    rx: number;
    tx: number;
    unattributed: number; // bytes per second
    all: number;
}

export function summarizeProcesses(table: ColumnTable): ProcessesSummary {
    const state = namer(table, "state");
    const name = namer(table, "process");
    const running = sumsBy(table, {
        column: "process",
        rx: "rx_rate",
        tx: "tx_rate",
        only: (slot) => state(slot) === "running",
    });
    const [rest] = sumsBy(table, {
        column: "process",
        rx: "rx_rate",
        tx: "tx_rate",
        only: (slot) => name(slot) === UNATTRIBUTED,
    });
    const unattributed = rest ? rest.rx + rest.tx : 0;
    const first = running[0];
    return {
        processes: running.reduce((sum, s) => sum + s.rows, 0),
        busy: first && first.rx + first.tx > 0 ? first.name : "",
        rx: first?.rx ?? 0,
        tx: first?.tx ?? 0,
        unattributed,
        all: running.reduce((sum, s) => sum + s.rx + s.tx, unattributed),
    };
}

export function processesWords(s: ProcessesSummary, bytesAs: ByteUnit): SaidOfTable {
    const rate = (v: number) => text(quantity(v, "bytes/s", bytesAs));
    const who = s.processes === 1 ? "One process uses" : `${s.processes.toLocaleString("en")} processes use`;
    if (s.processes === 0) return { lead: "No process uses the network.", rest: "" };
    const lead = s.busy
        ? `${nameIn(s.busy)} uses the network most: ${rate(s.rx)} in, ${rate(s.tx)} out.`
        : `${who} the network; none moves anything now.`;
    const share = s.all > 0 ? (s.unattributed / s.all) * 100 : 0;
    const rest =
        s.unattributed > 0
            ? `${digits(share)}\u2009% (${rate(s.unattributed)}) is of no process: headers, what was sent again, forwarded and the kernel's own.`
            : "Everything that the interfaces carry is of a process that is known.";
    return { lead, rest: s.busy ? `${who} it. ${rest}` : rest };
}

function Sentence({ work }: { work: TableWork }) {
    const { session, preferences } = usePage();
    const sums = useSums(work, summarizeProcesses);
    const known: SaidOfTable = work.full.facts.value.error
        ? { lead: "Processes", rest: "" }
        : work.full.facts.value.loaded
          ? processesWords(sums.value, preferences.bytesAs.value)
          : { lead: "Reading the processes.", rest: "" };
    const said = saidNow(session, known);
    return (
        <h1 class="sentence" data-level="good">
            <strong>
                {said.lead}
            </strong>{" "}
            {said.rest}
        </h1>
    );
}

function Charts({ work }: { work: TableWork }) {
    const context = usePage();
    const { location } = context;
    const made = useSums(work, (table) => ({
        processes: processBars(table, "By process", "process"),
        units: processBars(table, "By unit", "unit"),
    }));
    const narrow = (word: string) =>
        location.setQuery("filter", withWord(location.place.peek().query.get("filter") ?? "", word));
    const empty = !work.full.facts.value.loaded
        ? READING
        : momentOf(context) === undefined
            ? "Nobody has used the network since netsonde started."
            : "Nobody had used the network then.";
    return (
        <section class="charts" aria-label="Charts of the processes">
            <h2 class="visually-hidden">Charts of the processes</h2>
            <DataChart
                spec={made.value.processes}
                size="half"
                empty={empty}
                onOpen={(name) => narrow(wordFor("process", name))}
            />
            <DataChart
                spec={made.value.units}
                size="half"
                empty={empty}
                onOpen={(name) => narrow(wordFor("unit", name))}
            />
        </section>
    );
}
