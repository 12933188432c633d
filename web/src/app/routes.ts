/* The pages that exist: their address, their title, their key, what they need from the server. */
import type { JSX } from "preact";
import { Interfaces, interfacesSelection } from "../pages/interfaces";
import { NotFound } from "../pages/not-found";
import { Overview, OVERVIEW_SELECTION } from "../pages/overview";
import { NOTHING, type Selection } from "../store/selection";
import { later } from "./later";

export interface Route {
    title: string;
    key: string; // that leads there
    Page: (props: object) => JSX.Element;
    /* undefined: the page says itself what it shows. */
    selection(query: URLSearchParams): Selection | undefined;
}

const own = () => undefined;

/* In the order of the navigation. */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
    ["", { title: "Overview", key: "o", Page: Overview, selection: () => OVERVIEW_SELECTION }],
    ["interfaces", { title: "Interfaces", key: "i", Page: Interfaces, selection: interfacesSelection }],
    ["connections", page("Connections", "n", () => import("../pages/connections").then((m) => m.ConnectionsPage))],
    ["processes", page("Processes", "r", () => import("../pages/processes").then((m) => m.ProcessesPage))],
    ["flows", page("Flows", "f", () => import("../pages/flows").then((m) => m.FlowsPage))],
    ["dns", page("DNS", "d", () => import("../pages/dns").then((m) => m.DnsPage))],
    ["tcp", page("TCP health", "h", () => import("../pages/tcp").then((m) => m.TcpPage))],
    ["events", page("Events", "e", () => import("../pages/events").then((m) => m.EventsPage))],
    ["alerts", page("Alerts", "a", () => import("../pages/alerts").then((m) => m.AlertsPage))],
    ["baselines", page("Baselines", "c", () => import("../pages/baselines").then((m) => m.BaselinesPage))],
    ["explore", page("Explore", "x", () => import("../pages/explore").then((m) => m.ExplorePage))],
    ["performance", page("Performance", "p", () => import("../pages/performance").then((m) => m.PerformancePage))],
    ["settings", page("Settings", "s", () => import("../pages/settings").then((m) => m.SettingsPage))],
]);

/* Fetched when it is first wanted. */
function page(title: string, key: string, load: () => Promise<() => JSX.Element>): Route {
    return { title, key, Page: later(load), selection: own };
}

const NOWHERE: Route = { title: "Not found", key: "", Page: NotFound, selection: () => NOTHING };

export function pageAt(address: string): Route {
    return ROUTES.get(address) ?? NOWHERE;
}
