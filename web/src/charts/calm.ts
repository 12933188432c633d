/* Whether nothing should move: the system says so, or the reader did. */
const system = typeof window === "undefined" ? undefined : matchMedia("(prefers-reduced-motion: reduce)");

export function isCalm(): boolean {
    return system?.matches === true || document.documentElement.dataset["motion"] === "reduced";
}
