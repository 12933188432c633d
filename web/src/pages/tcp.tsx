/* Is TCP well? Round trips, losses on the way, queues that are full, and where packets die here. */
import { useComputed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Chart } from "../charts/chart";
import { DataChart } from "../charts/data-chart";
import type { HistogramSpec, SankeySpec } from "../domain/data-spec";
import { occupied, quantileOf, totalsOf, type Buckets } from "../domain/distribution";
import { dropsOf, type Drops } from "../domain/drops";
import { spanOf } from "../domain/range";
import { tcpVerdict, type TcpFacts } from "../domain/tcp-health";
import { durationText, NO_VALUE, quantity, text } from "../domain/units";
import { Distribution } from "../store/distribution";
import { outdated } from "../store/remote";
import type { Session } from "../store/session";
import { SeverityMark } from "../widgets/marks";
import { Value } from "../widgets/value";
import { usePage } from "./context";
import { MadeChart, type MadeData } from "./made-chart";
import { saidNow } from "./stale";
import {
    CONNECT,
    FLOW_CHARTS,
    HEALTH_CHARTS,
    QUANTILES,
    RTT,
    RTT_CHART,
    STATES_CHART,
    TCP_SELECTION,
} from "./tcp-charts";
import { spreadSpec, type SpreadWords } from "./spread";

export function TcpPage() {
    const { session, location } = usePage();
    const rtt = useMemo(() => new Distribution(session, RTT), [session]);
    const connect = useMemo(() => new Distribution(session, CONNECT), [session]);
    useEffect(() => session.show(TCP_SELECTION), [session]);
    useEffect(() => {
        const stops = [rtt.follow(location), connect.follow(location)];
        return () => stops.forEach((stop) => stop());
    }, [rtt, connect, location]);
    const drops = useComputed<Drops>(() => {
        void session.painted.value;
        const { grid, series } = session.window;
        const tickMs = session.intervalMs;
        return dropsOf(series.values(), (id) => grid?.amount(id, tickMs).amount ?? NaN);
    });
    const round = rtt.state.value;
    const made = useMemo(() => round.value && quantilesOf(round.value), [round.value]);
    const why = round.error
        ? `It could not be read: ${round.error}.`
        : round.loading && !round.value
          ? "Reading history…"
          : missingWords(session, "connection_quality", "No round trip was measured");
    return (
        <div class="tcp">
            <Sentence rtt={round.value} drops={drops.value} />
            <Figures rtt={round.value} connect={connect.state.value.value} />
            <h2 class="visually-hidden" id="trip-title">
                Round trips
            </h2>
            <section class="charts" aria-labelledby="trip-title">
                <MadeChart
                    spec={RTT_CHART}
                    size="half"
                    note="of every measured connection"
                    data={made}
                    loading={round.loading}
                    empty={why}
                    outdated={outdated(round)}
                />
                <DataChart
                    spec={useMemo(() => spreadSpec(round.value, ROUND_TRIPS), [round.value])}
                    size="half"
                    empty={why}
                    outdated={outdated(round)}
                />
                {HEALTH_CHARTS.map((spec) => (
                    <Chart key={spec.key} spec={spec} size="quarter" />
                ))}
            </section>
            <section class="group" aria-labelledby="die-title">
                <h2 id="die-title">Where packets die</h2>
                <div class="charts">
                    <DropChart drops={drops.value} />
                </div>
            </section>
            <section class="group" aria-labelledby="connections-title">
                <h2 id="connections-title">Connections</h2>
                <div class="charts">
                    <Chart spec={STATES_CHART} size="half" />
                    <DataChart
                        spec={useMemo(
                            () => histogramOf(connect.state.value.value),
                            [connect.state.value.value],
                        )}
                        size="half"
                        empty={missingWords(
                            session,
                            "connection_events",
                            "No connection was opened from here",
                        )}
                        outdated={outdated(connect.state.value)}
                    />
                    {FLOW_CHARTS.map((spec) => (
                        <Chart key={spec.key} spec={spec} size="half" />
                    ))}
                </div>
            </section>
        </div>
    );
}

/* Why there is nothing: nothing happened, or nobody here can see it. */
function missingWords(session: Session, capability: string, nothing: string): string {
    const info = session.info.value;
    const found = info?.capabilities.find((c) => c.name === capability);
    if (!info || (found && found.engine !== "")) return `${nothing} in this window.`;
    return `No engine measures this here. “netsonde doctor” says what is missing, and the command that adds it.`;
}

function Sentence({ rtt, drops }: { rtt: Buckets | undefined; drops: Drops }) {
    const { session, location } = usePage();
    const verdict = useComputed(() => {
        void session.painted.value;
        const range = location.range.value;
        const span = `${range.kind === "fixed" ? "in these" : "in the last"} ${durationText(spanOf(range))}`;
        const said = tcpVerdict(factsOf(session, rtt, drops), span);
        const now = saidNow(session, said);
        return now === said ? said : { ...now, level: "unknown" as const };
    });
    const { level, lead, rest } = verdict.value;
    return (
        <h1 class={`sentence sentence-${level}`} data-level={level}>
            {level === "warning" && <SeverityMark severity="warning" />}
            <strong>{lead}</strong> {rest}
        </h1>
    );
}

function amountOf(session: Session, name: string): number {
    const { grid, series } = session.window;
    let sum = 0;
    for (const s of series.values())
        if (s.name === name) sum += grid?.amount(s.id, session.intervalMs).amount || 0;
    return sum;
}

function factsOf(session: Session, rtt: Buckets | undefined, drops: Drops): TcpFacts {
    const totals = rtt ? totalsOf(rtt) : [];
    const quantile = (q: number) => 1000 * quantileOf(rtt?.edges ?? [], totals, q);
    return {
        sent: amountOf(session, "node_netstat_Tcp_OutSegs"),
        again: amountOf(session, "node_netstat_Tcp_RetransSegs"),
        rttMs: quantile(0.5),
        rttHighMs: quantile(0.99),
        unmeasured: rtt
            ? missingWords(session, "connection_quality", "No round trip was measured")
            : "",
        lost: drops.lost,
        worst: drops.worst?.place ?? "",
        notTaken: amountOf(session, "node_netstat_TcpExt_ListenDrops"),
    };
}

const segments = (count: number) => text(quantity(Math.round(count), "count", "bits"));

interface FiguresProps {
    rtt: Buckets | undefined;
    connect: Buckets | undefined;
}

function Figures({ rtt, connect }: FiguresProps) {
    const { session } = usePage();
    void session.painted.value;
    const sent = amountOf(session, "node_netstat_Tcp_OutSegs");
    const again = amountOf(session, "node_netstat_Tcp_RetransSegs");
    return (
        <dl class="figures">
            <SpreadFigure title="Round trip, median" buckets={rtt} />
            <SpreadFigure title="To open a connection, median" buckets={connect} />
            <div>
                <dt>Sent again</dt>
                <dd class="figure">
                    <Value value={sent > 0 ? again / sent : NaN} measure="ratio" bytesAs="bits" />
                </dd>
                <dd class="figure-note">
                    {sent > 0
                        ? `${segments(again)} of ${segments(sent)} segments`
                        : NO_VALUE}
                </dd>
            </div>
        </dl>
    );
}

function SpreadFigure({ title, buckets }: { title: string; buckets: Buckets | undefined }) {
    const totals = buckets ? totalsOf(buckets) : [];
    const at = (q: number) => quantileOf(buckets?.edges ?? [], totals, q);
    const high = at(0.99);
    return (
        <div>
            <dt>{title}</dt>
            <dd class="figure">
                <Value value={at(0.5)} measure="seconds" bytesAs="bits" />
            </dd>
            <dd class="figure-note">
                p99 {Number.isNaN(high) ? NO_VALUE : text(quantity(high, "seconds", "bits"))}
            </dd>
        </div>
    );
}

function quantilesOf(b: Buckets): MadeData {
    const width = b.edges.length;
    const times = Float64Array.from({ length: b.steps }, (_, i) => b.fromMs + i * b.stepMs);
    const columns: Record<string, { times: Float64Array; values: Float64Array }> = {};
    for (const { name, q } of QUANTILES)
        columns[name] = {
            times,
            values: times.map((_, step) => {
                const counts = [...b.counts.subarray(step * width, (step + 1) * width)];
                return quantileOf(b.edges, counts.map((n) => n || 0), q);
            }),
        };
    const toMs = b.fromMs + Math.max(0, b.steps - 1) * b.stepMs;
    return { fromMs: b.fromMs, toMs, stepMs: b.stepMs, columns };
}

const ROUND_TRIPS: SpreadWords = {
    key: "tcp-rtt-spread",
    title: "Round trips over time",
    subtitle: "how many measurements in each band",
    counted: "measurements",
};

function histogramOf(b: Buckets | undefined): HistogramSpec {
    const totals = b ? totalsOf(b) : [];
    const [first, end] = occupied(totals);
    const low = first > 0 ? b!.edges[first - 1]! : 0;
    const at = (q: number) => quantileOf(b?.edges ?? [], totals, q);
    return {
        kind: "histogram",
        key: "tcp-connect",
        title: "Time to open a connection",
        subtitle: "from SYN to established, connections opened from here",
        measure: "seconds",
        counted: "connections",
        edges: end > first ? [low, ...b!.edges.slice(first, end)] : [],
        series: [{ name: "opened", tone: "category-1", counts: totals.slice(first, end) }],
        marks: end > first ? QUANTILES.map(({ name, q }) => ({ name, value: at(q) })) : [],
    };
}

function DropChart({ drops }: { drops: Drops }) {
    const { nodes, links, lost } = drops;
    const key = JSON.stringify(links);
    const spec = useMemo<SankeySpec>(
        () => ({
            kind: "sankey",
            key: "drops",
            title: "Lost in this host",
            unit: "packets",
            subtitle:
                (lost > 0 ? "" : "nothing was lost at any place · ") +
                "the kernel’s own reasons are a second account of partly the same packets; grey ones are usual",
            measure: "count",
            nodes,
            links,
        }),
        [key],
    );
    return (
        <DataChart
            spec={spec}
            size="large"
            empty="No packet died in this host in this window: not at a card, in a queue, in the backlog, in connection tracking, nor in a socket’s buffer."
        />
    );
}
