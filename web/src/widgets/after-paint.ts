/* What is below the screen need not hold up the first picture of a page that was just opened. */
import { useEffect, useState } from "preact/hooks";

const LONGEST_WAIT_MS = 1_000; // a page in the background is not painted

let painted = false; // something of this visit: from then on pages come whole

/* Tells once. Returns a cancel. */
function onFirstPaint(tell: () => void): () => void {
    const stop = () => {
        observer.disconnect();
        clearTimeout(timer);
    };
    const done = () => {
        stop();
        painted = true;
        tell();
    };
    const observer = new PerformanceObserver((list) => {
        if (list.getEntriesByName("first-contentful-paint").length) done();
    });
    const timer = setTimeout(done, LONGEST_WAIT_MS);
    observer.observe({ type: "paint", buffered: true });
    return stop;
}

export function useAfterFirstPaint(): boolean {
    const [ready, setReady] = useState(painted);
    useEffect(() => (ready ? undefined : onFirstPaint(() => setReady(true))), [ready]);
    return ready;
}
