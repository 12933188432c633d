/* For how long nobody wants to hear of an alert, of its series only or of the whole rule, and why. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { localInput, momentText, tomorrowMs } from "../domain/alerts";
import { parseMoment, serverNow } from "../domain/time";
import type { Alert } from "../store/alerts";
import { Action } from "../widgets/action";
import { useAdmin } from "./admin";
import { usePage } from "./context";

const HOUR_MS = 3_600_000;

type Until = "1h" | "4h" | "tomorrow" | "own";

const CHOICES: readonly { value: Until; name: string }[] = [
    { value: "1h", name: "1 hour" },
    { value: "4h", name: "4 hours" },
    { value: "tomorrow", name: "until tomorrow" },
    { value: "own", name: "until…" },
];

function endOf(until: Until, own: string, now: number): number {
    if (until === "own") return parseMoment(own);
    return until === "tomorrow" ? tomorrowMs(now) : now + (until === "1h" ? 1 : 4) * HOUR_MS;
}

/* Silences take globs: a text that means itself needs its special characters quoted. */
function exactly(text: string): string {
    return text.replace(/[*?[\]\\]/g, "\\$&");
}

export function SilenceForm({ alert, close }: { alert: Alert; close(): void }) {
    const { session } = usePage();
    const admin = useAdmin();
    const first = useRef<HTMLInputElement>(null);
    const until = useSignal<Until>("1h");
    const own = useSignal(localInput(serverNow() + 2 * HOUR_MS));
    const wide = useSignal(false);
    const comment = useSignal("");
    const trouble = useSignal<string | undefined>(undefined);
    useLayoutEffect(() => first.current?.focus(), []);
    const id = `silence-${alert.id}`;
    const end = endOf(until.value, own.value, serverNow());
    const send = async () => {
        const toMs = endOf(until.value, own.value, serverNow());
        if (!(toMs > serverNow())) return { ok: false, error: "The end lies in the past" };
        return session.alerts.silence({
            rule: exactly(alert.rule),
            series: wide.value ? "*" : exactly(alert.series),
            comment: comment.value.trim(),
            toMs,
        });
    };
    return (
        <form
            class="silence-form"
            aria-label={`Silence ${alert.rule}`}
            onSubmit={(e) => e.preventDefault()}
            onKeyDown={(e) => {
                if (e.key !== "Escape") return;
                e.stopPropagation();
                close();
            }}
        >
            <fieldset>
                <legend>For how long</legend>
                {CHOICES.map((c, i) => (
                    <label key={c.value}>
                        <input
                            ref={i === 0 ? first : null}
                            type="radio"
                            name={id}
                            checked={until.value === c.value}
                            onChange={() => (until.value = c.value)}
                        />
                        {c.name}
                    </label>
                ))}
                {until.value === "own" && (
                    <input
                        type="datetime-local"
                        aria-label="End of the silence"
                        value={own.value}
                        onInput={(e) => (own.value = e.currentTarget.value)}
                    />
                )}
            </fieldset>
            <label class="silence-wide">
                <input
                    type="checkbox"
                    checked={wide.value}
                    onChange={(e) => (wide.value = e.currentTarget.checked)}
                />
                every series of {alert.rule}
            </label>
            <label class="silence-comment">
                Comment{" "}
                <input
                    type="text"
                    maxLength={500}
                    placeholder="why, for the others"
                    value={comment.value}
                    onInput={(e) => (comment.value = e.currentTarget.value)}
                />
            </label>
            <div class="silence-actions">
                <Action
                    primary
                    allowed={admin}
                    run={send}
                    tell={(error) => {
                        trouble.value = error;
                        if (error === undefined) close();
                    }}
                >
                    {Number.isFinite(end)
                        ? `Silence until ${momentText(end, serverNow())}`
                        : "Silence"}
                </Action>
                <button type="button" class="button" onClick={close}>
                    Cancel
                </button>
                <span role="alert" class="alert-trouble">
                    {trouble.value}
                </span>
            </div>
        </form>
    );
}
