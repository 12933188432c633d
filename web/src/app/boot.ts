/*
 * Runs before the first paint: a page that was dark last time must not flash white. Kept apart from
 * the application so that it is tiny; the key is that of store/preferences.ts.
 */
try {
    const theme = localStorage.getItem("netsonde.theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
    /* Storage is off: the system's choice holds. */
}
