/* The server's time for ages that are read, a little more often than they change. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { everySeen } from "../base/seen";
import { serverNow } from "../domain/time";

export function useNow(everyMs = 1000): number {
    const now = useSignal(serverNow());
    useEffect(() => everySeen(() => (now.value = serverNow()), everyMs), [everyMs]);
    return now.value;
}
