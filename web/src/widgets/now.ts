/* Wall time for ages that are read, a little more often than they change. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

export function useNow(everyMs = 1000): number {
    const now = useSignal(Date.now());
    useEffect(() => {
        const timer = setInterval(() => {
            if (!document.hidden) now.value = Date.now();
        }, everyMs);
        return () => clearInterval(timer);
    }, [everyMs]);
    return now.value;
}
