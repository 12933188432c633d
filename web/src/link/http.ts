/* JSON over HTTP with a time limit and failures in plain words. */
import { parseJson } from "../base/json";
import { fail, ok, type Result } from "../base/result";
import { parseErrorField, parseErrorText } from "../proto/history";

const LIMIT_MS = 20_000;
const TRIES = 3;
const BETWEEN_TRIES_MS = 200;

/* Of an answer, what is read here; and what asks for it: fetch, or what stands for it. */
export type Answer = Pick<Response, "ok" | "status" | "text">;
export type Send = (address: string, init: RequestInit) => Promise<Answer>;

export type GetJson = (address: string, signal?: AbortSignal) => Promise<Result<unknown>>;

/* What changes something on the server; `field` names the member of the body that is at fault. */
export type Method = "POST" | "PUT" | "DELETE";
export type Sent =
    { ok: true; value: unknown } | { ok: false; error: string; field: string; status: number };
export type SendJson = (method: Method, address: string, body?: unknown) => Promise<Sent>;

/*
 * An aborted request fails like any other; the caller knows that it aborted. `unauthorized` is
 * called when the server wants to know first who asks (401).
 */
export function jsonGetter(
    base: string,
    unauthorized: () => void = () => undefined,
    send: Send = fetch,
): GetJson {
    return async (address, signal) => {
        const answer = await request(send, base + address, {}, unauthorized, signal);
        if (!answer.ok) return fail(answer.error);
        return answer.value === undefined ? fail("the answer is not JSON") : ok(answer.value);
    };
}

export function jsonSender(
    base: string,
    unauthorized: () => void = () => undefined,
    send: Send = fetch,
): SendJson {
    return (method, address, body) => {
        const init: RequestInit = { method };
        if (body !== undefined) {
            init.headers = { "Content-Type": "application/json" };
            init.body = JSON.stringify(body);
        }
        return request(send, base + address, init, unauthorized);
    };
}

async function request(
    send: Send,
    address: string,
    init: RequestInit,
    unauthorized: () => void,
    signal?: AbortSignal,
): Promise<Sent> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), LIMIT_MS);
    const giveUp = () => limit.abort();
    signal?.addEventListener("abort", giveUp);
    const ask = async () => {
        const headers = { ...init.headers, Accept: "application/json" };
        const response = await send(address, { ...init, headers, signal: limit.signal });
        // A change was made when the answer began; of a reading its end counts as well.
        const text = await (init.method ? response.text().catch(() => "") : response.text());
        return { response, body: parseJson(text) };
    };
    try {
        const { response, body } = await (init.method ? ask() : again(ask, limit.signal));
        const { status } = response;
        if (status === 401) unauthorized();
        if (response.ok) return { ok: true, value: body };
        const error = parseErrorText(body) ?? `the server answered ${status}`;
        return { ok: false, error, field: parseErrorField(body), status };
    } catch {
        const why = limit.signal.aborted
            ? "no answer in 20 seconds"
            : "the server cannot be reached";
        return { ok: false, error: why, field: "", status: 0 };
    } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", giveUp);
    }
}

/*
 * What only reads does no harm when it is asked twice, and browsers drop what is on its way when a
 * device of the machine comes or goes (Chromium: ERR_NETWORK_CHANGED).
 */
async function again<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let tries = 1; ; tries++)
        try {
            return await ask();
        } catch (error) {
            if (tries < TRIES) await new Promise((done) => setTimeout(done, BETWEEN_TRIES_MS));
            if (tries === TRIES || signal.aborted) throw error;
        }
}
