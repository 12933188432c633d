/* What surrounds every page: the bar at the top, the navigation, the strip of problems. */
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { everySeen } from "../base/seen";
import { notation } from "../domain/notation";
import type { Session } from "../store/session";
import { usePage } from "../pages/context";
import { tally } from "../domain/alerts";
import { serverNow, whenText } from "../domain/time";
import { Help } from "../widgets/help";
import { LivePill } from "../widgets/live-pill";
import { Brand, PauseMark } from "../widgets/marks";
import { Segmented } from "../widgets/segmented";
import { StatusStrip, type StripMessage } from "../widgets/status-strip";
import { badgeTitle } from "./attention";
import { nextTheme, shortcuts, togglePause } from "./keys";
import { FootBar, Navigation, NavigationButton } from "./navigation";
import type { Openings } from "./openings";
import { pageAt } from "./routes";
import { SearchField } from "./search";
import { TimeBar } from "./time-bar";
import { AlertToasts } from "./toasts";

const CLOCK_MS = 250; // how often ages and countdowns are looked at

/* Drawn anew when one goes to another page; what changes more often reads its signals itself. */
export function Shell({ help, onLogOut }: { help: Openings; onLogOut(): void }) {
    const { session, location } = usePage();
    const { page } = location.place.value;
    const { Page } = pageAt(page);

    useArrival(page);
    useTitle();

    return (
        <div class="shell" onClick={(e) => followLink(e, (href) => location.go(href))}>
            <a class="skip" href="#main">
                Skip to the charts
            </a>
            <header class="topbar">
                <NavigationButton />
                <a class="brand" href={location.href("")} aria-label="netsonde, overview">
                    <Brand />
                    <span>netsonde</span>
                </a>
                <Host />
                <Live />
            </header>
            <TimeBar />
            <Tools help={help} onLogOut={onLogOut} />
            <Navigation />
            <main id="main" tabIndex={-1} data-liveness={session.liveness}>
                <Page />
            </main>
            <FootBar />
            <AlertToasts />
            <Problems />
            <Keys help={help} />
        </div>
    );
}

function hostOf({ hello, info }: Session): string {
    return hello.value?.host ?? info.value?.host ?? "";
}

function Host() {
    const host = hostOf(usePage().session);
    return (
        <span class="host" title={host}>
            <bdi>{host}</bdi>
        </span>
    );
}

function Keys({ help }: { help: Openings }) {
    const opening = help.shown;
    if (!opening) return null;
    return <Help key={opening} groups={shortcuts()} onClose={() => help.closed(opening)} />;
}

function useTitle(): void {
    const { session, location } = usePage();
    useSignalEffect(() => {
        const { page, query } = location.place.value;
        const what = query.get("device") ?? query.get("rule") ?? pageAt(page).title;
        const liveness = session.liveness.value;
        const state = liveness === "paused" || liveness === "stale" ? `(${liveness}) ` : "";
        const { firing } = tally(session.alerts.active.value);
        const words = [what, hostOf(session), "netsonde"].filter(Boolean).join(" · ");
        document.title = state + badgeTitle(firing) + words;
    });
}

/*
 * On another page what is read first has the focus, so that keys and screen readers begin there; the
 * first page that is opened leaves it to the browser.
 */
function useArrival(page: string): void {
    const before = useRef(page);
    useEffect(() => {
        if (before.current === page) return;
        before.current = page;
        document.getElementById("main")?.focus({ preventScroll: true });
    }, [page]);
}

/* Real links stay real: only a plain click on one of ours that leads to a page is taken. */
function followLink(e: MouseEvent, go: (href: string) => boolean): void {
    if (e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey)
        return;
    const link = e.target instanceof Element ? e.target.closest("a") : null;
    if (!link || link.target || link.download || link.getAttribute("href")?.startsWith("#")) return;
    if (!go(link.href)) return;
    e.preventDefault();
    window.scrollTo(0, 0);
}

/* Counts up a few times a second while somebody looks. */
function useClock(): number {
    const now = useSignal(performance.now());
    useEffect(() => everySeen(() => (now.value = performance.now()), CLOCK_MS), []);
    return now.value;
}

function Live() {
    const context = usePage();
    const { session } = context;
    const now = useClock();
    const link = session.link.value;
    const paused = session.paused.value;
    return (
        <div class="live">
            <LivePill
                liveness={session.liveness.value}
                beats={session.beats.value}
                intervalMs={session.intervalMs}
                ageMs={session.ageMs}
                latencyMs={session.latency.value}
                staleSince={session.staleSince}
                retryInMs={link.name === "waiting" ? Math.max(0, link.retryAt - now) : undefined}
                connecting={link.name === "connecting"}
            />
            <button
                type="button"
                class="button icon-button"
                aria-pressed={paused}
                aria-label={paused ? "Go on" : "Pause"}
                title={paused ? "Go on (Space)" : "Pause (Space)"}
                onClick={() => togglePause(context)}
            >
                <PauseMark paused={paused} />
            </button>
        </div>
    );
}

const THEME_WORDS = { system: "auto", dark: "dark", light: "light" } as const;

function Tools({ help, onLogOut }: { help: Openings; onLogOut(): void }) {
    const context = usePage();
    const { bytesAs, theme } = context.preferences;
    return (
        <section class="tools" aria-label="Display">
            <SearchField />
            <Segmented
                label="Unit of traffic"
                choices={[
                    { value: "bits" as const, short: "bits", name: "bits" },
                    { value: "bytes" as const, short: "bytes", name: "bytes" },
                ]}
                value={bytesAs.value}
                onChoose={(unit) => (bytesAs.value = unit)}
            />
            {notation().zone === "utc" && (
                <span class="zone" title="Times are shown in UTC; see Settings">
                    UTC
                </span>
            )}
            <button
                type="button"
                class="button theme-button"
                aria-label={`Theme: ${THEME_WORDS[theme.value]}`}
                title="Theme (t)"
                onClick={() => nextTheme(context)}
            >
                {THEME_WORDS[theme.value]}
            </button>
            <button
                type="button"
                class="button icon-button help-button"
                aria-label="Keys"
                title="Keys (?)"
                onClick={help.open}
            >
                ?
            </button>
            {context.session.info.value?.session && (
                <button type="button" class="button logout-button" onClick={onLogOut}>
                    Log out
                </button>
            )}
        </section>
    );
}

function Problems() {
    const { session } = usePage();
    const messages = useComputed<StripMessage[]>(() => {
        const list: StripMessage[] = session.problems.value.map((p) => ({
            key: p.key,
            text: p.text,
            actions: [
                ...(p.key === "history"
                    ? [{ name: "Read again", run: () => session.retry() }]
                    : []),
                { name: "Dismiss", run: () => session.dismiss(p.key) },
            ],
        }));
        const link = session.link.value;
        if (link.name === "waiting" || (link.name === "connecting" && link.attempt > 0)) {
            const since = session.staleSince;
            const why = link.name === "waiting" ? link.why : "trying again";
            const old = since === undefined ? "" : ` What you see is from ${whenText(since, serverNow())}.`;
            list.unshift({
                key: "link",
                text: `No connection: ${why}.${old} This page keeps trying.`,
                actions: [{ name: "Try now", run: () => session.retry() }],
            });
        }
        return list;
    });
    return <StatusStrip messages={messages.value} />;
}
