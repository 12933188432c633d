/* A command as it is typed, and a button that takes it along. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const SAID_MS = 2_000;

export function CopyCommand({ text }: { text: string }) {
    const said = useSignal("");
    useEffect(() => {
        if (!said.value) return;
        const timer = setTimeout(() => (said.value = ""), SAID_MS);
        return () => clearTimeout(timer);
    }, [said.value]);
    const copy = async () => {
        try {
            await navigator.clipboard.writeText(text);
            said.value = "Copied";
        } catch {
            said.value = "Select and copy it"; // no clipboard without TLS, say
        }
    };
    return (
        <span class="copy-command">
            <code>{text}</code>
            <button
                type="button"
                class="button"
                aria-label={`Copy: ${text}`}
                onClick={() => void copy()}
            >
                <span role="status">{said.value || "Copy"}</span>
            </button>
        </span>
    );
}
