/* What is measured here by what, what is not and why, and the command that adds it. */
import { CopyCommand } from "../widgets/copy";
import { WarningMark } from "../widgets/marks";
import { PlainTable } from "../widgets/plain-table";
import { Skeleton } from "../widgets/skeleton";
import { usePage } from "./context";

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

/* Nothing where nothing is to be said. */
function whyOf({ reason, remedy }: { reason: string; remedy: string }) {
    if (!reason && !remedy) return null;
    return (
        <>
            {reason}
            {remedy && <CopyCommand text={remedy} />}
        </>
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
                    <PlainTable
                        label="Engines"
                        heads={["Engine", "State", "Why, and what to do"]}
                        rows={info.engines.map((e) => ({
                            key: e.name,
                            cells: [e.name, <State state={e.state} />, whyOf(e)],
                        }))}
                    />
                    <PlainTable
                        label="Capabilities"
                        heads={["Capability", "By", "State", "Why, and what to do"]}
                        rows={info.capabilities.map((c) => ({
                            key: c.name,
                            cells: [
                                nameOf(c.name),
                                c.engine || "nobody",
                                <State state={c.state} />,
                                whyOf(c),
                            ],
                        }))}
                    />
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
