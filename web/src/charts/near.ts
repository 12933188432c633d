/*
 * Work for what is in sight comes first: a chart on the screen is drawn at once, one below waits
 * until the browser has nothing better to do, one chart at a time.
 */
import { systemClock, type Cancel, type Clock } from "../base/clock";

const LONGEST_WAIT_MS = 1_000;
const AHEAD_MS = 10_000; // between two paintings of what is out of sight
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

/* Runs once, when the browser has nothing better to do. Returns a cancel. */
function whenIdle(run: () => void): Cancel {
    waiting.push(run);
    askLater();
    return () => {
        waiting = waiting.filter((w) => w !== run);
    };
}

/* As whenIdle, but not while the page is hidden. */
function whenIdleInSight(run: () => void): Cancel {
    if (!document.hidden) return whenIdle(run);
    let cancel: Cancel;
    const seen = () => {
        cancel();
        cancel = whenIdle(run);
    };
    document.addEventListener("visibilitychange", seen);
    cancel = () => document.removeEventListener("visibilitychange", seen);
    return () => cancel();
}

/* Roughly: an observer tells exactly, but after the page was painted without what it waits for. */
function isInSight(element: Element): boolean {
    const { top, bottom, left, right } = element.getBoundingClientRect();
    return top < window.innerHeight && bottom > 0 && left < window.innerWidth && right > 0;
}

/* Says whether the element is on the screen or on paper, now and whenever that changes. Returns what
 * ends it. */
export function whileInSight(element: Element, tell: (inSight: boolean) => void): Cancel {
    let inSight = isInSight(element);
    tell(inSight);
    const observer = new IntersectionObserver(
        (entries) => tell((inSight = entries[entries.length - 1]!.isIntersecting)),
        { rootMargin: `${AROUND} 0px` },
    );
    observer.observe(element);
    const printing = () => tell(true);
    const printed = () => tell(inSight); // the observer tells nothing that it has told
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
export function whenNear(element: Element, run: () => void): Cancel {
    if (isInSight(element)) {
        run();
        return () => undefined;
    }
    const finish = () => {
        cancel();
        run();
    };
    let notIdle: (() => void) | undefined;
    const observer = new IntersectionObserver((entries) => {
        if (entries.some((e) => e.isIntersecting)) finish();
        else notIdle ??= whenIdle(finish);
    });
    const cancel = () => {
        observer.disconnect();
        notIdle?.();
    };
    observer.observe(element);
    return cancel;
}

/*
 * When something out of sight is painted, so that a picture of the whole page has it: the first time
 * when there is time and the page is looked at, and then no sooner than AHEAD_MS after it was painted
 * last.
 */
export class Ahead {
    readonly #paint: () => void;
    readonly #worth: () => boolean;
    readonly #clock: Clock;
    readonly #whenIdle: (run: () => void) => Cancel;
    #paintedAt = -Infinity;
    #due: Cancel | undefined;

    /* worth: whether it has a place at all, when the time has come. */
    constructor(
        paint: () => void,
        worth: () => boolean,
        clock: Clock = systemClock,
        idle: (run: () => void) => Cancel = whenIdleInSight,
    ) {
        this.#paint = paint;
        this.#worth = worth;
        this.#clock = clock;
        this.#whenIdle = idle;
    }

    /* There is something new. */
    ask(): void {
        if (this.#due) return;
        const waitMs = this.#paintedAt + AHEAD_MS - this.#clock.now();
        if (waitMs > 0) this.#due = this.#clock.after(waitMs, () => this.#askIdle());
        else this.#askIdle();
    }

    /* It was painted, for whatever reason. */
    painted(): void {
        this.cancel();
        this.#paintedAt = this.#clock.now();
    }

    cancel(): void {
        this.#due?.();
        this.#due = undefined;
    }

    #askIdle(): void {
        this.#due = this.#whenIdle(() => this.#run());
    }

    #run(): void {
        this.#due = undefined;
        if (this.#worth()) this.#paint();
    }
}
