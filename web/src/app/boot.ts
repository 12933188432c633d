/*
 * Runs before the first paint: a page that was dark last time must not flash white. Kept apart from
 * the application so that it is tiny; the key is that of store/preferences.ts.
 */
let theme: string | null = null;
try {
    theme = localStorage.getItem("netsonde.theme");
} catch {
    /* Storage is off: the system's choice holds. */
}
if (theme !== "dark" && theme !== "light")
    theme = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
document.documentElement.dataset["theme"] = theme;

export {};
