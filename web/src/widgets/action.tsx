/*
 * A button that changes something on the server. Who may not is told so when pressing it, instead of
 * wondering about a grey button; while the answer is on its way it does not ask twice.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

export const NEEDS_ADMIN =
    "Only an admin may do this. Log in with an admin token (netsonde token new --role admin), " +
    "or open the page on the host itself as root or the daemon's user.";

interface ActionProps {
    allowed: boolean;
    run(): Promise<{ ok: boolean; error?: string; status?: number }>;
    /* undefined: it went well. */
    tell(error: string | undefined): void;
    primary?: boolean;
    label?: string;
    children: ComponentChildren;
}

export function Action({ allowed, run, tell, primary, label, children }: ActionProps) {
    const busy = useSignal(false);
    const press = async () => {
        if (!allowed) {
            tell(NEEDS_ADMIN);
            return;
        }
        if (busy.value) return;
        busy.value = true;
        const done = await run();
        busy.value = false;
        if (done.ok) tell(undefined);
        else tell(done.status === 403 ? NEEDS_ADMIN : `${done.error}.`.replace(/\.\.$/, "."));
    };
    return (
        <button
            type="button"
            class={`button${primary ? " button-primary" : ""}`}
            aria-disabled={!allowed || busy.value ? "true" : undefined}
            aria-label={label}
            title={allowed ? undefined : "Needs an admin"}
            onClick={() => void press()}
        >
            {children}
        </button>
    );
}
