/* What surrounds every page: the bar at the top, the navigation, the strip of problems. */
import { useComputed, useSignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { CHOICES, spanOf, type Range } from "../domain/range";
import { clockText, durationText, fromToText } from "../domain/units";
import { usePage } from "../pages/context";
import { tally } from "../domain/alerts";
import { Help } from "../widgets/help";
import { LivePill } from "../widgets/live-pill";
import { Brand, PauseMark, SeverityMark } from "../widgets/marks";
import { Segmented } from "../widgets/segmented";
import { StatusStrip, type StripMessage } from "../widgets/status-strip";
import { badgeTitle } from "./attention";
import { nextTheme, SHORTCUTS, togglePause } from "./keys";
import { pageAt, ROUTES } from "./routes";
import { AlertToasts } from "./toasts";

const CLOCK_MS = 250; // how often ages and countdowns are looked at

export function Shell({ help, onLogOut }: { help: Signal<boolean>; onLogOut(): void }) {
    const context = usePage();
    const { session, location } = context;
    const { page, query } = location.place.value;
    const { Page, title } = pageAt(page);
    const device = query.get("device");
    const host = session.hello.value?.host ?? session.info.value?.host ?? "";
    const liveness = session.liveness.value;
    const { firing } = tally(session.alerts.active.value);
    const what = device ?? query.get("rule") ?? title;

    useEffect(() => {
        const state = liveness === "paused" || liveness === "stale" ? `(${liveness}) ` : "";
        const words = [what, host, "netsonde"].filter(Boolean).join(" · ");
        document.title = state + badgeTitle(firing) + words;
    }, [liveness, what, host, firing]);

    return (
        <div class="shell" onClick={(e) => followLink(e, (href) => location.go(href))}>
            <a class="skip" href="#main">
                Skip to the charts
            </a>
            <header class="topbar">
                <a class="brand" href={location.href("")} aria-label="netsonde, overview">
                    <Brand />
                    <span>netsonde</span>
                </a>
                <span class="host">{host}</span>
                <Live />
            </header>
            <RangePicker />
            <Tools help={help} onLogOut={onLogOut} />
            <Navigation />
            <main id="main" tabIndex={-1} data-liveness={liveness}>
                <Page />
            </main>
            <AlertToasts />
            <Problems />
            <Help open={help.value} shortcuts={SHORTCUTS} onClose={() => (help.value = false)} />
        </div>
    );
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

function Navigation() {
    const { location } = usePage();
    const { page } = location.place.value;
    const nav = useRef<HTMLElement>(null);
    useEffect(() => {
        const here = nav.current!.querySelector("[aria-current]");
        here?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }, [page]);
    return (
        <nav class="pages" aria-label="Pages" ref={nav}>
            {[...ROUTES].map(([address, { title }]) => (
                <a
                    key={address}
                    href={location.href(address)}
                    aria-current={page === address ? "page" : undefined}
                >
                    {title}
                    <Tally page={address} />
                </a>
            ))}
        </nav>
    );
}

/* What is behind a link, where a number says it. */
function Tally({ page }: { page: string }) {
    const { session } = usePage();
    if (page === "interfaces")
        return <span class="count count-quiet">{session.interfaces.value.length || ""}</span>;
    if (page !== "alerts") return null;
    const { worst, firing } = tally(session.alerts.active.value);
    return (
        <span class="count">
            {worst && (
                <>
                    <SeverityMark severity={worst} /> {firing}
                    <span class="visually-hidden"> firing</span>
                </>
            )}
        </span>
    );
}

/* Counts up a few times a second while somebody looks. */
function useClock(): number {
    const now = useSignal(performance.now());
    useEffect(() => {
        const timer = setInterval(() => {
            if (!document.hidden) now.value = performance.now();
        }, CLOCK_MS);
        return () => clearInterval(timer);
    }, []);
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

function RangePicker() {
    const { location } = usePage();
    const range = location.range.value;
    return (
        <section class={`range range-${range.kind}`} aria-label="Window of time">
            <Segmented
                label="Window"
                choices={CHOICES.map((c) => ({ ...c, value: c.spanMs, name: `last ${c.name}` }))}
                value={range.kind === "last" ? range.spanMs : undefined}
                onChoose={(spanMs) => location.setRange({ kind: "last", spanMs })}
            />
            <RangeNote range={range} onLeave={() => location.follow()} />
        </section>
    );
}

/* Says what the buttons cannot: a marked stretch, a window from the address. */
function RangeNote({ range, onLeave }: { range: Range; onLeave(): void }) {
    if (range.kind === "fixed") {
        const stretch = fromToText(range.fromMs, range.toMs, Date.now());
        return (
            <button
                type="button"
                class="button range-note"
                aria-label={`Leave ${stretch}, go back to the present`}
                title="Back to the present (Esc)"
                onClick={onLeave}
            >
                {stretch} <span aria-hidden="true">×</span>
            </button>
        );
    }
    if (CHOICES.some((c) => c.spanMs === range.spanMs)) return null;
    return <span class="range-note">last {durationText(spanOf(range))}</span>;
}

const THEME_WORDS = { system: "auto", dark: "dark", light: "light" } as const;

function Tools({ help, onLogOut }: { help: Signal<boolean>; onLogOut(): void }) {
    const context = usePage();
    const { bytesAs, theme } = context.preferences;
    return (
        <section class="tools" aria-label="Display">
            <Segmented
                label="Unit of traffic"
                choices={[
                    { value: "bits" as const, short: "bit", name: "bits" },
                    { value: "bytes" as const, short: "byte", name: "bytes" },
                ]}
                value={bytesAs.value}
                onChoose={(unit) => (bytesAs.value = unit)}
            />
            <button
                type="button"
                class="button theme-button"
                aria-label={`Theme: ${theme.value}`}
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
                onClick={() => (help.value = true)}
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
            const old = since === undefined ? "" : ` What you see is from ${clockText(since)}.`;
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
