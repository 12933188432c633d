/* What a chart over time can be saved as. */
import { useSignal } from "@preact/signals";
import { askedOf, samplesQuery, type ExportFormat } from "../domain/saving";
import { fromToText } from "../domain/units";
import { serverNow } from "../domain/time";
import type { ChartFile, Shown } from "./chart-files";
import { SaveButton, SaveGroup, SaveLink, SaveMenu } from "./save-menu";

const PICTURES: readonly { as: ChartFile; name: string; title: string }[] = [
    { as: "png", name: "PNG", title: "PNG, the picture in this theme" },
    { as: "svg", name: "SVG", title: "SVG, the picture as vectors" },
    { as: "csv", name: "CSV", title: "CSV, the values as drawn" },
];

const SAMPLES: readonly { format: ExportFormat; name: string }[] = [
    { format: "csv", name: "CSV" },
    { format: "json", name: "JSON" },
    { format: "ndjson", name: "NDJSON" },
    { format: "openmetrics", name: "OpenMetrics" },
];

/* shown: asked when something is saved. */
export function SaveChart({ title, shown }: { title: string; shown(): Shown }) {
    return (
        <SaveMenu what={title}>
            {(close) => <Choices shown={shown} close={close} />}
        </SaveMenu>
    );
}

function Choices({ shown, close }: { shown(): Shown; close(): void }) {
    const trouble = useSignal("");
    const { spec, env } = shown();
    const { bounds } = env.source;
    const asked = askedOf(spec);
    const save = async (as: ChartFile) => {
        trouble.value = "";
        try {
            const { saveChart } = await import("./chart-files");
            if (await saveChart(shown(), as)) close();
            else trouble.value = "There is nothing to save yet.";
        } catch {
            trouble.value =
                "It could not be made: the server is gone or was replaced. Reload the page.";
        }
    };
    const all = asked.all.length > 0 && `of every ${asked.all.join(" and ")}`;
    return (
        <>
            <SaveGroup title="As drawn">
                {PICTURES.map((p) => (
                    <SaveButton key={p.as} name={p.name} title={p.title} run={() => save(p.as)} />
                ))}
            </SaveGroup>
            {bounds && asked.metrics.length > 0 && (
                <SaveGroup title="Every stored sample" note={all || undefined}>
                    {SAMPLES.map(({ format, name }) => (
                        <SaveLink
                            key={format}
                            href={
                                env.base + samplesQuery(asked, format, bounds.fromMs, bounds.toMs)
                            }
                            name={name}
                            title={`${name}, every stored sample`}
                        />
                    ))}
                </SaveGroup>
            )}
            <p class="save-note">
                {bounds && fromToText(bounds.fromMs, bounds.toMs, serverNow())}
            </p>
            <p class="line-trouble" role="status">
                {trouble.value}
            </p>
        </>
    );
}
