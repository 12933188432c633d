/*
 * How this browser shows things, what this host can measure and what would add to it, and what the
 * daemon runs with.
 */
import { useEffect, useMemo } from "preact/hooks";
import { durationText } from "../domain/units";
import { PULSE } from "../store/selection";
import { Settings as SettingsStore } from "../store/settings";
import { useAdmin } from "./admin";
import { usePage } from "./context";
import { Configuration } from "./settings-config";
import { Doctor, Sandbox } from "./settings-doctor";
import { Preferences } from "./settings-preferences";
import { Storage } from "./settings-storage";
import { Tokens } from "./settings-tokens";

const SECTIONS = [
    ["preferences", "Preferences"],
    ["doctor", "Doctor"],
    ["storage", "History"],
    ["configuration", "Configuration"],
    ["access", "Access"],
    ["about", "About"],
] as const;

export function SettingsPage() {
    const { session, location } = usePage();
    const admin = useAdmin();
    const store = useMemo(() => new SettingsStore(session), [session]);
    useEffect(() => session.show(PULSE), [session]);
    const known = session.info.value !== undefined;
    useEffect(() => {
        if (known && admin) void store.config.load();
    }, [store, known, admin]);
    const config = store.config.state.value.value;
    useEffect(() => {
        if (known && (config || !admin))
            void store.storage.load(new Map(config?.keys.map((k) => [k.key, k.value])));
    }, [store, known, admin, config]);
    const info = session.info.value;
    const missing = info?.capabilities.filter((c) => c.engine === "").length ?? 0;
    const changed = config?.keys.filter((k) => k.from !== "default").length;
    return (
        <>
            <h1 class="sentence">
                <strong>
                    {!info
                        ? "Settings and doctor."
                        : missing === 0
                          ? "Everything is measured here that netsonde can measure."
                          : `${info.capabilities.length - missing} of ${info.capabilities.length} capabilities are in use.`}
                </strong>{" "}
                {changed !== undefined &&
                    `${changed || "No"} ${changed === 1 ? "key differs" : "keys differ"} from the defaults.`}
            </h1>
            <nav class="section-links" aria-label="Sections">
                {SECTIONS.map(([id, name]) => (
                    <a key={id} href={`#${id}`} target="_self">
                        {name}
                    </a>
                ))}
            </nav>
            <Preferences />
            <Doctor />
            <Storage loaded={store.storage.state.value} />
            <Configuration loaded={store.config.state.value} allowed={admin} />
            <Tokens loaded={store.config.state.value} allowed={admin} />
            <section class="group" aria-labelledby="about">
                <h2 id="about">About</h2>
                <dl class="settings-facts">
                    <div>
                        <dt>Version</dt>
                        <dd>{info?.version ?? "–"}</dd>
                    </div>
                    <div>
                        <dt>Host</dt>
                        <dd>
                            <bdi>{info?.host ?? "–"}</bdi>
                        </dd>
                    </div>
                    <div>
                        <dt>Runs since</dt>
                        <dd>
                            {info?.startedMs === undefined || info.nowMs === undefined
                                ? "–"
                                : durationText(info.nowMs - info.startedMs)}
                        </dd>
                    </div>
                    <div>
                        <dt>Interval</dt>
                        <dd>{info ? `${info.intervalMs} ms` : "–"}</dd>
                    </div>
                    <div>
                        <dt>Clocks</dt>
                        <dd>
                            {session.skewMs.value === 0
                                ? "agree to a second"
                                : `the server's is ${durationText(Math.abs(session.skewMs.value))} ${session.skewMs.value > 0 ? "ahead" : "behind"}`}
                        </dd>
                    </div>
                </dl>
                <Sandbox />
                <p class="quiet">
                    Where alerts are told, and a test of each channel:{" "}
                    <a href={location.href("alerts")}>Alerts</a>.
                </p>
            </section>
        </>
    );
}
