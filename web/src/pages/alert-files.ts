/* The lists of the alerts page as tables that can be saved: everything known, times in UTC. */
import type { AlertFacts } from "../domain/alerts";
import type { Cell } from "../domain/csv";
import { ruleWords } from "../domain/rule";
import type { Channel, Rule, Silence } from "../store/alerts";
import type { MadeTable } from "./save-table";

export function momentCell(ms: number | undefined): Cell {
    return ms === undefined || !Number.isFinite(ms) ? null : new Date(ms).toISOString();
}

const ALERT_COLUMNS = [
    ...["id", "rule", "state", "severity", "reason", "series", "value", "threshold", "z", "unit"],
    ...["summary", "pending", "started", "resolved", "by"],
];

function alertRow(a: AlertFacts): Cell[] {
    return [
        ...[a.id, a.rule, a.state, a.severity, a.reason, a.series, a.value, a.threshold, a.z],
        ...[a.unit, a.summary],
        ...[a.pendingMs, a.startedMs, a.resolvedMs].map(momentCell),
        a.by,
    ];
}

export function alertsFile(what: string, key: string, alerts: readonly AlertFacts[]): MadeTable {
    return { what, key, columns: ALERT_COLUMNS, rows: () => alerts.map(alertRow) };
}

export function silencesFile(silences: readonly Silence[]): MadeTable {
    return {
        what: "Silences",
        key: "silences",
        columns: ["id", "rule", "series", "comment", "by", "from", "to"],
        rows: () =>
            silences.map((s) => [
                ...[s.id, s.rule, s.series, s.comment, s.by],
                ...[s.fromMs, s.toMs].map(momentCell),
            ]),
    };
}

export function channelsFile(channels: readonly Channel[]): MadeTable {
    return {
        what: "Channels",
        key: "channels",
        columns: [
            ...["name", "type", "target", "fallback", "default", "sent", "queued", "held_back"],
            ...["retried", "fell_back", "failed", "dropped", "last", "last_error"],
        ],
        rows: () =>
            channels.map((c) => [
                ...[c.name, c.type, c.target, c.fallback, String(c.isDefault)],
                ...[c.sent, c.queued, c.heldBack, c.retried, c.fellBack, c.failed, c.dropped],
                ...[momentCell(c.lastMs), c.lastError],
            ]),
    };
}

export function rulesFile(rules: readonly Rule[]): MadeTable {
    return {
        what: "Rules",
        key: "rules",
        columns: [
            ...["name", "source", "enabled", "metric", "when", "warning", "critical", "clear"],
            ...["for", "severity", "summary", "words", "series_watched", "active", "note"],
        ],
        rows: () =>
            rules.map((r) => [
                ...[r.name, r.source, String(r.enabled), r.metric, r.when, r.warning, r.critical],
                ...[r.clear, r.for, r.severity, r.summary, ruleWords(r), r.matched, r.active],
                r.note,
            ]),
    };
}
