/*
 * What fires, what fired, who is told and what is watched. `?rule=NAME` and `?new=1` open the editor
 * of one rule; the filter stands in the address, too.
 */
import { effect, useComputed } from "@preact/signals";
import { useEffect } from "preact/hooks";
import {
    alertVerdict,
    inOrder,
    passes,
    readFilter,
    STATE_CHOICES,
    tally,
} from "../domain/alerts";
import { rangeQuery } from "../domain/range";
import { serverNow, whenText } from "../domain/time";

import type { PageContext } from "./context";
import { SeverityMark } from "../widgets/marks";
import { ActiveAlerts } from "./alert-active";
import { AlertHistory, HISTORY_LIMIT } from "./alert-history";
import { Channels, Rules, Silences } from "./alert-lists";
import { alertsFile } from "./alert-files";
import { AlertSettings } from "./alert-settings";
import { usePage } from "./context";
import { RuleEditor } from "./rule-editor";
import { SaveTable } from "./save-table";

const RELOAD_NOT_BEFORE_MS = 2_000; // lists follow the alerts, but not each of a flood
const REFRESH_MS = 15_000; // counters of channels move without an alert of this page

export function AlertsPage() {
    const { location } = usePage();
    const { query } = location.place.value;
    const rule = query.get("rule");
    if (rule !== null || query.has("new")) return <RuleEditor key={rule ?? ""} name={rule ?? ""} />;
    return <AllAlerts />;
}

function AllAlerts() {
    const context = usePage();
    useEffect(() => followLists(context), [context]);
    return (
        <div class="alerts">
            <Sentence />
            <FilterTools />
            <ActiveAlerts />
            <AlertHistory />
            <Silences />
            <Channels />
            <Rules />
        </div>
    );
}

/* Reads the lists now, when alerts change, when the window changes, and now and then. */
function followLists({ session, location }: PageContext): () => void {
    const { alerts } = session;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let readAt = -Infinity;
    const read = () => {
        timer = undefined;
        readAt = performance.now();
        if (document.hidden) return;
        const { from, to } = rangeQuery(location.range.peek());
        const limit = HISTORY_LIMIT.peek();
        void alerts.history.load({ state: "resolved", from, to, limit });
        void alerts.lastDay.load();
        void alerts.silences.load();
        void alerts.channels.load();
        void alerts.rules.load();
    };
    const soon = () => {
        if (timer !== undefined) return;
        const wait = Math.max(0, readAt + RELOAD_NOT_BEFORE_MS - performance.now());
        timer = setTimeout(read, wait);
    };
    const stops = [
        effect(() => {
            void location.range.value;
            void HISTORY_LIMIT.value;
            clearTimeout(timer);
            read();
        }),
        effect(() => {
            void alerts.changes.value;
            soon();
        }),
    ];
    const refresh = setInterval(soon, REFRESH_MS);
    document.addEventListener("visibilitychange", soon);
    return () => {
        stops.forEach((stop) => stop());
        clearTimeout(timer);
        clearInterval(refresh);
        document.removeEventListener("visibilitychange", soon);
    };
}

function Sentence() {
    const { session } = usePage();
    const { alerts } = session;
    const verdict = useComputed(() => {
        const hello = session.hello.value;
        if (hello && !hello.channels.includes("alerts"))
            return {
                level: "unknown" as const,
                lead: "This server does not tell of alerts.",
                rest: "It is older than this page.",
            };
        const day = alerts.lastDay.state.value.value;
        const lastDay = day && { fired: day.total, last: day.alerts[0] };
        const said = alertVerdict(alerts.active.value, alerts.known.value, lastDay);
        const since = session.staleSince;
        if (session.liveness.value !== "stale" || since === undefined) return said;
        const then = `Then: ${said.lead} ${said.rest}`;
        return {
            level: "unknown" as const,
            lead: `Nothing new since ${whenText(since, serverNow())}.`,
            rest: then,
        };
    });
    const { level, lead, rest } = verdict.value;
    return (
        <h1 class={`sentence sentence-${level}`} data-level={level}>
            {(level === "warning" || level === "critical") && <SeverityMark severity={level} />}
            <strong>{lead}</strong> {rest}
        </h1>
    );
}

/* What is active, as filtered and in the order of the list. */
function SaveActive() {
    const { session, location } = usePage();
    const filter = readFilter(location.place.value.query);
    const shown = inOrder(session.alerts.active.value).filter((a) => passes(a, filter));
    return <SaveTable table={alertsFile("Active alerts", "alerts", shown)} />;
}

function FilterTools() {
    const { session, location } = usePage();
    const { query } = location.place.value;
    const t = tally(session.alerts.active.value);
    return (
        <div class="table-tools">
            <label>
                <span class="visually-hidden">Show only alerts with these words</span>
                <input
                    type="search"
                    id="filter"
                    placeholder="Filter: rule, device, words  ( / )"
                    value={query.get("filter") ?? ""}
                    onInput={(e) => location.setQuery("filter", e.currentTarget.value)}
                />
            </label>
            <select
                aria-label="State"
                value={query.get("state") ?? ""}
                onChange={(e) => location.setQuery("state", e.currentTarget.value)}
            >
                {STATE_CHOICES.map((c) => (
                    <option key={c.value} value={c.value}>
                        {c.name}
                    </option>
                ))}
            </select>
            <select
                aria-label="Severity"
                value={query.get("severity") ?? ""}
                onChange={(e) => location.setQuery("severity", e.currentTarget.value)}
            >
                <option value="">both severities</option>
                <option value="critical">critical</option>
                <option value="warning">warning</option>
            </select>
            <p class="method">
                {t.firing} firing, {t.acknowledged} acknowledged, {t.silenced + t.inhibited}{" "}
                silenced or muted, {t.pending} pending
            </p>
            <AlertSettings />
            <SaveActive />
        </div>
    );
}
