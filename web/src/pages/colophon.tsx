/* At the foot of the overview: who measures what here, what is not measured, what would change it. */
import { usePage } from "./context";

export function Colophon() {
    const { session } = usePage();
    const info = session.info.value;
    if (!info) return null;
    const plain = (name: string) => name.replace(/_/g, " ");
    const byEngine = new Map<string, string[]>();
    for (const c of info.capabilities)
        byEngine.set(c.engine, [...(byEngine.get(c.engine) ?? []), plain(c.name)]);
    const missing = byEngine.get("") ?? [];
    byEngine.delete("");
    const hints = info.engines.filter((e) => e.reason !== "");
    return (
        <footer class="colophon">
            <p>
                netsonde {info.version}, one value every {info.intervalMs / 1000} s.{" "}
                {[...byEngine].map(([engine, what]) => `By ${engine}: ${what.join(", ")}. `)}
                {missing.length > 0 && `Not measured: ${missing.join(", ")}.`}
            </p>
            {hints.map((e) => (
                <p key={e.name}>
                    {e.name}: {e.reason} {e.remedy && <code>{e.remedy}</code>}
                </p>
            ))}
        </footer>
    );
}
