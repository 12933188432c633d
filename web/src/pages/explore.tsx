/*
 * Any metric in any chart: what is asked stands in the address, so a link shows the same. Questions at
 * the top, what they say below, then each trace in numbers, what changed, and what is kept for later.
 */
import { useEffect, useMemo } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Chart } from "../charts/chart";
import { DataChart } from "../charts/data-chart";
import { useEnvironment } from "../charts/environment";
import { SparkTrace } from "../charts/spark-trace";
import { aggFor, askedOf, typesOf, type Family } from "../domain/catalogue";
import { COMPARE_CHOICES, compareText } from "../domain/compare";
import {
    letterOf,
    parseExploration,
    QUERIES_MOST,
    queryOf,
    TYPES,
    withExploration,
    type ChartType,
    type Exploration,
    type Query,
} from "../domain/exploration";
import { plain, subjectWords, TYPE_WORDS } from "../domain/explore-words";
import { spanOf } from "../domain/range";
import { metricsOf } from "../domain/trace";
import { durationText, quantity, text } from "../domain/units";
import { baselineNames } from "../store/baselines";
import { Dashboards } from "../store/dashboards";
import { Explorer, type Answered } from "../store/explorer";
import { PULSE, type Selection } from "../store/selection";
import { Segmented } from "../widgets/segmented";
import { Skeleton } from "../widgets/skeleton";
import { usePage } from "./context";
import { ChangesPanel } from "./explore-changes";
import { drawnOf, methodOf, namedOf, type Drawn } from "./explore-charts";
import { DashboardsPanel } from "./explore-dashboards";
import { QueryRow } from "./explore-query";
import { StatisticsTable } from "./explore-table";
import { MadeChart } from "./made-chart";
import { MetricPicker } from "./metric-picker";

const TYPE_NAMES: Readonly<Record<ChartType, string>> = {
    line: "line",
    area: "area",
    stacked: "stacked",
    bar: "bar",
    histogram: "histogram",
    heatmap: "heatmap",
    calendar: "week",
    gauge: "gauge",
    sparkline: "spark",
};

/* What the page opens with, of that which is measured here. */
const BEGINNINGS: readonly { words: string; query: Query; type: ChartType }[] = [
    {
        words: "Received, by interface",
        query: queryOf("node_network_receive_bytes_total", { by: "device" }),
        type: "stacked",
    },
    {
        words: "Round trips over time",
        query: queryOf("netsonde_tcp_rtt_seconds", { agg: "p50" }),
        type: "heatmap",
    },
    {
        words: "Connections, by state",
        query: queryOf("netsonde_tcp_connections", { by: "state" }),
        type: "line",
    },
    {
        words: "Sent by process",
        query: queryOf("netsonde_process_transmit_bytes_total", { by: "process", agg: "sum" }),
        type: "bar",
    },
];

export function ExplorePage() {
    const { session, location } = usePage();
    const explorer = useMemo(() => new Explorer(session), [session]);
    const dashboards = useMemo(() => new Dashboards(session), [session]);
    const { query } = location.place.value;
    const address = query.toString();
    const asked = useMemo(() => parseExploration(query), [address]);
    const name = query.get("dashboard") ?? "";
    const saved = dashboards.open.state.value;
    const opened = saved.value?.name === name ? saved.value : undefined;
    const shown = asked.queries.length || !opened ? asked : opened.exploration;
    const exploration = useStable(shown);
    const range = location.range.value;
    const compare = location.compare.value;
    const catalogue = explorer.catalogue.state.value;
    const families = catalogue.value;

    useEffect(() => {
        void explorer.catalogue.load();
        void dashboards.list.load();
        return explorer.follow();
    }, [explorer, dashboards]);
    useEffect(() => {
        if (name) void dashboards.open.load(name);
        else dashboards.open.forget();
    }, [name, dashboards]);
    useEffect(() => {
        if (families) explorer.ask({ exploration, families, range, compare });
    }, [exploration, families, range, compare, explorer]);

    useEffect(() => {
        if (exploration.queries.length === 0) session.show(PULSE);
    }, [exploration, session]);

    const answers = explorer.answers.value;
    // Answers to what was asked before say nothing of what is asked now.
    const value = answers.value?.every((a, i) => a.query === exploration.queries[i]) ? answers.value : undefined;
    const own = value?.length === exploration.queries.length ? value : undefined;
    const named = useMemo(() => namedOf(own ?? []), [own]);
    const drawn = useMemo(() => drawnOf(exploration, own ?? [], named), [exploration, own, named]);

    const set = (next: Exploration, dashboard = name) => {
        const q = withExploration(query, next);
        q.delete("dashboard");
        if (dashboard) q.set("dashboard", dashboard);
        const search = q.toString();
        location.go(`${location.base}explore${search ? `?${search}` : ""}`);
    };
    const open = (dashboard: string) =>
        location.go(location.href("explore", dashboard ? { dashboard } : {}));
    const setQueries = (queries: readonly Query[]) => set({ ...exploration, queries });
    const add = (q: Query) => {
        if (exploration.queries.length < QUERIES_MOST) setQueries([...exploration.queries, q]);
    };
    const [first] = exploration.queries;
    return (
        <div class="explore">
            <Sentence exploration={exploration} answers={own} loading={answers.loading} />
            {name !== "" && saved.error && !asked.queries.length && (
                <p class="table-empty" role="alert">
                    The dashboard “{name}” could not be opened: {plain(saved.error)}.
                </p>
            )}
            {catalogue.error && !families && (
                <p class="table-empty" role="alert">
                    Which metrics there are could not be read: {plain(catalogue.error)}.{" "}
                    <button type="button" class="button" onClick={() => void explorer.catalogue.load()}>
                        Read again
                    </button>
                </p>
            )}
            {!families && !catalogue.error && <Skeleton rows={3} what="which metrics there are" />}
            {families && (
                <Questions
                    exploration={exploration}
                    families={families}
                    answers={own}
                    onQueries={setQueries}
                    onBegin={(q, type) => set({ ...exploration, queries: [q], type })}
                />
            )}
            {families && exploration.queries.length > 0 && (
                <Tools exploration={exploration} families={families} onChange={set} />
            )}
            {exploration.queries.length > 0 && (
                <Charts
                    exploration={exploration}
                    drawn={drawn}
                    loading={!own}
                    error={own?.every((a) => a.error) ? own[0]?.error : undefined}
                />
            )}
            {named.length > 0 && <StatisticsTable named={named} />}
            {exploration.queries.length > 0 && (
                <ChangesPanel
                    explorer={explorer}
                    family={first?.metric[0] ?? ""}
                    onAdd={add}
                    full={exploration.queries.length >= QUERIES_MOST}
                />
            )}
            <DashboardsPanel store={dashboards} exploration={exploration} name={name} onOpen={open} />
        </div>
    );
}

/* The same object while it says the same. */
function useStable(e: Exploration): Exploration {
    const said = JSON.stringify(e);
    return useMemo(() => e, [said]);
}

interface SentenceProps {
    exploration: Exploration;
    answers: readonly Answered[] | undefined;
    loading: boolean;
}

function Sentence({ exploration, answers }: SentenceProps) {
    const { location } = usePage();
    const { queries, type } = exploration;
    const range = location.range.value;
    const compare = location.compare.value;
    if (queries.length === 0)
        return (
            <h1 class="sentence" data-level="good">
                <strong>Ask anything that is measured.</strong> Choose a metric; the address keeps what you ask.
            </h1>
        );
    const span = `${range.kind === "fixed" ? "in these" : "in the last"} ${durationText(spanOf(range))}`;
    const subject = queries.length === 1 ? subjectWords(queries[0]!) : `${queries.length} questions`;
    const method =
        answers?.length === 1
            ? methodOf(answers[0]!)
            : queries.map((q, i) => `${letterOf(i)} ${subjectWords(q)}`).join("; ");
    const cutOff = answers?.some((a) => a.truncated);
    return (
        <h1 class="sentence" data-level="good">
            <strong>
                <bdi>{subject}</bdi>
            </strong>
            {`: ${method}; ${TYPE_WORDS[type]} ${span}`}
            {compare ? `, beside ${compareText(compare)}` : ""}.
            {cutOff && " There are more series than an answer has: the rest is not in it."}
        </h1>
    );
}

interface QuestionsProps {
    exploration: Exploration;
    families: readonly Family[];
    answers: readonly Answered[] | undefined;
    onQueries(queries: readonly Query[]): void;
    onBegin(query: Query, type: ChartType): void;
}

function Questions({ exploration, families, answers, onQueries, onBegin }: QuestionsProps) {
    const { queries } = exploration;
    const adding = useSignal(false);
    const known = BEGINNINGS.filter((b) => askedOf(families, b.query).families.length);
    const picking = adding.value || queries.length === 0;
    return (
        <section class="queries" aria-label="Questions">
            <ol>
                {queries.map((q, i) => (
                    <QueryRow
                        key={i}
                        query={q}
                        index={i}
                        families={families}
                        error={answers?.[i]?.error ?? ""}
                        onChange={(next) => onQueries(queries.map((o, k) => (k === i ? next : o)))}
                        onRemove={() => onQueries(queries.filter((_, k) => k !== i))}
                    />
                ))}
                {picking && queries.length < QUERIES_MOST && (
                    <li class="query" key={`new-${queries.length}`}>
                        <span class="query-letter" aria-hidden="true">
                            {letterOf(queries.length)}
                        </span>
                        <MetricPicker
                            id="metric-new"
                            label="Metric of a new question"
                            metric={[]}
                            families={families}
                            eager={adding.value}
                            onChoose={(metric) => {
                                adding.value = false;
                                onQueries([...queries, { ...queryOf(""), metric }]);
                            }}
                        />
                    </li>
                )}
            </ol>
            {queries.length === 0 && known.length > 0 && (
                <p class="beginnings">
                    <span class="quiet">Or begin with</span>
                    {known.map((b) => (
                        <button key={b.words} type="button" class="button" onClick={() => onBegin(b.query, b.type)}>
                            {b.words}
                        </button>
                    ))}
                </p>
            )}
            {queries.length > 0 && !picking && queries.length < QUERIES_MOST && (
                <button type="button" class="button" onClick={() => (adding.value = true)}>
                    + another question
                </button>
            )}
        </section>
    );
}

interface ToolsProps {
    exploration: Exploration;
    families: readonly Family[];
    onChange(e: Exploration): void;
}

function Tools({ exploration, families, onChange }: ToolsProps) {
    const { location, session } = usePage();
    const names = useSignal<readonly string[]>([]);
    useEffect(() => {
        const stop = new AbortController();
        void baselineNames(session, stop.signal).then((list) => (names.value = list));
        return () => stop.abort();
    }, [session]);
    const offered = typesOf(
        exploration.queries.map((q) => {
            const { kind, unit } = askedOf(families, q);
            return { kind, unit, agg: aggFor(kind, q.agg) };
        }),
    );
    const compare = location.compare.value?.text ?? "";
    const before = COMPARE_CHOICES.filter((c) => c.text === "1d" || c.text === "7d");
    const known = new Set([...before.map((c) => c.text), ...names.value, ""]);
    return (
        <div class="table-tools explore-tools">
            <Segmented
                label="Chart"
                choices={TYPES.filter((t) => offered.includes(t) || t === exploration.type).map((value) => ({
                    value,
                    short: TYPE_NAMES[value],
                    name: `${TYPE_NAMES[value]}: ${TYPE_WORDS[value]}`,
                }))}
                value={exploration.type}
                onChoose={(type) => onChange({ ...exploration, type })}
            />
            {exploration.queries.length > 1 && (
                <Segmented
                    label="Layout"
                    choices={[
                        { value: "one" as const, short: "together", name: "what has one unit in one chart" },
                        { value: "each" as const, short: "one each", name: "a chart for each question" },
                    ]}
                    value={exploration.layout}
                    onChoose={(layout) => onChange({ ...exploration, layout })}
                />
            )}
            <label class="query-split">
                beside{" "}
                <select
                    aria-label="Compare with"
                    value={compare}
                    onChange={(e) => location.setCompare(e.currentTarget.value)}
                >
                    <option value="">nothing</option>
                    {before.map((c) => (
                        <option key={c.text} value={c.text}>
                            {c.name}
                        </option>
                    ))}
                    {names.value.map((n) => (
                        <option key={n} value={n}>
                            baseline {n}
                        </option>
                    ))}
                    {!known.has(compare) && location.compare.value && (
                        <option value={compare}>{compareText(location.compare.value)}</option>
                    )}
                </select>
            </label>
        </div>
    );
}

interface ChartsProps {
    exploration: Exploration;
    drawn: readonly Drawn[];
    loading: boolean;
    error: string | undefined;
}

/* Stands where charts will; a chart of its own, for the first of these takes its place. */
const WAITING = { key: "explore-waiting", title: "Reading…", measure: "count", traces: [] } as const;

function Charts({ exploration, drawn, loading, error }: ChartsProps) {
    const { session } = usePage();
    const live = useMemo(() => selectionOf(exploration, drawn), [exploration, drawn]);
    useEffect(() => session.show(live), [session, live.key]);
    const empty = error
        ? `It could not be read: ${plain(error)}.`
        : loading
          ? "Reading history…"
          : "No series is called so and fits the conditions in this window.";
    if (drawn.length === 0 || loading)
        return (
            <>
                <h2 class="visually-hidden">Charts</h2>
                <section class="charts" aria-label="Charts">
                    <MadeChart
                        spec={WAITING}
                        size="large"
                        note=""
                        data={undefined}
                        loading={loading}
                        empty={empty}
                    />
                </section>
            </>
        );
    const size = drawn.length === 1 ? "large" : drawn.some((d) => d.kind === "data" && d.spec.kind === "gauge") ? "quarter" : "half";
    return (
        <>
            <h2 class="visually-hidden">Charts</h2>
            <section class="charts" aria-label="Charts">
                {drawn.map((d) => (
                    <One
                        key={`${d.kind} ${d.key}`}
                        drawn={d}
                        size={exploration.layout === "each" && d.kind !== "data" ? "large" : size}
                        empty={empty}
                        outdated={error && plain(error)}
                    />
                ))}
            </section>
        </>
    );
}

interface OneProps {
    drawn: Drawn;
    size: "large" | "half" | "quarter";
    empty: string;
    outdated: string | undefined;
}

function One({ drawn, size, empty, outdated }: OneProps) {
    // A picture stays as long as it is of the same traces.
    const said = JSON.stringify(drawn.kind === "live" || drawn.kind === "made" ? drawn.spec : "");
    const spec = useMemo(() => drawn, [said]);
    switch (drawn.kind) {
        case "live":
            return spec.kind === "live" ? <Chart spec={spec.spec} size={size} note={drawn.note} /> : null;
        case "made":
            return spec.kind === "made" ? (
                <MadeChart
                    spec={spec.spec}
                    size={size}
                    note={drawn.note}
                    data={drawn.data}
                    loading={false}
                    empty={empty}
                    outdated={outdated}
                    ghost={drawn.ghost}
                    levels={drawn.levels}
                />
            ) : null;
        case "data":
            return (
                <DataChart spec={drawn.spec} size={size} empty={empty} outdated={outdated} />
            );
        case "sparks":
            return <Sparks drawn={drawn} empty={empty} />;
    }
}

function Sparks({ drawn, empty }: { drawn: Extract<Drawn, { kind: "sparks" }>; empty: string }) {
    const env = useEnvironment();
    return (
        <figure class="chart chart-large sparks" data-key={drawn.key}>
            <figcaption>
                <h3>
                    <bdi>{drawn.title}</bdi>
                </h3>
                <p class="method">each on a scale of its own, from zero</p>
            </figcaption>
            {drawn.rows.length === 0 && <p class="table-empty">{empty}</p>}
            <ul>
                {drawn.rows.map((r) => (
                    <li key={r.key}>
                        <bdi class="spark-name" title={r.name}>
                            {r.name}
                        </bdi>
                        <SparkTrace name={r.name} tone={r.tone} values={r.values} state={env.state.value} />
                        <span class="spark-last">
                            {text(quantity(r.last, r.measure, env.bytesAs.value))} {r.what}
                        </span>
                    </li>
                ))}
            </ul>
        </figure>
    );
}

/* What the stream has to bring for the charts that follow it; without any: a sign of life. */
function selectionOf({ queries }: Exploration, drawn: readonly Drawn[]): Selection {
    const live = drawn.flatMap((d) => (d.kind === "live" ? [d.spec] : []));
    if (live.length === 0) return PULSE;
    const [first] = queries;
    const same = queries.every((q) => JSON.stringify(q.match) === JSON.stringify(first!.match));
    const match = same ? first!.match : [];
    const metrics = metricsOf(live);
    return { key: `explore ${JSON.stringify([metrics, match])}`, groups: [metrics], match };
}
