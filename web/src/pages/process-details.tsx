/* One process: what is known of it, what it moved over the window, with whom it talks. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { asArray, asNumber, asText } from "../base/json";
import { Chart } from "../charts/chart";
import { wordFor } from "../domain/filter";
import type { ChartSpec } from "../domain/trace";
import { NO_VALUE } from "../domain/units";
import { Drawer, Fact } from "../widgets/drawer";
import { Value } from "../widgets/value";
import { usePage } from "./context";
import { STATE_WORDS } from "./table-columns";
import { useOpenRow, type TableWork } from "./table-panel";

export const UNATTRIBUTED = "(unattributed)";

const RECEIVED = "netsonde_process_receive_bytes_total";
const SENT = "netsonde_process_transmit_bytes_total";
const REST = "netsonde_unattributed_bytes_total";

/* A name of which the server keeps no series of its own is in process="other". */
export function processChart(name: string): ChartSpec {
    const rest = name === UNATTRIBUTED;
    const trace = (way: "receive" | "transmit") => ({
        name: way,
        metrics: [rest ? REST : way === "receive" ? RECEIVED : SENT],
        labels: rest ? { direction: [way] } : { process: [name] },
        tone: way,
        area: true,
    });
    return {
        key: "process",
        title: "Throughput",
        measure: "bytes/s",
        least: 1000,
        traces: [trace("receive"), { ...trace("transmit"), below: true }],
    };
}

export function ProcessDetails({ work }: { work: TableWork }) {
    const { location } = usePage();
    const id = location.place.value.query.get("id");
    if (id === null) return null;
    return (
        <Drawer title="Process" label="Process" onClose={() => location.setQuery("id", "")}>
            <Body key={id} work={work} />
        </Drawer>
    );
}

function Body({ work }: { work: TableWork }) {
    const { location, preferences } = usePage();
    const open = useOpenRow(work);
    const bytesAs = preferences.bytesAs.value;
    const name = open ? open.table.text(open.table.column("process"), open.slot) : "";
    const spec = useMemo(() => processChart(name), [name]);
    if (!open) {
        const { loaded } = work.full.facts.value;
        return (
            <p class="table-empty">
                {loaded
                    ? "This process is not there, or no more: one that ended keeps its row for a minute."
                    : "Reading the processes."}
            </p>
        );
    }
    const { table, slot } = open;
    const of = (column: string) => table.text(table.column(column), slot);
    const number = (column: string) => table.number(table.column(column), slot);
    const pid = number("pid");
    const bytes = (column: string) => (
        <Value value={number(column)} measure="bytes" bytesAs={bytesAs} />
    );
    const rate = (column: string) => (
        <Value value={number(column)} measure="bytes/s" bytesAs={bytesAs} />
    );
    const chart = (
        <div class="charts drawer-charts">
            <Chart
                spec={spec}
                size="large"
                note={name === UNATTRIBUTED ? undefined : "every process of this name"}
                empty="Of this name no series is kept: it has not moved enough to be among those that have one."
            />
        </div>
    );
    if (name === UNATTRIBUTED)
        return (
            <>
                <p class="drawer-line">{name}</p>
                <Explanation />
                <dl class="facts">
                    <Fact name="Receive">{rate("rx_rate")}</Fact>
                    <Fact name="Transmit">{rate("tx_rate")}</Fact>
                    <Fact name="Received">{bytes("rx_bytes")}</Fact>
                    <Fact name="Sent">{bytes("tx_bytes")}</Fact>
                </dl>
                {chart}
            </>
        );
    return (
        <>
            <p class="drawer-line">
                <bdi>{name || NO_VALUE}</bdi>
            </p>
            <dl class="facts">
                <Fact name="PID">{Number.isNaN(pid) ? NO_VALUE : pid}</Fact>
                <Fact name="User">{of("user") || NO_VALUE}</Fact>
                <Fact name="State">{(STATE_WORDS[of("state")] ?? of("state")) || NO_VALUE}</Fact>
                <Fact name="Connections">
                    <Value value={number("connections")} measure="count" bytesAs={bytesAs} />
                </Fact>
                <Fact name="Receive">{rate("rx_rate")}</Fact>
                <Fact name="Transmit">{rate("tx_rate")}</Fact>
                <Fact name="Received">{bytes("rx_bytes")}</Fact>
                <Fact name="Sent">{bytes("tx_bytes")}</Fact>
                <Fact name="Of it local">{bytes("local_bytes")}</Fact>
                <Fact name="Round trip">
                    <Value value={number("rtt_ms") / 1000} measure="seconds" bytesAs={bytesAs} />
                </Fact>
                <Fact name="Resent">
                    <Value value={number("retransmits")} measure="count" bytesAs={bytesAs} />
                </Fact>
                <Fact name="Measured by">{of("method") || NO_VALUE}</Fact>
                <Fact name="Unit" wide>
                    <bdi>{of("unit") || NO_VALUE}</bdi>
                    {of("unit") && (
                        <span class="drawer-links">
                            <a
                                href={location.href("processes", {
                                    filter: wordFor("unit", of("unit")),
                                })}
                            >
                                its processes
                            </a>
                        </span>
                    )}
                </Fact>
            </dl>
            {chart}
            {name && <Connections name={name} pid={pid} />}
        </>
    );
}

function Explanation() {
    return (
        <div class="explanation">
            <p>
                What the physical interfaces carry, less the payload that is known to be of a
                process. In it are:
            </p>
            <ul>
                <li>headers of packets: some 3 to 6 % of large transfers, more of small ones</li>
                <li>what was sent again, and answers of the kernel such as ACKs and pings</li>
                <li>what this host forwards for others: containers, machines behind it</li>
                <li>sockets that netsonde may not look into; with the ebpf engine there are none</li>
            </ul>
        </div>
    );
}

const REFRESH_MS = 5000;
const LINES_MOST = 40;
const ASKED_MOST = 500;

interface Line {
    id: number;
    remote: string;
    local: string;
    state: string;
    rate: number;
}

/* Its connections now. The filter finds numbers that hold this one, too, so they are looked through. */
function Connections({ name, pid }: { name: string; pid: number }) {
    const { session, location, preferences } = usePage();
    const lines = useSignal<Line[] | undefined>(undefined);
    const trouble = useSignal("");
    const filter = Number.isNaN(pid) ? wordFor("process", name) : `pid:${pid}`;
    useEffect(() => {
        const abort = new AbortController();
        const ask = async () => {
            if (document.hidden) return;
            const q = new URLSearchParams({ filter, limit: String(ASKED_MOST) });
            const answer = await session.getJson(`api/v1/connections?${q}`, abort.signal);
            if (abort.signal.aborted) return;
            trouble.value = answer.ok ? "" : answer.error;
            if (answer.ok) lines.value = linesFrom(answer.value, name, pid);
        };
        void ask();
        const timer = setInterval(() => void ask(), REFRESH_MS);
        return () => {
            abort.abort();
            clearInterval(timer);
        };
    }, [session, filter]);
    const all = location.href("connections", { filter });
    const list = lines.value ?? [];
    const listening = list.filter((l) => l.state === "listen");
    const others = list.filter((l) => l.state !== "listen");
    return (
        <section class="drawer-section" aria-labelledby="its-title">
            <h3 id="its-title">
                Its connections now <a href={all}>all in the table</a>
            </h3>
            {trouble.value && <p class="quiet">They could not be read: {trouble.value}.</p>}
            {lines.value && list.length === 0 && <p class="quiet">None.</p>}
            {listening.length > 0 && (
                <p class="quiet">
                    Listens on <bdi>{listening.slice(0, 12).map((l) => l.local).join(", ")}</bdi>
                </p>
            )}
            <ul class="ended">
                {others.slice(0, LINES_MOST).map((l) => (
                    <li key={l.id}>
                        <a href={location.href("connections", { filter, id: String(l.id) })}>
                            <bdi>{l.remote || l.local}</bdi>
                        </a>
                        <span class="quiet">{STATE_WORDS[l.state] ?? l.state}</span>
                        <Value
                            value={l.rate}
                            measure="bytes/s"
                            bytesAs={preferences.bytesAs.value}
                        />
                    </li>
                ))}
            </ul>
            {others.length > LINES_MOST && (
                <p class="quiet">and {others.length - LINES_MOST} more.</p>
            )}
        </section>
    );
}

function linesFrom(answer: unknown, name: string, pid: number): Line[] {
    const o = answer as { columns?: unknown; rows?: unknown };
    const columns = asArray(o.columns).map((c) => asText(c));
    const at = (row: readonly unknown[], column: string) => row[columns.indexOf(column)];
    return asArray(o.rows).flatMap((row): Line[] => {
        if (!Array.isArray(row)) return [];
        const same = Number.isNaN(pid) ? at(row, "process") === name : at(row, "pid") === pid;
        if (!same) return [];
        const rate = (asNumber(at(row, "rx_rate")) ?? 0) + (asNumber(at(row, "tx_rate")) ?? 0);
        return [
            {
                id: asNumber(row[0]) ?? 0,
                remote: asText(at(row, "remote")),
                local: asText(at(row, "local")),
                state: asText(at(row, "state")),
                rate,
            },
        ];
    });
}
