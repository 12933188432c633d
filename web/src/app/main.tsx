/* Puts the parts together and starts them. */
import { computed, effect, signal, untracked } from "@preact/signals";
import { render } from "preact";
import { systemClock } from "../base/clock";
import { onWake } from "../base/sleep";
import { Environment, type ChartEnvironment } from "../charts/environment";
import { hiddenQuery, parseHidden, withHidden } from "../domain/hidden";
import { stretchOf } from "../domain/range";
import { basePathOf, streamAddress } from "../link/base-path";
import { jsonGetter, jsonSender } from "../link/http";
import { logOut, rememberPage } from "../link/login";
import { Context } from "../pages/context";
import { readSkewFrom } from "../domain/time";
import { SUBPROTOCOL } from "../proto/stream";
import { Location } from "../store/location";
import { loadPreferences } from "../store/preferences";
import { Session } from "../store/session";
import { withAlerts } from "./alert-flags";
import { drawAttention } from "./attention";
import { takeEarly } from "./early";
import { listenToKeys } from "./keys";
import { applyLook } from "./look";
import { Openings } from "./openings";
import { pageAt } from "./routes";
import { Shell } from "./shell";
import "./style/tokens.css";
import "./style/app.css";
import "./style/chart.css";
import "./style/pages.css";
import "./style/alerts.css";
import "./style/saving.css";
import "./style/baselines.css";
import "./style/performance.css";
import "./style/comfort.css";
import "./style/settings.css";
import "./style/events.css";
import "./style/now.css";
import "./style/drawn.css";
import "./style/tables.css";
import "./style/explore.css";

const base = basePathOf(import.meta.url);
const preferences = loadPreferences();
const location = new Location(base);
const early = takeEarly(base);
const session = new Session(
    () => new WebSocket(streamAddress(window.location, base), SUBPROTOCOL),
    jsonGetter(base, goToLogin, early.send),
    systemClock,
    location.range,
    requestAnimationFrame,
    jsonSender(base, goToLogin),
);

/* Once: several requests are refused at the same time. */
let leaving = false;
function goToLogin(): void {
    if (leaving) return;
    leaving = true;
    rememberPage(window.sessionStorage, window.location.pathname + window.location.search);
    window.location.replace(base + "login");
}

/* The session ends on the server, too; if that cannot be told, one stays. */
async function leave(): Promise<void> {
    session.stop();
    if (await logOut(base)) window.location.replace(base + "login");
    else session.start();
}

const hides = computed(() => JSON.stringify(location.place.value.query.getAll("hide")));
const hidden = computed(() => parseHidden(JSON.parse(hides.value) as string[])); // anew when it changes

const environment: ChartEnvironment = {
    source: session.window,
    painted: session.painted,
    state: computed(() =>
        session.liveness.value === "connecting" ? "live" : session.liveness.value,
    ),
    bytesAs: preferences.bytesAs,
    palette: applyLook(preferences),
    flags: computed(() => withAlerts(session)),
    bands: session.bands,
    ghost: session.ghost,
    host: computed(() => session.hello.value?.host ?? session.info.value?.host ?? ""),
    version: computed(() => session.hello.value?.version ?? session.info.value?.version ?? ""),
    base,
    cursor: signal<number | undefined>(undefined),
    zoom: (fromMs, toMs) => location.setRange({ kind: "fixed", fromMs, toMs }),
    show: (range, gliding) => location.setRange(range, gliding),
    wanted: () => stretchOf(location.range.peek(), session.presentMs),
    back: () => location.back(),
    present: () => session.presentMs,
    hidden,
    hide: (key, names) => location.setAll("hide", hiddenQuery(withHidden(hidden.peek(), key, names))),
};

/* Asked for before anything is rendered: the answers travel while the page is built. */
session.start(early.askedMs);
effect(() => {
    const { page, query } = location.place.value;
    const selection = pageAt(page).selection(query);
    if (selection) untracked(() => session.show(selection));
});

effect(() => {
    const compare = location.compare.value;
    untracked(() => session.compareWith(compare));
});

const look = () => session.setVisible(!document.hidden);
look(); // it may have been opened in the background
document.addEventListener("visibilitychange", look);
window.addEventListener("online", () => session.retry());
onWake(() => session.woke());
readSkewFrom(() => session.skewMs.value);

const page = { session, location, preferences };
const help = new Openings();
listenToKeys(page, help);
drawAttention(page);
render(
    <Context.Provider value={page}>
        <Environment.Provider value={environment}>
            <Shell help={help} onLogOut={() => void leave()} />
        </Environment.Provider>
    </Context.Provider>,
    document.getElementById("app")!,
);
