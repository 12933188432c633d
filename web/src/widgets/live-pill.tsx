/*
 * The state of the data in one place, always in sight: a pulse that beats with each tick, how old
 * the newest tick is, how far the server is. The words differ, not only the colour.
 */
import { serverNow, whenText } from "../domain/time";
import { PauseMark, WarningMark } from "./marks";

const BEAT_MS = 500;

export interface LivePillProps {
    liveness: "connecting" | "live" | "paused" | "stale";
    beats: number;
    intervalMs: number; // of ticks
    ageMs: number | undefined;
    latencyMs: number | undefined;
    staleSince: number | undefined;
    retryInMs: number | undefined; // set while waiting for the next attempt
    connecting: boolean;
}

export function LivePill(p: LivePillProps) {
    return (
        <div class={`pill pill-${p.liveness}`} data-liveness={p.liveness} title={explain(p)}>
            <Sign {...p} />
            <span class="pill-words">{words(p)}</span>
        </div>
    );
}

function Sign(p: LivePillProps) {
    if (p.liveness === "paused") return <PauseMark paused={false} />;
    if (p.liveness === "stale") return <WarningMark />;
    return <span class={`pulse pulse-${beatOf(p) % 2}`} aria-hidden="true" />;
}

/* With each tick, but no more than two in a second: more would flash (WCAG 2.3.1). */
function beatOf({ beats, intervalMs }: LivePillProps): number {
    return Math.floor((beats * Math.min(intervalMs, BEAT_MS)) / BEAT_MS);
}

function words(p: LivePillProps): string {
    if (p.retryInMs !== undefined) return `reconnecting in ${Math.ceil(p.retryInMs / 1000)} s`;
    if (p.connecting) return "connecting";
    switch (p.liveness) {
        case "live":
            return ["live", ageWords(p.ageMs), latencyWords(p.latencyMs)].join(" · ");
        case "paused":
            return "paused";
        case "stale":
            return p.staleSince === undefined
                ? "no data"
                : `stale since ${whenText(p.staleSince, serverNow())}`;
        case "connecting":
            return "waiting for data";
    }
}

function ageWords(ms: number | undefined): string {
    if (ms === undefined) return "–";
    return ms < 1000 ? "<1\u2009s" : `${Math.floor(ms / 1000)}\u2009s`;
}

function latencyWords(ms: number | undefined): string {
    if (ms === undefined) return "– ms";
    return ms < 1 ? "<1\u2009ms" : `${Math.round(ms)}\u2009ms`;
}

function explain(p: LivePillProps): string {
    if (p.liveness === "paused") return "The picture stands still; nothing is lost. Space goes on.";
    if (p.liveness === "stale") return "No new values arrive; what you see is old.";
    return "Age of the newest values and the time to the server and back";
}
