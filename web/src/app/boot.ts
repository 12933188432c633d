/*
 * Runs before the first paint: a page that was dark last time must not flash white, and what the
 * page will ask for first is asked now. Kept apart from the application so that it is tiny; the keys
 * are those of store/preferences.ts.
 */
import { basePathOf } from "../link/base-path";
import { askEarly } from "./early";

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

/* Not for the login, which has this script, too. Its own address: see basePathOf. */
const script = document.currentScript as HTMLScriptElement;
const base = basePathOf(script.src);
if ("asks" in script.dataset) askEarly(base, location.pathname.slice(base.length) + location.search);
