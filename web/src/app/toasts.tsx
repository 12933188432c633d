/*
 * New alerts over the foot of the page. Two live regions, there from the start: what is critical
 * interrupts a screen reader, the rest waits for its turn.
 */
import { effect, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { everySeen } from "../base/seen";
import { calls } from "../domain/alerts";
import { lasting, toastOf, TOASTS_MOST, withToast, type Toast } from "../domain/news";
import { serverNow } from "../domain/time";
import { usePage } from "../pages/context";
import { SeverityMark } from "../widgets/marks";

const LOOK_MS = 1_000;

export function AlertToasts() {
    const { session, location } = usePage();
    const { alerts } = session;
    const toasts = useSignal<readonly Toast[]>([]);
    const host = useRef<HTMLDivElement>(null);
    useEffect(() => {
        const read = new WeakSet<object>();
        return effect(() => {
            const news = alerts.news.value.filter((n) => !read.has(n));
            if (news.length === 0) return;
            news.forEach((n) => read.add(n));
            toasts.value = news.reduce(
                (all, n) => withToast(all, toastOf(n, serverNow())),
                toasts.peek(),
            );
        });
    }, [alerts]);
    useEffect(() => {
        const look = () => {
            // Somebody reads: nothing goes away under the pointer.
            if (host.current?.matches(":hover, :focus-within")) return;
            const active = alerts.active.peek();
            const firing = (id: number) => active.some((a) => a.id === id && calls(a));
            toasts.value = lasting(toasts.peek(), serverNow(), firing);
        };
        return everySeen(look, LOOK_MS);
    }, [alerts]);
    const shown = toasts.value.slice(-TOASTS_MOST);
    const more = toasts.value.length - shown.length;
    const dismiss = (gone: readonly Toast[]) =>
        (toasts.value = toasts.value.filter((t) => !gone.includes(t)));
    const region = (severity: Toast["severity"]) => (
        <div
            class="toast-region"
            role={severity === "critical" ? "alert" : "status"}
            aria-live={severity === "critical" ? "assertive" : "polite"}
            aria-relevant="additions text"
        >
            {shown
                .filter((t) => t.severity === severity)
                .map((t) => (
                    <div key={t.id} class={`toast toast-${toneOf(t)}`} data-toast={t.id}>
                        <SeverityMark severity={t.severity} />
                        <div>
                            <p>
                                <strong>
                                    {t.severity} {t.state}:
                                </strong>{" "}
                                {t.title}
                            </p>
                            <p class="line-note">
                                {t.note} <a href={location.href("alerts")}>All alerts</a>
                            </p>
                        </div>
                        <button
                            type="button"
                            class="button icon-button"
                            aria-label={`Dismiss: ${t.title}`}
                            onClick={() => dismiss([t])}
                        >
                            ×
                        </button>
                    </div>
                ))}
        </div>
    );
    return (
        <div class="toasts" ref={host}>
            {region("critical")}
            {region("warning")}
            {more > 0 && (
                <p class="toast toast-more">
                    {more} more{" "}
                    <button type="button" class="button" onClick={() => dismiss(toasts.value)}>
                        Dismiss all
                    </button>
                </p>
            )}
        </div>
    );
}

function toneOf(t: Toast): string {
    return t.state === "firing" ? t.severity : "calm";
}
