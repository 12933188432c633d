/*
 * The address is the state: page, window and query come from it and go back to it, so that a reload,
 * a bookmark, a link and the browser's back button all do what they say.
 */
import { computed, signal, type ReadonlySignal } from "@preact/signals";
import { parseCompare, type Compare } from "../domain/compare";
import {
    parseRange,
    pinned,
    rangeQuery,
    DEFAULT_RANGE,
    sameRange,
    type Range,
} from "../domain/range";

export interface Place {
    page: string; // "" for the overview, "interfaces", …
    query: URLSearchParams;
}

/* Of the query, what goes along from page to page. */
const KEPT = ["from", "to", "compare"];

const GLIDE_MS = 1000; // steps of one movement come closer than that

export class Location {
    readonly base: string;
    readonly #place;
    readonly place: ReadonlySignal<Place>;
    readonly range: ReadonlySignal<Range>;
    readonly compare: ReadonlySignal<Compare | undefined>;
    #following: Range = DEFAULT_RANGE; // the newest window that followed the present
    #glidedAt = -Infinity;

    constructor(base: string) {
        this.base = base;
        this.#place = signal(this.#read());
        this.place = this.#place;
        let last: Range = DEFAULT_RANGE;
        let said = "";
        this.range = computed(() => {
            const { query } = this.#place.value;
            const [from, to] = [query.get("from"), query.get("to")];
            // What is relative to now is looked at once: it stands still from then on.
            if (said === `${from} ${to}`) return last;
            said = `${from} ${to}`;
            const range = parseRange(from, to);
            if (!sameRange(range, last)) last = range;
            if (last.kind === "last") this.#following = last;
            return last; // the same object while it says the same
        });
        this.compare = computed(() => parseCompare(this.#place.value.query.get("compare")));
        window.addEventListener("popstate", () => (this.#place.value = this.#read()));
    }

    /* The address of a page; the window goes along, the rest of the query does not. */
    href(page: string, query: Record<string, string> = {}): string {
        const q = new URLSearchParams(query);
        const kept = this.#place.value.query;
        for (const key of KEPT) if (kept.has(key) && !q.has(key)) q.set(key, kept.get(key)!);
        return this.base + page + (q.size ? "?" + q.toString() : "");
    }

    /* The whole address of what is shown now, for others: it goes on showing this stretch of time. */
    link(nowMs: number): string {
        const url = new URL(window.location.href);
        const { from, to } = rangeQuery(pinned(this.range.peek(), nowMs));
        url.searchParams.set("from", from);
        url.searchParams.set("to", to);
        return url.href;
    }

    /* True when the address is one of ours. */
    go(href: string): boolean {
        const url = new URL(href, window.location.href);
        if (url.origin !== window.location.origin || !url.pathname.startsWith(this.base))
            return false;
        if (url.href !== window.location.href) history.pushState(null, "", url);
        this.#place.value = this.#read();
        return true;
    }

    /* gliding: one step of several, which are one step for the way back. */
    setRange(range: Range, gliding = false): void {
        const now = performance.now();
        const same = gliding && now - this.#glidedAt < GLIDE_MS;
        this.#glidedAt = gliding ? now : -Infinity;
        this.#edit((q) => {
            const { from, to } = rangeQuery(range);
            q.set("from", from);
            q.set("to", to);
        }, !same);
    }

    /* To what was seen before this range, when it was chosen here; else to the present. */
    back(): void {
        this.#glidedAt = -Infinity;
        if ((history.state as { chosen?: boolean } | null)?.chosen) history.back();
        else if (this.range.peek().kind === "fixed") this.follow();
    }

    /* Back from a marked stretch to the window that it was marked in. */
    follow(): void {
        this.setRange(this.#following);
    }

    /* "" compares with nothing. */
    setCompare(text: string): void {
        this.#edit((q) => (text === "" ? q.delete("compare") : q.set("compare", text)), true);
    }

    /* Changes one parameter in place; "" removes it. */
    setQuery(key: string, value: string): void {
        this.#edit((q) => (value === "" ? q.delete(key) : q.set(key, value)), false);
    }

    /* The same for one that may stand there several times. */
    setAll(key: string, values: readonly string[]): void {
        this.#edit((q) => {
            q.delete(key);
            for (const v of values) q.append(key, v);
        }, false);
    }

    #edit(change: (q: URLSearchParams) => void, remember: boolean): void {
        const q = new URLSearchParams(this.#place.value.query);
        change(q);
        const url = window.location.pathname + (q.toString() ? "?" + q.toString() : "");
        if (url === window.location.pathname + window.location.search) return;
        if (remember) history.pushState({ chosen: true }, "", url);
        else history.replaceState(history.state, "", url);
        this.#place.value = this.#read();
    }

    #read(): Place {
        const path = window.location.pathname;
        const page = path.startsWith(this.base) ? path.slice(this.base.length) : "";
        return {
            page: page.replace(/\/+$/, ""),
            query: new URLSearchParams(window.location.search),
        };
    }
}
