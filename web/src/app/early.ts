/*
 * What the first page asks for, on its way while the application is still being read: boot.ts asks,
 * main.tsx takes the answers over. Each is for the first who asks that address, once.
 */
import { DEFAULT_RANGE } from "../domain/range";
import type { Answer, Send } from "../link/http";
import { TRAFFIC_METRICS } from "../pages/network-charts";
import { INFO_ADDRESS, interfacesAddress } from "../proto/history";
import { windowAddress } from "../store/window-address";

interface Asked {
    answer: Promise<Answer>;
    stop: AbortController;
}

interface Early {
    askedMs: number; // wall time
    answers: Map<string, Asked>; // by address under the base path
}

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
    const response = await asked;
    const { ok, status } = response;
    const text = await response.text();
    return { ok, status, text: () => Promise.resolve(text) };
}

export function askEarly(base: string, page: string): void {
    const answers = new Map<string, Asked>();
    for (const address of addressesOf(page)) {
        const stop = new AbortController();
        const headers = { Accept: "application/json" };
        const answer = whole(fetch(base + address, { headers, signal: stop.signal }));
        answer.catch(() => undefined); // who takes it hears of it
        answers.set(address, { answer, stop });
    }
    window.netsondeEarly = { askedMs: Date.now(), answers };
}

export interface Taken {
    askedMs: number;
    /* Like fetch, but with the answers that are on their way; none is kept for later. */
    send: Send;
}

export function takeEarly(base: string): Taken {
    const { askedMs, answers } = window.netsondeEarly ?? { askedMs: Date.now(), answers: new Map() };
    delete window.netsondeEarly;
    setTimeout(() => answers.clear());
    return {
        askedMs,
        send(address, init) {
            const own = address.slice(base.length);
            const asked: Asked | undefined = answers.get(own);
            if (!asked) return fetch(address, init);
            answers.delete(own);
            init.signal?.addEventListener("abort", () => asked.stop.abort());
            return asked.answer;
        },
    };
}
