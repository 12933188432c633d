/* GET of JSON with a time limit and failures in plain words. */
import { fail, ok, type Result } from "../base/result";
import { parseErrorText } from "../proto/history";

const LIMIT_MS = 20_000;

export type GetJson = (address: string, signal?: AbortSignal) => Promise<Result<unknown>>;

/*
 * An aborted request fails like any other; the caller knows that it aborted. `unauthorized` is
 * called when the server wants to know first who asks (401).
 */
export function jsonGetter(base: string, unauthorized: () => void = () => undefined): GetJson {
    return async (address, signal) => {
        const limit = new AbortController();
        const timer = setTimeout(() => limit.abort(), LIMIT_MS);
        const giveUp = () => limit.abort();
        signal?.addEventListener("abort", giveUp);
        try {
            const response = await fetch(base + address, {
                headers: { Accept: "application/json" },
                signal: limit.signal,
            });
            if (response.status === 401) unauthorized();
            const body: unknown = await response.json().catch(() => undefined);
            if (!response.ok)
                return fail(parseErrorText(body) ?? `the server answered ${response.status}`);
            return body === undefined ? fail("the answer is not JSON") : ok(body);
        } catch {
            return fail(
                limit.signal.aborted ? "no answer in 20 seconds" : "the server cannot be reached",
            );
        } finally {
            clearTimeout(timer);
            signal?.removeEventListener("abort", giveUp);
        }
    };
}
