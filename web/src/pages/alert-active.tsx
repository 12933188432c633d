/* What is active, the worst first: each with its value, its history and what can be done about it. */
import { computed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Trend } from "../charts/trend";
import {
    aboutText,
    againstText,
    calls,
    inOrder,
    passes,
    quietWords,
    readFilter,
    sinceMs,
    splitSeries,
    stateWords,
} from "../domain/alerts";
import { matchOf } from "../domain/rule";
import { durationText } from "../domain/units";
import type { Alert } from "../store/alerts";
import { PULSE, type Selection } from "../store/selection";
import { Action } from "../widgets/action";
import { SeverityMark } from "../widgets/marks";
import { useNow } from "../widgets/now";
import { usePage } from "./context";
import { useAdmin } from "./admin";
import { Moment } from "./moment";
import { useShares } from "./shares";
import { SilenceForm } from "./silence-form";

const TRENDS_MOST = 12; // of a flood, pictures would tell less than the list does
const METRICS_MOST = 3;
const MANY = 50; // ages of so many need not count seconds

export function ActiveAlerts() {
    const { session, location } = usePage();
    const { alerts } = session;
    const all = alerts.active.value;
    const now = useNow(all.length > MANY ? 10_000 : 1_000);
    const selection = useMemo(() => computed(() => trendSelection(alerts.active.value)), [alerts]);
    const { key } = selection.value;
    useEffect(() => session.show(selection.peek()), [session, selection, key]);
    const filter = readFilter(location.place.value.query);
    const shares = useShares();
    const shown = inOrder(all.map(shares)).filter((a) => passes(a, filter));
    const unlisted = alerts.total.value - all.length;
    const showAll = () => ["filter", "state", "severity"].forEach((k) => location.setQuery(k, ""));
    return (
        <section aria-labelledby="active-title">
            <h2 id="active-title" class="visually-hidden">
                Active alerts
            </h2>
            {shown.length > 0 && (
                <ul class="alert-list">
                    {shown.map((a) => (
                        <Row key={a.id} alert={a} now={now} trend={key !== PULSE.key} />
                    ))}
                </ul>
            )}
            {unlisted > 0 && (
                <p class="table-empty">{unlisted} more are active and not listed here.</p>
            )}
            {shown.length === 0 && (
                <p class="table-empty" data-empty="active">
                    {all.length > 0 ? (
                        <>
                            None of the {all.length} active alerts passes the filter.{" "}
                            <button type="button" class="button" onClick={showAll}>
                                Show all
                            </button>
                        </>
                    ) : alerts.known.value ? (
                        "Nothing is active. An alert appears here as soon as the condition of a rule holds; the rules are listed below."
                    ) : (
                        "Waiting for the list of alerts."
                    )}
                </p>
            )}
        </section>
    );
}

interface RowProps {
    alert: Alert;
    now: number;
    trend: boolean;
}

function Row({ alert: a, now, trend }: RowProps) {
    const { session, location, preferences } = usePage();
    const admin = useAdmin();
    const silencing = useSignal(false);
    const trouble = useSignal<string | undefined>(undefined);
    const since = sinceMs(a);
    const state = stateWords(a);
    const about = aboutText(a.series);
    return (
        <li
            class={`alert alert-${calls(a) ? a.severity : "calm"} alert-is-${a.state}`}
            data-alert={a.id}
            data-state={a.state}
            data-severity={a.severity}
        >
            <SeverityMark severity={a.severity} />
            <div class="alert-what">
                <p class="alert-summary">{a.summary || `${a.rule}: ${about}`}</p>
                <p class="alert-facts">
                    <span class="alert-state">
                        {a.severity}, {state}
                    </span>{" "}
                    since <Moment ms={since} now={now} />{" "}
                    <span class="alert-age">({durationText(now - since)})</span>{" "}
                    <a href={location.href("alerts", { rule: a.rule })}>{a.rule}</a>{" "}
                    <code>{a.series}</code> {quietWords(a)}
                </p>
            </div>
            <p class="alert-value">{againstText(a, preferences.bytesAs.value)}</p>
            <div class="alert-trend">
                {trend && a.seriesId > 0 && a.unit !== "ratio" && (
                    <Trend id={a.seriesId} severity={a.severity} label={`History of ${a.series}`} />
                )}
            </div>
            <div class="alert-actions">
                {calls(a) && (
                    <Action
                        allowed={admin}
                        run={() => session.alerts.acknowledge(a.id)}
                        tell={(e) => (trouble.value = e)}
                        label={`Acknowledge ${a.rule} ${about}`}
                    >
                        Acknowledge
                    </Action>
                )}
                <button
                    type="button"
                    class="button"
                    aria-expanded={silencing.value}
                    aria-label={`Silence ${a.rule} ${about}`}
                    onClick={() => (silencing.value = !silencing.value)}
                >
                    Silence…
                </button>
            </div>
            {trouble.value && (
                <p class="alert-trouble" role="alert">
                    {trouble.value}
                </p>
            )}
            {silencing.value && <SilenceForm alert={a} close={() => (silencing.value = false)} />}
        </li>
    );
}

/* The series of what is active, when they are few. */
function trendSelection(active: readonly Alert[]): Selection {
    const series = active.filter((a) => a.seriesId > 0).map((a) => a.series);
    const metrics = [...new Set(series.map((s) => splitSeries(s).name))].sort();
    if (series.length === 0 || series.length > TRENDS_MOST || metrics.length > METRICS_MOST)
        return PULSE;
    const matches = [...new Set(series.map((s) => matchOf(s).join(" ")))];
    const match = matches.length === 1 ? matchOf(series[0]!) : [];
    return { key: `alerts ${metrics.join()} ${match.join()}`, groups: [metrics], match };
}
