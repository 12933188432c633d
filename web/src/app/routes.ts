/* The pages that exist: their address, their title, what they need from the server. */
import type { JSX } from "preact";
import { Interfaces, interfacesSelection } from "../pages/interfaces";
import { NotFound } from "../pages/not-found";
import { Overview, OVERVIEW_SELECTION } from "../pages/overview";
import { NOTHING, type Selection } from "../store/selection";
import { later } from "./later";

interface Route {
    title: string;
    Page: () => JSX.Element;
    /* undefined: the page says itself what it shows. */
    selection(query: URLSearchParams): Selection | undefined;
}

const ROUTES = new Map<string, Route>([
    ["", { title: "Overview", Page: Overview, selection: () => OVERVIEW_SELECTION }],
    ["interfaces", { title: "Interfaces", Page: Interfaces, selection: interfacesSelection }],
    [
        "alerts",
        {
            title: "Alerts",
            Page: later(() => import("../pages/alerts").then((m) => m.AlertsPage)),
            selection: () => undefined,
        },
    ],
    [
        "baselines",
        {
            title: "Baselines",
            Page: later(() => import("../pages/baselines").then((m) => m.BaselinesPage)),
            selection: () => undefined,
        },
    ],
    [
        "performance",
        {
            title: "Performance",
            Page: later(() => import("../pages/performance").then((m) => m.PerformancePage)),
            selection: () => undefined,
        },
    ],
]);

const NOWHERE: Route = { title: "Not found", Page: NotFound, selection: () => NOTHING };

export function pageAt(address: string): Route {
    return ROUTES.get(address) ?? NOWHERE;
}
