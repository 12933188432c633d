/*
 * Runs before the first paint: a page that was dark last time must not flash white. Kept apart from
 * the application so that it is tiny; the keys are those of store/preferences.ts.
 */
const root = document.documentElement;

function chosen(key: string): string | null {
    try {
        return localStorage.getItem(`netsonde.${key}`);
    } catch {
        return null; // storage is off: the system's choice holds
    }
}

let theme = chosen("theme");
if (theme !== "dark" && theme !== "light")
    theme = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
root.dataset["theme"] = theme;

let contrast = chosen("contrast");
if (contrast !== "normal" && contrast !== "high")
    contrast = matchMedia("(prefers-contrast: more)").matches ? "high" : "normal";
root.dataset["contrast"] = contrast;

if (chosen("colours") === "safe") root.dataset["palette"] = "safe";
if (chosen("motion") === "reduced") root.dataset["motion"] = "reduced";
if (chosen("density") === "dense") root.dataset["density"] = "dense";
if (chosen("navigation") === "narrow") root.dataset["navigation"] = "narrow";

export {};
