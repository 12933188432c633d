/*
 * The way to the login page and back. Where to come back to is kept in the tab's own storage, not in
 * an address, so that no link can send somebody who logs in elsewhere; and only a path below the
 * dashboard is taken from there.
 */
import { fail, ok, type Result } from "../base/result";
import { parseErrorText } from "../proto/history";

const KEY = "netsonde.return";
const LIMIT_MS = 20_000;

type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/* Remembers the page, given as path and query. */
export function rememberPage(store: Store, page: string): void {
    try {
        store.setItem(KEY, page);
    } catch {
        /* Storage is off: it will be the overview. */
    }
}

/* The remembered page once, or the overview. */
export function takePage(store: Store, base: string): string {
    let page: string | null = null;
    try {
        page = store.getItem(KEY);
        store.removeItem(KEY);
    } catch {
        /* as above */
    }
    return page !== null && isOwnPage(page, base) ? page : base;
}

function isOwnPage(page: string, base: string): boolean {
    if (!page.startsWith(base) || page.startsWith("//") || page.includes("\\")) return false;
    const url = new URL(page, "http://own.invalid");
    if (url.origin !== "http://own.invalid" || !url.pathname.startsWith(base)) return false;
    return url.pathname.slice(base.length) !== "login";
}

async function post(address: string, init: RequestInit, send: typeof fetch): Promise<Response> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), LIMIT_MS);
    try {
        return await send(address, { method: "POST", ...init, signal: limit.signal });
    } finally {
        clearTimeout(timer);
    }
}

/* What a fragment or a form gave is good for one login; the answer says who one is now. */
export async function logIn(
    base: string,
    token: string,
    send: typeof fetch = fetch,
): Promise<Result<string>> {
    try {
        const init = {
            headers: { "Content-Type": "application/json", "Accept": "application/json" },
            body: JSON.stringify({ token }),
        };
        const response = await post(base + "api/v1/login", init, send);
        const body: unknown = await response.json().catch(() => undefined);
        if (response.ok) return ok("");
        return fail(parseErrorText(body) ?? `The server answered ${response.status}.`);
    } catch {
        return fail("The server cannot be reached.");
    }
}

export async function logOut(base: string, send: typeof fetch = fetch): Promise<boolean> {
    try {
        return (await post(base + "api/v1/logout", {}, send)).ok;
    } catch {
        return false;
    }
}
