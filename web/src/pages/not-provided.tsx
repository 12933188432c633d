/*
 * A table that nobody provides here: the server says who would, why that is off and what would help.
 * The command stands by itself, to be copied.
 */
import { useSignal } from "@preact/signals";

/* The server's words with the command taken out of them. */
export function partsOf(error: string): { why: string; command: string; more: string } {
    const m = /^(.*?)(?:;\s*)?what would help:\s*(.+?)(?:;\s*(see .+))?$/s.exec(error);
    if (!m) return { why: error, command: "", more: "" };
    return { why: m[1]!.trim(), command: m[2]!.trim(), more: m[3]?.trim() ?? "" };
}

export function NotProvided({ what, error }: { what: string; error: string }) {
    const { why, command, more } = partsOf(error);
    return (
        <section class="not-provided" data-state="empty">
            <p>
                <strong>No {what} to show.</strong> {sentence(why)}
            </p>
            {command && (
                <>
                    <p>To have them, start netsonde so:</p>
                    <Command text={command} />
                </>
            )}
            {more && <p class="quiet">{sentence(more)}</p>}
        </section>
    );
}

function sentence(text: string): string {
    const s = text.charAt(0).toUpperCase() + text.slice(1);
    return /[.!?)]$/.test(s) ? s : s + ".";
}

/* Something to be typed elsewhere. Where the clipboard is not given it is selected instead. */
export function Command({ text }: { text: string }) {
    const said = useSignal("Copy");
    const copy = async (from: Element) => {
        try {
            await navigator.clipboard.writeText(text);
            said.value = "Copied";
        } catch {
            const code = from.parentElement?.querySelector("code");
            if (code) window.getSelection()?.selectAllChildren(code);
            said.value = "Selected";
        }
    };
    return (
        <p class="command">
            <code>{text}</code>
            <button type="button" class="button" onClick={(e) => void copy(e.currentTarget)}>
                <span aria-live="polite">{said.value}</span>
            </button>
        </p>
    );
}
