/* What happened: links, losses, connections, DNS; the newest first, and the links' states over time. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { DataChart } from "../charts/data-chart";
import type { TimelineSpec } from "../domain/data-spec";
import {
    EVENT_GROUPS,
    eventMatches,
    eventText,
    kindName,
    linkSpans,
    subjectOf,
    toneOf,
    type HostEvent,
} from "../domain/events";
import { isPhysical } from "../domain/interfaces";
import { spanOf, stretchOf, type Range, type Stretch } from "../domain/range";
import { durationText } from "../domain/units";
import { EventStore } from "../store/events";
import { PULSE } from "../store/selection";
import type { TimeWindow } from "../store/time-window";
import { WarningMark } from "../widgets/marks";
import { useNow } from "../widgets/now";
import { Skeleton } from "../widgets/skeleton";
import { TableHeads } from "../widgets/table-heads";
import { usePage } from "./context";
import { Moment } from "./moment";
import { SaveTable } from "./save-table";

const PAGE = 100;
const DEFAULT_GROUPS = ["host", "losses"];

/* `show=host,dns` in the address: which groups are listed. */
function groupsOf(query: URLSearchParams): readonly string[] {
    const asked = query.get("show");
    if (asked === null) return DEFAULT_GROUPS;
    return asked.split(",").filter((g) => EVENT_GROUPS.some((x) => x.name === g));
}

export function EventsPage() {
    const { session, location } = usePage();
    const store = useMemo(() => new EventStore(session), [session]);
    const groups = useComputed(() => groupsOf(location.place.value.query).join(","));
    const kinds = useComputed(() =>
        EVENT_GROUPS.filter((g) => groups.value.split(",").includes(g.name)).flatMap((g) => g.kinds),
    );
    const links = useMemo(() => new EventStore(session, true), [session]);
    const linkKinds = useComputed(() => ["link"]);
    useEffect(() => session.show(PULSE), [session]);
    useEffect(() => {
        const stops = [store.follow(location, kinds), links.follow(location, linkKinds)];
        return () => stops.forEach((stop) => stop());
    }, [store, links, location]);
    const shown = useSignal(PAGE);
    const words = location.place.value.query.get("filter") ?? "";
    const { events, total, loading, error } = store.state.value;
    const rows = useMemo(
        () => (words === "" ? events : events.filter((e) => eventMatches(e, words))),
        [events, words],
    );
    const chosen = groups.value.split(",");
    const choose = (name: string) => {
        const next = chosen.includes(name) ? chosen.filter((g) => g !== name) : [...chosen, name];
        location.setQuery("show", next.filter(Boolean).join(",") || "none");
        shown.value = PAGE;
    };
    return (
        <div class="events">
            <Sentence store={links} total={total} loading={loading} failed={error !== undefined} chosen={chosen} />
            <section class="charts" aria-label="Links over time">
                <h2 class="visually-hidden">Links over time</h2>
                <LinkChart store={links} />
            </section>
            <div class="table-tools">
                <label>
                    <span class="visually-hidden">Filter</span>
                    <input
                        id="filter"
                        type="search"
                        placeholder="Filter: eth0, nginx, 10.0.0."
                        value={words}
                        onInput={(e) => location.setQuery("filter", e.currentTarget.value)}
                    />
                </label>
                <div class="event-groups" role="group" aria-label="Kinds of events">
                    {EVENT_GROUPS.map((g) => (
                        <button
                            key={g.name}
                            type="button"
                            class="button"
                            aria-pressed={chosen.includes(g.name)}
                            onClick={() => choose(g.name)}
                        >
                            {g.title}
                        </button>
                    ))}
                </div>
                <SaveTable
                    table={{
                        what: "Events",
                        key: "events",
                        columns: ["time", "kind", "subject", "what"],
                        rows: () =>
                            rows.map((e) => [
                                new Date(e.t).toISOString(),
                                kindName(e.kind),
                                subjectOf(e),
                                eventText(e, "bytes"),
                            ]),
                    }}
                />
            </div>
            {error && <p class="table-empty">Events could not be read: {error}.</p>}
            {events.length === 0 && loading && <Skeleton rows={8} what="events" />}
            {rows.length > 0 && <EventTable rows={rows.slice(0, shown.value)} />}
            {rows.length === 0 && !loading && !error && (
                <p class="table-empty">{emptyText(chosen, events.length, words)}</p>
            )}
            {rows.length > shown.value && (
                <p class="more">
                    <button
                        type="button"
                        class="button"
                        onClick={() => (shown.value += 4 * PAGE)}
                    >
                        Show more
                    </button>{" "}
                    <span class="quiet">
                        {shown.value} of {rows.length} shown
                    </span>
                </p>
            )}
            {total > events.length && rows.length <= shown.value && (
                <p class="quiet">
                    The newest {events.length} of {total} events of this window; mark a shorter one
                    to see the others.
                </p>
            )}
        </div>
    );
}

function emptyText(chosen: readonly string[], listed: number, words: string): string {
    if (chosen.filter((g) => g && g !== "none").length === 0)
        return "No kind of event is chosen.";
    if (listed > 0) return `No event has “${words}” in it.`;
    return "Nothing of this kind happened in this window.";
}

interface SentenceProps {
    store: EventStore;
    total: number;
    loading: boolean;
    failed: boolean;
    chosen: readonly string[];
}

function Sentence({ store, total, loading, failed, chosen }: SentenceProps) {
    const { location } = usePage();
    const range = location.range.value;
    const span = `${range.kind === "fixed" ? "in these" : "in the last"} ${durationText(spanOf(range))}`;
    const { toMs } = stretchOf(range, Infinity);
    const links = store.state.value.events.filter((e) => e.t <= toMs).length;
    const what = chosen.includes("connections") || chosen.includes("dns") ? "events" : "notable events";
    if (failed)
        return (
            <h1 class="sentence" data-level="unknown">
                <strong>Events could not be read.</strong> What you see may not be all of them.
            </h1>
        );
    const lead =
        loading && total === 0
            ? "Reading events…"
            : total === 0
              ? "Nothing notable happened"
              : `${total.toLocaleString("en")} ${total === 1 ? what.slice(0, -1) : what}`;
    return (
        <h1 class="sentence" data-level="good">
            <strong>{lead}</strong> {!(loading && total === 0) && `${span}.`}{" "}
            {links > 0 &&
                `Links changed ${links === 1 ? "once" : `${links.toLocaleString("en")} times`}.`}
        </h1>
    );
}

function LinkChart({ store }: { store: EventStore }) {
    const { session, location } = usePage();
    const range = location.range.value;
    const { events, loading } = store.state.value;
    const states = session.interfaces.value
        .filter((i) => i.kind !== "loopback")
        .map((i) => ({ device: i.device, state: i.state, physical: i.kind ? isPhysical(i) : undefined }));
    // A link that stays as it is needs no new picture each second.
    void session.beats.value;
    const pulse = Math.floor(session.presentMs / (spanOf(range) / 300));
    void session.painted.value; // the history of the window comes later than the events
    const unrecorded = useUnrecorded(range, pulse);
    const held = session.paused.value ? session.window.bounds?.toMs : undefined;
    const spec = useMemo<TimelineSpec>(() => {
        // Of what comes behind the newest tick nothing is known.
        const { fromMs, toMs } = stretchOf(range, held ?? session.presentMs);
        return {
            kind: "timeline",
            key: "links",
            title: "Links",
            unit: "",
            subtitle: "state of every interface but loopback",
            fromMs,
            toMs,
            rows: linkSpans(events, states, fromMs, toMs, unrecorded),
        };
    }, [events, JSON.stringify(states), range, held ?? pulse, unrecorded]);
    return (
        <DataChart
            spec={spec}
            size="large"
            empty={loading ? "Reading events…" : "There is no interface but loopback."}
        />
    );
}

const NONE: readonly Stretch[] = [];

/* When nothing was recorded, as far as it is known; as it was known last while that is read anew. It
 * is looked for once in a `pulse`. */
function useUnrecorded(range: Range, pulse: number): readonly Stretch[] {
    const { session } = usePage();
    const { window } = session;
    const known = useRef({ range, gaps: NONE });
    const hasAll = session.hasAll(range);
    const found = useMemo(
        () => (hasAll ? unrecordedIn(window) : undefined),
        [hasAll, window.grid, window.grid?.revision, pulse],
    );
    if (found) known.current = { range, gaps: found };
    return known.current.range === range ? known.current.gaps : NONE;
}

/* The clock is read with each tick: without it there was none. Series without a clock are those of the
 * page before. */
function unrecordedIn({ grid, series }: TimeWindow): readonly Stretch[] {
    if (!grid) return NONE;
    const clock = [...series.values()].find((s) => s.name === "node_time_seconds");
    if (clock) return grid.gaps(clock.id);
    return series.size > 0 ? [] : [{ fromMs: -Infinity, toMs: Infinity }];
}

function EventTable({ rows }: { rows: readonly HostEvent[] }) {
    const { preferences } = usePage();
    const now = useNow(10_000);
    const bytesAs = preferences.bytesAs.value;
    return (
        <table class="lines event-lines" role="table" aria-label="Events">
            <TableHeads heads={["Time", "Kind", "Who", "What"]} />
            <tbody role="rowgroup">
                {rows.map((e) => (
                    <tr role="row" key={e.seq} data-kind={e.kind}>
                        <td role="cell" class="event-time">
                            <Moment ms={e.t} now={now} />
                        </td>
                        <td role="cell" class={`event-kind state-${toneOf(e.kind)}`}>
                            {toneOf(e.kind) === "warning" && <WarningMark />}
                            {kindName(e.kind)}
                        </td>
                        <td role="cell" class="event-who" title={subjectOf(e)}>
                            <bdi>{subjectOf(e)}</bdi>
                        </td>
                        <td role="cell" class="event-what" title={eventText(e, bytesAs)}>
                            <bdi>{eventText(e, bytesAs)}</bdi>
                        </td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}
