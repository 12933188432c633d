/* The keys that work everywhere. Each does what a visible control does, too. */
import { CHOICES } from "../domain/range";
import type { PageContext } from "../pages/context";
import type { ShortcutGroup } from "../widgets/help";
import { isComposing } from "../widgets/list-keys";
import { toggleNavigation } from "./navigation";
import type { Openings } from "./openings";
import { ROUTES } from "./routes";
import { openPalette } from "./search";
import { copyLink, SHIFT, shiftBy, ZOOM, zoomBy } from "./time-bar";

export function shortcuts(): readonly ShortcutGroup[] {
    return [
        {
            name: "Find",
            shortcuts: [
                { keys: ["Ctrl K"], what: "search and commands" },
                { keys: ["/"], what: "filter the table, else search" },
                { keys: ["?"], what: "this list" },
                { keys: ["Esc"], what: "back: from an open row, a marked stretch, an interface, a rule, a list" },
            ],
        },
        {
            name: "Time",
            shortcuts: [
                { keys: ["Space"], what: "pause, go on" },
                { keys: ["1", "…", "6"], what: "show the last 1 minute … 24 hours" },
                { keys: ["[", "]"], what: "earlier, later" },
                { keys: ["−", "+"], what: "wider, narrower" },
                { keys: ["v"], what: "compare with a day before" },
                { keys: ["y"], what: "copy a link to what is shown" },
                { keys: ["Alt ←", "Alt →"], what: "the window before, the one after" },
            ],
        },
        {
            name: "Charts and tables",
            shortcuts: [
                { keys: ["←", "→"], what: "read values of the focused chart" },
                { keys: ["Shift ←", "→"], what: "its window earlier, later; a double click goes back" },
                { keys: ["+", "−"], what: "closer, farther, as Shift and the wheel do" },
                { keys: ["↑", "↓", "Enter"], what: "walk through the table, open" },
            ],
        },
        {
            name: "Display",
            shortcuts: [
                { keys: ["b"], what: "bits or bytes" },
                { keys: ["t"], what: "dark, light or the system's theme" },
                { keys: ["u"], what: "UTC or local time" },
                { keys: ["m"], what: "show or hide the list of pages" },
            ],
        },
        {
            name: "Pages",
            shortcuts: [...ROUTES.values()]
                .filter((r) => r.key)
                .map((r) => ({ keys: [r.key], what: r.title })),
        },
    ];
}

export function listenToKeys(page: PageContext, help: Openings): void {
    const { session, location, preferences } = page;
    const actions: Record<string, () => void> = {
        " ": () => togglePause(page),
        "[": () => shiftBy(page, -SHIFT),
        "]": () => location.range.value.kind === "fixed" && shiftBy(page, SHIFT),
        "-": () => zoomBy(page, ZOOM),
        "+": () => zoomBy(page, 1 / ZOOM),
        "=": () => zoomBy(page, 1 / ZOOM),
        "v": () => location.setCompare(location.compare.value ? "" : "1d"),
        "y": () => void copyLink(page),
        "b": () =>
            (preferences.bytesAs.value = preferences.bytesAs.value === "bits" ? "bytes" : "bits"),
        "u": () => (preferences.zone.value = preferences.zone.value === "utc" ? "local" : "utc"),
        "t": () => nextTheme(page),
        "m": toggleNavigation,
        "?": help.open,
        "/": () => {
            const filter = document.getElementById("filter");
            if (filter) filter.focus();
            else openPalette();
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
        if (key) actions[key] = () => location.go(location.href(address));
    CHOICES.forEach((c, i) => {
        actions[String(i + 1)] = () => location.setRange({ kind: "last", spanMs: c.spanMs });
    });
    document.addEventListener("keydown", (e) => {
        if (e.defaultPrevented || isComposing(e)) return;
        const dialog = document.querySelector("dialog[open], [popover]:popover-open");
        if ((e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && e.key.toLowerCase() === "k") {
            e.preventDefault();
            if (!dialog) openPalette();
            else if (dialog.matches("dialog.palette")) (dialog as HTMLDialogElement).close();
            return;
        }
        if (e.ctrlKey || e.metaKey || e.altKey) return;
        if (dialog) {
            // It has its own keys; that of the help closes it as well.
            if (e.key === "?" && dialog.matches("dialog.help")) (dialog as HTMLDialogElement).close();
            return;
        }
        const target = e.target as Element;
        // What is in a dialog that was closed has the focus until the next frame.
        const seen = target.getClientRects().length > 0;
        if (seen && target.closest("input, select, textarea")) return;
        if (seen && e.key === " " && target.closest("button, a, summary")) return;
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
