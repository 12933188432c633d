/* What a chart of points can be saved as: all of it is made here, from what it shows. */
import { useSignal } from "@preact/signals";
import { useEnvironment } from "./environment";
import { SaveButton, SaveGroup, SaveMenu } from "./save-menu";
import type { XySpec } from "./xy-chart";

const FORMATS = [
    { as: "png", name: "PNG", title: "PNG, the picture in this theme" },
    { as: "svg", name: "SVG", title: "SVG, the picture as vectors" },
    { as: "csv", name: "CSV", title: "CSV, the values as drawn" },
    { as: "json", name: "JSON", title: "JSON, the values as drawn" },
] as const;

export type XyFile = (typeof FORMATS)[number]["as"];

export function SaveXy({ spec }: { spec: XySpec }) {
    const env = useEnvironment();
    const trouble = useSignal("");
    const save = async (as: XyFile, close: () => void) => {
        try {
            const { saveXy } = await import("./xy-files");
            await saveXy(spec, env, as);
            close();
        } catch {
            trouble.value =
                "It could not be made: the server is gone or was replaced. Reload the page.";
        }
    };
    return (
        <SaveMenu what={spec.title}>
            {(close) => (
                <>
                    <SaveGroup title="As drawn">
                        {FORMATS.map((f) => (
                            <SaveButton
                                key={f.as}
                                name={f.name}
                                title={f.title}
                                run={() => save(f.as, close)}
                            />
                        ))}
                    </SaveGroup>
                    <p class="line-trouble" role="status">
                        {trouble.value}
                    </p>
                </>
            )}
        </SaveMenu>
    );
}
