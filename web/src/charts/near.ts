/*
 * Work for what is in sight comes first: a chart on the screen is drawn at once, one below waits
 * until the browser has nothing better to do, one chart at a time.
 */
const LONGEST_WAIT_MS = 1_000;
const AROUND = "25%"; // of the screen: what comes into sight was drawn before

let waiting: (() => void)[] = [];
let asked = false;

function later(): void {
    asked = false;
    waiting.shift()?.();
    askLater();
}

function askLater(): void {
    if (asked || waiting.length === 0) return;
    asked = true;
    if (typeof requestIdleCallback === "function")
        requestIdleCallback(later, { timeout: LONGEST_WAIT_MS });
    else setTimeout(later, 50); // Safari
}

/* Roughly: an observer tells exactly, but after the page was painted without what it waits for. */
function isInSight(element: Element): boolean {
    const { top, bottom, left, right } = element.getBoundingClientRect();
    return top < window.innerHeight && bottom > 0 && left < window.innerWidth && right > 0;
}

/* Says whether the element is on the screen or on paper, now and whenever that changes. Returns what
 * ends it. */
export function whileInSight(element: Element, tell: (inSight: boolean) => void): () => void {
    tell(isInSight(element));
    const observer = new IntersectionObserver(
        (entries) => tell(entries[entries.length - 1]!.isIntersecting),
        { rootMargin: `${AROUND} 0px` },
    );
    observer.observe(element);
    const printing = () => tell(true);
    const printed = () => tell(isInSight(element));
    window.addEventListener("beforeprint", printing);
    window.addEventListener("afterprint", printed);
    return () => {
        observer.disconnect();
        window.removeEventListener("beforeprint", printing);
        window.removeEventListener("afterprint", printed);
    };
}

/* Runs once: at once when the element is on the screen, else when it comes there or there is time.
 * Returns a cancel. */
export function whenNear(element: Element, run: () => void): () => void {
    if (isInSight(element)) {
        run();
        return () => undefined;
    }
    const finish = () => {
        cancel();
        run();
    };
    const observer = new IntersectionObserver((entries) => {
        if (entries.some((e) => e.isIntersecting)) finish();
        else if (!waiting.includes(finish)) {
            waiting.push(finish);
            askLater();
        }
    });
    const cancel = () => {
        observer.disconnect();
        waiting = waiting.filter((w) => w !== finish);
    };
    observer.observe(element);
    return cancel;
}
