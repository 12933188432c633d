/*
 * What the first page asks for, on its way while the application is still being read: boot.ts asks,
 * main.tsx takes the answers over. Each is for the first who asks that address, once.
 */
import { DEFAULT_RANGE } from "../domain/range";
import { TRAFFIC_METRICS } from "../pages/network-charts";
import { INFO_ADDRESS, interfacesAddress } from "../proto/history";
import { windowAddress } from "../store/window-address";

export type Answer = Pick<Response, "ok" | "status" | "text">;

type Early = Map<string, Promise<Answer>>; // by address under the base path

declare global {
    interface Window {
        netsondeEarly?: Early;
    }
}

/* page: the rest of the address behind the base path. */
export function addressesOf(page: string): string[] {
    const always = [INFO_ADDRESS, interfacesAddress()];
    return page ? always : [...always, windowAddress(DEFAULT_RANGE, TRAFFIC_METRICS, [])];
}

async function whole(asked: Promise<Response>): Promise<Answer> {
    const { ok, status, text } = await asked.then(async (r) => ({ ok: r.ok, status: r.status, text: await r.text() }));
    return { ok, status, text: () => Promise.resolve(text) };
}

export function askEarly(base: string, page: string): void {
    const headers = { Accept: "application/json" };
    window.netsondeEarly = new Map(
        addressesOf(page).map((address) => {
            const answer = whole(fetch(base + address, { headers }));
            answer.catch(() => undefined); // who takes it hears of it
            return [address, answer];
        }),
    );
}

/* Like fetch, but with the answers that are on their way; none is kept for later. */
export function takeEarly(base: string): (address: string, init: RequestInit) => Promise<Answer> {
    const early: Early = window.netsondeEarly ?? new Map();
    delete window.netsondeEarly;
    setTimeout(() => early.clear());
    return (address, init) => {
        const own = address.slice(base.length);
        const answer = early.get(own);
        early.delete(own);
        return answer ?? fetch(address, init);
    };
}
