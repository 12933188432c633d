/* What is measured here by what, what is not and why, and the command that adds it. */
import { usePage } from "./context";
import { CopyCommand } from "../widgets/copy";
import { Skeleton } from "../widgets/skeleton";
import { WarningMark } from "../widgets/marks";

const WORDS: Readonly<Record<string, string>> = {
    nic: "counters of network cards",
    dns: "lookups of names",
};

function nameOf(capability: string): string {
    return WORDS[capability] ?? capability.replace(/_/g, " ");
}

function State({ state }: { state: string }) {
    const calls = state === "missing" || state === "limited";
    return (
        <span class={`state state-${state.replace(/\W/g, "-")}`}>
            {calls && <WarningMark />} {state}
        </span>
    );
}

export function Doctor() {
    const info = usePage().session.info.value;
    return (
        <section class="group" aria-labelledby="doctor">
            <h2 id="doctor">Doctor</h2>
            <p class="quiet">
                The same as <code>netsonde doctor</code> says on the host.
            </p>
            {!info ? (
                <Skeleton rows={8} what="what is measured here" />
            ) : (
                <>
                    <div class="table-box" tabIndex={0} role="region" aria-label="Engines">
                        <table class="plain-table">
                            <thead>
                                <tr>
                                    <th scope="col">Engine</th>
                                    <th scope="col">State</th>
                                    <th scope="col">Why, and what to do</th>
                                </tr>
                            </thead>
                            <tbody>
                                {info.engines.map((e) => (
                                    <tr key={e.name}>
                                        <th scope="row">{e.name}</th>
                                        <td>
                                            <State state={e.state} />
                                        </td>
                                        <td>
                                            {e.reason}
                                            {e.remedy && <CopyCommand text={e.remedy} />}
                                        </td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    </div>
                    <div class="table-box" tabIndex={0} role="region" aria-label="Capabilities">
                        <table class="plain-table">
                            <thead>
                                <tr>
                                    <th scope="col">Capability</th>
                                    <th scope="col">By</th>
                                    <th scope="col">State</th>
                                    <th scope="col">Why, and what to do</th>
                                </tr>
                            </thead>
                            <tbody>
                                {info.capabilities.map((c) => (
                                    <tr key={c.name}>
                                        <th scope="row">{nameOf(c.name)}</th>
                                        <td>{c.engine || "nobody"}</td>
                                        <td>
                                            <State state={c.state} />
                                        </td>
                                        <td>
                                            {c.reason}
                                            {c.remedy && <CopyCommand text={c.remedy} />}
                                        </td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    </div>
                </>
            )}
        </section>
    );
}

/* What holds the daemon in. */
export function Sandbox() {
    const sandbox = usePage().session.info.value?.sandbox ?? {};
    const rows = Object.entries(sandbox).filter(
        ([, v]) => typeof v === "string" || typeof v === "boolean",
    );
    if (rows.length === 0) return null;
    return (
        <>
            <h3 class="settings-head">Sandbox in force</h3>
            <dl class="settings-facts">
                {rows.map(([name, v]) => (
                    <div key={name}>
                        <dt>{name.replace(/_/g, " ")}</dt>
                        <dd>{v === true ? "yes" : v === false ? "no" : String(v)}</dd>
                    </div>
                ))}
            </dl>
        </>
    );
}
