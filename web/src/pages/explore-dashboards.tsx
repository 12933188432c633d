/* Sets of questions that are kept under a name. */
import { useSignal } from "@preact/signals";
import { DASHBOARD_NAME, sameExploration, type Exploration } from "../domain/exploration";
import { plain } from "../domain/explore-words";
import { serverNow } from "../domain/time";
import type { Dashboards } from "../store/dashboards";
import { Action } from "../widgets/action";
import { useAdmin } from "./admin";
import { usePage } from "./context";
import { Moment } from "./moment";

const RULE = "A name has up to 64 letters, digits, dots, dashes and underscores, and does not begin with a dot.";

interface DashboardsProps {
    store: Dashboards;
    exploration: Exploration;
    name: string; // of the one that is open, ""
    onOpen(name: string): void;
}

export function DashboardsPanel({ store, exploration, name, onOpen }: DashboardsProps) {
    const { location } = usePage();
    const admin = useAdmin();
    const { value, error } = store.list.state.value;
    const open = store.open.state.value.value;
    const list = value ?? [];
    const typed = useSignal<string | undefined>(undefined);
    const said = useSignal("");
    const asked = useSignal("");
    const wanted = typed.value ?? name;
    const wrong = wanted !== "" && !DASHBOARD_NAME.test(wanted) ? RULE : "";
    const exists = list.some((d) => d.name === wanted);
    const changed = open?.name === name && !sameExploration(open.exploration, exploration);
    const now = serverNow();
    const named = async (run: () => ReturnType<Dashboards["save"]>) =>
        DASHBOARD_NAME.test(wanted) ? run() : { ok: false, error: wrong || "It needs a name" };
    return (
        <section class="group dashboards" aria-labelledby="dashboards-title">
            <h2 id="dashboards-title">
                Dashboards <span class="count">{value ? list.length : ""}</span>
            </h2>
            {error && <p class="table-empty">Dashboards could not be read: {plain(error)}.</p>}
            {value && list.length === 0 && (
                <p class="table-empty" data-empty="dashboards">
                    None is saved yet. A dashboard keeps these questions, their charts and layout under a name, for
                    everybody who may look; the window of time is not part of it.
                </p>
            )}
            {list.length > 0 && (
                <ul class="dashboard-list">
                    {list.map((d) => (
                        <li key={d.name} data-dashboard={d.name}>
                            <a
                                href={location.href("explore", { dashboard: d.name })}
                                aria-current={d.name === name ? "true" : undefined}
                            >
                                {d.name}
                            </a>
                            {d.name === name && changed && <span class="quiet">changed, not saved</span>}
                            {d.changedMs !== undefined && (
                                <span class="quiet">
                                    <Moment ms={d.changedMs} now={now} />
                                </span>
                            )}
                            {asked.value === d.name ? (
                                <>
                                    <Action
                                        allowed={admin}
                                        run={async () => {
                                            const done = await store.remove(d.name);
                                            if (done.ok && d.name === name) onOpen("");
                                            return done;
                                        }}
                                        tell={(e) => (said.value = e ?? `“${d.name}” is deleted.`)}
                                        label={`Really delete dashboard ${d.name}`}
                                    >
                                        Really delete it
                                    </Action>
                                    <button type="button" class="button" onClick={() => (asked.value = "")}>
                                        Keep it
                                    </button>
                                </>
                            ) : (
                                <button
                                    type="button"
                                    class="button"
                                    aria-label={`Delete dashboard ${d.name}`}
                                    onClick={() => (asked.value = d.name)}
                                >
                                    Delete…
                                </button>
                            )}
                        </li>
                    ))}
                </ul>
            )}
            {exploration.queries.length > 0 && <form class="baseline-form silence-form" aria-label="Save a dashboard" onSubmit={(e) => e.preventDefault()}>
                <label>
                    Name{" "}
                    <input
                        id="dashboard-name"
                        value={wanted}
                        maxLength={64}
                        placeholder="uplink"
                        aria-invalid={wrong ? "true" : undefined}
                        aria-describedby="dashboard-said"
                        onInput={(e) => (typed.value = e.currentTarget.value)}
                    />
                </label>
                <Action
                    primary
                    allowed={admin}
                    run={() => named(() => store.save(wanted, exploration))}
                    tell={(e) => {
                        said.value = e ?? `Saved as “${wanted}”.`;
                        if (e === undefined) {
                            typed.value = undefined;
                            onOpen(wanted);
                        }
                    }}
                >
                    {exists ? `Replace “${wanted}”` : "Save these questions"}
                </Action>
                {name !== "" && wanted !== name && (
                    <Action
                        allowed={admin}
                        run={() => named(() => store.rename(name, wanted))}
                        tell={(e) => {
                            said.value = e ?? `“${name}” is called “${wanted}” now.`;
                            if (e === undefined) {
                                typed.value = undefined;
                                onOpen(wanted);
                            }
                        }}
                    >
                        Rename “{name}”
                    </Action>
                )}
                <p id="dashboard-said" role="status" class="line-note">
                    {wrong || said.value}
                </p>
            </form>}
        </section>
    );
}
