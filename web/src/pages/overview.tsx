/* How is this host's network? One sentence, three numbers, then the charts. */
import { computed, useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Chart } from "../charts/chart";
import { Gatherer, peaksOf, valuesAt, type Gathered } from "../charts/gather";
import { alertVerdict } from "../domain/alerts";
import { totalDevices } from "../domain/interfaces";
import { serverNow, whenText } from "../domain/time";
import type { ChartSpec } from "../domain/trace";
import { digits, NO_VALUE, quantity, text } from "../domain/units";
import { joined, overviewVerdict, type Amounts, type Loss, type Verdict } from "../domain/verdict";
import type { Alert } from "../store/alerts";
import type { Session } from "../store/session";
import type { Selection } from "../store/selection";
import { useAfterFirstPaint } from "../widgets/after-paint";
import { DirectionMark, SeverityMark } from "../widgets/marks";
import { Value } from "../widgets/value";
import { Colophon } from "./colophon";
import { usePage } from "./context";
import { meansOf } from "./means";
import { NowPanel } from "./now-panel";
import {
    lossChart,
    LOSS_METRICS,
    NETWORK_GROUPS,
    packetsChart,
    throughputChart,
} from "./network-charts";
import {
    PROTOCOL_METRICS,
    SOCKET_CHART,
    SOFTNET_CHARTS,
    TCP_CHARTS,
    UDP_CHARTS,
} from "./protocol-charts";

type Weight = keyof Omit<Amounts, "knownMs" | "unknownMs" | "past" | "losses">;

/* What the verdict weighs: rates times the length of their steps, added up over the window. */
const WEIGHED: Readonly<Record<string, Weight>> = {
    node_netstat_Tcp_OutSegs: "segmentsSent",
    node_netstat_Tcp_RetransSegs: "segmentsAgain",
    node_netstat_Udp_RcvbufErrors: "datagramsOverrun",
    node_netstat_Udp6_RcvbufErrors: "datagramsOverrun",
    node_netstat_Udp_NoPorts: "datagramsUnheard",
    node_netstat_Udp6_NoPorts: "datagramsUnheard",
    node_softnet_dropped_total: "backlogDrops",
};

export const OVERVIEW_SELECTION: Selection = {
    key: "overview",
    groups: [
        ...NETWORK_GROUPS,
        [
            ...new Set([
                ...PROTOCOL_METRICS,
                ...Object.keys(WEIGHED),
                "netsonde_anomalous_series",
            ]),
        ],
    ],
    match: [],
};

const RETRANSMIT_SHARE: ChartSpec = {
    ...TCP_CHARTS[0]!,
    traces: [
        { name: "again", metrics: ["node_netstat_Tcp_RetransSegs"], tone: "transmit" },
        { name: "all", metrics: ["node_netstat_Tcp_OutSegs"], tone: "transmit" },
    ],
};

export function Overview() {
    const { session } = usePage();
    const whole = useAfterFirstPaint();
    const total = useComputed(() => {
        const { devices, kind } = totalDevices(session.interfaces.value);
        return [kind, ...devices].join(" ");
    });
    const charts = useMemo(() => {
        const { devices, kind } = totalDevices(session.interfaces.peek());
        const names = devices.length > 4 ? `${devices.length} interfaces` : devices.join(" + ");
        const notes = {
            physical: names,
            virtual: `all but loopback: ${names}`,
            loopback: devices.length ? "loopback only" : "",
        };
        return {
            devices,
            note: notes[kind],
            throughput: throughputChart(devices),
            packets: packetsChart(devices),
            losses: lossChart(devices),
        };
    }, [session, total.value]);

    return (
        <>
            <h1 class="visually-hidden">Overview</h1>
            <Sentence devices={charts.devices} />
            <Figures devices={charts.devices} throughput={charts.throughput} />
            <NowPanel />
            <h2 class="visually-hidden" id="traffic-title">
                Traffic
            </h2>
            <section class="charts" aria-labelledby="traffic-title">
                <Chart spec={charts.throughput} size="large" note={charts.note} />
                <Chart spec={charts.packets} size="half" note={charts.note} />
                <Chart spec={charts.losses} size="half" note={charts.note} />
            </section>
            {whole ? <Below /> : <div class="below" />}
        </>
    );
}

/* On most screens. */
function Below() {
    return (
        <>
            <Group title="TCP" charts={TCP_CHARTS} size="quarter" />
            <Group title="UDP and sockets" charts={[...UDP_CHARTS, SOCKET_CHART]} size="third" />
            <Group title="Kernel backlog" charts={SOFTNET_CHARTS} size="half" />
            <Colophon />
        </>
    );
}

interface GroupProps {
    title: string;
    charts: readonly ChartSpec[];
    size: "quarter" | "third" | "half";
}

function Group({ title, charts, size }: GroupProps) {
    const id = "group-" + title.toLowerCase().replace(/\W+/g, "-");
    return (
        <section class="group" aria-labelledby={id}>
            <h2 id={id}>{title}</h2>
            <div class="charts">
                {charts.map((spec) => (
                    <Chart key={spec.key} spec={spec} size={size} />
                ))}
            </div>
        </section>
    );
}

function Sentence({ devices }: { devices: readonly string[] }) {
    const { session, location, preferences } = usePage();
    const verdict = useComputed<Verdict>(() => {
        void session.painted.value;
        const past = location.range.value.kind === "fixed";
        const now = session.interfaces.value;
        const all = past ? meansOf(session.window, now) : now;
        const amounts = { ...amountsOf(session.window, session.intervalMs), past };
        const verdict = overviewVerdict(all, devices, amounts, preferences.bytesAs.value);
        const { loading, unread } = session.window;
        if (past && amounts.knownMs === 0 && (loading || unread))
            return {
                ...verdict,
                lead: loading ? "Reading history…" : "History could not be read.",
            };
        const since = session.staleSince;
        if (session.liveness.value !== "stale" || since === undefined)
            return past ? verdict : withAlerts(verdict, session.alerts.active.value);
        return {
            ...verdict,
            level: "unknown",
            lead: `Nothing new since ${whenText(since, serverNow())}.`,
            rest: joined("Then:", verdict.lead, verdict.rest),
        };
    });
    const { level, lead, rest, traffic } = verdict.value;
    const where = <span class="sentence-traffic">{traffic}</span>;
    return (
        <p class={`sentence sentence-${level}`} data-level={level}>
            {(level === "warning" || level === "critical") && <SeverityMark severity={level} />}
            <strong>{lead}</strong>{" "}
            {level === "good" ? (
                <>
                    {where} {rest}
                </>
            ) : (
                <>
                    {rest} {where}
                </>
            )}
        </p>
    );
}

/* Nothing is quiet while an alert calls for somebody, whatever the counters say. */
function withAlerts(verdict: Verdict, active: readonly Alert[]): Verdict {
    const { level, lead } = alertVerdict(active, true, undefined);
    if (level !== "warning" && level !== "critical") return verdict;
    const own = verdict.level === "warning" ? verdict.lead : "";
    return { ...verdict, level, lead, rest: joined(own, verdict.rest) };
}

function amountsOf(
    { grid, series }: Session["window"],
    tickMs: number,
): Omit<Amounts, "past"> {
    const amounts = {
        knownMs: 0,
        unknownMs: 0,
        losses: [] as Loss[],
        segmentsSent: 0,
        segmentsAgain: 0,
        datagramsOverrun: 0,
        datagramsUnheard: 0,
        backlogDrops: 0,
    };
    if (!grid || grid.head < 0) return amounts;
    const byDevice = new Map<string, number>();
    const ids: number[] = [];
    let oldest = grid.head + 1;
    for (const s of series.values()) {
        const device = LOSS_METRICS.includes(s.name) ? s.labels["device"] : undefined;
        const weighed = WEIGHED[s.name];
        if (device === undefined && weighed === undefined) continue;
        const { amount, first } = grid.amount(s.id, tickMs);
        if (weighed) amounts[weighed] += amount;
        else byDevice.set(device!, (byDevice.get(device!) ?? 0) + amount);
        oldest = Math.min(oldest, first);
        ids.push(s.id);
    }
    amounts.losses = [...byDevice].map(([device, packets]) => ({ device, packets }));
    amounts.knownMs = (grid.head + 1 - oldest) * grid.stepMs;
    amounts.unknownMs = grid.unknown(ids, oldest) * grid.stepMs;
    return amounts;
}

interface Summary {
    past: boolean; // `rate` is then the mean of the window, else that of now
    receive: { rate: number; peak: number };
    transmit: { rate: number; peak: number };
    connections: number;
    retransmitted: number | undefined; // share of the segments sent in the window; NaN: none were
}

function Figures({ devices, throughput }: { devices: readonly string[]; throughput: ChartSpec }) {
    const { session, location, preferences } = usePage();
    const summary = useMemo(() => {
        const traffic = new Gatherer(throughput);
        const established = new Gatherer(TCP_CHARTS[3]!);
        const retransmits = new Gatherer(RETRANSMIT_SHARE);
        return computed<Summary>(() => {
            void session.painted.value;
            const t = traffic.gather(session.window, "bytes");
            const e = established.gather(session.window, "bytes");
            const r = retransmits.gather(session.window, "bytes");
            const past = location.range.value.kind === "fixed";
            const now = session.interfaces.value;
            const all = past ? meansOf(session.window, now) : now;
            const rows = all.filter((i) => devices.includes(i.device));
            const peaks = t && !t.empty ? peaksOf(t.traces, t.from, t.n) : undefined;
            const sum = (of: (i: (typeof rows)[0]) => number) =>
                rows.length ? rows.reduce((a, i) => a + (of(i) || 0), 0) : NaN;
            return {
                past,
                receive: { rate: sum((i) => i.rxRate), peak: peaks?.above ?? NaN },
                transmit: { rate: sum((i) => i.txRate), peak: peaks?.below ?? NaN },
                // A step may be the mean of many ticks.
                connections: Math.round((past ? e && meanOf(e) : e && valuesAt(e, e.n - 1)[0]) ?? NaN),
                retransmitted:
                    r && !r.empty ? total(r.traces[0]!, r) / total(r.traces[1]!, r) : undefined,
            };
        });
    }, [session, location, throughput, devices]);

    const { past, receive, transmit, connections, retransmitted } = summary.value;
    const bytesAs = preferences.bytesAs.value;
    const peak = (v: number) =>
        `peak ${Number.isNaN(v) ? NO_VALUE : text(quantity(v, "bytes/s", bytesAs))}`;
    const mean = past ? ", mean" : "";
    return (
        <dl class="figures">
            <div>
                <dt>
                    <DirectionMark towards="receive" /> Receive{mean}
                </dt>
                <dd class="figure">
                    <Value value={receive.rate} measure="bytes/s" bytesAs={bytesAs} />
                </dd>
                <dd class="figure-note">{peak(receive.peak)}</dd>
            </div>
            <div>
                <dt>
                    <DirectionMark towards="transmit" /> Transmit{mean}
                </dt>
                <dd class="figure">
                    <Value value={transmit.rate} measure="bytes/s" bytesAs={bytesAs} />
                </dd>
                <dd class="figure-note">{peak(transmit.peak)}</dd>
            </div>
            <div>
                <dt>
                    TCP connections<span class="at-length">{mean}</span>
                </dt>
                <dd class="figure">
                    <Value value={connections} measure="count" bytesAs={bytesAs} />
                </dd>
                <dd class="figure-note">
                    {shareWords(retransmitted)}
                    {Number.isFinite(retransmitted ?? NaN) && (
                        <>
                            <span class="at-length"> of segments</span> sent again
                        </>
                    )}
                </dd>
            </div>
        </dl>
    );
}

function shareWords(share: number | undefined): string {
    if (share === undefined) return NO_VALUE;
    return Number.isFinite(share) ? `${digits(share * 100)}\u2009%` : "no segments sent";
}

function total(values: Float64Array, { from, n }: Gathered): number {
    let sum = 0;
    for (let i = from; i < n; i++) sum += values[i]! || 0;
    return sum;
}

function meanOf(g: Gathered): number {
    const known = g.traces[0]!.subarray(g.from, g.n).filter((v) => !Number.isNaN(v));
    return known.reduce((sum, v) => sum + v, 0) / known.length;
}
