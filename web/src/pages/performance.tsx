/*
 * What netsonde itself costs, and how its server fares: the instrument must not be the load. Below
 * it, what `netsonde bench` has measured.
 */
import { effect, useComputed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Chart } from "../charts/chart";
import { serverNow, whenText } from "../domain/time";
import { digits, NO_VALUE, quantity, text } from "../domain/units";
import { PerformanceStore, type Performance } from "../store/performance";
import { SeverityMark } from "../widgets/marks";
import { Value } from "../widgets/value";
import { Benchmarks } from "./benchmarks";
import { Clients } from "./clients";
import { usePage, type PageContext } from "./context";
import { LatencyChart } from "./latency-chart";
import {
    CPU_CHART,
    LOSS_CHARTS,
    MEMORY_CHART,
    PERFORMANCE_SELECTION,
    SERVER_CHARTS,
    STAGES_CHART,
} from "./performance-charts";
import { Stages } from "./stages";

const REFRESH_MS = 15_000; // of quantiles of the past

export function PerformancePage() {
    const context = usePage();
    const { session } = context;
    const store = useMemo(() => new PerformanceStore(session), [session]);
    useEffect(() => session.show(PERFORMANCE_SELECTION), [session]);
    useEffect(() => followPage(context, store), [context, store]);
    return (
        <div class="performance">
            <Sentence store={store} />
            <Figures store={store} />
            <section class="group" aria-labelledby="cost-title">
                <h2 id="cost-title">What it costs</h2>
                <div class="charts">
                    <Chart spec={CPU_CHART} size="half" />
                    <Chart spec={MEMORY_CHART} size="half" />
                </div>
            </section>
            <section class="group" aria-labelledby="pace-title">
                <h2 id="pace-title">How fast it is</h2>
                <div class="charts">
                    <LatencyChart store={store} />
                    <Chart spec={STAGES_CHART} size="half" />
                </div>
                <Stages store={store} />
            </section>
            <section class="group" aria-labelledby="server-title">
                <h2 id="server-title">What it serves</h2>
                <div class="charts">
                    {[...SERVER_CHARTS, ...LOSS_CHARTS].map((spec) => (
                        <Chart key={spec.key} spec={spec} size="third" />
                    ))}
                </div>
            </section>
            <Clients store={store} />
            <Benchmarks store={store} />
        </div>
    );
}

function followPage({ session, location }: PageContext, store: PerformanceStore): () => void {
    const stops = [
        store.follow(),
        effect(() => {
            void session.hello.value?.session;
            void store.runs.load();
        }),
        effect(() => {
            void store.latency.load(location.range.value);
        }),
    ];
    const timer = setInterval(() => {
        if (location.range.peek().kind === "last" && !session.paused.peek() && !document.hidden)
            void store.latency.load(location.range.peek());
    }, REFRESH_MS);
    return () => {
        stops.forEach((stop) => stop());
        clearInterval(timer);
    };
}

interface Said {
    level: "good" | "warning" | "unknown";
    lead: string;
    rest: string;
}

const BUSY_PCT = 25; // of one CPU: then the instrument is part of what it measures
const SLOW_MS = 250;

export function performanceVerdict(p: Performance, dropped: number): Said {
    const cpu = `${digits(p.cpuPct)}\u2009% of one CPU`;
    const memory = text(quantity(p.rssBytes, "bytes", "bytes"));
    const cost = `netsonde takes ${cpu} and ${memory} of memory.`;
    const viewers = p.connections === 1 ? "One viewer has" : `${p.connections} viewers have`;
    const heard =
        p.connections > 0 && p.latency.count > 0
            ? `${viewers} a tick ${digits(p.latency.p50)}\u2009ms after it was read, the slowest ${digits(p.latency.max)}\u2009ms.`
            : p.connections > 0
              ? ""
              : "Nobody looks on.";
    if (dropped > 0)
        return {
            level: "warning",
            lead: "A viewer was too slow.",
            rest: `${dropped} messages found a full queue since this page is open. ${cost}`,
        };
    if (p.cpuPct > BUSY_PCT)
        return {
            level: "warning",
            lead: `netsonde is busy: ${cpu}.`,
            rest: "A longer interval, fewer engines or fewer viewers make it cheaper.",
        };
    if (p.latency.p99 > SLOW_MS)
        return {
            level: "warning",
            lead: `Viewers get ticks late: one in a hundred after ${digits(p.latency.p99)}\u2009ms.`,
            rest: cost,
        };
    return { level: "good", lead: cost, rest: heard };
}

function Sentence({ store }: { store: PerformanceStore }) {
    const { session } = usePage();
    const said = useComputed<Said>(() => {
        const p = store.now.value;
        const hello = session.hello.value;
        if (hello && !hello.channels.includes("performance"))
            return {
                level: "unknown",
                lead: "This server does not tell how it is doing.",
                rest: "It is older than this page.",
            };
        if (!p) return { level: "unknown", lead: "Waiting for the first report.", rest: "" };
        const now = performanceVerdict(p, store.dropped.value);
        const since = session.staleSince;
        if (session.liveness.value !== "stale" || since === undefined) return now;
        return {
            level: "unknown",
            lead: `Nothing new since ${whenText(since, serverNow())}.`,
            rest: `Then: ${now.lead} ${now.rest}`,
        };
    });
    const { level, lead, rest } = said.value;
    return (
        <h1 class={`sentence sentence-${level}`} data-level={level}>
            {level === "warning" && <SeverityMark severity="warning" />}
            <strong>{lead}</strong> {rest}
        </h1>
    );
}

function Figures({ store }: { store: PerformanceStore }) {
    const p = store.now.value;
    const ms = (v = NaN) => (Number.isNaN(v) ? NO_VALUE : `${digits(v)}\u2009ms`);
    const count = (v: number | undefined) => (v === undefined ? NO_VALUE : v.toLocaleString("en"));
    return (
        <dl class="figures performance-figures">
            <div>
                <dt>Processor</dt>
                <dd class="figure">
                    <Value value={(p?.cpuPct ?? NaN) / 100} measure="ratio" bytesAs="bytes" />
                </dd>
                <dd class="figure-note">of one CPU</dd>
            </div>
            <div>
                <dt>Memory</dt>
                <dd class="figure">
                    <Value value={p?.rssBytes ?? NaN} measure="bytes" bytesAs="bytes" />
                </dd>
                <dd class="figure-note">resident, main process</dd>
            </div>
            <div>
                <dt>Latency, p99</dt>
                <dd class="figure">
                    <Value
                        value={(p?.latency.p99 ?? NaN) / 1000}
                        measure="milliseconds"
                        bytesAs="bytes"
                    />
                </dd>
                <dd class="figure-note">
                    p50 {ms(p?.latency.p50)}, p90 {ms(p?.latency.p90)}, max {ms(p?.latency.max)}
                </dd>
            </div>
            <div>
                <dt>Viewers</dt>
                <dd class="figure">
                    <Value value={p?.connections ?? NaN} measure="count" bytesAs="bytes" />
                </dd>
                <dd class="figure-note">
                    {count(p?.messages)} messages, {count(p?.conflated)} replaced,{" "}
                    {count(p?.dropped)} dropped
                </dd>
            </div>
        </dl>
    );
}
