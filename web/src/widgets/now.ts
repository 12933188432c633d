/* The server's time for ages that are read, a little more often than they change. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { serverNow } from "../domain/time";

export function useNow(everyMs = 1000): number {
    const now = useSignal(serverNow());
    useEffect(() => {
        const timer = setInterval(() => {
            if (!document.hidden) now.value = serverNow();
        }, everyMs);
        return () => clearInterval(timer);
    }, [everyMs]);
    return now.value;
}
