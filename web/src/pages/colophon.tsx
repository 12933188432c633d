/* At the foot of the overview: who measures what here, what is not measured, what would change it. */
import { usePage } from "./context";

export function Colophon() {
    const { session } = usePage();
    const info = session.info.value;
    if (!info) return null;
    const measured = info.capabilities.filter((c) => c.engine !== "");
    const missing = info.capabilities.filter((c) => c.engine === "").map((c) => c.name);
    const hints = info.engines.filter((e) => e.reason !== "");
    return (
        <footer class="colophon">
            <p>
                netsonde {info.version}, one value every {info.intervalMs / 1000} s.{" "}
                {measured.map((c) => `${c.name} by ${c.engine}`).join(", ")}
                {measured.length > 0 && "."}
                {missing.length > 0 && ` Not measured: ${missing.join(", ")}.`}
            </p>
            {hints.map((e) => (
                <p key={e.name}>
                    {e.name}: {e.reason} {e.remedy && <code>{e.remedy}</code>}
                </p>
            ))}
        </footer>
    );
}
