/*
 * Messages that lie over the page for a while. One alert has one place: what becomes of it replaces
 * what was said before. What fires stays until it is dismissed or over; everything else goes by
 * itself. There is room for a few; the others are counted.
 */
import type { AlertFacts } from "./alerts";

export interface NewsItem {
    seq: number;
    t: number;
    alert: AlertFacts;
    suppressed: number;
    test: boolean;
    group: readonly AlertFacts[];
    more: number;
}

export interface Toast {
    id: number; // of the alert
    severity: "warning" | "critical";
    state: AlertFacts["state"];
    title: string;
    note: string;
    stays: boolean;
    untilMs: number; // wall time
}

const GOES_AFTER_MS = 10_000;
export const TOASTS_MOST = 3;
const KEPT_MOST = 50;

export function toastOf(n: NewsItem, nowMs: number): Toast {
    const { alert } = n;
    const listed = n.group.length || 1;
    const notes = [
        n.test ? "A test: nothing is wrong." : "",
        n.group.length ? `${listed + n.more} alerts together.` : "",
        n.suppressed ? `${n.suppressed} more held back.` : "",
    ];
    return {
        id: alert.id,
        severity: alert.severity,
        state: alert.state,
        title: alert.summary || alert.rule,
        note: notes.filter(Boolean).join(" "),
        stays: alert.state === "firing" && !n.test,
        untilMs: nowMs + GOES_AFTER_MS,
    };
}

/* With one more message, in its alert's place or as the newest. */
export function withToast(toasts: readonly Toast[], toast: Toast): readonly Toast[] {
    const others = toasts.filter((t) => t.id !== toast.id);
    return [...others, toast].slice(-KEPT_MOST);
}

/* Without what is over: its time has come, or its alert does not fire any more. */
export function lasting(
    toasts: readonly Toast[],
    nowMs: number,
    firing: (id: number) => boolean,
): readonly Toast[] {
    const left = toasts.filter((t) => (t.stays ? firing(t.id) : t.untilMs > nowMs));
    return left.length === toasts.length ? toasts : left;
}

/* What a loudspeaker or a notification is for: an alert that begins to fire, or a test. */
export function isCall(n: NewsItem): boolean {
    return n.test || n.alert.state === "firing" || n.group.some((a) => a.state === "firing");
}
