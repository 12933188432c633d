/*
 * Is it better or worse than before? The chosen window against a baseline, in words first, then by
 * metric, then over time; and the baselines there are. `?baseline=NAME` chooses, the window is that
 * of the top bar, so an address says exactly what is compared.
 */
import { effect, useComputed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { comparisonVerdict, nameWords, reasonWords } from "../domain/baselines";
import { rangeQuery, spanOf } from "../domain/range";
import { durationText, fromToText } from "../domain/units";
import { serverNow } from "../domain/time";
import { Baselines } from "../store/baselines";
import { PULSE } from "../store/selection";
import { SeverityMark } from "../widgets/marks";
import { Skeleton } from "../widgets/skeleton";
import { chosenBaseline, comparedRange, keptComparison } from "./baseline-choice";
import { BaselineList } from "./baseline-list";
import { BaselineTrend } from "./baseline-trend";
import { ComparisonTable } from "./comparison-table";
import { usePage, type PageContext } from "./context";

const RETRY_MS = 5_000; // the server compares for one at a time
const REFRESH_MS = 60_000; // a comparison is of one-minute means

export function BaselinesPage() {
    const context = usePage();
    const { session } = context;
    const store = useMemo(() => new Baselines(session), [session]);
    useEffect(() => session.show(PULSE), [session]);
    useEffect(() => followPage(context, store), [context, store]);
    return (
        <div class="baselines">
            <Sentence store={store} />
            <Tools store={store} />
            <Compared store={store} />
            <BaselineTrend store={store} />
            <BaselineList store={store} />
        </div>
    );
}

/* Lists now and after a restart of the server; the comparison whenever it would be another one. */
function followPage({ session, location }: PageContext, store: Baselines): () => void {
    const compare = () => {
        const list = store.list.state.peek().value;
        const baseline = chosenBaseline(list, location.place.peek().query.get("baseline"));
        if (baseline === undefined || document.hidden) return;
        void store.comparison.load({ baseline, ...rangeQuery(comparedRange(location.range.peek())) });
    };
    let compared = "";
    const stops = [
        store.follow(),
        effect(() => {
            void session.hello.value?.session;
            void store.list.load();
            void store.trend.load();
        }),
        effect(() => {
            const list = store.list.state.value.value;
            const baseline = chosenBaseline(list, location.place.value.query.get("baseline"));
            const { from, to } = rangeQuery(comparedRange(location.range.value));
            const next = baseline === undefined ? "" : `${baseline} ${from} ${to}`;
            if (next === compared) return;
            compared = next;
            store.comparison.forget();
            compare();
        }),
    ];
    let readAt = performance.now();
    const timer = setInterval(() => {
        const failed = store.comparison.state.peek().error !== undefined;
        const follows = location.range.peek().kind === "last" && !session.paused.peek();
        if (document.hidden) return;
        if (!failed && !(follows && performance.now() - readAt >= REFRESH_MS)) return;
        readAt = performance.now();
        compare();
    }, RETRY_MS);
    return () => {
        stops.forEach((stop) => stop());
        clearInterval(timer);
    };
}

function Sentence({ store }: { store: Baselines }) {
    const { location } = usePage();
    const said = useComputed(() => {
        const list = store.list.state.value;
        const { value, error } = store.comparison.state.value;
        const chosen = chosenBaseline(list.value, location.place.value.query.get("baseline"));
        const kept = keptComparison(store, location.place.value.query);
        if (kept) return comparisonVerdict(kept);
        if (value && value.baseline === chosen) return comparisonVerdict(value);
        const unknown = { level: "unknown" as const, rest: "" };
        if (list.value && chosen === undefined)
            return {
                ...unknown,
                lead: "There is nothing to compare with yet.",
                rest: "Save how things are now as a baseline below; the automatic one comes by itself once a week has been recorded.",
            };
        if (error)
            return {
                ...unknown,
                lead: "The comparison could not be made.",
                rest: `${error}.`.replace(/\.\.$/, "."),
            };
        if (list.error && !list.value)
            return {
                ...unknown,
                lead: "Baselines could not be read.",
                rest: `${list.error}. What was compared before is not lost.`,
            };
        return { ...unknown, lead: "Comparing…" };
    });
    const { level, lead, rest } = said.value;
    return (
        <h1 class={`sentence sentence-${level}`} data-level={level}>
            {level === "warning" && <SeverityMark severity="warning" />}
            <strong>{lead}</strong> {rest}
        </h1>
    );
}

function Tools({ store }: { store: Baselines }) {
    const { location } = usePage();
    const list = store.list.state.value.value ?? [];
    const { query } = location.place.value;
    const chosen = chosenBaseline(list, query.get("baseline"));
    const kept = keptComparison(store, query);
    const value = kept ?? store.comparison.state.value.value;
    const range = location.range.value;
    const compared = comparedRange(range);
    const stretch = value
        ? fromToText(value.fromMs, value.toMs, serverNow())
        : compared.kind === "fixed"
          ? fromToText(compared.fromMs, compared.toMs, serverNow())
          : `the last ${durationText(spanOf(compared))}`;
    const listed = list.some((b) => b.name === chosen);
    return (
        <div class="table-tools">
            <label class="baseline-choice">
                Compared with{" "}
                <select
                    value={chosen ?? ""}
                    disabled={chosen === undefined}
                    onChange={(e) => {
                        location.setQuery("comparison", "");
                        location.setQuery("baseline", e.currentTarget.value);
                    }}
                >
                    {!listed && <option value={chosen ?? ""}>{chosen ?? "nothing yet"}</option>}
                    {list.map((b) => (
                        <option key={b.name} value={b.name}>
                            {b.kind === "automatic" ? `${b.name}: this hour of the week` : b.name}
                        </option>
                    ))}
                </select>
            </label>
            <label>
                <span class="visually-hidden">Show only metrics with these words</span>
                <input
                    type="search"
                    id="filter"
                    placeholder="Filter: metric, device  ( / )"
                    value={query.get("filter") ?? ""}
                    onInput={(e) => location.setQuery("filter", e.currentTarget.value)}
                />
            </label>
            <p class="method">
                {stretch}
                {kept && `, ${reasonWords(kept.reason)}; its most notable metrics were kept`}
                {!kept &&
                    compared !== range &&
                    ` (${durationText(spanOf(range))} are too short for a verdict)`}
            </p>
        </div>
    );
}

function Compared({ store }: { store: Baselines }) {
    const { location } = usePage();
    const list = store.list.state.value;
    const { value, error, loading } = store.comparison.state.value;
    const chosen = chosenBaseline(list.value, location.place.value.query.get("baseline"));
    const kept = keptComparison(store, location.place.value.query);
    if (kept) return <ComparisonTable comparison={kept} />;
    if (value && chosen !== undefined) return <ComparisonTable comparison={value} />;
    if (error || (list.error && !list.value)) {
        const again = () => {
            void store.list.load();
            void store.trend.load();
            if (chosen === undefined) return;
            const range = comparedRange(location.range.peek());
            void store.comparison.load({ baseline: chosen, ...rangeQuery(range) });
        };
        return (
            <p class="table-empty" data-empty="comparison">
                {error && chosen
                    ? `This window could not be compared with ${nameWords(chosen)}.`
                    : "The server did not say which baselines there are."}{" "}
                <button type="button" class="button" onClick={again}>
                    Try again
                </button>
            </p>
        );
    }
    if (list.value && chosen === undefined)
        return (
            <p class="table-empty" data-empty="comparison">
                On the command line: <code>netsonde baseline save before --from now-1h</code>, and
                after a change <code>netsonde baseline compare before</code>, which exits with 3 when
                something is worse.
            </p>
        );
    return loading || !list.value ? <Skeleton rows={6} what="the comparison" /> : null;
}
