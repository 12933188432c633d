/* One connection: everything that is known of it, and who else talked with that peer. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Chart } from "../charts/chart";
import { Environment, useEnvironment } from "../charts/environment";
import { asArray, asNumber, asObject, asText, type Json } from "../base/json";
import { wordFor } from "../domain/filter";
import { rangeQuery } from "../domain/range";
import { hostOf } from "../domain/table-sums";
import { durationText, NO_VALUE, quantity, text } from "../domain/units";
import { Recorder } from "../store/recorder";
import { Drawer, Fact } from "../widgets/drawer";
import { Value } from "../widgets/value";
import { RATES_CHART, RECORDED, RTT_CHART } from "./connection-charts";
import { usePage } from "./context";
import { Moment } from "./moment";
import { STATE_WORDS } from "./table-columns";
import { useOpenRow, type TableWork } from "./table-panel";

export function ConnectionDetails({ work }: { work: TableWork }) {
    const { location } = usePage();
    const id = location.place.value.query.get("id");
    const close = () => location.setQuery("id", "");
    if (id === null) return null;
    return (
        <Drawer title="Connection" label="Connection" onClose={close}>
            <Body key={id} work={work} />
        </Drawer>
    );
}

/* What was known of it last stays when it has ended. */
function useLastRow(work: TableWork): { row: Json | undefined; here: boolean } {
    const last = useSignal<Json | undefined>(undefined);
    const open = useOpenRow(work);
    if (open) {
        const cells = open.table.rowAt(open.slot);
        const row: Json = {};
        open.table.columns.forEach((name, i) => (row[name] = cells[i]));
        last.value = row;
    }
    return { row: last.value, here: open !== undefined };
}

function Body({ work }: { work: TableWork }) {
    const { location, preferences } = usePage();
    const { row, here } = useLastRow(work);
    const bytesAs = preferences.bytesAs.value;
    if (!row) {
        const { loaded } = work.full.facts.value;
        return (
            <p class="table-empty">
                {loaded ? "This connection is not there, or no more." : "Reading the connections."}
            </p>
        );
    }
    const of = (name: string) => asText(row[name]);
    const number = (name: string) => asNumber(row[name]) ?? NaN;
    const peer = hostOf(of("remote"));
    const pid = number("pid");
    const only = (word: string) => location.href("connections", { filter: word });
    return (
        <>
            <p class="drawer-line">
                <bdi>{of("local")}</bdi> {of("direction") === "in" ? "←" : "→"}{" "}
                <bdi>{of("remote") || "anybody"}</bdi>
            </p>
            {!here && <p class="quiet">It has ended, or is not in this table; this was known last.</p>}
            <dl class="facts">
                <Fact name="State">{(STATE_WORDS[of("state")] ?? of("state")) || NO_VALUE}</Fact>
                <Fact name="Protocol">{of("protocol") || NO_VALUE}</Fact>
                <Fact name="Opened by">
                    {of("direction") === "in" ? "the peer" : of("direction") === "out" ? "this host" : NO_VALUE}
                </Fact>
                <Fact name="Opened">
                    {Number.isNaN(number("opened")) ? (
                        NO_VALUE
                    ) : (
                        <Moment ms={number("opened")} now={work.writing.nowMs} />
                    )}
                </Fact>
                <Fact name="Receive">
                    <Value value={number("rx_rate")} measure="bytes/s" bytesAs={bytesAs} />
                </Fact>
                <Fact name="Transmit">
                    <Value value={number("tx_rate")} measure="bytes/s" bytesAs={bytesAs} />
                </Fact>
                <Fact name="Received">
                    <Value value={number("rx_bytes")} measure="bytes" bytesAs={bytesAs} />
                </Fact>
                <Fact name="Sent">
                    <Value value={number("tx_bytes")} measure="bytes" bytesAs={bytesAs} />
                </Fact>
                <Fact name="Round trip">
                    <Value value={number("rtt_ms") / 1000} measure="seconds" bytesAs={bytesAs} />
                </Fact>
                <Fact name="Resent">
                    <Value value={number("retransmits")} measure="count" bytesAs={bytesAs} />
                </Fact>
                <Fact name="Measured by">{of("method") || NO_VALUE}</Fact>
                <Fact name="Process" wide>
                    <bdi>{of("process") || NO_VALUE}</bdi>
                    {!Number.isNaN(pid) && <span class="kind">PID {pid}</span>}
                    {of("unit") && <span class="kind">{of("unit")}</span>}
                    {of("process") && (
                        <span class="drawer-links">
                            <a href={only(wordFor("process", of("process")))}>its connections</a>
                            <a
                                href={location.href("processes", {
                                    filter: wordFor("process", of("process")),
                                })}
                            >
                                the process
                            </a>
                        </span>
                    )}
                </Fact>
                {peer && (
                    <Fact name="Peer" wide>
                        <bdi>{peer}</bdi>
                        {of("remote_name") && <span class="kind">{of("remote_name")}</span>}
                        <span class="drawer-links">
                            <a href={only(wordFor("remote", peer))}>its connections</a>
                        </span>
                    </Fact>
                )}
            </dl>
            {here && work.full.facts.value.live && <Recorded work={work} />}
            {peer && <Ended peer={peer} />}
        </>
    );
}

/* Its numbers from the moment on at which it was opened here. */
function Recorded({ work }: { work: TableWork }) {
    const { session } = usePage();
    const env = useEnvironment();
    const recorder = useMemo(
        () => new Recorder(RECORDED, session.intervalMs, "recorded here since it was opened"),
        [session],
    );
    const open = useOpenRow(work);
    const t = work.full.facts.value.t;
    useEffect(() => {
        if (!open) return;
        const of = (name: string) => open.table.number(open.table.column(name), open.slot);
        recorder.take(t, [of("rx_rate"), of("tx_rate"), of("rtt_ms") / 1000]);
    }, [t]);
    const own = useMemo(
        () => ({
            ...env,
            source: recorder,
            painted: recorder.painted,
            bands: { mean: undefined, sigma: undefined, sigmas: 0 },
        }),
        [env, recorder],
    );
    return (
        <Environment.Provider value={own}>
            <div class="charts drawer-charts">
                <Chart spec={RATES_CHART} size="large" empty="Its rates come with the next tick." />
                <Chart spec={RTT_CHART} size="large" empty="No round trip is known of it." />
            </div>
        </Environment.Provider>
    );
}

const EVENTS_READ = 2000;
const LINES_MOST = 50;

interface EndedConnection {
    t: number;
    local: string;
    remote: string;
    process: string;
    durationMs: number;
    rx: number;
    tx: number;
}

/* Connections with this peer that have ended in the window of the page. */
function Ended({ peer }: { peer: string }) {
    const { session, location, preferences } = usePage();
    const found = useSignal<{ list: EndedConnection[]; all: boolean } | undefined>(undefined);
    const trouble = useSignal("");
    const range = location.range.value;
    useEffect(() => {
        const abort = new AbortController();
        const { from, to } = rangeQuery(range);
        const q = new URLSearchParams({ kind: "connection_closed", from, to, limit: String(EVENTS_READ) });
        void session.getJson(`api/v1/events?${q}`, abort.signal).then((answer) => {
            if (abort.signal.aborted) return;
            if (!answer.ok) {
                trouble.value = answer.error;
                return;
            }
            const o = asObject(answer.value) ?? {};
            const list = asArray(o["events"]).flatMap((e) => endedFrom(asObject(e) ?? {}, peer));
            found.value = { list, all: (asNumber(o["total"]) ?? 0) <= EVENTS_READ };
        });
        return () => abort.abort();
    }, [peer, range, session]);
    const now = useComputed(() => Date.now());
    const bytesAs = preferences.bytesAs.value;
    const said = (v: number) => text(quantity(v, "bytes", bytesAs));
    const list = found.value?.list ?? [];
    return (
        <section class="drawer-section" aria-labelledby="ended-title">
            <h3 id="ended-title">
                Ended with {peer}{" "}
                <span class="quiet">
                    {found.value &&
                        (found.value.all
                            ? `${list.length} in this window`
                            : `${list.length} among the newest ${EVENTS_READ.toLocaleString("en")} of all`)}
                </span>
            </h3>
            {trouble.value && <p class="quiet">They could not be read: {trouble.value}.</p>}
            {found.value && list.length === 0 && (
                <p class="quiet">None. A longer window shows more of the past.</p>
            )}
            <ul class="ended">
                {list.slice(0, LINES_MOST).map((e, i) => (
                    <li key={i}>
                        <Moment ms={e.t} now={now.value} />
                        <bdi class="ended-who">{e.process || NO_VALUE}</bdi>
                        <bdi class="ended-where">{e.remote}</bdi>
                        <span class="quiet">
                            {durationText(e.durationMs)} · {said(e.rx)} in · {said(e.tx)} out
                        </span>
                    </li>
                ))}
            </ul>
            {list.length > LINES_MOST && <p class="quiet">and {list.length - LINES_MOST} before.</p>}
        </section>
    );
}

function endedFrom(e: Json, peer: string): EndedConnection[] {
    const remote = asText(e["remote"]);
    if (hostOf(remote) !== peer) return [];
    return [
        {
            t: asNumber(e["t"]) ?? 0,
            local: asText(e["local"]),
            remote,
            process: asText(e["process"]),
            durationMs: asNumber(e["duration_ms"]) ?? NaN,
            rx: asNumber(e["rx_bytes"]) ?? NaN,
            tx: asNumber(e["tx_bytes"]) ?? NaN,
        },
    ];
}
