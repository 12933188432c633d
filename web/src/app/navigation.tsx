/*
 * The pages, grouped, with what is behind them where a number says it. Beside the page where there is
 * room, which can be given up (the choice is kept); else a drawer, and on a phone a bar at the foot
 * for what is needed most.
 */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { tally } from "../domain/alerts";
import { usePage } from "../pages/context";
import { remembered } from "../store/preferences";
import { SeverityMark } from "../widgets/marks";
import { ROUTES } from "./routes";

/* Addresses; a page that is in none of them is in the last. */
const GROUPS: readonly { name: string; pages: readonly string[] }[] = [
    {
        name: "Traffic",
        pages: ["", "interfaces", "connections", "processes", "flows", "dns", "tcp"],
    },
    { name: "What happened", pages: ["events", "alerts", "baselines"] },
    { name: "Netsonde", pages: ["explore", "performance", "settings"] },
];

const FOOT: readonly string[] = ["", "interfaces", "connections", "alerts"];

const NARROW = "(max-width: 1199px)";

const wide = remembered<"wide" | "narrow">("navigation", ["wide", "narrow"]);
const open = signal(false);

export function toggleNavigation(): void {
    if (window.matchMedia(NARROW).matches) open.value = !open.value;
    else wide.value = wide.value === "wide" ? "narrow" : "wide";
    document.documentElement.dataset["navigation"] = wide.value;
}

export function NavigationButton() {
    const narrow = window.matchMedia(NARROW).matches;
    return (
        <button
            type="button"
            class="button icon-button navigation-button"
            aria-label="Pages"
            aria-controls="pages"
            aria-expanded={narrow ? open.value : wide.value === "wide"}
            title="Show or hide the list of pages"
            onClick={toggleNavigation}
        >
            <svg class="mark mark-line" viewBox="0 0 12 12" aria-hidden="true">
                <path d="M1 2.500h10M1 6h10M1 9.500h10" />
            </svg>
        </button>
    );
}

export function groupsOf(addresses: readonly string[]): { name: string; pages: string[] }[] {
    const known = new Set(GROUPS.flatMap((g) => g.pages));
    const rest = addresses.filter((a) => !known.has(a));
    return GROUPS.map(({ name, pages }, i) => ({
        name,
        pages: [
            ...pages.filter((p) => addresses.includes(p)),
            ...(i === GROUPS.length - 1 ? rest : []),
        ],
    })).filter((g) => g.pages.length > 0);
}

export function Navigation() {
    const { location } = usePage();
    const { page } = location.place.value;
    const nav = useRef<HTMLElement>(null);
    const drawer = open.value;
    useEffect(() => {
        const here = nav.current!.querySelector<HTMLElement>("[aria-current]");
        here?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }, [page]);
    // Before the next key, which is for what is in it.
    useLayoutEffect(() => {
        if (!drawer) return;
        const back = document.activeElement as HTMLElement | null;
        (nav.current!.querySelector<HTMLElement>("[aria-current]") ??
            nav.current!.querySelector("a"))!.focus();
        return () => back?.focus();
    }, [drawer]);
    return (
        <>
            {drawer && (
                <button
                    type="button"
                    class="drawer-ground"
                    tabIndex={-1}
                    aria-label="Close the list of pages"
                    onClick={() => (open.value = false)}
                />
            )}
            <nav
                class={`pages${drawer ? " pages-open" : ""}`}
                id="pages"
                aria-label="Pages"
                ref={nav}
                onClick={(e) => {
                    if ((e.target as Element).closest("a")) open.value = false;
                }}
                onKeyDown={(e) => {
                    if (e.key !== "Escape" || !drawer) return;
                    e.preventDefault();
                    open.value = false;
                }}
            >
                {groupsOf([...ROUTES.keys()]).map(({ name, pages }) => (
                    <div class="pages-group" role="group" aria-label={name} key={name}>
                        <p class="pages-head" aria-hidden="true">
                            {name}
                        </p>
                        {pages.map((address) => (
                            <PageLink key={address} address={address}>
                                <Tally page={address} />
                            </PageLink>
                        ))}
                    </div>
                ))}
            </nav>
        </>
    );
}

/* On a phone. */
export function FootBar() {
    return (
        <nav class="foot-bar" aria-label="Main pages">
            {FOOT.filter((a) => ROUTES.has(a)).map((address) => (
                <PageLink key={address} address={address}>
                    {address === "alerts" && <Tally page={address} />}
                </PageLink>
            ))}
            <button
                type="button"
                aria-controls="pages"
                aria-expanded={open.value}
                onClick={toggleNavigation}
            >
                More
            </button>
        </nav>
    );
}

function PageLink({ address, children }: { address: string; children: ComponentChildren }) {
    const { location } = usePage();
    const { page } = location.place.value;
    return (
        <a href={location.href(address)} aria-current={page === address ? "page" : undefined}>
            {ROUTES.get(address)!.title}
            {children}
        </a>
    );
}

/* What is behind a link, where a number says it. Its room is there before the number is. */
function Tally({ page }: { page: string }) {
    const { session } = usePage();
    if (page === "alerts") {
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
    const count =
        page === "interfaces" ? session.interfaces.value.length : session.counts.of(page).value;
    if (page !== "interfaces" && !session.counts.knows(page)) return null;
    return <span class="count count-quiet">{count ? short(count) : ""}</span>;
}

function short(n: number): string {
    if (n < 10_000) return String(n);
    return n < 999_500 ? `${Math.round(n / 1000)}k` : `${Math.round(n / 1e6)}M`;
}
