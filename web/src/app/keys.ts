/* The keys that work everywhere. Each does what a visible control does, too. */
import type { Signal } from "@preact/signals";
import { CHOICES } from "../domain/range";
import type { PageContext } from "../pages/context";
import type { Shortcut } from "../widgets/help";
import { ROUTES } from "./routes";

export const SHORTCUTS: readonly Shortcut[] = [
    { keys: ["Space"], what: "pause, go on" },
    { keys: ["1", "…", "6"], what: "show the last 1 minute … 24 hours" },
    ...[...ROUTES.values()].map((r) => ({ keys: [r.key], what: r.title.toLowerCase() })),
    { keys: ["/"], what: "filter the table" },
    { keys: ["↑", "↓", "Enter"], what: "walk through the table, open" },
    { keys: ["←", "→"], what: "read values of the focused chart" },
    { keys: ["b"], what: "bits or bytes" },
    { keys: ["t"], what: "dark, light or the system's theme" },
    { keys: ["Esc"], what: "back: from an open row, a marked stretch, an interface, a rule, this list" },
    { keys: ["?"], what: "this list" },
];

export function listenToKeys(page: PageContext, help: Signal<boolean>): void {
    const { session, location, preferences } = page;
    const actions: Record<string, () => void> = {
        " ": () => togglePause(page),
        "b": () =>
            (preferences.bytesAs.value = preferences.bytesAs.value === "bits" ? "bytes" : "bits"),
        "t": () => nextTheme(page),
        "?": () => (help.value = !help.value),
        "/": () => {
            if (!document.getElementById("filter")) location.go(location.href("interfaces"));
            requestAnimationFrame(() => document.getElementById("filter")?.focus());
        },
        "Escape": () => {
            if (location.place.value.query.has("id")) location.setQuery("id", "");
            else if (location.range.value.kind === "fixed") location.follow();
            else if (location.place.value.query.has("device"))
                location.go(location.href("interfaces"));
            else if (isEditor(location.place.value.query)) location.go(location.href("alerts"));
            else session.hold(false);
        },
    };
    for (const [address, { key }] of ROUTES)
        actions[key] = () => location.go(location.href(address));
    CHOICES.forEach((c, i) => {
        actions[String(i + 1)] = () => location.setRange({ kind: "last", spanMs: c.spanMs });
    });
    document.addEventListener("keydown", (e) => {
        if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey) return;
        // An open dialog has its own keys. `help` hears only later that it was closed.
        if (e.key !== "?" && document.querySelector("dialog[open]")) return;
        const target = e.target as Element;
        if (target.closest("input, select, textarea")) return;
        if (e.key === " " && target.closest("button, a, summary")) return;
        const action = actions[e.key];
        if (!action) return;
        e.preventDefault();
        action();
    });
}

function isEditor(query: URLSearchParams): boolean {
    return query.has("rule") || query.has("new");
}

export function togglePause({ session, location }: PageContext): void {
    if (location.range.value.kind === "fixed") location.follow();
    else session.hold(!session.paused.value);
}

export function nextTheme({ preferences: { theme } }: PageContext): void {
    theme.value = theme.value === "system" ? "dark" : theme.value === "dark" ? "light" : "system";
}
